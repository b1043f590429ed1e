//! The digest of a task definition, which its revisions carry in a tag.
//!
//! ECS may report a field otherwise than it was sent: it drops what is empty, fills in defaults, writes a word in other
//! letters. Compared field by field, such a revision would be registered again in every pass, and its tasks replaced with
//! it. A revision never changes, so a digest of the content that it was registered from says for good what it is.

use compact_str::CompactString;
use data_encoding::BASE32_DNSSEC;
use sha2::{Digest, Sha256};

use super::container::{Container, ContainerCheck, Details, HostPort, Logging, PortMapping};
use super::extras::{Extras, LogRouter, NamedPort, Restart};
use super::owner::Tags;
use super::service::{Architecture, TaskDefinition};
use super::small_map::SmallMap;
use super::volume::{DockerVolume, FileSystem, Mount, Volume};

pub const CONTENT_TAG: &str = "empire.dev/content";

/// Tells digests apart that are made in another way.
const VERSION: &str = "1-";

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>
const TAGS_PER_RESOURCE: usize = 50;

/// The tags of a revision of this content. A Platform whose tags leave no room for one more goes without the digest.
pub fn tagged(tags: &Tags, content: &TaskDefinition) -> Tags {
    let mut tags = tags.clone();
    tags.remove(CONTENT_TAG);
    if tags.len() < TAGS_PER_RESOURCE {
        tags.insert(CONTENT_TAG.into(), digest(content).into());
    }
    tags
}

/// Returns the digest of a content, the same in every release of the controller: a field that says nothing adds nothing, so that a field
/// that comes later leaves the digests as they are. 160 bits of SHA-256.
///
/// Values of the environment are a part of it. The right to read tags shows no more of them than the right to read the
/// task definition beside them.
pub fn digest(content: &TaskDefinition) -> String {
    let TaskDefinition {
        family,
        network_mode,
        launch_type,
        execution_role_arn,
        task_role_arn,
        ephemeral_storage,
        architecture,
        volumes,
        members,
        main,
        sidecars,
    } = content;
    let mut fields = Fields(Sha256::new());
    fields.add("family", [family]);
    fields.add("networkMode", [network_mode.as_str()]);
    fields.add("launchType", [launch_type.as_str()]);
    fields.add("executionRoleArn", execution_role_arn);
    fields.add("taskRoleArn", task_role_arn);
    fields.add("ephemeralStorage", ephemeral_storage.map(|size| size.to_string()));
    fields.add("cpuArchitecture", architecture.map(Architecture::as_str));
    fields.add("volumes", volumes.iter().flat_map(volume));
    for (name, texts) in members.iter().flat_map(|members| members.texts()) {
        fields.add(name, texts);
    }
    // Each container begins with its name, which none does without.
    fields.add_container(main);
    for sidecar in sidecars {
        fields.add_container(sidecar);
    }
    let digest = BASE32_DNSSEC.encode(&fields.0.finalize()[..20]);
    format!("{VERSION}{digest}")
}

/// The kind says how many texts follow.
fn volume<'a>((name, volume): (&'a String, &'a Volume)) -> Vec<&'a str> {
    match volume {
        Volume::Scratch => vec![name, "scratch"],
        Volume::FileSystem(FileSystem {
            id,
            directory,
            access_point,
            iam,
        }) => {
            let text = |text: &'a Option<String>| text.as_deref().unwrap_or_default();
            let iam = if *iam { "iam" } else { "" };
            vec![name, "efs", id, text(directory), text(access_point), iam]
        }
        Volume::Host(path) => vec![name, "host", path],
        Volume::Docker(volume) => {
            let DockerVolume {
                shared,
                autoprovision,
                driver,
                options,
                labels,
            } = &**volume;
            let provision = match autoprovision {
                None => "",
                Some(true) => "true",
                Some(false) => "false",
            };
            let driver = driver.as_deref().unwrap_or_default();
            let shared = if *shared { "shared" } else { "task" };
            let mut texts = vec![name, "docker", shared, provision, driver];
            // Options have a `=` before them, and labels a `:`, so that one is not taken for the other.
            texts.extend(pairs(options).flat_map(|text| ["=", text]));
            texts.extend(pairs(labels).flat_map(|text| [":", text]));
            texts
        }
    }
}

fn mount<'a>((path, mount): (&'a String, &'a Mount)) -> [&'a str; 3] {
    let Mount { volume, read_only } = mount;
    [path, volume, if *read_only { "ro" } else { "rw" }]
}

fn port_mapping(mapping: PortMapping) -> [String; 2] {
    let host_port = match mapping.host_port {
        HostPort::Dynamic => "dynamic".into(),
        HostPort::Claimed => "claimed".into(),
        HostPort::Fixed(port) => port.to_string(),
        HostPort::SameAsContainer => "same".into(),
    };
    [mapping.container_port.to_string(), host_port]
}

/// Every text goes in with its length, so that no two contents look alike.
struct Fields(Sha256);

impl Fields {
    fn add(&mut self, name: &str, texts: impl IntoIterator<Item = impl AsRef<str>>) {
        let texts: Vec<_> = texts.into_iter().collect();
        if texts.is_empty() {
            return;
        }
        self.0.update(format!("{name}:{}:", texts.len()));
        for text in texts {
            let text = text.as_ref();
            self.0.update(format!("{}:{text}", text.len()));
        }
    }

    fn add_container(&mut self, container: &Container) {
        let Container {
            name,
            image,
            command,
            cpu,
            memory,
            environment,
            secrets,
            process_limit,
            stop_timeout,
            read_only_root_filesystem,
            ports,
            logging,
            details,
        } = container;
        self.add("name", [name]);
        self.add("image", [image]);
        self.add("command", command);
        self.add("cpu", [cpu.to_string()]);
        self.add("memory", [memory.to_string()]);
        self.add("environment", pairs(&environment.0));
        self.add("secrets", pairs(secrets));
        self.add("nproc", process_limit.map(|limit| limit.to_string()));
        self.add("stopTimeout", stop_timeout.map(|seconds| seconds.to_string()));
        let read_only = read_only_root_filesystem.then_some("true");
        self.add("readonlyRootFilesystem", read_only);
        self.add("portMappings", ports.iter().copied().flat_map(port_mapping));
        if let Some(Logging {
            driver,
            options,
            secret_options,
        }) = logging
        {
            self.add("logDriver", [driver]);
            self.add("logOptions", pairs(options));
            self.add("logSecretOptions", pairs(secret_options));
        }
        if let Some(details) = details {
            self.add_details(details);
        }
    }

    fn add_details(&mut self, details: &Details) {
        let Details {
            optional,
            entry_point,
            health_check,
            user,
            working_directory,
            init,
            labels,
            repository_credentials,
            tmpfs,
            depends_on,
            mounts,
            extras,
        } = details;
        self.add("essential", optional.then_some("false"));
        self.add("entryPoint", entry_point);
        if let Some(check) = health_check {
            let ContainerCheck {
                command,
                interval,
                timeout,
                retries,
                start_period,
            } = check;
            self.add("healthCheck", command);
            let numbers = [interval, timeout, retries, start_period];
            self.add("healthCheckTimes", numbers.map(u32::to_string));
        }
        self.add("user", user);
        self.add("workingDirectory", working_directory);
        self.add("initProcessEnabled", init.then_some("true"));
        self.add("dockerLabels", pairs(labels));
        self.add("repositoryCredentials", repository_credentials);
        let sizes = tmpfs.iter();
        self.add(
            "tmpfs",
            sizes.flat_map(|(path, size)| [path.clone(), size.to_string()]),
        );
        let conditions = depends_on.iter();
        self.add(
            "dependsOn",
            conditions.flat_map(|(name, state)| [name, state.as_str()]),
        );
        self.add("mountPoints", mounts.iter().flat_map(mount));
        self.add_extras(extras);
    }

    fn add_extras(&mut self, extras: &Extras) {
        let Extras {
            open_files,
            start_timeout,
            restart,
            memory_reservation,
            shared_memory,
            gpus,
            environment_files,
            system_controls,
            extra_hosts,
            ports,
            log_router,
            members,
        } = extras;
        for (name, number) in [
            ("nofile", open_files),
            ("startTimeout", start_timeout),
            ("memoryReservation", memory_reservation),
            ("sharedMemorySize", shared_memory),
            ("gpu", gpus),
        ] {
            self.add(name, number.map(|number| number.to_string()));
        }
        if let Some(Restart {
            attempt_period,
            ignored_exit_codes,
        }) = restart
        {
            let numbers = std::iter::once(attempt_period).chain(ignored_exit_codes);
            self.add("restartPolicy", numbers.map(u32::to_string));
        }
        self.add("environmentFiles", environment_files);
        self.add("systemControls", pairs(system_controls));
        self.add("extraHosts", pairs(extra_hosts));
        let ports = ports.iter();
        self.add(
            "namedPorts",
            ports.flat_map(|(name, port)| {
                let NamedPort {
                    container_port,
                    transport,
                } = port;
                [
                    name.clone(),
                    container_port.to_string(),
                    transport.as_str().into(),
                ]
            }),
        );
        if let Some(LogRouter { kind, options }) = log_router {
            self.add("logRouter", [kind.as_str()]);
            self.add("logRouterOptions", pairs(options));
        }
        for (name, texts) in members.iter().flat_map(|members| members.texts()) {
            self.add(name, texts);
        }
    }
}

fn pairs(map: &SmallMap<String, String>) -> impl Iterator<Item = &String> {
    map.iter().flat_map(|(name, value)| [name, value])
}

/// Returns the digest that a revision's tags carry. `None` if there is none, or one that was made in another way.
pub fn recorded(tags: &Tags) -> Option<&str> {
    let recorded = tags.get(CONTENT_TAG).map(CompactString::as_str);
    recorded.filter(|tag| tag.starts_with(VERSION))
}

#[cfg(test)]
mod tests;
