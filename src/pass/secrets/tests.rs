//! What a pass asks for before it begins.

use serde_json::{Value, json};

use super::*;
use crate::desired::fixtures::{app, app_with, platform};

fn reading() -> Platform {
    platform(json!({ "tasks": { "executionRoleArn": "arn:aws:iam::123456789012:role/ecs" } }))
}

fn naming() -> App {
    app(json!({ "web": { "command": "run", "secrets": { "DB": "secretsmanager:shop/db" } } }))
}

fn rolling() -> App {
    app(json!({ "web": { "command": "run", "rollOnChange": true, "secrets": { "DB": "/shop/db" } } }))
}

fn status(value: &Value) -> AppStatus {
    let mut status = json!({ "observedGeneration": 3 });
    for (key, value) in value.as_object().unwrap() {
        status[key] = value.clone();
    }
    serde_json::from_value(status).unwrap()
}

fn needed(app: &App, shown: &Value, is_edited: bool) -> Vec<String> {
    let asked = asked_secrets(app, Some(&status(shown)), &reading(), is_edited).unwrap();
    asked.needed.iter().map(ToString::to_string).collect()
}

#[test]
fn what_the_status_shows_is_not_waited_for_but_for_an_edit() {
    assert_eq!(needed(&naming(), &json!({}), false), ["secret shop/db"]);
    let shown =
        json!({ "secrets": [{ "name": "shop/db", "arn": "arn:aws:secretsmanager:::secret:shop/db-1" }] });
    assert_eq!(needed(&naming(), &shown, false), [""; 0]);
    assert_eq!(needed(&naming(), &shown, true), ["secret shop/db"]);
}

#[test]
fn versions_are_known_before_the_first_task_has_read_them() {
    assert_eq!(needed(&rolling(), &json!({}), false), ["parameter /shop/db"]);
    let read = json!({ "processes": [{
        "name": "web", "submitted": { "hash": "1", "deploymentId": "1", "secrets": "digest" },
    }] });
    assert_eq!(needed(&rolling(), &read, false), [""; 0]);
}

#[test]
fn nothing_is_asked_for_what_is_deleted_or_names_nothing() {
    let plain = app(json!({ "web": { "command": "run", "secrets": { "DB": "/shop/db" } } }));
    assert_eq!(asked_secrets(&plain, None, &reading(), true), None);
    let leaving = app_with(json!({
        "metadata": { "deletionTimestamp": "2026-01-02T03:04:05Z" },
        "spec": { "processes": { "web": { "command": "run", "secrets": { "DB": "secretsmanager:shop/db" } } } },
    }));
    assert_eq!(asked_secrets(&leaving, None, &reading(), true), None);
}
