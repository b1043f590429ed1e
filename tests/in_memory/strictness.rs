//! The in-memory AWS refuses what AWS refuses: without this, nothing that is proved on it means anything.

use std::collections::BTreeMap;

use empire_controller::aws::{AwsError, Ecs, EcsWrites, Elbv2, Elbv2Writes, Fault, Route53Writes};
use empire_controller::model::class::Class;
use empire_controller::model::container::{Container, HostPort};
use empire_controller::model::desired::{DesiredProcess, LoadBalancing};
use empire_controller::model::load_balancer::{Listener, ListenerAction, LoadBalancer, TargetGroup};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{AppName, Owner};
use empire_controller::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use empire_controller::model::secret::Secrets;
use empire_controller::model::service::{Attachment, LaunchType, Service, ServiceUpdate, TaskDefinition};
use empire_controller::model::state::ServiceStatus;
use futures::FutureExt;

use crate::fake_aws::{Disturbance, FakeAws, When};
use crate::fixtures::{AppFixture, ProcessFixture, acme, staging};

pub(crate) const CLUSTER: &str = "default";
const ZONE: &str = "ZINTERNAL";

pub(crate) fn aws() -> FakeAws {
    FakeAws::new(&[CLUSTER], &[(ZONE, "example.com")])
}

pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

#[track_caller]
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, AwsError>, code: &str, message: &str) -> Fault {
    let error = result.unwrap_err();
    assert_eq!(error.code, code, "{error}");
    assert!(error.message.contains(message), "{error}");
    error.fault
}

/// Returns the process that the manifest of acme's web means, with a host port that is claimed.
pub(crate) fn web() -> DesiredProcess {
    let mut web = meaning(&acme());
    web.task_definition.main.ports[0].host_port = HostPort::Fixed(9000);
    web
}

/// Returns the load balancing that an exposure of it means.
pub(crate) fn balancing_of(web: ProcessFixture) -> LoadBalancing {
    meaning(&acme().process("web", web)).load_balancing.unwrap()
}

fn meaning(app: &AppFixture) -> DesiredProcess {
    let owner = Owner {
        installation: "installation-1".into(),
        app: AppName {
            namespace: "shop".into(),
            name: "acme".into(),
        },
    };
    let platform = staging().bridge_ports(9000, 9010).build();
    let built = empire_controller::desired::build(
        &app.build(),
        &platform,
        &owner,
        &BTreeMap::new(),
        &Secrets::default(),
    )
    .unwrap();
    built.desired.processes["web"].clone()
}

fn service() -> Service {
    web().service().unwrap().clone()
}

fn balancing() -> LoadBalancing {
    web().load_balancing.unwrap()
}

pub(crate) struct Made {
    pub(crate) load_balancer: Arn,
    pub(crate) target_group: Arn,
    definition: Arn,
    attachments: Vec<Attachment<Arn>>,
}

/// All that a service needs, but for the listener.
pub(crate) fn make(aws: &FakeAws) -> Made {
    let LoadBalancing {
        load_balancer, ports, ..
    } = balancing();
    let target_group = now(aws.create_target_group(&ports[0].target_group)).unwrap().arn;
    let DesiredProcess { task_definition, .. } = web();
    Made {
        load_balancer: now(aws.create_load_balancer(&load_balancer)).unwrap().arn,
        definition: now(aws.register_task_definition(&task_definition, web().tags()))
            .unwrap()
            .arn,
        attachments: vec![Attachment {
            target_group: target_group.clone(),
            container: "web".into(),
            container_port: 8080,
        }],
        target_group,
    }
}

fn forward(made: &Made) -> ListenerAction<Arn> {
    ListenerAction::Forward(made.target_group.clone())
}

pub(crate) fn listen(aws: &FakeAws, made: &Made) {
    let listener = balancing().listeners.remove(0);
    let action = forward(made);
    now(aws.create_listener(&made.load_balancer, &listener, &action)).unwrap();
}

pub(crate) fn serve(aws: &FakeAws, made: &Made) {
    now(aws.create_service(CLUSTER, &service(), &made.definition, &made.attachments)).unwrap();
}

fn is_rolled_out(aws: &FakeAws, name: &str) -> bool {
    let found = now(aws.describe_services(CLUSTER, &[name.to_owned()])).unwrap();
    found[0].is_rolled_out() && found[0].running == found[0].desired
}

#[test]
fn a_load_balancer_or_target_group_of_equal_settings_is_the_same_and_of_others_a_duplicate() {
    let aws = aws();
    let LoadBalancing {
        load_balancer, ports, ..
    } = balancing();
    let target_group = ports[0].target_group.clone();
    let first = now(aws.create_load_balancer(&load_balancer)).unwrap();
    assert_eq!(
        now(aws.create_load_balancer(&load_balancer)).unwrap().arn,
        first.arn
    );
    let other = LoadBalancer {
        tags: [("team".into(), "theirs".into())].into(),
        ..load_balancer
    };
    let fault = refused(
        now(aws.create_load_balancer(&other)),
        "DuplicateLoadBalancerName",
        "different settings",
    );
    assert_eq!(fault, Fault::Stale);

    let first = now(aws.create_target_group(&target_group)).unwrap();
    assert_eq!(first.attributes.unwrap().deregistration_delay, 300);
    assert_eq!(
        now(aws.create_target_group(&target_group)).unwrap().arn,
        first.arn
    );
    let mut other: TargetGroup = target_group;
    other.check.interval = 77;
    let fault = refused(
        now(aws.create_target_group(&other)),
        "DuplicateTargetGroupName",
        "different settings",
    );
    assert_eq!(fault, Fault::Stale);
}

#[test]
fn a_service_needs_a_target_group_with_a_load_balancer_in_front() {
    let aws = aws();
    let made = make(&aws);
    let create = || now(aws.create_service(CLUSTER, &service(), &made.definition, &made.attachments));
    let fault = refused(
        create(),
        "InvalidParameterException",
        "does not have an associated load balancer",
    );
    assert_eq!(fault, Fault::Pending);
    listen(&aws, &made);
    create().unwrap();
    let fault = refused(
        create(),
        "InvalidParameterException",
        "Creation of service was not idempotent",
    );
    assert_eq!(fault, Fault::Stale);
}

#[test]
fn a_service_drains_unlisted_before_its_name_is_free() {
    let aws = aws();
    let made = make(&aws);
    listen(&aws, &made);
    serve(&aws, &made);
    now(aws.delete_service(CLUSTER, "shop_acme_web")).unwrap();
    assert!(now(aws.list_services(CLUSTER)).unwrap().is_empty());
    let names = ["shop_acme_web".to_owned()];
    let found = now(aws.describe_services(CLUSTER, &names)).unwrap();
    assert_eq!(found[0].status, ServiceStatus::Draining);
    let again = now(aws.create_service(CLUSTER, &service(), &made.definition, &made.attachments));
    assert_eq!(
        refused(again, "InvalidParameterException", "still Draining"),
        Fault::Pending
    );
    let update = ServiceUpdate {
        desired_count: Some(3),
        ..ServiceUpdate::default()
    };
    let updated = now(aws.update_service(CLUSTER, "shop_acme_web", &update, None, None));
    refused(updated, "ServiceNotActiveException", "");
    aws.advance(60);
    assert!(now(aws.describe_services(CLUSTER, &names)).unwrap().is_empty());
    serve(&aws, &made);
}

#[test]
fn a_port_that_another_service_has_or_only_just_had_is_not_free() {
    let aws = aws();
    let made = make(&aws);
    listen(&aws, &made);
    serve(&aws, &made);
    aws.advance(60);
    let mut other = service();
    other.name = "shop_other_web".into();
    other.settings.grace_period = None;
    // It would give up, and rightly so.
    other.settings.deployment.circuit_breaker.enable = false;
    now(aws.create_service(CLUSTER, &other, &made.definition, &[])).unwrap();
    aws.advance(60);
    assert!(!is_rolled_out(&aws, "shop_other_web"));
    now(aws.delete_service(CLUSTER, "shop_acme_web")).unwrap();
    aws.advance(26);
    let gone = now(aws.describe_services(CLUSTER, &["shop_acme_web".to_owned()])).unwrap();
    assert!(gone.is_empty() && !is_rolled_out(&aws, "shop_other_web"));
    aws.advance(60);
    assert!(is_rolled_out(&aws, "shop_other_web"));
}

#[test]
fn a_rollout_does_not_end_without_its_target_group_and_scaling_starts_none() {
    let aws = aws();
    let made = make(&aws);
    listen(&aws, &made);
    serve(&aws, &made);
    assert!(!is_rolled_out(&aws, "shop_acme_web"));
    aws.advance(60);
    assert!(is_rolled_out(&aws, "shop_acme_web"));
    let scaled = ServiceUpdate {
        desired_count: Some(3),
        ..ServiceUpdate::default()
    };
    let update = |update: &ServiceUpdate, definition: Option<&Arn>| {
        now(aws.update_service(CLUSTER, "shop_acme_web", update, definition, None)).unwrap()
    };
    let reply = update(&scaled, None);
    assert!(reply.deployments.len() == 1 && reply.running == 2 && reply.tags.is_empty());
    aws.advance(60);
    assert!(is_rolled_out(&aws, "shop_acme_web"));

    aws.by_hand()
        .delete_load_balancer(&balancing().load_balancer.name);
    let next = now(aws.register_task_definition(&web().task_definition, web().tags())).unwrap();
    assert_eq!(
        update(&ServiceUpdate::default(), Some(&next.arn))
            .deployments
            .len(),
        2
    );
    aws.advance(600);
    assert!(!is_rolled_out(&aws, "shop_acme_web"));
}

#[test]
fn a_task_definition_has_what_its_secrets_need_and_no_limit_that_fargate_lacks() {
    let aws = aws();
    let register = |content: TaskDefinition, message: &str| {
        let registered = now(aws.register_task_definition(&content, web().tags()));
        refused(registered, "ClientException", message);
    };
    let arn = || "arn:aws:ssm:us-east-1:123456789012:parameter/x".to_owned();
    let secrets = |name: &str| [(name.to_owned(), arn())].into();
    let content = web().task_definition;
    register(
        TaskDefinition {
            main: Container {
                secrets: secrets("TOKEN"),
                ..content.main.clone()
            },
            ..content.clone()
        },
        "executionRoleArn",
    );
    register(
        TaskDefinition {
            main: Container {
                secrets: secrets("PORT"),
                ..content.main.clone()
            },
            execution_role_arn: Some("arn:aws:iam::123456789012:role/execution".into()),
            ..content.clone()
        },
        "must be unique",
    );
    register(
        TaskDefinition {
            main: Container {
                image: "i".repeat(256),
                ..content.main.clone()
            },
            ..content.clone()
        },
        "255 characters or less",
    );
    register(
        TaskDefinition {
            main: Container {
                command: vec!["x".repeat(65_536)],
                ..content.main.clone()
            },
            ..content.clone()
        },
        "Max allowed length is '65536' bytes",
    );
    register(
        TaskDefinition {
            launch_type: LaunchType::ManagedInstances,
            ..content.clone()
        },
        "network mode bridge",
    );
    let fargate = TaskDefinition {
        launch_type: LaunchType::Fargate,
        ..content
    };
    register(
        TaskDefinition {
            main: Container {
                process_limit: Some(512),
                ..fargate.main.clone()
            },
            ..fargate.clone()
        },
        "nproc",
    );
    register(
        TaskDefinition {
            main: Container {
                stop_timeout: Some(121),
                ..fargate.main.clone()
            },
            ..fargate
        },
        "120 seconds",
    );
}

#[test]
fn the_container_ports_of_target_groups_are_those_of_the_task_definition() {
    let aws = aws();
    let made = make(&aws);
    listen(&aws, &made);
    serve(&aws, &made);
    let unported = TaskDefinition {
        main: Container {
            ports: Vec::new(),
            ..web().task_definition.main
        },
        ..web().task_definition
    };
    let unported = now(aws.register_task_definition(&unported, web().tags())).unwrap();
    let update = |attachments: Option<&[Attachment<Arn>]>, grace: Option<u32>| {
        let update = ServiceUpdate {
            grace_period: grace,
            ..ServiceUpdate::default()
        };
        now(aws.update_service(
            CLUSTER,
            "shop_acme_web",
            &update,
            Some(&unported.arn),
            attachments,
        ))
    };
    refused(
        update(None, None),
        "InvalidParameterException",
        "did not have a container port 8080",
    );
    refused(
        update(Some(&[]), None),
        "InvalidParameterException",
        "grace period",
    );
    let six = vec![made.attachments[0].clone(); 6];
    let many = now(aws.update_service(
        CLUSTER,
        "shop_acme_web",
        &ServiceUpdate::default(),
        None,
        Some(&six),
    ));
    refused(many, "InvalidParameterException", "at most 5");
    update(Some(&[]), Some(0)).unwrap();
}

#[test]
fn a_target_group_serves_one_load_balancer_and_stays_while_one_forwards_to_it() {
    let aws = aws();
    let made = make(&aws);
    listen(&aws, &made);
    let delete = || now(aws.delete_target_group(&made.target_group));
    assert_eq!(refused(delete(), "ResourceInUse", "in use"), Fault::Pending);
    let other = LoadBalancer {
        name: "e-other".into(),
        ..balancing().load_balancer
    };
    let other = now(aws.create_load_balancer(&other)).unwrap().arn;
    let listener: Listener = balancing().listeners.remove(0);
    let second = now(aws.create_listener(&other, &listener, &forward(&made)));
    assert_eq!(refused(second, "TargetGroupAssociationLimit", ""), Fault::Stale);
    let gone = now(aws.create_listener(&Arn("arn:gone".into()), &listener, &forward(&made)));
    assert_eq!(refused(gone, "LoadBalancerNotFound", ""), Fault::Stale);

    now(aws.delete_load_balancer(&made.load_balancer)).unwrap();
    refused(delete(), "ResourceInUse", "in use");
    aws.advance(60);
    delete().unwrap();
    delete().unwrap();
}

fn cname(name: &str, target: &str) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind: RecordKind::Cname,
        content: RecordContent::Values {
            ttl: 60,
            values: vec![target.into()],
        },
    }
}

#[test]
fn a_batch_of_records_happens_whole_or_not_at_all() {
    let aws = aws();
    let change = |changes: &[RecordChange]| now(aws.change_records(ZONE, changes));
    let create = |name: &str| RecordChange::Create(cname(name, "target.example.net"));
    change(&[create("a.example.com")]).unwrap();
    let before = aws.snapshot();
    let refusals = [
        (
            vec![create("b.example.com"), create("a.example.com")],
            "already exists",
        ),
        (vec![create("example.com")], "not permitted at apex"),
        (vec![create("b.example.org")], "not permitted in zone"),
        (
            vec![RecordChange::Delete(cname("a.example.com", "other.example.net"))],
            "do not match",
        ),
        (
            vec![RecordChange::Delete(cname("b.example.com", "target.example.net"))],
            "not found",
        ),
        (
            vec![RecordChange::Create(RecordSet {
                kind: RecordKind::A,
                ..cname("a.example.com", "192.0.2.1")
            })],
            "conflicts with other records",
        ),
        (
            (0..1_001).map(|n| create(&format!("n{n}.example.com"))).collect(),
            "1000 exceeded",
        ),
    ];
    for (changes, message) in refusals {
        assert_eq!(
            refused(change(&changes), "InvalidChangeBatch", message),
            Fault::Stale
        );
        assert_eq!(aws.snapshot(), before);
    }
    let swap = [
        RecordChange::Delete(cname("a.example.com", "target.example.net")),
        RecordChange::Create(cname("a.example.com", "other.example.net")),
    ];
    change(&swap).unwrap();
    let nowhere = now(aws.change_records("ZNONE", &swap));
    assert_eq!(
        refused(nowhere, "NoSuchHostedZone", ""),
        Fault::Failed(Class::Denied)
    );
}

#[test]
fn a_lost_reply_took_effect_and_a_dead_controller_makes_no_more_calls() {
    let aws = aws();
    let target_group = balancing().ports.remove(0).target_group;
    aws.disturb_write(0, Disturbance::Timeout(When::Before));
    refused(now(aws.create_target_group(&target_group)), "Timeout", "");
    assert!(now(aws.describe_target_groups()).unwrap().is_empty());
    aws.disturb_write(0, Disturbance::Timeout(When::After));
    refused(now(aws.create_target_group(&target_group)), "Timeout", "");
    assert_eq!(now(aws.describe_target_groups()).unwrap().len(), 1);
    aws.disturb_write(0, Disturbance::Crash(When::After));
    refused(
        now(aws.create_load_balancer(&balancing().load_balancer)),
        "ConnectionFailure",
        "",
    );
    refused(now(aws.describe_load_balancers()), "ConnectionFailure", "");
    aws.calm();
    assert_eq!(now(aws.describe_load_balancers()).unwrap().len(), 1);
}
