//! What counts as new content, and what a release phase is made of.

use serde_json::{Value, json};

use crate::desired::Built;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app_with, namespace, owner, platform_with};
use crate::error::Error;
use crate::model::release::Release;
use crate::model::service::{Capacity, LaunchType};

fn manifest() -> Value {
    json!({
        "metadata": { "uid": "u-1", "generation": 3 },
        "spec": {
            "image": "registry.example.com/acme:v1",
            "env": { "A": "1" },
            "release": { "process": "migrate" },
            "processes": {
                "web": { "command": "./bin/web", "quantity": 2, "expose": { "external": false } },
                "migrate": { "command": "./bin/migrate", "noservice": true, "memory": "512Mi" },
            },
        },
    })
}

fn built(manifest: Value, platform: Value) -> Result<Release, Error> {
    let app = app_with(manifest);
    let Built { desired, .. } = build(&app, &platform_with(platform), &owner(), &namespace())?;
    Ok(*desired.release.unwrap())
}

type Edit = fn(&mut Value);

fn digest(edit: impl FnOnce(&mut Value)) -> String {
    let mut manifest = manifest();
    edit(&mut manifest);
    let tenancy = json!({ "namespaceSelector": {}, "overrides": ["containerDefinitions.dnsSearchDomains"] });
    built(manifest, json!({ "spec": { "tenancy": tenancy } }))
        .unwrap()
        .digest
}

fn overrides(on: &str) -> Value {
    json!([{ "on": on, "set": { "dnsSearchDomains": ["example.com"] } }])
}

/// Another digest of the same manifest would run it again with an upgrade of the controller.
#[test]
fn the_digest_of_a_manifest_is_the_same_in_every_release() {
    assert_eq!(digest(|_| {}), "cv4ko9g9d6le0qmq");
}

#[test]
fn content_is_what_the_app_says_that_it_runs() {
    let before = digest(|_| {});
    let edits: [(Edit, bool); 17] = [
        (
            |m| m["spec"]["image"] = json!("registry.example.com/acme:v2"),
            true,
        ),
        (|m| m["spec"]["env"]["A"] = json!("2"), true),
        (
            |m| m["spec"]["processes"]["web"]["command"] = json!("./bin/web2"),
            true,
        ),
        (
            |m| m["spec"]["processes"]["web"]["env"] = json!({ "B": "1" }),
            true,
        ),
        (|m| m["spec"]["processes"]["web"]["user"] = json!("app"), true),
        (
            |m| m["spec"]["processes"]["more"] = json!({ "command": "./bin/more" }),
            true,
        ),
        (
            |m| m["spec"]["processes"]["migrate"]["memory"] = json!("1Gi"),
            true,
        ),
        (
            |m| m["spec"]["processes"]["migrate"]["stopTimeout"] = json!("60s"),
            true,
        ),
        (
            |m| m["spec"]["processes"]["migrate"]["overrides"] = overrides("migrate"),
            true,
        ),
        (
            |m| m["spec"]["processes"]["web"]["overrides"] = overrides("web"),
            false,
        ),
        (|m| m["spec"]["processes"]["web"]["memory"] = json!("1Gi"), false),
        (|m| m["spec"]["processes"]["web"]["quantity"] = json!(3), false),
        (
            |m| m["spec"]["processes"]["web"]["expose"] = json!({ "containerPort": 9090 }),
            false,
        ),
        (
            |m| m["spec"]["processes"]["web"]["deploy"] = json!({ "progressDeadline": "5m" }),
            false,
        ),
        (|m| m["spec"]["release"]["timeout"] = json!("5m"), false),
        (|m| m["spec"]["suspend"] = json!(true), false),
        (
            |m| m["metadata"]["annotations"] = json!({ "empire.dev/redeploy": "1" }),
            false,
        ),
    ];
    for (n, (edit, is_new)) in edits.into_iter().enumerate() {
        assert_eq!(digest(edit) != before, is_new, "{n}");
    }
}

#[test]
fn it_runs_where_the_platform_says_and_for_an_hour_unless_told_otherwise() {
    let release = built(manifest(), json!({})).unwrap();
    assert_eq!(
        (&*release.process, release.timeout, release.generation),
        ("migrate", 3_600, 3)
    );
    assert!(release.whom.ends_with(" u-1"), "{}", release.whom);
    assert_eq!(release.placing.capacity, Capacity::LaunchType(LaunchType::Ec2));
    assert_eq!(release.redeploy, None);
    let other = built(manifest(), json!({ "spec": { "tags": { "team": "shop" } } })).unwrap();
    assert_eq!(release, other, "no edit of the Platform is new content");
    let mut edited = manifest();
    edited["spec"]["release"]["timeout"] = json!("5m");
    edited["metadata"]["annotations"] = json!({ "empire.dev/redeploy": "1" });
    let edited = built(edited, json!({})).unwrap();
    assert_eq!((edited.timeout, edited.redeploy.as_deref()), (300, Some("1")));
}

#[test]
fn a_process_that_something_else_runs_is_refused() {
    for (edit, said) in [
        (
            json!({ "spec": { "release": { "process": "web" } } }),
            "release.process: web is no process with noservice: true",
        ),
        (
            json!({ "spec": { "release": { "process": "gone" } } }),
            "release.process: gone is no process with noservice: true",
        ),
        (
            json!({ "spec": { "release": { "process": "migrate", "timeout": "soon" } } }),
            "release.timeout: soon is no duration in whole seconds",
        ),
    ] {
        let mut manifest = manifest();
        manifest["spec"]["release"] = edit["spec"]["release"].clone();
        let error = built(manifest, json!({})).unwrap_err();
        assert_eq!(error.to_string(), Error::Invalid(said.into()).to_string());
    }
}
