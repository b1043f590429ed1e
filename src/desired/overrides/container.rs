//! What is overridden of one container.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::field;
use crate::api::app::{
    Capabilities, ContainerMembers, Device, DevicePermission, LinuxParameters, Tmpfs, Ulimit,
    VersionConsistency,
};
use crate::desired::container::is_path;
use crate::desired::extras::is_printed;
use crate::desired::{Builder, text};
use crate::error::Error;
use crate::model::container::{Container, Details};
use crate::model::members::{
    self as model, DEVICES, Flag, HOSTNAME, List, MAX_SWAP, SWAPPINESS, TMPFS, ULIMITS, VOLUMES_FROM, linked,
};

/// Options of a file system in memory, some of them with a value after `=`: those of
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Tmpfs.html> that are of a file system's own, and none that binds
/// another or shares it.
const MOUNT_OPTIONS: [&str; 18] = [
    "ro",
    "rw",
    "suid",
    "nosuid",
    "dev",
    "nodev",
    "exec",
    "noexec",
    "sync",
    "async",
    "dirsync",
    "atime",
    "noatime",
    "diratime",
    "nodiratime",
    "relatime",
    "norelatime",
    "strictatime",
];
const MOUNT_VALUES: [&str; 5] = ["gid", "mode", "nr_blocks", "nr_inodes", "uid"];

impl Builder<'_> {
    pub(super) fn override_container(
        &self,
        container: &mut Container,
        given: &ContainerMembers,
    ) -> Result<(), Error> {
        let ContainerMembers {
            disable_networking,
            dns_search_domains,
            dns_servers,
            docker_security_options,
            hostname,
            interactive,
            links,
            linux_parameters,
            privileged,
            pseudo_terminal,
            ulimits,
            version_consistency,
            volumes_from,
        } = given;
        let mut members = model::ContainerMembers::none();
        let flags = [
            (Flag::DisableNetworking, *disable_networking == Some(true)),
            (Flag::Interactive, *interactive == Some(true)),
            (Flag::Privileged, *privileged == Some(true)),
            (Flag::PseudoTerminal, *pseudo_terminal == Some(true)),
            (
                Flag::VersionInconsistency,
                *version_consistency == Some(VersionConsistency::Disabled),
            ),
        ];
        members.flags = flags
            .into_iter()
            .filter_map(|(flag, is_set)| is_set.then_some(flag))
            .collect();
        members.hostname.clone_from(hostname);
        members.set_list(List::DnsServers, dns_servers.clone());
        members.set_list(List::DnsSearchDomains, dns_search_domains.clone());
        members.set_list(List::DockerSecurityOptions, in_order(docker_security_options));
        members.set_list(List::Links, links.clone());
        for from in volumes_from {
            let read_only = from.read_only == Some(true);
            let twice = members
                .volumes_from
                .insert(from.source_container.clone(), read_only);
            self.once(twice.is_some(), container, VOLUMES_FROM, &from.source_container)?;
        }
        let mut details = container.details().clone();
        if let Some(parameters) = linux_parameters {
            self.override_kernel(container, &mut details, &mut members, parameters)?;
        }
        self.override_ulimits(container, &mut details, &mut members, ulimits)?;
        self.check_members_texts(&container.name, &members)?;
        details.extras.members = members.kept();
        container.details = details.kept();
        Ok(())
    }

    /// Refuses a key that is there for a second time.
    fn once(&self, twice: bool, container: &Container, member: &str, key: &str) -> Result<(), Error> {
        if twice {
            let why = format!("{key} is there twice");
            return Err(self.invalid(&field(&container.name, member), &why));
        }
        Ok(())
    }

    fn override_kernel(
        &self,
        container: &Container,
        details: &mut Details,
        members: &mut model::ContainerMembers,
        given: &LinuxParameters,
    ) -> Result<(), Error> {
        let LinuxParameters {
            capabilities,
            devices,
            max_swap,
            swappiness,
            tmpfs,
        } = given;
        if let Some(Capabilities { add, drop }) = capabilities {
            members.set_list(List::AddedCapabilities, in_order(add));
            members.set_list(List::DroppedCapabilities, in_order(drop));
        }
        for Device {
            host_path,
            container_path,
            permissions,
        } in devices
        {
            let permissions: BTreeSet<DevicePermission> = permissions.iter().copied().collect();
            let permission = |permission| match permission {
                DevicePermission::Mknod => "mknod".to_owned(),
                DevicePermission::Read => "read".to_owned(),
                DevicePermission::Write => "write".to_owned(),
            };
            let device = model::Device {
                path: container_path.clone(),
                permissions: permissions.into_iter().map(permission).collect(),
            };
            let twice = members.devices.insert(host_path.clone(), device).is_some();
            self.once(twice, container, DEVICES, host_path)?;
        }
        members.max_swap = self.number(container, MAX_SWAP, *max_swap)?;
        members.swappiness = self.number(container, SWAPPINESS, *swappiness)?;
        let mut seen = BTreeSet::new();
        for Tmpfs {
            container_path: path,
            size,
            mount_options,
        } in tmpfs
        {
            self.once(!seen.insert(path), container, TMPFS, path)?;
            if let Some(size) = self.number(container, TMPFS, *size)? {
                details.tmpfs.insert(path.clone(), size);
            }
            if !details.tmpfs.contains_key(path) {
                let why = format!("{path} needs a size: it is none of tmpfs");
                return Err(self.invalid(&field(&container.name, TMPFS), &why));
            }
            if !mount_options.is_empty() {
                members.tmpfs.insert(path.clone(), mount_options.clone());
            }
        }
        Ok(())
    }

    fn number(&self, container: &Container, member: &str, given: Option<i32>) -> Result<Option<u32>, Error> {
        let number = given.map(u32::try_from).transpose();
        number.map_err(|_| self.invalid(&field(&container.name, member), "is less than 0"))
    }

    /// Replaces limits. What a field of an App could say is kept as that has it, so that it is not another content.
    fn override_ulimits(
        &self,
        container: &mut Container,
        details: &mut Details,
        members: &mut model::ContainerMembers,
        ulimits: &[Ulimit],
    ) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        for given in ulimits {
            let Ulimit {
                name,
                soft_limit: soft,
                hard_limit: hard,
            } = given;
            self.once(!seen.insert(name), container, ULIMITS, name)?;
            let (soft, hard) = (*soft, *hard);
            let is_below = hard == -1 || (0..=hard).contains(&soft);
            if soft < -1 || hard < -1 || !is_below {
                let why =
                    format!("{name}: the soft limit is not within the hard one, or one is less than -1");
                return Err(self.invalid(&field(&container.name, ULIMITS), &why));
            }
            let alike = u32::try_from(hard).ok().filter(|_| soft == hard);
            match &**name {
                "nproc" => container.process_limit = alike,
                "nofile" => details.extras.open_files = alike,
                _ => {
                    members.ulimits.insert(name.clone(), model::Ulimit { soft, hard });
                    continue;
                }
            }
            if alike.is_none() {
                members.ulimits.insert(name.clone(), model::Ulimit { soft, hard });
            }
        }
        Ok(())
    }

    /// Judges each text by itself.
    fn check_members_texts(&self, on: &str, members: &model::ContainerMembers) -> Result<(), Error> {
        let refused = |member: &str, why: &str| Err(self.invalid(&field(on, member), why));
        if members.hostname.as_ref().is_some_and(|name| !is_domain(name)) {
            return refused(HOSTNAME, "is no host name");
        }
        let list = |list| members.list(list).iter();
        if let Some(bad) = list(List::DnsServers).find(|server| server.parse::<IpAddr>().is_err()) {
            return refused(List::DnsServers.as_str(), &format!("{bad} is no IP address"));
        }
        if let Some(bad) = list(List::DnsSearchDomains).find(|domain| !is_domain(domain)) {
            return refused(List::DnsSearchDomains.as_str(), &format!("{bad} is no domain"));
        }
        if let Some(bad) = list(List::DockerSecurityOptions).find(|option| !is_security_option(option)) {
            let why = format!("{bad} is neither no-new-privileges nor label:… nor apparmor:…");
            return refused(List::DockerSecurityOptions.as_str(), &why);
        }
        let is_link = |link: &str| link.split(':').count() < 3 && link.split(':').all(text::is_name);
        if let Some(bad) = list(List::Links).find(|link| !is_link(link)) {
            return refused(
                List::Links.as_str(),
                &format!("{bad} is no name, nor two with a : between them"),
            );
        }
        let mut links = BTreeSet::new();
        if let Some(twice) = list(List::Links).find(|link| !links.insert(*link)) {
            return refused(List::Links.as_str(), &format!("{twice} is there twice"));
        }
        let others = list(List::Links).map(|link| (List::Links.as_str(), linked(link)));
        let from = members.volumes_from.keys().map(|name| (VOLUMES_FROM, &**name));
        if let Some((member, name)) = others
            .chain(from)
            .find(|(_, name)| *name == on || !self.is_own(name))
        {
            return refused(
                member,
                &format!("{name} is no other container of the process itself"),
            );
        }
        for (host, device) in &members.devices {
            let mut paths = std::iter::once(host).chain(&device.path);
            if !paths.all(|path| is_path(path) && !path.contains(text::COLON)) {
                return refused(
                    DEVICES,
                    &format!("{host}: has a path that is no absolute one, or has a : in it"),
                );
            }
        }
        for (path, options) in &members.tmpfs {
            if let Some(bad) = options.iter().find(|option| !is_mount_option(option)) {
                return refused(TMPFS, &format!("{path}: {bad} is no option that is taken"));
            }
        }
        Ok(())
    }
}

fn in_order(texts: &[String]) -> Vec<String> {
    let texts: BTreeSet<&String> = texts.iter().collect();
    texts.into_iter().cloned().collect()
}

fn is_domain(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !text.is_empty() && text.chars().all(is_part)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>
fn is_security_option(text: &str) -> bool {
    let labelled = text
        .strip_prefix("label:")
        .or_else(|| text.strip_prefix("apparmor:"));
    text == "no-new-privileges" || labelled.is_some_and(is_printed)
}

fn is_mount_option(text: &str) -> bool {
    match text.split_once('=') {
        None => MOUNT_OPTIONS.contains(&text),
        Some((name, value)) => {
            MOUNT_VALUES.contains(&name)
                && !value.is_empty()
                && value.chars().all(|c| c.is_ascii_alphanumeric())
        }
    }
}
