//! Changes in words: what Events, logs and `plan` print, and by what a refused change is known again.

mod schedule;

use std::fmt;

use super::{Change, Tagged};
use crate::model::counted;
use crate::model::load_balancer::{DEFAULT_SUCCESS_CODES, HealthCheck, Listener, ListenerAction, Probe};
use crate::model::owner::Tags;
use crate::model::port::Claim;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use crate::model::service::{
    Attachment, CircuitBreaker, DeploymentConfiguration, ServiceUpdate, TaskDefinition,
};

/// One line that a person can judge; values of environment variables never appear.
impl fmt::Display for Change {
    #[expect(clippy::too_many_lines, reason = "one arm a change")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::ClaimPort(Claim { port, owner, .. }) => {
                write!(
                    f,
                    "claim host port {port} for container port {}",
                    owner.container_port
                )
            }
            Change::FreePort(Claim { port, owner, .. }) => {
                write!(
                    f,
                    "free host port {port} of container port {}",
                    owner.container_port
                )
            }
            Change::RetainPort(Claim { port, owner, .. }) => {
                write!(
                    f,
                    "keep host port {port} of container port {} for whoever comes after",
                    owner.container_port
                )
            }
            Change::TakeBackPort(Claim { port, owner, .. }) => {
                write!(
                    f,
                    "take back host port {port} of container port {}",
                    owner.container_port
                )
            }
            Change::CreateLoadBalancer { load_balancer, .. } => write!(
                f,
                "create {} {} load balancer {}",
                load_balancer.scheme.as_str(),
                load_balancer.kind.as_str(),
                load_balancer.name
            ),
            Change::SetSubnets {
                load_balancer,
                subnets,
                ..
            } => {
                write!(
                    f,
                    "set subnets of load balancer {load_balancer} to {}",
                    subnets.join(", ")
                )
            }
            Change::SetSecurityGroups {
                load_balancer,
                security_groups,
                ..
            } => {
                write!(
                    f,
                    "set security groups of load balancer {load_balancer} to {}",
                    security_groups.join(", ")
                )
            }
            Change::ModifyLoadBalancerAttributes {
                load_balancer,
                attributes,
                ..
            } => write!(
                f,
                "set idle timeout of load balancer {load_balancer} to {} s",
                attributes.idle_timeout
            ),
            Change::DeleteLoadBalancer { load_balancer, .. } => {
                write!(f, "delete load balancer {load_balancer}")
            }
            Change::CreateTargetGroup { target_group, .. } => {
                write!(
                    f,
                    "create target group {} checking {}",
                    target_group.name,
                    Asked(&target_group.check)
                )
            }
            Change::ModifyTargetGroup {
                target_group, check, ..
            } => write!(
                f,
                "set health check of target group {target_group} to {} every {} s, timeout {} s, {} healthy, {} unhealthy",
                Asked(check),
                check.interval,
                check.timeout,
                check.healthy_threshold,
                check.unhealthy_threshold
            ),
            Change::ModifyTargetGroupAttributes {
                target_group,
                attributes,
                ..
            } => {
                write!(
                    f,
                    "set deregistration delay of target group {target_group} to {} s",
                    attributes.deregistration_delay
                )?;
                if let Some(preserve) = attributes.preserve_client_ip {
                    write!(
                        f,
                        ", client addresses {}",
                        if preserve { "kept" } else { "not kept" }
                    )?;
                }
                if let Some(cross_zone) = attributes.cross_zone {
                    write!(f, ", across zones {}", if cross_zone { "on" } else { "off" })?;
                }
                Ok(())
            }
            Change::DeleteTargetGroup { target_group, .. } => write!(f, "delete target group {target_group}"),
            Change::CreateListener {
                load_balancer,
                listener,
                ..
            } => {
                write!(
                    f,
                    "create listener {} {} of load balancer {load_balancer}",
                    listener.protocol.as_str(),
                    listener.port,
                )?;
                match &listener.action {
                    ListenerAction::Forward(group) => write!(f, " to {group}")?,
                    ListenerAction::RedirectToHttps => f.write_str(" as a redirect to HTTPS")?,
                }
                certified(f, listener)
            }
            Change::ModifyListener {
                load_balancer,
                listener,
                ..
            } => {
                let (protocol, port) = (listener.protocol.as_str(), listener.port);
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
            Change::DeleteListener {
                load_balancer, port, ..
            } => write!(f, "delete listener {port} of load balancer {load_balancer}"),
            Change::AddCertificate {
                load_balancer,
                port,
                certificate,
                ..
            } => write!(
                f,
                "add certificate {certificate} to listener {port} of load balancer {load_balancer}"
            ),
            Change::RemoveCertificate {
                load_balancer,
                port,
                certificate,
                ..
            } => write!(
                f,
                "remove certificate {certificate} from listener {port} of load balancer {load_balancer}"
            ),
            Change::RegisterTaskDefinition { content, .. } => {
                write!(
                    f,
                    "register task definition {} with {}",
                    content.family,
                    Content(content)
                )
            }
            Change::CreateService {
                service, attachments, ..
            } => {
                write!(
                    f,
                    "create service {} with {}",
                    service.name,
                    counted(service.quantity.unwrap_or(1), "task")
                )?;
                behind(f, attachments)
            }
            Change::UpdateService {
                service,
                update,
                task_definition,
                attachments,
                ..
            } => {
                write!(f, "update service {service}:")?;
                let mut separator = " ";
                if let Some(content) = task_definition {
                    write!(f, "{separator}{}", Content(content))?;
                    separator = ", ";
                }
                settings(f, update, &mut separator)?;
                if let Some(attachments) = attachments {
                    let names: Vec<&str> = attachments.iter().map(|a| a.target_group.as_str()).collect();
                    write!(f, "{separator}target groups [{}]", names.join(", "))?;
                }
                Ok(())
            }
            Change::StopRollout { service, .. } => write!(f, "roll back the rollout of service {service}"),
            Change::DeleteService { service, .. } => write!(f, "delete service {service}"),
            Change::CreateScheduleGroup { group, .. } => write!(f, "create schedule group {}", group.name),
            Change::CreateSchedule {
                schedule,
                task_definition,
                ..
            } => schedule::create(f, schedule, task_definition),
            Change::UpdateSchedule {
                schedule,
                task_definition,
                differing,
                ..
            } => schedule::update(f, schedule, task_definition, differing),
            Change::ReleaseSchedule { schedule, .. } => {
                write!(f, "let go of schedule {schedule}: take its description away")
            }
            Change::DeleteSchedule { schedule, .. } => write!(f, "delete schedule {schedule}"),
            Change::TagService { service, tags, .. } => {
                write!(f, "tag service {service} with {}", listed(tags))
            }
            Change::UntagService { service, .. } => {
                write!(f, "let go of service {service}: take our tags off it")
            }
            Change::AddTags { resources, tags } => {
                write!(f, "tag {} with {}", named(resources), listed(tags))
            }
            Change::RemoveTags { resources } => {
                write!(f, "let go of {}: take our tags off them", named(resources))
            }
            Change::ChangeRecords { zone, changes } => {
                write!(f, "change records in zone {zone}:")?;
                for (index, change) in changes.iter().enumerate() {
                    let separator = if index == 0 { " " } else { ", " };
                    let (sign, record) = match change {
                        RecordChange::Delete(record) => ('-', record),
                        RecordChange::Create(record) => ('+', record),
                    };
                    write!(f, "{separator}{sign}{}", Pointing(record))?;
                }
                Ok(())
            }
        }
    }
}

fn settings(f: &mut fmt::Formatter<'_>, update: &ServiceUpdate, separator: &mut &str) -> fmt::Result {
    let ServiceUpdate {
        desired_count,
        deployment,
        zone_rebalancing,
        placement,
        constraints,
        grace_period,
        network,
        capacity_providers,
        rolling,
        redeploy,
        again,
    } = update;
    let mut parts = Vec::new();
    parts.extend(desired_count.map(|count| counted(count, "task")));
    parts.extend(rolling.then(|| "rolling deployments".to_owned()));
    parts.extend(deployment.as_ref().map(deploying));
    parts.extend(zone_rebalancing.map(|on| format!("zone rebalancing {}", if on { "on" } else { "off" })));
    parts.extend(placement.as_ref().map(|strategies| {
        let fields: Vec<String> = strategies
            .iter()
            .map(|s| format!("{} {}", s.kind, s.field))
            .collect();
        format!("placement [{}]", fields.join(", "))
    }));
    parts.extend(constraints.as_ref().map(|constraints| {
        let all: Vec<String> = constraints
            .iter()
            .map(|c| format!("{} {}", c.kind, c.expression).trim_end().to_owned())
            .collect();
        format!("placement constraints [{}]", all.join(", "))
    }));
    parts.extend(grace_period.map(|seconds| format!("grace period {seconds} s")));
    parts.extend(network.as_ref().map(|_| "task network".to_owned()));
    parts.extend(capacity_providers.as_ref().map(|providers| {
        let all: Vec<String> = providers
            .iter()
            .map(|p| format!("{} weight {} base {}", p.name, p.weight, p.base))
            .collect();
        format!("capacity providers [{}]", all.join(", "))
    }));
    parts.extend(
        redeploy
            .as_ref()
            .map(|value| format!("every task again for redeploy {value}")),
    );
    parts.extend(again.then(|| "every task again, as the last rollout failed".to_owned()));
    for part in parts {
        write!(f, "{separator}{part}")?;
        *separator = ", ";
    }
    Ok(())
}

fn deploying(deployment: &DeploymentConfiguration) -> String {
    let DeploymentConfiguration {
        minimum_healthy_percent,
        maximum_percent,
        circuit_breaker,
    } = deployment;
    let breaker = match circuit_breaker {
        CircuitBreaker { enable: false, .. } => "off",
        CircuitBreaker { rollback: false, .. } => "without rollback",
        CircuitBreaker { rollback: true, .. } => "with rollback",
    };
    format!("{minimum_healthy_percent}/{maximum_percent} percent, circuit breaker {breaker}")
}

fn certified(f: &mut fmt::Formatter<'_>, listener: &Listener) -> fmt::Result {
    match listener.default_certificate() {
        Some(certificate) => write!(f, " with certificate {certificate}"),
        None => Ok(()),
    }
}

/// What a health check asks for.
struct Asked<'a>(&'a HealthCheck);

impl fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.probe {
            Probe::Http { path, success_codes } if success_codes == DEFAULT_SUCCESS_CODES => {
                f.write_str(path)
            }
            Probe::Http { path, success_codes } => write!(f, "{path} for {success_codes}"),
            Probe::Tcp => f.write_str("that the port answers"),
        }
    }
}

fn behind(f: &mut fmt::Formatter<'_>, attachments: &[Attachment<String>]) -> fmt::Result {
    for attachment in attachments {
        write!(
            f,
            " behind {}:{}",
            attachment.target_group, attachment.container_port
        )?;
    }
    Ok(())
}

fn named(resources: &[Tagged]) -> String {
    let name = |resource: &Tagged| match resource {
        Tagged::LoadBalancer(name) | Tagged::TargetGroup(name) => name.clone(),
        Tagged::Listener { load_balancer, port } => format!("listener {port} of {load_balancer}"),
    };
    let names: Vec<String> = resources.iter().map(name).collect();
    names.join(", ")
}

fn listed(tags: &Tags) -> String {
    let pairs: Vec<String> = tags.iter().map(|(key, value)| format!("{key}={value}")).collect();
    pairs.join(", ")
}

struct Content<'a>(&'a TaskDefinition);

impl fmt::Display for Content<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = self.0;
        write!(
            f,
            "{} ({} CPU units, {} MiB",
            content.image, content.cpu, content.memory
        )?;
        for port in &content.ports {
            write!(f, ", port {}", port.container_port)?;
            if let Some(host) = port.fixed_host_port() {
                write!(f, " on host port {host}")?;
            }
        }
        write!(f, ", {} variables", content.environment.0.len())?;
        if !content.secrets.is_empty() {
            write!(
                f,
                ", {}",
                counted(u64::try_from(content.secrets.len()).unwrap_or(u64::MAX), "secret")
            )?;
        }
        if let Some(role) = &content.task_role_arn {
            write!(f, ", role {role}")?;
        }
        if let Some(limit) = content.process_limit {
            write!(f, ", nproc {limit}")?;
        }
        if let Some(seconds) = content.stop_timeout {
            write!(f, ", stop timeout {seconds} s")?;
        }
        if content.read_only_root_filesystem {
            f.write_str(", read-only root filesystem")?;
        }
        f.write_str(")")
    }
}

pub(super) fn record_type(kind: &RecordKind) -> &str {
    match kind {
        RecordKind::A => "A",
        RecordKind::Cname => "CNAME",
        RecordKind::Txt => "TXT",
        RecordKind::Other(other) => other,
    }
}

struct Pointing<'a>(&'a RecordSet);

impl fmt::Display for Pointing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordSet { name, kind, content } = self.0;
        if *kind == RecordKind::Txt {
            return write!(f, "{name} TXT");
        }
        let kind = record_type(kind);
        write!(f, "{name} {kind} ")?;
        match content {
            RecordContent::Values { ttl, values } => write!(f, "{} (TTL {ttl} s)", values.join(" ")),
            RecordContent::Alias { target, .. } => write!(f, "alias of {target}"),
            RecordContent::Routed { .. } => f.write_str("with a routing policy"),
        }
    }
}
