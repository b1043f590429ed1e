//! `crds/` is what the types say, and what the types say reads well in `kubectl explain` and never writes into a user's
//! manifest. `UPDATE_EXPECT=1 cargo test --test crds` rewrites the files.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of #[test]"
)]

#[path = "crds/compatible.rs"]
mod compatible;

use std::fs;
use std::path::Path;
use std::process::Command;

use empire_controller::api::app::{CONTAINER_MEMBERS, PATHS, TASK_MEMBERS};
use empire_controller::api::condition::Reason;
use empire_controller::api::{definitions, protection, to_yaml};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::{Value, json};
use similar_asserts::assert_eq;

const FILES: [&str; 5] = [
    "app.yaml",
    "platform.yaml",
    "port_allocation.yaml",
    "run.yaml",
    "protection.yaml",
];

/// Returns the text that each file should hold.
fn contents() -> Vec<String> {
    let mut contents: Vec<String> = definitions().iter().map(|d| to_yaml(d).unwrap()).collect();
    contents.push(
        protection()
            .map(|manifest| to_yaml(&manifest).unwrap())
            .join("---\n"),
    );
    contents
}

#[test]
fn the_files_are_what_the_types_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    for (file, expected) in FILES.iter().zip(contents()) {
        let path = folder.join(file);
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, &expected).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            found, expected,
            "crds/{file}: to rewrite it, run UPDATE_EXPECT=1 cargo test --test crds"
        );
    }
}

/// `kubectl apply -f crds/` takes every file that is there.
#[test]
fn there_are_no_other_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crds");
    let files = fs::read_dir(folder).unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut known = FILES;
    known.sort_unstable();
    assert_eq!(files, known);
}

/// A folder that is pruned, or a chart that is uninstalled, must not take every App with it.
#[test]
fn tools_that_prune_leave_everything_where_it_is() {
    let manifests = definitions().map(|definition| json!(definition)).into_iter();
    for manifest in manifests.chain(protection()) {
        assert_eq!(
            manifest["metadata"]["annotations"],
            json!({
                "argocd.argoproj.io/sync-options": "Prune=false,Delete=false",
                "helm.sh/resource-policy": "keep",
                "kustomize.toolkit.fluxcd.io/prune": "disabled",
            }),
            "{}",
            manifest["metadata"]["name"]
        );
    }
}

#[test]
fn the_command_prints_the_files() {
    let output = Command::new(env!("CARGO_BIN_EXE_empire-controller"))
        .arg("crds")
        .output()
        .unwrap();
    assert!(output.status.success());
    let documents: Vec<String> = contents().iter().map(|text| format!("---\n{text}")).collect();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), documents.concat());
}

/// As in `empire-controller crds | head -1`.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut process = Command::new(env!("CARGO_BIN_EXE_empire-controller"))
        .arg("crds")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn the_yaml_means_what_the_types_mean() {
    for definition in definitions() {
        let read: Value = serde_saphyr::from_str(&to_yaml(&definition).unwrap()).unwrap();
        let read: CustomResourceDefinition = serde_json::from_value(read).unwrap();
        assert_eq!(read, definition);
    }
}

/// The API server would write it into the user's object, and GitOps tools would see drift.
#[test]
fn no_spec_has_a_default() {
    each_schema(|path, schema| {
        if schema.get("default").is_some() {
            assert!(
                path.ends_with(".status") && schema["default"] == json!({ "observedGeneration": -1 })
                    || path == "Platform.status.tenancy" && schema["default"] == "Open",
                "{path} has a default"
            );
        }
    });
}

#[test]
fn every_status_says_that_nobody_has_looked_yet() {
    for definition in definitions() {
        let schema = json!(definition.spec.versions[0].schema)["openAPIV3Schema"].clone();
        let status = &schema["properties"]["status"];
        if !status.is_null() {
            assert_eq!(status["default"], json!({ "observedGeneration": -1 }));
        }
    }
}

#[test]
fn every_field_has_a_description() {
    each_schema(|path, schema| {
        let description = schema["description"].as_str().unwrap_or_default();
        // The elements of a list, and the values of a map of strings, are described with it.
        let element = path.ends_with("[]") || (path.ends_with("{}") && schema["type"] == "string");
        assert!(
            element || description.ends_with('.') || is_kubernetes_own(path),
            "{path}: {description:?}"
        );
    });
}

/// A null is dropped before the rules see it.
#[test]
fn no_field_is_nullable() {
    each_schema(|path, schema| assert!(schema.get("nullable").is_none(), "{path} is nullable"));
}

/// A field without a limit makes rules about it too costly for the API server, sooner or later.
#[test]
fn every_string_list_and_map_of_a_spec_has_a_limit() {
    each_schema(|path, schema| {
        let limit = match schema["type"].as_str() {
            Some("string") if schema.get("enum").is_none() => "maxLength",
            Some("array") => "maxItems",
            Some("object") if schema.get("additionalProperties").is_some() => "maxProperties",
            _ => return,
        };
        assert!(
            !path.contains(".spec") || schema.get(limit).is_some(),
            "{path} has no {limit}"
        );
    });
}

/// But those that have no key of their own, of which the order, or nothing, counts.
#[test]
fn every_list_of_objects_is_a_map_by_key() {
    each_schema(|path, schema| {
        if schema["type"] == "array" && schema["items"]["type"] == "object" {
            let keyless = [
                ".constraints",
                ".strategy",
                ".matchExpressions",
                ".grants",
                ".schedules",
            ];
            // What is set is AWS's: two owners of one list would make a third of it.
            let is_set = path.contains(".overrides[].set.");
            let is_keyless = is_set || keyless.iter().any(|keyless| path.ends_with(keyless));
            let expected = if is_keyless { "atomic" } else { "map" };
            assert_eq!(schema["x-kubernetes-list-type"], expected, "{path}");
        }
    });
}

/// A structure of any form could be nested as deep as its author likes, in the API server's memory and in ours.
#[test]
fn every_field_is_known_to_its_schema() {
    each_schema(|path, schema| {
        let unknown = schema.get("x-kubernetes-preserve-unknown-fields");
        assert!(unknown.is_none(), "{path} keeps fields that it does not know");
        let is_typed = schema["type"].is_string();
        assert!(is_typed || path.ends_with(".metadata"), "{path} has no type");
        if schema["type"] == "object" && schema.get("properties").is_none() {
            let has_values = schema.get("additionalProperties").is_some();
            assert!(
                has_values || path.ends_with(".metadata"),
                "{path} may be anything"
            );
        }
    });
}

/// Adds the paths of members: a structure has one for each of its own, a list has one, but volumes have one for each kind.
fn member_paths(prefix: &str, schema: &Value, paths: &mut Vec<String>) {
    for (name, member) in schema["properties"].as_object().unwrap() {
        let path = format!("{prefix}{name}");
        if name == "volumes" {
            let kinds = member["items"]["properties"].as_object().unwrap().keys();
            paths.extend(
                kinds
                    .filter(|kind| *kind != "name")
                    .map(|kind| format!("{path}.{kind}")),
            );
        } else if member["type"] == "object" {
            member_paths(&format!("{path}."), member, paths);
        } else {
            paths.push(path);
        }
    }
}

/// What can be said can be granted, and what is written of it is all of it. That `desired` asks for each, its own test holds.
#[test]
fn paths_of_the_schema() {
    let [app, platform, ..] = definitions().map(|definition| json!(definition.spec.versions[0].schema));
    let spec = |schema: &Value| schema["openAPIV3Schema"]["properties"]["spec"]["properties"].clone();
    let process = &spec(&app)["processes"]["additionalProperties"];
    let element = &process["properties"]["overrides"]["items"];
    let (mut found, mut task) = (Vec::new(), Vec::new());
    member_paths("", &element["properties"]["set"], &mut found);
    found.retain(|path| {
        let member = path.split('.').next().unwrap();
        let is_of_task = TASK_MEMBERS.contains(&member);
        assert_ne!(is_of_task, CONTAINER_MEMBERS.contains(&member), "{path}");
        if is_of_task {
            task.push(path.clone());
        }
        !is_of_task
    });
    let removed = element["properties"]["remove"]["items"]["enum"]
        .as_array()
        .unwrap();
    found.extend(removed.iter().map(|member| member.as_str().unwrap().to_owned()));
    let found = found
        .into_iter()
        .map(|path| format!("containerDefinitions.{path}"));
    let mut paths: Vec<String> = found.chain(task).collect();
    paths.sort();
    assert_eq!(paths, PATHS);
    let tenancy = &spec(&platform)["tenancy"]["properties"];
    for granted in [
        &tenancy["overrides"],
        &tenancy["grants"]["items"]["properties"]["overrides"],
    ] {
        assert_eq!(granted["items"]["enum"], json!(PATHS.to_vec()));
        assert_eq!(granted["maxItems"], json!(PATHS.len()));
    }
    let page =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference/app.md")).unwrap();
    let (_, table) = page.split_once("| path | what it is |").unwrap();
    let rows = table.lines().skip(2).map_while(|line| line.strip_prefix("| `"));
    let mut documented: Vec<&str> = rows.map(|row| row.split_once('`').unwrap().0).collect();
    documented.sort_unstable();
    assert_eq!(documented, PATHS);
}

/// The API server drops a `null` in a field that is not nullable, so that no enum can have it.
#[test]
fn no_enum_has_null() {
    each_schema(|path, schema| {
        let values = schema["enum"].as_array();
        assert!(
            values.is_none_or(|values| !values.contains(&Value::Null)),
            "{path}"
        );
    });
}

/// Neither the same address twice nor two owners of one list: server-side apply merges sets.
#[test]
fn lists_of_ids_and_names_are_sets() {
    let mut sets = Vec::new();
    let seen = std::cell::RefCell::new(&mut sets);
    each_schema(|path, schema| {
        if schema["x-kubernetes-list-type"] == "set" {
            seen.borrow_mut().push(path.to_owned());
        }
    });
    for field in ["hostnames", "certificateArns", "subnets", "securityGroups"] {
        let is_set = sets.iter().any(|path| path.ends_with(&format!(".{field}")));
        assert!(is_set, "{field}: {sets:?}");
    }
}

#[test]
fn apps_and_platforms_can_be_selected_by_where_they_are() {
    let selectable = |kind: &str| -> Vec<String> {
        let definitions = definitions();
        let definition = definitions.iter().find(|d| d.spec.names.kind == kind).unwrap();
        let fields = definition.spec.versions[0].selectable_fields.iter().flatten();
        fields.map(|field| field.json_path.clone()).collect()
    };
    assert_eq!(selectable("App"), [".spec.platform", ".status.platform.name"]);
    assert_eq!(selectable("Platform"), [".spec.region", ".spec.cluster"]);
}

#[test]
fn reasons_are_as_kubernetes_wants_them() {
    for reason in Reason::ALL {
        let text = reason.as_str();
        assert!(text.starts_with(|c: char| c.is_ascii_uppercase()), "{text}");
        assert!(text.chars().all(|c| c.is_ascii_alphabetic()), "{text}");
    }
}

/// The fields of a condition, which Kubernetes describes itself.
fn is_kubernetes_own(path: &str) -> bool {
    path.contains(".status.conditions[].")
}

/// Calls `check` with every property, element and value of every definition, and a path such as
/// `App.spec.processes{}.args[]`.
fn each_schema(check: impl Fn(&str, &Value)) {
    for definition in definitions() {
        let kind = definition.spec.names.kind.clone();
        let schema = json!(definition.spec.versions[0].schema)["openAPIV3Schema"].clone();
        walk(&kind, &schema, &check);
    }
}

fn walk(path: &str, schema: &Value, check: &impl Fn(&str, &Value)) {
    check(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, check);
    }
    for (mark, field) in [("[]", "items"), ("{}", "additionalProperties")] {
        if let Some(inner) = schema.get(field) {
            walk(&format!("{path}{mark}"), inner, check);
        }
    }
}
