//! Load balancers, target groups and listeners, who forwards to whom, and which of their settings are valid.

use std::collections::{BTreeMap, BTreeSet};

use empire_controller::aws::Result;
use empire_controller::model::load_balancer::{
    HealthCheck, LoadBalancer, LoadBalancerKind, Probe, TargetGroup, TargetProtocol,
};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::Tags;
use empire_controller::model::state::{
    ListenerState, LoadBalancerState, LoadBalancerStatus, TargetGroupState,
};

use super::super::refuse;
use super::{INVALID, NO_TARGET_GROUP};

#[derive(Clone, Debug, Default)]
pub(in crate::fake_aws) struct Elbv2 {
    pub(in crate::fake_aws) load_balancers: BTreeMap<Arn, Balancing>,
    pub(in crate::fake_aws) target_groups: BTreeMap<Arn, Group>,
    /// Target groups whose load balancer went a moment ago, and until when that shows.
    pub(super) releasing: BTreeMap<Arn, (Arn, u64)>,
    /// The number of certificates that a load balancer takes besides the default ones of its listeners; `None`: AWS's own
    /// quota.
    pub(in crate::fake_aws) certificate_quota: Option<usize>,
    /// Certificates that nobody has issued.
    pub(in crate::fake_aws) missing_certificates: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(in crate::fake_aws) struct Balancing {
    /// As created and modified since.
    pub(in crate::fake_aws) settings: LoadBalancer,
    pub(in crate::fake_aws) dns_name: String,
    pub(in crate::fake_aws) zone_id: String,
    pub(in crate::fake_aws) active_at: u64,
    pub(in crate::fake_aws) status: LoadBalancerStatus,
    pub(in crate::fake_aws) listeners: Vec<(ListenerState, Tags)>,
    /// Subnets whose zone a network load balancer leaves, and until when.
    pub(in crate::fake_aws) leaving: BTreeMap<String, u64>,
}

#[derive(Clone, Debug)]
pub(in crate::fake_aws) struct Group {
    /// As created and modified since.
    pub(in crate::fake_aws) settings: TargetGroup,
}

impl Balancing {
    pub(in crate::fake_aws) fn forwards_to(&self, group: &Arn) -> bool {
        self.listeners
            .iter()
            .any(|(listener, _)| listener.forwards_to() == Some(group))
    }
}

/// A subnet is called after its zone: `subnet-c` and `subnet-c2` are both in us-east-1c.
fn zone_of(subnet: &str) -> Option<&str> {
    subnet.strip_prefix("subnet-")?.get(..1)
}

/// One subnet a zone, and at least so many.
pub(super) fn check_subnets(call: &'static str, subnets: &[String], fewest: usize) -> Result<()> {
    if subnets.len() < fewest {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return refuse(call, INVALID, message);
    }
    let zones: BTreeSet<_> = subnets.iter().map(|subnet| zone_of(subnet)).collect();
    if zones.len() < subnets.len() {
        let message = "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
        return refuse(call, "InvalidConfigurationRequest", message);
    }
    Ok(())
}

impl Balancing {
    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/network/availability-zones.html>
    pub(super) fn set_subnets(&mut self, call: &'static str, subnets: &[String], until: u64) -> Result<()> {
        let is_network = self.settings.kind == LoadBalancerKind::Network;
        check_subnets(call, subnets, if is_network { 1 } else { 2 })?;
        let before = std::mem::take(&mut self.settings.subnets);
        let mut new = subnets.iter().filter(|subnet| !before.contains(*subnet));
        let has_zone = |subnet: &&String| {
            let mut all = before.iter().chain(self.leaving.keys());
            all.any(|other| zone_of(other) == zone_of(subnet))
        };
        if is_network && let Some(subnet) = new.find(has_zone) {
            let zone = zone_of(subnet).unwrap_or_default();
            let message = format!(
                "You cannot specify an additional subnet from an Availability Zone that is already associated with the load \
                 balancer. The Availability Zone 'us-east-1{zone}' corresponding to the new subnet '{subnet}' is already \
                 associated with the load balancer."
            );
            self.settings.subnets = before;
            return refuse(call, "InvalidConfigurationRequest", message);
        }
        let gone = before.into_iter().filter(|subnet| !subnets.contains(subnet));
        self.leaving
            .extend(gone.filter(|_| is_network).map(|subnet| (subnet, until)));
        self.settings.subnets = subnets.iter().cloned().collect();
        Ok(())
    }
}

impl Elbv2 {
    pub(in crate::fake_aws) fn tick(&mut self, now: u64) {
        self.releasing.retain(|_, (_, until)| *until > now);
        for balancing in self.load_balancers.values_mut() {
            balancing.leaving.retain(|_, until| *until > now);
            if balancing.status == LoadBalancerStatus::Provisioning && balancing.active_at <= now {
                balancing.status = LoadBalancerStatus::Active;
            }
        }
    }

    pub(in crate::fake_aws) fn in_front_of(&self, group: &Arn) -> Option<&Arn> {
        let mut all = self.load_balancers.iter();
        all.find(|(_, balancing)| balancing.forwards_to(group))
            .map(|(arn, _)| arn)
    }

    /// By target group, the first load balancer that forwards to it.
    pub(super) fn fronts(&self) -> BTreeMap<&Arn, &Arn> {
        let mut fronts = BTreeMap::new();
        for (arn, balancing) in &self.load_balancers {
            let listeners = balancing.listeners.iter();
            for group in listeners.filter_map(|(listener, _)| listener.forwards_to()) {
                fronts.entry(group).or_insert(arn);
            }
        }
        fronts
    }

    /// Returns the target groups that a load balancer forwards to: only in these can ECS register a task.
    pub(in crate::fake_aws) fn alive_target_groups(&self) -> BTreeSet<Arn> {
        let all = self.fronts().into_keys();
        all.filter(|arn| self.target_groups.contains_key(arn))
            .cloned()
            .collect()
    }

    pub(in crate::fake_aws) fn by_name(&self, name: &str) -> Option<(&Arn, &Balancing)> {
        let kinds = ["app", "net"].into_iter();
        kinds
            .flat_map(|kind| named(&self.load_balancers, &format!("loadbalancer/{kind}/{name}/")))
            .next()
    }

    pub(in crate::fake_aws) fn group_by_name(&self, name: &str) -> Option<(&Arn, &Group)> {
        named(&self.target_groups, &format!("targetgroup/{name}/")).next()
    }

    pub(super) fn load_balancer_state(&self, arn: &Arn) -> LoadBalancerState {
        let Balancing {
            settings,
            dns_name,
            zone_id,
            status,
            ..
        } = &self.load_balancers[arn];
        LoadBalancerState {
            name: settings.name.clone(),
            arn: arn.clone(),
            dns_name: dns_name.clone(),
            zone_id: zone_id.clone(),
            status: status.clone(),
            subnets: settings.subnets.clone(),
            security_groups: settings.security_groups.clone(),
            tags: Tags::new(),
            listeners: None,
            attributes: None,
        }
    }

    pub(super) fn target_group_state(&self, arn: &Arn) -> TargetGroupState {
        self.target_group_behind(arn, self.in_front_of(arn))
    }

    /// The same, given the load balancer in front of it.
    pub(super) fn target_group_behind(&self, arn: &Arn, front: Option<&Arn>) -> TargetGroupState {
        let settings = &self.target_groups[arn].settings;
        TargetGroupState {
            name: settings.name.clone(),
            arn: arn.clone(),
            check: settings.check.clone(),
            // It speaks of a load balancer for as long as it is not released by it.
            load_balancers: front
                .or(self.releasing.get(arn).map(|(gone, _)| gone))
                .cloned()
                .into_iter()
                .collect(),
            tags: Tags::new(),
            attributes: None,
        }
    }

    pub(super) fn tags(&self, arn: &Arn) -> Option<&Tags> {
        if let Some(found) = self.target_groups.get(arn) {
            return Some(&found.settings.tags);
        }
        if let Some(found) = self.load_balancers.get(arn) {
            return Some(&found.settings.tags);
        }
        let mut listeners = self.load_balancers.values().flat_map(|found| &found.listeners);
        let listener = listeners.find(|(known, _)| &known.arn == arn);
        listener.map(|(_, tags)| tags)
    }

    pub(super) fn tags_of(&mut self, arn: &Arn) -> Option<&mut Tags> {
        if let Some(found) = self.target_groups.get_mut(arn) {
            return Some(&mut found.settings.tags);
        }
        self.load_balancers.iter_mut().find_map(|(known, found)| {
            if known == arn {
                return Some(&mut found.settings.tags);
            }
            let listener = found.listeners.iter_mut().find(|(known, _)| &known.arn == arn);
            listener.map(|(_, tags)| tags)
        })
    }

    /// A target group serves one load balancer.
    pub(super) fn check_association(
        &self,
        action: &'static str,
        load_balancer: &Arn,
        group: &Arn,
    ) -> Result<()> {
        if !self.target_groups.contains_key(group) {
            return refuse(action, NO_TARGET_GROUP, "One or more target groups not found");
        }
        match self.in_front_of(group) {
            Some(other) if other != load_balancer => refuse(
                action,
                "TargetGroupAssociationLimit",
                "The following target groups cannot be associated with more than one load balancer",
            ),
            Some(_) | None => Ok(()),
        }
    }
}

/// Returns what has ARNs that end with this and an id.
fn named<'a, T>(all: &'a BTreeMap<Arn, T>, end: &str) -> impl Iterator<Item = (&'a Arn, &'a T)> + use<'a, T> {
    let begin = format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{end}");
    let found = all.range(Arn(begin.clone())..);
    found.take_while(move |(arn, _)| arn.0.starts_with(&begin))
}

pub(super) fn check_name(action: &'static str, name: &str) -> Result<()> {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let edges = name.starts_with('-') || name.ends_with('-') || name.starts_with("internal-");
    if name.is_empty() || name.len() > 32 || !plain || edges {
        return refuse(action, INVALID, format!("The name '{name}' is not valid"));
    }
    Ok(())
}

/// Within AWS's own limits: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html>.
pub(super) fn check_health(
    action: &'static str,
    protocol: TargetProtocol,
    check: &HealthCheck,
) -> Result<()> {
    let HealthCheck {
        probe,
        interval,
        timeout,
        healthy_threshold,
        unhealthy_threshold,
    } = check;
    // A network load balancer takes a timeout as long as the interval, and could check by HTTP, too.
    let fits = match (protocol, probe) {
        (TargetProtocol::Http, Probe::Http { path, success_codes }) => {
            path.starts_with('/') && !success_codes.is_empty() && timeout < interval
        }
        (TargetProtocol::Tcp, Probe::Tcp) => timeout <= interval,
        (TargetProtocol::Http, Probe::Tcp) | (TargetProtocol::Tcp, Probe::Http { .. }) => false,
    };
    let valid = fits
        && (5..=300).contains(interval)
        && (2..=120).contains(timeout)
        && (2..=10).contains(healthy_threshold)
        && (2..=10).contains(unhealthy_threshold);
    if valid {
        Ok(())
    } else {
        refuse(action, INVALID, "Health check settings are out of range")
    }
}
