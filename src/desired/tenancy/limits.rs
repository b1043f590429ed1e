//! What the Apps of a namespace may take together: its limits at a Platform, and who comes first.
//!
//! Older Apps come before younger ones. What an App was let in with, or had before there were limits, stays whoever is
//! older: only growth is refused, and there is never more than the limit because somebody grew.

use super::Allowed;
use crate::api::app::App;
use crate::api::platform::{Limits, Platform};
use crate::desired::usage::{Amounts, Usage};
use crate::desired::{NamespaceLabels, place};
use crate::error::Error;

const NO_LIMIT: u64 = u64::MAX;

/// The usages of the Apps of one namespace at one Platform, by age.
#[derive(Clone, Debug, Default)]
pub struct Usages {
    pub older: Vec<Usage>,
    pub own: Usage,
    pub younger: Vec<Usage>,
}

/// Returns true if a Platform limits the Apps of any namespace.
pub fn has_limits(platform: &Platform) -> bool {
    let tenancy = platform.spec.tenancy.as_ref();
    let grants = tenancy.and_then(|tenancy| tenancy.grants.as_ref());
    grants.is_some_and(|grants| grants.iter().any(|grant| grant.limits.is_some()))
}

/// Checks what an App asks for against the limits of its namespace. Returns true if it is let in with more than before, of
/// anything that is limited; `None` if there are no limits.
pub fn check_limits(
    app: &App,
    platform: &Platform,
    namespace: &NamespaceLabels,
    usages: &Usages,
) -> Result<Option<bool>, Error> {
    let allowed = Allowed::to(app, platform, namespace);
    let Some(limits) = allowed.limits() else {
        return Ok(None);
    };
    let own = &usages.own;
    let mut asked = Amounts::each([limits, own.asks, own.keeps]).into_iter();
    if !asked.any(|(_, [limit, asks, keeps])| limit != NO_LIMIT && asks > keeps) {
        return Ok(Some(false));
    }
    let (others, after) = (others(limits, usages), total(&usages.younger));
    let asked = allowed.asked("limits").and_then(Result::ok).unwrap_or_default();
    let namespace = &allowed.name.namespace;
    let mut refusals = Vec::new();
    for (name, [limit, others, asks, keeps, after]) in
        Amounts::each([limits, others, own.asks, own.keeps, after])
    {
        if is_over(limit, others, asks, keeps) {
            let before = others.saturating_sub(after);
            refusals.push(allowed.refusal(
                name,
                &asks.to_string(),
                &format!(
                    "{asked}.{name} gives namespace {namespace} {limit}, of which older Apps take {before} and younger ones \
                     have {after}; this App has {keeps}"
                ),
            ));
        }
    }
    if refusals.is_empty() {
        Ok(Some(true))
    } else {
        Err(Error::OverLimit(refusals.join("; ")))
    }
}

impl Allowed<'_> {
    /// Returns the limits of the namespace: of each the largest that a grant gives it. One that the Platform has nothing of is
    /// none.
    fn limits(&self) -> Option<Amounts> {
        let given: Vec<&Limits> = self
            .grants
            .iter()
            .flatten()
            .filter_map(|selected| selected.grant.limits.as_ref())
            .collect();
        let largest = |of: fn(&Limits) -> Option<i32>| {
            let numbers = given.iter().filter_map(|limits| of(limits));
            let largest = numbers.max().map(|number| number.try_into().unwrap_or_default());
            largest.unwrap_or(NO_LIMIT)
        };
        let place = place(self.platform);
        let limits = Amounts {
            apps: largest(|limits| limits.apps),
            processes: largest(|limits| limits.processes),
            tasks: largest(|limits| limits.tasks),
            cpu: largest(|limits| limits.cpu),
            memory: largest(|limits| limits.memory),
            load_balancers: if place.load_balancing {
                largest(|limits| limits.load_balancers)
            } else {
                NO_LIMIT
            },
            host_ports: if place.host_ports.is_some() {
                largest(|limits| limits.host_ports)
            } else {
                NO_LIMIT
            },
            schedules: largest(|limits| limits.schedules),
        };
        (!given.is_empty()).then_some(limits)
    }
}

/// Returns what all others take: the older ones as much as they ask for, in their turn, and the younger ones as much as they
/// have. An older one that does not fit itself takes what it has, and is in nobody's way.
fn others(limits: Amounts, usages: &Usages) -> Amounts {
    let Usages { older, own, younger } = usages;
    let all = total(older).plus(own.holds).plus(total(younger));
    let taken = older.iter().fold(all, |taken, usage| {
        let others = taken.minus(usage.holds);
        if fits(limits, others, usage) {
            others.plus(usage.asks.or_more(usage.holds))
        } else {
            taken
        }
    });
    taken.minus(own.holds)
}

/// Returns what Apps have.
fn total(usages: &[Usage]) -> Amounts {
    let sum = |sum: Amounts, usage: &Usage| sum.plus(usage.holds);
    usages.iter().fold(Amounts::default(), sum)
}

/// Returns true if nothing that an App grows by goes over its limit, beside what all others take.
fn fits(limits: Amounts, others: Amounts, usage: &Usage) -> bool {
    let mut numbers = Amounts::each([limits, others, usage.asks, usage.keeps]).into_iter();
    !numbers.any(|(_, [limit, others, asks, keeps])| is_over(limit, others, asks, keeps))
}

fn is_over(limit: u64, others: u64, asks: u64, keeps: u64) -> bool {
    limit != NO_LIMIT && asks > keeps && others.saturating_add(asks) > limit
}

#[cfg(test)]
mod tests;
