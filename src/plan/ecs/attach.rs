//! The target groups that a service is attached to next.
//!
//! A service moves from one load balancer to another in steps that each wait for the rollout of the one before; but the
//! target groups of one load balancer come and go with the container ports that they lead to, and those are content.

use std::collections::BTreeSet;

use super::Update;
use crate::change::{Change, ListenerWrite, TargetGroupWrite, Write};
use crate::model::desired::{LoadBalancing, TARGET_GROUPS_PER_SERVICE};
use crate::model::service::{Attachment, ServiceUpdate, TaskDefinition};
use crate::plan::Plan;

pub(super) fn attachments(process: &str, wanted: Option<&LoadBalancing>) -> Vec<Attachment<String>> {
    let ports = wanted.into_iter().flat_map(|wanted| &wanted.ports);
    ports
        .map(|port| Attachment {
            target_group: port.target_group.name.clone(),
            container: process.into(),
            container_port: port.container_port,
        })
        .collect()
}

/// The attachments with which the wanted content can run, since ECS refuses a container port that it does not map. A
/// wanted target group gets the port that is wanted for it. One of a load balancer on its way out keeps its port as
/// long as that is wanted of any, or else gets the one that has come in its place; without one, nobody is served there.
fn carried_over(
    attached: Vec<Attachment<String>>,
    wanted: &LoadBalancing,
    comes_from: impl Fn(&Attachment<String>) -> bool,
) -> Vec<Attachment<String>> {
    let wants = |port: u16| wanted.ports.iter().any(|wanted| wanted.container_port == port);
    let old: Vec<u16> = attached
        .iter()
        .filter(|a| comes_from(a))
        .map(|a| a.container_port)
        .collect();
    let mut gone: Vec<u16> = Vec::new();
    for port in old.iter().filter(|port| !wants(**port)) {
        if !gone.contains(port) {
            gone.push(*port);
        }
    }
    let new = wanted.ports.iter().map(|port| port.container_port);
    let new: Vec<u16> = new.filter(|port| !old.contains(port)).collect();
    let follows = |port: u16| {
        let index = gone.iter().position(|gone| *gone == port)?;
        new.get(index).copied()
    };
    let port_of = |a: &Attachment<String>| match wanted.container_port(&a.target_group) {
        Some(port) => Some(port),
        None if !comes_from(a) => None,
        None if wants(a.container_port) => Some(a.container_port),
        None => follows(a.container_port),
    };
    let carry = |a: Attachment<String>| port_of(&a).map(|container_port| Attachment { container_port, ..a });
    attached.into_iter().filter_map(carry).collect()
}

fn is_among(all: &[Attachment<String>], a: &Attachment<String>) -> bool {
    all.iter().any(|b| b.target_group == a.target_group)
}

impl Update<'_> {
    /// The target groups that go along with the wanted content: those that are attached, and, where the load balancer
    /// stays, those of container ports that the content running now does not have. `None`: they are about to be made.
    pub(super) fn along_with(
        &self,
        plan: &Plan,
        attached: &[Attachment<String>],
        content: &TaskDefinition,
    ) -> Option<Vec<Attachment<String>>> {
        let Some(balancing) = &self.wanted.load_balancing else {
            return Some(attached.to_vec());
        };
        let stays = |a: &Attachment<String>| self.is_behind(a, &balancing.load_balancer.name);
        let mut along = carried_over(attached.to_vec(), balancing, |a| !stays(a));
        if self.runs(content) || !attached.iter().any(stays) {
            return Some(along);
        }
        let wanted = attachments(self.process, Some(balancing)).into_iter();
        let mut missing = wanted.filter(|a| !is_among(attached, a)).peekable();
        if missing.peek().is_some() {
            if self.view.is_built(balancing) {
                along.extend(missing);
            } else if self.is_being_built(plan) {
                return None;
            }
        }
        Some(along)
    }

    /// In this pass. Where AWS has refused a part of it, the content does not wait for that.
    fn is_being_built(&self, plan: &Plan) -> bool {
        let builds = |change: &&Change| {
            matches!(
                &change.write,
                Write::TargetGroup(TargetGroupWrite::Create { .. })
                    | Write::Listener(ListenerWrite::Create { .. } | ListenerWrite::Modify { .. })
            ) && change.process() == Some(self.process)
        };
        let mut building = plan.changes.iter().filter(builds);
        building.any(|change| !self.view.is_deferred(change))
    }

    /// From one load balancer to another: attach, or detach, and nothing else. Either waits for the last rollout; but what
    /// holds that up may be just the load balancer that is no longer wanted, which then never had a name.
    pub(super) fn move_over(
        &self,
        plan: &mut Plan,
        attached: &[Attachment<String>],
        wanted: &[Attachment<String>],
    ) {
        let Some(balancing) = &self.wanted.load_balancing else {
            return;
        };
        let dead = self.has_dead_attachments(attached);
        let missing: Vec<_> = wanted
            .iter()
            .filter(|a| !is_among(attached, a))
            .cloned()
            .collect();
        let after = if missing.is_empty() {
            let disturbs =
                |a: &Attachment<String>| !self.found.is_rolled_out() && self.view.had_names(&a.target_group);
            let stays = |a: &&Attachment<String>| is_among(wanted, a) || self.is_held(a) || disturbs(a);
            let stay: Vec<_> = attached.iter().filter(stays).cloned().collect();
            // ECS refuses to be told of a target group that no load balancer forwards to.
            if !stay.iter().all(|a| self.is_served(a)) {
                return;
            }
            stay
        } else if (dead || self.found.is_rolled_out())
            && self.view.is_built(balancing)
            && self.view.is_active(&balancing.load_balancer.name)
        {
            let together = [attached, &missing].concat();
            if together.len() <= TARGET_GROUPS_PER_SERVICE {
                together
            } else {
                // A change of mind has left some behind. Which of them had a name is not known once a status is lost, so
                // each one without a name waits as if it had, and goes before the move.
                let stays = |a: &&Attachment<String>| is_among(wanted, a) || self.is_held(a);
                let stay: Vec<_> = together.iter().filter(stays).cloned().collect();
                if stay.len() > TARGET_GROUPS_PER_SERVICE {
                    return;
                }
                stay
            }
        } else {
            attached.to_vec()
        };
        // As many may come as go.
        let moves = dead || after != attached;
        if moves && !self.is_deferred(plan, &self.hash_with(None, Some(&after))) {
            self.update(plan, ServiceUpdate::default(), None, Some(after));
        }
    }

    /// Plans while load balancing is unread, and stays as it is. Content goes on that needs nothing else of it: it
    /// has the container ports to which the target groups of the service lead.
    pub(super) fn beside_load_balancing(&self, plan: &mut Plan, wanted: &[Attachment<String>]) {
        let content = self.view.wanted_definition(self.process, self.wanted);
        let settings = ServiceUpdate {
            grace_period: None,
            ..self.settings()
        };
        match content {
            Some(content) if !self.leads_as(wanted) || self.runs(&content) && settings.is_empty() => {
                self.count(plan);
            }
            Some(content) => self.send(plan, &content, settings, None),
            None => self.without_port(plan),
        }
    }

    /// The target groups of the service lead to the container ports of the wanted ones.
    fn leads_as(&self, wanted: &[Attachment<String>]) -> bool {
        let ports = |ports: &mut dyn Iterator<Item = u16>| ports.collect::<BTreeSet<u16>>();
        let found = &self.found.attachments;
        found.len() == wanted.len()
            && ports(&mut found.iter().map(|a| a.container_port))
                == ports(&mut wanted.iter().map(|a| a.container_port))
    }

    pub(super) fn is_served(&self, attachment: &Attachment<String>) -> bool {
        !self.view.in_front_of(&attachment.target_group).is_empty()
    }

    fn is_behind(&self, attachment: &Attachment<String>, load_balancer: &str) -> bool {
        let mut in_front = self.view.in_front_of(&attachment.target_group).iter();
        in_front.any(|found| found.name == load_balancer)
    }
}
