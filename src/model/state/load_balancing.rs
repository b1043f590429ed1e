//! Load balancers, listeners and target groups that are there.

use std::collections::BTreeSet;

use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, ListenerProtocol, LoadBalancer, LoadBalancerAttributes,
    SECURITY_POLICY, TargetGroup, TargetGroupAttributes,
};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::record::normalize;
use crate::model::small_set::SmallSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadBalancerState {
    pub name: String,
    pub arn: Arn,
    pub dns_name: String,
    /// The hosted zone that an alias to this load balancer names.
    pub zone_id: String,
    pub status: LoadBalancerStatus,
    /// Empty if the reply left them out: every load balancer has some.
    pub subnets: SmallSet<String>,
    /// Empty if the reply left them out, or for a network load balancer.
    pub security_groups: SmallSet<String>,
    pub tags: Tags,
    /// `None` if they were not read.
    pub listeners: Option<Vec<ListenerState>>,
    /// `None` if they were not read, or left out.
    pub attributes: Option<LoadBalancerAttributes>,
}

impl LoadBalancerState {
    /// Returns the [`RecordSet::target`](crate::model::record::RecordSet::target) of a record that points here.
    pub fn host(&self) -> String {
        normalize(&self.dns_name)
    }

    /// Returns the number of certificates that its listeners have besides the default ones.
    pub fn more_certificates(&self) -> usize {
        let listeners = self.listeners.iter().flatten();
        listeners
            .filter_map(|listener| Some(listener.more_certificates.as_ref()?.len()))
            .sum()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadBalancerStatus {
    Provisioning,
    /// `active` or `active_impaired`.
    Active,
    /// With AWS's reason.
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerState {
    pub arn: Arn,
    pub port: u16,
    /// As AWS spells it.
    pub protocol: String,
    /// Its default action; `None` for one that is no listener's of ours.
    pub action: Option<ListenerAction<Arn>>,
    /// `None` if it has none, or the reply left it out.
    pub default_certificate: Option<String>,
    /// `None` if it was not read: a listener that is not encrypted has none.
    pub more_certificates: Option<BTreeSet<String>>,
    /// `None` if it has none, or the reply left it out.
    pub security_policy: Option<String>,
    /// `None` if they were not read: asked for only where nothing wants the port.
    pub tags: Option<Tags>,
}

impl LoadBalancerState {
    /// Returns the load balancer as it is once it is made; AWS alone chooses the three names.
    pub fn of(wanted: &LoadBalancer, arn: Arn, dns_name: String, zone_id: String) -> Self {
        LoadBalancerState {
            name: wanted.name.clone(),
            arn,
            dns_name,
            zone_id,
            status: LoadBalancerStatus::Provisioning,
            subnets: wanted.subnets.clone(),
            security_groups: wanted.security_groups.clone(),
            tags: wanted.tags.clone(),
            listeners: Some(Vec::new()),
            attributes: wanted.attributes.map(|_| LoadBalancerAttributes::AS_CREATED),
        }
    }
}

impl TargetGroupState {
    /// Returns the target group as it is once it is made: no create call takes attributes.
    pub fn of(wanted: &TargetGroup, arn: Arn) -> Self {
        TargetGroupState {
            name: wanted.name.clone(),
            arn,
            check: wanted.check.clone(),
            load_balancers: SmallSet::new(),
            tags: wanted.tags.clone(),
            attributes: Some(wanted.attributes.as_created()),
        }
    }
}

impl ListenerState {
    /// Returns the listener as it is once it is made or modified; no call takes further certificates, and those that it has
    /// stay.
    pub fn of(arn: Arn, listener: &Listener, action: ListenerAction<Arn>) -> Self {
        let is_encrypted = listener.protocol.is_encrypted();
        ListenerState {
            arn,
            port: listener.port,
            protocol: listener.protocol.as_str().into(),
            action: Some(action),
            default_certificate: listener.default_certificate().cloned(),
            more_certificates: None,
            security_policy: is_encrypted.then(|| SECURITY_POLICY.into()),
            tags: None,
        }
    }

    /// Returns true if it has certificates.
    pub fn is_encrypted(&self) -> bool {
        [ListenerProtocol::Https, ListenerProtocol::Tls]
            .iter()
            .any(|protocol| protocol.as_str() == self.protocol)
    }

    /// Returns true if it is not known to lack one of the further certificates that are wanted.
    pub fn has_certificates(&self, wanted: &Listener) -> bool {
        let known = self.more_certificates.as_ref();
        known.is_none_or(|known| wanted.more_certificates().iter().all(|arn| known.contains(arn)))
    }

    /// Returns the one target group that it forwards to.
    pub fn forwards_to(&self) -> Option<&Arn> {
        match &self.action {
            Some(ListenerAction::Forward(group)) => Some(group),
            Some(ListenerAction::RedirectToHttps) | None => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetGroupState {
    pub name: String,
    pub arn: Arn,
    /// Zero or empty in a field that the reply left out.
    pub check: HealthCheck,
    /// The load balancers whose listeners forward to it.
    pub load_balancers: SmallSet<Arn>,
    pub tags: Tags,
    /// `None` if they were not read.
    pub attributes: Option<TargetGroupAttributes>,
}
