//! Two Apps that want one name: the first keeps it, the second says so, and gets it when the first lets go.

use serde_json::{Value, json};

use super::aws::Seen;
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

/// The role needs more for it than for any other name, and for nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_may_have_the_name_of_a_zone_itself() {
    let spec = json!({ "dns": { "recordType": "Alias" } });
    let place = Place::with(Cloud::Ministack, "apex", "eu-south-2", spec).await;
    place.converge(&web_app("acme"));
    assert_eq!(place.proxy.take_needs(), [].into());
    let zone = format!("internal.{}", place.zone);
    let mut acme = web_app("acme");
    let hostnames = json!({ "spec": { "processes": { "web": { "expose": { "hostnames": [zone] } } } } });
    merge(&mut acme, &hostnames);
    place.converge(&acme);
    let names = place.aws.see().await.names;
    assert!(names.contains(&zone), "{names:?}");
    assert_eq!(place.proxy.take_needs(), ["zone-names".to_owned()].into());

    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
    assert_eq!(place.proxy.take_needs(), ["zone-names".to_owned()].into());
}

/// A record without an ownership record, which was there before we were.
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

/// TTL, record type and tags are the Platform's, and reach the Apps that run there.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_platform_reaches_its_apps() {
    let place = Place::new(Cloud::Ministack, "changed", "ap-northeast-1").await;
    place.converge(&web_app("acme"));
    let edit = |spec: Value| {
        place.proxy.take_writes();
        let patch = json!({ "spec": spec }).to_string();
        place.kubectl(&["patch", "platform", "changed", "--type=merge", "--patch", &patch]);
    };
    let kinds = async || {
        let records = place.aws.records().await;
        let pointers = records.iter().filter(|r| !r.name().starts_with("_empire."));
        let mut kinds: Vec<_> = pointers
            .map(|r| (r.r#type().as_str().to_owned(), r.ttl()))
            .collect();
        kinds.dedup();
        kinds
    };

    edit(json!({ "dns": { "ttlSeconds": 7 } }));
    place
        .eventually("all names have the new TTL", async || {
            (kinds().await == [("CNAME".to_owned(), Some(7))]).then_some(())
        })
        .await;
    edit(json!({ "dns": { "recordType": "Alias" } }));
    place
        .eventually("all names are aliases", async || {
            (kinds().await == [("A".to_owned(), None)]).then_some(())
        })
        .await;
    edit(json!({ "tags": { "cost-center": "43" } }));
    let mut writes = Vec::new();
    place
        .eventually("service, load balancer and target group are tagged", async || {
            writes.extend(place.proxy.take_writes());
            (writes.len() >= 2).then_some(())
        })
        .await;
    place.looked_at_again().await;
    writes.extend(place.proxy.take_writes());
    writes.sort();
    assert_eq!(writes, ["AddTags", "TagResource"]);
    place.delete("acme");
    assert_eq!(place.aws.see().await, Seen::default());
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
