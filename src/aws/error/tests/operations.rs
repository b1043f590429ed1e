//! Every operation of all services against one reply: none judges a failure by itself.

use std::collections::BTreeSet;

use crate::aws::ecs::tests::{bridge, service, task_request};
use crate::aws::elbv2::tests::{listeners, load_balancers, target_groups};
use crate::aws::error::{AwsError, Fault};
use crate::aws::replay::{self, Replay};
use crate::aws::scaling::tests::{policy, scheduled_action};
use crate::aws::scheduler::tests::{schedule, target};
use crate::aws::{
    AutoScaling, AutoScalingWrites, Ecs, EcsWrites, Elbv2, Elbv2Writes, Logs, LogsWrites, Route53,
    Route53Writes, Scheduler, SchedulerWrites,
};
use crate::model::load_balancer::{ListenerAction, LoadBalancerAttributes};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use crate::model::scaling::Range;
use crate::model::schedule::ScheduleGroup;
use crate::model::service::ServiceUpdate;

use super::{BUG, TRANSIENT};

const OPERATIONS: usize = 69;
/// ECS keeps no record of rollouts where an emulator does not know this call, which is no failure.
const OPTIONAL: &str = "ecs:ListServiceDeployments";

/// Awaits each call, and keeps how it failed.
macro_rules! failures {
    ($($call:expr,)*) => { [$($call.await.err(),)*] };
}

/// Returns the error of each operation for this reply.
async fn each(status: u16, body: &str) -> Vec<AwsError> {
    let replay = Replay::new((0..OPERATIONS).map(|_| replay::reply(status, body)));
    let (aws, arn, name) = (&replay.clients, &Arn("arn:aws:x".into()), "acme");
    let (names, tags) = (["acme".to_owned()], Tags::from([("a".into(), "b".into())]));
    let action = ListenerAction::RedirectToHttps;
    let group = ScheduleGroup {
        name: name.into(),
        tags: tags.clone(),
    };
    let record = RecordChange::Create(RecordSet {
        name: "acme.example.com".into(),
        kind: RecordKind::Cname,
        content: RecordContent::Values {
            ttl: 60,
            values: vec!["b.example.com".into()],
        },
    });
    let failures = failures![
        aws.list_services(name),
        aws.describe_services(name, &names),
        aws.describe_cluster(name),
        aws.describe_task_definition(name),
        aws.register_task_definition(&bridge(), &tags),
        aws.create_service(name, &service(), arn, &[]),
        aws.update_service(name, name, &ServiceUpdate::default(), None, None),
        aws.delete_service(name, name),
        aws.tag_service(arn, &tags),
        aws.untag_service(arn, &["a"]),
        aws.list_service_deployments(name, name),
        aws.stop_service_deployment(arn),
        aws.list_tasks(name, name),
        aws.describe_tasks(name, std::slice::from_ref(arn)),
        aws.run_task(name, &task_request()),
        aws.stop_task(name, arn, name),
        aws.describe_load_balancers(),
        aws.describe_load_balancers_named(&names),
        aws.describe_target_groups(),
        aws.describe_tags(std::slice::from_ref(arn)),
        aws.describe_listeners(arn),
        aws.describe_load_balancer_attributes(arn),
        aws.describe_listener_certificates(arn),
        aws.describe_target_group_attributes(arn),
        aws.create_load_balancer(&load_balancers::load_balancer()),
        aws.set_subnets(arn, &names),
        aws.set_security_groups(arn, &names),
        aws.modify_load_balancer_attributes(arn, LoadBalancerAttributes { idle_timeout: 60 }),
        aws.delete_load_balancer(arn),
        aws.create_target_group(&target_groups::target_group()),
        aws.modify_target_group(arn, &target_groups::target_group().check),
        aws.modify_target_group_attributes(arn, &target_groups::target_group().attributes),
        aws.delete_target_group(arn),
        aws.create_listener(arn, &listeners::listener(), &action),
        aws.modify_listener(arn, &listeners::listener(), &action),
        aws.delete_listener(arn),
        aws.add_listener_certificate(arn, name),
        aws.remove_listener_certificate(arn, name),
        aws.add_tags(std::slice::from_ref(arn), &tags),
        aws.remove_tags(std::slice::from_ref(arn), &["a"]),
        aws.zone_name(name),
        aws.list_records(name),
        aws.list_name(name, "acme.example.com"),
        aws.change_records(name, std::slice::from_ref(&record)),
        aws.get_schedule_group(name),
        aws.list_schedule_group_tags(arn),
        aws.list_schedules(name, name),
        aws.get_schedule(name, name),
        aws.create_schedule_group(&group),
        aws.create_schedule(&schedule(), &target()),
        aws.update_schedule(&schedule(), &target()),
        aws.delete_schedule(name, name),
        aws.scalable_targets(name, &names),
        aws.register_scalable_target(name, name, Range { min: 1, max: 2 }, Some(&tags)),
        aws.deregister_scalable_target(name, name),
        aws.tag_scalable_target(arn, &tags),
        aws.log_group(name),
        aws.log_group_names(name),
        aws.create_log_group(name, None, &tags),
        aws.put_retention_policy(name, 30),
        aws.associate_kms_key(name, name),
        aws.tag_log_group(arn, &tags),
        aws.untag_log_group(arn, &[name]),
        aws.delete_log_group(name),
        aws.untag_scalable_target(arn, &["a"]),
        aws.put_scaling_policy(name, name, &policy()),
        aws.delete_scaling_policy(name, name, name),
        aws.put_scheduled_action(name, name, name, &scheduled_action()),
        aws.delete_scheduled_action(name, name, name),
    ];
    failures.into_iter().flatten().collect()
}

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>500 Internal Server Error</title></head></html>";

async fn check(status: u16, body: &str, expected: Fault) {
    let failures = each(status, body).await;
    let optional = failures.iter().filter(|error| error.action == OPTIONAL).count();
    assert_eq!(failures.len() - optional, OPERATIONS - 1, "{status} {body}");
    assert_eq!(optional == 1, expected == TRANSIENT, "{status} {body}");
    let actions: BTreeSet<&str> = failures.iter().map(|error| error.action).collect();
    assert!(actions.len() > 30, "{actions:?}");
    for error in failures {
        assert_eq!(error.fault, expected, "{status} {body}: {error}");
    }
}

#[tokio::test]
async fn a_server_out_of_order_passes_whatever_its_body() {
    let bodies = [
        PAGE,
        "",
        "{}",
        "[]",
        "null",
        "not json",
        "{\"message\": \"oops\"}",
        "{\"__type\": \"com.amazonaws#SomethingNew\", \"message\": \"oops\"}",
        "<ErrorResponse/>",
        "<Error><Code>",
    ];
    for status in [500, 502, 503, 504] {
        for body in bodies {
            check(status, body, TRANSIENT).await;
        }
    }
}

#[tokio::test]
async fn an_operation_that_nobody_implements_does_not_pass() {
    for body in [PAGE, "", "{}", "<ErrorResponse/>"] {
        check(501, body, BUG).await;
    }
    check(404, PAGE, BUG).await;
}
