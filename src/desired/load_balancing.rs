//! The load balancer, target groups, listeners and health check of an exposed process.

use std::collections::BTreeSet;

use super::{Builder, exposure, set};
use crate::api::app::{Expose, ExposeType, HealthCheck as Check, ListenerProtocol as Protocol, Process};
use crate::error::Error;
use crate::model::desired::{ExposedPort, LoadBalancing};
use crate::model::load_balancer::{
    DEFAULT_SUCCESS_CODES, HTTPS_PORT, HealthCheck, Listener, ListenerAction, ListenerProtocol, LoadBalancer,
    LoadBalancerAttributes, LoadBalancerKind, Probe, Scheme, TargetGroup, TargetGroupAttributes,
    TargetProtocol, TargetType,
};
use crate::model::name::{self, LoadBalancerIdentity};
use crate::model::service::NetworkMode;

const DEFAULT_CONTAINER_PORT: u16 = 8080;
const DEFAULT_DEREGISTRATION_DELAY: u32 = 30;
const HTTP_PORT: u16 = 80;
/// AWS's own timeout of a TCP check, where the interval is not shorter.
const TCP_TIMEOUT: u32 = 10;

/// A port that clients connect to, and the one in the container that it leads to.
pub struct Listened {
    pub port: u16,
    pub protocol: ListenerProtocol,
    pub container_port: u16,
}

/// Returns the ports by which clients reach a process, the redirect of `https` left out.
pub fn listened(name: &str, process: &Process) -> Vec<Listened> {
    exposure(name, process).as_ref().map(entries).unwrap_or_default()
}

/// Returns the listeners of an exposure, the redirect of `https` left out.
fn entries(expose: &Expose) -> Vec<Listened> {
    let container_port = port(expose.container_port, DEFAULT_CONTAINER_PORT);
    let one = |port: u16, protocol: ListenerProtocol| {
        vec![Listened {
            port,
            protocol,
            container_port,
        }]
    };
    match expose.type_ {
        _ if !expose.listeners.is_empty() => expose
            .listeners
            .iter()
            .map(|listener| Listened {
                port: port(Some(listener.port), HTTP_PORT),
                protocol: match listener.protocol {
                    Protocol::Http => ListenerProtocol::Http,
                    Protocol::Https => ListenerProtocol::Https,
                    Protocol::Tcp => ListenerProtocol::Tcp,
                    Protocol::Tls => ListenerProtocol::Tls,
                },
                container_port: port(listener.container_port, DEFAULT_CONTAINER_PORT),
            })
            .collect(),
        None | Some(ExposeType::Http) => one(HTTP_PORT, ListenerProtocol::Http),
        Some(ExposeType::Https) => one(HTTPS_PORT, ListenerProtocol::Https),
        Some(ExposeType::Tcp) => one(container_port, ListenerProtocol::Tcp),
        Some(ExposeType::Tls) => one(HTTPS_PORT, ListenerProtocol::Tls),
        Some(ExposeType::None) => Vec::new(),
    }
}

fn port(given: Option<i32>, default: u16) -> u16 {
    given.and_then(|port| port.try_into().ok()).unwrap_or(default)
}

/// The ports in the container that somebody can reach, the first listener's first.
pub(super) fn container_ports(expose: &Expose) -> Vec<u16> {
    let mut ports = Vec::new();
    for entry in entries(expose) {
        if !ports.contains(&entry.container_port) {
            ports.push(entry.container_port);
        }
    }
    ports
}

impl Builder<'_> {
    pub(super) fn load_balancing(&self, expose: &Expose) -> Result<LoadBalancing, Error> {
        let entries = entries(expose);
        let speaks_http = entries.iter().any(|entry| match entry.protocol {
            ListenerProtocol::Http | ListenerProtocol::Https => true,
            ListenerProtocol::Tcp | ListenerProtocol::Tls => false,
        });
        let (kind, protocol) = if speaks_http {
            (LoadBalancerKind::Application, TargetProtocol::Http)
        } else {
            (LoadBalancerKind::Network, TargetProtocol::Tcp)
        };
        let load_balancer = self.load_balancer(expose, kind)?;
        let target_type = match self.network_mode() {
            NetworkMode::Bridge | NetworkMode::Host => TargetType::Instance,
            NetworkMode::Awsvpc => TargetType::Ip,
        };
        let slots = [0, 1].map(|index| {
            let app = &self.owner.app;
            name::target_group_name(app, self.name, &load_balancer.name, index, protocol, target_type)
        });
        let mut ports = Vec::new();
        for (container_port, name) in container_ports(expose).into_iter().zip(&slots) {
            ports.push(ExposedPort {
                container_port,
                target_group: self.target_group(expose, name, protocol, target_type)?,
            });
        }
        let group_of = |container_port: u16| {
            let port = ports.iter().find(|port| port.container_port == container_port);
            port.map(|port| port.target_group.name.clone())
        };
        // The balancer's own tags say who owns it; the Platform's cost tags mean nothing on a listener.
        let tags = || self.owner.tags(self.name);
        let mut listeners: Vec<Listener> = entries
            .iter()
            .filter_map(|entry| {
                Some(Listener {
                    port: entry.port,
                    protocol: entry.protocol,
                    certificates: if entry.protocol.is_encrypted() {
                        expose.certificate_arns.clone()
                    } else {
                        Vec::new()
                    },
                    action: ListenerAction::Forward(group_of(entry.container_port)?),
                    tags: tags(),
                })
            })
            .collect();
        if expose.type_ == Some(ExposeType::Https) {
            listeners.push(Listener {
                port: HTTP_PORT,
                protocol: ListenerProtocol::Http,
                certificates: Vec::new(),
                action: ListenerAction::RedirectToHttps,
                tags: tags(),
            });
        }
        Ok(LoadBalancing {
            dropped_security_groups: self.dropped_security_groups(&load_balancer),
            load_balancer,
            ports,
            listeners,
            slots,
        })
    }

    fn load_balancer(&self, expose: &Expose, kind: LoadBalancerKind) -> Result<LoadBalancer, Error> {
        let network = &self.platform.spec.network;
        let (scheme, side) = if expose.external.unwrap_or(false) {
            (Scheme::InternetFacing, &network.external)
        } else {
            (Scheme::Internal, &network.internal)
        };
        let word = scheme.side();
        let Some(side) = side else {
            return Err(self.invalid(
                "expose.external",
                &format!(
                    "Platform {} has no network.{word}, so there are no subnets for an {word} load balancer",
                    self.platform_name()
                ),
            ));
        };
        let attributes = match (kind, &expose.idle_timeout) {
            (LoadBalancerKind::Application, None) => Some(LoadBalancerAttributes::AS_CREATED),
            (LoadBalancerKind::Application, Some(timeout)) => {
                let idle_timeout = self.seconds("expose.idleTimeout", timeout)?;
                Some(LoadBalancerAttributes { idle_timeout })
            }
            (LoadBalancerKind::Network, _) => None,
        };
        Ok(LoadBalancer {
            name: name::load_balancer_name(&LoadBalancerIdentity {
                owner: self.owner,
                process: self.name,
                kind,
                scheme,
                vpc: &network.vpc_id,
                has_security_groups: !side.security_groups.is_empty(),
            }),
            kind,
            scheme,
            subnets: side.subnets.iter().cloned().collect(),
            security_groups: side.security_groups.iter().cloned().collect(),
            attributes,
            tags: self.tags(),
        })
    }

    /// AWS itself does not say whether a group was given, or is the one that it chose.
    fn dropped_security_groups(&self, wanted: &LoadBalancer) -> BTreeSet<String> {
        let status = self.platform.status.as_ref();
        let given = status.and_then(|status| status.security_groups.as_ref());
        let given = given.filter(|_| wanted.security_groups.is_empty());
        let given = given.map(|given| match wanted.scheme {
            Scheme::Internal => &given.internal,
            Scheme::InternetFacing => &given.external,
        });
        given.map(|given| set(given)).unwrap_or_default()
    }

    fn target_group(
        &self,
        expose: &Expose,
        name: &str,
        protocol: TargetProtocol,
        target_type: TargetType,
    ) -> Result<TargetGroup, Error> {
        let deregistration_delay = match &expose.deregistration_delay {
            Some(delay) => self.seconds("expose.deregistrationDelay", delay)?,
            None => DEFAULT_DEREGISTRATION_DELAY,
        };
        let (preserve_client_ip, cross_zone) = match protocol {
            TargetProtocol::Http => (None, None),
            TargetProtocol::Tcp => (Some(false), Some(true)),
        };
        Ok(TargetGroup {
            name: name.into(),
            vpc: self.platform.spec.network.vpc_id.clone(),
            protocol,
            target_type,
            check: self.check(expose.check.as_ref(), protocol)?,
            attributes: TargetGroupAttributes {
                deregistration_delay,
                preserve_client_ip,
                cross_zone,
            },
            tags: self.tags(),
        })
    }

    fn check(&self, check: Option<&Check>, protocol: TargetProtocol) -> Result<HealthCheck, Error> {
        let none = Check::default();
        let check = check.unwrap_or(&none);
        let interval = match &check.interval {
            Some(interval) => self.seconds("expose.check.interval", interval)?,
            None => 10,
        };
        let timeout = match (&check.timeout, protocol) {
            (Some(timeout), _) => self.seconds("expose.check.timeout", timeout)?,
            (None, TargetProtocol::Http) => interval.saturating_sub(1).min(5),
            (None, TargetProtocol::Tcp) if interval < TCP_TIMEOUT => interval.saturating_sub(1),
            (None, TargetProtocol::Tcp) => TCP_TIMEOUT,
        };
        let threshold = |threshold: Option<i32>, default| {
            threshold
                .and_then(|threshold| threshold.try_into().ok())
                .unwrap_or(default)
        };
        let (probe, healthy_threshold) = match protocol {
            TargetProtocol::Http => {
                let path = check.path.clone().unwrap_or_else(|| "/".into());
                let success_codes = check.success_codes.clone();
                let success_codes = success_codes.unwrap_or_else(|| DEFAULT_SUCCESS_CODES.into());
                (Probe::Http { path, success_codes }, 2)
            }
            TargetProtocol::Tcp => (Probe::Tcp, 3),
        };
        Ok(HealthCheck {
            probe,
            interval,
            timeout,
            healthy_threshold: threshold(check.healthy_threshold, healthy_threshold),
            unhealthy_threshold: threshold(check.unhealthy_threshold, 3),
        })
    }
}
