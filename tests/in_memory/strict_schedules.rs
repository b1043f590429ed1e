//! The in-memory EventBridge Scheduler refuses what the real one refuses, and what would start nothing at night.

use std::collections::BTreeMap;

use empire_controller::aws::{AwsError, Ecs, EcsWrites, Fault, SchedulerWrites};
use empire_controller::model::class::Class;
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{AppName, Owner};
use empire_controller::model::schedule::{Schedule, ScheduleGroup, ScheduleTarget};
use empire_controller::model::secret::Secrets;
use empire_controller::model::service::{Capacity, CapacityProvider};
use futures::FutureExt;

use crate::fake_aws::FakeAws;
use crate::fixtures::{app, process, staging};

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, AwsError>, code: &str, fault: Fault) {
    let error = result.unwrap_err();
    assert_eq!((error.code.as_str(), error.fault), (code, fault), "{error}");
}

/// An account with a group, and what a manifest wants in it.
fn account() -> (FakeAws, Schedule, ScheduleTarget) {
    let aws = FakeAws::new(&["default"], &[]);
    let owner = Owner {
        installation: "installation-1".into(),
        app: AppName {
            namespace: "shop".into(),
            name: "acme".into(),
        },
    };
    let acme = app("acme").process("nightly", process("./bin/nightly").cron("0 3 * * *"));
    let (acme, platform) = (acme.build(), staging().build());
    let built =
        empire_controller::desired::build(&acme, &platform, &owner, &BTreeMap::new(), &Secrets::default())
            .unwrap();
    let wanted = &built.desired.processes["nightly"];
    let schedule = wanted.schedule().unwrap().clone();
    let registered = now(aws.register_task_definition(&wanted.task_definition, wanted.tags())).unwrap();
    let target = ScheduleTarget {
        cluster: now(aws.describe_cluster("default")).unwrap().unwrap(),
        task_definition: registered.arn,
    };
    (aws, schedule, target)
}

fn with_group() -> (FakeAws, Schedule, ScheduleTarget) {
    let (aws, schedule, target) = account();
    let group = ScheduleGroup {
        name: schedule.group.clone(),
        tags: schedule.tags.clone(),
    };
    now(aws.create_schedule_group(&group)).unwrap();
    (aws, schedule, target)
}

#[test]
fn a_schedule_needs_its_group_and_collides_with_its_like() {
    let (aws, schedule, target) = account();
    refused(
        now(aws.create_schedule(&schedule, &target)),
        "ResourceNotFoundException",
        Fault::Stale,
    );
    let (aws, schedule, target) = with_group();
    refused(
        now(aws.update_schedule(&schedule, &target)),
        "ResourceNotFoundException",
        Fault::Absent,
    );
    now(aws.create_schedule(&schedule, &target)).unwrap();
    refused(
        now(aws.create_schedule(&schedule, &target)),
        "ConflictException",
        Fault::Stale,
    );
    now(aws.update_schedule(&schedule, &target)).unwrap();
    now(aws.delete_schedule(&schedule.group, &schedule.name)).unwrap();
    now(aws.delete_schedule(&schedule.group, &schedule.name)).unwrap();
}

fn provider() -> CapacityProvider {
    CapacityProvider {
        name: "spot".into(),
        weight: 1,
        base: 0,
    }
}

#[test]
fn what_could_never_start_is_refused() {
    let (aws, schedule, target) = with_group();
    let changes: [fn(&mut Schedule, &mut ScheduleTarget); 10] = [
        |schedule, _| schedule.name = "x".repeat(65),
        |schedule, _| schedule.name = "a b".into(),
        |schedule, _| schedule.description = "x".repeat(513),
        |schedule, _| schedule.timing.expression = "cron(0 3 * * * *)".into(),
        |schedule, _| schedule.timing.expression = "cron(0 3 * * ?)".into(),
        |schedule, _| schedule.timing.time_zone = "Europe/Bonn".into(),
        |schedule, _| schedule.role_arn = String::new(),
        |schedule, _| schedule.capacity = Capacity::Providers(vec![provider(); 7]),
        |_, target| target.cluster = Arn("default".into()),
        |_, target| target.task_definition = Arn("gone".into()),
    ];
    for (index, change) in changes.iter().enumerate() {
        let (mut schedule, mut target) = (schedule.clone(), target.clone());
        change(&mut schedule, &mut target);
        let error = now(aws.create_schedule(&schedule, &target)).unwrap_err();
        assert_eq!(error.code, "ValidationException", "change {index}");
        assert_eq!(error.class(), Class::Refused, "change {index}");
    }
    now(aws.create_schedule(&schedule, &target)).unwrap();
}
