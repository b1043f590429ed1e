//! The load balancers and target groups of an App, and what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;

use crate::aws::{self, Aws};
use crate::model::desired::{self, Desired};
use crate::model::name::{self, Arn};
use crate::model::named::Named;
use crate::model::owner::{Tags, has_no_owner};
use crate::model::state::{ListenerState, LoadBalancerState, Observed, TargetGroupState};

pub(super) type LoadBalancing = (
    BTreeMap<String, LoadBalancerState>,
    BTreeMap<String, TargetGroupState>,
);

/// The load balancers and target groups that are ours, and those that carry a name which we want. A target group may speak
/// of a load balancer for a moment longer than that is there, or that the list of them leaves out.
pub(super) async fn read(aws: &dyn Aws, desired: &Desired) -> aws::Result<LoadBalancing> {
    let prefix = name::load_balancer_prefix(&desired.owner.app);
    let (mut load_balancers, mut groups) =
        try_join(aws.describe_load_balancers(), aws.describe_target_groups()).await?;
    load_balancers.retain(|load_balancer| load_balancer.name.starts_with(&prefix));
    groups.retain(|group| group.name.starts_with(&prefix));
    describe(aws, desired, &Observed::default(), load_balancers, groups).await
}

/// Those that were asked for by name.
pub(super) struct Singles {
    /// The names of the load balancers that were asked for.
    pub asked: Vec<String>,
    /// Every load balancer that is there, whoever owns it.
    pub there: BTreeSet<Arn>,
    pub load_balancers: BTreeMap<String, LoadBalancerState>,
    pub target_groups: BTreeMap<String, TargetGroupState>,
}

/// The same of those with these names, and of load balancers that one of these target groups speaks of. Details that were observed before are not read again.
pub(super) async fn named(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &Observed,
    load_balancers: &[String],
    groups: &[String],
) -> aws::Result<Singles> {
    let groups = aws.describe_target_groups_named(groups).await?;
    let is_open = |arn: &&Arn| {
        let named = arn.name().map(|name| Named::LoadBalancer(name.into()));
        !observed.load_balancers.values().any(|known| known.arn == **arn)
            && named.is_some_and(|named| !observed.fresh.contains(&named))
    };
    let spoken_of = groups.iter().flat_map(|group| &group.load_balancers);
    let spoken_of = spoken_of.filter(is_open).filter_map(Arn::name).map(Into::into);
    let asked: BTreeSet<String> = spoken_of.chain(load_balancers.iter().cloned()).collect();
    let asked: Vec<String> = asked.into_iter().collect();
    let load_balancers = aws.describe_load_balancers_named(&asked).await?;
    let there = load_balancers.iter().map(|found| found.arn.clone()).collect();
    let (load_balancers, target_groups) = describe(aws, desired, observed, load_balancers, groups).await?;
    Ok(Singles {
        asked,
        there,
        load_balancers,
        target_groups,
    })
}

/// Reads tags and details, and leaves out what is neither ours nor wanted.
async fn describe(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &Observed,
    mut load_balancers: Vec<LoadBalancerState>,
    mut groups: Vec<TargetGroupState>,
) -> aws::Result<LoadBalancing> {
    let arns: Vec<Arn> = load_balancers
        .iter()
        .map(|l| &l.arn)
        .chain(groups.iter().map(|g| &g.arn))
        .cloned()
        .collect();
    let mut tags = if arns.is_empty() {
        Vec::new()
    } else {
        aws.describe_tags(&arns).await?
    }
    .into_iter();
    for load_balancer in &mut load_balancers {
        load_balancer.tags = tags.next().unwrap_or_default();
    }
    for group in &mut groups {
        group.tags = tags.next().unwrap_or_default();
    }

    let wanted = |name: &str| {
        let mut processes = desired.processes.values();
        balancing(desired, name).is_some()
            || processes.any(|process| {
                let mut slots = process
                    .load_balancing
                    .iter()
                    .flat_map(|balancing| &balancing.slots);
                slots.any(|slot| slot == name)
            })
    };
    // What is to be changed is looked at more closely.
    let ours = |tags: &Tags| desired.owner.owns(tags);
    let adopted = |tags: &Tags| desired.adopts && has_no_owner(tags);
    let mut found = LoadBalancing::default();
    for mut load_balancer in load_balancers {
        let (tags, wanted) = (&load_balancer.tags, balancing(desired, &load_balancer.name));
        if !ours(tags) && wanted.is_none() {
            continue;
        }
        let (arn, is_changed) = (&load_balancer.arn, ours(tags) || adopted(tags));
        let known = observed.load_balancers.get(&load_balancer.name);
        let known = known.filter(|known| known.arn == *arn);
        if is_changed && (wanted.is_some() || desired.retains) {
            load_balancer.listeners = match known.and_then(|known| known.listeners.clone()) {
                Some(known) => Some(known),
                None => listeners(aws, wanted, arn).await?,
            };
        }
        if is_changed && wanted.is_some_and(|wanted| wanted.load_balancer.attributes.is_some()) {
            load_balancer.attributes = match known.and_then(|known| known.attributes) {
                Some(known) => Some(known),
                None => aws.describe_load_balancer_attributes(arn).await?,
            };
        }
        found.0.insert(load_balancer.name.clone(), load_balancer);
    }
    for mut group in groups {
        let (tags, wanted) = (&group.tags, wanted(&group.name));
        if !ours(tags) && !wanted {
            continue;
        }
        if wanted && (ours(tags) || adopted(tags)) {
            let known = observed.target_groups.get(&group.name);
            let known = known.filter(|known| known.arn == group.arn);
            group.attributes = match known.and_then(|known| known.attributes.clone()) {
                Some(known) => Some(known),
                None => aws.describe_target_group_attributes(&group.arn).await?,
            };
        }
        found.1.insert(group.name.clone(), group);
    }
    Ok(found)
}

fn balancing<'a>(desired: &'a Desired, load_balancer: &str) -> Option<&'a desired::LoadBalancing> {
    let processes = desired.processes.values();
    let mut balancings = processes.filter_map(|process| process.load_balancing.as_ref());
    balancings.find(|balancing| balancing.load_balancer.name == load_balancer)
}

/// Reads the listeners of one load balancer again.
pub(super) async fn listeners_of(
    aws: &dyn Aws,
    desired: &Desired,
    name: &str,
    arn: &Arn,
) -> aws::Result<Option<Vec<ListenerState>>> {
    listeners(aws, balancing(desired, name), arn).await
}

/// Reads the listeners of a load balancer, and the tags of those on ports that nothing wants.
async fn listeners(
    aws: &dyn Aws,
    wanted: Option<&desired::LoadBalancing>,
    load_balancer: &Arn,
) -> aws::Result<Option<Vec<ListenerState>>> {
    let Some(mut found) = aws.describe_listeners(load_balancer).await? else {
        return Ok(None);
    };
    let (of_wanted, mut others): (Vec<_>, Vec<_>) = found.iter_mut().partition(|found| {
        wanted.is_some_and(|wanted| wanted.listeners.iter().any(|l| l.port == found.port))
    });
    for listener in of_wanted {
        if listener.is_encrypted() {
            listener.more_certificates = aws.describe_listener_certificates(&listener.arn).await?;
        }
    }
    if !others.is_empty() {
        let arns: Vec<Arn> = others.iter().map(|listener| listener.arn.clone()).collect();
        let tags = aws.describe_tags(&arns).await?;
        for (listener, tags) in others.iter_mut().zip(tags) {
            listener.tags = Some(tags);
        }
    }
    Ok(Some(found))
}
