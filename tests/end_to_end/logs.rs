//! Log groups of Apps, in the emulator: made by the binary under its role, and what `logs` prints of what was put into them by
//! hand, since no task runs there.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use aws_sdk_cloudwatchlogs::types::InputLogEvent;
use jiff::Timestamp;
use serde_json::json;

use super::manifests::app;
use super::place::{Cloud, Place};
use super::plugin::printed;

const TASKS: [&str; 2] = ["worker/worker/0123456789abcdef", "worker/worker/fedcba9876543210"];

fn logs(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_empire-controller"));
    command
        .args(["logs", "acme", "--namespace", &place.name])
        .args(arguments)
        .env("KUBECONFIG", &place.kubectl.kubeconfig)
        .env("AWS_ENDPOINT_URL", &place.endpoint)
        .env("AWS_ACCESS_KEY_ID", "testing")
        .env("AWS_SECRET_ACCESS_KEY", "testing");
    command
}

/// A line of a task, so many seconds ago.
async fn put(place: &Place, group: &str, stream: &str, ago: i64, message: &str) {
    let event = InputLogEvent::builder()
        .timestamp(Timestamp::now().as_millisecond() - 1_000 * ago)
        .message(message)
        .build()
        .unwrap();
    let put = place.aws.logs.put_log_events();
    let put = put
        .log_group_name(group)
        .log_stream_name(stream)
        .log_events(event);
    put.send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_made_for_an_app_read_by_time_and_stays_on_moto() {
    let logging = json!({ "driver": "awslogs", "group": "PerApp", "retentionDays": 30 });
    let spec = json!({ "tasks": { "logging": logging } });
    let place = &Place::with(Cloud::Moto, "logs-moto", "il-central-1", spec).await;
    let group = &format!("/empire/{0}/{0}/acme", place.name);
    let writes = place.converge(&app("acme"));
    let at = |call| writes.iter().position(|write| write == call).unwrap();
    assert!(at("CreateLogGroup") < at("RegisterTaskDefinition"), "{writes:?}");
    assert_eq!(place.proxy.take_needs(), ["logs".to_owned()].into());
    let find = async || {
        let found = place.aws.logs.describe_log_groups().log_group_name_prefix(group);
        found.send().await.unwrap().log_groups().to_vec()
    };
    let found = find().await;
    let [made] = &*found else { panic!("{found:?}") };
    assert_eq!(made.retention_in_days(), Some(30));
    let arn = made.arn().unwrap().trim_end_matches(":*");
    let tags = place.aws.logs.list_tags_for_resource().resource_arn(arn);
    let tags = tags.send().await.unwrap();
    assert_eq!(
        tags.tags().unwrap()["empire.dev/app"],
        format!("{}/acme", place.name)
    );

    let other = &"proxy/proxy/0123456789abcdef";
    for stream in TASKS.iter().chain([other]) {
        let wanted = place.aws.logs.create_log_stream();
        let wanted = wanted.log_group_name(group).log_stream_name(*stream);
        wanted.send().await.unwrap();
    }
    for (stream, ago, message) in [
        (TASKS[0], 40, "first"),
        (TASKS[1], 30, "second"),
        (TASKS[0], 20, "third\n  of two lines"),
        (other, 10, "of another container"),
    ] {
        put(place, group, stream, ago, message).await;
    }
    let (status, text, complaint) = printed(logs(place, &["worker"]));
    assert_eq!(
        text,
        "worker/01234567 first\nworker/fedcba98 second\nworker/01234567 third\nworker/01234567   of two lines\n",
        "{complaint}"
    );
    assert_eq!(status, 0);
    let (_, text, _) = printed(logs(place, &["worker", "--tail", "1", "-o", "json"]));
    assert!(text.contains("\"message\":\"third\\n  of two lines\""), "{text}");
    let (_, text, _) = printed(logs(place, &["worker", "--since", "1s"]));
    assert_eq!(text, "");

    let mut following = logs(place, &["worker", "--follow", "--since", "9s"]);
    let mut following = following.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(following.stdout.take().unwrap()).lines();
    put(place, group, TASKS[1], 0, "fourth").await;
    assert_eq!(lines.next().unwrap().unwrap(), "worker/fedcba98 fourth");
    following.kill().unwrap();
    following.wait().unwrap();

    place.delete("acme");
    assert_eq!(find().await.len(), 1);
    place.proxy.take_needs();
}
