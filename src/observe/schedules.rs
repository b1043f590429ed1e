//! The schedules of an App, and the group that they are in.

use std::collections::BTreeSet;

use super::details::Details;
use crate::aws::{self, Aws};
use crate::lists::Lists;
use crate::model::desired::Desired;
use crate::model::name::schedule_group;
use crate::model::named::Named;
use crate::model::shared_map::SharedMap;
use crate::model::state::Observed;

pub(super) async fn read(
    aws: &dyn Aws,
    lists: &dyn Lists,
    desired: &Desired,
    details: &Details,
    observed: &mut Observed,
) -> aws::Result<()> {
    let owner = &desired.owner;
    (observed.schedule_group, observed.schedules) = (None, SharedMap::new());
    let is_wanted = desired.processes.values().any(|p| p.schedule().is_some());
    if is_wanted {
        observed.cluster = match details.cluster() {
            Some(known) => Some(known.clone()),
            None => aws.describe_cluster(&desired.place.cluster).await?,
        };
    }
    let listed = lists.schedules(owner, is_wanted).await?;
    let Some(found) = listed.group else {
        return Ok(());
    };
    let is_ours = owner.shares(&found.tags);
    let group = schedule_group(&owner.installation);
    observed.schedule_group = Some(found);
    if is_ours {
        let mut names = listed.names.clone();
        names.extend(details.schedules().cloned());
        let mut read = BTreeSet::new();
        for name in names {
            let known = details.schedule(&name).filter(|_| listed.names.contains(&name));
            let found = if let Some(known) = known {
                Some(known.clone())
            } else {
                read.insert(Named::Schedule(name.clone()));
                aws.get_schedule(&group, &name).await?
            };
            if let Some(found) = found {
                observed.schedules.insert(name, found);
            }
        }
        observed.fresh.extend(read);
    }
    Ok(())
}
