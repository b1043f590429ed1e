//! Task definitions and services, and the order in which a running service changes its load balancers.
//!
//! A service moves from one load balancer to another in steps that each wait for the rollout of the one before: first
//! it is attached to both; then the names move (`route53.rs`); when no resolver can still send anyone to the old
//! one, it is detached. Changed content goes first, in an update of its own. Which step is next is read off what the
//! service is attached to, so that a change of mind at any point is planned from where things stand.

mod attach;
mod deadline;
mod hash;
mod rollout;
mod secrets;
mod send;
mod settings;

use self::attach::attachments;
pub use self::deadline::{deadline, note_progress};
use super::echo::without_echoes;
use super::view::View;
use super::{Obstacle, ObstacleKind, Pending, Plan, adopted, route53};
use crate::change::{Change, PortWrite, Registration, ScalingStep, ScalingWrite, ServiceWrite, Write};
use crate::model::content::tagged;
use crate::model::desired::DesiredProcess;
use crate::model::exclusive::Exclusive;
use crate::model::name;
use crate::model::owner::missing_tags;
use crate::model::part::Part;
use crate::model::service::{Attachment, Capacity, Service, ServiceUpdate, TaskDefinition};
use crate::model::state::{ServiceState, ServiceStatus};

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    if view.is_unread(&Part::Ecs) {
        // What is remembered of rollouts is all there is.
        plan.rollouts.clone_from(&view.observed.rollouts);
        return;
    }
    for process in view.processes() {
        let family = name::family(&view.desired.owner.app, process);
        let found = view.observed.services.get(&family);
        let wanted = view.process(process);
        let service = wanted.and_then(|wanted| Some((wanted, wanted.service()?)));
        match (service, found) {
            (None, None) => {}
            (Some((_, service)), Some(found)) if !view.desired.owner.owns(&found.tags) => {
                not_ours(view, plan, process, service, found);
            }
            (None, Some(found)) if !view.desired.owner.owns(&found.tags) => {}
            (_, Some(found)) if found.status == ServiceStatus::Draining => {
                plan.pending.push(Pending::Draining {
                    process: process.into(),
                    service: family,
                });
            }
            (None, Some(found)) => remove(view, plan, process, found),
            (Some((wanted, service)), None) => create(view, plan, process, wanted, service),
            (Some((wanted, service)), Some(found)) => Update {
                view,
                process,
                wanted,
                service,
                found,
            }
            .plan_all(plan),
        }
        if let (Some(wanted), None) = (wanted, service) {
            register(view, plan, process, wanted, &wanted.task_definition);
        }
    }
}

/// Refuses to take over a service with settings that cannot be changed.
fn not_ours(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &Service, found: &ServiceState) {
    let what = format!("service {}", found.name);
    let awaited = Exclusive::Service(found.name.clone());
    if !view.may_adopt(&found.tags) {
        return plan.foreign(process, &what, &view.advice(&found.tags), awaited);
    }
    let mut wrong: Vec<String> = found.unlike_ours.clone();
    if let (Some(launch_type), Capacity::LaunchType(wanted)) = (found.launch_type, &wanted.capacity)
        && launch_type != *wanted
    {
        wrong.push(format!("launch type {}", launch_type.as_str()));
    }
    if !wrong.is_empty() {
        plan.awaits.insert(awaited);
        return plan.obstacles.push(Obstacle {
            process: process.into(),
            kind: ObstacleKind::Foreign,
            message: format!(
                "{what} cannot be taken over, since it has what no service of this App's can have, and what AWS does not \
                 change: {}; delete it",
                wrong.join(", ")
            ),
        });
    }
    let mut tags = wanted.tags.clone();
    tags.extend(view.desired.owner.adopting_tags(process, &found.tags));
    plan.changes.push(Change::of(
        process,
        ServiceWrite::Tag {
            service: found.name.clone(),
            tags: missing_tags(&tags, &found.tags),
        },
    ));
}

/// Names go before the service behind them, unless it stays; and what the process is to be instead of a service comes first.
fn remove(view: &View<'_>, plan: &mut Plan, process: &str, found: &ServiceState) {
    let may_be_named = view.is_unread(&Part::LoadBalancing) || view.observed.has_unread_zone();
    if !view.runs_otherwise(process) {
        return;
    }
    if may_be_named && !found.attachments.is_empty() {
        // Of what is unread the pass speaks itself, and of its load balancers elbv2.rs.
        let is_said = view.unwanted_load_balancers().any(|l| view.user_of(l) == process);
        let zone = view.old_zone().filter(|_| !is_said).into_iter();
        return plan.pending.extend(zone.map(|zone| Pending::OldZone {
            process: process.into(),
            zone: zone.clone(),
            what: format!("service {}", found.name),
        }));
    }
    if view.keeps(process) {
        return adopted::untag_service(view, plan, process, found);
    }
    let mut named = view.unwanted_load_balancers().filter(|l| view.is_named(&l.name));
    match named.find(|l| view.user_of(l) == process) {
        Some(load_balancer) => plan.pending.push(Pending::Names {
            process: process.into(),
            load_balancer: load_balancer.name.clone(),
        }),
        // Where it was to stay before, its load balancer is nobody's already.
        None if !found.attachments.is_empty() && route53::has_names(view, process) => {}
        // Its scalable target goes first, so that none is left without its service.
        None if view.observed.may_be_scaled(process) => {}
        None if view.scalable_target(&found.name).is_some() => plan.changes.push(Change::of(
            process,
            ScalingWrite::new(&found.name, ScalingStep::Deregister),
        )),
        None => plan.changes.push(Change::of(
            process,
            ServiceWrite::Delete {
                service: found.name.clone(),
            },
        )),
    }
}

fn create(view: &View<'_>, plan: &mut Plan, process: &str, wanted: &DesiredProcess, service: &Service) {
    let Some(content) = view.wanted_definition(process, wanted) else {
        return;
    };
    register(view, plan, process, wanted, &content);
    let built = wanted
        .load_balancing
        .as_ref()
        .is_none_or(|wanted| view.is_built(wanted));
    if built && is_registered(view, &content) && view.has_log_group(&content) {
        let attachments = attachments(process, wanted.load_balancing.as_ref());
        let asked = (service.redeploy.as_ref(), service.secret_versions.known());
        plan.changes.push(Change::of(
            process,
            ServiceWrite::Create {
                service: service.clone(),
                rollout: hash::of_rollout(wanted, service, asked, Some(&content), &attachments),
                attachments,
                task_definition: content,
            },
        ));
    }
}

fn is_registered(view: &View<'_>, content: &TaskDefinition) -> bool {
    view.observed.registered(content, &view.desired.owner).is_some()
}

/// Registers content that is not registered. True if AWS refused it before, and if its log group is not there.
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
    if !view.has_log_group(content) {
        return true;
    }
    let change = Change::of(
        process,
        Registration {
            content: content.clone(),
            tags: tagged(wanted.tags(), content),
        },
    );
    let refused = view.is_deferred(&change);
    plan.changes.push(change);
    refused
}

/// One active service of ours and what it should be.
struct Update<'a> {
    view: &'a View<'a>,
    process: &'a str,
    wanted: &'a DesiredProcess,
    service: &'a Service,
    found: &'a ServiceState,
}

impl Update<'_> {
    fn plan_all(&self, plan: &mut Plan) {
        self.plan(plan);
        self.follow(plan);
        let (_, echoed) = without_echoes(self.view.observed, self.found, self.differing());
        plan.echoed.extend(echoed);
    }

    fn plan(&self, plan: &mut Plan) {
        // More than wanted is what a scale-in or a rebalancing looks like: nobody has to wait for that.
        let least = self.view.observed.least_tasks(self.found);
        let has_arrived = self.found.is_rolled_out() && self.found.running >= least;
        if !has_arrived && self.is_under_way() {
            plan.pending.push(self.pending());
        }
        let tags = missing_tags(&self.service.tags, &self.found.tags);
        if !tags.is_empty() {
            plan.changes.push(Change::of(
                self.process,
                ServiceWrite::Tag {
                    service: self.found.name.clone(),
                    tags,
                },
            ));
        }
        if self.found.rolls_otherwise() && self.sets_strategy_back(plan) {
            return;
        }
        let wanted = attachments(self.process, self.wanted.load_balancing.as_ref());
        if self.view.is_unread(&Part::LoadBalancing) {
            return self.beside_load_balancing(plan, &wanted);
        }
        let mut attached = self.view.attached(self.found);
        // One without a load balancer is as good as gone, unless that is being made again.
        attached.retain(|a| {
            let comes_back = wanted.iter().any(|wanted| wanted.target_group == a.target_group);
            comes_back || !self.view.in_front_of(&a.target_group).is_empty()
        });
        match (attached.is_empty(), wanted.is_empty()) {
            (true, true) if self.has_dead_attachments(&attached) => self.detach_all(plan),
            (true, true) => {
                self.content(plan, &attached);
            }
            (true, false) => self.expose(plan, wanted),
            (false, true) => self.stop_exposing(plan, &attached),
            (false, false) => {
                if self.content(plan, &attached) {
                    self.move_over(plan, &attached, &wanted);
                }
            }
        }
    }

    /// The strategy that somebody has chosen is set back first, by itself: it starts no rollout, and AWS takes it only while
    /// there is none: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/update-bluegreen-to-rolling.html>. Should
    /// AWS refuse it, new releases go out all the same. True if there is nothing else to do now.
    fn sets_strategy_back(&self, plan: &mut Plan) -> bool {
        let update = ServiceUpdate {
            deployment: Some(self.service.settings.deployment),
            rolling: true,
            ..ServiceUpdate::default()
        };
        self.found.is_rolled_out() && !self.update(plan, update, None, None)
    }

    /// A target group of the service, or its load balancer, has vanished: no rollout can complete before it is taken
    /// out, and ECS refuses to be told of it again.
    fn has_dead_attachments(&self, attached: &[Attachment<String>]) -> bool {
        attached.len() < self.found.attachments.len()
    }

    /// From none to one: everything in one update, once the load balancer can take the traffic.
    fn expose(&self, plan: &mut Plan, attachments: Vec<Attachment<String>>) {
        let ready = self.wanted.load_balancing.as_ref().is_some_and(|wanted| {
            self.view.is_built(wanted)
                && (self.has_dead_attachments(&[]) || self.view.is_active(&wanted.load_balancer.name))
        });
        if !ready {
            return self.count(plan);
        }
        // A service without target groups reports no grace period to compare with.
        let grace_period = self.service.settings.grace_period;
        self.switch(plan, attachments, grace_period);
    }

    /// From one to none: names away, the wait, then everything in one update. Until then the old content stays, since
    /// the old load balancer needs its port.
    fn stop_exposing(&self, plan: &mut Plan, attached: &[Attachment<String>]) {
        if attached.iter().any(|attachment| self.is_held(attachment)) {
            self.count(plan);
        } else {
            self.detach_all(plan);
        }
    }

    fn detach_all(&self, plan: &mut Plan) {
        self.switch(plan, Vec::new(), Some(0));
    }

    /// Task definition, settings and target groups in one update.
    fn switch(&self, plan: &mut Plan, attachments: Vec<Attachment<String>>, grace_period: Option<u32>) {
        match self.view.wanted_definition(self.process, self.wanted) {
            Some(content) => {
                let settings = ServiceUpdate {
                    grace_period,
                    ..self.settings()
                };
                self.send(plan, &content, settings, Some(attachments));
            }
            None => self.without_port(plan),
        }
    }

    /// Task definition and settings. A changed container port moves along in the target groups that stay. True if all
    /// of it is as wanted.
    fn content(&self, plan: &mut Plan, attached: &[Attachment<String>]) -> bool {
        let mut settings = self.settings();
        if attached.is_empty() {
            // Without target groups it is neither sent nor compared.
            settings.grace_period = None;
        }
        let Some(content) = self.view.wanted_definition(self.process, self.wanted) else {
            self.without_port(plan);
            return false;
        };
        let Some(along) = self.along_with(plan, attached, &content) else {
            return false;
        };
        // One that is as good as gone may lead to a container port that the new content does not have.
        let has_dead = !self.runs(&content) && self.has_dead_attachments(attached);
        let attachments = (along != attached || has_dead).then_some(along);
        if attachments.iter().flatten().any(|a| !self.is_served(a)) {
            // AWS would refuse another container port before its listener is made again.
            self.without_port(plan);
            return false;
        }
        if self.runs(&content) && attachments.is_none() && settings.is_empty() {
            return true;
        }
        self.send(plan, &content, settings, attachments);
        false
    }

    /// The content waits for the claim of its host port, and the settings with it, if that is a matter of this pass; else
    /// scaling goes on.
    fn without_port(&self, plan: &mut Plan) {
        let claims = |change: &Change| {
            matches!(&change.write, Write::Port(PortWrite::Claim(claim)) if claim.owner.process == self.process)
                && !self.view.is_deferred(change)
        };
        if !plan.changes.iter().any(claims) {
            self.count(plan);
        }
    }

    /// Somebody may still be sent to the load balancer before this target group.
    fn is_held(&self, attachment: &Attachment<String>) -> bool {
        let mut in_front = self.view.in_front_of(&attachment.target_group).iter();
        in_front.any(|load_balancer| self.view.is_held(load_balancer))
    }

    fn runs(&self, content: &TaskDefinition) -> bool {
        let running = self.view.observed.running_definition(self.found);
        running.is_some_and(|running| {
            let observed = self.view.observed;
            observed.has_content(running, content, &self.view.desired.owner)
        })
    }

    fn grace_period_follows(&self) -> bool {
        self.view.observed.grace_period_follows.contains(&self.found.name)
    }

    /// Somebody has deregistered what the service runs: ECS goes on with it, also while it scales, but begins no rollout of it:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deregister-task-definition-v2.html>.
    fn runs_deregistered(&self) -> bool {
        let running = self.view.observed.running_definition(self.found);
        running.is_some_and(|running| !running.active)
    }
}

#[cfg(test)]
mod tests;
