//! Listeners, kinds of load balancers, and certificates that the in-memory AWS refuses.

use empire_controller::aws::{Elbv2, Elbv2Writes};
use empire_controller::model::desired::LoadBalancing;
use empire_controller::model::load_balancer::{
    Listener, ListenerAction, ListenerProtocol, LoadBalancerAttributes, TargetGroupAttributes,
};
use empire_controller::model::name::Arn;

use crate::fake_aws::FakeAws;
use crate::fixtures::{certificate, web};
use crate::strictness::{aws, balancing_of, now, refused};

struct Made {
    load_balancer: Arn,
    group: Arn,
    listener: Listener,
}

fn make(aws: &FakeAws, balancing: &LoadBalancing) -> Made {
    let group = now(aws.create_target_group(&balancing.ports[0].target_group)).unwrap();
    Made {
        load_balancer: now(aws.create_load_balancer(&balancing.load_balancer))
            .unwrap()
            .arn,
        group: group.arn,
        listener: balancing.listeners[0].clone(),
    }
}

impl Made {
    fn forward(&self) -> ListenerAction<Arn> {
        ListenerAction::Forward(self.group.clone())
    }
}

#[test]
fn each_kind_speaks_its_own_protocols_and_forwards_to_its_own_target_groups() {
    let aws = aws();
    let (http, tcp) = (
        make(&aws, &balancing_of(web())),
        make(&aws, &balancing_of(web().tcp())),
    );
    let create = |on: &Made, listener: &Made, to: &Made| {
        now(aws.create_listener(&on.load_balancer, &listener.listener, &to.forward()))
    };
    refused(create(&http, &tcp, &http), "UnsupportedProtocol", "");
    refused(create(&tcp, &http, &tcp), "UnsupportedProtocol", "");
    refused(create(&http, &http, &tcp), "IncompatibleProtocols", "");
    refused(create(&tcp, &tcp, &http), "IncompatibleProtocols", "");
    create(&http, &http, &http).unwrap();
    create(&tcp, &tcp, &tcp).unwrap();
    let redirect = Listener {
        port: 81,
        ..tcp.listener.clone()
    };
    let to_https = ListenerAction::RedirectToHttps;
    let redirected = now(aws.create_listener(&tcp.load_balancer, &redirect, &to_https));
    refused(redirected, "ValidationError", "only forward");
}

#[test]
fn an_encrypted_listener_has_a_certificate_that_there_is_and_no_other_has_one() {
    let aws = aws();
    aws.by_hand().lose_certificate(&certificate("lost"));
    let made = make(&aws, &balancing_of(web().https(&["one"])));
    let create = |certificates: &[&str], protocol: ListenerProtocol| {
        let listener = Listener {
            certificates: certificates.iter().map(|name| certificate(name)).collect(),
            protocol,
            ..made.listener.clone()
        };
        now(aws.create_listener(&made.load_balancer, &listener, &made.forward()))
    };
    refused(
        create(&[], ListenerProtocol::Https),
        "ValidationError",
        "must be specified",
    );
    refused(
        create(&["one"], ListenerProtocol::Http),
        "ValidationError",
        "cannot be specified",
    );
    refused(
        create(&["lost"], ListenerProtocol::Https),
        "CertificateNotFound",
        "",
    );
    let listener = create(&["one"], ListenerProtocol::Https).unwrap().arn;
    refused(create(&["two"], ListenerProtocol::Https), "DuplicateListener", "");
    let add = |name: &str| now(aws.add_listener_certificate(&listener, &certificate(name)));
    refused(add("lost"), "CertificateNotFound", "");
    add("two").unwrap();
    add("two").unwrap();
    let found = now(aws.describe_listener_certificates(&listener)).unwrap();
    assert_eq!(found, Some([certificate("two")].into()));
    let remove = |name: &str| now(aws.remove_listener_certificate(&listener, &certificate(name)));
    refused(remove("one"), "OperationNotPermitted", "Default");
    remove("two").unwrap();
    let found = now(aws.describe_listener_certificates(&listener)).unwrap();
    assert_eq!(found, Some([].into()));
}

#[test]
fn attributes_and_security_groups_are_of_the_kind_that_has_them() {
    let aws = aws();
    let mut network = balancing_of(web().tcp());
    network.load_balancer.security_groups.clear();
    let (http, tcp) = (make(&aws, &balancing_of(web())), make(&aws, &network));
    let idle = |arn: &Arn, idle_timeout| {
        now(aws.modify_load_balancer_attributes(arn, LoadBalancerAttributes { idle_timeout }))
    };
    refused(idle(&tcp.load_balancer, 90), "InvalidConfigurationRequest", "");
    refused(
        idle(&http.load_balancer, 4_001),
        "InvalidConfigurationRequest",
        "",
    );
    idle(&http.load_balancer, 4_000).unwrap();
    let attributes = |arn: &Arn, attributes: &TargetGroupAttributes| {
        now(aws.modify_target_group_attributes(arn, attributes))
    };
    let of_tcp = &network.ports[0].target_group.attributes;
    refused(attributes(&http.group, of_tcp), "InvalidConfigurationRequest", "");
    attributes(&tcp.group, of_tcp).unwrap();
    let groups = ["sg-1".to_owned()];
    let set = now(aws.set_security_groups(&tcp.load_balancer, &groups));
    refused(set, "InvalidConfigurationRequest", "created without any");
}
