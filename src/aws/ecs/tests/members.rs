//! The members of ECS's task definitions, as the SDK's own model has them, and which of them are ever sent.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::overrides::overridden;
use super::task_definitions::{detailed, full, rare, written};
use super::{bridge, definition};
use crate::model::container::{Container, Details, HostPort};
use crate::model::service::{Architecture, LaunchType, NetworkMode, TaskDefinition};
use crate::model::volume::{Mount, Volume};

const PAGE: &str = "docs/reference/ecs-members.md";

/// The source of the SDK that is linked.
fn sdk() -> PathBuf {
    let metadata = ["metadata", "--format-version=1", "--locked", "--offline"];
    let found = Command::new(env!("CARGO"))
        .args(metadata)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&found.stdout).unwrap();
    let mut packages = found["packages"].as_array().unwrap().iter();
    let sdk = packages.find(|package| package["name"] == "aws-sdk-ecs").unwrap();
    let manifest = Path::new(sdk["manifest_path"].as_str().unwrap());
    manifest.parent().unwrap().join("src")
}

/// The members of a structure, as AWS spells them.
fn members(file: &str, structure: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(sdk().join(file)).unwrap();
    let (_, body) = text.split_once(&format!("pub struct {structure} {{")).unwrap();
    let (body, _) = body.split_once("\n}").unwrap();
    let fields = body.lines().filter_map(|line| line.strip_prefix("    pub "));
    let fields = fields.filter_map(|line| line.split_once(':'));
    fields.map(|(name, _)| camel_case(name)).collect()
}

fn camel_case(name: &str) -> String {
    let mut words = name.trim_start_matches("r#").split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        all + letters.as_str()
    })
}

fn keys(object: &Value) -> impl Iterator<Item = String> {
    object.as_object().unwrap().keys().cloned()
}

/// Which members requests have, of one with all that a task definition may say for each place that tasks run.
async fn sent() -> (BTreeSet<String>, BTreeSet<String>) {
    let mount = Mount {
        volume: "data".into(),
        read_only: false,
    };
    let details = Details {
        mounts: [("/data".into(), mount)].into(),
        ..Details::default()
    };
    let mounted = TaskDefinition {
        volumes: [("data".into(), Volume::Scratch)].into(),
        main: Container {
            details: details.kept(),
            ..bridge().main
        },
        ..bridge()
    };
    let fargate = TaskDefinition {
        ephemeral_storage: Some(50),
        architecture: Some(Architecture::Arm64),
        ..definition(
            NetworkMode::Awsvpc,
            LaunchType::Fargate,
            HostPort::SameAsContainer,
        )
    };
    let (mut of_task, mut of_container) = (BTreeSet::new(), BTreeSet::new());
    for content in [
        bridge(),
        full(),
        detailed(),
        rare(),
        overridden(),
        mounted,
        fargate,
    ] {
        let request = written(&content).await;
        of_task.extend(keys(&request));
        let containers = request["containerDefinitions"].as_array().unwrap();
        of_container.extend(containers.iter().flat_map(keys));
    }
    (of_task, of_container)
}

#[tokio::test]
async fn the_page_says_which_members_are_sent() {
    let (of_task, of_container) = sent().await;
    let mut text = "# Members of ECS's task definitions\n\nMade by a test from the model of the SDK that is linked \
                    (`aws-sdk-ecs`) and from the requests that are sent. Some are sent for \
                    `overrides` of an App alone. What is not sent cannot be said in an App; a revision that somebody has \
                    registered with such a member is not ours to keep, and is replaced by one without it. `credentialSpecs` are for \
                    Active Directory, whose files ECS reads with the execution role; `inferenceAccelerators` and `proxyConfiguration` \
                    (App Mesh) are of services that AWS has ended.\n"
        .to_owned();
    for (title, file, structure, sent) in [
        (
            "Container",
            "types/_container_definition.rs",
            "ContainerDefinition",
            &of_container,
        ),
        (
            "Task definition",
            "operation/register_task_definition/_register_task_definition_input.rs",
            "RegisterTaskDefinitionInput",
            &of_task,
        ),
    ] {
        let known = members(file, structure);
        assert!(sent.is_subset(&known), "{sent:?} of {known:?}");
        let listed = |members: BTreeSet<&String>| {
            let listed: Vec<String> = members.iter().map(|member| format!("`{member}`")).collect();
            listed.join(", ")
        };
        let missing = known.difference(sent).collect();
        writeln!(text, "\n## {title}: {} of {}\n", sent.len(), known.len()).unwrap();
        writeln!(
            text,
            "| | |\n|---|---|\n| sent | {} |",
            listed(sent.iter().collect())
        )
        .unwrap();
        writeln!(text, "| not sent | {} |", listed(missing)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    similar_asserts::assert_eq!(text, page, "{PAGE}: UPDATE_EXPECT=1 rewrites it");
}
