//! Runs, in the emulator: ministack's tasks run until somebody stops them, and then have ended with 0; what their overrides do
//! there, nobody can see.

use serde_json::{Value, json};

use super::manifests::app;
use super::place::{Cloud, Place, tally};

fn status(place: &Place, name: &str, field: &str) -> String {
    let path = format!("jsonpath={{.status.{field}}}");
    place.kubectl(&["get", "runs.empire.dev", name, "-o", &path])
}

fn run(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "empire.dev/v1alpha1", "kind": "Run",
        "metadata": { "name": name },
        "spec": spec,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn is_started_once_stopped_when_it_is_deleted_and_when_its_time_is_over_on_ministack() {
    let place = &Place::new(Cloud::Ministack, "runs-ministack", "il-central-1").await;
    place.converge(&app("acme"));
    place.proxy.take_writes();

    let console =
        json!({ "app": "acme", "process": "worker", "command": "./bin/console", "env": { "A": "1" } });
    place.apply(&run("console", &console));
    let runs = async || (status(place, "console", "phase") == "Running").then_some(());
    place.eventually("the Run runs", runs).await;
    let task = status(place, "console", "task");
    let token = status(place, "console", "attempt.request.token");
    let describe = place.aws.ecs.describe_tasks().cluster(&place.name).tasks(&task);
    let described = describe.send().await.unwrap();
    let [found] = described.tasks() else {
        panic!("{described:?}")
    };
    assert_eq!(found.started_by(), Some(&*token));

    place.kubectl(&["delete", "runs.empire.dev", "console", "--timeout=3m"]);
    let describe = place.aws.ecs.describe_tasks().cluster(&place.name).tasks(&task);
    let described = describe.send().await.unwrap();
    assert_eq!(described.tasks()[0].last_status(), Some("STOPPED"));
    let writes = place.proxy.take_writes();
    assert_eq!(tally(&writes), [("RunTask", 1), ("StopTask", 1)], "{writes:?}");

    let mut brief = console;
    brief["timeout"] = json!("10s");
    place.apply(&run("brief", &brief));
    place.wait("runs.empire.dev", "brief", "condition=Finished");
    assert_eq!(status(place, "brief", "reason"), "DeadlineExceeded");
    place.wait("runs.empire.dev", "brief", "condition=Failed");
    let writes = place.proxy.take_writes();
    assert_eq!(tally(&writes), [("RunTask", 1), ("StopTask", 1)], "{writes:?}");

    // The App takes its Runs along.
    assert_eq!(place.proxy.take_needs(), [].into());
    place.delete("acme");
    let gone = async || {
        let left = place.kubectl(&["get", "runs.empire.dev", "-o", "name"]);
        (!left.contains("brief")).then_some(())
    };
    place.eventually("the Runs of the App are gone", gone).await;
}
