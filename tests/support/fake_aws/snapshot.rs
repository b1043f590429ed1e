//! A world as text: everything that matters of it, and nothing that two runs may differ in (ARNs, revisions, ids, which
//! of the free host ports was taken).

use std::fmt;

use empire_controller::model::container::HostPort;
use empire_controller::model::load_balancer::{ListenerAction, Probe};
use empire_controller::model::name::Arn;
use empire_controller::model::record::{RecordContent, RecordSet, normalize};
use empire_controller::model::scaling::{Metric, ScalableTargetState};
use empire_controller::model::schedule::ScheduleState;
use empire_controller::model::service::TaskDefinition;
use empire_controller::model::state::ListenerState;

use super::{FakeAws, State};

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(pub(crate) String);

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FakeAws {
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.lock().snapshot()
    }

    /// The world in few words, for a reader.
    pub(crate) fn summary(&self) -> Vec<String> {
        self.lock().summary()
    }
}

/// Says of each family how many of these it has.
fn numbered<'a>(families: impl Iterator<Item = &'a str>, what: &str) -> Vec<String> {
    let mut families: Vec<&str> = families.collect();
    families.sort_unstable();
    let all = families.chunk_by(|a, b| a == b);
    all.map(|of_family| format!("family {} has {} {what}", of_family[0], of_family.len()))
        .collect()
}

impl State {
    fn snapshot(&self) -> Snapshot {
        let mut lines = Vec::new();
        for ((cluster, name), service) in &self.ecs.services {
            let mut attached: Vec<String> = service
                .attachments
                .iter()
                .map(|a| {
                    format!(
                        "{}:{} to {}",
                        a.container,
                        a.container_port,
                        self.group_name(&a.target_group)
                    )
                })
                .collect();
            attached.sort();
            let definition = self
                .ecs
                .definition(service.definition())
                .map(|found| self.content(&found.content));
            let state = service.counts();
            let mut settings = service.settings.clone();
            // Without target groups it means nothing.
            settings.grace_period = settings.grace_period.filter(|_| !attached.is_empty());
            lines.push(format!(
                "service {cluster}/{name} {state} {:?} behind {attached:?} {:?} runs {} tags {:?}",
                service.capacity,
                settings,
                definition.unwrap_or_default(),
                service.tags
            ));
        }
        let registered = self.ecs.definitions.iter();
        let registered = registered.map(|known| known.content.family.as_str());
        lines.extend(numbered(registered, "revisions"));
        let run = self.ecs.tasks.started.iter().map(|task| task.family.as_str());
        lines.extend(numbered(run, "tasks that were run once"));
        for balancing in self.elbv2.load_balancers.values() {
            let mut listeners: Vec<String> = balancing
                .listeners
                .iter()
                .map(|(listener, tags)| {
                    let group = listener.forwards_to().map(|arn| self.group_name(arn));
                    let redirects = listener.action == Some(ListenerAction::RedirectToHttps);
                    format!(
                        "{} {} to {group:?} redirect {redirects} {:?} {:?} {:?} {tags:?}",
                        listener.port,
                        listener.protocol,
                        listener.default_certificate,
                        more(listener).collect::<Vec<_>>(),
                        listener.security_policy
                    )
                })
                .collect();
            listeners.sort();
            lines.push(format!(
                "{:?} {:?} {listeners:?}",
                balancing.settings, balancing.status
            ));
        }
        for group in self.elbv2.target_groups.values() {
            lines.push(format!("{:?}", group.settings));
        }
        for ((group, name), schedule) in &self.scheduler.schedules {
            let content = self.started(schedule).map(|content| self.content(content));
            let schedule = ScheduleState {
                task_definition: None,
                ..schedule.clone()
            };
            lines.push(format!("schedule {group}/{name} {schedule:?} starts {content:?}"));
        }
        for ((cluster, service), target) in &self.scaling.targets {
            let target = Self::scaled(target);
            lines.push(format!("scaling of {cluster}/{service} {target:?}"));
        }
        for group in self.logs.groups.values() {
            lines.push(format!("{group:?}"));
        }
        for (id, zone) in &self.route53.zones {
            lines.extend(
                zone.records
                    .iter()
                    .map(|record| format!("zone {id} {}", self.record(record))),
            );
        }
        lines.extend(
            self.claims
                .iter()
                .map(|claim| format!("a port of {:?}", claim.owner)),
        );
        lines.sort();
        Snapshot(lines.join("\n"))
    }

    fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for ((_, name), service) in &self.ecs.services {
            let groups = service.attachments.iter();
            let groups: Vec<String> = groups
                .map(|a| format!("{}:{}", self.group_name(&a.target_group), a.container_port))
                .collect();
            let content = self
                .ecs
                .definition(service.definition())
                .map(|found| &found.content);
            let image = content
                .map(|content| content.main.image.as_str())
                .unwrap_or_default();
            let ports = self.ecs.fixed_host_ports(service.definition()).into_iter();
            let ports = ports.fold(String::new(), |all, port| format!("{all} on host port {port}"));
            lines.push(format!(
                "service {name} {}, {image}{ports}, behind {groups:?}",
                service.counts()
            ));
        }
        for balancing in self.elbv2.load_balancers.values() {
            let listeners = balancing.listeners.iter();
            let listeners: Vec<String> = listeners.map(|(listener, _)| self.listening(listener)).collect();
            let settings = &balancing.settings;
            let scheme = settings.scheme.as_str();
            lines.push(format!(
                "load balancer {} {scheme}, {}",
                settings.name,
                listeners.join(", ")
            ));
        }
        for group in self.elbv2.target_groups.values() {
            let settings = &group.settings;
            lines.push(format!(
                "target group {} checks {}",
                settings.name,
                match &settings.check.probe {
                    Probe::Http { path, .. } => path,
                    Probe::Tcp => "its port",
                }
            ));
        }
        for (id, zone) in &self.route53.zones {
            let records = zone.records.iter().filter(|record| record.name != zone.name);
            lines.extend(records.map(|record| format!("{id}: {}", self.record(record))));
        }
        for ((_, name), schedule) in &self.scheduler.schedules {
            let image = self.started(schedule).map(|content| content.main.image.as_str());
            lines.push(format!(
                "schedule {name} {} {}, {}",
                schedule.expression.as_deref().unwrap_or_default(),
                schedule.time_zone.as_deref().unwrap_or_default(),
                image.unwrap_or_default()
            ));
        }
        for ((_, service), target) in &self.scaling.targets {
            let ScalableTargetState {
                range,
                policies,
                actions,
                ..
            } = target;
            let names: Vec<&str> = policies
                .keys()
                .chain(actions.keys())
                .map(String::as_str)
                .collect();
            let (min, max) = (range.min, range.max);
            lines.push(format!(
                "scaling of {service} {min} to {max}, {}",
                names.join(" ")
            ));
        }
        lines.extend(self.logs.groups.values().map(|found| {
            let kept = found.retention_days;
            let kept = kept.map_or("for ever".into(), |days| format!("for {days} days"));
            format!("log group {} keeps {kept}", found.name)
        }));
        let groups = self.scheduler.groups.keys();
        lines.extend(groups.map(|name| format!("schedule group {name}")));
        let claims = self.claims.iter();
        lines.extend(claims.map(|claim| {
            format!(
                "port {} of {} {}",
                claim.port, claim.owner.app, claim.owner.process
            )
        }));
        lines.sort();
        lines
    }

    /// In few words: `HTTP` goes without saying.
    fn listening(&self, listener: &ListenerState) -> String {
        let protocol = match listener.protocol.as_str() {
            "HTTP" => String::new(),
            other => format!("{other} "),
        };
        let leads = match &listener.action {
            Some(ListenerAction::Forward(arn)) => format!("to {}", self.group_name(arn)),
            Some(ListenerAction::RedirectToHttps) => "redirects to 443".into(),
            None => "leads nowhere".into(),
        };
        let certificates = listener.default_certificate.iter().chain(more(listener));
        let certificates = certificates.fold(String::new(), |all, arn| format!("{all} with {arn}"));
        format!("{protocol}{} {leads}{certificates}", listener.port)
    }

    fn started(&self, schedule: &ScheduleState) -> Option<&TaskDefinition> {
        let definition = self.ecs.definition(schedule.task_definition.as_ref()?)?;
        Some(&definition.content)
    }

    /// Without what two runs may differ in.
    fn scaled(target: &ScalableTargetState) -> ScalableTargetState {
        let mut target = target.clone();
        target.arn = None;
        for policy in target.policies.values_mut() {
            if let Some(Metric::Requests(label)) = &mut policy.metric {
                let names = label.split('/').skip(1).step_by(3);
                *label = names.collect::<Vec<_>>().join(" ");
            }
        }
        target
    }

    fn group_name(&self, arn: &Arn) -> String {
        match self.elbv2.target_groups.get(arn) {
            Some(found) => found.settings.name.clone(),
            None => "one that is gone".into(),
        }
    }

    fn content(&self, content: &TaskDefinition) -> String {
        let mut content = content.clone();
        let mut ports = String::new();
        for mapping in &mut content.main.ports {
            let HostPort::Fixed(fixed) = mapping.host_port else {
                continue;
            };
            let holder = self.claims.iter().find(|claim| claim.port == fixed);
            ports = match holder {
                Some(claim) => format!("{ports} on a port of {:?}", claim.owner),
                None => format!("{ports} on port {fixed}, which NOBODY claims"),
            };
            mapping.host_port = HostPort::Claimed;
        }
        format!("{content:?} {:?}{ports}", content.main.environment.0)
    }

    fn record(&self, record: &RecordSet) -> String {
        let target = record.target().and_then(|target| {
            let mut all = self.elbv2.load_balancers.values();
            Some(
                all.find(|found| normalize(&found.dns_name) == target)?
                    .settings
                    .name
                    .clone(),
            )
        });
        let RecordSet { name, kind, content } = record;
        match (target, content) {
            (Some(target), RecordContent::Values { ttl, .. }) => {
                format!("{name} {kind:?} TTL {ttl} to {target}")
            }
            (Some(target), RecordContent::Alias { .. }) => format!("{name} {kind:?} alias of {target}"),
            (_, content) => format!("{name} {kind:?} {content:?}"),
        }
    }
}

/// Certificates besides the default one, which may be among them, too, and then makes no difference.
fn more(listener: &ListenerState) -> impl Iterator<Item = &String> {
    let all = listener.more_certificates.iter().flatten();
    all.filter(|more| Some(*more) != listener.default_certificate.as_ref())
}
