//! Host ports under pressure: as many Apps at once as there are ports, on a real API server.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;

use super::manifests::web_app;
use super::place::{Cloud, Place};

const PORTS: i32 = 20;

#[tokio::test(flavor = "multi_thread")]
async fn apps_applied_at_once_all_get_ports_of_their_own() {
    let spec = json!({ "network": { "hostPorts": { "first": 20000, "last": 20000 + PORTS - 1 } } });
    let place = Place::with(Cloud::Ministack, "ports", "us-west-1", spec).await;
    let mut manifests = String::new();
    for number in 1..=PORTS {
        let mut app = web_app(&format!("app-{number}"));
        app["spec"]["platform"] = json!("ports");
        writeln!(manifests, "---\n{app}").unwrap();
    }
    place.try_kubectl(&["apply", "-f", "-"], &manifests).unwrap();
    place.kubectl(&["wait", "app", "--all", "--for=condition=Ready", "--timeout=120s"]);

    let all: Vec<i32> = (20000..20000 + PORTS).collect();
    assert_eq!(place.claims(), all);
    let seen = place.aws.see().await;
    let used: BTreeSet<i32> = seen
        .services
        .values()
        .filter_map(|service| service.host_port)
        .collect();
    assert_eq!(
        used.into_iter().collect::<Vec<_>>(),
        all,
        "what runs is what is claimed"
    );

    place.apply(&web_app("late"));
    let message = place.condition("late", "Stalled", "PortsExhausted").await;
    assert!(message.contains("20"), "{message}");
    let counts = place.kubectl(&["get", "platform", "ports", "-o", "jsonpath={.status.hostPorts}"]);
    let counts: serde_json::Value = serde_json::from_str(&counts).unwrap();
    assert_eq!(counts, json!({ "allocated": PORTS, "available": 0 }));

    let freed = seen.services["app-7_web"].host_port;
    place.delete("app-7");
    place.wait("app", "late", "condition=Ready");
    let seen = place.aws.see().await;
    assert_eq!(
        seen.services["late_web"].host_port, freed,
        "the only one there was"
    );

    place.kubectl(&["delete", "app", "--all", "--timeout=120s"]);
    assert_eq!(place.claims(), [0; 0]);
}
