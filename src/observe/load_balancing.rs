//! The load balancers and target groups of an App, and what hangs on them.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::details::Details;
use crate::aws::{self, Aws};
use crate::lists::{Found, Lists, LoadBalancing, Wanted, read_tags};
use crate::model::desired::{self, Desired};
use crate::model::name::Arn;
use crate::model::named::Named;
use crate::model::owner::{Tags, has_no_owner};
use crate::model::state::{ListenerState, Observed};

/// The load balancers and target groups that are ours, and those that carry a name which we want. A target group may speak
/// of a load balancer for a moment longer than that is there, or that the list of them leaves out.
pub(super) async fn read(
    aws: &dyn Aws,
    lists: &dyn Lists,
    desired: &Desired,
    details: &Details,
) -> aws::Result<Described> {
    let processes = desired.processes.values();
    let balancings = processes.filter_map(|process| process.load_balancing.as_ref());
    let mut wanted = Wanted::default();
    for balancing in balancings {
        wanted.load_balancers.insert(balancing.load_balancer.name.clone());
        let groups = balancing.target_groups().map(|group| group.name.clone());
        wanted.target_groups.extend(groups);
    }
    let Found { found, mut fresh } = lists.load_balancing(&desired.owner.app, &wanted).await?;
    let described = describe(aws, (desired, &BTreeSet::new()), details, are_enough, found).await?;
    fresh.extend(described.fresh);
    Ok(Described { fresh, ..described })
}

/// Load balancers and target groups, with details.
pub(super) struct Described {
    pub found: LoadBalancing,
    /// Those of which something was read by name, and the load balancers whose listeners were read just now.
    pub fresh: BTreeSet<Named>,
}

/// Those that were asked for by name.
pub(super) struct Singles {
    /// The names of the load balancers that were asked for.
    pub asked: Vec<String>,
    /// Every load balancer that is there, whoever owns it.
    pub there: BTreeSet<Arn>,
    pub described: Described,
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
    let mut groups: Vec<_> = groups.into_iter().map(Arc::new).collect();
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
    let mut load_balancers: Vec<_> = load_balancers.into_iter().map(Arc::new).collect();
    let there = load_balancers.iter().map(|found| found.arn.clone()).collect();
    read_tags(aws, &mut load_balancers, &mut groups).await?;
    let found = LoadBalancing::of(load_balancers, groups);
    let left = desired.left_balancers(observed).map(|l| l.name.clone()).collect();
    let details = Details::of(observed, false);
    let described = describe(aws, (desired, &left), &details, |_, _| true, found).await?;
    Ok(Singles {
        asked,
        there,
        described,
    })
}

/// Adds details, those that are known where they are enough, and leaves out what is neither ours nor wanted. Whatever details
/// a list has, another pass left there. The load balancers that are `left` are untagged with their listeners.
async fn describe(
    aws: &dyn Aws,
    (desired, left): (&Desired, &BTreeSet<String>),
    details: &Details,
    are_enough: impl Fn(&[ListenerState], Option<&desired::LoadBalancing>) -> bool,
    mut found: LoadBalancing,
) -> aws::Result<Described> {
    let mut fresh = BTreeSet::new();
    let is_wanted_group = |name: &str| {
        let processes = desired.processes.values();
        let mut slots = processes
            .filter_map(|process| process.load_balancing.as_ref())
            .flat_map(|balancing| &balancing.slots);
        slots.any(|slot| slot == name)
    };
    // What is to be changed is looked at more closely.
    let ours = |tags: &Tags| desired.owner.owns(tags);
    let adopted = |tags: &Tags| desired.adopts && has_no_owner(tags);
    found
        .load_balancers
        .retain(|name, found| ours(&found.tags) || balancing(desired, name).is_some());
    found
        .target_groups
        .retain(|name, found| ours(&found.tags) || is_wanted_group(name));
    let is_read = !details.are_partial();
    for (name, shared) in found.load_balancers.shared_mut() {
        let (tags, wanted) = (&shared.tags, balancing(desired, name));
        let is_changed = is_read && (ours(tags) || adopted(tags));
        let known = details.load_balancer(shared);
        let (mut listeners, mut attributes) = (None, None);
        if is_changed && (wanted.is_some() || desired.retains || left.contains(name)) {
            let known = known.and_then(|known| known.listeners.as_ref());
            listeners = if let Some(known) = known.filter(|known| are_enough(known, wanted)) {
                Some(known.clone())
            } else {
                fresh.insert(Named::Listeners(name.clone()));
                listeners_of(aws, wanted, &shared.arn).await?
            };
        }
        if is_changed && wanted.is_some_and(|wanted| wanted.load_balancer.attributes.is_some()) {
            attributes = match known.and_then(|known| known.attributes) {
                Some(known) => Some(known),
                None => aws.describe_load_balancer_attributes(&shared.arn).await?,
            };
        }
        if (&shared.listeners, shared.attributes) != (&listeners, attributes) {
            let found = Arc::make_mut(shared);
            (found.listeners, found.attributes) = (listeners, attributes);
        }
    }
    for (name, shared) in found.target_groups.shared_mut() {
        let is_changed = is_read && (ours(&shared.tags) || adopted(&shared.tags));
        let attributes = if is_changed && is_wanted_group(name) {
            let known = details.target_group(shared);
            match known.and_then(|known| known.attributes.clone()) {
                Some(known) => Some(known),
                None => aws.describe_target_group_attributes(&shared.arn).await?,
            }
        } else {
            None
        };
        if shared.attributes != attributes {
            Arc::make_mut(shared).attributes = attributes;
        }
    }
    Ok(Described { found, fresh })
}

/// True if as much is known of listeners as their plan needs: what was wanted before was read in another way than what is
/// wanted now.
fn are_enough(known: &[ListenerState], wanted: Option<&desired::LoadBalancing>) -> bool {
    let is_known = |found: &ListenerState| {
        let is_wanted = wanted.is_some_and(|wanted| wanted.listeners.iter().any(|l| l.port == found.port));
        let has_certificates = !found.is_encrypted() || found.more_certificates.is_some();
        if is_wanted {
            has_certificates
        } else {
            found.tags.is_some()
        }
    };
    known.iter().all(is_known)
}

fn balancing<'a>(desired: &'a Desired, load_balancer: &str) -> Option<&'a desired::LoadBalancing> {
    let processes = desired.processes.values();
    let mut balancings = processes.filter_map(|process| process.load_balancing.as_ref());
    balancings.find(|balancing| balancing.load_balancer.name == load_balancer)
}

/// Reads the listeners of load balancers that stay with services which were adopted: which those are, the services say.
pub(super) async fn listeners_left(
    aws: &dyn Aws,
    desired: &Desired,
    observed: &mut Observed,
) -> aws::Result<()> {
    let left = desired.left_balancers(observed).filter(|l| l.listeners.is_none());
    let left: Vec<(String, Arn)> = left.map(|l| (l.name.clone(), l.arn.clone())).collect();
    for (name, arn) in left {
        let listeners = listeners_of(aws, None, &arn).await?;
        if let Some(known) = observed.load_balancers.get_mut(&name) {
            known.listeners = listeners;
        }
        observed.fresh.insert(Named::Listeners(name));
    }
    Ok(())
}

/// Reads the listeners of one load balancer again.
pub(super) async fn listeners_again(
    aws: &dyn Aws,
    desired: &Desired,
    name: &str,
    arn: &Arn,
) -> aws::Result<Option<Vec<ListenerState>>> {
    listeners_of(aws, balancing(desired, name), arn).await
}

/// Reads the listeners of a load balancer, and the tags of those on ports that nothing wants.
async fn listeners_of(
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
