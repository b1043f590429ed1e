//! Edits of an App: what is patched, what is said of it, and what becomes of it where others write it, too.

use std::fmt::Write as _;
use std::path::Path;

use kube::core::Status;
use serde_json::json;
use similar_asserts::assert_eq;

use super::*;

const HINTS: Hints<'_> = Hints {
    program: "kubectl empire",
    waits: false,
};

fn app(more: &Value) -> App {
    let mut app = json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "acme", "namespace": "shop", "uid": "u-1", "resourceVersion": "7" },
        "spec": {
            "image": "registry.example.com/acme:v42",
            "processes": {
                "web": { "command": "./bin/web", "quantity": 2 },
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

fn scale(counts: &[&str]) -> Action {
    let counts: Vec<Count> = counts.iter().map(|text| counts::count(text).unwrap()).collect();
    Action::scale(&counts).unwrap()
}

fn tried(action: &Action, app: &App) -> Result<Edited, String> {
    action.edited(app, "2026-11-29T02:00:00.25Z".parse().unwrap(), HINTS)
}

fn at(action: &Action, app: &App) -> Edited {
    tried(action, app).unwrap()
}

fn suspended() -> App {
    app(&json!({ "spec": { "suspend": true } }))
}

fn deleting(mut app: App) -> App {
    app.metadata.deletion_timestamp = serde_json::from_value(json!("2026-11-29T01:00:00Z")).unwrap();
    app
}

#[track_caller]
fn reads(text: &str, golden: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(golden);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{golden}: UPDATE_EXPECT=1 rewrites it");
}

#[test]
fn an_edit_says_what_it_did_and_what_happens_next() {
    let acme = app(&json!({}));
    let scenes = [
        ("scale web=5", &acme, scale(&["web=5"])),
        (
            "scale worker=3 web=2, one of which is so already",
            &acme,
            scale(&["worker=3", "web=2"]),
        ),
        ("scale web=2, which is so already", &acme, scale(&["web=2"])),
        ("scale web=0 of a suspended App", &suspended(), scale(&["web=0"])),
        (
            "scale web=0 of an App that goes",
            &deleting(acme.clone()),
            scale(&["web=0"]),
        ),
        ("redeploy", &acme, Action::Redeploy),
        ("redeploy of a suspended App", &suspended(), Action::Redeploy),
        ("suspend", &acme, Action::Suspend),
        ("suspend of a suspended App", &suspended(), Action::Suspend),
        (
            "suspend of an App that goes",
            &deleting(acme.clone()),
            Action::Suspend,
        ),
        ("resume", &suspended(), Action::Resume),
        ("resume of an App that runs", &acme, Action::Resume),
        (
            "resume of an App that goes",
            &deleting(suspended()),
            Action::Resume,
        ),
    ];
    let mut told = String::new();
    for (title, app, action) in &scenes {
        let edited = at(action, app);
        writeln!(told, "== {title}\n{}", edited.text()).unwrap();
        for warning in &edited.warnings {
            writeln!(told, "warning: {warning}\n").unwrap();
        }
    }
    for asked in [
        &["wroker=1"][..],
        &["web=3", "nightly=1", "console=1", "wroker=1"],
    ] {
        let refused = tried(&scale(asked), &acme).unwrap_err();
        assert_eq!(refused.lines().count(), 1);
        writeln!(told, "== scale {}\n{refused}\n", asked.join(" ")).unwrap();
    }
    reads(&told, "edits.txt");

    let told = Told {
        edited: &at(&scale(&["worker=3", "web=2"]), &acme),
        outcome: Some(&Outcome::timed_out(None, Duration::from_secs(90))),
    };
    let json = told.json().unwrap();
    reads(&json, "edits-json.txt");
}

#[test]
fn nothing_but_the_fields_is_patched_and_only_where_the_app_is_as_it_was_read() {
    let acme = app(&json!({}));
    let check = |action: Action, app: &App, patch: Value| {
        assert_eq!(at(&action, app).patch, patch, "{action:?}");
    };
    let read = json!({ "resourceVersion": "7" });
    check(
        scale(&["web=5", "worker=1"]),
        &acme,
        json!({ "metadata": read, "spec": { "processes": { "web": { "quantity": 5 }, "worker": { "quantity": 1 } } } }),
    );
    check(
        scale(&["web=2", "worker=1"]),
        &acme,
        json!({ "metadata": read, "spec": { "processes": { "worker": { "quantity": 1 } } } }),
    );
    check(
        Action::Suspend,
        &acme,
        json!({ "metadata": read, "spec": { "suspend": true } }),
    );
    check(
        Action::Resume,
        &suspended(),
        json!({ "metadata": read, "spec": { "suspend": null } }),
    );
    let annotations = json!({ "empire.dev/redeploy": "2026-11-29T02:00:00.250000000Z" });
    check(
        Action::Redeploy,
        &acme,
        json!({ "metadata": { "resourceVersion": "7", "annotations": annotations } }),
    );
    let again = Action::Redeploy.edited(&acme, "2026-11-29T02:00:00.250000001Z".parse().unwrap(), HINTS);
    assert_ne!(again.unwrap().value, at(&Action::Redeploy, &acme).value);
}

#[test]
fn who_waits_is_not_told_how_to_follow() {
    let waits = Hints { waits: true, ..HINTS };
    for action in [scale(&["web=5"]), Action::Redeploy] {
        let told = |hints| {
            action
                .edited(&app(&json!({})), Timestamp::UNIX_EPOCH, hints)
                .unwrap()
                .next
        };
        assert!(
            told(HINTS).ends_with("kubectl empire status acme -n shop --watch"),
            "{}",
            told(HINTS)
        );
        assert!(!told(waits).contains("Follow"), "{}", told(waits));
    }
}

#[test]
fn a_redeploy_where_nothing_runs_says_so() {
    let idle = app(&json!({ "spec": { "processes": { "console": { "noservice": true } } } }));
    let next = at(&Action::Redeploy, &idle).next;
    assert!(next.contains("no tasks to replace"), "{next}");
}

#[test]
fn whoever_would_revert_it_is_named() {
    let check = |metadata: Value, action: &Action, expected: &[&str]| {
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
    let entry = |manager: &str, operation: &str| {
        json!({
            "manager": manager, "operation": operation, "apiVersion": "empire.dev/v1alpha1", "fieldsType": "FieldsV1",
            "fieldsV1": { "f:spec": { "f:suspend": {}, "f:image": {}, "f:processes": { "f:web": { "f:quantity": {} } } } },
        })
    };
    let owned = |manager: &str| json!([entry(manager, "Apply")]);
    let web = scale(&["web=5"]);
    check(json!({}), &Action::Suspend, &[]);
    check(
        json!({ "labels": flux }),
        &Action::Suspend,
        &[
            "Flux (Kustomization flux-system/apps)",
            "should its manifest ever set spec.suspend",
        ],
    );
    check(
        json!({ "labels": flux, "managedFields": owned("kustomize-controller") }),
        &Action::Suspend,
        &["kustomize-controller has set spec.suspend: this will be reverted"],
    );
    check(
        json!({ "labels": flux, "managedFields": owned("kustomize-controller") }),
        &scale(&["web=5", "worker=1"]),
        &[
            "kustomize-controller has set spec.processes.web.quantity: this will be reverted",
            "should its manifest ever set spec.processes.worker.quantity",
        ],
    );
    check(
        json!({ "labels": flux, "managedFields": owned(MANAGER) }),
        &Action::Suspend,
        &["should its manifest ever set"],
    );
    check(
        json!({ "annotations": { "argocd.argoproj.io/tracking-id": "shop:empire.dev/App:shop/acme" } }),
        &Action::Redeploy,
        &["Argo CD (Application shop)", "empire.dev/redeploy"],
    );
    check(
        json!({
            "labels": { "app.kubernetes.io/managed-by": "Helm" },
            "annotations": { "meta.helm.sh/release-name": "shop" },
        }),
        &Action::Suspend,
        &["Helm (release shop)"],
    );
    // Without a mark of a tool: by who has applied the field, not by a hand that has set it once.
    check(
        json!({ "managedFields": owned("deploy-bot") }),
        &web,
        &["deploy-bot applies this App server-side, and has set spec.processes.web.quantity"],
    );
    check(
        json!({ "managedFields": owned("deploy-bot") }),
        &Action::Redeploy,
        &[],
    );
    check(
        json!({ "managedFields": [entry("kubectl-edit", "Update")] }),
        &web,
        &[],
    );
    let taken = json!([
        { "manager": "deploy-bot", "operation": "Apply", "fieldsV1": { "f:spec": { "f:image": {} } } },
        entry(MANAGER, "Update"),
    ]);
    check(
        json!({ "managedFields": taken }),
        &web,
        &["deploy-bot applies this App: should its manifest ever set spec.processes.web.quantity"],
    );
    let applied = |manifest: &Value| json!({ "annotations": { "kubectl.kubernetes.io/last-applied-configuration": manifest.to_string() } });
    let manifest = json!({ "spec": { "processes": { "web": { "quantity": 2 } } } });
    check(
        applied(&manifest),
        &web,
        &["kubectl apply has set spec.processes.web.quantity: the next one reverts this"],
    );
    check(applied(&manifest), &Action::Suspend, &[]);
}

fn conflict() -> kube::Error {
    kube::Error::Api(Box::new(
        Status::failure("the object has been modified", "Conflict").with_code(409),
    ))
}

#[tokio::test]
async fn what_another_has_written_meanwhile_is_read_and_judged_again() {
    // Somebody scales at the same time, and the controller writes its status.
    let read = |version: usize| {
        let processes = json!({ "web": { "quantity": version }, "worker": {} });
        let metadata = json!({ "resourceVersion": version.to_string() });
        app(&json!({ "metadata": metadata, "spec": { "processes": processes } }))
    };
    let (mut reads, mut sent) = (0, Vec::new());
    let action = scale(&["web=9"]);
    let written = write(
        &action,
        HINTS,
        async || {
            reads += 1;
            Ok(read(reads))
        },
        async |patch: &Value| {
            sent.push(patch["metadata"]["resourceVersion"].clone());
            if sent.len() < 3 {
                Err(conflict())
            } else {
                Ok(read(20))
            }
        },
    );
    let (edited, now) = written.await.unwrap();
    assert_eq!(edited.processes[0].before, Some(3));
    assert_eq!(now, read(20));
    assert_eq!(sent, ["1", "2", "3"]);

    // The process is gone at the second look.
    let mut looks = 0;
    let action = scale(&["worker=9"]);
    let written = write(
        &action,
        HINTS,
        async || {
            looks += 1;
            let processes = if looks == 1 {
                json!({ "worker": {} })
            } else {
                json!({ "web": {} })
            };
            Ok(app(&json!({ "spec": { "processes": processes } })))
        },
        async |_: &Value| Err(conflict()),
    );
    let error = written.await.unwrap_err().to_string();
    assert!(error.contains("there is no process worker"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_written_is_one_line() {
    let refused = async |error: fn() -> kube::Error| {
        let mut count = 0;
        let send = async |_: &Value| {
            count += 1;
            Err(error())
        };
        let written = write(&Action::Suspend, HINTS, async || Ok(app(&json!({}))), send).await;
        let message = written.unwrap_err().to_string();
        assert_eq!(message.lines().count(), 1, "{message}");
        (count, message)
    };
    let (count, message) = refused(conflict).await;
    assert_eq!(count, ATTEMPTS);
    assert!(
        message.starts_with("suspend App shop/acme: others have written it"),
        "{message}"
    );
    let (count, message) = refused(|| {
        let told = "apps.empire.dev \"acme\" is forbidden:\nUser \"ada\" cannot patch resource \"apps\"";
        kube::Error::Api(Box::new(Status::failure(told, "Forbidden").with_code(403)))
    })
    .await;
    assert_eq!(count, 1);
    assert_eq!(
        message,
        "suspend App shop/acme: apps.empire.dev \"acme\" is forbidden: User \"ada\" cannot patch resource \"apps\""
    );
    // Nothing is written where nothing changes.
    let send = async |_: &Value| Err(conflict());
    let (edited, _) = write(&Action::Suspend, HINTS, async || Ok(suspended()), send)
        .await
        .unwrap();
    assert!(!edited.changed);
}
