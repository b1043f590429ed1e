//! CloudWatch Logs, of log groups. What is logged is no part of it: no task here writes any.
//!
//! A group that was only just made may not be described yet: no page says so, and none says otherwise, so a test turns it on.

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::log_group::LogGroupState;
use empire_controller::model::name::{Arn, LOG_GROUPS};
use empire_controller::model::owner::Tags;
use empire_controller::model::service::TaskDefinition;

use super::console::Console;
use super::{FakeAws, State, refuse};

const DESCRIBE: &str = "logs:DescribeLogGroups";
const LIST_TAGS: &str = "logs:ListTagsForResource";
const CREATE: &str = "logs:CreateLogGroup";
const PUT_RETENTION: &str = "logs:PutRetentionPolicy";
const ASSOCIATE_KEY: &str = "logs:AssociateKmsKey";
const TAG: &str = "logs:TagResource";
const UNTAG: &str = "logs:UntagResource";
const DELETE: &str = "logs:DeleteLogGroup";

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
const NAME: usize = 512;
const TAGS: usize = 50;
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>
const RETENTION: [u32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

#[derive(Clone, Debug, Default)]
pub(super) struct Logs {
    /// By name.
    pub(super) groups: BTreeMap<String, LogGroupState>,
    /// When each was made.
    made: BTreeMap<String, u64>,
    /// The seconds for which a new group is not described.
    unseen_for: u64,
}

impl Logs {
    fn existing(&mut self, action: &'static str, name: &str) -> Result<&mut LogGroupState> {
        match self.groups.get_mut(name) {
            Some(found) => Ok(found),
            None => absent(action),
        }
    }

    fn by_arn(&mut self, action: &'static str, arn: &Arn) -> Result<&mut LogGroupState> {
        let mut all = self.groups.values_mut();
        match all.find(|found| found.arn.as_ref() == Some(arn)) {
            Some(found) => Ok(found),
            None => absent(action),
        }
    }

    /// Returns a log group of an App to which containers log, and which is not there.
    pub(super) fn lacking<'a>(&self, content: &'a TaskDefinition) -> Option<&'a String> {
        let mut named = content.log_groups();
        named.find(|name| name.starts_with(LOG_GROUPS) && !self.groups.contains_key(*name))
    }

    fn describe(&self, name: &str, now: u64) -> Option<LogGroupState> {
        let made = self.made.get(name);
        let found = self.groups.get(name);
        found
            .filter(|_| made.is_none_or(|made| now >= made + self.unseen_for))
            .cloned()
    }
}

fn absent<T>(action: &'static str) -> Result<T> {
    let message = "The specified log group does not exist.";
    refuse(action, "ResourceNotFoundException", message)
}

fn invalid<T>(action: &'static str, message: &str) -> Result<T> {
    refuse(action, "InvalidParameterException", message)
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
fn check_name(name: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "_-/.#".contains(c);
    if name.is_empty() || name.len() > NAME || !name.chars().all(is_allowed) || name.starts_with("aws/") {
        return invalid(CREATE, &format!("no name of a log group: {name}"));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_TagResource.html>
fn check_tags(action: &'static str, tags: &Tags) -> Result<()> {
    let is_allowed = |c: char| c.is_alphanumeric() || "_.:/=+-@ ".contains(c);
    let fits = |(key, value): (&_, &_)| {
        let (key, value): (String, String) = (ToString::to_string(key), ToString::to_string(value));
        (1..=128).contains(&key.chars().count())
            && value.chars().count() <= 256
            && key.chars().chain(value.chars()).all(is_allowed)
            && !key.starts_with("aws:")
    };
    if tags.is_empty() || tags.len() > TAGS || !tags.iter().all(fits) {
        return invalid(action, "tags");
    }
    Ok(())
}

/// An alias is refused, and a key of another region: <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html>.
fn check_key(action: &'static str, key: &str) -> Result<()> {
    if !key.starts_with("arn:aws:kms:us-east-1:") || !key.contains(":key/") || key.len() > 256 {
        return invalid(action, &format!("{key} is no ARN of a key"));
    }
    Ok(())
}

#[async_trait]
impl aws::Logs for FakeAws {
    async fn log_group(&self, name: &str) -> Result<Option<LogGroupState>> {
        let found = self.read(DESCRIBE, name, |state| {
            let found = state.logs.describe(name, state.now);
            Ok(found.map(|found| state.echo.log_group(found)))
        })?;
        if found.is_some() {
            self.read(LIST_TAGS, name, |_| Ok(()))?;
        }
        Ok(found)
    }

    async fn log_group_names(&self, prefix: &str) -> Result<Vec<String>> {
        self.read(DESCRIBE, prefix, |state| {
            let logs = &state.logs;
            let all = logs.groups.keys().filter(|name| name.starts_with(prefix));
            let seen = all.filter(|name| logs.describe(name, state.now).is_some());
            Ok(seen.cloned().collect())
        })
    }
}

#[async_trait]
impl aws::LogsWrites for FakeAws {
    async fn create_log_group(&self, name: &str, kms_key: Option<&str>, tags: &Tags) -> Result<()> {
        self.write(CREATE, name.into(), |state| {
            check_name(name)?;
            check_tags(CREATE, tags)?;
            if let Some(key) = kms_key {
                check_key(CREATE, key)?;
            }
            if state.logs.groups.contains_key(name) {
                let message = "The specified log group already exists";
                return refuse(CREATE, "ResourceAlreadyExistsException", message);
            }
            state.logs.groups.insert(name.into(), made(name, kms_key, tags));
            state.logs.made.insert(name.into(), state.now);
            Ok(())
        })
    }

    async fn put_retention_policy(&self, name: &str, days: u32) -> Result<()> {
        self.write(PUT_RETENTION, format!("{name} {days}"), |state| {
            if !RETENTION.contains(&days) {
                return invalid(PUT_RETENTION, &format!("no retention: {days}"));
            }
            state.logs.existing(PUT_RETENTION, name)?.retention_days = Some(days);
            Ok(())
        })
    }

    async fn associate_kms_key(&self, name: &str, key: &str) -> Result<()> {
        self.write(ASSOCIATE_KEY, format!("{name} {key}"), |state| {
            check_key(ASSOCIATE_KEY, key)?;
            state.logs.existing(ASSOCIATE_KEY, name)?.kms_key = Some(key.into());
            Ok(())
        })
    }

    async fn tag_log_group(&self, group: &Arn, tags: &Tags) -> Result<()> {
        self.write(TAG, group.0.clone(), |state| {
            check_tags(TAG, tags)?;
            let found = state.logs.by_arn(TAG, group)?;
            found.tags.extend(tags.clone());
            if found.tags.len() > TAGS {
                return refuse(
                    TAG,
                    "TooManyTagsException",
                    "A resource can have no more than 50 tags.",
                );
            }
            Ok(())
        })
    }

    async fn untag_log_group(&self, group: &Arn, keys: &[&str]) -> Result<()> {
        self.write(UNTAG, group.0.clone(), |state| {
            let found = state.logs.by_arn(UNTAG, group)?;
            found.tags.retain(|key, _| !keys.contains(&key.as_str()));
            Ok(())
        })
    }

    async fn delete_log_group(&self, name: &str) -> Result<()> {
        if !self.lock().logs.groups.contains_key(name) {
            return self.bill(DELETE);
        }
        self.write(DELETE, name.into(), |state| {
            state.logs.groups.remove(name);
            state.logs.made.remove(name);
            Ok(())
        })
    }
}

fn made(name: &str, kms_key: Option<&str>, tags: &Tags) -> LogGroupState {
    LogGroupState {
        name: name.into(),
        arn: Some(Arn(format!(
            "arn:aws:logs:us-east-1:123456789012:log-group:{name}"
        ))),
        retention_days: None,
        kms_key: kms_key.map(Into::into),
        tags: tags.clone(),
    }
}

impl State {
    /// Returns the services whose tasks would not start, for want of a log group that nobody makes for them:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>.
    pub(super) fn without_log_groups(&self) -> Vec<String> {
        let services = self.ecs.services.iter();
        let active = services.filter(|(_, service)| !service.is_draining());
        let lacking = active.filter_map(|((_, name), service)| {
            let content = &self.ecs.definition(service.definition())?.content;
            self.logs
                .lacking(content)
                .map(|group| format!("service {name} logs to {group}, which is not there"))
        });
        lacking.collect()
    }
}

impl FakeAws {
    pub(crate) fn log_group_named(&self, name: &str) -> Option<LogGroupState> {
        self.lock().logs.groups.get(name).cloned()
    }
}

impl Console<'_> {
    /// A log group, to be changed in any way.
    pub(crate) fn log_group(&mut self, name: &str) -> &mut LogGroupState {
        self.state().logs.groups.get_mut(name).unwrap()
    }

    pub(crate) fn make_log_group(&mut self, name: &str, tags: &Tags) {
        let made = made(name, None, tags);
        assert!(self.state().logs.groups.insert(name.into(), made).is_none());
    }

    pub(crate) fn delete_log_group(&mut self, name: &str) {
        assert!(self.state().logs.groups.remove(name).is_some());
    }

    /// New groups are not described for so long.
    pub(crate) fn hide_new_log_groups(&mut self, seconds: u64) {
        self.state().logs.unseen_for = seconds;
    }
}
