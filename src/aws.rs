//! The AWS calls that we make, and no others, in our own vocabulary.
//!
//! Reads and writes are traits of their own, and only the door ([`crate::write`]) is given the second.
//!
//! One method is one kind of call; paging and batches are inside, a write is exactly one call. Each trait has two
//! implementations: the SDK's, in the files below, and the strict in-memory AWS of the tests. Reads leave out what does
//! not exist; deletes succeed on what is gone.

mod answer;
mod attempt;
mod clients;
mod credentials;
mod deadline;
mod ecs;
mod elbv2;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod logs;
mod meter;
mod rates;
#[cfg(test)]
pub(crate) mod replay;
mod route53;
mod scaling;
mod scheduler;
mod secrets;
#[cfg(any(test, fuzzing))]
mod unconnected;
mod wire;

pub use answer::{Subject, concerning, subject, writing};
pub use clients::{AwsClients, AwsSettings, Connections, Role, Zones};
pub use deadline::{in_time, within};
pub use error::{AwsError, Fault};
pub use logs::{LogEvent, LogPage, LogQuery, LogReader};
pub use rates::{Caller, Kind, answered, attempted, calling, in_turn};
pub use wire::Pages;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, LoadBalancer, LoadBalancerAttributes, TargetGroup,
    TargetGroupAttributes,
};
use crate::model::log_group::LogGroupState;
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::record::{RecordChange, RecordSet};
use crate::model::release::{Started, TaskRequest, TaskState};
use crate::model::rollout::ServiceDeployment;
use crate::model::scaling::{Range, ScalableTargetState, ScalingPolicy, ScheduledAction};
use crate::model::schedule::{Schedule, ScheduleGroup, ScheduleGroupState, ScheduleState, ScheduleTarget};
use crate::model::secret::SecretState;
use crate::model::service::{Attachment, CapacityProviderKind, Service, ServiceUpdate, TaskDefinition};
use crate::model::state::{
    ListenerState, LoadBalancerState, ServiceState, TargetGroupState, TaskDefinitionState,
};

/// The pages of a zone's record sets. Each is told by the name, the type and the identifier that it begins with.
pub type RecordPages = Pages<RecordSet, (Option<String>, Option<String>, Option<String>)>;

pub type Result<T> = std::result::Result<T, AwsError>;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/>
#[async_trait]
pub trait Ecs: Send + Sync {
    /// The names of the services of a cluster; draining ones may be missing.
    async fn list_services(&self, cluster: &str) -> Result<Vec<String>>;
    /// The named services, with tags, ten a call. Absent and inactive ones are left out.
    async fn describe_services(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>>;
    /// The ARN of a cluster, given that or its name; `None` if there is none, or none that is active.
    async fn describe_cluster(&self, cluster: &str) -> Result<Option<Arn>>;
    /// The kinds of the named capacity providers, 100 a call. Absent ones are left out.
    async fn capacity_provider_kinds(
        &self,
        names: &[String],
    ) -> Result<BTreeMap<String, CapacityProviderKind>>;
    /// By ARN, or the newest active revision of a family; with tags.
    async fn describe_task_definition(&self, arn_or_family: &str) -> Result<Option<TaskDefinitionState>>;
    /// ECS's records of a service's rollouts, newest first. Empty where the endpoint, an emulator, keeps none.
    async fn list_service_deployments(&self, cluster: &str, service: &str) -> Result<Vec<ServiceDeployment>>;
    /// The tasks of a family, those included that have stopped within the hour.
    async fn list_tasks(&self, cluster: &str, family: &str) -> Result<Vec<Arn>>;
    /// 100 a call. Absent ones are left out, such as those that stopped more than an hour ago.
    async fn describe_tasks(&self, cluster: &str, tasks: &[Arn]) -> Result<Vec<TaskState>>;
}

#[async_trait]
pub trait EcsWrites: Send + Sync {
    /// Not retried by the SDK: there is no name to collide on, so a lost reply would register a second revision.
    async fn register_task_definition(
        &self,
        content: &TaskDefinition,
        tags: &Tags,
    ) -> Result<TaskDefinitionState>;
    /// Sends an absent quantity as one task.
    async fn create_service(
        &self,
        cluster: &str,
        service: &Service,
        task_definition: &Arn,
        attachments: &[Attachment<Arn>],
    ) -> Result<ServiceState>;
    async fn update_service(
        &self,
        cluster: &str,
        name: &str,
        update: &ServiceUpdate,
        task_definition: Option<&Arn>,
        attachments: Option<&[Attachment<Arn>]>,
    ) -> Result<ServiceState>;
    /// Forced, so that its tasks need not be scaled away first. The service drains before it is gone.
    async fn delete_service(&self, cluster: &str, name: &str) -> Result<()>;
    async fn tag_service(&self, service: &Arn, tags: &Tags) -> Result<()>;
    /// Takes the tags with these keys away.
    async fn untag_service(&self, service: &Arn, keys: &[&str]) -> Result<()>;
    /// Ends one that is under way: the service goes back to what was complete before.
    async fn stop_service_deployment(&self, deployment: &Arn) -> Result<()>;
    /// Starts one task, or finds the one that a call with this token has started before.
    async fn run_task(&self, cluster: &str, request: &TaskRequest) -> Result<Started>;
    async fn stop_task(&self, cluster: &str, task: &Arn, reason: &str) -> Result<()>;
}

/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/>
#[async_trait]
pub trait Elbv2: Send + Sync {
    /// Gives all load balancers of the region to `keep`, without tags and listeners: page by page, since all of them take much
    /// memory.
    async fn each_load_balancer(&self, keep: &mut (dyn FnMut(LoadBalancerState) + Send)) -> Result<()>;
    /// All load balancers of the region, likewise.
    async fn describe_load_balancers(&self) -> Result<Vec<LoadBalancerState>> {
        let mut all = Vec::new();
        self.each_load_balancer(&mut |found| all.push(found)).await?;
        Ok(all)
    }
    /// The named ones that exist, without tags and listeners; one call each, since one missing name fails a whole call.
    async fn describe_load_balancers_named(&self, names: &[String]) -> Result<Vec<LoadBalancerState>>;
    /// Gives all target groups of the region to `keep`, without tags and attributes: page by page, likewise.
    async fn each_target_group(&self, keep: &mut (dyn FnMut(TargetGroupState) + Send)) -> Result<()>;
    /// All target groups of the region, likewise.
    async fn describe_target_groups(&self) -> Result<Vec<TargetGroupState>> {
        let mut all = Vec::new();
        self.each_target_group(&mut |found| all.push(found)).await?;
        Ok(all)
    }
    /// The named ones that exist, without tags and attributes; one call each, since one missing name fails a whole call.
    async fn describe_target_groups_named(&self, names: &[String]) -> Result<Vec<TargetGroupState>>;
    /// Tags of load balancers, target groups and listeners, 20 a call, in the order asked for; empty for one that is gone.
    async fn describe_tags(&self, arns: &[Arn]) -> Result<Vec<Tags>>;
    /// `None` if the load balancer is gone.
    async fn describe_listeners(&self, load_balancer: &Arn) -> Result<Option<Vec<ListenerState>>>;
    /// `None` if the load balancer is gone, or has none that we set.
    async fn describe_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
    ) -> Result<Option<LoadBalancerAttributes>>;
    /// The certificates besides the default one. `None` if the listener is gone.
    async fn describe_listener_certificates(&self, listener: &Arn) -> Result<Option<BTreeSet<String>>>;
    /// `None` if the target group is gone.
    async fn describe_target_group_attributes(
        &self,
        target_group: &Arn,
    ) -> Result<Option<TargetGroupAttributes>>;
}

#[async_trait]
pub trait Elbv2Writes: Send + Sync {
    /// Its attributes are AWS's defaults until they are modified: no create call takes them.
    async fn create_load_balancer(&self, load_balancer: &LoadBalancer) -> Result<LoadBalancerState>;
    async fn set_subnets(&self, load_balancer: &Arn, subnets: &[String]) -> Result<()>;
    async fn set_security_groups(&self, load_balancer: &Arn, security_groups: &[String]) -> Result<()>;
    async fn modify_load_balancer_attributes(
        &self,
        load_balancer: &Arn,
        attributes: LoadBalancerAttributes,
    ) -> Result<()>;
    async fn delete_load_balancer(&self, load_balancer: &Arn) -> Result<()>;

    /// Its attributes are AWS's defaults until they are modified: no create call takes them.
    async fn create_target_group(&self, target_group: &TargetGroup) -> Result<TargetGroupState>;
    async fn modify_target_group(&self, target_group: &Arn, check: &HealthCheck) -> Result<()>;
    async fn modify_target_group_attributes(
        &self,
        target_group: &Arn,
        attributes: &TargetGroupAttributes,
    ) -> Result<()>;
    async fn delete_target_group(&self, target_group: &Arn) -> Result<()>;

    async fn create_listener(
        &self,
        load_balancer: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState>;
    /// Sets protocol, default certificate, security policy and action.
    async fn modify_listener(
        &self,
        arn: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState>;
    async fn delete_listener(&self, arn: &Arn) -> Result<()>;
    /// One a call: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_AddListenerCertificates.html>.
    async fn add_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()>;
    async fn remove_listener_certificate(&self, listener: &Arn, certificate: &str) -> Result<()>;

    /// At most 20 resources a call.
    async fn add_tags(&self, arns: &[Arn], tags: &Tags) -> Result<()>;
    /// Takes the tags with these keys away, from at most 20 resources a call.
    async fn remove_tags(&self, arns: &[Arn], keys: &[&str]) -> Result<()>;
}

/// <https://docs.aws.amazon.com/Route53/latest/APIReference/>
#[async_trait]
pub trait Route53: Send + Sync {
    /// The zone's name, normalized; `None` if there is no such zone.
    async fn zone_name(&self, zone_id: &str) -> Result<Option<String>>;
    /// Every record set of a zone; `None` if there is no such zone.
    async fn list_records(&self, zone_id: &str) -> Result<Option<Vec<RecordSet>>> {
        let mut pages = RecordPages::default();
        while let Some(more) = self.list_more_records(zone_id, &mut pages).await? {
            if !more {
                return Ok(Some(pages.take_items()));
            }
        }
        Ok(None)
    }
    /// Adds one page to those that were read. True if another one follows; `None` if there is no such zone.
    async fn list_more_records(&self, zone_id: &str, pages: &mut RecordPages) -> Result<Option<bool>>;
    /// The record sets of one name and of its ownership name, which sort next to each other.
    async fn list_name(&self, zone_id: &str, name: &str) -> Result<Vec<RecordSet>>;
}

#[async_trait]
pub trait Route53Writes: Send + Sync {
    /// One atomic batch.
    async fn change_records(&self, zone_id: &str, changes: &[RecordChange]) -> Result<()>;
}

/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/>
#[async_trait]
pub trait Scheduler: Send + Sync {
    /// Without tags; `None` if there is no such group.
    async fn get_schedule_group(&self, name: &str) -> Result<Option<ScheduleGroupState>>;
    /// Empty for a group that is gone.
    async fn list_schedule_group_tags(&self, group: &Arn) -> Result<Tags>;
    /// The names in a group that begin so; `None` if there is no such group.
    async fn list_schedules(&self, group: &str, prefix: &str) -> Result<Option<Vec<String>>>;
    async fn get_schedule(&self, group: &str, name: &str) -> Result<Option<ScheduleState>>;
}

#[async_trait]
pub trait SchedulerWrites: Send + Sync {
    async fn create_schedule_group(&self, group: &ScheduleGroup) -> Result<Arn>;
    async fn create_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()>;
    async fn update_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()>;
    async fn delete_schedule(&self, group: &str, name: &str) -> Result<()>;
}

/// Application Auto Scaling, of the task counts of services:
/// <https://docs.aws.amazon.com/autoscaling/application/APIReference/>.
#[async_trait]
pub trait AutoScaling: Send + Sync {
    /// The scalable targets of the named services that have one, 50 a call; with tags, scheduled actions, and the policies
    /// that have names of ours.
    async fn scalable_targets(
        &self,
        cluster: &str,
        services: &[String],
    ) -> Result<BTreeMap<String, ScalableTargetState>>;
}

#[async_trait]
pub trait AutoScalingWrites: Send + Sync {
    /// Makes a scalable target with these tags, or sets the range of the one that is there, whose tags stay: no call may tag
    /// both. Returns its ARN, unless the endpoint, an emulator, tells none.
    async fn register_scalable_target(
        &self,
        cluster: &str,
        service: &str,
        range: Range,
        tags: Option<&Tags>,
    ) -> Result<Option<Arn>>;
    /// Its policies and scheduled actions go with it.
    async fn deregister_scalable_target(&self, cluster: &str, service: &str) -> Result<()>;
    async fn tag_scalable_target(&self, target: &Arn, tags: &Tags) -> Result<()>;
    /// Takes the tags with these keys away.
    async fn untag_scalable_target(&self, target: &Arn, keys: &[&str]) -> Result<()>;
    /// Makes it, or sets all of it.
    async fn put_scaling_policy(&self, cluster: &str, service: &str, policy: &ScalingPolicy) -> Result<()>;
    async fn delete_scaling_policy(&self, cluster: &str, service: &str, name: &str) -> Result<()>;
    /// Makes it, or sets all of it.
    async fn put_scheduled_action(
        &self,
        cluster: &str,
        service: &str,
        name: &str,
        action: &ScheduledAction,
    ) -> Result<()>;
    async fn delete_scheduled_action(&self, cluster: &str, service: &str, name: &str) -> Result<()>;
}

/// CloudWatch Logs, of log groups: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/>.
#[async_trait]
pub trait Logs: Send + Sync {
    /// The log group of exactly that name, with tags; `None` if there is none.
    async fn log_group(&self, name: &str) -> Result<Option<LogGroupState>>;
    /// The names of all groups that begin so.
    async fn log_group_names(&self, prefix: &str) -> Result<Vec<String>>;
}

#[async_trait]
pub trait LogsWrites: Send + Sync {
    /// What is in it is kept for ever until a retention is put: no create call takes one.
    async fn create_log_group(&self, name: &str, kms_key: Option<&str>, tags: &Tags) -> Result<()>;
    /// Whole days. What is older is deleted.
    async fn put_retention_policy(&self, name: &str, days: u32) -> Result<()>;
    /// For what is logged from then on.
    async fn associate_kms_key(&self, name: &str, key: &str) -> Result<()>;
    async fn tag_log_group(&self, group: &Arn, tags: &Tags) -> Result<()>;
    /// Takes the tags with these keys away.
    async fn untag_log_group(&self, group: &Arn, keys: &[&str]) -> Result<()>;
    /// With all that is in it.
    async fn delete_log_group(&self, name: &str) -> Result<()>;
}

/// Secrets Manager and the parameters of SSM, of which no call of ours reads a value:
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/>,
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/>.
#[async_trait]
pub trait SecretNames: Send + Sync {
    /// By name or whole ARN; `None` if there is none.
    async fn describe_secret(&self, name_or_arn: &str) -> Result<Option<SecretState>>;
    /// What tells one value from the next of each of the named parameters that there are, 50 a call.
    async fn parameter_versions(&self, names: &[String]) -> Result<BTreeMap<String, String>>;
}

/// Reads everything that one Platform's Apps may have.
pub trait Aws: Ecs + Elbv2 + Route53 + Scheduler + AutoScaling + Logs + SecretNames {}
impl<T: Ecs + Elbv2 + Route53 + Scheduler + AutoScaling + Logs + SecretNames> Aws for T {}

/// Writes all of it: for the door alone.
pub trait AwsWrites:
    EcsWrites + Elbv2Writes + Route53Writes + SchedulerWrites + AutoScalingWrites + LogsWrites
{
}
impl<T: EcsWrites + Elbv2Writes + Route53Writes + SchedulerWrites + AutoScalingWrites + LogsWrites> AwsWrites
    for T
{
}

/// An account in a region, as one Platform's role may use it.
pub trait Account: Aws + AwsWrites {}
impl<T: Aws + AwsWrites> Account for T {}
