//! Listeners and their certificates.

use std::fmt;

use super::Verb;
use crate::model::echo::Echo;
use crate::model::load_balancer::{Listener, ListenerAction};
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
    pub(super) fn verb(&self) -> Verb {
        match self {
            ListenerWrite::Create { .. } => Verb::Created,
            ListenerWrite::Modify { .. }
            | ListenerWrite::AddCertificate { .. }
            | ListenerWrite::RemoveCertificate { .. } => Verb::Updated,
            ListenerWrite::Delete { .. } => Verb::Deleted,
        }
    }

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

    pub(super) fn releases(&self) -> bool {
        match self {
            ListenerWrite::Delete { .. } | ListenerWrite::RemoveCertificate { .. } => true,
            ListenerWrite::Create { .. }
            | ListenerWrite::Modify { .. }
            | ListenerWrite::AddCertificate { .. } => false,
        }
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
