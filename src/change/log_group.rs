//! The writes about the log group of an App.

use std::fmt;

use super::basis::Basis;
use super::tags::{listed, remove_owner};
use super::{Change, Verb, Write};
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::log_group::LogGroup;
use crate::model::named::Named;
use crate::model::owner::Tags;
use crate::model::state::Observed;

/// A write about the log group of that name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogGroupWrite {
    pub name: String,
    pub step: LogGroupStep,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogGroupStep {
    /// Its retention is set by a call of its own.
    Create {
        kms_key: Option<String>,
        tags: Tags,
    },
    /// Days.
    SetRetention(u32),
    /// What is logged from then on is encrypted by it.
    AssociateKey(String),
    Tag(Tags),
    /// Takes the owner away.
    Untag,
    Delete,
}

impl LogGroupWrite {
    pub(super) fn operation(&self) -> &'static str {
        match &self.step {
            LogGroupStep::Create { .. } => "logs:CreateLogGroup",
            LogGroupStep::SetRetention(_) => "logs:PutRetentionPolicy",
            LogGroupStep::AssociateKey(_) => "logs:AssociateKmsKey",
            LogGroupStep::Tag(_) => "logs:TagResource",
            LogGroupStep::Untag => "logs:UntagResource",
            LogGroupStep::Delete => "logs:DeleteLogGroup",
        }
    }

    pub(super) fn verb(&self) -> Verb {
        match &self.step {
            LogGroupStep::Create { .. } => Verb::Created,
            LogGroupStep::Delete => Verb::Deleted,
            LogGroupStep::SetRetention(_)
            | LogGroupStep::AssociateKey(_)
            | LogGroupStep::Tag(_)
            | LogGroupStep::Untag => Verb::Updated,
        }
    }

    pub(super) fn resource(&self) -> String {
        self.name.clone()
    }

    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match &self.step {
            LogGroupStep::Delete | LogGroupStep::Untag => vec![Exclusive::LogGroup(self.name.clone())],
            LogGroupStep::Create { .. }
            | LogGroupStep::SetRetention(_)
            | LogGroupStep::AssociateKey(_)
            | LogGroupStep::Tag(_) => Vec::new(),
        }
    }

    /// A shorter retention deletes what is older, as surely as a deletion of the group does.
    pub(super) fn rests_on(&self) -> Basis {
        match &self.step {
            LogGroupStep::SetRetention(_) | LogGroupStep::Delete | LogGroupStep::Untag => {
                Basis::singly(self.things())
            }
            LogGroupStep::Create { .. } | LogGroupStep::AssociateKey(_) | LogGroupStep::Tag(_) => {
                Basis::Lists
            }
        }
    }

    pub(super) fn things(&self) -> Vec<Named> {
        vec![Named::LogGroup(self.name.clone())]
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let (name, found) = (&self.name, observed.log_group.as_ref()?);
        match &self.step {
            LogGroupStep::SetRetention(days) => Some((
                format!("retention of log group {name}"),
                Echo::new(&[&Some(*days)], &[&found.retention_days]),
            )),
            LogGroupStep::AssociateKey(key) => Some((
                format!("key of log group {name}"),
                Echo::new(&[&Some(key)], &[&found.kms_key]),
            )),
            LogGroupStep::Tag(tags) => Some((
                format!("tags of log group {name}"),
                Echo::new(&[tags], &[&found.tags]),
            )),
            LogGroupStep::Create { .. } | LogGroupStep::Untag | LogGroupStep::Delete => None,
        }
    }

    pub(super) fn fold(&self, observed: &mut Observed) {
        match &self.step {
            LogGroupStep::Create { kms_key, tags } => {
                let made = LogGroup {
                    name: self.name.clone(),
                    retention_days: None,
                    kms_key: kms_key.clone(),
                    tags: tags.clone(),
                };
                observed.log_group = Some(made.created());
            }
            LogGroupStep::Delete => observed.log_group = None,
            LogGroupStep::SetRetention(_)
            | LogGroupStep::AssociateKey(_)
            | LogGroupStep::Tag(_)
            | LogGroupStep::Untag => self.fold_in_place(observed),
        }
    }

    fn fold_in_place(&self, observed: &mut Observed) {
        let Some(state) = &mut observed.log_group else {
            return;
        };
        match &self.step {
            LogGroupStep::Create { .. } | LogGroupStep::Delete => {}
            LogGroupStep::SetRetention(days) => state.retention_days = Some(*days),
            LogGroupStep::AssociateKey(key) => state.kms_key = Some(key.clone()),
            LogGroupStep::Tag(tags) => state.tags.extend(tags.clone()),
            LogGroupStep::Untag => remove_owner(&mut state.tags),
        }
    }
}

impl fmt::Display for LogGroupWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.name;
        match &self.step {
            LogGroupStep::Create { kms_key: None, .. } => write!(f, "create log group {name}"),
            LogGroupStep::Create {
                kms_key: Some(key), ..
            } => write!(f, "create log group {name}, encrypted by {key}"),
            LogGroupStep::SetRetention(days) => write!(f, "keep what is in log group {name} for {days} days"),
            LogGroupStep::AssociateKey(key) => write!(f, "encrypt log group {name} by {key}"),
            LogGroupStep::Tag(tags) => write!(f, "tag log group {name} with {}", listed(tags)),
            LogGroupStep::Untag => write!(f, "untag log group {name} (Retain)"),
            LogGroupStep::Delete => write!(f, "delete log group {name} with all that is in it"),
        }
    }
}

/// All processes that log share it.
impl From<LogGroupWrite> for Change {
    fn from(write: LogGroupWrite) -> Self {
        Change {
            process: None,
            write: Write::LogGroup(write),
        }
    }
}
