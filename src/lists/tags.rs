//! The tags of load balancers and target groups, which no list shows.

use std::sync::Arc;

use crate::aws::{Aws, Result};
use crate::model::name::Arn;
use crate::model::state::{LoadBalancerState, TargetGroupState};

/// Reads the tags of all of these.
pub async fn read_tags(
    aws: &dyn Aws,
    load_balancers: &mut [Arc<LoadBalancerState>],
    target_groups: &mut [Arc<TargetGroupState>],
) -> Result<()> {
    let groups = target_groups.iter().map(|found| &found.arn);
    let arns = load_balancers.iter().map(|found| &found.arn).chain(groups);
    let arns: Vec<Arn> = arns.cloned().collect();
    if arns.is_empty() {
        return Ok(());
    }
    let tags = aws.describe_tags(&arns).await?;
    let mut tags = tags.into_iter();
    for (found, tags) in load_balancers.iter_mut().zip(&mut tags) {
        if found.tags != tags {
            Arc::make_mut(found).tags = tags;
        }
    }
    for (found, tags) in target_groups.iter_mut().zip(tags) {
        if found.tags != tags {
            Arc::make_mut(found).tags = tags;
        }
    }
    Ok(())
}
