//! An edit beside a storm of another namespace. Sizes are given as Apps, processes of each, and milliseconds that AWS takes:
//! `STORM=120,100,50 cargo test --test end_to_end -- storm --nocapture` prints how long edits took to reach AWS.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::manifests::merge;
use super::place::{Cloud, Place};
use super::queue::queue;
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};

/// So slow that it does not end before the last edit, also on a machine with much else to do.
const SIZES: &str = "80,2,500";

const EDITS: usize = 5;

fn app(name: &str, processes: usize) -> Value {
    let worker = |number| (format!("worker-{number}"), json!({ "command": "./bin/worker" }));
    let processes: serde_json::Map<String, Value> = (0..processes).map(worker).collect();
    json!({
        "apiVersion": "empire.dev/v1alpha1",
        "kind": "App",
        "metadata": { "name": name },
        "spec": { "image": "registry.example.com/acme:v1", "processes": processes },
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_reaches_aws_while_a_storm_of_another_namespace_waits() {
    let sizes = std::env::var("STORM").unwrap_or_else(|_| SIZES.into());
    let sizes: Vec<usize> = sizes.split(',').map(|size| size.parse().unwrap()).collect();
    let [apps, processes, milliseconds] = sizes[..] else {
        panic!("{sizes:?}");
    };
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &["--retire-after=1s"]);
    let calm = Place::under(administrator, Cloud::Moto, "calm", "ap-southeast-5").await;
    calm.apply(&calm.platform);
    calm.converge(&app("acme", 1));
    let storm = Place::under(administrator, Cloud::Moto, "storm", "ap-southeast-7").await;
    storm.apply(&storm.platform);
    // Until it is, its Apps wait for it and not for a slot.
    storm.wait("platform", "storm", "condition=Ready");
    let delay = Duration::from_millis(milliseconds as u64);
    calm.proxy.delay(delay.min(Duration::from_millis(50)));
    storm.proxy.delay(delay);
    let of_storm = |number| {
        let mut app = app(&format!("app-{number}"), processes);
        merge(&mut app, &json!({ "spec": { "platform": "storm" } }));
        app
    };
    let items: Vec<Value> = (0..apps).map(of_storm).collect();
    storm.apply(&json!({ "apiVersion": "v1", "kind": "List", "items": items }));

    let begun = async || (waiting(&controller) > 0).then_some(());
    storm.eventually("Apps of the storm wait", begun).await;
    let mut took = Vec::new();
    // By its services: nobody may wait for a slot while some of it is pending, and comes back.
    let mut left = apps * processes;
    let mut goes_on = || {
        let writes = storm.proxy.take_writes();
        left -= writes.iter().filter(|write| *write == "CreateService").count();
        left > 0
    };
    for edit in 0..EDITS {
        assert!(goes_on(), "the storm is over after {edit} edits");
        let mut edited = app("acme", 1);
        let image = format!("registry.example.com/acme:edit-{edit}");
        merge(&mut edited, &json!({ "spec": { "image": image } }));
        calm.proxy.take_writes();
        calm.apply(&edited);
        let applied = Instant::now();
        while calm.proxy.take_writes().is_empty() {
            assert!(goes_on(), "the storm went first");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        took.push(applied.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("{apps} Apps of {processes} processes, AWS takes {delay:?}: edits reached AWS in {took:?}");
    println!("{left} of its services are left: {}", queue(controller.address()));
}

/// Returns the number of Apps that wait for a slot.
fn waiting(controller: &Controller) -> u64 {
    let queue = queue(controller.address());
    let kinds = ["edits", "deletions", "repairs", "resyncs"];
    let lengths = kinds.map(|kind| queue["apps"]["waiting"][kind]["length"].as_u64().unwrap());
    lengths.iter().sum()
}

/// At AWS's own request rates, of which registrations are the slowest: one a second, for the whole account. So all that
/// storm wait in one line, and half of them would go first if it were the order in which they came.
#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_registered_before_a_storm_that_waits_for_aws() {
    const STORM: usize = 70;
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let controller = Controller::start(administrator, &["--retire-after=1s", "--aws-rate=1"]);
    let place = Place::under(administrator, Cloud::Moto, "rationed", "me-south-1").await;
    place.apply(&place.platform);
    place.converge(&app("acme", 5));
    let items: Vec<Value> = (0..STORM)
        .map(|number| {
            let mut app = app(&format!("app-{number}"), 1);
            merge(&mut app, &json!({ "metadata": { "namespace": "storm" } }));
            merge(&mut app, &json!({ "spec": { "platform": "rationed" } }));
            app
        })
        .collect();
    administrator.run(&["create", "namespace", "storm"], "").unwrap();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    administrator
        .run(&["apply", "-f", "-"], &list.to_string())
        .unwrap();
    let line = || -> usize {
        let queue = queue(controller.address());
        let buckets = queue["aws"].as_array().unwrap().clone();
        let registrations = buckets
            .iter()
            .find(|bucket| bucket["bucket"] == "ecs/registrations");
        registrations.map_or(0, |bucket| {
            bucket["waiting"].as_u64().unwrap().try_into().unwrap()
        })
    };
    let is_long = async || (line() >= STORM / 2).then_some(());
    place.eventually("the storm waits in line", is_long).await;

    let before = line();
    let mut edited = app("acme", 5);
    merge(
        &mut edited,
        &json!({ "spec": { "image": "registry.example.com/acme:v2" } }),
    );
    let writes = place.converge(&edited);
    let registered = writes.iter().filter(|write| *write == "RegisterTaskDefinition");
    let of_storm = registered.count() - 5;
    println!(
        "{before} waited, and {of_storm} of them went first; {} wait still",
        line()
    );
    assert!(2 * of_storm < before, "{of_storm} of {before} went first");
}
