//! Unsafe steps, each taken on purpose: the in-memory AWS notices it.

use empire_controller::aws::{EcsWrites, Elbv2, Elbv2Writes, Route53, Route53Writes};
use empire_controller::model::record::{RecordChange, RecordContent, RecordKind, RecordSet};
use empire_controller::model::service::ServiceUpdate;
use empire_controller::model::state::LoadBalancerState;
use futures::FutureExt;

use crate::fake_aws::FakeAws;
use crate::fixtures::{acme, staging};
use crate::world::World;

const ZONE: &str = "ZINTERNAL";

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

/// A settled App, and one unsafe step.
#[track_caller]
fn check(step: impl FnOnce(&FakeAws, LoadBalancerState), violation: &str) {
    let mut world = World::new(&staging());
    world.apply(&acme());
    world.settle();
    let load_balancer = now(world.aws.describe_load_balancers()).unwrap().remove(0);
    step(&world.aws, load_balancer);
    let violations = world.aws.violations();
    assert!(
        violations.iter().any(|found| found.contains(violation)),
        "{violations:?}"
    );
}

fn names(aws: &FakeAws) -> Vec<RecordSet> {
    let mut records = now(aws.list_records(ZONE)).unwrap().unwrap();
    records.retain(|record| record.kind == RecordKind::Cname);
    records
}

fn drop_names(aws: &FakeAws) {
    let changes: Vec<RecordChange> = names(aws).into_iter().map(RecordChange::Delete).collect();
    now(aws.change_records(ZONE, &changes)).unwrap();
}

fn detach(aws: &FakeAws) {
    let update = ServiceUpdate {
        grace_period: Some(0),
        ..ServiceUpdate::default()
    };
    now(aws.update_service("default", "shop_acme_web", &update, None, Some(&[]))).unwrap();
}

#[test]
fn a_load_balancer_that_a_name_points_at_is_deleted() {
    check(
        |aws, load_balancer| now(aws.delete_load_balancer(&load_balancer.arn)).unwrap(),
        "which is gone",
    );
}

#[test]
fn a_load_balancer_that_a_service_uses_is_deleted() {
    check(
        |aws, load_balancer| {
            drop_names(aws);
            now(aws.delete_load_balancer(&load_balancer.arn)).unwrap();
        },
        "which no load balancer serves",
    );
}

#[test]
fn a_target_group_that_a_service_uses_is_deleted() {
    check(
        |aws, load_balancer| {
            drop_names(aws);
            now(aws.delete_load_balancer(&load_balancer.arn)).unwrap();
            aws.advance(60);
            let group = now(aws.describe_target_groups()).unwrap().remove(0);
            now(aws.delete_target_group(&group.arn)).unwrap();
        },
        "targetgroup/e-acme-web-v5g193qlcpsh/0000000000000003, which is gone",
    );
}

#[test]
fn a_service_loses_its_target_group_while_a_name_points_there() {
    check(|aws, _| detach(aws), "before no service");
}

#[test]
fn a_service_loses_its_target_group_before_the_resolvers_have_forgotten() {
    check(
        |aws, _| {
            drop_names(aws);
            aws.advance(299);
            detach(aws);
        },
        "left arn:",
    );
}

#[test]
fn a_service_is_deleted_before_its_names() {
    check(
        |aws, _| now(aws.delete_service("default", "shop_acme_web")).unwrap(),
        "before no service",
    );
}

#[test]
fn a_name_comes_before_its_service() {
    check(
        |aws, load_balancer| {
            drop_names(aws);
            aws.advance(300);
            detach(aws);
            let record = RecordSet {
                name: "early.example.com".into(),
                kind: RecordKind::Cname,
                content: RecordContent::Values {
                    ttl: 60,
                    values: vec![load_balancer.dns_name],
                },
            };
            now(aws.change_records(ZONE, &[RecordChange::Create(record)])).unwrap();
        },
        "early.example.com points at",
    );
}

#[test]
fn one_app_touches_what_is_anothers() {
    let scale = |aws: &FakeAws| {
        let update = ServiceUpdate {
            desired_count: Some(9),
            ..ServiceUpdate::default()
        };
        now(aws.update_service("default", "shop_acme_web", &update, None, None)).unwrap();
    };
    for step in [
        (&|aws: &FakeAws| scale(aws)) as &dyn Fn(&FakeAws),
        &|aws: &FakeAws| drop_names(aws),
        &|aws: &FakeAws| {
            let group = now(aws.describe_target_groups()).unwrap().remove(0);
            let tags = [("cost-center".into(), "42".into())].into();
            now(aws.add_tags(&[group.arn], &tags)).unwrap();
        },
    ] {
        check(
            |aws, _| {
                aws.act_as(Some("shop/other"));
                step(aws);
            },
            "something that is not shop/other's was touched",
        );
    }
}

/// The ownership record of a name that is kept for namespace shop, for an hour from the start.
fn kept() -> RecordSet {
    let text = "empire.dev/owner=i-1,empire.dev/app=shop/front,empire.dev/process=web,free until 1970-01-01T01:00:00Z";
    RecordSet {
        name: "_empire.front.example.com".into(),
        kind: RecordKind::Txt,
        content: RecordContent::Values {
            ttl: 300,
            values: vec![format!("\"{text}\"")],
        },
    }
}

#[test]
fn a_name_that_is_kept_is_taken_by_who_may_not_have_it() {
    let violations = |app: Option<&str>, takes, seconds| {
        let world = World::new(&staging());
        let change = |change| now(world.aws.change_records(ZONE, &[change])).unwrap();
        change(RecordChange::Create(kept()));
        world.aws.advance(seconds);
        world.aws.act_as(app);
        world.aws.let_take_names(takes);
        change(RecordChange::Delete(kept()));
        world.aws.violations()
    };
    let found = violations(Some("blog/front"), false, 0);
    let violation = "something that is not blog/front's was touched";
    assert!(found.iter().any(|found| found.contains(violation)), "{found:?}");
    for (app, takes, seconds) in [
        // The Platform's pass.
        (None, false, 0),
        (Some("shop/other"), false, 0),
        (Some("blog/front"), true, 0),
        (Some("blog/front"), false, 3_600),
    ] {
        let found = violations(app, takes, seconds);
        assert!(found.is_empty(), "{app:?}: {found:?}");
    }
}

#[test]
fn a_name_that_is_kept_leads_to_a_load_balancer() {
    check(
        |aws, load_balancer| {
            let pointer = RecordSet {
                name: "front.example.com".into(),
                kind: RecordKind::Cname,
                content: RecordContent::Values {
                    ttl: 60,
                    values: vec![load_balancer.dns_name],
                },
            };
            let changes = [kept(), pointer].map(RecordChange::Create);
            now(aws.change_records(ZONE, &changes)).unwrap();
        },
        "front.example.com is kept and leads somewhere",
    );
}
