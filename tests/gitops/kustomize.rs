//! kustomize with the component that we ship: which transformer reaches which field, and which it cannot.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use similar_asserts::assert_eq;

use super::page::{block, root};
use super::support::script::printed_by;

/// Returns the objects that kustomize renders, or what it complains of.
fn render(folder: &Path) -> Result<Vec<Value>, String> {
    let kubectl = printed_by("control-plane/build", &[]).join("kubectl");
    let output = Command::new(kubectl)
        .arg("kustomize")
        .arg(folder)
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8(output.stderr).unwrap());
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let documents = text.split("\n---\n");
    Ok(documents
        .map(|text| serde_saphyr::from_str(text).unwrap())
        .collect())
}

/// Makes a folder with the App of the page, a kustomization, and the component.
fn folder(app: &str, kustomization: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("app.yaml"), app).unwrap();
    fs::write(folder.path().join("kustomization.yaml"), kustomization).unwrap();
    fs::create_dir(folder.path().join("kustomizeconfig")).unwrap();
    for file in ["kustomization.yaml", "app.yaml"] {
        let ours = root().join("deploy/kustomizeconfig").join(file);
        fs::copy(ours, folder.path().join("kustomizeconfig").join(file)).unwrap();
    }
    folder
}

fn acme() -> String {
    let text = block("flux/acme.yaml");
    text.replace("registry.example.com/worker:v1", "registry.example.com/acme:v1")
}

#[test]
fn images_and_replicas_reach_an_app() {
    let folder = folder(&acme(), &block("kustomize/kustomization.yaml"));
    let app = &render(folder.path()).unwrap()[0];
    let spec = &app["spec"];
    assert_eq!(spec["image"], "registry.example.com/acme:v2");
    assert_eq!(
        spec["processes"]["worker"]["image"],
        "registry.example.com/acme:v2"
    );
    assert_eq!(spec["processes"]["web"]["quantity"], 5);
    assert_eq!(spec["processes"]["worker"]["quantity"], 3);

    let without = block("kustomize/kustomization.yaml").replace("components: [kustomizeconfig]", "");
    fs::write(folder.path().join("kustomization.yaml"), without).unwrap();
    let complaint = render(folder.path()).unwrap_err();
    assert!(complaint.contains("acme does not match a config"), "{complaint}");
}

#[test]
fn every_listed_process_is_one_that_kustomize_reaches() {
    let listed = fs::read_to_string(root().join("deploy/kustomizeconfig/app.yaml")).unwrap();
    let listed: Value = serde_saphyr::from_str(&listed).unwrap();
    let paths = listed["images"].as_array().unwrap().iter();
    let names: Vec<_> = paths
        .filter_map(|field| {
            field["path"]
                .as_str()
                .unwrap()
                .strip_prefix("spec/processes/")?
                .strip_suffix("/image")
        })
        .collect();
    assert!(names.len() > 10, "{names:?}");
    let mut app: Value = serde_saphyr::from_str(&acme()).unwrap();
    for name in &names {
        app["spec"]["processes"][*name] = json!({ "image": "registry.example.com/acme:v1", "quantity": 1 });
    }
    app["spec"]["processes"]["ingest"] = json!({ "image": "registry.example.com/acme:v1" });
    let kustomization = block("kustomize/kustomization.yaml");
    let folder = folder(&app.to_string(), &kustomization);
    let rendered = render(folder.path()).unwrap();
    let image = |app: &Value, name: &str| app["spec"]["processes"][name]["image"].clone();
    for name in names {
        assert_eq!(
            image(&rendered[0], name),
            "registry.example.com/acme:v2",
            "{name}"
        );
    }
    assert_eq!(image(&rendered[0], "ingest"), "registry.example.com/acme:v1");

    fs::write(folder.path().join("mine.yaml"), block("kustomize/mine.yaml")).unwrap();
    let with_mine = format!("{kustomization}configurations: [mine.yaml]\n");
    fs::write(folder.path().join("kustomization.yaml"), with_mine).unwrap();
    let rendered = render(folder.path()).unwrap();
    assert_eq!(image(&rendered[0], "ingest"), "registry.example.com/acme:v2");
}

/// The day that kustomize learns it, the list of names can go.
#[test]
fn kustomize_has_no_wildcard_for_processes() {
    let kustomization = block("kustomize/kustomization.yaml");
    let folder = folder(&acme(), &format!("{kustomization}configurations: [mine.yaml]\n"));
    let wildcard = block("kustomize/mine.yaml").replace("ingest", "*");
    fs::write(folder.path().join("mine.yaml"), wildcard).unwrap();
    let complaint = render(folder.path()).unwrap_err();
    assert!(complaint.contains("wildcard is not supported"), "{complaint}");

    let every = kustomization.replace("processes.worker.quantity", "processes.*.quantity");
    fs::write(folder.path().join("kustomization.yaml"), every).unwrap();
    let complaint = render(folder.path()).unwrap_err();
    assert!(complaint.contains("expected SequenceNode"), "{complaint}");
}

#[test]
fn a_prefix_renames_the_platform_that_an_app_names() {
    let mut app: Value = serde_saphyr::from_str(&acme()).unwrap();
    app["spec"]["platform"] = json!("staging");
    let platform =
        json!({ "apiVersion": "empire.dev/v1alpha1", "kind": "Platform", "metadata": { "name": "staging" } });
    let kustomization = "resources: [app.yaml]\ncomponents: [kustomizeconfig]\nnamePrefix: eu-\n";
    let folder = folder(&format!("{app}\n---\n{platform}\n"), kustomization);
    let rendered = render(folder.path()).unwrap();
    assert_eq!(rendered[0]["spec"]["platform"], "eu-staging");
    assert_eq!(rendered[1]["metadata"]["name"], "eu-staging");
}
