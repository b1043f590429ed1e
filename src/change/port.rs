//! Claims of host ports.

use std::fmt;

use super::Basis;
use crate::model::named::Named;
use crate::model::port::Claim;
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PortWrite {
    Claim(Claim),
    Release(Claim),
    /// Keeps the claim for the App that comes after this one under its name.
    Retain(Claim),
    /// Makes a retained claim a common one again.
    TakeBack(Claim),
}

impl PortWrite {
    pub fn claim(&self) -> &Claim {
        match self {
            PortWrite::Claim(claim)
            | PortWrite::Release(claim)
            | PortWrite::Retain(claim)
            | PortWrite::TakeBack(claim) => claim,
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match self {
            PortWrite::Claim(_) => "kubernetes:CreatePortAllocation",
            PortWrite::Retain(_) | PortWrite::TakeBack(_) => "kubernetes:PatchPortAllocation",
            PortWrite::Release(_) => "kubernetes:DeletePortAllocation",
        }
    }

    pub(super) fn resource(&self) -> String {
        let claim = self.claim();
        format!("{}-{}", claim.owner.platform, claim.port)
    }

    /// What a write does to a claim, the API server compares itself; but a port may go only if no task has it.
    pub(super) fn rests_on(&self, service: Option<Named>) -> Basis {
        match self {
            PortWrite::Claim(_) | PortWrite::Retain(_) | PortWrite::TakeBack(_) => Basis::Lists,
            PortWrite::Release(_) => Basis::singly(service),
        }
    }

    pub(super) fn fold(&self, observed: &mut Observed) {
        let ports = &mut observed.ports;
        let set = |claims: &mut Vec<Claim>, retained| {
            for known in claims.iter_mut().filter(|known| known.is_same(self.claim())) {
                known.retained = retained;
            }
        };
        match self {
            PortWrite::Claim(claim) => {
                ports.cursor = Some(claim.port);
                ports.claims.push(claim.clone());
            }
            PortWrite::Release(claim) => ports.claims.retain(|known| known != claim),
            PortWrite::Retain(_) => set(&mut ports.claims, true),
            PortWrite::TakeBack(_) => set(&mut ports.claims, false),
        }
    }
}

impl fmt::Display for PortWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claim { port, owner, .. } = self.claim();
        let of = owner.container_port;
        match self {
            PortWrite::Claim(_) => write!(f, "claim host port {port} for container port {of}"),
            PortWrite::Release(_) => write!(f, "release host port {port} of container port {of}"),
            PortWrite::Retain(_) => {
                write!(f, "retain host port {port} of container port {of}")
            }
            PortWrite::TakeBack(_) => write!(f, "take back host port {port} of container port {of}"),
        }
    }
}
