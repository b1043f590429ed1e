//! The load balancers and target groups of an App, and what hangs on them.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join;

use crate::aws::{self, Aws};
use crate::model::desired::{self, Desired};
use crate::model::name::{self, Arn};
use crate::model::owner::{Tags, has_no_owner};
use crate::model::state::{ListenerState, LoadBalancerState, TargetGroupState};

pub(super) type LoadBalancing = (
    BTreeMap<String, LoadBalancerState>,
    BTreeMap<String, TargetGroupState>,
);

/// The load balancers and target groups that are ours, and those that carry a name which we want.
pub(super) async fn read(aws: &dyn Aws, desired: &Desired) -> aws::Result<LoadBalancing> {
    let prefix = name::load_balancer_prefix(&desired.owner.app);
    let (mut load_balancers, mut groups) =
        try_join(aws.describe_load_balancers(), aws.describe_target_groups()).await?;
    // A target group may speak of a load balancer for a moment longer than that is there.
    let there: BTreeSet<Arn> = load_balancers.iter().map(|l| l.arn.clone()).collect();
    for group in &mut groups {
        group.load_balancers.retain(|arn| there.contains(arn));
    }
    load_balancers.retain(|load_balancer| load_balancer.name.starts_with(&prefix));
    groups.retain(|group| group.name.starts_with(&prefix));

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

    let balancings = || {
        let processes = desired.processes.values();
        processes.filter_map(|process| process.load_balancing.as_ref())
    };
    let balancing = |name: &str| balancings().find(|b| b.load_balancer.name == name);
    let wanted = |name: &str| {
        balancing(name).is_some() || balancings().any(|b| b.slots.iter().any(|slot| slot == name))
    };
    // What is to be changed is looked at more closely.
    let ours = |tags: &Tags| desired.owner.owns(tags);
    let adopted = |tags: &Tags| desired.adopts && has_no_owner(tags);
    let mut found = LoadBalancing::default();
    for mut load_balancer in load_balancers {
        let (tags, wanted) = (&load_balancer.tags, balancing(&load_balancer.name));
        if !ours(tags) && wanted.is_none() {
            continue;
        }
        let (arn, is_changed) = (&load_balancer.arn, ours(tags) || adopted(tags));
        if is_changed && (wanted.is_some() || desired.retains) {
            load_balancer.listeners = listeners(aws, wanted, arn).await?;
        }
        if is_changed && wanted.is_some_and(|wanted| wanted.load_balancer.attributes.is_some()) {
            load_balancer.attributes = aws.describe_load_balancer_attributes(arn).await?;
        }
        found.0.insert(load_balancer.name.clone(), load_balancer);
    }
    for mut group in groups {
        let (tags, wanted) = (&group.tags, wanted(&group.name));
        if !ours(tags) && !wanted {
            continue;
        }
        if wanted && (ours(tags) || adopted(tags)) {
            group.attributes = aws.describe_target_group_attributes(&group.arn).await?;
        }
        found.1.insert(group.name.clone(), group);
    }
    Ok(found)
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
