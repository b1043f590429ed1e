//! Processes that run by the clock or by hand, on both emulators: both know groups with tags and keep what a schedule says.

use serde_json::{Value, json};

use super::manifests::merge;
use super::place::{Cloud, Place, tally};

const ROLE: &str = "arn:aws:iam::123456789012:role/scheduler";

#[tokio::test(flavor = "multi_thread")]
async fn processes_run_by_the_clock_or_by_hand_on_ministack() {
    story(&place(Cloud::Ministack, "cron-ministack").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_run_by_the_clock_or_by_hand_on_moto() {
    story(&place(Cloud::Moto, "cron-moto").await).await;
}

async fn place(cloud: Cloud, name: &str) -> Place {
    let spec = json!({ "tasks": { "schedulerRoleArn": ROLE } });
    Place::with(cloud, name, "ap-northeast-3", spec).await
}

fn app() -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": "jobs" },
        "spec": {
            "image": "registry.example.com/jobs:v1",
            "processes": {
                "nightly": { "command": "./bin/nightly", "cron": "0 3 * * 1-5", "timezone": "Europe/Berlin" },
                "console": { "command": "bin/rails console", "noservice": true },
            },
        },
    })
}

async fn story(place: &Place) {
    let mut jobs = app();
    let writes = place.converge(&jobs);
    let created = [
        ("CreateSchedule", 1),
        ("CreateScheduleGroup", 1),
        ("RegisterTaskDefinition", 2),
    ];
    assert_eq!(tally(&writes), created, "{writes:?}");
    let row = place.kubectl(&["get", "apps.empire.dev", "jobs", "--no-headers"]);
    let columns: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(
        columns[..5],
        ["jobs", &place.name, "True", "Available", "0/0"],
        "{row}"
    );
    let schedule = only_schedule(place).await;
    assert_eq!(schedule.schedule_expression(), Some("cron(0 3 ? * MON-FRI *)"));
    assert_eq!(schedule.schedule_expression_timezone(), Some("Europe/Berlin"));
    let starts = || async {
        let found = only_schedule(place).await;
        let target = found.target().unwrap().clone();
        assert_eq!(target.role_arn(), ROLE);
        assert!(
            target.arn().ends_with(&format!(":cluster/{}", place.name)),
            "{}",
            target.arn()
        );
        target.ecs_parameters().unwrap().task_definition_arn().to_owned()
    };
    let first = starts().await;
    let status = status(place);
    assert_eq!(status["nightly"]["taskDefinition"], json!(first));
    assert_eq!(
        status["nightly"]["schedule"],
        json!({
            "name": schedule.name().unwrap(),
            "expression": "cron(0 3 ? * MON-FRI *)",
            "timeZone": "Europe/Berlin",
        })
    );
    assert!(
        status["console"]["taskDefinition"]
            .as_str()
            .unwrap()
            .contains("_jobs_console:")
    );

    // The same, looked at again, and in AWS's own words, is the same.
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0]);
    edit(
        place,
        &mut jobs,
        &json!({ "nightly": { "cron": "0 3 ? * MON-FRI *" } }),
        &[],
    );
    edit(
        place,
        &mut jobs,
        &json!({ "nightly": { "cron": "0 4 * * *" } }),
        &[("UpdateSchedule", 1)],
    );
    assert_eq!(
        only_schedule(place).await.schedule_expression(),
        Some("cron(0 4 * * ? *)")
    );
    assert_eq!(starts().await, first);
    let image = json!({ "nightly": { "args": ["--all"] }, "console": { "args": ["--sandbox"] } });
    let cost = [("RegisterTaskDefinition", 2), ("UpdateSchedule", 1)];
    edit(place, &mut jobs, &image, &cost);
    assert_ne!(starts().await, first);

    deleted_in_the_console(place).await;
    from_the_clock_to_a_service_and_back(place, &mut jobs).await;
}

async fn deleted_in_the_console(place: &Place) {
    let found = only_schedule(place).await;
    place
        .aws
        .scheduler
        .delete_schedule()
        .group_name(found.group_name().unwrap())
        .name(found.name().unwrap())
        .send()
        .await
        .unwrap();
    place
        .eventually("the schedule is made again", async || {
            (schedules(place).await.len() == 1).then_some(())
        })
        .await;
    place.wait("app", "jobs", "condition=Ready");
    place.proxy.take_writes();
}

async fn from_the_clock_to_a_service_and_back(place: &Place, jobs: &mut Value) {
    let service = json!({ "nightly": { "cron": null, "timezone": null, "quantity": 1 } });
    let cost = [("CreateService", 1), ("DeleteSchedule", 1)];
    edit(place, jobs, &service, &cost);
    let cron = json!({ "nightly": { "cron": "@daily", "quantity": null } });
    let cost = [("CreateSchedule", 1), ("DeleteService", 1)];
    edit(place, jobs, &cron, &cost);
    assert_eq!(place.aws.services().await.len(), 0);

    let text = json!({ "spec": { "processes": { "nightly": { "cron": "0 3 1 * MON" } } } });
    merge(jobs, &text);
    place.apply(jobs);
    let message = place.condition("jobs", "Stalled", "InvalidSpec").await;
    assert!(
        message.starts_with("process nightly: cron: a crontab with both"),
        "{message}"
    );

    let writes = place.delete("jobs");
    assert_eq!(tally(&writes), [("DeleteSchedule", 1)], "{writes:?}");
    assert_eq!(schedules(place).await, [""; 0]);
}

fn edit(place: &Place, jobs: &mut Value, processes: &Value, cost: &[(&str, usize)]) {
    merge(jobs, &json!({ "spec": { "processes": processes } }));
    let writes = place.converge(jobs);
    assert_eq!(tally(&writes), cost, "{processes}: {writes:?}");
}

/// By process.
fn status(place: &Place) -> Value {
    let object = place.kubectl(&["get", "app", "jobs", "-o", "json"]);
    let object: Value = serde_json::from_str(&object).unwrap();
    let processes = object["status"]["processes"].as_array().unwrap();
    processes
        .iter()
        .map(|process| (process["name"].as_str().unwrap().to_owned(), process.clone()))
        .collect()
}

/// Their names, with those of their groups.
async fn schedules(place: &Place) -> Vec<String> {
    let listed = place.aws.scheduler.list_schedules().send().await.unwrap();
    let all = listed.schedules().iter();
    all.map(|found| format!("{} {}", found.group_name().unwrap(), found.name().unwrap()))
        .collect()
}

async fn only_schedule(place: &Place) -> aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput {
    let all = schedules(place).await;
    let [only] = all.as_slice() else { panic!("{all:?}") };
    let (group, name) = only.split_once(' ').unwrap();
    let request = place.aws.scheduler.get_schedule().group_name(group).name(name);
    request.send().await.unwrap()
}
