//! Schedules of EventBridge Scheduler, as we want them. They carry no tags: the group that they are in does, and says
//! whose installation they are; a schedule's description says which App and process it is for.

use super::owner::Tags;
use super::service::{LaunchType, TaskNetwork};

/// One task at each of its times. An update resets what it leaves out, so every write sends all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    pub name: String,
    /// Whom it is for: as the ownership record of a name.
    pub description: String,
    pub timing: Timing,
    /// What EventBridge Scheduler assumes to start the task.
    pub role_arn: String,
    pub launch_type: LaunchType,
    /// awsvpc only.
    pub network: Option<TaskNetwork>,
    /// Of the task definition, which its tasks take over.
    pub tags: Tags,
}

/// When.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// As AWS reads it: `cron(0 3 * * ? *)`.
    pub expression: String,
    /// Of the IANA database: `Europe/Berlin`.
    pub time_zone: String,
}
