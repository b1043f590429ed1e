//! Listeners: what each kind of load balancer may have, where they lead, and their certificates.

use std::collections::BTreeSet;

use empire_controller::aws::Result;
use empire_controller::model::load_balancer::{
    Listener, ListenerAction, ListenerProtocol, LoadBalancerKind, TargetProtocol,
};
use empire_controller::model::name::Arn;
use empire_controller::model::state::ListenerState;

use super::super::{State, refuse};
use super::{Balancing, INVALID, NO_LOAD_BALANCER, NO_TARGET_GROUP};

const NO_LISTENER: &str = "ListenerNotFound";
/// "Certificates per Application Load Balancer (not counting default certificates)":
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html>.
const CERTIFICATES_PER_LOAD_BALANCER: usize = 25;

impl State {
    pub(super) fn create_listener(
        &mut self,
        call: &'static str,
        load_balancer: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        let Some(kind) = self
            .elbv2
            .load_balancers
            .get(load_balancer)
            .map(|found| found.settings.kind)
        else {
            return refuse(call, NO_LOAD_BALANCER, "One or more load balancers not found");
        };
        self.check_listener(call, load_balancer, kind, listener, action)?;
        let arn = self.arn("elasticloadbalancing", "listener");
        let found = self.elbv2.load_balancers.get_mut(load_balancer).unwrap();
        let mut created = ListenerState::of(arn, listener, action.clone());
        created.more_certificates = listener.protocol.is_encrypted().then(BTreeSet::new);
        let mut known = found.listeners.iter().map(|(known, _)| known);
        if let Some(known) = known.find(|known| known.port == listener.port) {
            created.arn.clone_from(&known.arn);
            created.more_certificates.clone_from(&known.more_certificates);
            if created == *known {
                return Ok(reported(known));
            }
            let message = "A listener already exists on this port for this load balancer";
            return refuse(call, "DuplicateListener", message);
        }
        found.listeners.push((created.clone(), listener.tags.clone()));
        Ok(reported(&created))
    }

    pub(super) fn modify_listener(
        &mut self,
        call: &'static str,
        arn: &Arn,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<ListenerState> {
        let (load_balancer, kind) = self.owner_of(call, arn)?;
        self.check_listener(call, &load_balancer, kind, listener, action)?;
        let known = self.listener(call, arn)?;
        let port = known.port;
        let more = known.more_certificates.take();
        *known = ListenerState::of(arn.clone(), listener, action.clone());
        // No call changes the port, and one that is no longer encrypted forgets its certificates.
        known.port = port;
        known.more_certificates = listener.protocol.is_encrypted().then(|| more.unwrap_or_default());
        Ok(reported(known))
    }

    pub(super) fn delete_listener(&mut self, arn: &Arn) {
        for balancing in self.elbv2.load_balancers.values_mut() {
            balancing.listeners.retain(|(known, _)| &known.arn != arn);
        }
    }

    pub(super) fn add_certificate(&mut self, call: &'static str, arn: &Arn, certificate: &str) -> Result<()> {
        self.check_certificate(call, certificate)?;
        let (load_balancer, _) = self.owner_of(call, arn)?;
        let quota = self
            .elbv2
            .certificate_quota
            .unwrap_or(CERTIFICATES_PER_LOAD_BALANCER);
        let listeners = self.elbv2.load_balancers[&load_balancer].listeners.iter();
        let all = listeners.filter_map(|(known, _)| known.more_certificates.as_ref());
        let is_full = all.map(BTreeSet::len).sum::<usize>() >= quota;
        let Some(known) = &mut self.listener(call, arn)?.more_certificates else {
            return refuse(call, INVALID, "The listener has no certificates");
        };
        // One that is there already is what was asked for.
        if is_full && !known.contains(certificate) {
            let message = "The maximum number of certificates on a load balancer has been reached";
            return refuse(call, "TooManyCertificates", message);
        }
        known.insert(certificate.into());
        Ok(())
    }

    pub(super) fn remove_certificate(
        &mut self,
        call: &'static str,
        arn: &Arn,
        certificate: &str,
    ) -> Result<()> {
        let listener = self.listener(call, arn)?;
        let Some(known) = &mut listener.more_certificates else {
            return refuse(call, INVALID, "The listener has no certificates");
        };
        if !known.remove(certificate) && listener.default_certificate.as_deref() == Some(certificate) {
            return refuse(
                call,
                "OperationNotPermitted",
                "Default certificates cannot be removed",
            );
        }
        Ok(())
    }

    fn owner_of(&self, call: &'static str, arn: &Arn) -> Result<(Arn, LoadBalancerKind)> {
        let holds = |found: &Balancing| found.listeners.iter().any(|(known, _)| &known.arn == arn);
        let mut all = self.elbv2.load_balancers.iter();
        match all.find(|(_, found)| holds(found)) {
            Some((load_balancer, found)) => Ok((load_balancer.clone(), found.settings.kind)),
            None => refuse(call, NO_LISTENER, "One or more listeners not found"),
        }
    }

    fn listener(&mut self, call: &'static str, arn: &Arn) -> Result<&mut ListenerState> {
        let all = self.elbv2.load_balancers.values_mut();
        let mut all = all.flat_map(|found| &mut found.listeners);
        match all.find(|(known, _)| &known.arn == arn) {
            Some((known, _)) => Ok(known),
            None => refuse(call, NO_LISTENER, "One or more listeners not found"),
        }
    }

    fn check_certificate(&self, call: &'static str, certificate: &str) -> Result<()> {
        if certificate.starts_with("arn:aws:acm:") && !self.elbv2.missing_certificates.contains(certificate) {
            return Ok(());
        }
        let message = format!("Certificate ARN '{certificate}' is not valid");
        refuse(call, "CertificateNotFound", message)
    }

    /// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateListener.html>
    fn check_listener(
        &self,
        call: &'static str,
        load_balancer: &Arn,
        kind: LoadBalancerKind,
        listener: &Listener,
        action: &ListenerAction<Arn>,
    ) -> Result<()> {
        let fits = match kind {
            LoadBalancerKind::Application => {
                matches!(
                    listener.protocol,
                    ListenerProtocol::Http | ListenerProtocol::Https
                )
            }
            LoadBalancerKind::Network => {
                matches!(listener.protocol, ListenerProtocol::Tcp | ListenerProtocol::Tls)
            }
        };
        if !fits {
            let message = format!("{:?} is no protocol of this load balancer", listener.protocol);
            return refuse(call, "UnsupportedProtocol", message);
        }
        match (listener.protocol.is_encrypted(), listener.default_certificate()) {
            (true, Some(certificate)) => self.check_certificate(call, certificate)?,
            (true, None) => {
                return refuse(
                    call,
                    INVALID,
                    "A certificate must be specified for HTTPS and TLS listeners",
                );
            }
            (false, Some(_)) => {
                let message = "A certificate cannot be specified for HTTP and TCP listeners";
                return refuse(call, INVALID, message);
            }
            (false, None) => {}
        }
        match action {
            ListenerAction::Forward(group) => {
                let Some(found) = self.elbv2.target_groups.get(group) else {
                    return refuse(call, NO_TARGET_GROUP, "One or more target groups not found");
                };
                let wanted = match kind {
                    LoadBalancerKind::Application => TargetProtocol::Http,
                    LoadBalancerKind::Network => TargetProtocol::Tcp,
                };
                if found.settings.protocol != wanted {
                    let message = "The listener and the target group have incompatible protocols";
                    return refuse(call, "IncompatibleProtocols", message);
                }
                self.elbv2.check_association(call, load_balancer, group)
            }
            ListenerAction::RedirectToHttps if kind == LoadBalancerKind::Network => {
                refuse(call, INVALID, "A network load balancer can only forward")
            }
            ListenerAction::RedirectToHttps if listener.protocol == ListenerProtocol::Https => {
                refuse(call, INVALID, "The redirect leads to itself")
            }
            ListenerAction::RedirectToHttps => Ok(()),
        }
    }
}

/// DescribeListeners and the writes tell of the default certificate alone, and of no tags.
pub(super) fn reported(listener: &ListenerState) -> ListenerState {
    ListenerState {
        more_certificates: None,
        tags: None,
        ..listener.clone()
    }
}
