//! Several replicas: one writes to an account, and another takes over, however the first one ends. Each signs its calls with
//! a key of its own, so that it is known who made them. Times are printed; CONTRIBUTING.md says how to see them.

use std::time::{Duration, Instant};

use serde_json::json;

use super::manifests::{app, merge, web_app};
use super::place::{Cloud, Place};
use super::queue::queue;
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, install};
use crate::support::proxy::Hold;

const OWN: &str = "the controller's own account";
const QUICK: [&str; 2] = ["--resync-interval=1s", "--retire-after=1s"];

fn edited(image: &str) -> serde_json::Value {
    let mut edited = web_app("acme");
    let image = format!("registry.example.com/acme:{image}");
    merge(&mut edited, &json!({ "spec": { "image": image } }));
    edited
}

fn writes(place: &Place, of: &str) -> Vec<String> {
    place.proxy.calls_of(of).1
}

/// Waits until a replica has written more than that, and returns when.
async fn writes_more(place: &Place, of: &str, before: usize) -> Instant {
    let deadline = Instant::now() + Duration::from_secs(90);
    while writes(place, of).len() <= before {
        assert!(Instant::now() < deadline, "{of} never writes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Instant::now()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_replica_takes_over_after_a_kill_and_at_once_after_a_clean_stop() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    // With the lease duration that everybody has.
    let mut one = Controller::join_as("one", administrator, &QUICK);
    let place = Place::under(administrator, Cloud::Ministack, "failover", "eu-south-1").await;
    place.apply(&place.platform);
    place.converge(&edited("v1"));
    let mut two = Controller::join_as("two", administrator, &QUICK);
    place.looked_at_again().await;
    assert_eq!(
        place.proxy.calls_of("two"),
        (0, vec![]),
        "a standby is ready, and calls nothing"
    );
    let leases = &queue(two.address())["leases"];
    let own = leases
        .as_array()
        .unwrap()
        .iter()
        .find(|lease| lease["for"] == OWN);
    let own = own.unwrap_or_else(|| panic!("{leases}"));
    assert_eq!(own["leading"], false, "{leases}");
    assert!(own["holder"].as_str().unwrap().starts_with("one_"), "{leases}");

    let killed = Instant::now();
    one.signal("KILL");
    place.apply(&edited("v2"));
    let leads = async || {
        let leases = &queue(two.address())["leases"];
        let is_led = |lease: &serde_json::Value| lease["leading"] == true && lease["for"] == OWN;
        leases.as_array().unwrap().iter().any(is_led).then_some(())
    };
    place.eventually("two leads", leads).await;
    println!("from kill to the Lease: {:?}", killed.elapsed());
    let wrote = writes_more(&place, "two", 0).await;
    println!(
        "from kill to the first write of an edit made meanwhile: {:?}",
        wrote - killed
    );
    place.wait("app", "acme", "condition=Ready");
    one.ends();

    // A write takes its time, and the process is told to end meanwhile.
    let delay = Duration::from_secs(1);
    let _three = Controller::join_as("three", administrator, &QUICK);
    let before = writes(&place, "two").len();
    place.proxy.delay(delay);
    place.apply(&edited("v3"));
    let wrote = writes_more(&place, "two", before).await;
    two.signal("TERM");
    place.apply(&edited("v4"));
    place.proxy.delay(Duration::ZERO);
    let took = writes_more(&place, "three", 0).await;
    println!(
        "from when the write in flight had returned to the next one's first: {:?}",
        took - (wrote + delay)
    );
    two.ends();
    assert_eq!(
        writes(&place, "two").len(),
        before + 1,
        "only the write in flight is finished"
    );
    place.wait("app", "acme", "condition=Ready");
    place.looked_at_again().await;
    let seen = place.aws.see().await;
    assert_eq!(seen.services["acme_web"].image, "registry.example.com/acme:v4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_was_stopped_writes_nothing_after_another_took_over() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let flags = [&QUICK[..], &["--lease-duration=4s"]].concat();
    let mut one = Controller::join_as("one", administrator, &flags);
    let place = Place::under(administrator, Cloud::Ministack, "stopped", "ap-southeast-6").await;
    place.apply(&place.platform);
    place.converge(&edited("v1"));
    let undisturbed = place.converge(&app("undisturbed"));
    let whole = place.aws.see().await;
    place.delete("undisturbed");

    let mut two = Controller::join_as("two", administrator, &flags);
    one.signal("STOP");
    let before = writes(&place, "one");
    place.apply(&edited("v2"));
    place.wait("app", "acme", "condition=Ready");
    one.signal("CONT");
    one.ends();
    assert_eq!(writes(&place, "one"), before, "stopped before the check");
    let log = one.end_of_log();
    assert!(log.contains("was lost to two_"), "{log}");

    // Stopped with a request that the fence had let go, which reaches AWS only once another has done the same.
    let _three = Controller::join_as("three", administrator, &flags);
    let create = undisturbed
        .iter()
        .position(|write| write == "CreateService")
        .unwrap();
    place.proxy.hold(Hold {
        after: create,
        takes_effect: false,
    });
    place.apply(&app("late"));
    assert!(place.proxy.holds().await);
    two.signal("STOP");
    let before = writes(&place, "two");
    place.wait("app", "late", "condition=Ready");
    place.proxy.release();
    two.signal("CONT");
    two.ends();
    assert_eq!(writes(&place, "two"), before, "nothing but what was sent already");
    place.looked_at_again().await;
    place.wait("app", "late", "condition=Ready");
    let seen = place.aws.see().await;
    assert_eq!(seen.services.len(), whole.services.len());
    assert_eq!(seen.load_balancers, whole.load_balancers);
    assert_eq!(seen.target_groups, whole.target_groups);
    for process in ["web", "worker"] {
        let revisions = place.aws.revisions(&format!("stopped_late_{process}")).await;
        assert_eq!(revisions, 1, "{process} was registered twice");
    }
}

/// The accounts that a replica leads.
fn led(replica: &Controller) -> Vec<String> {
    let leases = queue(replica.address())["leases"].clone();
    let led = leases.as_array().unwrap().iter();
    let led = led
        .filter(|lease| lease["leading"] == true)
        .map(|lease| lease["for"].as_str().unwrap());
    led.filter(|of| of.starts_with("account "))
        .map(Into::into)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_are_shared_out_anew_while_replicas_run() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let flags = [&QUICK[..], &["--lease-duration=4s", "--rebalance-after=2s"]].concat();
    let one = Controller::join_as("one", administrator, &flags);
    let mut places = Vec::new();
    for (number, region) in ["me-south-1", "me-central-1", "sa-east-1", "mx-central-1"]
        .into_iter()
        .enumerate()
    {
        let role = format!("arn:aws:iam::{:012}:role/empire", 111_111_111_110 + number);
        let (name, app) = (format!("share-{number}"), edited("v1"));
        places.push(Place::with_app_in(administrator, Cloud::Moto, &name, region, &role, &app).await);
    }
    assert_eq!(led(&one).len(), 4);

    // Edits are under way while accounts change hands.
    let joined = Instant::now();
    let two = Controller::join_as("two", administrator, &flags);
    for place in &places {
        place.proxy.delay(Duration::from_millis(500));
        place.apply(&edited("v2"));
    }
    let is_even = async || (led(&one).len() == 2 && led(&two).len() == 2).then_some(());
    places[0].eventually("each leads two", is_even).await;
    println!(
        "from the start of another replica to equal shares: {:?}",
        joined.elapsed()
    );
    let shares = (led(&one), led(&two));
    for place in &places {
        place.wait("app", "acme", "condition=Ready");
        place.proxy.delay(Duration::ZERO);
        let seen = place.aws.see().await;
        assert_eq!(seen.services["acme_web"].image, "registry.example.com/acme:v2");
        let revisions = place.aws.revisions(&format!("{}_acme_web", place.name)).await;
        assert_eq!(revisions, 2, "{}: nothing is written twice", place.name);
    }
    for place in &places {
        place.looked_at_again().await;
        place.proxy.take_writes();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!((led(&one), led(&two)), shares, "it stays so");
    for place in &places {
        assert_eq!(place.proxy.take_writes(), Vec::<String>::new(), "{}", place.name);
        let edited_at = Instant::now();
        place.converge(&edited("v3"));
        println!(
            "{}: an edit was Ready after {:?}",
            place.name,
            edited_at.elapsed()
        );
    }
}
