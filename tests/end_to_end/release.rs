//! The release phase: a task runs in the emulator before anything else is made. ministack's tasks run until somebody stops
//! them, and then have ended with 0, which is no success; moto can start none in a task's own network, and elsewhere wants
//! an EC2 instance.

use axum::http::StatusCode;
use serde_json::json;

use super::manifests::{app, merge};
use super::place::{Cloud, Place, tally};

fn attempt(place: &Place, field: &str) -> String {
    let path = format!("jsonpath={{.status.release.attempt.{field}}}");
    place.kubectl(&["get", "app", "acme", "-o", &path])
}

fn count(writes: &[String], call: &str) -> usize {
    writes.iter().filter(|write| *write == call).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_made_before_the_release_has_succeeded_on_ministack() {
    let place = &Place::new(Cloud::Ministack, "release-ministack", "ap-northeast-3").await;
    let mut acme = app("acme");
    merge(
        &mut acme,
        &json!({ "spec": {
            "release": { "process": "migrate", "timeout": "10m" },
            "processes": { "migrate": { "command": "./bin/migrate", "noservice": true } },
        } }),
    );
    place.proxy.take_writes();
    place.apply(&acme);
    let runs = async || (attempt(place, "phase") == "Running").then_some(());
    place.eventually("the release runs", runs).await;
    let task = attempt(place, "task");
    let describe = place.aws.ecs.describe_tasks().cluster(&place.name).tasks(&task);
    let described = describe.send().await.unwrap();
    let [found] = described.tasks() else {
        panic!("{described:?}")
    };
    assert_eq!(found.started_by(), Some(&*attempt(place, "request.token")));

    let writes = place.proxy.take_writes();
    assert_eq!(count(&writes, "RunTask"), 1, "{writes:?}");
    for call in ["CreateService", "CreateLoadBalancer", "ChangeResourceRecordSets"] {
        assert_eq!(count(&writes, call), 0, "{writes:?}");
    }
    let stop = async |task: &str| {
        let stop = place.aws.ecs.stop_task().cluster(&place.name).task(task);
        stop.send().await.unwrap();
    };
    stop(&task).await;
    place.wait("app", "acme", "condition=Stalled");
    assert_eq!(attempt(place, "phase"), "Failed");
    let told = attempt(place, "message");
    assert!(
        told.starts_with("it was stopped before its end: exit code 0"),
        "{told}"
    );
    assert_eq!(place.proxy.take_writes(), [""; 0]);

    place.kubectl(&["annotate", "app", "acme", "empire.dev/redeploy=again"]);
    place.eventually("the release runs again", runs).await;
    let second = attempt(place, "task");
    assert_ne!(task, second);
    let ended = json!({ "failures": [], "tasks": [{
        "taskArn": second, "startedBy": attempt(place, "request.token"), "startedAt": 1_764_500_000,
        "lastStatus": "STOPPED", "stopCode": "EssentialContainerExited",
        "stoppedReason": "Essential container in task exited",
        "containers": [{ "name": "migrate", "exitCode": 0, "runtimeId": "1" }],
    }] });
    place.proxy.answer("DescribeTasks", StatusCode::OK, &ended);
    stop(&second).await;
    place.wait("app", "acme", "condition=Ready");
    let writes = place.proxy.take_writes();
    assert_eq!(count(&writes, "RunTask"), 1, "{writes:?}");
    assert_eq!(count(&writes, "CreateService"), 2, "{writes:?}");
    assert_eq!(attempt(place, "phase"), "Succeeded");
    assert_eq!(attempt(place, "exitCode"), "0");

    // To scale runs none.
    merge(
        &mut acme,
        &json!({ "spec": { "processes": { "web": { "quantity": 1 } } } }),
    );
    let writes = place.converge(&acme);
    assert_eq!(tally(&writes), [("UpdateService", 1)], "{writes:?}");
    assert_eq!(place.proxy.take_needs(), [].into());
    place.delete("acme");
}
