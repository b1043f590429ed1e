//! Drift: changes by hand in AWS are repaired at the next resync.

use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch};

use super::aws::Seen;
use super::manifests::app;
use super::place::{Cloud, Place};

#[tokio::test(flavor = "multi_thread")]
async fn hand_changes_are_repaired_on_ministack() {
    let place = Place::new(Cloud::Ministack, "repair-ministack", "us-west-2").await;
    place.converge(&app("acme"));
    let whole = place.aws.see().await;
    scale_by_hand(&place, &whole).await;
    delete_records(&place, &whole).await;
    delete_listener(&place, &whole).await;
    delete_service(&place, &whole).await;
    delete_load_balancer(&place, &whole).await;
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}

// Not records, which moto does not let anybody make a second time, and so not the load balancer either, whose name
// there is always the same.
#[tokio::test(flavor = "multi_thread")]
async fn hand_changes_are_repaired_on_moto() {
    let place = Place::new(Cloud::Moto, "repair-moto", "us-west-2").await;
    place.converge(&app("acme"));
    let whole = place.aws.see().await;
    scale_by_hand(&place, &whole).await;
    delete_listener(&place, &whole).await;
    delete_service(&place, &whole).await;
    change_check(&place, &whole).await;
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
}

/// Until AWS is as it was, and the App says so, and no further write follows.
async fn repaired(place: &Place, whole: &Seen, what: &str) {
    place
        .eventually(what, async || (place.aws.see().await == *whole).then_some(()))
        .await;
    place.wait("app", "acme", "condition=Ready");
    place.proxy.take_writes();
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "after {what}");
}

async fn scale_by_hand(place: &Place, whole: &Seen) {
    let request = place.aws.ecs.update_service().cluster(&place.name);
    request
        .service(format!("{}_acme_web", place.name))
        .desired_count(5)
        .send()
        .await
        .unwrap();
    assert_ne!(place.aws.see().await, *whole);
    repaired(place, whole, "a hand scaled service").await;
}

async fn delete_records(place: &Place, whole: &Seen) {
    let zone = &place.aws.zones[0];
    let listed = place
        .aws
        .route53
        .list_resource_record_sets()
        .hosted_zone_id(zone)
        .send()
        .await
        .unwrap();
    let cname = listed
        .resource_record_sets()
        .iter()
        .find(|r| r.r#type().as_str() == "CNAME")
        .unwrap();
    let change = Change::builder()
        .action(ChangeAction::Delete)
        .resource_record_set(cname.clone());
    let batch = ChangeBatch::builder()
        .changes(change.build().unwrap())
        .build()
        .unwrap();
    let request = place
        .aws
        .route53
        .change_resource_record_sets()
        .hosted_zone_id(zone);
    request.change_batch(batch).send().await.unwrap();
    repaired(place, whole, "a deleted record").await;
}

async fn delete_listener(place: &Place, whole: &Seen) {
    let elbv2 = &place.aws.elbv2;
    let balancers = place.aws.load_balancers().await;
    let arn = balancers[0].load_balancer_arn().unwrap();
    let listeners = elbv2
        .describe_listeners()
        .load_balancer_arn(arn)
        .send()
        .await
        .unwrap();
    let listener = listeners.listeners()[0].listener_arn().unwrap();
    elbv2
        .delete_listener()
        .listener_arn(listener)
        .send()
        .await
        .unwrap();
    repaired(place, whole, "a deleted listener").await;
}

async fn delete_service(place: &Place, whole: &Seen) {
    let service = format!("{}_acme_worker", place.name);
    let request = place
        .aws
        .ecs
        .delete_service()
        .cluster(&place.name)
        .service(service);
    request.force(true).send().await.unwrap();
    repaired(place, whole, "a deleted service").await;
}

async fn delete_load_balancer(place: &Place, whole: &Seen) {
    let balancers = place.aws.load_balancers().await;
    let arn = balancers[0].load_balancer_arn().unwrap();
    place
        .aws
        .elbv2
        .delete_load_balancer()
        .load_balancer_arn(arn)
        .send()
        .await
        .unwrap();
    repaired(place, whole, "a deleted load balancer").await;
}

async fn change_check(place: &Place, whole: &Seen) {
    let groups = place.aws.elbv2.describe_target_groups().send().await.unwrap();
    let arn = groups.target_groups()[0].target_group_arn().unwrap();
    let request = place.aws.elbv2.modify_target_group().target_group_arn(arn);
    request.health_check_path("/by-hand").send().await.unwrap();
    assert_ne!(place.aws.see().await, *whole);
    repaired(place, whole, "a changed health check").await;
}
