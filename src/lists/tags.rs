//! The tags of load balancers and target groups, which no list shows.

use crate::aws::{Aws, Result};
use crate::model::name::Arn;
use crate::model::state::{LoadBalancerState, TargetGroupState};

/// Reads the tags of all of these.
pub async fn read_tags(
    aws: &dyn Aws,
    load_balancers: &mut [LoadBalancerState],
    target_groups: &mut [TargetGroupState],
) -> Result<()> {
    let groups = target_groups.iter().map(|found| &found.arn);
    let arns = load_balancers.iter().map(|found| &found.arn).chain(groups);
    let arns: Vec<Arn> = arns.cloned().collect();
    if arns.is_empty() {
        return Ok(());
    }
    let tags = aws.describe_tags(&arns).await?;
    let groups = target_groups.iter_mut().map(|found| &mut found.tags);
    let of = load_balancers
        .iter_mut()
        .map(|found| &mut found.tags)
        .chain(groups);
    for (of, tags) in of.zip(tags) {
        *of = tags;
    }
    Ok(())
}
