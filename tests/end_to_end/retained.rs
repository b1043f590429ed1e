//! Apps that leave behind what they have, and take it over again.

use aws_sdk_ecs::types::{ContainerDefinition, LaunchType, Tag};
use serde_json::json;

use super::aws::Seen;
use super::manifests::{app, merge};
use super::place::{Cloud, Place, tally};

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_left_behind_is_taken_over_as_it_was_on_ministack() {
    leave_and_take_over(&Place::new(Cloud::Ministack, "left-ministack", "ap-east-1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_app_left_behind_is_taken_over_as_it_was_on_moto() {
    let spec = json!({ "network": { "hostPorts": { "first": 9000, "last": 9100 } } });
    leave_and_take_over(&Place::with(Cloud::Moto, "left-moto", "eu-north-1", spec).await).await;
}

async fn leave_and_take_over(place: &Place) {
    let mut acme = app("acme");
    merge(&mut acme, &json!({ "spec": { "deletionPolicy": "Retain" } }));
    place.converge(&acme);
    let (before, ports) = (place.aws.see().await, place.claims());
    let let_go = [
        ("ChangeResourceRecordSets", 2),
        ("RemoveTags", 1),
        ("UntagResource", 2),
    ];

    let writes = place.delete("acme");
    assert_eq!(tally(&writes), let_go, "{writes:?}");
    let left = place.aws.see().await;
    assert_eq!(
        left,
        Seen {
            ownership_records: 0,
            ..before.clone()
        }
    );
    for service in place.aws.services().await {
        let arn = service.service_arn().unwrap();
        let tags = place.aws.ecs.list_tags_for_resource().resource_arn(arn);
        let tags = tags.send().await.unwrap();
        let mut keys: Vec<&str> = tags.tags().iter().filter_map(|tag| tag.key()).collect();
        keys.sort_unstable();
        assert_eq!(keys, ["cost-center", "empire.dev/app", "empire.dev/process"]);
    }
    assert_eq!(place.claims(), ports);
    // Of its Platform: another test's may be retained meanwhile.
    let retained = format!(
        "jsonpath={{.items[?(@.spec.platform==\"{}\")].spec.retained}}",
        place.name
    );
    let retained = || place.kubectl(&["get", "portallocations", "-o", &retained]);
    assert_eq!(retained().contains("true"), place.has_host_ports());

    place.apply(&acme);
    let message = place.condition("acme", "Stalled", "Conflict").await;
    assert!(message.contains("empire.dev/adopt"), "{message}");
    let whose = format!("(App {}/acme has left it behind)", place.name);
    assert!(message.contains(&whose), "{message}");
    place.proxy.take_writes();
    place.kubectl(&["annotate", "app", "acme", "empire.dev/adopt=true"]);
    place.wait("app", "acme", "condition=Ready");
    let writes = place.proxy.take_writes();
    let taken_over = [
        ("AddTags", 1),
        ("ChangeResourceRecordSets", 2),
        ("TagResource", 2),
    ];
    assert_eq!(tally(&writes), taken_over, "{writes:?}");
    assert_eq!(place.proxy.take_needs(), ["adopt".to_owned()].into());
    assert_eq!(place.aws.see().await, before);
    assert_eq!(place.claims(), ports);
    assert!(!retained().contains("true"));

    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");
    place.kubectl(&[
        "patch",
        "app",
        "acme",
        "--type=merge",
        "-p",
        "{\"spec\":{\"deletionPolicy\":\"Delete\"}}",
    ]);
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
    assert_eq!(place.claims(), [0; 0]);
}

/// Makes a service as people do, without a tag of ours.
async fn make_by_hand(place: &Place, name: &str) {
    let container = ContainerDefinition::builder().name("theirs");
    let container = container.image("registry.example.com/theirs:v1").memory(128);
    let registered = place.aws.ecs.register_task_definition().family("theirs");
    let registered = registered
        .container_definitions(container.build())
        .send()
        .await
        .unwrap();
    let definition = registered
        .task_definition()
        .unwrap()
        .task_definition_arn()
        .unwrap();
    let made = place
        .aws
        .ecs
        .create_service()
        .cluster(&place.aws.cluster)
        .service_name(name);
    let made = made
        .task_definition(definition)
        .desired_count(1)
        .launch_type(LaunchType::Ec2);
    made.send().await.unwrap();
}

/// The tags of the only service.
async fn tags_of_the_only_service(place: &Place) -> Vec<(String, String)> {
    let services = place.aws.services().await;
    let [service] = &services[..] else {
        panic!("{services:?}");
    };
    let tags = place.aws.ecs.list_tags_for_resource();
    let tags = tags
        .resource_arn(service.service_arn().unwrap())
        .send()
        .await
        .unwrap();
    let pair = |tag: &Tag| (tag.key().unwrap().to_owned(), tag.value().unwrap().to_owned());
    let mut tags: Vec<_> = tags.tags().iter().map(pair).collect();
    tags.sort();
    tags
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_made_stays_when_its_app_goes_on_moto() {
    let place = Place::new(Cloud::Moto, "adopted-moto", "me-central-1").await;
    make_by_hand(&place, "adopted-moto_acme_worker").await;
    let mut acme = app("acme");
    let adopt = json!({ "metadata": { "annotations": { "empire.dev/adopt": "true" } } });
    merge(&mut acme, &adopt);
    let writes = place.converge(&acme);
    assert_eq!(
        tally(&writes).iter().find(|(call, _)| *call == "TagResource"),
        Some(&("TagResource", 1))
    );
    assert_eq!(place.proxy.take_needs(), ["adopt".to_owned()].into());
    assert_eq!(place.aws.see().await.services.len(), 2);

    // What the App made goes.
    let writes = place.delete("acme");
    let left = [
        ("ChangeResourceRecordSets", 2),
        ("DeleteLoadBalancer", 1),
        ("DeleteService", 1),
        ("DeleteTargetGroup", 1),
        ("UntagResource", 1),
    ];
    assert_eq!(tally(&writes), left, "{writes:?}");
    let tags = tags_of_the_only_service(&place).await;
    let app = format!("{}/acme", place.name);
    for expected in [("empire.dev/adopted", "true"), ("empire.dev/app", &app)] {
        assert!(tags.contains(&(expected.0.into(), expected.1.into())), "{tags:?}");
    }
    assert!(!tags.iter().any(|(key, _)| key == "empire.dev/owner"), "{tags:?}");

    // It is taken again, and goes where the App says so.
    merge(&mut acme, &json!({ "spec": { "deletionPolicy": "Delete" } }));
    place.converge(&acme);
    assert_eq!(place.proxy.take_needs(), ["adopt".to_owned()].into());
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_whose_platform_is_gone_may_go_if_it_leaves_everything_behind() {
    let place = Place::new(Cloud::Ministack, "left-alone", "me-central-1").await;
    let mut acme = app("acme");
    merge(
        &mut acme,
        &json!({ "spec": { "deletionPolicy": "Retain", "suspend": true } }),
    );
    place.converge(&{
        let mut running = acme.clone();
        merge(&mut running, &json!({ "spec": { "suspend": false } }));
        running
    });
    place.apply(&acme);
    let before = place.aws.see().await;
    // By force: it is held as long as an App is here.
    place.kubectl(&["delete", "platform", &place.name, "--wait=false"]);
    place.kubectl(&[
        "patch",
        "platform",
        &place.name,
        "--type=merge",
        "-p",
        "{\"metadata\":{\"finalizers\":null}}",
    ]);
    place.condition("acme", "Reconciling", "PlatformNotFound").await;
    assert_eq!(place.delete("acme"), [""; 0], "not a call");
    assert_eq!(place.aws.see().await, before);
    let events = place.kubectl(&["get", "events", "-o", "jsonpath={.items[*].message}"]);
    assert!(events.contains("its Platform is gone"), "{events}");
}
