//! Listeners and their certificates.

use std::collections::BTreeSet;
use std::fmt;

use super::{Basis, Reply};
use crate::model::echo::Echo;
use crate::model::exclusive::Exclusive;
use crate::model::load_balancer::{Listener, ListenerAction};
use crate::model::name::Arn;
use crate::model::named::Named;
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ListenerWrite {
    Create {
        load_balancer: String,
        listener: Listener,
    },
    /// Everything but its further certificates.
    Modify {
        load_balancer: String,
        listener: Listener,
    },
    Delete {
        load_balancer: String,
        port: u16,
    },
    /// One besides the default certificate.
    AddCertificate {
        load_balancer: String,
        port: u16,
        certificate: String,
    },
    RemoveCertificate {
        load_balancer: String,
        port: u16,
        certificate: String,
    },
}

impl ListenerWrite {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            ListenerWrite::Create { .. } => "elasticloadbalancing:CreateListener",
            ListenerWrite::Modify { .. } => "elasticloadbalancing:ModifyListener",
            ListenerWrite::Delete { .. } => "elasticloadbalancing:DeleteListener",
            ListenerWrite::AddCertificate { .. } => "elasticloadbalancing:AddListenerCertificates",
            ListenerWrite::RemoveCertificate { .. } => "elasticloadbalancing:RemoveListenerCertificates",
        }
    }

    /// The load balancer and the port.
    fn place(&self) -> (&String, u16) {
        match self {
            ListenerWrite::Create {
                load_balancer,
                listener,
            }
            | ListenerWrite::Modify {
                load_balancer,
                listener,
            } => (load_balancer, listener.port),
            ListenerWrite::Delete { load_balancer, port }
            | ListenerWrite::AddCertificate {
                load_balancer, port, ..
            }
            | ListenerWrite::RemoveCertificate {
                load_balancer, port, ..
            } => (load_balancer, *port),
        }
    }

    pub(super) fn resource(&self) -> String {
        let (load_balancer, port) = self.place();
        format!("{load_balancer}:{port}")
    }

    /// Where a listener forwards no more, its target group may go.
    pub(super) fn releases(&self) -> Vec<Exclusive> {
        match self {
            ListenerWrite::Delete { load_balancer, .. } | ListenerWrite::Modify { load_balancer, .. } => {
                vec![Exclusive::LoadBalancer(load_balancer.clone())]
            }
            ListenerWrite::Create { .. }
            | ListenerWrite::AddCertificate { .. }
            | ListenerWrite::RemoveCertificate { .. } => Vec::new(),
        }
    }

    /// A listener forwards elsewhere, or goes, once no rollout needs the target group that it leads to.
    pub(super) fn rests_on(&self, service: Option<Named>) -> Basis {
        let listeners = Named::Listeners(self.place().0.clone());
        match self {
            ListenerWrite::Create { .. } | ListenerWrite::AddCertificate { .. } => Basis::Lists,
            ListenerWrite::Modify { .. } | ListenerWrite::Delete { .. } => {
                Basis::singly(service.into_iter().chain([listeners]))
            }
            ListenerWrite::RemoveCertificate { .. } => Basis::singly([listeners]),
        }
    }

    pub(super) fn things(&self) -> Vec<Named> {
        vec![Named::Listeners(self.place().0.clone())]
    }

    pub(super) fn echo(&self, observed: &Observed) -> Option<(String, Echo)> {
        let ListenerWrite::Modify {
            load_balancer,
            listener,
        } = self
        else {
            return None;
        };
        let state = observed.load_balancers.get(load_balancer);
        let listeners = state.and_then(|state| state.listeners.as_ref());
        let found = listeners.and_then(|all| all.iter().find(|found| found.port == listener.port));
        Some((
            format!("listener {} of load balancer {load_balancer}", listener.port),
            Echo::new(&[listener], &[&found]),
        ))
    }

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        let (load_balancer, port) = self.place();
        let Some(balancer) = observed.load_balancers.get_mut(load_balancer) else {
            return;
        };
        let listeners = balancer.listeners.get_or_insert_default();
        let found = listeners.iter_mut().find(|found| found.port == port);
        match self {
            ListenerWrite::Create { listener, .. } | ListenerWrite::Modify { listener, .. } => {
                let Reply::Listener(mut state) = reply else {
                    return;
                };
                if listener.protocol.is_encrypted() {
                    // It had none before it was encrypted.
                    let before = found.as_ref().and_then(|found| found.more_certificates.clone());
                    state.more_certificates = Some(before.unwrap_or_default());
                }
                if let Some(found) = found {
                    *found = state;
                } else {
                    // Most load balancers have but one.
                    listeners.reserve_exact(1);
                    listeners.push(state);
                }
            }
            ListenerWrite::Delete { .. } => listeners.retain(|known| known.port != port),
            ListenerWrite::AddCertificate { certificate, .. } => {
                if let Some(found) = found {
                    let known = found.more_certificates.get_or_insert_default();
                    known.insert(certificate.clone());
                }
                return;
            }
            ListenerWrite::RemoveCertificate { certificate, .. } => {
                if let Some(found) = found {
                    let known = found.more_certificates.get_or_insert_default();
                    known.remove(certificate);
                }
                return;
            }
        }
        // A target group has the load balancers whose listeners forward to it.
        let served: BTreeSet<Arn> = listeners
            .iter()
            .filter_map(|listener| listener.forwards_to().cloned())
            .collect();
        for group in observed.target_groups.values_mut() {
            if served.contains(&group.arn) {
                group.load_balancers.insert(balancer.arn.clone());
            } else {
                group.load_balancers.remove(&balancer.arn);
            }
        }
    }
}

impl fmt::Display for ListenerWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (load_balancer, port) = self.place();
        match self {
            ListenerWrite::Create { listener, .. } => {
                let protocol = listener.protocol.as_str();
                write!(
                    f,
                    "create listener {protocol} {port} of load balancer {load_balancer}"
                )?;
                match &listener.action {
                    ListenerAction::Forward(group) => write!(f, " to {group}")?,
                    ListenerAction::RedirectToHttps => f.write_str(" as a redirect to HTTPS")?,
                }
                certified(f, listener)
            }
            ListenerWrite::Modify { listener, .. } => {
                let protocol = listener.protocol.as_str();
                match &listener.action {
                    ListenerAction::Forward(group) => write!(
                        f,
                        "point listener {protocol} {port} of load balancer {load_balancer} at {group}"
                    )?,
                    ListenerAction::RedirectToHttps => write!(
                        f,
                        "turn listener {protocol} {port} of load balancer {load_balancer} into a redirect to HTTPS"
                    )?,
                }
                certified(f, listener)
            }
            ListenerWrite::Delete { .. } => {
                write!(f, "delete listener {port} of load balancer {load_balancer}")
            }
            ListenerWrite::AddCertificate { certificate, .. } => write!(
                f,
                "add certificate {certificate} to listener {port} of load balancer {load_balancer}"
            ),
            ListenerWrite::RemoveCertificate { certificate, .. } => write!(
                f,
                "remove certificate {certificate} from listener {port} of load balancer {load_balancer}"
            ),
        }
    }
}

fn certified(f: &mut fmt::Formatter<'_>, listener: &Listener) -> fmt::Result {
    match listener.default_certificate() {
        Some(certificate) => write!(f, " with certificate {certificate}"),
        None => Ok(()),
    }
}
