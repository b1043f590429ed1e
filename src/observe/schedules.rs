//! The schedules of an App, and the group that they are in.

use std::collections::BTreeMap;

use crate::aws::{self, Aws};
use crate::model::desired::Desired;
use crate::model::name::{is_schedule_of, schedule_group, schedule_prefix};
use crate::model::state::Observed;

pub(super) async fn read(aws: &dyn Aws, desired: &Desired, observed: &mut Observed) -> aws::Result<()> {
    let owner = &desired.owner;
    (observed.schedule_group, observed.schedules) = (None, BTreeMap::new());
    let is_wanted = desired.processes.values().any(|p| p.schedule().is_some());
    if is_wanted {
        observed.cluster = aws.describe_cluster(&desired.place.cluster).await?;
    }
    let group = schedule_group(&owner.installation);
    let listed = aws.list_schedules(&group, &schedule_prefix(&owner.app)).await?;
    let mut names = listed.unwrap_or_default();
    names.retain(|name| is_schedule_of(owner, name));
    if !is_wanted && names.is_empty() {
        return Ok(());
    }
    // Asked even if nothing was listed: a group that is being deleted lists nothing.
    let Some(mut found) = aws.get_schedule_group(&group).await? else {
        return Ok(());
    };
    found.tags = aws.list_schedule_group_tags(&found.arn).await?;
    let is_ours = owner.shares(&found.tags);
    observed.schedule_group = Some(found);
    if is_ours {
        for name in names {
            if let Some(found) = aws.get_schedule(&group, &name).await? {
                observed.schedules.insert(name, found);
            }
        }
    }
    Ok(())
}
