//! Replies of AWS, or of whatever answers in its place: read without panic, and into no more than they hold.
//!
//! An input is a line and the bodies that follow it, `---` between two of them: the replies to one call, of which the last is
//! given again and again. The line is a letter for the call, a digit for the status, and an error's code, if one is to stand in
//! the header.

#![expect(clippy::missing_panics_doc, reason = "to panic is what they are for")]

use std::fmt::Debug;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::test_util::infallible_client_fn;
use aws_smithy_types::body::SdkBody;
use tokio::runtime::{Builder, Runtime};

use super::clients::{self, AwsClients, Role, Zones};
use super::unconnected::config;
use super::{
    AutoScaling, AutoScalingWrites, Ecs, EcsWrites, Elbv2, Elbv2Writes, Result, Route53, Route53Writes,
    Scheduler, SchedulerWrites,
};
use crate::metrics::Metrics;
use crate::model::container::Container;
use crate::model::load_balancer::{
    HealthCheck, Listener, ListenerAction, ListenerProtocol, LoadBalancer, LoadBalancerKind, Probe, Scheme,
    TargetGroup, TargetGroupAttributes, TargetProtocol, TargetType,
};
use crate::model::name::Arn;
use crate::model::owner::{Tags, owner_in_record_text};
use crate::model::record::{RecordChange, RecordSet};
use crate::model::release::{Placing, TaskRequest};
use crate::model::scaling::{Metric, Range, ScalingPolicy};
use crate::model::schedule::ScheduleGroup;
use crate::model::service::{
    Capacity, CircuitBreaker, DeploymentConfiguration, LaunchType, NetworkMode, Service, ServiceSettings,
    ServiceUpdate, TaskDefinition,
};
use crate::model::small_map::SmallMap;
use crate::model::small_set::SmallSet;

const STATUSES: [u16; 10] = [200, 200, 200, 400, 403, 404, 413, 429, 500, 503];

/// Between two bodies.
const NEXT: &str = "\n---\n";

/// Bytes that the text of what was read may have for each byte that was read: the names of its fields are in it.
const GROWTH: usize = 512;

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

fn task_request() -> TaskRequest {
    TaskRequest {
        process: "migrate".into(),
        task_definition: arn("arn:aws:ecs:us-east-1:123456789012:task-definition/shop_acme_migrate:1"),
        placing: Placing {
            capacity: Capacity::LaunchType(LaunchType::Fargate),
            constraints: Vec::new(),
            network: None,
        },
        token: "0123456789abcdef".into(),
        overrides: None,
    }
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

/// One input: the call, and the clients that are given its replies.
struct World {
    peer: Rc<Peer>,
    call: usize,
    bytes: usize,
}

/// Clients, and what answers them.
struct Peer {
    runtime: Option<Runtime>,
    /// With the clock that real clients have, since the credentials of a role run out.
    loaded: Option<SdkConfig>,
    clients: AwsClients,
    answers: Answers,
}

thread_local! {
    /// Made once, since that takes longer than most calls do.
    static PEER: Rc<Peer> = {
        let answers = Answers::default();
        let config = answers.config();
        let runtime = Builder::new_current_thread().build().ok();
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(config.region().cloned());
        Rc::new(Peer {
            loaded: runtime.as_ref().map(|runtime| runtime.block_on(loader.load())),
            runtime,
            clients: AwsClients::new(&config, &Zones::default(), &Metrics::default()),
            answers,
        })
    };
}

impl World {
    /// Reads an input; `None` if it has no line.
    fn of(data: &[u8]) -> Option<Self> {
        let end = data.iter().position(|byte| *byte == b'\n')?;
        let (line, bodies) = data.split_at(end);
        let [call, status, code @ ..] = line else {
            return None;
        };
        let code = str::from_utf8(code).ok().filter(|code| !code.is_empty());
        let code = code.filter(|code| code.bytes().all(|byte| byte.is_ascii_graphic()));
        let status = STATUSES[usize::from(status.wrapping_sub(b'0')) % STATUSES.len()];
        let peer = PEER.with(Rc::clone);
        peer.answers.set(status, code, split(&bodies[1..]));
        Some(World {
            peer,
            call: usize::from(call.wrapping_sub(b'a')),
            bytes: data.len(),
        })
    }

    /// Makes the calls, and checks the text of what was read.
    fn check(&self, calls: impl Future<Output = String>) {
        let said = self.peer.runtime.as_ref().map(|runtime| runtime.block_on(calls));
        let bytes = said.as_ref().map(String::len);
        assert!(
            bytes.is_some_and(|bytes| bytes <= GROWTH * (self.bytes + 64)),
            "{bytes:?} bytes of {}",
            self.bytes
        );
    }
}

/// Returns what was read, or the error in its own words, as a text.
fn said<T: Debug>(result: &Result<T>) -> String {
    match result {
        Ok(found) => format!("{found:?}"),
        Err(error) => format!("{error} {error:?} {:?}", error.class()),
    }
}

fn split(bodies: &[u8]) -> Vec<Vec<u8>> {
    let (mut split, mut rest) = (Vec::new(), bodies);
    let is_next = |window: &[u8]| window == NEXT.as_bytes();
    while let Some(at) = rest.windows(NEXT.len()).position(is_next) {
        split.push(rest[..at].to_vec());
        rest = &rest[at + NEXT.len()..];
    }
    split.push(rest.to_vec());
    split
}

#[derive(Clone, Default)]
struct Answers(Arc<Mutex<Answer>>);

#[derive(Default)]
struct Answer {
    status: u16,
    code: Option<String>,
    /// The last one first.
    bodies: Vec<Vec<u8>>,
}

impl Answers {
    fn set(&self, status: u16, code: Option<&str>, mut bodies: Vec<Vec<u8>>) {
        bodies.reverse();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Answer {
            status,
            code: code.map(ToOwned::to_owned),
            bodies,
        };
    }

    /// Without retries, so that one call is one request.
    fn config(&self) -> SdkConfig {
        let answers = self.clone();
        let http = infallible_client_fn(move |_| answers.next());
        config(http)
            .into_builder()
            .retry_config(RetryConfig::disabled())
            .build()
    }

    fn next(&self) -> http::Response<SdkBody> {
        let mut answer = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let body = match &mut *answer.bodies {
            [] => Vec::new(),
            [last] => last.clone(),
            [.., _] => answer.bodies.pop().unwrap_or_default(),
        };
        let mut reply = http::Response::builder().status(answer.status);
        if let Some(code) = &answer.code {
            reply = reply.header("x-amzn-errortype", code);
        }
        reply
            .body(SdkBody::from(body))
            .unwrap_or_else(|_| http::Response::new(SdkBody::empty()))
    }
}

fn arn(arn: &str) -> Arn {
    Arn(arn.into())
}

fn service() -> Service {
    Service {
        name: "shop_acme_web".into(),
        capacity: Capacity::LaunchType(LaunchType::Ec2),
        quantity: Some(2),
        scaling: None,
        progress_deadline: 600,
        rolls_back: true,
        given_percent: (None, None),
        given_grace_period: false,
        redeploy: None,
        settings: ServiceSettings {
            deployment: DeploymentConfiguration {
                minimum_healthy_percent: 100,
                maximum_percent: 200,
                circuit_breaker: CircuitBreaker {
                    enable: true,
                    rollback: true,
                },
            },
            zone_rebalancing: true,
            constraints: Vec::new(),
            placement: Vec::new(),
            grace_period: None,
            network: None,
            exec: None,
        },
        tags: Tags::new(),
    }
}

fn task_definition() -> TaskDefinition {
    TaskDefinition {
        family: "shop_acme_web".into(),
        network_mode: NetworkMode::Bridge,
        launch_type: LaunchType::Ec2,
        execution_role_arn: None,
        task_role_arn: None,
        ephemeral_storage: None,
        architecture: None,
        volumes: SmallMap::new(),
        members: None,
        main: Container {
            name: "web".into(),
            image: "registry.example.com/acme:v42".into(),
            command: vec!["./bin/web".into()],
            cpu: 256,
            memory: 512,
            ..Container::default()
        },
        sidecars: Vec::new(),
    }
}

fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        name: "e-acme-web-abcdef".into(),
        kind: LoadBalancerKind::Application,
        scheme: Scheme::Internal,
        subnets: SmallSet::from(["subnet-a".into(), "subnet-b".into()]),
        security_groups: SmallSet::from(["sg-1".into()]),
        attributes: None,
        tags: Tags::new(),
    }
}

fn target_group() -> TargetGroup {
    TargetGroup {
        name: "e-acme-web-abcdef".into(),
        vpc: "vpc-1".into(),
        protocol: TargetProtocol::Http,
        target_type: TargetType::Instance,
        check: HealthCheck {
            probe: Probe::Tcp,
            interval: 10,
            timeout: 5,
            healthy_threshold: 2,
            unhealthy_threshold: 3,
        },
        attributes: TargetGroupAttributes {
            deregistration_delay: 30,
            preserve_client_ip: None,
            cross_zone: None,
        },
        tags: Tags::new(),
    }
}
