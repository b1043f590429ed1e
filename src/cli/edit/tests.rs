//! Edits of an App by the plugin: what is patched, and what is said of it.

use super::*;

fn app(more: &Value) -> App {
    let mut app = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme", "namespace": "shop", "uid": "u-1" },
        "spec": {
            "image": "registry.example.com/acme:v42",
            "processes": {
                "web": { "command": "./bin/web" },
                "worker": { "command": "./bin/worker" },
                "nightly": { "command": "./bin/report", "cron": "0 3 * * ? *" },
                "console": { "noservice": true },
            },
        },
    });
    for (part, fields) in more.as_object().unwrap() {
        for (key, value) in fields.as_object().unwrap() {
            app[part][key] = value.clone();
        }
    }
    serde_json::from_value(app).unwrap()
}

fn at(action: Action, app: &App) -> Edited {
    edited(action, app, "2026-11-29T02:00:00.25Z".parse().unwrap())
}

#[test]
fn a_redeploy_sets_the_annotation_and_names_what_is_replaced() {
    let acme = app(&json!({}));
    let done = at(Action::Redeploy, &acme);
    assert_eq!(
        patch(&done, &acme),
        json!({ "metadata": { "uid": "u-1", "annotations": { "empire.dev/redeploy": "2026-11-29T02:00:00Z" } } })
    );
    assert_eq!(
        text(&done),
        "App shop/acme redeploy: metadata.annotations[empire.dev/redeploy] is 2026-11-29T02:00:00Z\n\
         Every task of web, worker is replaced, as `deploy` says. Follow it: kubectl empire status acme -n shop --watch.\n"
    );
    let suspended = app(&json!({ "spec": { "suspend": true } }));
    let next = at(Action::Redeploy, &suspended).next;
    assert!(
        next.contains("before kubectl empire resume acme -n shop"),
        "{next}"
    );
    let idle = app(&json!({ "spec": { "processes": { "console": { "noservice": true } } } }));
    let next = at(Action::Redeploy, &idle).next;
    assert!(next.contains("no tasks to replace"), "{next}");
}

#[test]
fn suspend_and_resume_set_one_field_and_only_once() {
    let (running, suspended) = (app(&json!({})), app(&json!({ "spec": { "suspend": true } })));
    let done = at(Action::Suspend, &running);
    assert_eq!(
        patch(&done, &running),
        json!({ "metadata": { "uid": "u-1" }, "spec": { "suspend": true } })
    );
    let done = at(Action::Resume, &suspended);
    assert_eq!(
        patch(&done, &suspended),
        json!({ "metadata": { "uid": "u-1" }, "spec": { "suspend": null } })
    );
    let again = at(Action::Suspend, &suspended);
    assert!(!again.changed && text(&again).starts_with("App shop/acme is suspended already"));
    let again = at(Action::Resume, &running);
    assert!(!again.changed && text(&again).starts_with("App shop/acme is not suspended"));
}

#[test]
fn a_tool_that_would_revert_it_is_named() {
    let check = |metadata: Value, action: Action, expected: &[&str]| {
        let acme = app(&json!({ "metadata": metadata }));
        let warnings = at(action, &acme).warnings;
        assert_eq!(warnings.is_empty(), expected.is_empty(), "{warnings:?}");
        let warning = warnings.concat();
        assert!(expected.iter().all(|part| warning.contains(part)), "{warning}");
    };
    let flux = json!({
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    });
    let owned = |manager: &str| {
        json!([{
            "manager": manager, "operation": "Apply", "apiVersion": "empire.dev/v1alpha1", "fieldsType": "FieldsV1",
            "fieldsV1": { "f:spec": { "f:suspend": {}, "f:image": {} } },
        }])
    };
    check(json!({}), Action::Suspend, &[]);
    check(
        json!({ "labels": flux }),
        Action::Suspend,
        &[
            "Flux (Kustomization flux-system/apps)",
            "should its manifest ever set spec.suspend",
        ],
    );
    check(
        json!({ "labels": flux, "managedFields": owned("kustomize-controller") }),
        Action::Suspend,
        &["kustomize-controller has set spec.suspend: this will be reverted"],
    );
    check(
        json!({ "labels": flux, "managedFields": owned(MANAGER) }),
        Action::Suspend,
        &["should its manifest ever set"],
    );
    check(
        json!({ "annotations": { "argocd.argoproj.io/tracking-id": "shop:empire.dev/App:shop/acme" } }),
        Action::Redeploy,
        &["Argo CD (Application shop)", "empire.dev/redeploy"],
    );
    check(
        json!({
            "labels": { "app.kubernetes.io/managed-by": "Helm" },
            "annotations": { "meta.helm.sh/release-name": "shop" },
        }),
        Action::Suspend,
        &["Helm (release shop)"],
    );
}
