//! Listeners and their certificates. They change in place, and in an order in which nobody who comes by a name finds
//! none: a redirect follows what it leads to, and what is no longer wanted goes when all that is wanted is there.

use super::Plan;
use super::view::View;
use crate::change::{Change, ListenerWrite, Write};
use crate::model::desired::LoadBalancing;
use crate::model::load_balancer::{Listener, ListenerAction, SECURITY_POLICY};
use crate::model::state::{ListenerState, LoadBalancerState};

pub(super) fn plan(
    view: &View<'_>,
    plan: &mut Plan,
    process: &str,
    wanted: &LoadBalancing,
    load_balancer: &LoadBalancerState,
) {
    let Some(found) = &load_balancer.listeners else {
        return;
    };
    let planner = Planner {
        view,
        process,
        load_balancer,
        found,
    };
    for listener in &wanted.listeners {
        match &listener.action {
            ListenerAction::Forward(group) if view.target_group(group).is_none() => {}
            ListenerAction::RedirectToHttps if !planner.serves(wanted) => {}
            ListenerAction::Forward(_) | ListenerAction::RedirectToHttps => planner.listener(plan, listener),
        }
    }
    if wanted.listeners.iter().all(|listener| planner.is_right(listener)) {
        planner.take_down(plan, wanted);
    }
}

struct Planner<'a> {
    view: &'a View<'a>,
    process: &'a str,
    load_balancer: &'a LoadBalancerState,
    found: &'a [ListenerState],
}

impl Planner<'_> {
    fn listener(&self, plan: &mut Plan, listener: &Listener) {
        let Some(found) = self.at(listener.port) else {
            plan.changes.push(Change::of(
                self.process,
                ListenerWrite::Create {
                    load_balancer: self.load_balancer.name.clone(),
                    listener: listener.clone(),
                },
            ));
            return;
        };
        // First, so that none is missing while another becomes the default.
        let added = self.add_certificates(plan, listener, found);
        if self.differs(listener, found) {
            let displaces = displaces(listener, found) && !self.must_displace(plan, listener, found);
            if self.may_turn(found) && !displaces {
                plan.changes.push(Change::of(
                    self.process,
                    ListenerWrite::Modify {
                        load_balancer: self.load_balancer.name.clone(),
                        listener: listener.clone(),
                    },
                ));
            }
        } else if !added {
            self.remove_certificates(plan, listener, found);
        }
    }

    fn at(&self, port: u16) -> Option<&ListenerState> {
        self.found.iter().find(|found| found.port == port)
    }

    /// Everything that forwards is there with all of its certificates, so that a redirect leads somewhere.
    fn serves(&self, wanted: &LoadBalancing) -> bool {
        let mut forwards = wanted.listeners.iter().filter(|l| l.target_group().is_some());
        forwards.all(|listener| self.is_right(listener))
    }

    fn is_right(&self, listener: &Listener) -> bool {
        self.at(listener.port)
            .is_some_and(|found| !self.differs(listener, found) && found.has_certificates(listener))
    }

    /// Apart from further certificates. What the reply left out is no difference.
    fn differs(&self, listener: &Listener, found: &ListenerState) -> bool {
        let is_other = |wanted: &str, found: &Option<String>| {
            listener.protocol.is_encrypted() && found.as_ref().is_some_and(|found| found != wanted)
        };
        let certificate = listener.default_certificate();
        found.protocol != listener.protocol.as_str()
            || found.action != self.view.action(listener)
            || certificate.is_some_and(|wanted| is_other(wanted, &found.default_certificate))
            || is_other(SECURITY_POLICY, &found.security_policy)
    }

    /// ECS registers tasks only in target groups that somebody forwards to. One whose container port is dropped is
    /// detached first; one that stays is another listener's in the next moment.
    fn may_turn(&self, found: &ListenerState) -> bool {
        let group = found.forwards_to();
        let group = group.and_then(|arn| self.view.observed.target_group_by_arn(arn));
        group.is_none_or(|group| {
            self.view.is_wanted(&group.name) || self.view.is_released(self.process, &group.name)
        })
    }

    fn add_certificates(&self, plan: &mut Plan, listener: &Listener, found: &ListenerState) -> bool {
        let Some(known) = &found.more_certificates else {
            return false;
        };
        let wanted = listener.more_certificates().iter();
        let missing = wanted.filter(|certificate| !known.contains(*certificate));
        let changes: Vec<Change> = missing
            .map(|certificate| {
                Change::of(
                    self.process,
                    ListenerWrite::AddCertificate {
                        load_balancer: self.load_balancer.name.clone(),
                        port: listener.port,
                        certificate: certificate.clone(),
                    },
                )
            })
            .collect();
        let is_missing = !changes.is_empty();
        // What AWS refused for another reason takes no room.
        let (deferred, open): (Vec<_>, Vec<_>) = changes.into_iter().partition(|c| self.view.is_deferred(c));
        plan.changes.extend(deferred);
        match self.room(plan).filter(|room| *room < open.len()) {
            Some(0) => match dispensable(listener, found) {
                // One goes out and one comes in, and the next plan sees what became of it.
                Some(certificate) => {
                    plan.changes.push(self.remove(listener, certificate));
                    plan.changes.extend(open.into_iter().take(1));
                }
                None if displaces(listener, found) => {}
                // Too many are wanted, and AWS says so.
                None => plan.changes.extend(open),
            },
            Some(room) => plan.changes.extend(open.into_iter().take(room)),
            None => plan.changes.extend(open),
        }
        is_missing
    }

    /// True if another default certificate has to come first, though it takes away one that is wanted: nothing else can go,
    /// and then the new default one can leave its other place to it.
    fn must_displace(&self, plan: &Plan, listener: &Listener, found: &ListenerState) -> bool {
        self.room(plan) == Some(0) && dispensable(listener, found).is_none()
    }

    /// Returns the number of certificates that the load balancer still takes; `None` as long as AWS has not said that it is full.
    fn room(&self, plan: &Plan) -> Option<usize> {
        let name = &self.load_balancer.name;
        let limit = self.view.observed.certificate_limits.get(name)?;
        let adds = |change: &&Change| {
            matches!(&change.write, Write::Listener(ListenerWrite::AddCertificate { load_balancer, .. }) if load_balancer == name)
                && !self.view.is_deferred(change)
        };
        let planned = plan.changes.iter().filter(adds).count();
        Some(limit.saturating_sub(self.load_balancer.more_certificates() + planned))
    }

    fn remove_certificates(&self, plan: &mut Plan, listener: &Listener, found: &ListenerState) {
        // The default one may be among them, too: one that has just become it was.
        let known = found.more_certificates.iter().flatten();
        let unwanted = known.filter(|certificate| !listener.certificates.contains(certificate));
        plan.changes
            .extend(unwanted.map(|certificate| self.remove(listener, certificate)));
    }

    fn remove(&self, listener: &Listener, certificate: &str) -> Change {
        Change::of(
            self.process,
            ListenerWrite::RemoveCertificate {
                load_balancer: self.load_balancer.name.clone(),
                port: listener.port,
                certificate: certificate.into(),
            },
        )
    }

    /// Deletes our listeners on ports that no process wants, once no service needs them either.
    fn take_down(&self, plan: &mut Plan, wanted: &LoadBalancing) {
        let owner = &self.view.desired.owner;
        for found in self.found {
            let is_wanted = wanted.listeners.iter().any(|l| l.port == found.port);
            let is_ours = found.tags.as_ref().is_some_and(|tags| owner.owns(tags));
            if !is_wanted && is_ours && self.may_turn(found) {
                plan.changes.push(Change::of(
                    self.process,
                    ListenerWrite::Delete {
                        load_balancer: self.load_balancer.name.clone(),
                        port: found.port,
                    },
                ));
            }
        }
    }
}

/// A certificate that can go before all that are wanted are there: one that is not wanted, or else the default one from its
/// second place, in which it is not needed. The old default one stays until another is in its place.
fn dispensable<'a>(listener: &Listener, found: &'a ListenerState) -> Option<&'a String> {
    let default = found.default_certificate.as_ref();
    let known = || found.more_certificates.iter().flatten();
    let is_unwanted = |certificate: &&String| !listener.certificates.contains(certificate);
    let unwanted = known().find(|certificate| is_unwanted(certificate) && Some(*certificate) != default);
    let is_double =
        |certificate: &&String| Some(*certificate) == default && listener.default_certificate() == default;
    unwanted.or_else(|| known().find(is_double))
}

/// Another default certificate would take away one that is wanted, and is not among the others yet.
fn displaces(listener: &Listener, found: &ListenerState) -> bool {
    let (Some(default), Some(known)) = (&found.default_certificate, &found.more_certificates) else {
        return false;
    };
    listener.more_certificates().contains(default) && !known.contains(default)
}

#[cfg(test)]
mod tests;
