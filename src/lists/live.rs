//! Lists that are read for the one pass that asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::try_join;

use super::{Found, Lists, LoadBalancing, Schedules, Sought, Wanted, Zones, is_kept, is_kept_for, read_tags};
use crate::aws::{Aws, Result};
use crate::model::name::{self, is_schedule_of, schedule_group, schedule_prefix};
use crate::model::named::Named;
use crate::model::owner::{AppName, Owner};
use crate::model::record::{RecordSet, ownership_name};
use crate::model::shared_map::SharedMap;
use crate::model::state::{LoadBalancerState, ServiceState, ZoneState};

/// Reads each list when it is asked for, whole.
pub struct Live<'a>(pub &'a dyn Aws);

#[async_trait]
impl Zones for Live<'_> {
    fn name(&self, _: &str) -> Option<String> {
        None
    }

    async fn kept(&self, zone: &str, installation: &str) -> Result<Option<Vec<Arc<RecordSet>>>> {
        let records = self.0.list_records(zone).await?.into_iter().flatten();
        let kept = records.filter(|record| is_kept(record, installation));
        Ok(Some(kept.map(Arc::new).collect()))
    }

    fn removed(&self, _: &str, _: &BTreeSet<String>) {}
}

#[async_trait]
impl Lists for Live<'_> {
    async fn services(
        &self,
        cluster: &str,
        app: &AppName,
        (mentioned, _): (&BTreeSet<String>, &BTreeSet<String>),
    ) -> Result<Found<SharedMap<String, ServiceState>>> {
        let prefix = name::family_prefix(app);
        let listed = self.0.list_services(cluster).await?;
        let listed = listed.into_iter().filter(|name| name.starts_with(&prefix));
        let mentioned = mentioned.iter().map(|process| name::family(app, process));
        let names: BTreeSet<String> = listed.chain(mentioned).collect();
        let names: Vec<String> = names.into_iter().collect();
        if names.is_empty() {
            return Ok(Found::default());
        }
        let found = self.0.describe_services(cluster, &names).await?;
        let found = found.into_iter().map(|service| (service.name.clone(), service));
        Ok(Found {
            found: found.collect(),
            fresh: names.into_iter().map(Named::Service).collect(),
        })
    }

    async fn services_now(&self, cluster: &str, names: &[String]) -> Result<Vec<ServiceState>> {
        self.0.describe_services(cluster, names).await
    }

    async fn load_balancers_now(&self, names: &[String]) -> Result<Vec<LoadBalancerState>> {
        self.0.describe_load_balancers_named(names).await
    }

    async fn load_balancing(&self, app: &AppName, _: &Wanted) -> Result<Found<LoadBalancing>> {
        let aws = self.0;
        let prefix = name::load_balancer_prefix(app);
        let (load_balancers, groups) =
            try_join(aws.describe_load_balancers(), aws.describe_target_groups()).await?;
        let load_balancers = load_balancers
            .into_iter()
            .filter(|found| found.name.starts_with(&prefix));
        let groups = groups.into_iter().filter(|found| found.name.starts_with(&prefix));
        let (mut load_balancers, mut groups): (Vec<_>, Vec<_>) = (
            load_balancers.map(Arc::new).collect(),
            groups.map(Arc::new).collect(),
        );
        read_tags(aws, &mut load_balancers, &mut groups).await?;
        Ok(Found::listed(LoadBalancing::of(load_balancers, groups)))
    }

    async fn records(&self, zone: &str, sought: &Sought<'_>) -> Result<Found<Option<ZoneState>>> {
        let Some(mut records) = self.0.list_records(zone).await? else {
            return Ok(Found::default());
        };
        let kept = records.iter().filter(|record| is_kept_for(record, sought.owner));
        let kept = kept.count();
        let mut names = sought.names.clone();
        for record in &records {
            if record
                .target()
                .is_some_and(|target| sought.hosts.contains(&target))
            {
                names.insert(record.name.clone());
            }
            if let Some(name) = record.marks()
                && sought.owner.owns_record_text(&record.text())
            {
                names.insert(name.into());
            }
        }
        let ownership: Vec<String> = names.iter().map(|name| ownership_name(name)).collect();
        names.extend(ownership);
        records.retain(|record| names.contains(&record.name));
        Ok(Found::listed(Some(ZoneState {
            records: records.into_iter().map(Arc::new).collect(),
            is_old: false,
            kept,
        })))
    }

    fn is_young(&self, _: &str) -> bool {
        true
    }

    async fn schedules(&self, owner: &Owner, is_wanted: bool) -> Result<Schedules> {
        let group = schedule_group(&owner.installation);
        let listed = self
            .0
            .list_schedules(&group, &schedule_prefix(&owner.app))
            .await?;
        let names = listed.into_iter().flatten();
        let names: BTreeSet<String> = names.filter(|name| is_schedule_of(owner, name)).collect();
        if !is_wanted && names.is_empty() {
            return Ok(Schedules::default());
        }
        // Asked even if nothing was listed: a group that is being deleted lists nothing.
        let mut group = self.0.get_schedule_group(&group).await?;
        if let Some(group) = &mut group {
            group.tags = self.0.list_schedule_group_tags(&group.arn).await?;
        }
        Ok(Schedules { group, names })
    }
}
