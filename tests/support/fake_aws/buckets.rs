//! AWS's token buckets, on virtual time: each call draws a token of its bucket, and is throttled where there is none.
//!
//! This is AWS's side of them. The figures are those of docs/aws.md, written down a second time on purpose: what the
//! controller believes of AWS must not decide what AWS gives.

use std::collections::{BTreeMap, BTreeSet};

use empire_controller::aws::Result;

use super::{FakeAws, refuse};

/// Fractions of a token that are lost in computing.
const EPSILON: f64 = 1e-4;

/// The size of a bucket.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limit {
    /// As docs/aws.md names it.
    pub(crate) name: &'static str,
    /// The tokens that a full one holds.
    pub(crate) burst: f64,
    /// The tokens that come in a second.
    pub(crate) rate: f64,
}

const fn limit(name: &'static str, burst: f64, rate: f64) -> Limit {
    Limit { name, burst, rate }
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html>,
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html>,
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>
const LIMITS: [Limit; 21] = [
    limit("ecs/service-writes", 50.0, 5.0),
    limit("ecs/service-reads", 100.0, 20.0),
    limit("ecs/registrations", 20.0, 1.0),
    limit("ecs/task-definition-reads", 50.0, 20.0),
    limit("ecs/tags", 20.0, 10.0),
    limit("ecs/task-writes", 100.0, 40.0),
    limit("ecs/task-reads", 100.0, 20.0),
    limit("ecs/cluster-reads", 50.0, 20.0),
    limit("elbv2/reads", 40.0, 10.0),
    limit("elbv2/writes", 20.0, 3.0),
    limit("elbv2/load-balancers", 10.0, 0.2),
    limit("route53/all", 5.0, 5.0),
    limit("scheduler/reads", 50.0, 50.0),
    limit("scheduler/writes", 50.0, 50.0),
    limit("scheduler/groups", 10.0, 10.0),
    // No page of AWS has them.
    limit("autoscaling/reads", 20.0, 10.0),
    limit("autoscaling/writes", 10.0, 5.0),
    // <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html> has 10 a second for DescribeLogGroups,
    // for CreateLogGroup and for DeleteLogGroup, and 5 for AssociateKmsKey.
    limit("logs/reads", 10.0, 10.0),
    limit("logs/writes", 10.0, 5.0),
    // AWS has thousands for both calls that tell of a secret; no page has that of parameters.
    limit("secretsmanager/reads", 50.0, 20.0),
    limit("ssm/reads", 10.0, 3.0),
];

/// Returns the bucket that a call draws on. `None` for claims, which are the API server's.
pub(crate) fn bucket_of(action: &str) -> Option<&'static str> {
    let bucket = match action.split_once(':')? {
        ("ecs", "CreateService" | "UpdateService" | "DeleteService" | "StopServiceDeployment") => {
            "ecs/service-writes"
        }
        ("ecs", "DescribeServices" | "ListServices" | "ListServiceDeployments") => "ecs/service-reads",
        ("ecs", "RegisterTaskDefinition") => "ecs/registrations",
        ("ecs", "DescribeTaskDefinition") => "ecs/task-definition-reads",
        ("ecs", "TagResource" | "UntagResource") => "ecs/tags",
        ("ecs", "RunTask" | "StopTask") => "ecs/task-writes",
        ("ecs", "DescribeTasks" | "ListTasks") => "ecs/task-reads",
        ("ecs", "DescribeClusters" | "DescribeCapacityProviders") => "ecs/cluster-reads",
        ("elasticloadbalancing", "CreateLoadBalancer" | "SetSubnets") => "elbv2/load-balancers",
        ("elasticloadbalancing", call) if call.starts_with("Describe") => "elbv2/reads",
        ("elasticloadbalancing", _) => "elbv2/writes",
        ("route53", _) => "route53/all",
        ("scheduler", "GetSchedule" | "ListSchedules") => "scheduler/reads",
        ("scheduler", "CreateSchedule" | "UpdateSchedule" | "DeleteSchedule") => "scheduler/writes",
        ("scheduler", _) => "scheduler/groups",
        ("application-autoscaling", call) if call.starts_with("Describe") || call.starts_with("List") => {
            "autoscaling/reads"
        }
        ("application-autoscaling", _) => "autoscaling/writes",
        ("logs", "DescribeLogGroups" | "ListTagsForResource") => "logs/reads",
        ("logs", _) => "logs/writes",
        ("secretsmanager", _) => "secretsmanager/reads",
        ("ssm", _) => "ssm/reads",
        ("claims", _) => return None,
        other => unreachable!("no bucket for {other:?}"),
    };
    Some(bucket)
}

/// The buckets that AWS gives, beside those that its pages promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    AsDocumented,
    /// Half of each burst, and of each rate.
    Half,
    /// Somebody else in the account takes every other token as it comes. The buckets are full when it begins.
    SecondTenant,
}

impl Given {
    pub(crate) fn limit(self, name: &str) -> Limit {
        let limit = LIMITS.into_iter().find(|limit| limit.name == name).unwrap();
        let (burst, rate) = match self {
            Given::AsDocumented => (1.0, 1.0),
            Given::Half => (0.5, 0.5),
            Given::SecondTenant => (1.0, 0.5),
        };
        Limit {
            burst: (limit.burst * burst).max(1.0),
            rate: limit.rate * rate,
            ..limit
        }
    }
}

/// A bucket, and what became of its tokens. Times are virtual seconds since the buckets were given.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    pub(crate) limit: Limit,
    tokens: f64,
    /// When they were counted.
    counted: u64,
    /// The tokens that were taken, by time.
    pub(crate) drawn: BTreeMap<u64, usize>,
    /// The calls that found none, by time and action.
    pub(crate) throttled: BTreeMap<(u64, &'static str), usize>,
    /// The last call was turned away: it will come again.
    is_owed: bool,
    /// Seconds in which somebody waited, a token was there, and none was taken for longer than one takes to come.
    pub(crate) idle: BTreeSet<u64>,
}

impl Bucket {
    fn new(limit: Limit) -> Self {
        Bucket {
            limit,
            tokens: limit.burst,
            counted: 0,
            drawn: BTreeMap::new(),
            throttled: BTreeMap::new(),
            is_owed: false,
            idle: BTreeSet::new(),
        }
    }

    fn count(&mut self, time: u64) {
        let seconds = u32::try_from(time - self.counted).unwrap();
        let tokens = self.tokens + self.limit.rate * f64::from(seconds);
        (self.tokens, self.counted) = (tokens.min(self.limit.burst), time);
    }

    fn has_token(&self) -> bool {
        self.tokens + EPSILON >= 1.0
    }

    /// True if there was a token.
    fn draw(&mut self, time: u64, action: &'static str) -> bool {
        self.count(time);
        self.is_owed = !self.has_token();
        if self.is_owed {
            *self.throttled.entry((time, action)).or_default() += 1;
        } else {
            self.tokens -= 1.0;
            *self.drawn.entry(time).or_default() += 1;
        }
        !self.is_owed
    }

    /// Draws a token that is still to come where there is none.
    fn draw_ahead(&mut self, time: u64, action: &'static str) {
        if !self.draw(time, action) {
            self.tokens -= 1.0;
            *self.drawn.entry(time).or_default() += 1;
            self.is_owed = false;
        }
    }

    fn note(&mut self, time: u64, is_waited_for: bool) {
        self.count(time);
        let last = self.drawn.last_key_value().map_or(0, |(last, _)| *last);
        let is_late = f64::from(u32::try_from(time - last).unwrap()) > (1.0 / self.limit.rate).ceil();
        if is_late && self.has_token() && (is_waited_for || self.is_owed) {
            self.idle.insert(time);
        }
    }

    pub(crate) fn used(&self) -> usize {
        self.drawn.values().sum()
    }
}

/// All buckets of the account, since they were given.
#[derive(Clone, Debug)]
pub(crate) struct Buckets {
    given: u64,
    pub(crate) all: BTreeMap<&'static str, Bucket>,
}

impl Buckets {
    /// Returns the number of calls that were throttled, by action.
    pub(crate) fn throttled(&self) -> BTreeMap<&'static str, usize> {
        let mut throttled = BTreeMap::new();
        for ((_, action), calls) in self.all.values().flat_map(|bucket| &bucket.throttled) {
            *throttled.entry(*action).or_default() += calls;
        }
        throttled
    }
}

impl FakeAws {
    /// Has calls draw on full buckets from now on.
    pub(crate) fn give(&self, given: Given) {
        let all = LIMITS.map(|limit| (limit.name, Bucket::new(given.limit(limit.name))));
        *self.buckets.lock().unwrap() = Some(Buckets {
            given: self.now(),
            all: all.into(),
        });
    }

    /// Has calls draw on nothing again. Returns what became of the buckets.
    pub(crate) fn take_buckets(&self) -> Buckets {
        self.buckets.lock().unwrap().take().unwrap()
    }

    /// Notes, at the end of a second, which buckets the controller has calls in line for.
    pub(crate) fn note_waiting(&self, waited_for: &BTreeSet<&str>) {
        let now = self.now();
        let mut buckets = self.buckets.lock().unwrap();
        let Some(Buckets { given, all }) = buckets.as_mut() else {
            return;
        };
        for (name, bucket) in all {
            bucket.note(now - *given, waited_for.contains(name));
        }
    }

    /// Draws a token, if there is one.
    pub(super) fn draw(&self, action: &'static str) -> Result<()> {
        if self.with_bucket_of(action, Bucket::draw).unwrap_or(true) {
            return Ok(());
        }
        let code = match action.split_once(':') {
            Some((
                "ecs" | "scheduler" | "application-autoscaling" | "logs" | "secretsmanager" | "ssm",
                _,
            )) => "ThrottlingException",
            Some(_) | None => "Throttling",
        };
        refuse(action, code, "Rate exceeded")
    }

    /// Draws the tokens of further pages or batches of one call of ours. Where there are none, they are throttled, the SDK
    /// tries them again until they come, and what comes next waits for it: time does not pass in the middle of a call.
    pub(super) fn draw_more(&self, action: &'static str, calls: usize) {
        for _ in 0..calls {
            self.with_bucket_of(action, Bucket::draw_ahead);
        }
    }

    fn with_bucket_of<T>(
        &self,
        action: &'static str,
        draw: impl FnOnce(&mut Bucket, u64, &'static str) -> T,
    ) -> Option<T> {
        let (name, now) = (bucket_of(action)?, self.now());
        let mut buckets = self.buckets.lock().unwrap();
        let Buckets { given, all } = buckets.as_mut()?;
        let bucket = all.get_mut(name)?;
        Some(draw(bucket, now - *given, action))
    }
}
