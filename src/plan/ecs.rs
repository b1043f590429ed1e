//! Task definitions and services, and the order in which a running service changes its load balancers.
//!
//! A service moves from one load balancer to another in steps that each wait for the rollout of the one before: first
//! it is attached to both; then the names move (`route53.rs`); when no resolver can still send anyone to the old
//! one, it is detached. Changed content goes first, in an update of its own. Which step is next is read off what the
//! service is attached to, so that a change of mind at any point is planned from where things stand.

use super::elbv2::missing_tags;
use super::view::View;
use super::{Change, Pending, Plan};
use crate::model::desired::{DesiredProcess, LoadBalancing};
use crate::model::name;
use crate::model::service::{Attachment, ServiceUpdate, TaskDefinition};
use crate::model::state::{ServiceState, ServiceStatus};

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    for process in view.processes() {
        let family = name::family(&view.desired.owner.app, process);
        let found = view.observed.services.get(&family);
        let wanted = view.process(process);
        match (wanted, found) {
            (None, None) => {}
            (Some(_), Some(found)) if !view.desired.owner.owns(&found.tags) => {
                plan.foreign(process, &format!("service {family}"));
            }
            (None, Some(found)) if !view.desired.owner.owns(&found.tags) => {}
            (_, Some(found)) if found.status == ServiceStatus::Draining => {
                plan.pending.push(Pending::Draining {
                    process: process.into(),
                    service: family,
                });
            }
            (None, Some(found)) => remove(view, plan, process, found),
            (Some(wanted), None) => create(view, plan, process, wanted),
            (Some(wanted), Some(found)) => Update {
                view,
                process,
                wanted,
                found,
            }
            .plan(plan),
        }
    }
}

/// Names go before the service behind them.
fn remove(view: &View<'_>, plan: &mut Plan, process: &str, found: &ServiceState) {
    let owner = &view.desired.owner;
    let of_process = view
        .observed
        .load_balancers
        .values()
        .filter(|l| owner.process_of(&l.tags) == Some(process));
    let named = of_process
        .filter(|l| view.is_named(&l.name))
        .map(|l| l.name.clone())
        .next();
    match named {
        Some(load_balancer) => plan.pending.push(Pending::Names {
            process: process.into(),
            load_balancer,
        }),
        None => plan.changes.push(Change::DeleteService {
            process: process.into(),
            service: found.name.clone(),
        }),
    }
}

fn create(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &DesiredProcess) {
    let Some(content) = view.wanted_definition(process, wanted) else {
        return;
    };
    register(view, plan, process, wanted, &content);
    let built = wanted
        .load_balancing
        .as_ref()
        .is_none_or(|wanted| view.is_built(wanted));
    if built && is_registered(view, &content) {
        plan.changes.push(Change::CreateService {
            process: process.into(),
            service: wanted.service.clone(),
            attachments: attachments(process, wanted.load_balancing.as_ref()),
            task_definition: content,
        });
    }
}

fn attachments(process: &str, wanted: Option<&LoadBalancing>) -> Vec<Attachment<String>> {
    let attachment = |wanted: &LoadBalancing| Attachment {
        target_group: wanted.target_group.name.clone(),
        container: process.into(),
        container_port: wanted.container_port,
    };
    wanted.map(attachment).into_iter().collect()
}

fn is_registered(view: &View<'_>, content: &TaskDefinition) -> bool {
    view.observed.registered(content, &view.desired.owner).is_some()
}

/// Registers content that is not registered. True if that was tried in this pass, and failed.
fn register(
    view: &View<'_>,
    plan: &mut Plan,
    process: &str,
    wanted: &DesiredProcess,
    content: &TaskDefinition,
) -> bool {
    if is_registered(view, content) {
        return false;
    }
    let (process, content, tags) = (process.into(), content.clone(), wanted.service.tags.clone());
    let change = Change::RegisterTaskDefinition {
        process,
        content,
        tags,
    };
    let refused = view.observed.parked.contains(&change.to_string());
    plan.changes.push(change);
    refused
}

/// One active service of ours and what it should be.
struct Update<'a> {
    view: &'a View<'a>,
    process: &'a str,
    wanted: &'a DesiredProcess,
    found: &'a ServiceState,
}

impl Update<'_> {
    fn plan(&self, plan: &mut Plan) {
        // More than wanted is what a scale-in or a rebalancing looks like: nobody has to wait for that.
        if !self.found.is_rolled_out() || self.found.running < self.found.desired {
            plan.pending.push(Pending::Rollout {
                process: self.process.into(),
                service: self.found.name.clone(),
            });
        }
        let tags = missing_tags(&self.wanted.service.tags, &self.found.tags);
        if !tags.is_empty() {
            plan.changes.push(Change::TagService {
                process: self.process.into(),
                service: self.found.name.clone(),
                tags,
            });
        }
        let wanted = attachments(self.process, self.wanted.load_balancing.as_ref());
        let mut attached = self.view.attached(self.found);
        // One without a load balancer is as good as gone, unless that is being made again.
        attached.retain(|a| {
            let comes_back = wanted.iter().any(|wanted| wanted.target_group == a.target_group);
            comes_back || self.view.in_front_of(&a.target_group).next().is_some()
        });
        match (attached.is_empty(), wanted.is_empty()) {
            (true, true) => self.content(plan, &attached),
            (true, false) => self.expose(plan, wanted),
            (false, true) => self.stop_exposing(plan, &attached),
            (false, false) => self.content(plan, &attached) || self.move_over(plan, &attached, &wanted),
        };
    }

    /// A target group of the service, or its load balancer, has vanished: no rollout can complete before it is taken
    /// out, and ECS refuses to be told of it again.
    fn has_dead_attachments(&self, attached: &[Attachment<String>]) -> bool {
        attached.len() < self.found.attachments.len()
    }

    /// From none to one: everything in one update, once the load balancer can take the traffic.
    fn expose(&self, plan: &mut Plan, attachments: Vec<Attachment<String>>) -> bool {
        let ready = self.wanted.load_balancing.as_ref().is_some_and(|wanted| {
            self.view.is_built(wanted)
                && (self.has_dead_attachments(&[]) || self.view.is_active(&wanted.load_balancer.name))
        });
        if !ready {
            return self.count(plan);
        }
        // A service without target groups reports no grace period to compare with.
        let grace_period = self.wanted.service.settings.grace_period;
        self.switch(
            plan,
            attachments,
            ServiceUpdate {
                grace_period,
                ..self.settings()
            },
        )
    }

    /// From one to none: names away, the wait, then everything in one update. Until then the old content stays, since
    /// the old load balancer needs its port.
    fn stop_exposing(&self, plan: &mut Plan, attached: &[Attachment<String>]) -> bool {
        let held = attached
            .iter()
            .filter(|attachment| self.is_held(plan, attachment))
            .count();
        if held == 0 {
            let settings = ServiceUpdate {
                grace_period: Some(0),
                ..self.settings()
            };
            self.switch(plan, Vec::new(), settings)
        } else {
            self.count(plan)
        }
    }

    /// Task definition, settings and target groups in one update.
    fn switch(&self, plan: &mut Plan, attachments: Vec<Attachment<String>>, update: ServiceUpdate) -> bool {
        let Some(content) = self.view.wanted_definition(self.process, self.wanted) else {
            return self.without_port(plan);
        };
        if self.runs(&content) {
            return self.update(plan, update, None, Some(attachments));
        }
        if is_registered(self.view, &content) {
            return self.update(plan, update, Some(content), Some(attachments));
        }
        self.register(plan, &content)
    }

    /// Task definition and settings. A changed container port moves along in the target groups that stay.
    fn content(&self, plan: &mut Plan, attached: &[Attachment<String>]) -> bool {
        let mut settings = self.settings();
        if attached.is_empty() {
            // Without target groups it is neither sent nor compared.
            settings.grace_period = None;
        }
        let ported: Option<Vec<_>> = self.wanted.load_balancing.as_ref().map(|wanted| {
            let port = wanted.container_port;
            attached
                .iter()
                .map(|a| Attachment {
                    container_port: port,
                    ..a.clone()
                })
                .collect()
        });
        let mut ported = ported.filter(|ported| ported != attached);
        if let Some(wanted) = &self.wanted.load_balancing
            && ported.is_some()
            && !self.view.is_built(wanted)
        {
            self.count(plan);
            return true;
        }
        if attached.is_empty() && self.has_dead_attachments(attached) {
            ported = Some(Vec::new());
            // AWS takes a grace period only with target groups.
            settings.grace_period = Some(0);
        }
        let Some(content) = self.view.wanted_definition(self.process, self.wanted) else {
            return self.without_port(plan);
        };
        if self.runs(&content) {
            let differs = ported.is_some() || !settings.is_empty();
            return differs && self.update(plan, settings, None, ported);
        }
        if is_registered(self.view, &content) {
            return self.update(plan, settings, Some(content), ported);
        }
        self.register(plan, &content)
    }

    /// The settings go with the content: a new percentage would govern the old rollout. But where AWS refuses the
    /// content, scaling goes on.
    fn register(&self, plan: &mut Plan, content: &TaskDefinition) -> bool {
        if register(self.view, plan, self.process, self.wanted, content) {
            self.count(plan);
        }
        true
    }

    /// The content waits for the claim of its host port, and the container ports of its target groups with it, which AWS
    /// would refuse before. The settings, too, if that is a matter of this pass; else scaling goes on.
    fn without_port(&self, plan: &mut Plan) -> bool {
        let claims = |change: &Change| {
            matches!(change, Change::ClaimPort(claim) if claim.owner.process == self.process)
                && !self.view.observed.parked.contains(&change.to_string())
        };
        if !plan.changes.iter().any(claims) {
            self.count(plan);
        }
        true
    }

    /// From one load balancer to another: attach, or detach, and nothing else.
    fn move_over(
        &self,
        plan: &mut Plan,
        attached: &[Attachment<String>],
        wanted: &[Attachment<String>],
    ) -> bool {
        let dead = self.has_dead_attachments(attached);
        if !self.found.is_rolled_out() && !dead {
            return false;
        }
        let has = |name: &str| attached.iter().any(|a| a.target_group == name);
        let missing: Vec<_> = wanted.iter().filter(|a| !has(&a.target_group)).cloned().collect();
        if !missing.is_empty() {
            let ready = self.wanted.load_balancing.as_ref().is_some_and(|wanted| {
                self.view.is_built(wanted) && self.view.is_active(&wanted.load_balancer.name)
            });
            let attachments = if ready {
                [attached, &missing].concat()
            } else {
                attached.to_vec()
            };
            return (ready || dead) && self.update(plan, ServiceUpdate::default(), None, Some(attachments));
        }
        let built = self.wanted.load_balancing.as_ref();
        if !built.is_some_and(|wanted| self.view.is_built(wanted)) {
            return false;
        }
        let is_wanted = |a: &Attachment<String>| wanted.iter().any(|w| w.target_group == a.target_group);
        let stay: Vec<_> = attached
            .iter()
            .filter(|a| is_wanted(a) || self.is_held(plan, a))
            .cloned()
            .collect();
        (dead || stay.len() < attached.len()) && self.update(plan, ServiceUpdate::default(), None, Some(stay))
    }

    /// A name, or a resolver that remembers one, may still send clients to the load balancer before this target group.
    fn is_held(&self, plan: &mut Plan, attachment: &Attachment<String>) -> bool {
        let mut held = false;
        for load_balancer in self.view.in_front_of(&attachment.target_group) {
            let name = &load_balancer.name;
            let named = self.view.is_named(name);
            if !named {
                plan.retiring.insert((self.process.into(), name.clone()));
            }
            let waiting = !named && !self.view.observed.waits_over.contains(name);
            if waiting {
                plan.pending.push(Pending::Retiring {
                    process: self.process.into(),
                    load_balancer: name.clone(),
                });
            }
            held |= named || waiting;
        }
        held
    }

    fn runs(&self, content: &TaskDefinition) -> bool {
        self.view
            .observed
            .running_definition(self.found)
            .is_some_and(|running| &running.content == content)
    }

    /// The settings that are known to differ.
    fn settings(&self) -> ServiceUpdate {
        let (wanted, found) = (&self.wanted.service.settings, self.found);
        let percent = (wanted.minimum_healthy_percent, wanted.maximum_percent);
        ServiceUpdate {
            desired_count: self.differing_count(),
            deployment_percent: differing(percent, found.deployment_percent),
            zone_rebalancing: differing(wanted.zone_rebalancing, found.zone_rebalancing),
            placement: differing(wanted.placement.clone(), found.placement.clone()),
            grace_period: wanted
                .grace_period
                .and_then(|wanted| differing(wanted, found.grace_period)),
            network: wanted
                .network
                .as_ref()
                .and_then(|wanted| differing(wanted.clone(), found.network.clone())),
        }
    }

    fn differing_count(&self) -> Option<u32> {
        self.wanted
            .service
            .quantity
            .filter(|quantity| *quantity != self.found.desired)
    }

    fn count(&self, plan: &mut Plan) -> bool {
        let update = ServiceUpdate {
            desired_count: self.differing_count(),
            ..ServiceUpdate::default()
        };
        !update.is_empty() && self.update(plan, update, None, None)
    }

    fn update(
        &self,
        plan: &mut Plan,
        update: ServiceUpdate,
        task_definition: Option<TaskDefinition>,
        attachments: Option<Vec<Attachment<String>>>,
    ) -> bool {
        plan.changes.push(Change::UpdateService {
            process: self.process.into(),
            service: self.found.name.clone(),
            update,
            task_definition,
            attachments,
        });
        true
    }
}

/// What to send: nothing if it is the same, or if the reply left it out.
fn differing<T: PartialEq>(wanted: T, found: Option<T>) -> Option<T> {
    match found {
        Some(found) if found != wanted => Some(wanted),
        Some(_) | None => None,
    }
}

#[cfg(test)]
mod tests;
