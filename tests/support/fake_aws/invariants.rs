//! The invariants that hold after every single write, whatever the controller is in the middle of.
//!
//! A standing fault counts against the write that brought it about: what people did by hand, and what time did, is not
//! the controller's doing, nor is what it writes before it has looked again.

use std::collections::{BTreeMap, BTreeSet};

use empire_controller::model::content::CONTENT_TAG;
use empire_controller::model::keeping::kept_until;
use empire_controller::model::load_balancer::{HTTPS_PORT, ListenerAction};
use empire_controller::model::owner::{
    ADOPTED_TAG, APP_TAG, OWNER_TAG, PROCESS_TAG, Tags, app_in_record_text, owner_in_record_text,
};
use empire_controller::model::record::{
    RecordContent, RecordKind, RecordSet, normalize, ownership_name, txt_text,
};

use jiff::Timestamp;

use super::elbv2::Balancing;
use super::{FakeAws, State};

/// Seconds that a replaced load balancer goes on serving after its last name is gone: the controller's default.
pub(crate) const RETIRE_AFTER: u64 = 300;

impl FakeAws {
    /// Sets the App that the coming writes are for, as `namespace/name`: they may touch nothing that is not this App's.
    pub(crate) fn act_as(&self, app: Option<&str>) {
        self.lock().acting = app.map(Into::into);
    }

    /// Sets if that App may take names that are kept for other namespaces.
    pub(crate) fn let_take_names(&self, takes: bool) {
        self.lock().takes_names = takes;
    }
}

impl State {
    pub(super) fn check_write(&mut self, before: &State, action: &str, about: &str) {
        let mut found = Vec::new();
        if !self.unseen {
            found.extend(self.standing().difference(&before.standing()).cloned());
        }
        found.extend(self.hasty_detachments(before));
        found.extend(self.counts_out_of_range(before));
        if let Some(app) = &self.acting
            && self.not_of(app) != before.not_of(app)
            && !self.only_marks_differ(before, app)
        {
            found.push(format!("something that is not {app}'s was touched"));
        }
        self.violations
            .extend(found.into_iter().map(|text| format!("{action} {about}: {text}")));
        self.note_names(before);
    }

    /// Keeps track of since when a load balancer is without a name.
    pub(super) fn note_names(&mut self, before: &State) {
        let (was, is) = (before.named(), self.named());
        for name in was.difference(&is) {
            self.unnamed_since.insert(name.clone(), self.now);
        }
        for name in is {
            self.unnamed_since.remove(&name);
        }
    }

    fn records(&self) -> impl Iterator<Item = &RecordSet> {
        self.route53.zones.values().flat_map(|zone| &zone.records)
    }

    fn pointed_at(&self, record: &RecordSet) -> Option<&Balancing> {
        let target = record.target()?;
        self.elbv2
            .load_balancers
            .values()
            .find(|found| normalize(&found.dns_name) == target)
    }

    /// The load balancers that any record points at, by DNS name: a new one of the same name is another.
    fn named(&self) -> BTreeSet<String> {
        let found = self.records().filter_map(|record| self.pointed_at(record));
        found.map(|balancing| balancing.dns_name.clone()).collect()
    }

    /// Returns what is wrong with the world as it stands.
    fn standing(&self) -> BTreeSet<String> {
        let mut standing = BTreeSet::from_iter(self.stray_scaling());
        standing.extend(self.without_log_groups());
        for record in self.records() {
            let Some(target) = record
                .target()
                .filter(|target| target.contains(".elb.") && target.ends_with(".amazonaws.com"))
            else {
                continue;
            };
            match self.pointed_at(record) {
                None => {
                    standing.insert(format!("{} points at {target}, which is gone", record.name));
                }
                Some(balancing) if balancing.settings.tags.contains_key(OWNER_TAG) => {
                    if !self.is_served(balancing) {
                        standing.insert(format!("{} points at {target}, before no service", record.name));
                    }
                }
                Some(_) => {}
            }
        }
        for zone in self.route53.zones.values() {
            let is_kept = |record: &&RecordSet| kept_until(&record.text()).is_some();
            for kept in zone.records.iter().filter(is_kept) {
                let mut beside = zone.records.iter().filter(|record| record.name == kept.about());
                let is_ours = |found: &Balancing| found.settings.tags.contains_key(OWNER_TAG);
                if beside.any(|record| self.pointed_at(record).is_some_and(is_ours)) {
                    standing.insert(format!("{} is kept and leads somewhere", kept.about()));
                }
            }
        }
        for balancing in self.elbv2.load_balancers.values() {
            let mut listeners = balancing.listeners.iter().map(|(listener, _)| listener);
            let redirects = listeners
                .clone()
                .any(|listener| listener.action == Some(ListenerAction::RedirectToHttps));
            if redirects && !listeners.any(|l| l.port == HTTPS_PORT && l.forwards_to().is_some()) {
                standing.insert(format!("{} redirects to nothing", balancing.dns_name));
            }
        }
        let mut contents = BTreeMap::new();
        for found in self.ecs.definitions.iter().filter(|found| found.active) {
            let content = found.tags.get(CONTENT_TAG);
            if contents.insert(&found.content.family, content) == Some(content) && content.is_some() {
                standing.insert(format!("{} is what the one before it is", found.arn));
            }
        }
        for ((_, name), schedule) in &self.scheduler.schedules {
            let starts = schedule.task_definition.as_ref();
            if !starts.is_some_and(|arn| self.ecs.definition(arn).is_some_and(|found| found.active)) {
                standing.insert(format!("schedule {name} starts what cannot be started"));
            }
        }
        for ((_, name), service) in &self.ecs.services {
            for group in service.target_groups() {
                if self.elbv2.in_front_of(group).is_none() {
                    standing.insert(format!(
                        "service {name} uses {group}, which no load balancer serves"
                    ));
                }
                if !self.elbv2.target_groups.contains_key(group) {
                    standing.insert(format!("service {name} uses {group}, which is gone"));
                }
            }
        }
        standing
    }

    fn is_served(&self, balancing: &Balancing) -> bool {
        let mut services = self
            .ecs
            .services
            .values()
            .filter(|service| !service.is_draining());
        services.any(|service| {
            service
                .attachments
                .iter()
                .any(|attachment| balancing.forwards_to(&attachment.target_group))
        })
    }

    /// A service that stays lost a target group while resolvers may still have sent clients to its load balancer.
    fn hasty_detachments(&self, before: &State) -> Vec<String> {
        let mut found = Vec::new();
        for (key, was) in &before.ecs.services {
            let Some(is) = self.ecs.services.get(key) else {
                continue;
            };
            for attachment in &was.attachments {
                let group = &attachment.target_group;
                // One whose container port no task has any more leads nowhere.
                let definition = self.ecs.definition(is.definition());
                let leads = definition.is_some_and(|known| {
                    let mut ports = known.content.main.ports.iter();
                    ports.any(|port| port.container_port == attachment.container_port)
                });
                let gone = leads && !is.attachments.iter().any(|a| &a.target_group == group);
                let Some(arn) = before.elbv2.in_front_of(group).filter(|_| gone) else {
                    continue;
                };
                let balancing = &before.elbv2.load_balancers[arn];
                let waited = self
                    .unnamed_since
                    .get(&balancing.dns_name)
                    .map(|since| self.now - since);
                if waited.is_some_and(|waited| waited < RETIRE_AFTER) {
                    found.push(format!("service {} left {arn} after {waited:?} s", key.1));
                }
            }
        }
        found
    }

    /// Something lost its owner, or one without got one: nothing but marks was touched, and no mark of another's.
    fn only_marks_differ(&self, before: &State, app: &str) -> bool {
        self.unmarked() == before.unmarked() && self.marks_of_others(app) == before.marks_of_others(app)
    }

    /// Everything, but for the marks that say whose it is.
    fn unmarked(&self) -> String {
        let mut bare = self.clone();
        let strip = |tags: &mut Tags| {
            tags.retain(|key, _| ![OWNER_TAG, APP_TAG, PROCESS_TAG, ADOPTED_TAG].contains(&key.as_str()));
        };
        bare.ecs
            .services
            .values_mut()
            .for_each(|found| strip(&mut found.tags));
        let load_balancers = bare.elbv2.load_balancers.values_mut();
        load_balancers.for_each(|found| strip(&mut found.settings.tags));
        let groups = bare.elbv2.target_groups.values_mut();
        groups.for_each(|found| strip(&mut found.settings.tags));
        let targets = bare.scaling.targets.values_mut();
        targets.for_each(|found| strip(&mut found.tags));
        let log_groups = bare.logs.groups.values_mut();
        log_groups.for_each(|found| strip(&mut found.tags));
        let records: Vec<&RecordSet> = self
            .records()
            .filter(|record| record.kind != RecordKind::Txt)
            .collect();
        let services = &bare.ecs.services;
        let load_balancers: Vec<_> = bare.elbv2.load_balancers.values().map(|l| &l.settings).collect();
        let groups: Vec<_> = bare.elbv2.target_groups.values().map(|g| &g.settings).collect();
        let (targets, log_groups) = (&bare.scaling.targets, &bare.logs.groups);
        format!("{services:?} {load_balancers:?} {groups:?} {records:?} {targets:?} {log_groups:?}")
    }

    fn marks_of_others(&self, app: &str) -> String {
        let services = self.ecs.services.values().map(|found| &found.tags);
        let load_balancers = self.elbv2.load_balancers.values();
        let groups = self.elbv2.target_groups.values();
        let tags = services
            .chain(load_balancers.map(|found| &found.settings.tags))
            .chain(groups.map(|found| &found.settings.tags))
            .chain(self.scaling.targets.values().map(|found| &found.tags))
            .chain(self.logs.groups.values().map(|found| &found.tags))
            .filter(|tags| tags.contains_key(OWNER_TAG) && tags.get(APP_TAG).map(|tag| &**tag) != Some(app));
        let is_txt = |record: &&RecordSet| {
            record.kind == RecordKind::Txt && !record.text().contains(&format!("{APP_TAG}={app},"))
        };
        let (tags, texts): (Vec<_>, Vec<_>) = (tags.collect(), self.records().filter(is_txt).collect());
        format!("{tags:?} {texts:?}")
    }

    /// Everything that one App has no business with.
    fn not_of(&self, app: &str) -> String {
        let theirs = |tags: &&Tags| {
            !(tags.contains_key(OWNER_TAG) && tags.get(APP_TAG).map(|tag| &**tag) == Some(app))
        };
        let services = self.ecs.services.iter().filter(|(_, found)| theirs(&&found.tags));
        let load_balancers = self
            .elbv2
            .load_balancers
            .values()
            .filter(|found| theirs(&&found.settings.tags));
        let groups = self
            .elbv2
            .target_groups
            .values()
            .filter(|found| theirs(&&found.settings.tags));
        let records = self.route53.zones.values().map(|zone| {
            // Whoever owns a name: other types beside it are none of the controller's business.
            let foreign = |record: &&RecordSet| {
                matches!(record.kind, RecordKind::Other(_))
                    || !self.is_name_of(&zone.records, &record.name, app)
            };
            zone.records.iter().filter(foreign).collect::<Vec<_>>()
        });
        let claims = self
            .claims
            .iter()
            .filter(|claim| claim.owner.app.to_string() != app);
        let schedules = self.scheduler.schedules.iter();
        let schedules = schedules.filter(|(_, found)| {
            let owner = owner_in_record_text(&found.description);
            owner.is_none_or(|owner| owner.app.to_string() != app)
        });
        let targets = self.scaling.targets.iter();
        let targets = targets.filter(|(_, found)| theirs(&&found.tags));
        let log_groups = self.logs.groups.values();
        let log_groups = log_groups.filter(|found| theirs(&&found.tags));
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            log_groups.collect::<Vec<_>>(),
            targets.collect::<Vec<_>>(),
            schedules.collect::<Vec<_>>(),
            services.collect::<Vec<_>>(),
            load_balancers.collect::<Vec<_>>(),
            groups.collect::<Vec<_>>(),
            records.collect::<Vec<_>>(),
            claims.collect::<Vec<_>>()
        )
    }

    /// True if a name that is kept is free by now.
    fn is_over(&self, until: &str) -> bool {
        let until = until.parse::<Timestamp>().map(Timestamp::as_second);
        until.is_ok_and(|until| until <= i64::try_from(self.now).unwrap())
    }

    fn is_name_of(&self, records: &[RecordSet], name: &str, app: &str) -> bool {
        let name = name.strip_prefix("_empire.").unwrap_or(name);
        let ownership = ownership_name(name);
        let text = records
            .iter()
            .find(|r| r.name == ownership && r.kind == RecordKind::Txt);
        if let Some(text) = text.map(RecordSet::text)
            && let Some(until) = kept_until(&text)
        {
            return self.takes_names || self.is_over(until) || is_of_namespace(&text, app);
        }
        if let Some(RecordContent::Values { values, .. }) = text.map(|record| &record.content) {
            return values
                .iter()
                .any(|value| txt_text(value).contains(&format!("{APP_TAG}={app},")));
        }
        let mut pointing = records
            .iter()
            .filter(|r| r.name == name)
            .filter_map(|r| self.pointed_at(r));
        pointing.any(|found| {
            let tags = &found.settings.tags;
            tags.contains_key(OWNER_TAG) && tags.get(APP_TAG).map(|tag| &**tag) == Some(app)
        })
    }
}

/// True if an ownership record names an App of the namespace that this one has, too.
fn is_of_namespace(text: &str, app: &str) -> bool {
    let namespace = |app: &str| app.split_once('/').map(|(namespace, _)| namespace.to_owned());
    app_in_record_text(text).and_then(namespace) == namespace(app)
}

/// Returns the Apps that names belong to, by the name of the ownership record.
pub(super) fn holders_of_names(records: &[RecordSet]) -> BTreeMap<String, String> {
    let mut holders = BTreeMap::new();
    for record in records.iter().filter(|record| record.kind == RecordKind::Txt) {
        if let Some(app) = app_in_record_text(&record.text()) {
            holders.entry(record.name.clone()).or_insert_with(|| app.into());
        }
    }
    holders
}
