//! The subnets of a load balancer, of which it has one in each availability zone.
//!
//! An application load balancer takes all of them at once. A network load balancer does not take another subnet of a zone
//! in the call that takes the old one away: "Subnet changes within the same Availability Zone must be independent actions",
//! and a removal "can take up to 3 minutes":
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html>. In which zone a subnet is that
//! it does not have, no call of ours tells. So one call is tried; where that is refused, one zone is left at a time, and
//! the subnet comes next that AWS takes: with one subnet fewer than wanted, at least one of those that are missing is in a
//! zone without any.

use super::view::View;
use super::{Pending, Plan};
use crate::change::{Change, LoadBalancerWrite};
use crate::model::load_balancer::{LoadBalancer, LoadBalancerKind};
use crate::model::small_set::SmallSet;
use crate::model::state::LoadBalancerState;

/// Plans the next of the calls that lead from the subnets of a load balancer to those that it should have.
pub(super) fn plan(
    view: &View<'_>,
    plan: &mut Plan,
    process: &str,
    wanted: &LoadBalancer,
    found: &LoadBalancerState,
) {
    let (process, load_balancer) = (process.to_owned(), wanted.name.clone());
    match next(view, wanted, found) {
        Some(subnets) => plan.changes.push(Change::of(
            &process,
            LoadBalancerWrite::SetSubnets {
                load_balancer,
                subnets: subnets.into_iter().collect(),
            },
        )),
        None => plan.pending.push(Pending::ZoneChange {
            process,
            load_balancer,
        }),
    }
}

/// `None` where AWS has not taken any of them yet.
fn next(view: &View<'_>, wanted: &LoadBalancer, found: &LoadBalancerState) -> Option<SmallSet<String>> {
    let taken = view.observed.zones_taken.get(&wanted.name);
    let is_taken = |subnets: &SmallSet<String>| taken.is_some_and(|taken| taken.contains(subnets));
    let (wanted, found, kind) = (&wanted.subnets, &found.subnets, wanted.kind);
    let mut leaving = found.difference(wanted);
    let mut missing = wanted.difference(found);
    let is_step = leaving.clone().next().is_some() && found.len() < wanted.len();
    match kind {
        LoadBalancerKind::Application => return Some(wanted.clone()),
        LoadBalancerKind::Network if !is_step && !is_taken(wanted) => return Some(wanted.clone()),
        LoadBalancerKind::Network => {}
    }
    if found.len() < wanted.len() {
        let with = |subnet: &String| found.iter().chain([subnet]).cloned().collect();
        return missing.find_map(|subnet| Some(with(subnet)).filter(|with| !is_taken(with)));
    }
    let leaves = leaving.next()?;
    Some(found.iter().filter(|subnet| *subnet != leaves).cloned().collect())
}

#[cfg(test)]
mod tests;
