//! Listeners: what they forward to, and what they do not.

use super::{BALANCER_ARN, GROUP_ARN, LISTENER_ARN, arn, member, reply, tags};
use crate::aws::replay::{self, Replay};
use crate::aws::{Elbv2, Fault};
use crate::model::load_balancer::{Listener, TargetProtocol};
use crate::model::name::Arn;
use crate::model::state::ListenerState;

fn listener() -> Listener {
    Listener {
        port: 80,
        protocol: TargetProtocol::Http,
        target_group: "e-acme-web-abcdef".into(),
        tags: tags(),
    }
}

fn listener_xml(actions: &str) -> String {
    format!(
        "<member><ListenerArn>{LISTENER_ARN}</ListenerArn><LoadBalancerArn>{BALANCER_ARN}</LoadBalancerArn>\
         <Port>80</Port><Protocol>HTTP</Protocol><DefaultActions>{actions}</DefaultActions></member>"
    )
}

fn listeners(members: &str, marker: Option<&str>) -> String {
    let marker = marker.map(|marker| member("NextMarker", marker));
    format!("<Listeners>{members}</Listeners>{}", marker.unwrap_or_default())
}

/// AWS reports what was sent in the short form in both.
fn forward_xml() -> String {
    format!(
        "<member><Type>forward</Type><TargetGroupArn>{GROUP_ARN}</TargetGroupArn><ForwardConfig><TargetGroups>\
         <member><TargetGroupArn>{GROUP_ARN}</TargetGroupArn><Weight>1</Weight></member></TargetGroups>\
         <TargetGroupStickinessConfig><Enabled>false</Enabled></TargetGroupStickinessConfig></ForwardConfig></member>"
    )
}

fn listener_state() -> ListenerState {
    ListenerState {
        arn: arn(LISTENER_ARN),
        port: 80,
        protocol: "HTTP".into(),
        forwards_to: Some(arn(GROUP_ARN)),
    }
}

#[tokio::test]
async fn what_a_listener_was_created_with_is_read_again() {
    let members = listeners(&listener_xml(&forward_xml()), None);
    let aws = Replay::new([
        reply("CreateListener", &members),
        reply("DescribeListeners", &members),
    ]);
    let balancer = arn(BALANCER_ARN);
    let created = aws
        .clients
        .create_listener(&balancer, &listener(), &arn(GROUP_ARN))
        .await
        .unwrap();
    let found = aws.clients.describe_listeners(&balancer).await.unwrap();
    assert_eq!(created, listener_state());
    assert_eq!(found, Some(vec![listener_state()]));
    let sent = aws.sent();
    assert_eq!(
        sent[0].form(),
        [
            "Action=CreateListener".to_owned(),
            format!("LoadBalancerArn={BALANCER_ARN}"),
            "Protocol=HTTP".into(),
            "Port=80".into(),
            "DefaultActions.member.1.Type=forward".into(),
            format!("DefaultActions.member.1.TargetGroupArn={GROUP_ARN}"),
            "Tags.member.1.Key=cost-center".into(),
            "Tags.member.1.Value=42".into(),
            "Tags.member.2.Key=empire.dev/app".into(),
            "Tags.member.2.Value=shop/acme".into(),
        ]
    );
    let named = format!("LoadBalancerArn={BALANCER_ARN}");
    assert_eq!(
        sent[1].form(),
        ["Action=DescribeListeners", &named, "PageSize=400"]
    );
}

#[tokio::test]
async fn modifies_protocol_and_target_group_of_a_listener() {
    let members = listeners(&listener_xml(&forward_xml()), None);
    let aws = Replay::new([reply("ModifyListener", &members)]);
    let modified = aws
        .clients
        .modify_listener(&arn(LISTENER_ARN), &listener(), &arn(GROUP_ARN))
        .await
        .unwrap();
    assert_eq!(modified, listener_state());
    assert_eq!(
        aws.only().form(),
        [
            "Action=ModifyListener".to_owned(),
            format!("ListenerArn={LISTENER_ARN}"),
            "Protocol=HTTP".into(),
            "DefaultActions.member.1.Type=forward".into(),
            format!("DefaultActions.member.1.TargetGroupArn={GROUP_ARN}"),
        ]
    );
}

async fn forwards_to(actions: &str) -> Option<Arn> {
    let members = listeners(&listener_xml(actions), None);
    let aws = Replay::new([reply("DescribeListeners", &members)]);
    let found = aws.clients.describe_listeners(&arn(BALANCER_ARN)).await.unwrap();
    found.unwrap().remove(0).forwards_to
}

#[tokio::test]
async fn only_a_plain_forward_has_a_target_group() {
    let group =
        |arn: &str| format!("<member><TargetGroupArn>{arn}</TargetGroupArn><Weight>1</Weight></member>");
    let long = |groups: &str| {
        format!(
            "<member><Type>forward</Type><ForwardConfig><TargetGroups>{groups}</TargetGroups></ForwardConfig></member>"
        )
    };
    let short = format!("<member><Type>forward</Type><TargetGroupArn>{GROUP_ARN}</TargetGroupArn></member>");
    let redirect = "<member><Type>redirect</Type><RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port>\
         <Host>#{host}</Host><Path>/#{path}</Path><Query>#{query}</Query><StatusCode>HTTP_301</StatusCode>\
         </RedirectConfig></member>";
    let sign_in = "<member><Type>authenticate-oidc</Type><Order>1</Order></member>";

    let ours = Some(arn(GROUP_ARN));
    assert_eq!(forwards_to(&forward_xml()).await, ours);
    assert_eq!(forwards_to(&short).await, ours);
    assert_eq!(forwards_to(&long(&group(GROUP_ARN))).await, ours);
    let two = [group(GROUP_ARN), group("arn:other")].concat();
    assert_eq!(forwards_to(&long(&two)).await, None);
    assert_eq!(forwards_to(redirect).await, None);
    assert_eq!(forwards_to(&[sign_in, &short].concat()).await, None);
    assert_eq!(forwards_to("").await, None);
}

#[tokio::test]
async fn lists_every_page_of_listeners_also_those_without_a_port() {
    let gateway = "<member><ListenerArn>arn:gateway-listener</ListenerArn><DefaultActions/></member>";
    let aws = Replay::new([
        reply(
            "DescribeListeners",
            &listeners(&listener_xml(&forward_xml()), Some("m1")),
        ),
        reply("DescribeListeners", &listeners(gateway, None)),
    ]);
    let found = aws
        .clients
        .describe_listeners(&arn(BALANCER_ARN))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!((found[1].port, found[1].protocol.as_str()), (0, ""));
    assert!(aws.sent()[1].form().contains(&"Marker=m1".to_owned()));
}

#[tokio::test]
async fn the_listeners_of_a_load_balancer_that_is_gone_are_none() {
    let aws = Replay::new([replay::xml_error(400, "LoadBalancerNotFound", "gone")]);
    assert_eq!(
        aws.clients.describe_listeners(&arn(BALANCER_ARN)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn what_a_create_or_a_modify_builds_upon_may_have_gone() {
    let gone = || replay::xml_error(400, "TargetGroupNotFound", "gone");
    let aws = Replay::new([
        gone(),
        gone(),
        replay::xml_error(400, "DuplicateListener", "there"),
    ]);
    let (balancer, group) = (arn(BALANCER_ARN), arn(GROUP_ARN));
    let created = aws.clients.create_listener(&balancer, &listener(), &group).await;
    assert_eq!(created.unwrap_err().fault, Fault::Stale);
    let modified = aws
        .clients
        .modify_listener(&arn(LISTENER_ARN), &listener(), &group)
        .await;
    assert_eq!(modified.unwrap_err().fault, Fault::Absent);
    let twice = aws.clients.create_listener(&balancer, &listener(), &group).await;
    assert_eq!(twice.unwrap_err().fault, Fault::Stale);
}
