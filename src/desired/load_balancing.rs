//! How an exposed process is reached: its load balancer, target group, listener and health check.

use super::{Builder, set};
use crate::api::app::{Expose, HealthCheck as Check};
use crate::error::Error;
use crate::model::desired::{ExposedPort, LoadBalancing};
use crate::model::load_balancer::{
    HealthCheck, Listener, LoadBalancer, LoadBalancerKind, Scheme, TargetGroup, TargetGroupAttributes,
    TargetProtocol, TargetType,
};
use crate::model::name::{self, LoadBalancerIdentity};
use crate::model::service::NetworkMode;

const DEFAULT_CONTAINER_PORT: u16 = 8080;
const DEFAULT_DEREGISTRATION_DELAY: u32 = 30;
const HTTP_PORT: u16 = 80;

impl Builder<'_> {
    pub(super) fn load_balancing(&self, expose: &Expose) -> Result<LoadBalancing, Error> {
        let network = &self.platform.spec.network;
        let (scheme, word, side) = if expose.external.unwrap_or(false) {
            (Scheme::InternetFacing, "external", &network.external)
        } else {
            (Scheme::Internal, "internal", &network.internal)
        };
        let Some(side) = side else {
            return Err(self.invalid(
                "expose.external",
                &format!(
                    "Platform {} has no network.{word}, so there are no subnets for an {word} load balancer",
                    self.platform_name()
                ),
            ));
        };
        let kind = LoadBalancerKind::Application;
        let vpc = &network.vpc_id;
        let identity = LoadBalancerIdentity {
            owner: self.owner,
            process: self.name,
            kind,
            scheme,
            vpc,
        };
        let load_balancer = name::load_balancer_name(&identity);
        let protocol = TargetProtocol::Http;
        let target_type = match self.network_mode() {
            NetworkMode::Bridge => TargetType::Instance,
            NetworkMode::Awsvpc => TargetType::Ip,
        };
        let target_group = name::target_group_name(
            &self.owner.app,
            self.name,
            &load_balancer,
            HTTP_PORT,
            protocol,
            target_type,
        );
        Ok(LoadBalancing {
            // The balancer's own tags say who owns it; the Platform's cost tags mean nothing on a listener.
            listeners: vec![Listener {
                port: HTTP_PORT,
                protocol,
                target_group: target_group.clone(),
                tags: self.owner.tags(self.name),
            }],
            ports: vec![ExposedPort {
                container_port: container_port(expose),
                target_group: TargetGroup {
                    name: target_group,
                    vpc: vpc.clone(),
                    protocol,
                    target_type,
                    check: self.check(expose.check.as_ref())?,
                    attributes: TargetGroupAttributes {
                        deregistration_delay: DEFAULT_DEREGISTRATION_DELAY,
                    },
                    tags: self.tags(),
                },
            }],
            load_balancer: LoadBalancer {
                name: load_balancer,
                kind,
                scheme,
                subnets: set(&side.subnets),
                security_groups: set(&side.security_groups),
                tags: self.tags(),
            },
        })
    }

    fn check(&self, check: Option<&Check>) -> Result<HealthCheck, Error> {
        let none = Check::default();
        let check = check.unwrap_or(&none);
        let interval = match &check.interval {
            Some(interval) => self.seconds("expose.check.interval", interval)?,
            None => 10,
        };
        let timeout = match &check.timeout {
            Some(timeout) => self.seconds("expose.check.timeout", timeout)?,
            None => interval.saturating_sub(1).min(5),
        };
        let threshold = |threshold: Option<i32>, default| {
            threshold
                .and_then(|threshold| threshold.try_into().ok())
                .unwrap_or(default)
        };
        Ok(HealthCheck {
            path: check.path.clone().unwrap_or_else(|| "/".into()),
            interval,
            timeout,
            healthy_threshold: threshold(check.healthy_threshold, 2),
            unhealthy_threshold: threshold(check.unhealthy_threshold, 3),
            success_codes: "200-399".into(),
        })
    }
}

pub(super) fn container_port(expose: &Expose) -> u16 {
    expose
        .container_port
        .and_then(|port| port.try_into().ok())
        .unwrap_or(DEFAULT_CONTAINER_PORT)
}
