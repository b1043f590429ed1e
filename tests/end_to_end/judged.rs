//! The judge of the requests itself: what it lets through, and what it finds.

use aws_sdk_elasticloadbalancingv2::types::{ProtocolEnum, Tag};
use serde_json::{Value, json};

use super::place::{Cloud, Place};
use crate::support::judge::judge;

/// A request to ECS from a role in the account of the policy.
fn to_ecs(operation: &str, parameters: &Value) -> Value {
    json!({
        "endpoint": "http://127.0.0.1:9",
        "method": "POST",
        "target": "/",
        "headers": {
            "authorization": signature("ecs"),
            "x-amz-target": format!("AmazonEC2ContainerServiceV20141113.{operation}"),
        },
        "body": parameters.to_string(),
    })
}

fn to_elastic_load_balancing(form: &str) -> Value {
    json!({
        "endpoint": "http://127.0.0.1:9",
        "method": "POST",
        "target": "/",
        "headers": { "authorization": signature("elasticloadbalancing") },
        "body": format!("{form}&Version=2015-12-01"),
    })
}

fn to_scheduler(method: &str, target: &str, parameters: &Value) -> Value {
    json!({
        "endpoint": "http://127.0.0.1:9",
        "method": method,
        "target": target,
        "headers": { "authorization": signature("scheduler") },
        "body": parameters.to_string(),
    })
}

fn to_application_auto_scaling(operation: &str, parameters: &Value) -> Value {
    json!({
        "endpoint": "http://127.0.0.1:9",
        "method": "POST",
        "target": "/",
        "headers": {
            "authorization": signature("application-autoscaling"),
            "x-amz-target": format!("AnyScaleFrontendService.{operation}"),
        },
        "body": parameters.to_string(),
    })
}

fn to_route_53(change: &str) -> Value {
    let namespace = "https://route53.amazonaws.com/doc/2013-04-01/";
    json!({
        "endpoint": "http://127.0.0.1:9",
        "method": "POST",
        "target": "/2013-04-01/hostedzone/Z123/rrset",
        "headers": { "authorization": signature("route53") },
        "body": format!(
            r#"<ChangeResourceRecordSetsRequest xmlns="{namespace}"><ChangeBatch><Changes><Change>{change}</Change></Changes></ChangeBatch></ChangeResourceRecordSetsRequest>"#
        ),
    })
}

fn signature(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=testing/20261128/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn task_definition() -> Value {
    json!({
        "family": "shop_acme_web",
        "containerDefinitions": [{ "name": "web", "image": "registry.example.com/acme:v1", "memory": 512 }],
        "requiresCompatibilities": ["EC2"],
        "executionRoleArn": "arn:aws:iam::123456789012:role/ecs-execution",
        "tags": [{ "key": "empire.dev/owner", "value": "installation-1" }],
    })
}

fn schedule() -> Value {
    json!({
        "GroupName": "empire-installation-1",
        "ScheduleExpression": "cron(0 3 * * ? *)",
        "FlexibleTimeWindow": { "Mode": "OFF" },
        "Target": {
            "Arn": "arn:aws:ecs:us-east-1:123456789012:cluster/default",
            "RoleArn": "arn:aws:iam::123456789012:role/scheduler",
            "EcsParameters": { "TaskDefinitionArn": "arn:aws:ecs:us-east-1:123456789012:task-definition/a:1" },
        },
    })
}

/// The request with one of its values exchanged for another.
fn with(mut parameters: Value, path: &str, value: Value) -> Value {
    let (parent, name) = path.rsplit_once('/').unwrap();
    parameters.pointer_mut(parent).unwrap()[name] = value;
    parameters
}

#[test]
fn what_aws_takes_has_no_fault() {
    let record = "<Action>CREATE</Action><ResourceRecordSet><Name>a.example.com.</Name><Type>CNAME</Type>\
                  <TTL>60</TTL><ResourceRecords><ResourceRecord><Value>b.example.com</Value></ResourceRecord>\
                  </ResourceRecords></ResourceRecordSet>";
    for (operation, request) in [
        (
            "RegisterTaskDefinition",
            to_ecs("RegisterTaskDefinition", &task_definition()),
        ),
        (
            "CreateLoadBalancer",
            to_elastic_load_balancing(
                "Action=CreateLoadBalancer&Name=e-acme-web-1&Type=network&Scheme=internal&Subnets.member.1=subnet-a\
                 &Tags.member.1.Key=empire.dev%2Fowner&Tags.member.1.Value=i",
            ),
        ),
        (
            "CreateSchedule",
            to_scheduler("POST", "/schedules/nightly", &schedule()),
        ),
        ("ChangeResourceRecordSets", to_route_53(record)),
    ] {
        let verdict = judge(&request);
        assert_eq!(verdict.operation, operation);
        assert!(verdict.faults.is_empty(), "{:?}", verdict.faults);
        assert_eq!(verdict.needs, [""; 0], "{operation}");
    }
}

#[test]
fn a_service_with_a_shell_needs_a_policy_of_its_own() {
    let create = |exec: bool| {
        let service = json!({
            "cluster": "default", "serviceName": "shop_acme_web", "taskDefinition": "shop_acme_web:1",
            "enableExecuteCommand": exec, "tags": [{ "key": "empire.dev/owner", "value": "installation-1" }],
        });
        let verdict = judge(&to_ecs("CreateService", &service));
        (verdict.faults, verdict.needs)
    };
    assert_eq!(create(false), (vec![], vec![]));
    assert_eq!(create(true), (vec![], vec!["exec".to_owned()]));
}

#[test]
fn scaling_needs_a_policy_of_its_own() {
    let register = |namespace: &str, owner: &str| {
        let dimension = if namespace == "ecs" {
            "ecs:service:DesiredCount"
        } else {
            "dynamodb:table:ReadCapacityUnits"
        };
        let target = json!({
            "ServiceNamespace": namespace, "ScalableDimension": dimension, "ResourceId": "service/default/shop_acme_web",
            "MinCapacity": 1, "MaxCapacity": 4, "Tags": { owner: "installation-1" },
        });
        let verdict = judge(&to_application_auto_scaling("RegisterScalableTarget", &target));
        (verdict.faults.len(), verdict.needs)
    };
    assert_eq!(
        register("ecs", "empire.dev/owner"),
        (0, vec!["autoscaling".to_owned()])
    );
    assert_eq!(
        register("dynamodb", "empire.dev/owner"),
        (1, vec!["autoscaling".to_owned()])
    );
    assert_eq!(register("ecs", "owner"), (2, vec![]));
    let all = json!({ "ServiceNamespace": "ecs", "ResourceIds": ["service/default/shop_acme_web"] });
    let verdict = judge(&to_application_auto_scaling("DescribeScalableTargets", &all));
    assert_eq!(
        (verdict.faults, verdict.needs),
        (vec![], vec!["autoscaling".to_owned()])
    );
}

/// In one batch with others, too: AWS looks for one statement that allows all of it.
#[test]
fn a_zones_own_name_needs_a_policy_of_its_own() {
    let create = |name: &str| {
        format!(
            "<Action>CREATE</Action><ResourceRecordSet><Name>{name}</Name><Type>A</Type></ResourceRecordSet>"
        )
    };
    for name in ["example.com.", "EXAMPLE.com"] {
        let change = format!("{}</Change><Change>{}", create("a.example.com."), create(name));
        let verdict = judge(&to_route_53(&change));
        assert_eq!(
            (verdict.faults, verdict.needs),
            (vec![], vec!["zone-names".to_owned()])
        );
    }
}

/// Expects that the judge finds a fault in each request.
fn check_faults(requests: impl IntoIterator<Item = (Value, &'static str)>) {
    for (request, fault) in requests {
        let faults = judge(&request).faults.join("\n");
        assert!(
            faults.contains(fault),
            "{fault} is not in:\n{faults}\nof {request}"
        );
    }
}

/// The request to register a task definition with one of its values exchanged for another.
fn register(path: &str, value: Value) -> Value {
    to_ecs("RegisterTaskDefinition", &with(task_definition(), path, value))
}

fn scheduled(path: &str, value: Value) -> Value {
    to_scheduler("POST", "/schedules/nightly", &with(schedule(), path, value))
}

/// Requests that the models of the four protocols, or the documents, refuse.
#[test]
fn what_no_service_takes_is_found() {
    let six: Vec<Value> = (0..7)
        .map(|n| json!({ "capacityProvider": format!("p{n}") }))
        .collect();
    let large = "x".repeat(70_000);
    check_faults([
        (
            register("/family", Value::Null),
            "Invalid type for parameter family",
        ),
        (
            register("/family2", json!("x")),
            "Unknown parameter in input: \"family2\"",
        ),
        (
            register("/requiresCompatibilities", json!(["EC3"])),
            "'EC3', none of",
        ),
        (
            register("/tags/0/key", json!("a".repeat(129))),
            "129 characters, of at most 128",
        ),
        (register("/tags/0/key", json!("a!")), "does not match"),
        (
            register("/containerDefinitions/0/command", json!([large])),
            "of at most 65536",
        ),
        (
            scheduled("/Target/EcsParameters/CapacityProviderStrategy", json!(six)),
            "CapacityProviderStrategy has 7 items, of at most 6",
        ),
        (
            to_elastic_load_balancing("Action=CreateTargetGroup&Name=e-a&Port=none"),
            "Invalid type for parameter Port",
        ),
        (
            to_elastic_load_balancing("Action=CreateTargetGroup&Name=e-a&Ports=80"),
            "Unknown parameter in input: \"Ports\"",
        ),
        (
            to_elastic_load_balancing("Action=DescribeRules&ListenerArn=a"),
            "DescribeRules",
        ),
        (
            to_route_53("<Action>CREATE</Action><ResourceRecordSet><Name>a.</Name></ResourceRecordSet>"),
            "Missing required parameter in ChangeBatch.Changes[0].ResourceRecordSet: \"Type\"",
        ),
        (
            to_scheduler("PATCH", "/schedules/nightly", &json!({})),
            "no operation is PATCH",
        ),
    ]);
}

#[test]
fn what_the_policy_does_not_allow_is_found() {
    check_faults([
        (
            register("/tags/0/key", json!("owner")),
            "ecs:RegisterTaskDefinition on arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_web:1 is not allowed",
        ),
        (
            register("/containerDefinitions/0/privileged", json!(true)),
            "is not allowed with {'aws:RequestTag/empire.dev/owner': ['installation-1'], 'ecs:privileged': ['true']",
        ),
        (
            register("/requiresCompatibilities", json!([])),
            "ecs:RegisterTaskDefinition on",
        ),
        (
            to_elastic_load_balancing(
                "Action=CreateLoadBalancer&Name=e-acme-web-1&Scheme=internal&SecurityGroups.member.1=sg-a\
                 &Tags.member.1.Key=empire.dev%2Fowner&Tags.member.1.Value=i",
            ),
            "elasticloadbalancing:CreateLoadBalancer on",
        ),
        (
            register("/taskRoleArn", json!("arn:aws:iam::123456789012:role/admin")),
            "iam:PassRole on arn:aws:iam::123456789012:role/admin is not allowed",
        ),
        (
            scheduled("/GroupName", json!("theirs")),
            "schedule/theirs/nightly is not allowed",
        ),
        (
            to_route_53(
                "<Action>UPSERT</Action><ResourceRecordSet><Name>a.</Name><Type>A</Type></ResourceRecordSet>",
            ),
            "route53:ChangeResourceRecordSets on arn:aws:route53:::hostedzone/Z123 is not allowed",
        ),
    ]);
}

/// By the tags that a resource has at that moment.
#[tokio::test(flavor = "multi_thread")]
async fn only_what_has_the_owner_tag_may_be_changed() {
    let region = "ca-west-1";
    let place = Place::under_shared(Cloud::Moto, "judged", region).await;
    let vpc = place.platform["spec"]["network"]["vpcId"].as_str().unwrap();
    let elbv2 = &place.aws.elbv2;
    let made = elbv2
        .create_target_group()
        .name("e-theirs")
        .protocol(ProtocolEnum::Http)
        .port(80)
        .vpc_id(vpc)
        .send()
        .await
        .unwrap();
    let arn = made.target_groups()[0].target_group_arn().unwrap();
    let mut delete = to_elastic_load_balancing(&format!("Action=DeleteTargetGroup&TargetGroupArn={arn}"));
    delete["endpoint"] = json!(place.proxy.emulator());
    let signature = signature("elasticloadbalancing").replace("us-east-1", region);
    delete["headers"]["authorization"] = json!(signature);

    let faults = judge(&delete).faults;
    let fault = format!("elasticloadbalancing:DeleteTargetGroup on {arn} is not allowed");
    assert!(faults.len() == 1 && faults[0].contains(&fault), "{faults:?}");
    let owner = Tag::builder()
        .key("empire.dev/owner")
        .value("installation-1")
        .build();
    elbv2
        .add_tags()
        .resource_arns(arn)
        .tags(owner)
        .send()
        .await
        .unwrap();
    assert_eq!(judge(&delete).faults, [""; 0]);
    elbv2
        .delete_target_group()
        .target_group_arn(arn)
        .send()
        .await
        .unwrap();
}
