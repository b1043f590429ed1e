//! Log groups as a Platform says them, and the options of who logs there.

use serde_json::{Value, json};

use super::*;
use crate::desired::fixtures::{app, owner, platform};
use crate::model::desired::Desired;
use crate::model::secret::Secrets;
use crate::model::small_map::SmallMap;

const GROUP: &str = "/empire/cluster-3/shop/acme";

fn logging(more: &Value) -> Value {
    let mut logging = json!({ "driver": "awslogs", "group": "PerApp" });
    let fields = logging.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    json!({ "tasks": { "logging": logging }, "tags": { "team": "shop" } })
}

fn wanted(platform_spec: Value, processes: Value) -> Desired {
    let none = Secrets::default();
    let built = super::super::build_unchecked(&app(processes), &platform(platform_spec), &owner(), &none);
    built.unwrap().desired
}

fn options<'a>(desired: &'a Desired, process: &str) -> &'a SmallMap<String, String> {
    let logging = &desired.processes[process].task_definition.main.logging;
    &logging.as_ref().unwrap().options
}

#[test]
fn options_are_completed_and_the_mode_is_said() {
    let desired = wanted(logging(&json!({})), json!({ "web": { "command": "run" } }));
    let expected = [
        ("awslogs-group", GROUP),
        ("awslogs-region", "eu-west-9"),
        ("awslogs-stream-prefix", "web"),
        ("max-buffer-size", "25m"),
        ("mode", "non-blocking"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(*options(&desired, "web"), expected.into_iter().collect());
}

#[test]
fn own_options_stay_and_a_blocking_container_has_no_buffer() {
    let own = json!({ "options": {
        "mode": "blocking", "awslogs-datetime-format": "%H", "awslogs-stream-prefix": "all-{process}",
    } });
    let desired = wanted(logging(&own), json!({ "web": { "command": "run" } }));
    let options = options(&desired, "web");
    let given = |name: &str| options.get(name).map(String::as_str);
    assert_eq!(given("mode"), Some("blocking"));
    assert_eq!(given("max-buffer-size"), None);
    assert_eq!(given("awslogs-datetime-format"), Some("%H"));
    assert_eq!(given("awslogs-stream-prefix"), Some("all-web"));
    assert_eq!(given("awslogs-group"), Some(GROUP));
}

#[test]
fn an_app_has_one_group_with_its_tags_and_no_process() {
    let more = json!({ "retentionDays": 90, "kmsKeyArn": "arn:aws:kms:eu-west-9:123456789012:key/1" });
    let processes = json!({ "web": { "command": "run" }, "worker": { "command": "work" } });
    let desired = wanted(logging(&more), processes);
    let group = desired.log_group.as_deref().unwrap();
    assert_eq!(group.name, GROUP);
    assert_eq!(group.retention_days, Some(90));
    assert_eq!(
        group.kms_key.as_deref(),
        Some("arn:aws:kms:eu-west-9:123456789012:key/1")
    );
    let mut tags = owner().app_tags();
    tags.insert("team".into(), "shop".into());
    assert_eq!(group.tags, tags);
    assert_eq!(desired.logging_processes().len(), 2);
}

#[test]
fn sidecars_log_there_too_and_who_logs_elsewhere_needs_no_group() {
    let elsewhere = json!({ "driver": "json-file" });
    let sidecar = json!({ "image": "registry.example/proxy:v1" });
    let processes =
        json!({ "web": { "command": "run", "logging": elsewhere, "sidecars": { "proxy": sidecar } } });
    let desired = wanted(logging(&json!({})), processes);
    let sidecars = &desired.processes["web"].task_definition.sidecars;
    let proxy = sidecars[0].logging.as_ref().unwrap();
    assert_eq!(
        proxy.options.get("awslogs-group").map(String::as_str),
        Some(GROUP)
    );
    assert!(desired.log_group.is_some());
    let alone = json!({ "web": { "command": "run", "logging": { "driver": "json-file" } } });
    let desired = wanted(logging(&json!({})), alone);
    assert_eq!(desired.log_group, None);
    assert_eq!(desired.place.log_groups, LogGroups::Kept);
}

#[test]
fn what_a_platform_says_of_a_deletion_is_the_rule_and_without_a_group_there_is_none() {
    let rule_of = |spec: Value| rule(&platform(spec));
    assert_eq!(rule_of(logging(&json!({}))), LogGroups::Kept);
    assert_eq!(
        rule_of(logging(&json!({ "deletionPolicy": "Retain" }))),
        LogGroups::Kept
    );
    assert_eq!(
        rule_of(logging(&json!({ "deletionPolicy": "Delete" }))),
        LogGroups::Deleted
    );
    let options = json!({ "awslogs-group": GROUP, "awslogs-region": "eu-west-9" });
    let as_before = json!({ "tasks": { "logging": { "driver": "awslogs", "options": options } } });
    assert_eq!(rule_of(as_before.clone()), LogGroups::None);
    let desired = wanted(as_before, json!({ "web": { "command": "run" } }));
    assert_eq!(desired.log_group, None);
    let given = options_of(&desired);
    assert_eq!(
        given,
        [("awslogs-group", GROUP), ("awslogs-region", "eu-west-9")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

fn options_of(desired: &Desired) -> Vec<(String, String)> {
    let options = options(desired, "web").iter();
    options
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[test]
fn nobody_logs_to_the_group_of_another_app() {
    let refused = |platform_spec: Value, logging: Value| {
        let process = json!({ "web": { "command": "run", "logging": logging } });
        check(&wanted(platform_spec, process)).map_err(|error| error.to_string())
    };
    let to = |group: &str| json!({ "driver": "awslogs", "options": { "awslogs-group": group, "awslogs-region": "eu-west-9" } });
    let per_app = || logging(&json!({}));
    let theirs = "/empire/cluster-3/bank/pay";
    let said = refused(per_app(), to(theirs)).unwrap_err();
    for words in ["process web: container web: awslogs-group:", theirs, GROUP] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(refused(per_app(), to(GROUP)), Ok(()));
    assert_eq!(refused(per_app(), to("/elsewhere")), Ok(()));
    let hidden = json!({ "driver": "awslogs", "options": { "awslogs-region": "eu-west-9" }, "secretOptions": {
        "awslogs-group": "arn:aws:ssm:eu-west-9:123456789012:parameter/group",
    } });
    let mut with_role = per_app();
    with_role["tasks"]["executionRoleArn"] = json!("arn:aws:iam::123456789012:role/execution");
    let said = refused(with_role, hidden).unwrap_err();
    assert!(said.contains("a secret may name another App's"), "{said}");
    // Where none are made, names are whose they were.
    assert_eq!(refused(json!({}), to(theirs)), Ok(()));
}
