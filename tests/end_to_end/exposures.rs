//! tcp and two container ports on both emulators; https on moto, which alone knows the certificates of a listener.

use std::process::Command;

use serde_json::{Value, json};

use super::manifests::app;
use super::place::{Cloud, Place, tally};
use crate::support::script::printed_by;

#[tokio::test(flavor = "multi_thread")]
async fn other_listeners_in_front_of_the_same_process_on_ministack() {
    reach(&Place::new(Cloud::Ministack, "reach-ministack", "af-south-1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_listeners_in_front_of_the_same_process_on_moto() {
    reach(&Place::new(Cloud::Moto, "reach-moto", "af-south-1").await).await;
}

fn exposed(expose: &Value) -> Value {
    let mut acme = app("acme");
    acme["spec"]["processes"]["web"]["expose"] = expose.clone();
    acme
}

fn url(place: &Place) -> String {
    place.kubectl(&["get", "app", "acme", "-o", "jsonpath={.status.url}"])
}

/// One load balancer that listens on these ports, before so many target groups.
async fn listens(place: &Place, ports: &[i32], groups: usize) {
    let what = format!("one load balancer on {ports:?}");
    place
        .eventually(&what, async || {
            let seen = place.aws.see().await;
            let one = [("internet-facing".to_owned(), ports.to_vec())];
            (seen.load_balancers == one && seen.target_groups.len() == groups).then_some(())
        })
        .await;
}

async fn reach(place: &Place) {
    let tcp = json!({ "type": "tcp", "external": true, "containerPort": 5000 });
    let writes = place.converge(&exposed(&tcp));
    let created = [
        ("ChangeResourceRecordSets", 2),
        ("CreateListener", 1),
        ("CreateLoadBalancer", 1),
        ("CreateService", 2),
        ("CreateTargetGroup", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 2),
    ];
    assert_eq!(tally(&writes), created, "{writes:?}");
    listens(place, &[5000], 1).await;
    assert_eq!(url(place), format!("tcp://acme.{}:5000", place.zone));
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");

    let listeners = json!([
        { "port": 80, "protocol": "http", "containerPort": 5000 },
        { "port": 8080, "protocol": "http", "containerPort": 5001 },
    ]);
    place.converge(&exposed(&json!({ "external": true, "listeners": listeners })));
    listens(place, &[80, 8080], 2).await;
    assert_eq!(url(place), format!("http://acme.{}", place.zone));
    place.looked_at_again().await;
    place.proxy.take_writes();
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");

    place.converge(&exposed(&json!({ "external": true, "containerPort": 5000 })));
    listens(place, &[80], 1).await;
    place.delete("acme");
}

/// In the emulator's certificate manager.
pub(crate) fn certificate(place: &Place, region: &str) -> String {
    let python = printed_by("emulators/install", &[]).join("python");
    let request = "import boto3, sys\n\
         acm = boto3.client('acm', region_name=sys.argv[2], endpoint_url=sys.argv[1], \
         aws_access_key_id='testing', aws_secret_access_key='testing')\n\
         print(acm.request_certificate(DomainName=sys.argv[3])['CertificateArn'])";
    let output = Command::new(python)
        .args(["-c", request, place.proxy.emulator(), region, &place.zone])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn https_with_a_redirect_and_certificates_on_moto() {
    let place = Place::new(Cloud::Moto, "https-moto", "eu-south-1").await;
    let certificates: Vec<String> = (0..2).map(|_| certificate(&place, "eu-south-1")).collect();
    let https = |certificates: &[String]| {
        exposed(
            &json!({ "type": "https", "external": true, "certificateArns": certificates, "idleTimeout": "2m" }),
        )
    };
    let writes = place.converge(&https(&certificates));
    let created = [
        ("AddListenerCertificates", 1),
        ("ChangeResourceRecordSets", 2),
        ("CreateListener", 2),
        ("CreateLoadBalancer", 1),
        ("CreateService", 2),
        ("CreateTargetGroup", 1),
        ("ModifyLoadBalancerAttributes", 1),
        ("ModifyTargetGroupAttributes", 1),
        ("RegisterTaskDefinition", 2),
    ];
    assert_eq!(tally(&writes), created, "{writes:?}");
    listens(&place, &[80, 443], 1).await;
    assert_eq!(url(&place), format!("https://acme.{}", place.zone));
    place.looked_at_again().await;
    assert_eq!(place.proxy.take_writes(), [""; 0], "nothing changed");

    let writes = place.converge(&https(&certificates[..1]));
    assert_eq!(tally(&writes), [("RemoveListenerCertificates", 1)], "{writes:?}");
    let writes = place.converge(&exposed(&json!({ "type": "http", "external": true })));
    let turned = [
        ("DeleteListener", 1),
        ("ModifyListener", 1),
        ("ModifyLoadBalancerAttributes", 1),
    ];
    assert_eq!(tally(&writes), turned, "{writes:?}");
    listens(&place, &[80], 1).await;
    let writes = place.converge(&https(&certificates[1..]));
    let turned = [
        ("CreateListener", 1),
        ("ModifyListener", 1),
        ("ModifyLoadBalancerAttributes", 1),
    ];
    assert_eq!(tally(&writes), turned, "{writes:?}");
    place.delete("acme");
}
