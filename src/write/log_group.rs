//! The door's part about log groups.

use super::{Arns, Refusal, Reply};
use crate::aws::AwsWrites;
use crate::change::{LogGroupStep, LogGroupWrite};
use crate::model::owner::OWNER_TAG;

pub(super) async fn send(
    aws: &dyn AwsWrites,
    write: &LogGroupWrite,
    arns: &Arns<'_>,
) -> Result<Reply, Refusal> {
    let LogGroupWrite { name, step } = write;
    match step {
        LogGroupStep::Create { kms_key, tags } => {
            aws.create_log_group(name, kms_key.as_deref(), tags).await?;
        }
        LogGroupStep::SetRetention(days) => aws.put_retention_policy(name, *days).await?,
        LogGroupStep::AssociateKey(key) => aws.associate_kms_key(name, key).await?,
        LogGroupStep::Tag(tags) => aws.tag_log_group(&arns.log_group(name)?, tags).await?,
        LogGroupStep::Untag => {
            aws.untag_log_group(&arns.log_group(name)?, &[OWNER_TAG]).await?;
        }
        LogGroupStep::Delete => aws.delete_log_group(name).await?,
    }
    Ok(Reply::Done)
}
