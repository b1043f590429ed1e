//! One verdict for a pass, whatever it left undone.

use serde_json::json;

use super::{Verdict, reason_of, troubles, verdict_of, verdict_of_error};
use crate::api::condition::Reason;
use crate::aws::Fault;
use crate::change::{Change, RecordBatch, ServiceWrite, Tagged, TagsWrite};
use crate::desired::fixtures::app;
use crate::error::Error;
use crate::model::class::Class;
use crate::model::owner::{OWNER_TAG, Tags};
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet, RecordStyle};
use crate::model::service::ServiceUpdate;
use crate::model::state::LoadBalancerStatus;
use crate::plan::fixtures::world::service_of;
use crate::plan::fixtures::{nothing, pointer, settled};
use crate::plan::{Obstacle, ObstacleKind, Pending};
use crate::reconcile::Outcome;
use crate::status::tests::{aws_error, change_of, failure, outcome, wanted};

/// A pass over web and worker that found all as it should be.
fn settled_pass() -> Outcome {
    let desired = wanted(&app(
        json!({ "web": { "command": "run" }, "worker": { "command": "run" } }),
    ));
    outcome(&desired, settled(&desired))
}

fn verdict(change: impl FnOnce(&mut Outcome)) -> Verdict {
    let mut outcome = settled_pass();
    change(&mut outcome);
    verdict_of(&outcome, false)
}

fn pending_rollout() -> Pending {
    Pending::Rollout {
        process: "web".into(),
        service: "shop_acme_web".into(),
    }
}

fn obstacle(kind: ObstacleKind) -> Obstacle {
    Obstacle {
        process: "web".into(),
        kind,
        message: "in the way".into(),
    }
}

#[track_caller]
fn reason(verdict: &Verdict) -> (&'static str, Reason) {
    match verdict {
        Verdict::Reconciling(reason, _) => ("Reconciling", *reason),
        Verdict::Stalled(reason, _) => ("Stalled", *reason),
        Verdict::Disturbed(reason, _) => ("Disturbed", *reason),
        Verdict::Lasting(reason, _) => ("Lasting", *reason),
        Verdict::Denied(reason, _) => ("Denied", *reason),
        Verdict::Ready(message) | Verdict::Suspended(message) => panic!("{message}"),
    }
}

#[test]
fn a_pass_that_left_nothing_is_ready() {
    assert!(matches!(verdict(|_| {}), Verdict::Ready(_)));
}

#[test]
fn anything_short_of_wanted_is_not_ready() {
    let desired = wanted(&app(json!({ "web": { "command": "run", "quantity": 2 } })));
    let check = |change: fn(&mut crate::model::state::Observed)| {
        let mut world = settled(&desired);
        change(&mut world);
        let verdict = verdict_of(&outcome(&desired, world), true);
        assert!(!matches!(verdict, Verdict::Ready(_)), "{verdict:?}");
    };
    check(|world| service_of(world, "web").running = 1);
    check(|world| service_of(world, "web").deployments.clear());
    check(|world| world.services.clear());
    check(|world| {
        world
            .load_balancers
            .values_mut()
            .for_each(|l| l.status = LoadBalancerStatus::Provisioning);
    });
    check(|world| {
        world
            .load_balancers
            .values_mut()
            .for_each(|l| l.status = LoadBalancerStatus::Failed("x".into()));
    });
    check(|world| world.zones.values_mut().for_each(|zone| zone.records.clear()));
    check(|world| world.zones.clear());
}

#[test]
fn each_kind_of_waiting_is_reconciling() {
    let (process, load_balancer) = ("web".to_owned(), "l-1".to_owned());
    for (pending, expected) in [
        (pending_rollout(), Reason::RolloutInProgress),
        (
            Pending::Draining {
                process: process.clone(),
                service: "s-1".into(),
            },
            Reason::Progressing,
        ),
        (
            Pending::Provisioning {
                process: process.clone(),
                load_balancer: load_balancer.clone(),
            },
            Reason::Progressing,
        ),
        (
            Pending::Retiring {
                process: process.clone(),
                load_balancer: load_balancer.clone(),
                edits_wait: false,
            },
            Reason::Progressing,
        ),
        (
            Pending::PortRecovery {
                process: process.clone(),
            },
            Reason::Progressing,
        ),
        (
            Pending::OldZone {
                process: process.clone(),
                zone: "Z1".into(),
                what: "load balancer l-1".into(),
            },
            Reason::Progressing,
        ),
        (
            Pending::Names {
                process,
                load_balancer,
            },
            Reason::Progressing,
        ),
    ] {
        let text = pending.to_string();
        let verdict = verdict(|outcome| outcome.plan.pending.push(pending));
        assert_eq!(reason(&verdict), ("Reconciling", expected));
        let (Verdict::Reconciling(_, message), words) = (&verdict, format!("web: {text}")) else {
            panic!()
        };
        assert!(message.contains(&words), "{message}");
    }
}

#[test]
fn a_rollout_says_what_ecs_said_last() {
    let verdict = verdict(|outcome| {
        service_of(&mut outcome.observed, "web").newest_event = Some("no instance has enough memory".into());
        outcome.plan.pending.push(pending_rollout());
    });
    let Verdict::Reconciling(_, message) = verdict else {
        panic!("{verdict:?}")
    };
    assert!(message.contains("no instance has enough memory"), "{message}");
}

#[test]
fn what_aws_takes_later_is_reconciling() {
    let verdict = verdict(|outcome| {
        outcome.not_ready.push((
            change_of("web"),
            aws_error("InvalidParameterException", Fault::Pending),
        ));
    });
    assert_eq!(reason(&verdict), ("Reconciling", Reason::Progressing));
}

#[test]
fn each_kind_of_obstacle_is_stalled_but_one_that_another_manifest_may_take_away() {
    for (kind, expected) in [
        (ObstacleKind::Foreign, ("Stalled", Reason::Conflict)),
        (ObstacleKind::PortsExhausted, ("Stalled", Reason::PortsExhausted)),
        (ObstacleKind::LoadBalancerFailed, ("Stalled", Reason::Refused)),
        (ObstacleKind::ZoneNotFound, ("Reconciling", Reason::ZoneNotFound)),
    ] {
        let verdict = verdict(|outcome| outcome.plan.obstacles.push(obstacle(kind)));
        assert_eq!(reason(&verdict), expected);
    }
}

#[test]
fn each_class_of_failure_has_its_verdict() {
    for (class, expected) in [
        (Class::Invalid, ("Stalled", Reason::InvalidSpec)),
        (Class::Refused, ("Stalled", Reason::Refused)),
        (Class::Conflict, ("Stalled", Reason::Conflict)),
        (Class::Denied, ("Denied", Reason::AccessDenied)),
        (Class::Throttled, ("Disturbed", Reason::Throttled)),
        (Class::Transient, ("Disturbed", Reason::Unavailable)),
        (Class::Bug, ("Stalled", Reason::InternalError)),
    ] {
        assert_eq!(reason(&verdict_of_error(&failure("Code", class))), expected);
        for held in [false, true] {
            let verdict = verdict(|outcome| {
                let failed = (change_of("web"), failure("Code", class));
                if held {
                    outcome.backing_off.push(failed);
                } else {
                    outcome.failures.push(failed);
                }
            });
            assert_eq!(reason(&verdict), expected, "{held}");
            let (Verdict::Reconciling(_, message)
            | Verdict::Stalled(_, message)
            | Verdict::Disturbed(_, message)
            | Verdict::Denied(_, message)) = verdict
            else {
                panic!()
            };
            assert_eq!(message, "process web: ecs:UpdateService: Code: said AWS of Code");
        }
    }
}

#[test]
fn whatever_moves_makes_it_reconciling_else_whatever_is_stuck_makes_it_stalled() {
    let all = |outcome: &mut Outcome| {
        outcome.failures.push((
            change_of("worker"),
            failure("ThrottlingException", Class::Throttled),
        ));
        outcome.plan.obstacles.push(obstacle(ObstacleKind::Foreign));
        outcome.plan.pending.push(pending_rollout());
    };
    let verdict_of_all = verdict(all);
    assert_eq!(
        reason(&verdict_of_all),
        ("Reconciling", Reason::RolloutInProgress)
    );
    let Verdict::Reconciling(_, message) = verdict_of_all else {
        panic!()
    };
    for part in ["waiting for the rollout", "in the way", "ThrottlingException"] {
        assert!(message.contains(part), "{message}");
    }
    let stuck = verdict(|outcome| {
        all(outcome);
        outcome.plan.pending.clear();
    });
    assert_eq!(reason(&stuck), ("Stalled", Reason::Conflict));
    let disturbed = verdict(|outcome| {
        all(outcome);
        outcome.plan.pending.clear();
        outcome.plan.obstacles.clear();
    });
    assert_eq!(reason(&disturbed), ("Disturbed", Reason::Throttled));
}

#[test]
fn a_denial_says_more_than_a_rollout() {
    let verdict = verdict(|outcome| {
        outcome.plan.pending.push(pending_rollout());
        outcome.failures.push((
            change_of("worker"),
            failure("AccessDeniedException", Class::Denied),
        ));
    });
    assert_eq!(reason(&verdict), ("Reconciling", Reason::AccessDenied));
}

/// The process was told to stop, and wrote no more.
#[test]
fn a_pass_that_was_cut_short_is_not_ready() {
    let verdict = verdict(|outcome| {
        outcome.plan.changes.push(change_of("worker"));
        outcome.plan.changes.push(change_of("web"));
    });
    assert_eq!(
        verdict,
        Verdict::Reconciling(Reason::Progressing, "2 changes still to be made".into())
    );
}

#[test]
fn what_was_put_off_and_not_tried_is_not_ready() {
    let verdict = verdict(|outcome| outcome.plan.deferred.push(change_of("worker")));
    assert_eq!(reason(&verdict), ("Reconciling", Reason::Progressing));
}

#[test]
fn what_failed_is_said_before_what_is_under_way_and_is_trouble_of_its_own() {
    let mut outcome = settled_pass();
    outcome.plan.pending.push(pending_rollout());
    outcome
        .plan
        .obstacles
        .push(obstacle(ObstacleKind::PortsExhausted));
    outcome
        .failures
        .push((change_of("worker"), failure("ValidationError", Class::Refused)));
    let Verdict::Reconciling(Reason::RolloutInProgress, message) = verdict_of(&outcome, false) else {
        panic!()
    };
    let at = |part: &str| message.find(part).unwrap();
    assert!(
        at("in the way") < at("ValidationError") && at("ValidationError") < at("rollout"),
        "{message}"
    );
    let reasons: Vec<Reason> = troubles(&outcome).into_iter().map(|(reason, _)| reason).collect();
    assert_eq!(reasons, [Reason::PortsExhausted, Reason::Refused]);
}

#[test]
fn a_refused_batch_is_said_by_its_names() {
    let record = |name: &str| RecordSet {
        name: name.into(),
        kind: RecordKind::Txt,
        content: RecordContent::Values {
            ttl: 1,
            values: Vec::new(),
        },
    };
    let batch = RecordBatch {
        zone: "Z-1".into(),
        changes: vec![
            RecordChange::Create(record("shop.example.com")),
            RecordChange::Create(record("_empire.shop.example.com")),
        ],
    }
    .into();
    let verdict = verdict(|outcome| {
        outcome
            .failures
            .push((batch, failure("InvalidInput", Class::Refused)));
    });
    let Verdict::Stalled(_, message) = verdict else {
        panic!()
    };
    assert!(message.starts_with("shop.example.com: "), "{message}");
}

#[test]
fn one_message_is_not_told_twice() {
    let verdict = verdict(|outcome| {
        outcome.plan.obstacles.push(obstacle(ObstacleKind::Foreign));
        outcome.plan.obstacles.push(obstacle(ObstacleKind::Foreign));
    });
    assert_eq!(verdict, Verdict::Stalled(Reason::Conflict, "in the way".into()));
}

#[test]
fn suspended_with_changes_says_which_and_in_sync_is_ready() {
    let mut outcome = settled_pass();
    assert!(matches!(verdict_of(&outcome, true), Verdict::Ready(_)));
    outcome.plan.changes.push(change_of("web"));
    assert_eq!(
        verdict_of(&outcome, true),
        Verdict::Suspended("suspended with 1 change pending: delete service shop_acme_web".into())
    );
}

#[test]
fn every_error_has_its_reason() {
    let (access, quota) = (Reason::AccessDenied, Reason::QuotaReached);
    for (error, expected) in [
        (
            failure("ClusterNotFoundException", Class::Denied),
            Reason::ClusterNotFound,
        ),
        (failure("NoSuchHostedZone", Class::Denied), Reason::ZoneNotFound),
        (failure("AccessDenied", Class::Denied), access),
        (failure("AccessDeniedException", Class::Denied), access),
        (failure("ExpiredToken", Class::Denied), access),
        (failure("SubnetNotFound", Class::Denied), Reason::InvalidPlatform),
        (
            failure("OperationNotPermitted", Class::Denied),
            Reason::InvalidPlatform,
        ),
        (failure("LimitExceededException", Class::Denied), quota),
        (failure("LimitsExceeded", Class::Denied), quota),
        (failure("TooManyLoadBalancers", Class::Denied), quota),
        (failure("TooManyTargetGroups", Class::Denied), quota),
        (failure("ServiceQuotaExceededException", Class::Denied), quota),
        (
            failure("ThrottlingException", Class::Throttled),
            Reason::Throttled,
        ),
        // A code that begins like a quota, of another class.
        (
            failure("TooManyRequestsException", Class::Throttled),
            Reason::Throttled,
        ),
        (
            failure("ConnectionFailure", Class::Transient),
            Reason::EndpointUnreachable,
        ),
        (failure("Timeout", Class::Transient), Reason::EndpointUnreachable),
        (
            failure("ServiceUnavailable", Class::Transient),
            Reason::Unavailable,
        ),
        (failure("ValidationError", Class::Refused), Reason::Refused),
        (failure("DuplicateListener", Class::Conflict), Reason::Conflict),
        (
            failure("SerializationException", Class::Bug),
            Reason::InternalError,
        ),
        (
            aws_error("ServiceNotFoundException", Fault::Absent).into(),
            Reason::Unavailable,
        ),
        (
            aws_error("DuplicateListener", Fault::Stale).into(),
            Reason::Unavailable,
        ),
        (Error::Invalid("process web: …".into()), Reason::InvalidSpec),
        (
            Error::Kubernetes {
                action: "claim a port",
                message: "no reply".into(),
            },
            Reason::Unavailable,
        ),
        (
            Error::Forbidden {
                action: "claim a port",
                message: "not allowed".into(),
            },
            access,
        ),
        (
            Error::Outdated {
                action: "claim a port",
            },
            Reason::Unavailable,
        ),
        (Error::Bug("unknown load balancer".into()), Reason::InternalError),
    ] {
        assert_eq!(reason_of(&error), expected, "{error}");
        assert_eq!(reason(&verdict_of_error(&error)).1, expected, "{error}");
    }
}

#[test]
fn a_name_that_was_taken_meanwhile_is_no_trouble_before_the_next_look() {
    let check = |code: &str, told: usize| {
        let mut outcome = settled_pass();
        let error = aws_error(code, Fault::Stale).into();
        outcome.failures.push((change_of("web"), error));
        assert!(
            matches!(verdict_of(&outcome, false), Verdict::Disturbed(..)),
            "{code}"
        );
        assert_eq!(troubles(&outcome).len(), told, "{code}");
    };
    check("DuplicateLoadBalancerName", 0);
    check("DuplicateTargetGroupName", 0);
    check("DuplicateListener", 0);
    check("TargetGroupAssociationLimit", 1);
}

/// A token comes in a moment; what is missing until then is missing, and a name may lead nowhere.
#[test]
fn what_waits_in_line_leaves_a_ready_app_ready_unless_it_does_not_serve() {
    let in_line = || Pending::Budget {
        process: "web".into(),
        bucket: "ecs/service-writes".into(),
        minutes: 1,
    };
    let repair = |outcome: &mut Outcome| {
        outcome.plan.pending.push(in_line());
        outcome.plan.deferred.push(change_of("web"));
    };
    assert_eq!(reason(&verdict(repair)), ("Disturbed", Reason::Progressing));
    assert_eq!(verdict(repair).trouble(), None);
    let with_rollout = verdict(|outcome| {
        repair(outcome);
        outcome.plan.pending.push(pending_rollout());
    });
    assert_eq!(reason(&with_rollout), ("Reconciling", Reason::RolloutInProgress));
    let with_name = verdict(|outcome| {
        repair(outcome);
        outcome.plan.pending.push(Pending::Batch {
            process: "web".into(),
            name: "shop.example.com".into(),
        });
    });
    assert_eq!(reason(&with_name), ("Reconciling", Reason::Progressing));
    let desired = wanted(&app(json!({ "web": { "command": "run" } })));
    let mut gone = outcome(&desired, nothing());
    let changes = std::mem::take(&mut gone.plan.changes);
    gone.plan.deferred.extend(changes);
    gone.plan.pending.push(in_line());
    let gone = verdict_of(&gone, false);
    assert_eq!(reason(&gone), ("Reconciling", Reason::Progressing));
}

/// What `deploy/iam-policy.json` leaves out is named where it is missed, and nowhere else.
#[test]
fn a_denial_names_the_policy_that_would_allow_it() {
    let tags = |key: &str| Tags::from_iter([(key.into(), "i-1".into())]);
    let service = |key: &str| {
        Change::of(
            "web",
            ServiceWrite::Tag {
                service: "shop_acme_web".into(),
                tags: tags(key),
            },
        )
    };
    let group = |key: &str| TagsWrite::Add {
        resources: vec![Tagged::TargetGroup("e-acme-web-1".into())],
        tags: tags(key),
    };
    let exec = |exec| {
        let update = ServiceUpdate {
            desired_count: Some(2),
            exec,
            ..ServiceUpdate::default()
        };
        Change::of(
            "web",
            ServiceWrite::Update {
                service: "shop_acme_web".into(),
                update,
                task_definition: None,
                attachments: None,
                rollout: None,
            },
        )
    };
    let name = |style| RecordBatch {
        zone: "Z1".into(),
        changes: vec![RecordChange::Create(pointer(
            "example.com",
            style,
            "e-acme-web-1",
        ))],
    };
    for (change, hint) in [
        (service(OWNER_TAG), Some("its role needs deploy/iam/adopt.json")),
        (
            group(OWNER_TAG).into(),
            Some("its role needs deploy/iam/adopt.json"),
        ),
        (
            name(RecordStyle::Alias).into(),
            Some("where it is the zone's own name, its role needs deploy/iam/zone-names.json"),
        ),
        (
            exec(Some(true)),
            Some("for ECS Exec, its role needs deploy/iam/exec.json"),
        ),
        (exec(Some(false)), None),
        (exec(None), None),
        (service("team"), None),
        (group("team").into(), None),
        (name(RecordStyle::Cname { ttl: 60 }).into(), None),
        (change_of("web"), None),
    ] {
        let said = |class| {
            let denied = (change.clone(), failure("AccessDeniedException", class));
            let (_, message) = verdict(|outcome| outcome.failures.push(denied))
                .trouble()
                .unwrap();
            message
        };
        let message = said(Class::Denied);
        assert_eq!(message.contains("deploy/iam/"), hint.is_some(), "{message}");
        assert!(
            message.ends_with(hint.unwrap_or("AccessDeniedException")),
            "{message}"
        );
        assert!(!said(Class::Refused).contains("deploy/iam/"));
    }
}
