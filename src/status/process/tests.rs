//! The status of each process, as `kubectl get` and `kubectl describe` show it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{all, complete, url};
use crate::api::app::{App, HostPortStatus, ProcessStatus, Retiring, RolloutStatus};
use crate::aws::Fault;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::model::class::Class;
use crate::model::desired::Desired;
use crate::model::state::{Observed, Rollout};
use crate::plan::Pending;
use crate::plan::fixtures::world::{elapse, finish, pass, service_of};
use crate::plan::fixtures::{claim, nothing, owner_of, settled};
use crate::reconcile::Outcome;
use crate::status::tests::{at, aws_error, change_of, failure, outcome, wanted};

fn two() -> App {
    app(json!({
        "web": { "command": "run", "quantity": 2, "expose": { "external": true } },
        "worker": { "command": "run", "quantity": 3 },
    }))
}

fn statuses(app: &App, desired: &Desired, world: Observed) -> Vec<ProcessStatus> {
    all(app, desired, &outcome(desired, world), &[], at(0))
}

/// Returns web's status in a pass over [`two`], after a change.
fn web_after(change: impl FnOnce(&mut Outcome)) -> ProcessStatus {
    let app = two();
    let desired = wanted(&app);
    let mut outcome = outcome(&desired, settled(&desired));
    change(&mut outcome);
    all(&app, &desired, &outcome, &[], at(0)).remove(0)
}

#[test]
fn a_process_shows_what_it_has() {
    let app = two();
    let desired = wanted(&app);
    let mut world = settled(&desired);
    world.ports.claims.push(claim(9002, &owner(), "web", 8080));
    let service = service_of(&mut world, "worker");
    (service.running, service.pending) = (1, 2);
    let balancer = world.load_balancers.values().next().unwrap().clone();
    let [web, worker] = statuses(&app, &desired, world).try_into().unwrap();
    assert_eq!(
        (web.name.as_str(), web.desired, web.running, web.pending),
        ("web", 2, 2, 0)
    );
    assert_eq!(web.rollout, Some(RolloutStatus::Completed));
    assert_eq!(
        web.task_definition.as_deref(),
        Some("arn:definition/shop_acme_web:1")
    );
    assert_eq!(web.load_balancer, Some(balancer.name));
    assert_eq!(web.load_balancer_dns_name, Some(balancer.dns_name));
    assert_eq!(
        web.host_ports,
        [HostPortStatus {
            container_port: 8080,
            host_port: 9002
        }]
    );
    assert_eq!((&web.message, web.retiring.len()), (&None, 0));
    assert_eq!(
        (
            worker.name.as_str(),
            worker.desired,
            worker.running,
            worker.pending
        ),
        ("worker", 3, 1, 2)
    );
    assert_eq!(
        (
            worker.load_balancer,
            worker.hostnames.len(),
            worker.host_ports.len()
        ),
        (None, 0, 0)
    );
}

#[test]
fn a_process_that_has_nothing_yet_is_listed() {
    let app = two();
    let desired = wanted(&app);
    let [web, worker] = statuses(&app, &desired, nothing()).try_into().unwrap();
    assert_eq!((web.rollout, web.load_balancer, web.desired), (None, None, 0));
    assert_eq!(worker.rollout, None);
}

#[test]
fn a_process_that_is_removed_stays_listed_until_nothing_of_it_is_left() {
    let without = app(json!({ "worker": { "command": "run", "quantity": 3 } }));
    let desired = wanted(&without);
    let mut world = settled(&wanted(&two()));
    world.ports.claims.push(claim(9002, &owner(), "web", 8080));
    let listed = |world: &Observed| {
        let all = statuses(&without, &desired, world.clone());
        all.into_iter().map(|process| process.name).collect::<Vec<_>>()
    };
    assert_eq!(listed(&world), ["web", "worker"]);
    world.services.remove("shop_acme_web");
    assert_eq!(listed(&world), ["web", "worker"]);
    world.load_balancers.clear();
    assert_eq!(listed(&world), ["web", "worker"]);
    world.target_groups.clear();
    assert_eq!(listed(&world), ["web", "worker"]);
    world.ports.claims.clear();
    assert_eq!(listed(&world), ["worker"]);
}

#[test]
fn what_is_not_ours_is_not_shown() {
    let app = two();
    let desired = wanted(&app);
    let mut world = settled(&desired);
    let stranger = owner_of("installation-2", "shop", "acme").tags("web");
    service_of(&mut world, "web").tags = stranger.clone();
    world
        .load_balancers
        .values_mut()
        .for_each(|l| l.tags = stranger.clone());
    world.zones.values_mut().for_each(|zone| zone.records.clear());
    let web = statuses(&app, &desired, world).remove(0);
    assert_eq!(
        (web.task_definition, web.load_balancer, web.load_balancer_dns_name),
        (None, None, None)
    );
}

#[test]
fn a_rollout_is_complete_when_it_is_alone_and_complete() {
    let rollout = |change: fn(&mut crate::model::state::ServiceState)| {
        web_after(|outcome| change(service_of(&mut outcome.observed, "web"))).rollout
    };
    assert_eq!(rollout(|_| {}), Some(RolloutStatus::Completed));
    assert_eq!(
        rollout(|s| s.deployments[0].rollout = Rollout::InProgress),
        Some(RolloutStatus::InProgress)
    );
    assert_eq!(
        rollout(|s| s.deployments[0].rollout = Rollout::Failed),
        Some(RolloutStatus::Failed)
    );
    assert_eq!(
        rollout(|s| s.deployments.clear()),
        Some(RolloutStatus::InProgress)
    );
    assert_eq!(
        rollout(|s| {
            let mut old = s.deployments[0].clone();
            old.primary = false;
            s.deployments.push(old);
        }),
        Some(RolloutStatus::InProgress)
    );
}

#[test]
fn the_message_is_everything_that_is_wrong_with_this_process() {
    let web = web_after(|outcome| {
        let service = service_of(&mut outcome.observed, "web");
        service.deployments[0].rollout = Rollout::InProgress;
        service.newest_event = Some("no instance has room".into());
        let rollout = |process: &str| Pending::Rollout {
            process: process.into(),
            service: format!("s-{process}"),
        };
        outcome.plan.pending.extend([rollout("web"), rollout("worker")]);
        outcome
            .failures
            .push((change_of("web"), failure("Failed", Class::Refused)));
        outcome
            .backing_off
            .push((change_of("web"), failure("Held", Class::Refused)));
        outcome
            .failures
            .push((change_of("worker"), failure("Worker", Class::Refused)));
        outcome
            .not_ready
            .push((change_of("web"), aws_error("Early", Fault::Pending)));
    });
    let message = web.message.unwrap();
    for part in ["s-web", "Failed", "Held", "Early", "no instance has room"] {
        assert!(message.contains(part), "{message}");
    }
    assert!(!message.contains("orker"), "{message}");
    let long = web_after(|outcome| {
        for _ in 0..50 {
            outcome
                .failures
                .push((change_of("web"), failure(&"x".repeat(60), Class::Refused)));
        }
    });
    assert!(long.message.unwrap().len() <= 1_024);
}

#[test]
fn processes_counts_the_complete_ones() {
    let desired = wanted(&two());
    let count = |change: fn(&mut Observed)| {
        let mut world = settled(&desired);
        change(&mut world);
        complete(&desired, &outcome(&desired, world))
    };
    assert_eq!(count(|_| {}), "2/2");
    assert_eq!(count(|world| service_of(world, "web").running = 1), "1/2");
    assert_eq!(count(|world| service_of(world, "web").running = 5), "2/2");
    assert_eq!(
        count(|world| service_of(world, "web").deployments[0].rollout = Rollout::InProgress),
        "1/2"
    );
    assert_eq!(count(|world| service_of(world, "worker").desired = 9), "1/2");
    assert_eq!(count(|world| service_of(world, "worker").tags.clear()), "1/2");
    assert_eq!(count(|world| world.services.clear()), "0/2");
    let none = wanted(&app(json!({})));
    assert_eq!(complete(&none, &outcome(&none, nothing())), "0/0");
}

#[track_caller]
fn check_url(processes: Value, spec: Value, expected: Option<&str>) {
    let app = app(processes);
    let desired = build(&app, &platform(spec), &owner(), &namespace())
        .unwrap()
        .desired;
    let found = url(&app, &desired, &outcome(&desired, settled(&desired)));
    assert_eq!(found.as_deref(), expected);
}

#[test]
fn the_url_is_webs_else_the_first_exposed_processs() {
    let run = |expose: Value| json!({ "command": "run", "expose": expose });
    let none = || json!({ "type": "none" });
    check_url(
        json!({ "api": run(json!({})), "web": run(json!({})) }),
        json!({}),
        Some("http://acme.corp.example"),
    );
    check_url(
        json!({ "web": run(none()), "api": run(json!({})), "beta": run(json!({})) }),
        json!({}),
        Some("http://acme-api.corp.example"),
    );
    check_url(json!({ "web": run(none()) }), json!({}), None);
    check_url(
        json!({ "web": run(json!({})) }),
        json!({ "loadBalancing": { "provider": "None" } }),
        None,
    );
}

#[test]
fn the_url_has_the_hostname_else_the_derived_name_else_the_load_balancers() {
    let web =
        |hostnames: &[&str]| json!({ "web": { "command": "run", "expose": { "hostnames": hostnames } } });
    check_url(
        web(&["shop.corp.example", "a.corp.example"]),
        json!({}),
        Some("http://shop.corp.example"),
    );
    // As it is in DNS, however it is written.
    check_url(
        web(&["Long-Name.Corp.Example."]),
        json!({}),
        Some("http://long-name.corp.example"),
    );
    check_url(web(&[]), json!({}), Some("http://acme.corp.example"));
    let app = app(web(&[]));
    let desired = build(&app, &platform(json!({ "dns": null })), &owner(), &namespace())
        .unwrap()
        .desired;
    let mut world = settled(&desired);
    let balancer = world.load_balancers.values().next().unwrap().dns_name.clone();
    let found = url(&app, &desired, &outcome(&desired, world.clone()));
    assert_eq!(found, Some(format!("http://{balancer}")));
    // A name that another App holds leads elsewhere.
    let named = wanted(&app);
    let mut taken = settled(&named);
    for zone in taken.zones.values_mut() {
        zone.records.clear();
    }
    let found = url(&app, &named, &outcome(&named, taken.clone()));
    assert_eq!(found, Some(format!("http://{balancer}")));
    assert_eq!(statuses(&app, &named, taken).remove(0).hostnames, [""; 0]);
    // Not one of somebody else.
    world.load_balancers.values_mut().for_each(|l| l.tags.clear());
    assert_eq!(url(&app, &desired, &outcome(&desired, world)), None);
    assert_eq!(url(&app, &desired, &outcome(&desired, nothing())), None);
}

#[test]
fn hostnames_are_the_chosen_ones_first() {
    let app = app(json!({ "web": { "command": "run", "expose": {
        "external": true,
        "hostnames": ["z.example.com", "A.Corp.Example."],
    } } }));
    let desired = wanted(&app);
    let web = statuses(&app, &desired, settled(&desired)).remove(0);
    assert_eq!(
        web.hostnames,
        [
            "z.example.com",
            "a.corp.example",
            "acme.example.com",
            "acme.corp.example",
            "acme-web.example.com",
            "acme-web.corp.example",
        ]
    );
}

/// The whole of a flip, with the status carried from pass to pass.
#[test]
fn a_retiring_load_balancer_is_remembered_since_when_and_with_which_ttl_until_it_is_gone() {
    let web =
        |external: bool| app(json!({ "web": { "command": "run", "expose": { "external": external } } }));
    let (internal, external) = (wanted(&web(false)), wanted(&web(true)));
    let old = internal.processes["web"]
        .load_balancing
        .as_ref()
        .unwrap()
        .load_balancer
        .name
        .clone();
    let mut world = settled(&internal);
    let mut known: Vec<ProcessStatus> = Vec::new();
    let mut look = |desired: &Desired, world: &Observed, seconds: i64| {
        known = all(
            &web(true),
            desired,
            &outcome(desired, world.clone()),
            &known,
            at(seconds),
        );
        known
            .iter()
            .flat_map(|process| process.retiring.clone())
            .collect::<Vec<_>>()
    };
    for seconds in 0..2 {
        pass(&external, &mut world);
        assert_eq!(look(&external, &world, seconds), []);
        finish(&mut world);
    }
    pass(&external, &mut world);
    world.replaced_ttl.insert(old.clone(), 90);
    let entry = |since: i64, ttl: Option<i32>| Retiring {
        load_balancer: old.clone(),
        since: Time(at(since)),
        ttl_seconds: ttl,
    };
    assert_eq!(look(&external, &world, 10), [entry(10, Some(90))]);
    // The next pass replaced nothing; the entry stays as it was.
    world.replaced_ttl.clear();
    assert_eq!(look(&external, &world, 20), [entry(10, Some(90))]);
    // A name that had come back was taken from it again: that wait is another one.
    let mut again = world.clone();
    again.replaced_ttl.insert(old.clone(), 30);
    assert_eq!(look(&external, &again, 22), [entry(22, Some(30))]);
    again.replaced_ttl.insert(old.clone(), 90);
    assert_eq!(look(&external, &again, 10), [entry(10, Some(90))]);
    // Wanted and named again: forgotten. Replaced once more: from the start.
    let mut back = world.clone();
    pass(&internal, &mut back);
    let new = &external.processes["web"]
        .load_balancing
        .as_ref()
        .unwrap()
        .load_balancer
        .name;
    let retiring = look(&internal, &back, 30);
    assert_eq!(
        retiring.iter().map(|r| &r.load_balancer).collect::<Vec<_>>(),
        [new]
    );
    pass(&external, &mut back);
    assert_eq!(look(&external, &back, 40), [entry(40, Some(60))]);
    // Detached, and then gone.
    elapse(&external, &mut world);
    pass(&external, &mut world);
    finish(&mut world);
    pass(&external, &mut world);
    assert_eq!(look(&external, &world, 50), []);
}

#[test]
fn a_lost_list_of_waits_starts_them_again() {
    let flipped =
        |external: bool| app(json!({ "web": { "command": "run", "expose": { "external": external } } }));
    let external = wanted(&flipped(true));
    let mut world = settled(&wanted(&flipped(false)));
    for _ in 0..3 {
        pass(&external, &mut world);
        finish(&mut world);
    }
    let [web] = statuses(&flipped(true), &external, world).try_into().unwrap();
    assert_eq!(
        web.retiring.iter().map(|r| r.since.clone()).collect::<Vec<_>>(),
        [Time(at(0))]
    );
}

#[test]
fn the_address_says_what_clients_speak_and_the_port_unless_that_is_plain() {
    let certified = json!(["arn:c-1"]);
    for (expose, address) in [
        (json!({}), "http://acme.corp.example"),
        (
            json!({ "type": "https", "certificateArns": certified }),
            "https://acme.corp.example",
        ),
        (
            json!({ "type": "tcp", "containerPort": 5000 }),
            "tcp://acme.corp.example:5000",
        ),
        (
            json!({ "type": "tls", "certificateArns": certified }),
            "tls://acme.corp.example:443",
        ),
        (
            json!({ "listeners": [{ "port": 8000, "protocol": "http" }] }),
            "http://acme.corp.example:8000",
        ),
        (
            json!({
                "listeners": [{ "port": 80, "protocol": "http" }, { "port": 8443, "protocol": "https" }],
                "certificateArns": certified,
            }),
            "https://acme.corp.example:8443",
        ),
    ] {
        let app = app(json!({ "web": { "command": "run", "expose": expose } }));
        let desired = wanted(&app);
        let outcome = outcome(&desired, settled(&desired));
        assert_eq!(super::url(&app, &desired, &outcome).as_deref(), Some(address));
    }
}
