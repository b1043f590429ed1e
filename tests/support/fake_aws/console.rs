//! Drift: changes by hand in the AWS console, and resources that were never ours.

use std::collections::BTreeMap;
use std::sync::MutexGuard;

use empire_controller::model::load_balancer::{
    HealthCheck, LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, Probe, Scheme, TargetGroup,
    TargetGroupAttributes, TargetProtocol, TargetType,
};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{APP_TAG, OWNER_TAG, PROCESS_TAG, Tags};
use empire_controller::model::record::{RecordContent, RecordKind, RecordSet};
use empire_controller::model::release::TaskState;
use empire_controller::model::service::TaskDefinition;
use empire_controller::model::small_set::SmallSet;
use empire_controller::model::state::LoadBalancerStatus;

use super::ecs::{Fate, Running};
use super::elbv2::{Balancing, Group};
use super::{DRAINING, FakeAws, State};

/// A change by hand.
pub(crate) type Act = fn(&mut Console<'_>);

/// Holds the world still until it is dropped.
pub(crate) struct Console<'a> {
    state: MutexGuard<'a, State>,
    before: State,
}

impl Drop for Console<'_> {
    fn drop(&mut self) {
        let before = self.before.clone();
        self.state.note_names(&before);
        self.state.unseen = true;
    }
}

impl FakeAws {
    pub(crate) fn by_hand(&self) -> Console<'_> {
        let state = self.lock();
        let before = state.clone();
        Console { state, before }
    }

    /// Somebody is faster than the next write of this action.
    pub(crate) fn on_next_write(&self, action: &'static str, act: Act) {
        self.lock().faults.interloper = Some((action, act));
    }

    /// The names of the load balancers that carry the tags of this process, `namespace/name` being its App.
    pub(crate) fn load_balancers_of(&self, app: &str, process: &str) -> Vec<String> {
        let state = self.lock();
        let all = state.elbv2.load_balancers.values().map(|found| &found.settings);
        all.filter(|found| is_of(&found.tags, app, process))
            .map(|found| found.name.clone())
            .collect()
    }

    pub(crate) fn target_groups_of(&self, app: &str, process: &str) -> Vec<String> {
        let state = self.lock();
        let all = state.elbv2.target_groups.values().map(|found| &found.settings);
        all.filter(|found| is_of(&found.tags, app, process))
            .map(|found| found.name.clone())
            .collect()
    }

    /// The words that the tasks of a service are started with.
    pub(crate) fn command_of(&self, service: &str) -> Vec<String> {
        let state = self.lock();
        let mut services = state.ecs.services.iter();
        let found = services.find(|((_, known), _)| known == service).unwrap();
        let definition = state.ecs.definition(found.1.definition()).unwrap();
        definition.content.main.command.clone()
    }

    /// The image that the tasks of a service are started with.
    pub(crate) fn image_of(&self, service: &str) -> String {
        let state = self.lock();
        let mut services = state.ecs.services.iter();
        let found = services.find(|((_, known), _)| known == service).unwrap();
        let definition = state.ecs.definition(found.1.definition()).unwrap();
        definition.content.main.image.clone()
    }

    /// The ARN of what ECS reads as this variable for the tasks of a service.
    pub(crate) fn secret_of(&self, service: &str, variable: &str) -> Option<String> {
        let state = self.lock();
        let mut services = state.ecs.services.iter();
        let found = services.find(|((_, known), _)| known == service).unwrap();
        let definition = state.ecs.definition(found.1.definition()).unwrap();
        definition.content.main.secrets.get(variable).cloned()
    }

    /// Whom a name points at: the name of the load balancer.
    pub(crate) fn pointed_at(&self, zone: &str, name: &str) -> Option<String> {
        let state = self.lock();
        let mut records = state.route53.zones.get(zone)?.records.iter();
        let target = records.find_map(|record| record.target().filter(|_| record.name == name))?;
        let mut all = state.elbv2.load_balancers.values();
        Some(all.find(|found| found.dns_name == target)?.settings.name.clone())
    }

    /// True if there is any record of this name.
    pub(crate) fn has_record(&self, zone: &str, name: &str) -> bool {
        let state = self.lock();
        let mut zones = state.route53.zones.get(zone).into_iter();
        zones.any(|zone| zone.records.iter().any(|record| record.name == name))
    }

    pub(crate) fn desired_count(&self, service: &str) -> Option<u32> {
        let state = self.lock();
        let mut all = state.ecs.services.iter();
        all.find(|((_, name), _)| name == service)
            .map(|(_, found)| found.desired)
    }
}

fn is_of(tags: &Tags, app: &str, process: &str) -> bool {
    let has = |key: &str, value: &str| tags.get(key).map(|tag| &**tag) == Some(value);
    tags.contains_key(OWNER_TAG) && has(APP_TAG, app) && has(PROCESS_TAG, process)
}

impl Console<'_> {
    pub(super) fn state(&mut self) -> &mut State {
        &mut self.state
    }

    fn load_balancer(&mut self, name: &str) -> &mut Balancing {
        let mut all = self.state.elbv2.load_balancers.values_mut();
        all.find(|found| found.settings.name == name).unwrap()
    }

    fn target_group(&mut self, name: &str) -> &mut TargetGroup {
        let mut all = self.state.elbv2.target_groups.values_mut();
        &mut all.find(|found| found.settings.name == name).unwrap().settings
    }

    pub(crate) fn delete_listeners(&mut self, load_balancer: &str) {
        self.load_balancer(load_balancer).listeners.clear();
    }

    pub(crate) fn delete_load_balancer(&mut self, name: &str) {
        self.state
            .elbv2
            .load_balancers
            .retain(|_, found| found.settings.name != name);
    }

    /// The console offers to delete it once its load balancer is gone.
    pub(crate) fn delete_target_group(&mut self, name: &str) {
        let elbv2 = &mut self.state.elbv2;
        let found = elbv2.group_by_name(name).map(|(arn, _)| arn.clone());
        let free = found.filter(|arn| elbv2.in_front_of(arn).is_none());
        free.and_then(|arn| elbv2.target_groups.remove(&arn));
    }

    /// Somebody deletes it from the certificate manager.
    pub(crate) fn lose_certificate(&mut self, arn: &str) {
        self.state.elbv2.missing_certificates.insert(arn.into());
    }

    pub(crate) fn delete_service(&mut self, name: &str) {
        let until = self.state.now + DRAINING;
        let services = self.state.ecs.services.iter_mut();
        for (_, service) in services.filter(|((_, known), _)| known == name) {
            service.drains_until = Some(until);
            service.desired = 0;
        }
    }

    /// Deletes a hosted zone with all that is in it.
    pub(crate) fn delete_zone(&mut self, zone: &str) {
        self.state.route53.zones.remove(zone);
    }

    pub(crate) fn delete_records(&mut self, zone: &str, name: &str) {
        let zone = self.state.route53.zones.get_mut(zone).unwrap();
        zone.records.retain(|record| record.name != name);
    }

    pub(crate) fn set_check(&mut self, target_group: &str, path: &str, interval: u32) {
        let check = &mut self.target_group(target_group).check;
        let success_codes = "200-399".into();
        let path = path.into();
        (check.probe, check.interval) = (Probe::Http { path, success_codes }, interval);
    }

    pub(crate) fn set_delay(&mut self, target_group: &str, seconds: u32) {
        self.target_group(target_group).attributes.deregistration_delay = seconds;
    }

    pub(crate) fn set_subnets(&mut self, load_balancer: &str, subnets: &[&str]) {
        self.load_balancer(load_balancer).settings.subnets = subnets.iter().map(|&s| s.into()).collect();
    }

    pub(crate) fn set_count(&mut self, service: &str, count: u32) {
        let services = self.state.ecs.services.iter_mut();
        for (_, service) in services.filter(|((_, known), _)| known == service) {
            service.desired = count;
        }
    }

    /// Tasks of this image, or of this program, end as soon as they start.
    pub(crate) fn break_tasks(&mut self, of: &str) {
        self.state.ecs.broken.insert(of.into());
    }

    /// The tasks that are run once go so, each as the next of these.
    pub(crate) fn run_tasks(&mut self, fates: &[Fate]) {
        self.state.ecs.tasks.fates.extend(fates.iter().cloned());
    }

    /// So long no list shows a task that is run once, in seconds.
    pub(crate) fn list_tasks_after(&mut self, seconds: u64) {
        self.state.ecs.tasks.lag = seconds;
    }

    /// The number of tasks that were run once, and of those that have not ended.
    pub(crate) fn tasks(&self) -> (usize, usize) {
        let (started, now) = (&self.state.ecs.tasks.started, self.state.now);
        let going = started.iter().filter(|task| !task.has_ended(now));
        (started.len(), going.count())
    }

    /// The tasks whose tokens begin so, as ECS would describe them.
    pub(crate) fn tasks_of(&self, token: &str) -> Vec<TaskState> {
        let (started, now) = (&self.state.ecs.tasks.started, self.state.now);
        let found = started.iter().map(|task| task.state(now));
        let is_its = |task: &TaskState| task.started_by.as_ref().is_some_and(|by| by.starts_with(token));
        found.filter(is_its).collect()
    }

    /// They run and end, again and again, and no circuit breaker notices.
    pub(crate) fn unsettle_tasks(&mut self, of: &str) {
        self.state.ecs.restless.insert(of.into());
    }

    /// They all run for a while and end, and begin anew; ECS counts none of them as failed.
    pub(crate) fn loop_tasks(&mut self, of: &str) {
        self.state.ecs.looping.insert(of.into());
    }

    /// Sets the time that a task takes to start, and an old one to drain.
    pub(crate) fn set_pace(&mut self, start: u64, drain: u64) {
        let pace = &mut self.state.ecs.pace;
        (pace.start, pace.drain) = (start, drain);
    }

    /// AWS has mended what it called a bug in 2022.
    pub(crate) fn take_grace_period_with_groups(&mut self) {
        self.state.ecs.takes_grace_period_with_groups = true;
    }

    /// There is room for no more tasks than are wanted.
    pub(crate) fn leave_no_room(&mut self) {
        self.state.ecs.pace.one_by_one = true;
    }

    /// Whatever was wrong with tasks is not any more.
    pub(crate) fn mend_tasks(&mut self) {
        self.state.ecs.broken.clear();
        self.state.ecs.looping.clear();
        self.state.ecs.restless.clear();
    }

    pub(super) fn service(&mut self, name: &str) -> &mut Running {
        let mut all = self.state.ecs.services.iter_mut();
        all.find(|((_, known), _)| known == name).unwrap().1
    }

    pub(crate) fn set_exec(&mut self, service: &str, on: bool) {
        self.service(service).settings.exec = Some(on);
    }

    pub(crate) fn exec(&mut self, service: &str) -> bool {
        self.service(service).settings.exec == Some(true)
    }

    /// In the console; and it may be one that ECS does not let go.
    pub(crate) fn set_strategy(&mut self, service: &str, strategy: &str, for_good: bool) {
        let service = self.service(service);
        (service.strategy, service.keeps_strategy) = (strategy.into(), for_good);
    }

    pub(crate) fn strategy(&mut self, service: &str) -> String {
        self.service(service).strategy.clone()
    }

    pub(crate) fn grace_period(&mut self, service: &str) -> Option<u32> {
        self.service(service).settings.grace_period
    }

    /// Deregisters the task definition that the service runs.
    pub(crate) fn deregister_running(&mut self, service: &str) {
        let running = self.service(service).definition().clone();
        let mut all = self.state.ecs.definitions.iter_mut();
        all.find(|known| known.arn == running).unwrap().active = false;
    }

    /// Returns the number of revisions of a family that a service may be given.
    pub(crate) fn active_revisions(&self, family: &str) -> usize {
        let all = self.state.ecs.definitions.iter();
        all.filter(|known| known.active && known.content.family == family)
            .count()
    }

    /// As with a service whose circuit breaker was set by an older release of the controller.
    pub(crate) fn forget_failures(&mut self, service: &str) {
        self.service(service).forgets_failures = true;
    }

    /// In the console, another revision of its task definition.
    pub(crate) fn deploy_again(&mut self, service: &str, revision: usize) {
        let definition = self
            .state
            .ecs
            .services
            .iter()
            .find(|((_, name), _)| name == service);
        let family = definition.unwrap().1.definition().0.rsplit_once(':').unwrap().0;
        let definition = Arn(format!("{family}:{revision}"));
        let (id, now) = (self.state.id(), self.state.now);
        let services = self.state.ecs.services.iter_mut();
        for (_, found) in services.filter(|((_, known), _)| known == service) {
            found.roll_out(id, definition.clone(), now);
        }
    }

    /// In the console, which fills in the tags of the revision that a new one is made from.
    pub(crate) fn deploy_copy(&mut self, service: &str, edit: fn(&mut TaskDefinition)) {
        let mut services = self.state.ecs.services.iter();
        let found = services.find(|((_, known), _)| known == service).unwrap();
        let mut copy = self.state.ecs.definition(found.1.definition()).unwrap().clone();
        edit(&mut copy.content);
        let all = self.state.ecs.definitions.iter();
        let of_family = all.filter(|known| known.content.family == copy.content.family);
        let revision = 1 + of_family.count();
        let family = copy.arn.0.rsplit_once(':').unwrap().0;
        copy.arn = Arn(format!("{family}:{revision}"));
        self.state.ecs.definitions.push(copy);
        self.deploy_again(service, revision);
    }

    /// So that no service is given it any more.
    pub(crate) fn deregister(&mut self, family: &str, revision: usize) {
        let name = format!("{family}:{revision}");
        let mut all = self.state.ecs.definitions.iter_mut();
        let found = all.find(|known| known.arn.0.ends_with(&name));
        found.unwrap().active = false;
    }

    /// In the console: stop, and roll back.
    pub(crate) fn stop_rollout(&mut self, service: &str) {
        let (id, now) = (self.state.id(), self.state.now);
        let services = self.state.ecs.services.iter_mut();
        for (_, found) in services.filter(|((_, known), _)| known == service) {
            found.stop_by_hand(id, now);
        }
    }

    /// As if AWS were an emulator.
    pub(crate) fn forget_rollouts(&mut self) {
        for service in self.state.ecs.services.values_mut() {
            service.forget_rollouts();
        }
    }

    /// No task passes the check of this load balancer's target groups, or all do again.
    pub(crate) fn set_healthy(&mut self, load_balancer: &str, healthy: bool) {
        let listeners = self.load_balancer(load_balancer).listeners.clone();
        let groups = listeners
            .iter()
            .filter_map(|(listener, _)| listener.forwards_to().cloned());
        for group in groups {
            if healthy {
                self.state.ecs.unhealthy.remove(&group);
            } else {
                self.state.ecs.unhealthy.insert(group);
            }
        }
    }

    pub(crate) fn set_certificate_quota(&mut self, quota: usize) {
        self.state.elbv2.certificate_quota = Some(quota);
    }

    pub(crate) fn fail_load_balancer(&mut self, name: &str, reason: &str) {
        self.load_balancer(name).status = LoadBalancerStatus::Failed(reason.into());
    }

    pub(crate) fn set_ttl(&mut self, zone: &str, name: &str, seconds: u32) {
        let records = &mut self.state.route53.zones.get_mut(zone).unwrap().records;
        for record in records.iter_mut().filter(|record| record.name == name) {
            if let RecordContent::Values { ttl, .. } = &mut record.content {
                *ttl = seconds;
            }
        }
    }

    pub(crate) fn foreign_load_balancer(&mut self, name: &str, tags: Tags) {
        let arn = self
            .state
            .arn("elasticloadbalancing", &format!("loadbalancer/app/{name}"));
        let subnets = SmallSet::from(["subnet-theirs-1".to_owned(), "subnet-theirs-2".to_owned()]);
        let balancing = Balancing {
            settings: LoadBalancer {
                name: name.into(),
                kind: LoadBalancerKind::Application,
                scheme: Scheme::Internal,
                subnets,
                security_groups: SmallSet::new(),
                attributes: Some(LoadBalancerAttributes::AS_CREATED),
                tags,
            },
            dns_name: format!("{name}.theirs.us-east-1.elb.amazonaws.com"),
            zone_id: "Z35SXDOTRQ7X7K".into(),
            active_at: 0,
            status: LoadBalancerStatus::Active,
            listeners: Vec::new(),
            leaving: BTreeMap::new(),
        };
        self.state.elbv2.load_balancers.insert(arn, balancing);
    }

    pub(crate) fn foreign_target_group(&mut self, name: &str, tags: Tags) {
        let arn: Arn = self
            .state
            .arn("elasticloadbalancing", &format!("targetgroup/{name}"));
        let settings = TargetGroup {
            name: name.into(),
            vpc: "vpc-theirs".into(),
            protocol: TargetProtocol::Http,
            target_type: TargetType::Instance,
            check: HealthCheck {
                probe: Probe::Http {
                    path: "/theirs".into(),
                    success_codes: "200".into(),
                },
                interval: 30,
                timeout: 5,
                healthy_threshold: 5,
                unhealthy_threshold: 2,
            },
            attributes: TargetGroupAttributes {
                deregistration_delay: 300,
                preserve_client_ip: None,
                cross_zone: None,
            },
            tags,
        };
        self.state.elbv2.target_groups.insert(arn, Group { settings });
    }

    /// The tags of all services, load balancers, listeners and target groups.
    pub(crate) fn tags(&mut self) -> Vec<Tags> {
        let mut all = Vec::new();
        self.edit_tags(|tags| all.push(tags.clone()));
        all
    }

    /// Edits them.
    pub(crate) fn edit_tags(&mut self, mut edit: impl FnMut(&mut Tags)) {
        let State { ecs, elbv2, .. } = &mut *self.state;
        ecs.services.values_mut().for_each(|found| edit(&mut found.tags));
        for found in elbv2.load_balancers.values_mut() {
            edit(&mut found.settings.tags);
            let listeners = found.listeners.iter_mut();
            listeners.for_each(|(_, tags)| edit(tags));
        }
        let groups = elbv2.target_groups.values_mut();
        groups.for_each(|found| edit(&mut found.settings.tags));
    }

    /// A copy of one of ours under another name, with other tags.
    pub(crate) fn foreign_service(&mut self, like: &str, name: &str, tags: Tags) {
        let of_name = self
            .state
            .ecs
            .services
            .iter()
            .find(|((_, known), _)| known == like);
        let ((cluster, _), found) = of_name.unwrap();
        let (cluster, mut service) = (cluster.clone(), found.clone());
        let id = self.state.id();
        service.arn = Arn(format!(
            "arn:aws:ecs:us-east-1:123456789012:service/{cluster}/{name}#{id}"
        ));
        service.tags = tags;
        service.attachments.clear();
        for deployment in &mut service.deployments {
            deployment.attachments.clear();
        }
        self.state.ecs.services.insert((cluster, name.into()), service);
    }

    pub(crate) fn foreign_record(&mut self, zone: &str, name: &str, kind: RecordKind, value: &str) {
        let record = RecordSet {
            name: name.into(),
            kind,
            content: RecordContent::Values {
                ttl: 300,
                values: vec![value.into()],
            },
        };
        self.state
            .route53
            .zones
            .get_mut(zone)
            .unwrap()
            .records
            .push(record);
    }

    /// Deletes all `PortAllocation`s of an App.
    pub(crate) fn delete_claims(&mut self, app: &str) {
        let claims = &mut self.state.claims;
        claims.retain(|claim| claim.owner.app.to_string() != app);
    }

    pub(crate) fn remove_service(&mut self, name: &str) {
        self.state.ecs.services.retain(|(_, known), _| known != name);
    }
}
