//! CloudWatch Logs through the SDK: log groups, and for whoever reads them what is in them (`logs/events.rs`).

mod events;

pub use events::{LogEvent, LogPage, LogQuery, LogReader};

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::types as sdk;

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{every_page, text, unless_absent};
use super::{Logs, LogsWrites, Result};
use crate::model::log_group::LogGroupState;
use crate::model::name::Arn;
use crate::model::owner::Tags;

/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>
const PAGE: i32 = 50;
const DESCRIBE: Call = Call::read("logs:DescribeLogGroups");
const LIST_TAGS: Call = Call::read("logs:ListTagsForResource");
const CREATE: Call = Call::create("logs:CreateLogGroup");
// A put sets what a group has that is there.
const PUT_RETENTION: Call = Call::modify("logs:PutRetentionPolicy");
const ASSOCIATE_KEY: Call = Call::modify("logs:AssociateKmsKey");
const TAG: Call = Call::modify("logs:TagResource");
const UNTAG: Call = Call::modify("logs:UntagResource");
const DELETE: Call = Call::delete("logs:DeleteLogGroup");

#[async_trait]
impl Logs for AwsClients {
    /// Groups come in ASCII order, so that the one of exactly that name is the first of those that begin with it:
    /// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogGroups.html>.
    async fn log_group(&self, name: &str) -> Result<Option<LogGroupState>> {
        let reply = self
            .logs
            .describe_log_groups()
            .log_group_name_prefix(name)
            .send()
            .answering(DESCRIBE)
            .await?;
        let mut found = reply.log_groups().iter();
        let Some(found) = found.find(|found| found.log_group_name() == Some(name)) else {
            return Ok(None);
        };
        let arn = arn(found);
        let tags = match &arn {
            Some(arn) => match self.group_tags(arn).await? {
                Some(tags) => tags,
                None => return Ok(None),
            },
            None => Tags::new(),
        };
        Ok(Some(LogGroupState {
            name: name.into(),
            retention_days: found.retention_in_days().and_then(|days| days.try_into().ok()),
            kms_key: text(found.kms_key_id()),
            arn,
            tags,
        }))
    }

    async fn log_group_names(&self, prefix: &str) -> Result<Vec<String>> {
        let list = self
            .logs
            .describe_log_groups()
            .log_group_name_prefix(prefix)
            .limit(PAGE);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(DESCRIBE)
        };
        every_page(DESCRIBE, ask, |page| {
            let groups = page.log_groups.into_iter().flatten();
            (
                Some(groups.filter_map(|found| found.log_group_name).collect()),
                page.next_token,
            )
        })
        .await
    }
}

impl AwsClients {
    /// `None` for a group that is gone.
    async fn group_tags(&self, group: &Arn) -> Result<Option<Tags>> {
        let reply = self
            .logs
            .list_tags_for_resource()
            .resource_arn(&group.0)
            .send()
            .answering(LIST_TAGS)
            .await;
        let pair = |(key, value): (String, String)| (key.into(), value.into());
        Ok(unless_absent(reply)?.map(|reply| {
            let tags = reply.tags.into_iter().flatten();
            tags.map(pair).collect()
        }))
    }
}

/// Returns the ARN by which tags are asked for, which is without the `:*` that `arn` ends with:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogGroup.html>.
fn arn(found: &sdk::LogGroup) -> Option<Arn> {
    let arn = text(found.log_group_arn()).or_else(|| text(found.arn()))?;
    Some(Arn(arn
        .strip_suffix(":*")
        .map_or_else(|| arn.clone(), Into::into)))
}

#[async_trait]
impl LogsWrites for AwsClients {
    async fn create_log_group(&self, name: &str, kms_key: Option<&str>, tags: &Tags) -> Result<()> {
        let pair = |(key, value): (&_, &_)| (ToString::to_string(key), ToString::to_string(value));
        self.logs
            .create_log_group()
            .log_group_name(name)
            .set_kms_key_id(kms_key.map(Into::into))
            .set_tags(Some(tags.iter().map(pair).collect()))
            .send()
            .answering(CREATE)
            .await?;
        Ok(())
    }

    async fn put_retention_policy(&self, name: &str, days: u32) -> Result<()> {
        self.logs
            .put_retention_policy()
            .log_group_name(name)
            .retention_in_days(super::wire::to_i32(days))
            .send()
            .answering(PUT_RETENTION)
            .await?;
        Ok(())
    }

    async fn associate_kms_key(&self, name: &str, key: &str) -> Result<()> {
        self.logs
            .associate_kms_key()
            .log_group_name(name)
            .kms_key_id(key)
            .send()
            .answering(ASSOCIATE_KEY)
            .await?;
        Ok(())
    }

    async fn tag_log_group(&self, group: &Arn, tags: &Tags) -> Result<()> {
        let mut call = self.logs.tag_resource().resource_arn(&group.0);
        for (key, value) in tags {
            call = call.tags(key.to_string(), value.to_string());
        }
        call.send().answering(TAG).await?;
        Ok(())
    }

    async fn untag_log_group(&self, group: &Arn, keys: &[&str]) -> Result<()> {
        self.logs
            .untag_resource()
            .resource_arn(&group.0)
            .set_tag_keys(Some(keys.iter().map(|&key| key.into()).collect()))
            .send()
            .answering(UNTAG)
            .await?;
        Ok(())
    }

    async fn delete_log_group(&self, name: &str) -> Result<()> {
        let reply = self
            .logs
            .delete_log_group()
            .log_group_name(name)
            .send()
            .answering(DELETE)
            .await;
        unless_absent(reply)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
