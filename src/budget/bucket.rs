//! AWS's token buckets, as docs/aws.md has them with their sources, and which call draws on which.

/// A token bucket of AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    EcsServiceWrites,
    EcsServiceReads,
    EcsRegistrations,
    EcsTaskDefinitionReads,
    EcsTags,
    EcsTaskWrites,
    EcsTaskReads,
    EcsClusterReads,
    Elbv2Reads,
    Elbv2Writes,
    /// The calls that AWS takes most seldom.
    Elbv2LoadBalancers,
    Route53,
    ScheduleReads,
    ScheduleWrites,
    ScheduleGroups,
    ScalingReads,
    ScalingWrites,
    LogReads,
    LogWrites,
    SecretReads,
    ParameterReads,
}

/// The size of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// The tokens that a full one holds.
    pub burst: f64,
    /// The tokens that it gets a second.
    pub rate: f64,
}

impl Limit {
    const fn new(burst: f64, rate: f64) -> Self {
        Limit { burst, rate }
    }

    /// Returns a share of it. A bucket that holds less than a token would never give one.
    pub(super) fn times(self, share: f64) -> Self {
        Limit {
            burst: (self.burst * share).max(1.0),
            rate: self.rate * share,
        }
    }
}

impl Bucket {
    pub const ALL: [Bucket; 21] = [
        Bucket::EcsServiceWrites,
        Bucket::EcsServiceReads,
        Bucket::EcsRegistrations,
        Bucket::EcsTaskDefinitionReads,
        Bucket::EcsTags,
        Bucket::EcsTaskWrites,
        Bucket::EcsTaskReads,
        Bucket::EcsClusterReads,
        Bucket::Elbv2Reads,
        Bucket::Elbv2Writes,
        Bucket::Elbv2LoadBalancers,
        Bucket::Route53,
        Bucket::ScheduleReads,
        Bucket::ScheduleWrites,
        Bucket::ScheduleGroups,
        Bucket::ScalingReads,
        Bucket::ScalingWrites,
        Bucket::LogReads,
        Bucket::LogWrites,
        Bucket::SecretReads,
        Bucket::ParameterReads,
    ];

    /// Returns the name in messages, flags and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Bucket::EcsServiceWrites => "ecs/service-writes",
            Bucket::EcsServiceReads => "ecs/service-reads",
            Bucket::EcsRegistrations => "ecs/registrations",
            Bucket::EcsTaskDefinitionReads => "ecs/task-definition-reads",
            Bucket::EcsTags => "ecs/tags",
            Bucket::EcsTaskWrites => "ecs/task-writes",
            Bucket::EcsTaskReads => "ecs/task-reads",
            Bucket::EcsClusterReads => "ecs/cluster-reads",
            Bucket::Elbv2Reads => "elbv2/reads",
            Bucket::Elbv2Writes => "elbv2/writes",
            Bucket::Elbv2LoadBalancers => "elbv2/load-balancers",
            Bucket::Route53 => "route53/all",
            Bucket::ScheduleReads => "scheduler/reads",
            Bucket::ScheduleWrites => "scheduler/writes",
            Bucket::ScheduleGroups => "scheduler/groups",
            Bucket::ScalingReads => "autoscaling/reads",
            Bucket::ScalingWrites => "autoscaling/writes",
            Bucket::LogReads => "logs/reads",
            Bucket::LogWrites => "logs/writes",
            Bucket::SecretReads => "secretsmanager/reads",
            Bucket::ParameterReads => "ssm/reads",
        }
    }

    /// Returns what AWS gives every account.
    pub fn limit(self) -> Limit {
        match self {
            Bucket::EcsServiceWrites => Limit::new(50.0, 5.0),
            Bucket::EcsServiceReads | Bucket::EcsTaskReads => Limit::new(100.0, 20.0),
            Bucket::EcsTaskWrites => Limit::new(100.0, 40.0),
            Bucket::EcsRegistrations => Limit::new(20.0, 1.0),
            // Of secrets AWS gives far more, and tasks that start draw on the same.
            Bucket::EcsTaskDefinitionReads | Bucket::EcsClusterReads | Bucket::SecretReads => {
                Limit::new(50.0, 20.0)
            }
            Bucket::EcsTags | Bucket::ScalingReads => Limit::new(20.0, 10.0),
            Bucket::Elbv2Reads => Limit::new(40.0, 10.0),
            Bucket::Elbv2Writes => Limit::new(20.0, 3.0),
            Bucket::Elbv2LoadBalancers => Limit::new(10.0, 0.2),
            Bucket::Route53 => Limit::new(5.0, 5.0),
            Bucket::ScheduleReads | Bucket::ScheduleWrites => Limit::new(50.0, 50.0),
            Bucket::ScheduleGroups | Bucket::LogReads => Limit::new(10.0, 10.0),
            Bucket::ScalingWrites | Bucket::LogWrites => Limit::new(10.0, 5.0),
            Bucket::ParameterReads => Limit::new(10.0, 3.0),
        }
    }

    /// True if the regions of an account share it.
    pub fn is_global(self) -> bool {
        self == Bucket::Route53
    }

    /// Returns the bucket that a call draws on, by the action that IAM must allow. `None` for calls that AWS does not count
    /// there: those to Kubernetes, and the one for a role.
    pub fn of(action: &str) -> Option<Self> {
        let (service, operation) = action.split_once(':')?;
        match service {
            "ecs" => Some(ecs(operation)),
            "elasticloadbalancing" => Some(elbv2(operation)),
            "route53" => Some(Bucket::Route53),
            "scheduler" => Some(scheduler(operation)),
            "application-autoscaling" => Some(scaling(operation)),
            "logs" => Some(logs(operation)),
            "secretsmanager" => Some(Bucket::SecretReads),
            "ssm" => Some(Bucket::ParameterReads),
            _ => None,
        }
    }
}

/// An operation that has no row counts as one of services.
fn ecs(operation: &str) -> Bucket {
    match operation {
        "DescribeServices" | "ListServices" | "ListServiceDeployments" => Bucket::EcsServiceReads,
        "RegisterTaskDefinition" | "DeregisterTaskDefinition" => Bucket::EcsRegistrations,
        "DescribeTaskDefinition" | "ListTaskDefinitions" => Bucket::EcsTaskDefinitionReads,
        "TagResource" | "UntagResource" => Bucket::EcsTags,
        "RunTask" | "StopTask" => Bucket::EcsTaskWrites,
        "DescribeTasks" | "ListTasks" => Bucket::EcsTaskReads,
        "DescribeClusters" | "DescribeCapacityProviders" => Bucket::EcsClusterReads,
        _ if operation.starts_with("Describe") || operation.starts_with("List") => Bucket::EcsServiceReads,
        _ => Bucket::EcsServiceWrites,
    }
}

fn elbv2(operation: &str) -> Bucket {
    match operation {
        "CreateLoadBalancer" | "SetSubnets" => Bucket::Elbv2LoadBalancers,
        _ if operation.starts_with("Describe") => Bucket::Elbv2Reads,
        _ => Bucket::Elbv2Writes,
    }
}

fn scheduler(operation: &str) -> Bucket {
    match operation {
        "CreateScheduleGroup" | "GetScheduleGroup" | "ListTagsForResource" => Bucket::ScheduleGroups,
        "GetSchedule" | "ListSchedules" => Bucket::ScheduleReads,
        _ => Bucket::ScheduleWrites,
    }
}

fn scaling(operation: &str) -> Bucket {
    if operation.starts_with("Describe") || operation.starts_with("List") {
        Bucket::ScalingReads
    } else {
        Bucket::ScalingWrites
    }
}

fn logs(operation: &str) -> Bucket {
    if operation.starts_with("Describe") || operation.starts_with("List") {
        Bucket::LogReads
    } else {
        Bucket::LogWrites
    }
}
