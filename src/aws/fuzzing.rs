//! Replies of AWS, or of whatever answers in its place: read without panic, and into no more than they hold.
//!
//! An input is a line and the bodies that follow it, `---` between two of them: the replies to one call, of which the last is
//! given again and again. The line is a letter for the call, a digit for the status, and an error's code, if one is to stand in
//! the header.

#![expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]

mod logs;
mod samples;
mod secrets;
mod world;

pub use logs::logs;
pub use secrets::secrets;

use aws_config::SdkConfig;

use samples::{arn, load_balancer, service, target_group, task_definition, task_request};
use world::{World, said};

use super::clients::{self, AwsClients, Role, Zones};
use super::{
    AutoScaling, AutoScalingWrites, Ecs, EcsWrites, Elbv2, Elbv2Writes, Route53, Route53Writes, Scheduler,
    SchedulerWrites,
};
use crate::metrics::Metrics;
use crate::model::load_balancer::{Listener, ListenerAction, ListenerProtocol};
use crate::model::owner::{Tags, owner_in_record_text};
use crate::model::record::{RecordChange, RecordSet};
use crate::model::scaling::{Metric, Range, ScalingPolicy};
use crate::model::schedule::ScheduleGroup;
use crate::model::service::ServiceUpdate;

/// ECS's replies.
pub fn ecs(data: &[u8]) {
    const CLUSTER: &str = "staging";
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let names = ["shop_acme_web".to_owned(), "shop_acme_worker".to_owned()];
    let arn = arn("arn:aws:ecs:us-east-1:123456789012:service/staging/shop_acme_web");
    world.check(async {
        match world.call % 18 {
            0 => said(&aws.list_services(CLUSTER).await),
            1 => said(&aws.describe_services(CLUSTER, &names).await),
            2 => said(&aws.describe_cluster(CLUSTER).await),
            3 => said(&aws.capacity_provider_kinds(&names).await),
            4 => said(&aws.describe_task_definition("shop_acme_web").await),
            5 => said(&aws.list_service_deployments(CLUSTER, &names[0]).await),
            6 => said(
                &aws.register_task_definition(&task_definition(), &Tags::new())
                    .await,
            ),
            7 => said(&aws.create_service(CLUSTER, &service(), &arn, &[]).await),
            8 => {
                let update = ServiceUpdate {
                    desired_count: Some(2),
                    ..ServiceUpdate::default()
                };
                said(&aws.update_service(CLUSTER, &names[0], &update, None, None).await)
            }
            9 => said(&aws.delete_service(CLUSTER, &names[0]).await),
            10 => said(&aws.tag_service(&arn, &Tags::new()).await),
            11 => said(&aws.untag_service(&arn, &["key"]).await),
            12 => said(&aws.stop_service_deployment(&arn).await),
            13 => said(&aws.list_services("").await),
            14 => said(&aws.list_tasks(CLUSTER, "shop_acme_migrate").await),
            15 => said(&aws.describe_tasks(CLUSTER, std::slice::from_ref(&arn)).await),
            16 => said(&aws.run_task(CLUSTER, &task_request()).await),
            _ => said(&aws.stop_task(CLUSTER, &arn, "no").await),
        }
    });
}

/// The replies of Elastic Load Balancing.
pub fn elbv2(data: &[u8]) {
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let names = ["e-acme-web-abcdef".to_owned()];
    let arns = [
        arn(
            "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/e-acme-web-abcdef/50dc6c49",
        ),
        arn("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/e-acme-web-abcdef/73e2d6bc"),
    ];
    let [balancer, group] = &arns;
    let listener = Listener {
        port: 443,
        protocol: ListenerProtocol::Https,
        certificates: vec!["arn:aws:acm:us-east-1:123456789012:certificate/1".into()],
        action: ListenerAction::Forward(names[0].clone()),
        tags: Tags::new(),
    };
    let action = ListenerAction::Forward(group.clone());
    world.check(async {
        match world.call % 16 {
            0 => said(&aws.describe_load_balancers().await),
            1 => said(&aws.describe_load_balancers_named(&names).await),
            2 => said(&aws.describe_target_groups().await),
            3 => said(&aws.describe_target_groups_named(&names).await),
            4 => said(&aws.describe_tags(&arns).await),
            5 => said(&aws.describe_listeners(balancer).await),
            6 => said(&aws.describe_load_balancer_attributes(balancer).await),
            7 => said(&aws.describe_listener_certificates(balancer).await),
            8 => said(&aws.describe_target_group_attributes(group).await),
            9 => said(&aws.create_load_balancer(&load_balancer()).await),
            10 => said(&aws.create_target_group(&target_group()).await),
            11 => said(&aws.create_listener(balancer, &listener, &action).await),
            12 => said(&aws.modify_listener(balancer, &listener, &action).await),
            13 => said(&aws.set_subnets(balancer, &names).await),
            14 => said(&aws.delete_target_group(group).await),
            _ => said(&aws.add_tags(&arns, &Tags::new()).await),
        }
    });
}

/// The replies of Route 53. Whatever record is listed, its ownership can be told, and a delete can repeat it.
pub fn route53(data: &[u8]) {
    const ZONE: &str = "Z123";
    const CHANGED: &str = "<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id><Status>PENDING</Status>\
         <SubmittedAt>2026-01-02T03:04:05.678Z</SubmittedAt></ChangeInfo></ChangeResourceRecordSetsResponse>";
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    world.check(async {
        let found = match world.call % 4 {
            0 => aws.list_records(ZONE).await.map(Option::unwrap_or_default),
            1 => aws.list_name(ZONE, "acme.example.com").await,
            2 => return said(&aws.zone_name(ZONE).await),
            _ => return said(&aws.change_records(ZONE, &[]).await),
        };
        let said = said(&found);
        let changes = found.unwrap_or_default().into_iter();
        let changes: Vec<RecordChange> = changes
            .filter(is_ours_to_delete)
            .map(RecordChange::Delete)
            .collect();
        world.peer.answers.set(200, None, vec![CHANGED.into()]);
        let sent = aws.change_records(ZONE, &changes).await;
        assert_eq!(sent, Ok(()), "{changes:?}");
        said
    });
}

fn is_ours_to_delete(record: &RecordSet) -> bool {
    let text = record.text();
    assert!(text.len() <= said(&Ok(&record.content)).len());
    let about = record.about();
    assert!(record.name.ends_with(about));
    let (owner, _, _) = (owner_in_record_text(&text), record.target(), record.ttl());
    assert!(owner.is_none() || record.marks().is_some() || !text.is_empty());
    !record.is_routed()
}

/// The replies of EventBridge Scheduler.
pub fn scheduler(data: &[u8]) {
    const GROUP: &str = "empire-abcdefghijkl";
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let group = ScheduleGroup {
        name: GROUP.into(),
        tags: Tags::new(),
    };
    let arn = arn("arn:aws:scheduler:us-east-1:123456789012:schedule-group/empire-abcdefghijkl");
    world.check(async {
        match world.call % 6 {
            0 => said(&aws.get_schedule_group(GROUP).await),
            1 => said(&aws.list_schedule_group_tags(&arn).await),
            2 => said(&aws.list_schedules(GROUP, "acme-").await),
            3 => said(&aws.get_schedule(GROUP, "acme-nightly").await),
            4 => said(&aws.create_schedule_group(&group).await),
            _ => said(&aws.delete_schedule(GROUP, "acme-nightly").await),
        }
    });
}

/// The replies of Application Auto Scaling.
pub fn autoscaling(data: &[u8]) {
    const CLUSTER: &str = "staging";
    const SERVICE: &str = "shop_acme_web";
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let arn = arn("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/0ec5a1b2");
    let policy = ScalingPolicy {
        name: "empire-cpu".into(),
        metric: Metric::Cpu,
        value: 70,
        scale_in_cooldown: None,
        scale_out_cooldown: None,
    };
    let range = Range { min: 1, max: 4 };
    world.check(async {
        match world.call % 5 {
            0 => said(&aws.scalable_targets(CLUSTER, &[SERVICE.into()]).await),
            1 => said(&aws.register_scalable_target(CLUSTER, SERVICE, range, None).await),
            2 => said(&aws.put_scaling_policy(CLUSTER, SERVICE, &policy).await),
            3 => said(&aws.deregister_scalable_target(CLUSTER, SERVICE).await),
            _ => said(&aws.tag_scalable_target(&arn, &Tags::new()).await),
        }
    });
}

/// The reply to `AssumeRole`, before the first call of a Platform with a role; the same reply, to that call.
pub fn sts(data: &[u8]) {
    let Some(world) = World::of(data) else {
        return;
    };
    let role = Role {
        arn: "arn:aws:iam::123456789012:role/empire".into(),
        external_id: None,
    };
    world.check(async {
        let metrics = Metrics::default();
        let mut config = world.peer.answers.config().into_builder();
        config.set_time_source(world.peer.loaded.as_ref().and_then(SdkConfig::time_source));
        let config = clients::assumed(config.build(), &role, &metrics).await;
        let aws = AwsClients::new(&config, &Zones::default(), &metrics);
        said(&aws.list_services("staging").await)
    });
}
