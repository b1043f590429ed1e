//! Elastic Load Balancing's replies in AWS's own shape: XML, with all that AWS always reports.

pub(in crate::aws) mod listeners;
pub(in crate::aws) mod load_balancers;
mod tags;
pub(in crate::aws) mod target_groups;

use aws_sdk_ecs::config::http::HttpResponse;

use crate::aws::replay;
use crate::model::name::Arn;
use crate::model::owner::Tags;

const BALANCER_ARN: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/e-acme-web-abcdef/50dc6c495c0c9188";
const LISTENER_ARN: &str = "arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/e-acme-web-abcdef/50dc6c495c0c9188/f2f7dc8e";
const GROUP_ARN: &str =
    "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/e-acme-web-abcdef/73e2d6bc24d8a067";

fn arn(arn: &str) -> Arn {
    Arn(arn.into())
}

fn tags() -> Tags {
    Tags::from([
        ("cost-center".into(), "42".into()),
        ("empire.dev/app".into(), "shop/acme".into()),
    ])
}

/// A reply to an action, around its result.
fn reply(action: &str, result: &str) -> HttpResponse {
    replay::reply(
        200,
        format!(
            "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
             <{action}Result>{result}</{action}Result>\
             <ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>"
        ),
    )
}

fn member(tag: &str, text: &str) -> String {
    format!("<{tag}>{text}</{tag}>")
}
