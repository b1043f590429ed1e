//! Load balancers.

use super::{BALANCER_ARN, arn, member, reply, tags};
use crate::aws::replay::{self, Replay};
use crate::aws::{Elbv2, Elbv2Writes};
use crate::model::class::Class;
use crate::model::load_balancer::{LoadBalancer, LoadBalancerAttributes, LoadBalancerKind, Scheme};
use crate::model::owner::Tags;
use crate::model::small_set::SmallSet;
use crate::model::state::{LoadBalancerState, LoadBalancerStatus};

pub(in crate::aws) fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        name: "e-acme-web-abcdef".into(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        subnets: SmallSet::from(["subnet-a".into(), "subnet-b".into()]),
        security_groups: SmallSet::from(["sg-1".into(), "sg-2".into()]),
        attributes: Some(LoadBalancerAttributes { idle_timeout: 120 }),
        tags: tags(),
    }
}

/// As reported right after its creation; zones and groups come in AWS's order.
fn load_balancer_xml(state: &str) -> String {
    format!(
        "<member><LoadBalancerArn>{BALANCER_ARN}</LoadBalancerArn><Scheme>internal</Scheme>\
         <LoadBalancerName>e-acme-web-abcdef</LoadBalancerName><VpcId>vpc-1</VpcId>\
         <CanonicalHostedZoneId>Z35SXDOTRQ7X7K</CanonicalHostedZoneId>\
         <CreatedTime>2026-01-02T03:04:05.678Z</CreatedTime>\
         <AvailabilityZones>\
         <member><SubnetId>subnet-b</SubnetId><ZoneName>us-east-1b</ZoneName><LoadBalancerAddresses/></member>\
         <member><SubnetId>subnet-a</SubnetId><ZoneName>us-east-1a</ZoneName><LoadBalancerAddresses/></member>\
         </AvailabilityZones>\
         <SecurityGroups><member>sg-2</member><member>sg-1</member></SecurityGroups>\
         <DNSName>internal-e-acme-web-abcdef-1234567890.us-east-1.elb.amazonaws.com</DNSName>\
         <State>{state}</State><Type>application</Type><IpAddressType>ipv4</IpAddressType></member>"
    )
}

fn state(status: LoadBalancerStatus) -> LoadBalancerState {
    let load_balancer = load_balancer();
    LoadBalancerState {
        name: load_balancer.name,
        arn: arn(BALANCER_ARN),
        dns_name: "internal-e-acme-web-abcdef-1234567890.us-east-1.elb.amazonaws.com".into(),
        zone_id: "Z35SXDOTRQ7X7K".into(),
        status,
        subnets: load_balancer.subnets,
        security_groups: load_balancer.security_groups,
        tags: Tags::new(),
        listeners: None,
        attributes: None,
    }
}

fn described(members: &str, marker: Option<&str>) -> String {
    let marker = marker.map(|marker| member("NextMarker", marker));
    format!(
        "<LoadBalancers>{members}</LoadBalancers>{}",
        marker.unwrap_or_default()
    )
}

#[tokio::test]
async fn lists_every_page_and_survives_the_load_balancers_of_others() {
    let network = "<member><LoadBalancerArn>arn:nlb</LoadBalancerArn><Scheme>internet-facing</Scheme>\
         <LoadBalancerName>theirs</LoadBalancerName><DNSName>theirs.example.com</DNSName><VpcId>vpc-1</VpcId>\
         <CanonicalHostedZoneId>Z26RNL4JYFTOTI</CanonicalHostedZoneId><State><Code>active</Code></State>\
         <AvailabilityZones><member><ZoneName>us-east-1a</ZoneName><LoadBalancerAddresses>\
         <member><AllocationId>eipalloc-1</AllocationId></member></LoadBalancerAddresses></member>\
         </AvailabilityZones><Type>network</Type><IpAddressType>ipv4</IpAddressType></member>";
    let gateway = "<member><LoadBalancerArn>arn:gwlb</LoadBalancerArn><LoadBalancerName>gate</LoadBalancerName>\
         <VpcId>vpc-1</VpcId><State><Code>active_impaired</Code></State><Type>gateway</Type></member>";
    let ours = load_balancer_xml("<Code>active</Code>");
    let aws = Replay::new([
        reply("DescribeLoadBalancers", &described(&ours, Some("m 1&amp;2"))),
        reply("DescribeLoadBalancers", &described(network, Some("m3"))),
        reply("DescribeLoadBalancers", &described(gateway, None)),
    ]);
    let found = aws.clients.describe_load_balancers().await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0], state(LoadBalancerStatus::Active));
    assert_eq!(found[1].dns_name, "theirs.example.com");
    assert_eq!((found[2].dns_name.as_str(), found[2].zone_id.as_str()), ("", ""));
    let sent: Vec<Vec<String>> = aws.sent().iter().map(replay::Sent::form).collect();
    assert_eq!(sent[0], ["Action=DescribeLoadBalancers", "PageSize=200"]);
    assert_eq!(
        sent[1],
        ["Action=DescribeLoadBalancers", "Marker=m 1&2", "PageSize=200"]
    );
    assert_eq!(
        sent[2],
        ["Action=DescribeLoadBalancers", "Marker=m3", "PageSize=200"]
    );
}

#[tokio::test]
async fn every_state_of_a_load_balancer() {
    let check = async |xml: &str, expected: LoadBalancerStatus| {
        let members = described(&load_balancer_xml(xml), None);
        let aws = Replay::new([reply("DescribeLoadBalancers", &members)]);
        let found = aws.clients.describe_load_balancers().await.unwrap();
        assert_eq!(found, [state(expected)], "{xml}");
    };
    check("<Code>provisioning</Code>", LoadBalancerStatus::Provisioning).await;
    check("<Code>active</Code>", LoadBalancerStatus::Active).await;
    check("<Code>active_impaired</Code>", LoadBalancerStatus::Active).await;
    check(
        "<Code>failed</Code><Reason>why</Reason>",
        LoadBalancerStatus::Failed("why".into()),
    )
    .await;
    check(
        "<Code>failed</Code>",
        LoadBalancerStatus::Failed("AWS gave no reason".into()),
    )
    .await;
    check("<Code>something_new</Code>", LoadBalancerStatus::Provisioning).await;
}

#[tokio::test]
async fn asks_for_one_name_a_call_and_leaves_out_what_is_missing() {
    let ours = described(&load_balancer_xml("<Code>active</Code>"), None);
    let aws = Replay::new([
        replay::xml_error(
            400,
            "LoadBalancerNotFound",
            "One or more load balancers not found",
        ),
        reply("DescribeLoadBalancers", &ours),
    ]);
    let names = ["e-gone".into(), "e-acme-web-abcdef".into()];
    let found = aws.clients.describe_load_balancers_named(&names).await.unwrap();
    assert_eq!(found, [state(LoadBalancerStatus::Active)]);
    let sent = aws.sent();
    assert_eq!(
        sent[0].form(),
        ["Action=DescribeLoadBalancers", "Names.member.1=e-gone"]
    );
    assert_eq!(sent[1].form()[1], "Names.member.1=e-acme-web-abcdef");
}

#[tokio::test]
async fn creates_a_load_balancer_with_tags_in_one_call() {
    let created = described(&load_balancer_xml("<Code>provisioning</Code>"), None);
    let aws = Replay::new([reply("CreateLoadBalancer", &created)]);
    let found = aws.clients.create_load_balancer(&load_balancer()).await.unwrap();
    assert_eq!(
        found,
        LoadBalancerState {
            tags: tags(),
            listeners: Some(Vec::new()),
            attributes: Some(LoadBalancerAttributes::AS_CREATED),
            ..state(LoadBalancerStatus::Provisioning)
        }
    );
    assert_eq!(
        aws.only().form(),
        [
            "Action=CreateLoadBalancer",
            "Name=e-acme-web-abcdef",
            "Subnets.member.1=subnet-a",
            "Subnets.member.2=subnet-b",
            "SecurityGroups.member.1=sg-1",
            "SecurityGroups.member.2=sg-2",
            "Scheme=internal",
            "Tags.member.1.Key=cost-center",
            "Tags.member.1.Value=42",
            "Tags.member.2.Key=empire.dev/app",
            "Tags.member.2.Value=shop/acme",
            "Type=application",
        ]
    );
}

/// AWS then takes the VPC's default group; an empty list would be refused.
#[tokio::test]
async fn without_security_groups_none_are_named() {
    let created = described(&load_balancer_xml("<Code>provisioning</Code>"), None);
    let aws = Replay::new([reply("CreateLoadBalancer", &created)]);
    let bare = LoadBalancer {
        scheme: Scheme::InternetFacing,
        security_groups: SmallSet::new(),
        tags: Tags::new(),
        ..load_balancer()
    };
    aws.clients.create_load_balancer(&bare).await.unwrap();
    assert_eq!(
        aws.only().form(),
        [
            "Action=CreateLoadBalancer",
            "Name=e-acme-web-abcdef",
            "Subnets.member.1=subnet-a",
            "Subnets.member.2=subnet-b",
            "Scheme=internet-facing",
            "Type=application",
        ]
    );
}

#[tokio::test]
async fn a_create_without_a_load_balancer_in_its_reply_is_a_bug() {
    let nameless = "<member><LoadBalancerArn>arn:x</LoadBalancerArn></member>";
    for members in ["", nameless] {
        let aws = Replay::new([reply("CreateLoadBalancer", &described(members, None))]);
        let error = aws
            .clients
            .create_load_balancer(&load_balancer())
            .await
            .unwrap_err();
        assert_eq!(error.class(), Class::Bug);
    }
}

#[tokio::test]
async fn sets_subnets_and_security_groups() {
    let aws = Replay::new([reply("SetSubnets", ""), reply("SetSecurityGroups", "")]);
    let balancer = arn(BALANCER_ARN);
    aws.clients
        .set_subnets(&balancer, &["subnet-c".into(), "subnet-d".into()])
        .await
        .unwrap();
    aws.clients
        .set_security_groups(&balancer, &["sg-3".into()])
        .await
        .unwrap();
    let sent = aws.sent();
    let named = format!("LoadBalancerArn={BALANCER_ARN}");
    assert_eq!(
        sent[0].form(),
        [
            "Action=SetSubnets",
            &named,
            "Subnets.member.1=subnet-c",
            "Subnets.member.2=subnet-d"
        ]
    );
    assert_eq!(
        sent[1].form(),
        ["Action=SetSecurityGroups", &named, "SecurityGroups.member.1=sg-3"]
    );
}

#[tokio::test]
async fn deletes_a_load_balancer_that_may_be_gone_but_never_lifts_its_protection() {
    let aws = Replay::new([
        reply("DeleteLoadBalancer", ""),
        replay::xml_error(400, "LoadBalancerNotFound", "gone"),
        replay::xml_error(400, "OperationNotPermitted", "deletion protection is enabled"),
    ]);
    let balancer = arn(BALANCER_ARN);
    aws.clients.delete_load_balancer(&balancer).await.unwrap();
    aws.clients.delete_load_balancer(&balancer).await.unwrap();
    let error = aws.clients.delete_load_balancer(&balancer).await.unwrap_err();
    assert_eq!(error.class(), Class::Denied);
    assert_eq!(
        error.to_string(),
        "elasticloadbalancing:DeleteLoadBalancer: OperationNotPermitted: deletion protection is enabled"
    );
    let sent = aws.sent();
    assert_eq!(sent.len(), 3);
    let named = format!("LoadBalancerArn={BALANCER_ARN}");
    assert_eq!(sent[0].form(), ["Action=DeleteLoadBalancer", &named]);
}

#[tokio::test]
async fn the_idle_timeout_is_written_and_read_again() {
    let attribute =
        |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
    let all = [
        attribute("deletion_protection.enabled", "false"),
        attribute("idle_timeout.timeout_seconds", "120"),
        attribute("access_logs.s3.bucket", ""),
    ];
    let aws = Replay::new([
        reply(
            "ModifyLoadBalancerAttributes",
            &member("Attributes", &all.concat()),
        ),
        reply(
            "DescribeLoadBalancerAttributes",
            &member("Attributes", &all.concat()),
        ),
        // A network load balancer has none.
        reply("DescribeLoadBalancerAttributes", &member("Attributes", &all[0])),
        replay::xml_error(400, "LoadBalancerNotFound", "gone"),
    ]);
    let (balancer, wanted) = (arn(BALANCER_ARN), LoadBalancerAttributes { idle_timeout: 120 });
    aws.clients
        .modify_load_balancer_attributes(&balancer, wanted)
        .await
        .unwrap();
    for expected in [Some(wanted), None, None] {
        let found = aws.clients.describe_load_balancer_attributes(&balancer).await;
        assert_eq!(found.unwrap(), expected);
    }
    let named = format!("LoadBalancerArn={BALANCER_ARN}");
    assert_eq!(
        aws.sent()[0].form(),
        [
            "Action=ModifyLoadBalancerAttributes",
            &named,
            "Attributes.member.1.Key=idle_timeout.timeout_seconds",
            "Attributes.member.1.Value=120",
        ]
    );
}
