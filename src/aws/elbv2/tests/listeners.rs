//! Listeners: what they forward to, and what they do not.

use super::{BALANCER_ARN, GROUP_ARN, LISTENER_ARN, arn, member, reply, tags};
use crate::aws::replay::{self, Replay};
use crate::aws::{Elbv2, Elbv2Writes, Fault};
use crate::model::load_balancer::{Listener, ListenerAction, ListenerProtocol};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::state::ListenerState;

pub(in crate::aws) fn listener() -> Listener {
    Listener {
        port: 80,
        protocol: ListenerProtocol::Http,
        certificates: Vec::new(),
        action: ListenerAction::Forward("e-acme-web-abcdef".into()),
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
        action: Some(to_group()),
        default_certificate: None,
        more_certificates: None,
        security_policy: None,
        tags: None,
    }
}

fn to_group() -> ListenerAction<Arn> {
    ListenerAction::Forward(arn(GROUP_ARN))
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
        .create_listener(&balancer, &listener(), &to_group())
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
        ["Action=DescribeListeners", &named, "PageSize=200"]
    );
}

#[tokio::test]
async fn modifies_protocol_and_target_group_of_a_listener() {
    let members = listeners(&listener_xml(&forward_xml()), None);
    let aws = Replay::new([reply("ModifyListener", &members)]);
    let modified = aws
        .clients
        .modify_listener(&arn(LISTENER_ARN), &listener(), &to_group())
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

async fn action(actions: &str) -> Option<ListenerAction<Arn>> {
    let members = listeners(&listener_xml(actions), None);
    let aws = Replay::new([reply("DescribeListeners", &members)]);
    let found = aws.clients.describe_listeners(&arn(BALANCER_ARN)).await.unwrap();
    found.unwrap().remove(0).action
}

#[tokio::test]
async fn only_a_plain_forward_and_our_redirect_are_known() {
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

    let ours = Some(to_group());
    assert_eq!(action(&forward_xml()).await, ours);
    assert_eq!(action(&short).await, ours);
    assert_eq!(action(&long(&group(GROUP_ARN))).await, ours);
    let two = [group(GROUP_ARN), group("arn:other")].concat();
    assert_eq!(action(&long(&two)).await, None);
    let to_https = Some(ListenerAction::RedirectToHttps);
    assert_eq!(action(redirect).await, to_https);
    for (ours, other) in [
        ("HTTP_301", "HTTP_302"),
        ("443", "8443"),
        ("HTTPS", "HTTP"),
        ("#{host}", "www.example.com"),
        ("/#{path}", "/"),
        ("#{query}", ""),
    ] {
        assert_eq!(action(&redirect.replace(ours, other)).await, None, "{other}");
    }
    assert_eq!(action(&[sign_in, &short].concat()).await, None);
    assert_eq!(action("").await, None);
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
    let (balancer, group) = (arn(BALANCER_ARN), to_group());
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

const CERTIFICATE: &str = "arn:aws:acm:us-east-1:123456789012:certificate/one";
const OTHER: &str = "arn:aws:acm:us-east-1:123456789012:certificate/two";

fn encrypted_xml() -> String {
    listener_xml(&forward_xml())
        .replace(
            "<Port>80</Port><Protocol>HTTP</Protocol>",
            "<Port>443</Port><Protocol>HTTPS</Protocol>",
        )
        .replace(
            "<DefaultActions>",
            &format!(
                "<SslPolicy>ELBSecurityPolicy-TLS13-1-2-2021-06</SslPolicy><Certificates><member>\
                 <CertificateArn>{CERTIFICATE}</CertificateArn></member></Certificates><DefaultActions>"
            ),
        )
}

#[tokio::test]
async fn an_encrypted_listener_has_its_first_certificate_and_a_policy() {
    let members = listeners(&encrypted_xml(), None);
    let aws = Replay::new([
        reply("CreateListener", &members),
        reply("ModifyListener", &members),
    ]);
    let wanted = Listener {
        port: 443,
        protocol: ListenerProtocol::Https,
        certificates: vec![CERTIFICATE.into(), OTHER.into()],
        tags: Tags::new(),
        ..listener()
    };
    let state = ListenerState::of(arn(LISTENER_ARN), &wanted, to_group());
    let created = aws
        .clients
        .create_listener(&arn(BALANCER_ARN), &wanted, &to_group())
        .await;
    assert_eq!(created.unwrap(), state);
    let modified = aws
        .clients
        .modify_listener(&arn(LISTENER_ARN), &wanted, &to_group())
        .await;
    assert_eq!(modified.unwrap(), state);
    for sent in aws.sent() {
        let form = sent.form();
        for field in [
            "Protocol=HTTPS".to_owned(),
            "SslPolicy=ELBSecurityPolicy-TLS13-1-2-2021-06".into(),
            format!("Certificates.member.1.CertificateArn={CERTIFICATE}"),
        ] {
            assert!(form.contains(&field), "{form:?}");
        }
        assert!(!form.iter().any(|field| field.contains(OTHER)), "{form:?}");
    }
}

#[tokio::test]
async fn a_redirect_leads_to_the_same_address_on_port_443() {
    let redirect = "<member><Type>redirect</Type><RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port>\
         <Host>#{host}</Host><Path>/#{path}</Path><Query>#{query}</Query><StatusCode>HTTP_301</StatusCode>\
         </RedirectConfig></member>";
    let aws = Replay::new([reply("ModifyListener", &listeners(&listener_xml(redirect), None))]);
    let wanted = Listener {
        action: ListenerAction::RedirectToHttps,
        ..listener()
    };
    let action = ListenerAction::RedirectToHttps;
    let modified = aws
        .clients
        .modify_listener(&arn(LISTENER_ARN), &wanted, &action)
        .await;
    assert_eq!(modified.unwrap().action, Some(ListenerAction::RedirectToHttps));
    assert_eq!(
        aws.only().form()[3..],
        [
            "DefaultActions.member.1.Type=redirect",
            "DefaultActions.member.1.RedirectConfig.Protocol=HTTPS",
            "DefaultActions.member.1.RedirectConfig.Port=443",
            "DefaultActions.member.1.RedirectConfig.StatusCode=HTTP_301",
        ]
    );
}

#[tokio::test]
async fn certificates_are_added_and_removed_one_a_call_and_the_default_one_is_not_listed_among_them() {
    let certificate = |arn: &str, default: bool| {
        format!("<member><CertificateArn>{arn}</CertificateArn><IsDefault>{default}</IsDefault></member>")
    };
    let certificates = |all: &str| format!("<Certificates>{all}</Certificates>");
    let first = certificates(&certificate(CERTIFICATE, true)) + "<NextMarker>m1</NextMarker>";
    // One may be the default and in the list, too.
    let second = [certificate(CERTIFICATE, false), certificate(OTHER, false)].concat();
    let aws = Replay::new([
        reply("AddListenerCertificates", &certificates("")),
        reply("RemoveListenerCertificates", ""),
        reply("DescribeListenerCertificates", &first),
        reply("DescribeListenerCertificates", &certificates(&second)),
        replay::xml_error(400, "ListenerNotFound", "gone"),
    ]);
    let listener = arn(LISTENER_ARN);
    aws.clients
        .add_listener_certificate(&listener, OTHER)
        .await
        .unwrap();
    aws.clients
        .remove_listener_certificate(&listener, OTHER)
        .await
        .unwrap();
    let found = aws
        .clients
        .describe_listener_certificates(&listener)
        .await
        .unwrap();
    assert_eq!(found, Some([CERTIFICATE.into(), OTHER.into()].into()));
    let gone = aws
        .clients
        .describe_listener_certificates(&listener)
        .await
        .unwrap();
    assert_eq!(gone, None);
    let (named, other) = (
        format!("ListenerArn={LISTENER_ARN}"),
        format!("Certificates.member.1.CertificateArn={OTHER}"),
    );
    assert_eq!(
        aws.sent()[0].form(),
        ["Action=AddListenerCertificates", &named, &other]
    );
    assert_eq!(
        aws.sent()[1].form(),
        ["Action=RemoveListenerCertificates", &named, &other]
    );
}

#[tokio::test]
async fn deletes_a_listener_that_may_be_gone() {
    let aws = Replay::new([
        reply("DeleteListener", ""),
        replay::xml_error(400, "ListenerNotFound", "gone"),
    ]);
    let listener = arn(LISTENER_ARN);
    aws.clients.delete_listener(&listener).await.unwrap();
    aws.clients.delete_listener(&listener).await.unwrap();
}
