//! Questions that several planners ask of the same two facts.

mod held_back;
mod leaving;

use std::collections::{BTreeMap, BTreeSet};

use crate::change::{Change, Deferred};
use crate::model::desired::{Desired, DesiredProcess, LoadBalancing, RecordKey};
use crate::model::load_balancer::{Listener, ListenerAction};
use crate::model::name::{self, Arn};
use crate::model::owner::{AppName, Tags, has_no_owner, left_by};
use crate::model::part::Part;
use crate::model::port::{Claim, PortOwner};
use crate::model::record::{RecordKind, RecordSet, ownership_name};
use crate::model::service::{Attachment, TaskDefinition};
use crate::model::state::{
    ListenerState, LoadBalancerState, LoadBalancerStatus, Observed, ServiceState, ServiceStatus,
    TargetGroupState, ZoneState,
};

pub(super) struct View<'a> {
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    deferred: &'a Deferred,
    /// Nothing is given new content before the task of the release phase has succeeded.
    pub is_closed: bool,
    /// The names of the load balancers and target groups that some process wants.
    wanted: BTreeSet<&'a str>,
    /// Our load balancers by the host that a record would name.
    hosts: BTreeMap<String, &'a LoadBalancerState>,
    /// By target group of ours, the load balancers of ours that forward to it.
    in_front: BTreeMap<&'a str, Vec<&'a LoadBalancerState>>,
    /// By target group of ours, and by load balancer of ours in front of one, the process whose service is attached.
    users: BTreeMap<&'a str, &'a str>,
    /// By load balancer of ours, the records that point at it, whoever wrote them.
    pointers: BTreeMap<&'a str, Vec<Pointer<'a>>>,
}

/// A record that points at a load balancer of ours.
#[derive(Clone, Copy)]
pub(super) struct Pointer<'a> {
    pub zone_id: &'a String,
    zone: &'a ZoneState,
    pub record: &'a RecordSet,
}

impl<'a> View<'a> {
    pub(super) fn new(desired: &'a Desired, observed: &'a Observed, deferred: &'a Deferred) -> Self {
        let owner = &desired.owner;
        let all = observed.load_balancers.values();
        let ours: Vec<&LoadBalancerState> = all.filter(|l| owner.owns(&l.tags)).collect();
        let by_arn: BTreeMap<&Arn, &LoadBalancerState> = ours.iter().map(|l| (&l.arn, *l)).collect();
        let balancings = desired
            .processes
            .values()
            .filter_map(|p| p.load_balancing.as_ref());
        let groups = observed.target_groups.values();
        let mut view = View {
            desired,
            observed,
            deferred,
            is_closed: false,
            wanted: balancings
                .flat_map(|b| {
                    let groups = b.target_groups().map(|group| group.name.as_str());
                    groups.chain([b.load_balancer.name.as_str()])
                })
                .collect(),
            hosts: ours.iter().map(|l| (l.host(), *l)).collect(),
            in_front: groups
                .filter(|group| owner.owns(&group.tags))
                .map(|group| {
                    let arns = group.load_balancers.iter();
                    let in_front = arns.filter_map(|arn| by_arn.get(arn).copied());
                    (group.name.as_str(), in_front.collect())
                })
                .collect(),
            users: BTreeMap::new(),
            pointers: BTreeMap::new(),
        };
        view.find_users();
        view.find_pointers();
        view
    }

    fn find_users(&mut self) {
        let groups = self.observed.target_groups.values();
        let groups: BTreeMap<&Arn, &str> = groups.map(|group| (&group.arn, group.name.as_str())).collect();
        for service in self.observed.services.values() {
            if !self.desired.owner.owns(&service.tags) {
                continue;
            }
            let process = name::process_of_family(&self.desired.owner.app, &service.name).unwrap_or_default();
            for attachment in &service.attachments {
                let group = groups.get(&attachment.target_group);
                let Some((group, in_front)) = group.and_then(|group| self.in_front.get_key_value(group))
                else {
                    continue;
                };
                let names = in_front.iter().map(|l| l.name.as_str()).chain([*group]);
                for name in names {
                    self.users.entry(name).or_insert(process);
                }
            }
        }
    }

    fn find_pointers(&mut self) {
        for (zone_id, zone) in &self.observed.zones {
            for record in &zone.records {
                if let Some(load_balancer) = self.pointed_at(record) {
                    let pointer = Pointer {
                        zone_id,
                        zone,
                        record,
                    };
                    let name = load_balancer.name.as_str();
                    self.pointers.entry(name).or_default().push(pointer);
                }
            }
        }
    }

    /// Every process that is wanted or of which something is left.
    pub(super) fn processes(&self) -> BTreeSet<&'a str> {
        let mut processes = self.observed.processes_of(&self.desired.owner);
        processes.extend(self.desired.processes.keys().map(String::as_str));
        processes
    }

    pub(super) fn is_unread(&self, part: &Part) -> bool {
        self.observed.is_unread(part)
    }

    pub(super) fn process(&self, process: &str) -> Option<&'a DesiredProcess> {
        self.desired.processes.get(process)
    }

    /// Wanted, and with a service.
    pub(super) fn is_service(&self, process: &str) -> bool {
        self.process(process)
            .is_some_and(|wanted| wanted.service().is_some())
    }

    pub(super) fn load_balancing(&self, process: &str) -> Option<&'a LoadBalancing> {
        self.process(process)?.load_balancing.as_ref()
    }

    /// The process's service, if it exists and is ours.
    pub(super) fn service(&self, process: &str) -> Option<&'a ServiceState> {
        self.observed.service_of(&self.desired.owner, process)
    }

    pub(super) fn load_balancer(&self, name: &str) -> Option<&'a LoadBalancerState> {
        let state = self.observed.load_balancers.get(name)?;
        self.desired.owner.owns(&state.tags).then_some(state)
    }

    pub(super) fn target_group(&self, name: &str) -> Option<&'a TargetGroupState> {
        let state = self.observed.target_groups.get(name)?;
        self.desired.owner.owns(&state.tags).then_some(state)
    }

    /// Something with a wanted name carries these tags, and the App may take it over.
    pub(super) fn may_adopt(&self, tags: &Tags) -> bool {
        self.desired.adopts && has_no_owner(tags)
    }

    /// Returns what to do about something in the App's way, by its tags.
    pub(super) fn advice(&self, tags: &Tags) -> String {
        if has_no_owner(tags) {
            self.advice_to_adopt(left_by(tags).as_ref())
        } else {
            String::new()
        }
    }

    /// Returns what to do about something that is nobody's. Developers hear which App of their own namespace has left it behind.
    pub(super) fn advice_to_adopt(&self, left_by: Option<&AppName>) -> String {
        let namespace = &self.desired.owner.app.namespace;
        let left = match left_by {
            Some(app) if app.namespace == *namespace => format!(" (App {app} has left it behind)"),
            Some(_) => " (an App of another namespace has left it behind)".into(),
            None => String::new(),
        };
        format!(", nor anybody's{left}: to take it over, annotate the App with empire.dev/adopt: \"true\"")
    }

    /// The record points at a load balancer that the App is about to take over.
    pub(super) fn points_at_adopted(&self, record: &RecordSet) -> bool {
        let target = record.target();
        let mut adopted = self
            .observed
            .load_balancers
            .values()
            .filter(|l| self.may_adopt(&l.tags));
        adopted.any(|load_balancer| Some(load_balancer.host()) == target)
    }

    /// This App's claims on its Platform.
    pub(super) fn claims(&self) -> impl Iterator<Item = &'a Claim> {
        let (place, app) = (&self.desired.place, &self.desired.owner.app);
        let ours = move |claim: &&Claim| claim.owner.platform == place.platform && &claim.owner.app == app;
        self.observed.ports.claims.iter().filter(ours)
    }

    /// The port that a claim holds for this owner: of two, the one that is running, else the lowest.
    pub(super) fn claimed_port(&self, owner: &PortOwner) -> Option<u16> {
        self.desired.claimed_port(self.observed, owner)
    }

    /// The fixed host port that a process runs with now, if it is for this container port.
    pub(super) fn running_host_port(&self, owner: &PortOwner) -> Option<u16> {
        self.desired.running_host_port(self.observed, owner)
    }

    /// The wanted content with its claimed ports filled in; `None` until each has a claim.
    pub(super) fn wanted_definition(&self, process: &str, wanted: &DesiredProcess) -> Option<TaskDefinition> {
        self.desired.definition(self.observed, process, wanted)
    }

    /// Returns true if tasks of this content find their log group. Else nothing is started with it that was not before.
    pub(super) fn has_log_group(&self, content: &TaskDefinition) -> bool {
        self.desired.has_log_group(self.observed, content)
    }

    pub(super) fn pointers(&self, load_balancer: &str) -> &[Pointer<'a>] {
        self.pointers
            .get(load_balancer)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// A record names it, or may, in a zone that could not be read, or not for long.
    pub(super) fn is_named(&self, load_balancer: &str) -> bool {
        !self.pointers(load_balancer).is_empty() || self.observed.has_unread_zone()
    }

    /// Returns a zone whose list is old, if there is one.
    pub(super) fn old_zone(&self) -> Option<&'a String> {
        let mut zones = self.observed.zones.iter();
        zones.find(|(_, zone)| zone.is_old).map(|(id, _)| id)
    }

    pub(super) fn is_named_by_us(&self, load_balancer: &str) -> bool {
        self.pointers(load_balancer)
            .iter()
            .any(|pointer| self.is_ours(pointer))
    }

    /// A pointer that we write and take away: of a type that we write, at a name that is ours, or that is wanted and
    /// nobody's.
    pub(super) fn is_ours(&self, pointer: &Pointer<'_>) -> bool {
        let Pointer {
            zone_id,
            zone,
            record,
        } = pointer;
        let key = || RecordKey {
            zone: (*zone_id).clone(),
            name: record.name.clone(),
        };
        matches!(record.kind, RecordKind::A | RecordKind::Cname)
            && !record.is_routed()
            && match ownership_text(zone, &record.name) {
                Some(text) => self.desired.owner.owns_record_text(&text),
                None => self.desired.records.contains_key(&key()),
            }
    }

    /// True for a change that failed in this pass, or in one before, or that the release phase holds back.
    pub(super) fn is_deferred(&self, change: &Change) -> bool {
        self.deferred.contains(change) || self.holds_back(change)
    }

    /// Load balancer, target groups and listeners are all there, so that a service may be attached.
    pub(super) fn is_built(&self, wanted: &LoadBalancing) -> bool {
        let mut forwards = wanted.listeners.iter().filter(|l| l.target_group().is_some());
        wanted
            .target_groups()
            .all(|group| self.target_group(&group.name).is_some())
            && forwards.all(|listener| self.listens(wanted, listener, |_| true))
    }

    /// Redirects and certificates are there, too, so that whoever comes by a name misses nothing.
    fn is_complete(&self, wanted: &LoadBalancing) -> bool {
        let mut listeners = wanted.listeners.iter();
        self.is_built(wanted)
            && listeners.all(|listener| self.listens(wanted, listener, |l| l.has_certificates(listener)))
    }

    /// As far as is known.
    fn listens(
        &self,
        wanted: &LoadBalancing,
        listener: &Listener,
        suffices: impl Fn(&ListenerState) -> bool,
    ) -> bool {
        let is_it =
            |l: &ListenerState| l.port == listener.port && l.action == self.action(listener) && suffices(l);
        let load_balancer = self.load_balancer(&wanted.load_balancer.name);
        load_balancer.is_some_and(|found| {
            let listeners = found.listeners.as_ref();
            listeners.is_none_or(|all| all.iter().any(is_it))
        })
    }

    /// Returns the action of a listener as AWS will report it; `None` before its target group exists.
    pub(super) fn action(&self, listener: &Listener) -> Option<ListenerAction<Arn>> {
        match &listener.action {
            ListenerAction::Forward(name) => {
                let group = self.target_group(name)?;
                Some(ListenerAction::Forward(group.arn.clone()))
            }
            ListenerAction::RedirectToHttps => Some(ListenerAction::RedirectToHttps),
        }
    }

    pub(super) fn is_active(&self, load_balancer: &str) -> bool {
        self.load_balancer(load_balancer)
            .is_some_and(|l| l.status == LoadBalancerStatus::Active)
    }

    /// A name may point at this load balancer: the process's tasks are coming up behind it. Where the service is still
    /// attached to another one too, they must be up, all of them. An update that exposes a service has two
    /// deployments while it rolls out; but those of a load balancer that has a name already are another matter.
    pub(super) fn serves(&self, process: &str, wanted: &LoadBalancing) -> bool {
        let Some(service) = self.service(process) else {
            return false;
        };
        let attached = self.attached(service);
        let (here, elsewhere): (Vec<_>, Vec<_>) = attached
            .iter()
            .partition(|a| wanted.container_port(&a.target_group).is_some());
        let is_up = if elsewhere.is_empty() {
            service.deployments.len() <= 1 || self.is_named_by_us(&wanted.load_balancer.name)
        } else {
            service.is_rolled_out()
        };
        service.status == ServiceStatus::Active
            && self.is_complete(wanted)
            && here.len() == wanted.ports.len()
            && is_up
    }

    /// Somebody is, or may be, sent to this load balancer, and finds the process there.
    pub(super) fn is_in_use(&self, process: &str, wanted: &LoadBalancing) -> bool {
        self.is_named_by_us(&wanted.load_balancer.name) || self.serves(process, wanted)
    }

    /// A service's target groups by name; those that are gone or foreign are left out.
    pub(super) fn attached(&self, service: &ServiceState) -> Vec<Attachment<String>> {
        let mut attached = self.observed.attached(service);
        attached.retain(|attachment| self.target_group(&attachment.target_group).is_some());
        attached
    }

    /// The load balancers of ours that forward to a target group of ours.
    pub(super) fn in_front_of(&self, target_group: &str) -> &[&'a LoadBalancerState] {
        self.in_front
            .get(target_group)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The process whose service is attached to this target group of ours, or to one behind this load balancer of ours.
    pub(super) fn attached_to(&self, name: &str) -> Option<&'a str> {
        self.users.get(name).copied()
    }

    /// Returns true if a process wants a load balancer or a target group of this name.
    pub(super) fn is_wanted(&self, name: &str) -> bool {
        self.wanted.contains(name)
    }

    /// The load balancer of ours that a record points at.
    pub(super) fn pointed_at(&self, record: &RecordSet) -> Option<&'a LoadBalancerState> {
        self.hosts.get(&record.target()?).copied()
    }
}

/// The text of the ownership record of a name.
pub(super) fn ownership_text(zone: &ZoneState, name: &str) -> Option<String> {
    let ownership = ownership_name(name);
    let mut records = zone.records.iter();
    let record = records.find(|r| r.name == ownership && r.kind == RecordKind::Txt);
    record.map(|record| record.text())
}
