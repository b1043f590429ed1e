//! The admission policies of Apps and Runs on a real API server: what it refuses to whom, in its words, and what must pass. Nearly all
//! of it by dry runs, on Apps that are as the controller and others leave them.

use serde_json::{Value, json};

use super::CONTROLLER;
use super::attempts::{CLUSTER, Try, app, delete, give, patch, patch_of, record, run_of};

const RECORD: &str = "is written by the controller alone";
const MARKS: &str = "are the controller's to take off";
const DELETION: &str = "lacks the finalizer empire.dev/controller";
const ADOPT: &str = "takes over what others have made in AWS only if";
const RUN: &str = "the finalizer empire.dev/run is the controller's to take off";
const REDEPLOY: &str = "characters, and at most 256 are taken";

const GARBAGE_COLLECTOR: &str = "system:serviceaccount:kube-system:generic-garbage-collector";
const NAMESPACE_CONTROLLER: &str = "system:serviceaccount:kube-system:namespace-controller";

/// As somebody would read it, to apply it again.
fn read(app: &str) -> Value {
    let found = CLUSTER
        .kubectl
        .run(&["get", "app", app, "-n", "shop", "-o", "json"], "");
    serde_json::from_str(&found.unwrap()).unwrap()
}

/// Expects that an attempt is refused by the validation that has these words in its message, with all of the message.
fn check(words: &str, attempts: impl IntoIterator<Item = Try<'static>>) {
    let policies = [
        "get",
        "validatingadmissionpolicy",
        "empire-apps",
        "empire-runs",
        "-o",
        "json",
    ];
    let policies: Value = serde_json::from_str(&CLUSTER.kubectl.run(&policies, "").unwrap()).unwrap();
    let policies = policies["items"].as_array().unwrap().iter();
    let validations = policies.flat_map(|policy| policy["spec"]["validations"].as_array().unwrap());
    let mut messages = validations.flat_map(|validation| {
        ["message", "messageExpression"].map(|field| validation[field].as_str().unwrap_or_default())
    });
    let message = messages.find(|message| message.contains(words)).unwrap();
    // An expression has more words than these.
    let message = if message.starts_with('\'') { words } else { message };
    for attempt in attempts {
        for (user, result) in attempt.results() {
            let is_it = result
                .as_ref()
                .is_err_and(|complaint| complaint.contains(message));
            assert!(is_it, "{user} {:?}: {result:?}", &attempt.arguments[..2]);
        }
    }
}

/// Expects that attempts are let through.
fn pass(attempts: impl IntoIterator<Item = Try<'static>>) {
    for attempt in attempts {
        for (user, result) in attempt.results() {
            let (arguments, manifest) = (&attempt.arguments, &attempt.manifest);
            assert!(result.is_ok(), "{user} {arguments:?} {manifest}: {result:?}");
        }
    }
}

/// Who has `orphan` may take marks off, and not forge them.
#[test]
fn the_record_is_set_and_changed_by_who_owns_apps() {
    let forged = json!({ "annotations": record("blue") });
    let new = |is_held| app("new", &record("blue"), is_held);
    let users = &["tenant", "adopter", GARBAGE_COLLECTOR, "keeper"];
    let apps = ["fresh", "held", "runs", "bare", "leaving"];
    check(RECORD, apps.map(|app| patch(users, app, &forged)));
    check(
        RECORD,
        [
            give(&["tenant", "adopter"], &["create"], new(true)),
            give(&["tenant", "adopter"], &["create"], new(false)),
            give(&["tenant"], &["apply", "--server-side"], new(true)),
        ],
    );
}

#[test]
fn finalizer_and_record_are_taken_off_by_who_owns_or_orphans_apps() {
    let unheld = json!({ "finalizers": null });
    let unrecorded = json!({ "annotations": { "empire.dev/platform-record": null } });
    let users = &["tenant", "adopter", GARBAGE_COLLECTOR];
    for name in ["held", "runs", "leaving", "unnamed"] {
        let replaced = give(&["tenant"], &["replace"], app(name, &json!({}), false));
        let attempts = [
            patch(users, name, &unheld),
            patch(users, name, &unrecorded),
            replaced,
        ];
        check(MARKS, attempts);
    }
}

#[test]
fn an_app_that_lacks_the_finalizer_is_deleted_by_who_orphans_apps() {
    let collection = [
        "delete",
        "--raw",
        "/apis/empire.dev/v1alpha1/namespaces/shop/apps?dryRun=All",
    ];
    let collection = Try {
        users: &["tenant", NAMESPACE_CONTROLLER],
        arguments: collection.map(ToOwned::to_owned).to_vec(),
        manifest: Value::Null,
    };
    let users = &["tenant", "owner", "adopter", NAMESPACE_CONTROLLER];
    check(DELETION, [delete(users, "bare"), collection]);
}

#[test]
fn what_others_made_is_taken_over_by_who_adopts() {
    let adopts = json!({ "empire.dev/adopt": "true" });
    let set = json!({ "annotations": adopts });
    let attempts = [
        patch(&["tenant", "owner", "keeper", CONTROLLER], "fresh", &set),
        give(&["tenant"], &["create"], app("new", &adopts, false)),
    ];
    check(ADOPT, attempts);
}

#[test]
fn a_redeploy_of_more_than_256_characters_is_refused_to_all() {
    let redeploy = |length| json!({ "empire.dev/redeploy": "x".repeat(length) });
    let set = json!({ "annotations": redeploy(257) });
    let long = app("fresh", &redeploy(250_000), false);
    let all = &["tenant", "owner", "keeper", "adopter", "star", "admin"];
    let attempts = [
        patch(all, "fresh", &set),
        patch(all, "old", &set),
        give(all, &["apply", "--server-side"], long),
        give(&["tenant"], &["create"], app("new", &redeploy(257), false)),
    ];
    check(REDEPLOY, attempts);
}

/// By the verbs on the App that the Run names.
#[test]
fn the_finalizer_of_a_run_is_taken_off_by_who_owns_or_orphans_its_app() {
    let unheld = json!({ "finalizers": null });
    let users = &["tenant", "adopter", GARBAGE_COLLECTOR];
    check(
        RUN,
        [
            patch_of("run", users, "goes-on", &unheld),
            patch_of(
                "run",
                users,
                "goes-on",
                &json!({ "finalizers": ["example.com/held"] }),
            ),
            give(&["tenant"], &["replace"], run_of("goes-on", false)),
        ],
    );
    pass([
        patch_of(
            "run",
            &["owner", "keeper", "star", "admin", CONTROLLER],
            "goes-on",
            &unheld,
        ),
        patch_of(
            "run",
            &["tenant"],
            "goes-on",
            &json!({ "labels": { "team": "shop" } }),
        ),
        patch_of(
            "run",
            &["tenant"],
            "waits",
            &json!({ "finalizers": ["empire.dev/run"] }),
        ),
        patch_of("run", &["tenant"], "waits", &unheld),
        patch_of(
            "run",
            &[CONTROLLER],
            "waits",
            &json!({ "finalizers": ["empire.dev/run"] }),
        ),
        give(&["tenant"], &["apply"], run_of("goes-on", false)),
        give(&["tenant"], &["create"], run_of("new", false)),
    ]);
}

#[test]
fn what_must_pass_passes() {
    let plain = |name| app(name, &json!({}), false);
    let (marks, unmarked) = (
        json!({ "annotations": record("staging"), "finalizers": ["empire.dev/controller"] }),
        json!({ "annotations": { "empire.dev/platform-record": null }, "finalizers": null }),
    );
    let changed = json!({ "annotations": record("blue") });
    let adopts = json!({ "annotations": { "empire.dev/adopt": "true" } });
    let (tenant, all) = (
        &["tenant"][..],
        &["tenant", "owner", "keeper", "adopter", "star", "admin"][..],
    );
    let (owners, keepers) = (
        &["owner", "star", "admin", CONTROLLER][..],
        &["keeper", "star", "admin"][..],
    );
    let collects = json!({ "finalizers": ["empire.dev/controller", "orphan"] });
    let restored = app("restored", &record("staging"), true);
    pass([
        // What tenants and their tools do.
        give(all, &["create"], plain("new")),
        give(tenant, &["apply"], plain("runs")),
        give(tenant, &["apply", "--server-side"], plain("runs")),
        give(
            tenant,
            &["apply", "--server-side", "--force-conflicts"],
            plain("held"),
        ),
        give(tenant, &["apply"], read("runs")),
        give(tenant, &["replace"], read("runs")),
        give(tenant, &["replace"], read("held")),
        give(tenant, &["replace"], plain("bare")),
        give(tenant, &["replace"], plain("fresh")),
        patch(tenant, "leaving", &json!({ "labels": { "team": "shop" } })),
        patch(
            tenant,
            "bare",
            &json!({ "finalizers": ["empire.dev/controller"] }),
        ),
        give(tenant, &["create"], app("new", &json!({}), true)),
        delete(tenant, "fresh"),
        delete(tenant, "held"),
        delete(tenant, "runs"),
        delete(tenant, "leaving"),
        // What Kubernetes does by itself.
        delete(&[NAMESPACE_CONTROLLER, GARBAGE_COLLECTOR], "runs"),
        patch(&[GARBAGE_COLLECTOR], "runs", &collects),
        patch(&[GARBAGE_COLLECTOR], "runs", &json!({ "ownerReferences": null })),
        // The controller.
        patch(owners, "fresh", &marks),
        patch(owners, "bare", &marks),
        patch(owners, "runs", &changed),
        patch(owners, "held", &unmarked),
        patch(owners, "leaving", &unmarked),
        // Who has the verb for it.
        patch(keepers, "leaving", &unmarked),
        patch(keepers, "held", &unmarked),
        delete(keepers, "bare"),
        give(
            &["keeper", "owner", "star", "admin"],
            &["create"],
            restored.clone(),
        ),
        give(keepers, &["apply", "--server-side"], restored),
        give(keepers, &["replace"], plain("runs")),
        patch(&["adopter", "star", "admin"], "fresh", &adopts),
        // Annotations that mean nothing, are short enough, or were there before.
        patch(
            tenant,
            "fresh",
            &json!({ "annotations": { "empire.dev/adopt": "yes" } }),
        ),
        patch(
            tenant,
            "fresh",
            &json!({ "annotations": { "empire.dev/redeploy": "ä".repeat(256) } }),
        ),
        patch(tenant, "old", &adopts),
        patch(
            tenant,
            "old",
            &json!({ "annotations": { "example.com/note": "kept" } }),
        ),
        patch(
            tenant,
            "old",
            &json!({ "annotations": { "empire.dev/redeploy": null, "empire.dev/adopt": null } }),
        ),
        give(tenant, &["replace"], read("old")),
        delete(tenant, "old"),
    ]);
}

/// Kubernetes deletes what is in it, as itself; an App without its finalizer keeps its namespace until that is back. Another
/// finalizer is on it all the while: a DELETE that began while there was none removes the App, whatever was added since.
#[test]
fn a_namespace_can_be_deleted_and_takes_no_app_unseen() {
    let run = |arguments: &[&str]| CLUSTER.kubectl.run(arguments, "").unwrap();
    let in_going = |arguments: &[&str]| run(&[&["-n", "going"], arguments].concat());
    run(&["create", "namespace", "going"]);
    CLUSTER.make("going", &app("runs", &record("staging"), true), true);
    let mut bare = app("bare", &json!({}), false);
    bare["metadata"]["finalizers"] = json!(["example.com/held"]);
    CLUSTER.make("going", &bare, true);
    run(&["delete", "namespace", "going", "--wait=false"]);
    let failure = "jsonpath={.status.conditions[?(@.type==\"NamespaceDeletionContentFailure\")].message}";
    CLUSTER.until("it says why it stays", || {
        let message = run(&["get", "namespace", "going", "-o", failure]);
        message.contains(DELETION).then_some(())
    });
    let finalizers = |app: &str, finalizers: Value| {
        let patch = json!({ "metadata": { "finalizers": finalizers } }).to_string();
        in_going(&[
            "--as",
            CONTROLLER,
            "patch",
            "app",
            app,
            "--type=merge",
            "-p",
            &patch,
        ])
    };
    finalizers("bare", json!(["example.com/held", "empire.dev/controller"]));
    for app in ["runs", "bare"] {
        CLUSTER.until("it is being deleted", || {
            let since = in_going(&["get", "app", app, "-o", "jsonpath={.metadata.deletionTimestamp}"]);
            (!since.is_empty()).then_some(())
        });
        finalizers(app, Value::Null);
    }
    run(&["wait", "--for=delete", "namespace/going", "--timeout=90s"]);
}
