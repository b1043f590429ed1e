//! The digest of a task definition, which its revisions carry in a tag.
//!
//! ECS may report a field otherwise than it was sent: it drops what is empty, fills in defaults, writes a word in other
//! letters. Compared field by field, such a revision would be registered again in every pass, and its tasks replaced with
//! it. A revision never changes, so a digest of the content that it was registered from says for good what it is.

use compact_str::CompactString;
use data_encoding::BASE32_DNSSEC;
use sha2::{Digest, Sha256};

use super::container::{Container, HostPort, Logging, PortMapping};
use super::owner::Tags;
use super::service::{NetworkMode, TaskDefinition};
use super::small_map::SmallMap;

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
        main,
        sidecars,
    } = content;
    let mut fields = Fields(Sha256::new());
    fields.add("family", [family]);
    fields.add(
        "networkMode",
        [match network_mode {
            NetworkMode::Bridge => "bridge",
            NetworkMode::Awsvpc => "awsvpc",
        }],
    );
    fields.add("launchType", [launch_type.as_str()]);
    fields.add("executionRoleArn", execution_role_arn);
    fields.add("taskRoleArn", task_role_arn);
    // Each container begins with its name, which none does without.
    fields.add_container(main);
    for sidecar in sidecars {
        fields.add_container(sidecar);
    }
    let digest = BASE32_DNSSEC.encode(&fields.0.finalize()[..20]);
    format!("{VERSION}{digest}")
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
mod tests {
    use super::*;
    use crate::model::container::Environment;
    use crate::model::name::Arn;
    use crate::model::owner::{AppName, Owner};
    use crate::model::service::LaunchType;
    use crate::model::state::TaskDefinitionState;

    fn content() -> TaskDefinition {
        TaskDefinition {
            family: "shop_acme_web".into(),
            network_mode: NetworkMode::Bridge,
            launch_type: LaunchType::Ec2,
            execution_role_arn: None,
            task_role_arn: None,
            main: main(),
            sidecars: Vec::new(),
        }
    }

    fn main() -> Container {
        Container {
            name: "web".into(),
            image: "registry.example/acme:v42".into(),
            command: vec!["./bin/web".into()],
            cpu: 256,
            memory: 512,
            environment: Environment(SmallMap::from([
                ("EMPTY".into(), String::new()),
                ("RAILS_ENV".into(), "production".into()),
            ])),
            ports: vec![PortMapping {
                container_port: 8080,
                host_port: HostPort::Fixed(9001),
            }],
            ..Container::default()
        }
    }

    fn sidecar(name: &str) -> Container {
        Container {
            name: name.into(),
            ..main()
        }
    }

    fn owner(installation: &str) -> Owner {
        Owner {
            installation: installation.into(),
            app: AppName {
                namespace: "shop".into(),
                name: "acme".into(),
            },
        }
    }

    fn registered(content: &TaskDefinition, tags: Tags) -> TaskDefinitionState {
        TaskDefinitionState {
            arn: Arn("arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_web:1".into()),
            content: content.clone(),
            active: true,
            tags,
        }
    }

    #[test]
    fn is_the_same_in_every_release() {
        // Another value would compare every revision that is out there by its fields, and register again what AWS echoes
        // otherwise.
        assert_eq!(digest(&content()), "1-rh4amaid4rsbmni92k9rmq2ikvdn4u5r");
        let all = TaskDefinition {
            network_mode: NetworkMode::Awsvpc,
            launch_type: LaunchType::Fargate,
            execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
            task_role_arn: Some("arn:aws:iam::123456789012:role/task".into()),
            main: Container {
                secrets: SmallMap::from([(
                    "TOKEN".into(),
                    "arn:aws:ssm:us-east-1:123456789012:parameter/token".into(),
                )]),
                process_limit: Some(64),
                stop_timeout: Some(30),
                read_only_root_filesystem: true,
                ports: vec![PortMapping {
                    container_port: 8080,
                    host_port: HostPort::SameAsContainer,
                }],
                logging: Some(Logging {
                    driver: "awslogs".into(),
                    options: SmallMap::from([("awslogs-group".into(), "acme".into())]),
                    secret_options: SmallMap::new(),
                }),
                ..main()
            },
            ..content()
        };
        assert_eq!(digest(&all), "1-cthbhpufu15v2cvb9cql34fb51m2k7eo");
    }

    #[test]
    fn differs_with_every_field() {
        let edits: [fn(&mut TaskDefinition); 24] = [
            |c| c.family = "shop_acme_api".into(),
            |c| c.network_mode = NetworkMode::Awsvpc,
            |c| c.launch_type = LaunchType::External,
            |c| c.execution_role_arn = Some("role".into()),
            |c| c.task_role_arn = Some("role".into()),
            |c| c.main.name = "api".into(),
            |c| c.main.image.push('3'),
            |c| c.main.command.push(String::new()),
            |c| c.main.command = vec!["./bin".into(), "/web".into()],
            |c| c.main.cpu = 512,
            |c| c.main.memory = 256,
            |c| c.main.environment = Environment::default(),
            |c| drop(c.main.environment.0.remove("EMPTY")),
            |c| drop(c.main.environment.0.insert("EMPTY".into(), " ".into())),
            |c| drop(c.main.secrets.insert("TOKEN".into(), "arn".into())),
            |c| c.main.process_limit = Some(1),
            |c| c.main.stop_timeout = Some(1),
            |c| c.main.read_only_root_filesystem = true,
            |c| c.sidecars.push(sidecar("proxy")),
            |c| c.sidecars.extend([sidecar("agent"), sidecar("proxy")]),
            |c| c.main.ports.clear(),
            |c| c.main.ports[0].host_port = HostPort::Dynamic,
            |c| {
                c.main.logging = Some(Logging {
                    driver: "json-file".into(),
                    options: SmallMap::new(),
                    secret_options: SmallMap::new(),
                });
            },
            |c| {
                c.main.logging = Some(Logging {
                    driver: "json-file".into(),
                    options: SmallMap::new(),
                    secret_options: SmallMap::from([("token".into(), "arn:aws:ssm:a".into())]),
                });
            },
        ];
        let mut digests = vec![digest(&content())];
        for edit in edits {
            let mut edited = content();
            edit(&mut edited);
            digests.push(digest(&edited));
        }
        let all = digests.len();
        digests.sort();
        digests.dedup();
        assert_eq!(digests.len(), all);
    }

    #[test]
    fn a_digest_decides_where_it_is_ours_and_the_fields_where_it_is_not() {
        let (ours, wanted) = (owner("i-1"), content());
        let mut echoed = content();
        echoed.main.environment.0.remove("EMPTY");
        let with_digest = tagged(&ours.tags("web"), &wanted);
        let check = |found: &TaskDefinition, tags: &Tags, is_wanted, is_echo| {
            let found = registered(found, tags.clone());
            assert_eq!(
                (found.is_of(&wanted, &ours), found.is_of(&echoed, &ours)),
                (is_wanted, is_echo)
            );
        };
        check(&wanted, &with_digest, true, false);
        check(&echoed, &with_digest, true, false);
        // A release before the digest, or somebody else's.
        check(&wanted, &ours.tags("web"), true, false);
        check(&echoed, &ours.tags("web"), false, true);
        check(&echoed, &tagged(&owner("i-2").tags("web"), &wanted), false, true);
        // A later release, which makes it in a way that this one does not know.
        let mut later = with_digest.clone();
        later.insert(CONTENT_TAG.into(), "2-something".into());
        check(&wanted, &later, true, false);
        // An older content.
        let mut other = with_digest;
        other.insert(CONTENT_TAG.into(), format!("{VERSION}something").into());
        check(&wanted, &other, false, false);
    }

    #[test]
    fn a_platform_with_all_its_tags_goes_without() {
        let mut tags = owner("i-1").tags("web");
        tags.extend((0..46).map(|n| (format!("k{n}").into(), "".into())));
        assert_eq!(tagged(&tags, &content()).len(), 50);
        tags.insert("k46".into(), "".into());
        assert_eq!(tagged(&tags, &content()), tags);
        // A digest that is not of this content would be worse than none.
        tags.remove("k46");
        tags.insert(CONTENT_TAG.into(), "theirs".into());
        assert_eq!(tagged(&tags, &content())[CONTENT_TAG], digest(&content()));
    }
}
