//! Two Apps that want one name: the first keeps it, the second says so, and gets it when the first lets go.

use serde_json::json;

use super::manifests::{merge, web_app};
use super::place::{Cloud, Place};

// moto would let both have it: a CREATE of a name that is taken makes a second record set there.
#[tokio::test(flavor = "multi_thread")]
async fn a_name_stays_with_the_first_and_then_goes_to_the_second() {
    let place = Place::new(Cloud::Ministack, "names", "us-east-2").await;
    let shop = format!("shop.internal.{}", place.zone);
    let wanting = |app: &str| {
        let mut app = web_app(app);
        let hostnames = json!({ "spec": { "processes": { "web": { "expose": { "hostnames": [shop] } } } } });
        merge(&mut app, &hostnames);
        app
    };
    place.converge(&wanting("first"));
    let of_first = target(&place, &shop).await;

    place.apply(&wanting("second"));
    let message = place.condition("second", "Stalled", "Conflict").await;
    assert!(
        message.contains(&shop) && message.contains("names/first"),
        "{message}"
    );
    assert_eq!(target(&place, &shop).await, of_first);
    // One name that is taken keeps nobody from serving under the others.
    let own = format!("second.internal.{}", place.zone);
    assert!(target(&place, &own).await.is_some());

    place.delete("first");
    place.wait("app", "second", "condition=Ready");
    let of_second = target(&place, &shop).await;
    assert!(of_second.is_some() && of_second != of_first, "{of_second:?}");
}

/// Nobody's record: there before we were, without an ownership record.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_nobody_is_left_alone() {
    let place = Place::new(Cloud::Ministack, "foreign", "ap-south-1").await;
    let name = format!("acme.internal.{}", place.zone);
    foreign_record(&place, &name).await;
    place.apply(&web_app("acme"));
    let message = place.condition("acme", "Stalled", "Conflict").await;
    assert!(message.contains(&name), "{message}");
    place.delete("acme");
    let left = place.aws.records().await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(
        target(&place, &name).await.as_deref(),
        Some("elsewhere.example.net")
    );
}

async fn foreign_record(place: &Place, name: &str) {
    use aws_sdk_route53::types::{
        Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType,
    };
    let record = ResourceRecord::builder()
        .value("elsewhere.example.net")
        .build()
        .unwrap();
    let set = ResourceRecordSet::builder()
        .name(name)
        .r#type(RrType::Cname)
        .ttl(60)
        .resource_records(record);
    let change = Change::builder()
        .action(ChangeAction::Create)
        .resource_record_set(set.build().unwrap());
    let batch = ChangeBatch::builder()
        .changes(change.build().unwrap())
        .build()
        .unwrap();
    let request = place
        .aws
        .route53
        .change_resource_record_sets()
        .hosted_zone_id(&place.aws.zones[0]);
    request.change_batch(batch).send().await.unwrap();
}

/// Where a CNAME leads.
async fn target(place: &Place, name: &str) -> Option<String> {
    let records = place.aws.records().await;
    let record = records
        .iter()
        .find(|record| record.name().trim_end_matches('.') == name)?;
    Some(record.resource_records().first()?.value().to_owned())
}
