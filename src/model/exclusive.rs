//! Things that only one App has at a time.

use super::desired::RecordKey;

/// Named as all who may want it name it. Two that differ only in account or region are taken for one, since the account of
/// a Platform without a role is not known: who waits for the other is woken once for nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exclusive {
    /// Any host port of a Platform, by its name.
    HostPort(String),
    /// A DNS name, of whatever type.
    Name(RecordKey),
    LoadBalancer(String),
    TargetGroup(String),
    Service(String),
    /// By the name of its service.
    ScalableTarget(String),
    Schedule(String),
    LogGroup(String),
    /// Room within the limits of a namespace, by its name: no thing, but had by one App only, too.
    Room(String),
}

impl Exclusive {
    pub fn name(zone: &str, name: &str) -> Self {
        Exclusive::Name(RecordKey {
            zone: zone.into(),
            name: name.into(),
        })
    }
}
