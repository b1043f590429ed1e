//! One change is one write. It speaks in names; only `apply` knows ARNs.

use std::fmt;

use crate::model::load_balancer::{HealthCheck, Listener, LoadBalancer, TargetGroup, TargetGroupAttributes};
use crate::model::owner::Tags;
use crate::model::port::Claim;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use crate::model::service::{Attachment, HostPort, Service, ServiceUpdate, TaskDefinition};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    ClaimPort(Claim),
    FreePort(Claim),
    CreateLoadBalancer {
        process: String,
        load_balancer: LoadBalancer,
    },
    SetSubnets {
        process: String,
        load_balancer: String,
        subnets: Vec<String>,
    },
    SetSecurityGroups {
        process: String,
        load_balancer: String,
        security_groups: Vec<String>,
    },
    DeleteLoadBalancer {
        process: String,
        load_balancer: String,
    },
    CreateTargetGroup {
        process: String,
        target_group: TargetGroup,
    },
    ModifyTargetGroup {
        process: String,
        target_group: String,
        check: HealthCheck,
    },
    ModifyTargetGroupAttributes {
        process: String,
        target_group: String,
        attributes: TargetGroupAttributes,
    },
    DeleteTargetGroup {
        process: String,
        target_group: String,
    },
    CreateListener {
        process: String,
        load_balancer: String,
        listener: Listener,
    },
    ModifyListener {
        process: String,
        load_balancer: String,
        listener: Listener,
    },
    RegisterTaskDefinition {
        process: String,
        content: TaskDefinition,
        tags: Tags,
    },
    CreateService {
        process: String,
        service: Service,
        task_definition: TaskDefinition,
        attachments: Vec<Attachment<String>>,
    },
    UpdateService {
        process: String,
        service: String,
        update: ServiceUpdate,
        task_definition: Option<TaskDefinition>,
        attachments: Option<Vec<Attachment<String>>>,
    },
    DeleteService {
        process: String,
        service: String,
    },
    TagService {
        process: String,
        service: String,
        tags: Tags,
    },
    /// The same tags for up to 20 load balancers and target groups.
    AddTags {
        load_balancers: Vec<String>,
        target_groups: Vec<String>,
        tags: Tags,
    },
    /// One atomic batch.
    ChangeRecords {
        zone: String,
        changes: Vec<RecordChange>,
    },
}

impl Change {
    /// The process that the change is for, where it is for one.
    pub fn process(&self) -> Option<&str> {
        match self {
            Change::ClaimPort(claim) | Change::FreePort(claim) => Some(&claim.owner.process),
            Change::CreateLoadBalancer { process, .. }
            | Change::SetSubnets { process, .. }
            | Change::SetSecurityGroups { process, .. }
            | Change::DeleteLoadBalancer { process, .. }
            | Change::CreateTargetGroup { process, .. }
            | Change::ModifyTargetGroup { process, .. }
            | Change::ModifyTargetGroupAttributes { process, .. }
            | Change::DeleteTargetGroup { process, .. }
            | Change::CreateListener { process, .. }
            | Change::ModifyListener { process, .. }
            | Change::RegisterTaskDefinition { process, .. }
            | Change::CreateService { process, .. }
            | Change::UpdateService { process, .. }
            | Change::DeleteService { process, .. }
            | Change::TagService { process, .. } => Some(process),
            Change::AddTags { .. } | Change::ChangeRecords { .. } => None,
        }
    }

    /// What an Event about it is called.
    pub fn verb(&self) -> Verb {
        match self {
            Change::ClaimPort(_)
            | Change::CreateLoadBalancer { .. }
            | Change::CreateTargetGroup { .. }
            | Change::CreateListener { .. }
            | Change::RegisterTaskDefinition { .. }
            | Change::CreateService { .. } => Verb::Created,
            Change::SetSubnets { .. }
            | Change::SetSecurityGroups { .. }
            | Change::ModifyTargetGroup { .. }
            | Change::ModifyTargetGroupAttributes { .. }
            | Change::ModifyListener { .. }
            | Change::UpdateService { .. }
            | Change::TagService { .. }
            | Change::AddTags { .. }
            | Change::ChangeRecords { .. } => Verb::Updated,
            Change::FreePort(_)
            | Change::DeleteLoadBalancer { .. }
            | Change::DeleteTargetGroup { .. }
            | Change::DeleteService { .. } => Verb::Deleted,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    Created,
    Updated,
    Deleted,
}

/// One line that a person can judge; values of environment variables never appear.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::ClaimPort(Claim { port, owner }) => {
                write!(
                    f,
                    "claim host port {port} for container port {}",
                    owner.container_port
                )
            }
            Change::FreePort(Claim { port, owner }) => {
                write!(
                    f,
                    "free host port {port} of container port {}",
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
            Change::DeleteLoadBalancer { load_balancer, .. } => {
                write!(f, "delete load balancer {load_balancer}")
            }
            Change::CreateTargetGroup { target_group, .. } => {
                write!(
                    f,
                    "create target group {} checking {}",
                    target_group.name, target_group.check.path
                )
            }
            Change::ModifyTargetGroup {
                target_group, check, ..
            } => write!(
                f,
                "set health check of target group {target_group} to {} every {} s, timeout {} s, {} healthy, {} unhealthy",
                check.path, check.interval, check.timeout, check.healthy_threshold, check.unhealthy_threshold
            ),
            Change::ModifyTargetGroupAttributes {
                target_group,
                attributes,
                ..
            } => write!(
                f,
                "set deregistration delay of target group {target_group} to {} s",
                attributes.deregistration_delay
            ),
            Change::DeleteTargetGroup { target_group, .. } => write!(f, "delete target group {target_group}"),
            Change::CreateListener {
                load_balancer,
                listener,
                ..
            } => write!(
                f,
                "create listener {} {} of load balancer {load_balancer} to {}",
                listener.protocol.as_str(),
                listener.port,
                listener.target_group
            ),
            Change::ModifyListener {
                load_balancer,
                listener,
                ..
            } => write!(
                f,
                "point listener {} {} of load balancer {load_balancer} at {}",
                listener.protocol.as_str(),
                listener.port,
                listener.target_group
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
                    "create service {} with {} tasks",
                    service.name,
                    service.quantity.unwrap_or(1)
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
            Change::DeleteService { service, .. } => write!(f, "delete service {service}"),
            Change::TagService { service, tags, .. } => {
                write!(f, "tag service {service} with {}", listed(tags))
            }
            Change::AddTags {
                load_balancers,
                target_groups,
                tags,
            } => {
                let names: Vec<&str> = load_balancers
                    .iter()
                    .chain(target_groups)
                    .map(String::as_str)
                    .collect();
                write!(f, "tag {} with {}", names.join(", "), listed(tags))
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
        deployment_percent,
        zone_rebalancing,
        placement,
        grace_period,
        network,
    } = update;
    let mut parts = Vec::new();
    parts.extend(desired_count.map(|count| format!("{count} tasks")));
    parts.extend(deployment_percent.map(|(minimum, maximum)| format!("{minimum}/{maximum} percent")));
    parts.extend(zone_rebalancing.map(|on| format!("zone rebalancing {}", if on { "on" } else { "off" })));
    parts.extend(placement.as_ref().map(|strategies| {
        let fields: Vec<String> = strategies
            .iter()
            .map(|s| format!("{} {}", s.kind, s.field))
            .collect();
        format!("placement [{}]", fields.join(", "))
    }));
    parts.extend(grace_period.map(|seconds| format!("grace period {seconds} s")));
    parts.extend(network.as_ref().map(|_| "task network".to_owned()));
    for part in parts {
        write!(f, "{separator}{part}")?;
        *separator = ", ";
    }
    Ok(())
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
        if let Some(port) = &content.port {
            write!(f, ", port {}", port.container_port)?;
            if let HostPort::Fixed(host) = port.host_port {
                write!(f, " on host port {host}")?;
            }
        }
        write!(f, ", {} variables)", content.environment.0.len())
    }
}

struct Pointing<'a>(&'a RecordSet);

impl fmt::Display for Pointing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let RecordSet { name, kind, content } = self.0;
        let kind = match kind {
            RecordKind::A => "A",
            RecordKind::Cname => "CNAME",
            RecordKind::Txt => return write!(f, "{name} TXT"),
            RecordKind::Other(other) => other,
        };
        write!(f, "{name} {kind} ")?;
        match content {
            RecordContent::Values { ttl, values } => write!(f, "{} (TTL {ttl} s)", values.join(" ")),
            RecordContent::Alias { target, .. } => write!(f, "alias of {target}"),
            RecordContent::Routed => f.write_str("with a routing policy"),
        }
    }
}
