//! Target groups, their health checks and attributes.

use super::{BALANCER_ARN, GROUP_ARN, arn, member, reply, tags};
use crate::aws::replay::{self, Replay};
use crate::aws::{Elbv2, Elbv2Writes, Fault};
use crate::model::class::Class;
use crate::model::load_balancer::{
    HealthCheck, Probe, TargetGroup, TargetGroupAttributes, TargetProtocol, TargetType,
};
use crate::model::owner::Tags;
use crate::model::small_set::SmallSet;
use crate::model::state::TargetGroupState;

fn check() -> HealthCheck {
    HealthCheck {
        probe: probe("/health?full=1"),
        interval: 10,
        timeout: 5,
        healthy_threshold: 2,
        unhealthy_threshold: 3,
    }
}

fn probe(path: &str) -> Probe {
    Probe::Http {
        path: path.into(),
        success_codes: "200-399".into(),
    }
}

pub(in crate::aws) fn target_group() -> TargetGroup {
    TargetGroup {
        name: "e-acme-web-abcdef".into(),
        vpc: "vpc-1".into(),
        protocol: TargetProtocol::Http,
        target_type: TargetType::Instance,
        check: check(),
        attributes: TargetGroupAttributes {
            deregistration_delay: 30,
            preserve_client_ip: None,
            cross_zone: None,
        },
        tags: tags(),
    }
}

/// A target group of ours, some of whose elements are others.
fn target_group_xml(changed: &[(&str, &str)]) -> String {
    let elements = [
        ("TargetGroupArn", GROUP_ARN),
        ("TargetGroupName", "e-acme-web-abcdef"),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("VpcId", "vpc-1"),
        ("HealthCheckProtocol", "HTTP"),
        ("HealthCheckPort", "traffic-port"),
        ("HealthCheckEnabled", "true"),
        ("HealthCheckIntervalSeconds", "10"),
        ("HealthCheckTimeoutSeconds", "5"),
        ("HealthyThresholdCount", "2"),
        ("UnhealthyThresholdCount", "3"),
        ("HealthCheckPath", "/health?full=1"),
        ("Matcher", "<HttpCode>200-399</HttpCode>"),
        ("LoadBalancerArns", ""),
        ("TargetType", "instance"),
        ("ProtocolVersion", "HTTP1"),
        ("IpAddressType", "ipv4"),
    ];
    let text: String = elements
        .iter()
        .map(|(tag, text)| {
            let other = changed.iter().find(|(other, _)| other == tag);
            member(tag, other.map_or(*text, |(_, other)| other))
        })
        .collect();
    member("member", &text)
}

fn described(members: &str, marker: Option<&str>) -> String {
    let marker = marker.map(|marker| member("NextMarker", marker));
    format!(
        "<TargetGroups>{members}</TargetGroups>{}",
        marker.unwrap_or_default()
    )
}

fn state() -> TargetGroupState {
    TargetGroupState {
        name: "e-acme-web-abcdef".into(),
        arn: arn(GROUP_ARN),
        check: check(),
        load_balancers: SmallSet::new(),
        tags: Tags::new(),
        attributes: None,
    }
}

async fn read(changed: &[(&str, &str)]) -> TargetGroupState {
    let aws = Replay::new([reply(
        "DescribeTargetGroups",
        &described(&target_group_xml(changed), None),
    )]);
    aws.clients.describe_target_groups().await.unwrap().remove(0)
}

#[tokio::test]
async fn asks_for_one_target_group_a_call_and_leaves_out_what_is_missing() {
    let missing = replay::xml_error(400, "TargetGroupNotFound", "One or more target groups not found");
    let found = described(&target_group_xml(&[]), None);
    let aws = Replay::new([missing, reply("DescribeTargetGroups", &found)]);
    let names = ["e-gone".into(), "e-acme-web-abcdef".into()];
    let found = aws.clients.describe_target_groups_named(&names).await.unwrap();
    assert_eq!(found, [state()]);
    let sent = aws.sent();
    assert_eq!(
        sent[0].form(),
        ["Action=DescribeTargetGroups", "Names.member.1=e-gone"]
    );
    assert_eq!(sent[1].form()[1], "Names.member.1=e-acme-web-abcdef");
}

#[tokio::test]
async fn lists_every_page_and_survives_the_target_groups_of_others() {
    let lambda = "<member><TargetGroupArn>arn:lambda</TargetGroupArn><TargetGroupName>theirs</TargetGroupName>\
         <TargetType>lambda</TargetType><HealthCheckEnabled>false</HealthCheckEnabled>\
         <HealthCheckIntervalSeconds>35</HealthCheckIntervalSeconds></member>";
    let tcp = "<member><TargetGroupArn>arn:tcp</TargetGroupArn><TargetGroupName>grpc</TargetGroupName>\
         <Protocol>TCP</Protocol><Port>5000</Port><HealthCheckProtocol>TCP</HealthCheckProtocol>\
         <HealthCheckPort>traffic-port</HealthCheckPort></member>";
    let ours = target_group_xml(&[("LoadBalancerArns", &member("member", BALANCER_ARN))]);
    let aws = Replay::new([
        reply(
            "DescribeTargetGroups",
            &described(&[&ours, lambda].concat(), Some("m1")),
        ),
        reply("DescribeTargetGroups", &described(tcp, None)),
    ]);
    let found = aws.clients.describe_target_groups().await.unwrap();
    let names: Vec<&str> = found.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["e-acme-web-abcdef", "theirs", "grpc"]);
    assert_eq!(found[0].load_balancers, SmallSet::from([arn(BALANCER_ARN)]));
    let sent = aws.sent();
    assert_eq!(sent[0].form(), ["Action=DescribeTargetGroups", "PageSize=200"]);
    assert_eq!(
        sent[1].form(),
        ["Action=DescribeTargetGroups", "Marker=m1", "PageSize=200"]
    );
}

#[tokio::test]
async fn what_was_created_is_read_again() {
    let created = described(&target_group_xml(&[]), None);
    let aws = Replay::new([reply("CreateTargetGroup", &created)]);
    let found = aws.clients.create_target_group(&target_group()).await.unwrap();
    assert_eq!(
        found,
        TargetGroupState {
            tags: tags(),
            // AWS's default, until it is modified.
            attributes: Some(TargetGroupAttributes {
                deregistration_delay: 300,
                preserve_client_ip: None,
                cross_zone: None,
            }),
            ..state()
        }
    );
    assert_eq!(read(&[]).await, state());
    assert_eq!(
        aws.only().form(),
        [
            "Action=CreateTargetGroup",
            "Name=e-acme-web-abcdef",
            "Protocol=HTTP",
            "Port=80",
            "VpcId=vpc-1",
            "HealthCheckProtocol=HTTP",
            "HealthCheckPort=traffic-port",
            "HealthCheckEnabled=true",
            "HealthCheckPath=/health?full=1",
            "HealthCheckIntervalSeconds=10",
            "HealthCheckTimeoutSeconds=5",
            "HealthyThresholdCount=2",
            "UnhealthyThresholdCount=3",
            "Matcher.HttpCode=200-399",
            "TargetType=instance",
            "Tags.member.1.Key=cost-center",
            "Tags.member.1.Value=42",
            "Tags.member.2.Key=empire.dev/app",
            "Tags.member.2.Value=shop/acme",
        ]
    );
}

#[tokio::test]
async fn awsvpc_tasks_are_targets_by_address() {
    let aws = Replay::new([reply(
        "CreateTargetGroup",
        &described(&target_group_xml(&[]), None),
    )]);
    let group = TargetGroup {
        target_type: TargetType::Ip,
        ..target_group()
    };
    aws.clients.create_target_group(&group).await.unwrap();
    assert!(aws.only().form().contains(&"TargetType=ip".to_owned()));
}

/// Every hand change to a health check shows, also one to what the model has no field for.
#[tokio::test]
async fn a_health_check_that_a_hand_has_changed_is_unlike_ours() {
    for changed in [
        ("HealthCheckPath", "/other"),
        ("HealthCheckIntervalSeconds", "30"),
        ("HealthCheckTimeoutSeconds", "6"),
        ("HealthyThresholdCount", "5"),
        ("UnhealthyThresholdCount", "2"),
        ("Matcher", "<HttpCode>200</HttpCode>"),
        ("Matcher", "<GrpcCode>0</GrpcCode>"),
        ("HealthCheckProtocol", "HTTPS"),
        ("HealthCheckProtocol", "TCP"),
        ("HealthCheckPort", "9000"),
        ("HealthCheckEnabled", "false"),
    ] {
        assert_ne!(read(&[changed]).await.check, check(), "{changed:?}");
    }
    let off = read(&[("HealthCheckEnabled", "false"), ("HealthCheckPort", "9000")]).await;
    assert_eq!(off.check.probe, probe("off HTTP://target:9000/health?full=1"));
}

#[tokio::test]
async fn a_modification_sets_all_of_the_health_check() {
    let aws = Replay::new([reply(
        "ModifyTargetGroup",
        &described(&target_group_xml(&[]), None),
    )]);
    aws.clients
        .modify_target_group(&arn(GROUP_ARN), &check())
        .await
        .unwrap();
    assert_eq!(
        aws.only().form(),
        [
            "Action=ModifyTargetGroup",
            &format!("TargetGroupArn={GROUP_ARN}"),
            "HealthCheckProtocol=HTTP",
            "HealthCheckPort=traffic-port",
            "HealthCheckPath=/health?full=1",
            "HealthCheckEnabled=true",
            "HealthCheckIntervalSeconds=10",
            "HealthCheckTimeoutSeconds=5",
            "HealthyThresholdCount=2",
            "UnhealthyThresholdCount=3",
            "Matcher.HttpCode=200-399",
        ]
    );
}

fn attributes_xml(delay: &str) -> String {
    let attribute =
        |key: &str, value: &str| format!("<member><Key>{key}</Key><Value>{value}</Value></member>");
    member(
        "Attributes",
        &[
            attribute("stickiness.enabled", "false"),
            attribute("deregistration_delay.timeout_seconds", delay),
            attribute("stickiness.type", "lb_cookie"),
            attribute(
                "load_balancing.cross_zone.enabled",
                "use_load_balancer_configuration",
            ),
        ]
        .concat(),
    )
}

#[tokio::test]
async fn attributes_are_written_and_read_again() {
    let delay = TargetGroupAttributes {
        deregistration_delay: 30,
        preserve_client_ip: None,
        cross_zone: None,
    };
    let aws = Replay::new([
        reply("ModifyTargetGroupAttributes", &attributes_xml("30")),
        reply("DescribeTargetGroupAttributes", &attributes_xml("30")),
    ]);
    let group = arn(GROUP_ARN);
    aws.clients
        .modify_target_group_attributes(&group, &delay)
        .await
        .unwrap();
    let found = aws
        .clients
        .describe_target_group_attributes(&group)
        .await
        .unwrap();
    // Where the load balancer decides, it is off for ours.
    let cross_zone = Some(false);
    assert_eq!(found, Some(TargetGroupAttributes { cross_zone, ..delay }));
    let sent = aws.sent();
    let named = format!("TargetGroupArn={GROUP_ARN}");
    assert_eq!(
        sent[0].form(),
        [
            "Action=ModifyTargetGroupAttributes",
            &named,
            "Attributes.member.1.Key=deregistration_delay.timeout_seconds",
            "Attributes.member.1.Value=30",
        ]
    );
    assert_eq!(sent[1].form(), ["Action=DescribeTargetGroupAttributes", &named]);
}

/// Client addresses and zones travel in the call that sets the delay.
#[tokio::test]
async fn a_target_group_of_tcp_asks_its_port_and_has_attributes_of_its_own() {
    let tcp = [
        ("Protocol", "TCP"),
        ("HealthCheckProtocol", "TCP"),
        ("HealthCheckTimeoutSeconds", "10"),
        ("HealthyThresholdCount", "3"),
    ];
    let group = TargetGroup {
        protocol: TargetProtocol::Tcp,
        check: HealthCheck {
            probe: Probe::Tcp,
            timeout: 10,
            healthy_threshold: 3,
            ..check()
        },
        attributes: TargetGroupAttributes {
            deregistration_delay: 30,
            preserve_client_ip: Some(false),
            cross_zone: Some(true),
        },
        ..target_group()
    };
    let members = target_group_xml(&tcp)
        .replace("<HealthCheckPath>/health?full=1</HealthCheckPath>", "")
        .replace("<Matcher><HttpCode>200-399</HttpCode></Matcher>", "");
    let aws = Replay::new([
        reply("CreateTargetGroup", &described(&members, None)),
        reply("ModifyTargetGroup", &described(&members, None)),
        reply("ModifyTargetGroupAttributes", &attributes_xml("30")),
    ]);
    let created = aws.clients.create_target_group(&group).await.unwrap();
    assert_eq!(created.check, group.check);
    // Not what is wanted, whatever AWS made: both have to be said.
    let (client_ip, cross_zone) = (Some(true), Some(false));
    let attributes = created.attributes.unwrap();
    assert_eq!(
        (attributes.preserve_client_ip, attributes.cross_zone),
        (client_ip, cross_zone)
    );
    let arn = arn(GROUP_ARN);
    aws.clients.modify_target_group(&arn, &group.check).await.unwrap();
    aws.clients
        .modify_target_group_attributes(&arn, &group.attributes)
        .await
        .unwrap();
    for sent in &aws.sent()[..2] {
        let form = sent.form();
        assert!(form.contains(&"HealthCheckProtocol=TCP".to_owned()), "{form:?}");
        let http = |field: &String| field.starts_with("HealthCheckPath") || field.starts_with("Matcher");
        assert!(!form.iter().any(http), "{form:?}");
    }
    assert!(aws.sent()[0].form().contains(&"Protocol=TCP".to_owned()));
    assert_eq!(
        aws.sent()[2].form()[2..],
        [
            "Attributes.member.1.Key=deregistration_delay.timeout_seconds",
            "Attributes.member.1.Value=30",
            "Attributes.member.2.Key=preserve_client_ip.enabled",
            "Attributes.member.2.Value=false",
            "Attributes.member.3.Key=load_balancing.cross_zone.enabled",
            "Attributes.member.3.Value=true",
        ]
    );
}

#[tokio::test]
async fn the_attributes_of_a_target_group_that_is_gone_are_none() {
    let aws = Replay::new([replay::xml_error(400, "TargetGroupNotFound", "gone")]);
    let found = aws
        .clients
        .describe_target_group_attributes(&arn(GROUP_ARN))
        .await;
    assert_eq!(found.unwrap(), None);
}

#[tokio::test]
async fn deletes_a_target_group_that_may_be_gone_and_waits_while_it_is_in_use() {
    let aws = Replay::new([
        reply("DeleteTargetGroup", ""),
        replay::xml_error(400, "TargetGroupNotFound", "gone"),
        replay::xml_error(
            400,
            "ResourceInUse",
            "is currently in use by a listener or a rule",
        ),
    ]);
    let group = arn(GROUP_ARN);
    aws.clients.delete_target_group(&group).await.unwrap();
    aws.clients.delete_target_group(&group).await.unwrap();
    let error = aws.clients.delete_target_group(&group).await.unwrap_err();
    assert_eq!(error.fault, Fault::Pending);
    let named = format!("TargetGroupArn={GROUP_ARN}");
    assert_eq!(aws.sent()[0].form(), ["Action=DeleteTargetGroup", &named]);
}

#[tokio::test]
async fn a_quota_names_itself() {
    let words = "The maximum number of target groups has been reached on your account";
    let aws = Replay::new([replay::xml_error(400, "TooManyTargetGroups", words)]);
    let error = aws
        .clients
        .create_target_group(&target_group())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Denied);
    assert!(error.to_string().ends_with(words), "{error}");
}
