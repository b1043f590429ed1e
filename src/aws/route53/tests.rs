//! Route 53's replies in AWS's own shape. A zone id with and without its prefix goes into the same path.

mod changes;

use aws_sdk_ecs::config::http::HttpResponse;

use super::record::{read_name, write_name};
use crate::aws::replay::{self, Replay};
use crate::aws::{Route53, Route53Writes};
use crate::model::class::Class;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};

const XMLNS: &str = "xmlns=\"https://route53.amazonaws.com/doc/2013-04-01/\"";
const TARGET: &str = "internal-e-acme-web-abcdef-1234567890.us-east-1.elb.amazonaws.com";

fn listed(records: &str, next: &str) -> HttpResponse {
    let truncated = !next.is_empty();
    replay::reply(
        200,
        format!(
            "<?xml version=\"1.0\"?>\n<ListResourceRecordSetsResponse {XMLNS}>\
             <ResourceRecordSets>{records}</ResourceRecordSets><IsTruncated>{truncated}</IsTruncated>\
             {next}<MaxItems>300</MaxItems></ListResourceRecordSetsResponse>"
        ),
    )
}

fn record_xml(name: &str, kind: &str, rest: &str) -> String {
    format!("<ResourceRecordSet><Name>{name}</Name><Type>{kind}</Type>{rest}</ResourceRecordSet>")
}

fn values_xml(ttl: u32, values: &[&str]) -> String {
    let between = "</Value></ResourceRecord><ResourceRecord><Value>";
    let values = values.join(between);
    format!(
        "<TTL>{ttl}</TTL><ResourceRecords><ResourceRecord><Value>{values}</Value></ResourceRecord></ResourceRecords>"
    )
}

fn alias_xml(dns_name: &str) -> String {
    format!(
        "<AliasTarget><HostedZoneId>Z35SXDOTRQ7X7K</HostedZoneId><DNSName>{dns_name}</DNSName>\
         <EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
    )
}

fn record(name: &str, kind: RecordKind, ttl: u32, values: &[&str]) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind,
        content: RecordContent::Values {
            ttl,
            values: values.iter().map(|value| (*value).into()).collect(),
        },
    }
}

fn alias(name: &str) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind: RecordKind::A,
        content: RecordContent::Alias {
            target: TARGET.into(),
            zone_id: "Z35SXDOTRQ7X7K".into(),
            evaluate_target_health: false,
        },
    }
}

async fn read(xml: &str) -> RecordSet {
    let aws = Replay::new([listed(xml, "")]);
    aws.clients.list_records("Z123").await.unwrap().unwrap().remove(0)
}

fn changed() -> HttpResponse {
    replay::reply(
        200,
        format!(
            "<ChangeResourceRecordSetsResponse {XMLNS}><ChangeInfo><Id>/change/C2682N5HXP0BZ4</Id>\
             <Status>PENDING</Status><SubmittedAt>2026-01-02T03:04:05.678Z</SubmittedAt></ChangeInfo>\
             </ChangeResourceRecordSetsResponse>"
        ),
    )
}

#[tokio::test]
async fn lists_every_page_from_where_the_last_one_ended() {
    let next = "<NextRecordName>b.example.com.</NextRecordName><NextRecordType>A</NextRecordType>\
                <NextRecordIdentifier>blue</NextRecordIdentifier>";
    let aws = Replay::new([
        listed(
            &record_xml("a.example.com.", "CNAME", &values_xml(60, &["x"])),
            next,
        ),
        listed(
            "",
            "<NextRecordName>c.example.com.</NextRecordName><NextRecordType>TXT</NextRecordType>",
        ),
        listed(
            &record_xml("c.example.com.", "TXT", &values_xml(60, &["\"y\""])),
            "",
        ),
    ]);
    let found = aws.clients.list_records("Z123").await.unwrap().unwrap();
    assert_eq!(
        found,
        [
            record("a.example.com", RecordKind::Cname, 60, &["x"]),
            record("c.example.com", RecordKind::Txt, 60, &["\"y\""]),
        ]
    );
    let lines: Vec<String> = aws.sent().into_iter().map(|sent| sent.line).collect();
    let base = "GET /2013-04-01/hostedzone/Z123/rrset?";
    assert_eq!(lines[0], format!("{base}maxitems=300"));
    assert_eq!(
        lines[1],
        format!("{base}name=b.example.com.&type=A&identifier=blue&maxitems=300")
    );
    assert_eq!(
        lines[2],
        format!("{base}name=c.example.com.&type=TXT&maxitems=300")
    );
}

#[tokio::test]
async fn a_zone_id_may_have_its_prefix_in_every_call() {
    let zone = format!(
        "<GetHostedZoneResponse {XMLNS}><HostedZone><Id>/hostedzone/Z123</Id><Name>Example.COM.</Name>\
         <CallerReference>c</CallerReference><Config><PrivateZone>true</PrivateZone></Config>\
         <ResourceRecordSetCount>2</ResourceRecordSetCount></HostedZone>\
         <VPCs><VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC></VPCs></GetHostedZoneResponse>"
    );
    for id in ["Z123", "/hostedzone/Z123"] {
        let aws = Replay::new([
            replay::reply(200, zone.clone()),
            listed("", ""),
            listed("", ""),
            changed(),
        ]);
        let create = RecordChange::Create(alias("acme.example.com"));
        assert_eq!(
            aws.clients.zone_name(id).await.unwrap().as_deref(),
            Some("example.com")
        );
        aws.clients.list_records(id).await.unwrap();
        aws.clients.list_name(id, "Acme.example.com.").await.unwrap();
        aws.clients.change_records(id, &[create]).await.unwrap();
        let lines: Vec<String> = aws.sent().into_iter().map(|sent| sent.line).collect();
        assert_eq!(
            lines,
            [
                "GET /2013-04-01/hostedzone/Z123",
                "GET /2013-04-01/hostedzone/Z123/rrset?maxitems=300",
                "GET /2013-04-01/hostedzone/Z123/rrset?name=acme.example.com.&maxitems=10",
                "POST /2013-04-01/hostedzone/Z123/rrset",
            ],
            "{id}"
        );
    }
}

#[test]
fn names_are_read_without_escapes_that_say_nothing() {
    let check = |listed: &str, expected: &str| assert_eq!(read_name(listed), expected);
    check("Acme.Example.COM.", "acme.example.com");
    check("\\052.acme.example.com.", "*.acme.example.com");
    check("\\137empire.acme.example.com.", "_empire.acme.example.com");
    // An escaped dot, backslash or space is part of a label.
    check("a\\056b.example.com.", "a\\056b.example.com");
    check("a\\134b.example.com.", "a\\134b.example.com");
    check("a\\040b.example.com.", "a\\040b.example.com");
    check("odd\\9.example.com.", "odd\\9.example.com");
    check("end\\05", "end\\05");
    assert_eq!(write_name("acme.example.com"), "acme.example.com.");
}

#[tokio::test]
async fn reads_values_in_the_order_and_quoting_of_route_53() {
    let several = values_xml(300, &["\"v=spf1 -all\"", "\"a\" \"b\""]);
    let found = read(&record_xml("example.com.", "TXT", &several)).await;
    assert_eq!(
        found,
        record(
            "example.com",
            RecordKind::Txt,
            300,
            &["\"v=spf1 -all\"", "\"a\" \"b\""]
        )
    );
    let other = read(&record_xml(
        "example.com.",
        "MX",
        &values_xml(60, &["10 mail.example.com"]),
    ))
    .await;
    assert_eq!(other.kind, RecordKind::Other("MX".into()));
    let wildcard = read(&record_xml(
        "\\052.example.com.",
        "CNAME",
        &values_xml(60, &["x."]),
    ))
    .await;
    assert_eq!(wildcard.name, "*.example.com");
}

#[tokio::test]
async fn every_routing_policy_and_health_check_makes_a_record_set_foreign() {
    for policy in [
        "<SetIdentifier>blue</SetIdentifier><Weight>10</Weight>",
        "<SetIdentifier>blue</SetIdentifier><Region>us-east-1</Region>",
        "<SetIdentifier>blue</SetIdentifier><GeoLocation><CountryCode>DE</CountryCode></GeoLocation>",
        "<SetIdentifier>blue</SetIdentifier><Failover>PRIMARY</Failover>",
        "<SetIdentifier>blue</SetIdentifier><MultiValueAnswer>true</MultiValueAnswer>",
        "<HealthCheckId>abc</HealthCheckId>",
        "<TrafficPolicyInstanceId>abc</TrafficPolicyInstanceId>",
    ] {
        let host = || Some(TARGET.to_ascii_lowercase());
        for (kind, content, target) in [
            ("A", values_xml(60, &["192.0.2.1"]), None),
            ("A", alias_xml(TARGET), host()),
            ("CNAME", values_xml(60, &[TARGET]), host()),
        ] {
            let found = read(&record_xml(
                "acme.example.com.",
                kind,
                &[policy, &content].concat(),
            ))
            .await;
            assert_eq!(found.content, RecordContent::Routed { target }, "{policy}");
        }
    }
    let aws = Replay::new([]);
    let routed = RecordSet {
        content: RecordContent::Routed { target: None },
        ..alias("acme.example.com")
    };
    let error = aws
        .clients
        .change_records("Z123", &[RecordChange::Delete(routed)])
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Bug);
    assert_eq!(aws.sent().len(), 0);
}

#[tokio::test]
async fn one_name_is_listed_with_its_ownership_and_nothing_else() {
    let cname = record_xml("acme.example.com.", "CNAME", &values_xml(60, &["x"]));
    let wildcard = record_xml("\\052.acme.example.com.", "A", &values_xml(60, &["192.0.2.1"]));
    let owner = record_xml(
        "\\137empire.acme.example.com.",
        "TXT",
        &values_xml(60, &["\"o\""]),
    );
    let next = record_xml("b.acme.example.com.", "A", &values_xml(60, &["192.0.2.2"]));
    let aws = Replay::new([listed(&[cname, wildcard, owner, next].concat(), "")]);
    let found = aws.clients.list_name("Z123", "ACME.example.com").await.unwrap();
    assert_eq!(
        found,
        [
            record("acme.example.com", RecordKind::Cname, 60, &["x"]),
            record("_empire.acme.example.com", RecordKind::Txt, 60, &["\"o\""]),
        ]
    );
    assert_eq!(aws.sent().len(), 1);
}

/// Digits and hyphens sort before the underscore, so that more may lie between than one page holds.
#[tokio::test]
async fn ownership_behind_many_subdomains_takes_a_second_call() {
    let subdomains: String = (0..9)
        .map(|digit| {
            record_xml(
                &format!("{digit}.acme.example.com."),
                "A",
                &values_xml(60, &["192.0.2.1"]),
            )
        })
        .collect();
    let cname = record_xml("acme.example.com.", "CNAME", &values_xml(60, &["x"]));
    let owner = record_xml("_empire.acme.example.com.", "TXT", &values_xml(60, &["\"o\""]));
    let next =
        |name: &str| format!("<NextRecordName>{name}</NextRecordName><NextRecordType>A</NextRecordType>");
    let aws = Replay::new([
        listed(
            &[cname.clone(), subdomains].concat(),
            &next("9.acme.example.com."),
        ),
        listed(&owner, &next("zeta.example.com.")),
    ]);
    let found = aws.clients.list_name("Z123", "acme.example.com").await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(
        aws.sent()[1].line,
        "GET /2013-04-01/hostedzone/Z123/rrset?name=_empire.acme.example.com.&maxitems=10"
    );

    let aws = Replay::new([listed(&cname, &next("beta.example.com."))]);
    let found = aws.clients.list_name("Z123", "acme.example.com").await.unwrap();
    assert_eq!(
        found.len(),
        1,
        "what follows is another name's, so there is no ownership"
    );
}

fn no_zone() -> HttpResponse {
    replay::xml_error(404, "NoSuchHostedZone", "No hosted zone found with ID: Z123")
}

#[tokio::test]
async fn a_zone_that_is_not_there() {
    let aws = Replay::new([no_zone(), no_zone(), no_zone()]);
    assert_eq!(aws.clients.zone_name("Z123").await.unwrap(), None);
    assert_eq!(aws.clients.list_records("Z123").await.unwrap(), None);
    let error = aws
        .clients
        .list_name("Z123", "acme.example.com")
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Denied);
}
