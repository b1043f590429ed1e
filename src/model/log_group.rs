//! The log group of an App, in CloudWatch Logs, where its Platform has one made for each.

use super::container::Logging;
use super::name::Arn;
use super::owner::Tags;
use super::service::TaskDefinition;

/// The rule of a Platform for the log groups of its Apps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogGroups {
    /// None are made, and none are looked at.
    #[default]
    None,
    /// One for each App, which stays when that is deleted.
    Kept,
    /// One for each App, which goes with it.
    Deleted,
}

/// The log group that an App is to have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogGroup {
    pub name: String,
    /// `None`: for ever, or as somebody has set it.
    pub retention_days: Option<u32>,
    /// `None`: AWS's own, or as somebody has set it.
    pub kms_key: Option<String>,
    pub tags: Tags,
}

/// A log group that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogGroupState {
    pub name: String,
    /// `None` after the call that made it, which tells none.
    pub arn: Option<Arn>,
    pub retention_days: Option<u32>,
    pub kms_key: Option<String>,
    pub tags: Tags,
}

impl LogGroup {
    /// Returns the group as it is there once it was created: its retention is set by another call.
    pub fn created(&self) -> LogGroupState {
        LogGroupState {
            name: self.name.clone(),
            arn: None,
            retention_days: None,
            kms_key: self.kms_key.clone(),
            tags: self.tags.clone(),
        }
    }
}

impl TaskDefinition {
    /// Returns the log groups that its containers name.
    pub fn log_groups(&self) -> impl Iterator<Item = &String> {
        let logging = self
            .containers()
            .filter_map(|container| container.logging.as_ref());
        logging.filter_map(Logging::group)
    }

    /// Returns true if a container of it logs to the group.
    pub fn logs_to(&self, group: &str) -> bool {
        self.log_groups().any(|named| named == group)
    }
}
