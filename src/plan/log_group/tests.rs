//! When a log group is made, kept and let go of, and what waits for it.

use super::*;
use crate::model::desired::{Adopted, Desired, Place};
use crate::model::owner::{OWNER_TAG, Owner, Tags};
use crate::model::release::{
    Age, Attempt, Phase, Placing, Release, ReleaseMemory, ReleaseState, Sight, TaskRequest,
};
use crate::model::service::{Capacity, LaunchType};
use crate::model::state::Observed;
use crate::plan::fixtures::log_group::{GROUP, log_to, logging};
use crate::plan::fixtures::world::apply;
use crate::plan::fixtures::{self, app, nothing, owner, process, settled};

fn acme() -> Desired {
    logging(
        app([process("web"), process("nightly").at("cron(0 3 * * ? *)")]),
        LogGroups::Kept,
    )
}

fn planned(desired: &Desired, observed: &Observed) -> Vec<String> {
    let plan = fixtures::plan(desired, observed);
    plan.changes.iter().map(ToString::to_string).collect()
}

/// The changes about the group alone.
fn of_group(desired: &Desired, observed: &Observed) -> Vec<String> {
    let mut all = planned(desired, observed);
    all.retain(|change| change.contains("log group"));
    all
}

#[test]
fn the_group_is_there_before_anything_that_names_it_is_registered() {
    let (wanted, mut world) = (acme(), nothing());
    let first = planned(&wanted, &world);
    assert!(first.contains(&format!("create log group {GROUP}")));
    assert!(
        !first.iter().any(|change| change.contains("register")),
        "{first:?}"
    );
    let plan = fixtures::plan(&wanted, &world);
    for change in &plan.changes {
        apply(&mut world, change);
    }
    let second = planned(&wanted, &world);
    assert!(second.contains(&format!("keep what is in log group {GROUP} for 30 days")));
    assert!(
        second.iter().any(|change| change.contains("register")),
        "{second:?}"
    );
}

#[test]
fn a_group_as_wanted_is_left_alone_and_what_differs_is_set_back() {
    let wanted = acme();
    let mut world = settled(&wanted);
    assert_eq!(planned(&wanted, &world), [""; 0]);
    let mut encrypted = wanted.clone();
    encrypted.log_group.as_mut().unwrap().kms_key = Some("arn:aws:kms:eu-west-9:123456789012:key/1".into());
    let found = world.log_group.as_mut().unwrap();
    found.retention_days = Some(1);
    found.tags.insert("empire.dev/app".into(), "shop/acme".into());
    assert_eq!(
        of_group(&encrypted, &world),
        [
            format!("keep what is in log group {GROUP} for 30 days"),
            format!("encrypt log group {GROUP} by arn:aws:kms:eu-west-9:123456789012:key/1"),
        ]
    );
    // What the Platform does not say is somebody's choice.
    let mut silent = wanted;
    silent.log_group.as_mut().unwrap().retention_days = None;
    world.log_group.as_mut().unwrap().kms_key = Some("arn:of-theirs".into());
    assert_eq!(of_group(&silent, &world), [""; 0]);
}

#[test]
fn a_group_of_somebody_else_is_a_conflict_and_nothing_logs_there() {
    let wanted = acme();
    let other = Owner {
        installation: "another".into(),
        ..owner()
    };
    let gone = "those of installation another: if that is gone, take its tag empire.dev/owner off";
    for (tags, advice, is_theirs) in [
        (other.app_tags(), gone, true),
        (Tags::new(), "to take it over", false),
    ] {
        let mut world = nothing();
        world.log_group = Some(LogGroupState {
            name: GROUP.into(),
            arn: Some(fixtures::arn("log-group", GROUP)),
            tags,
            ..LogGroupState::default()
        });
        let plan = fixtures::plan(&wanted, &world);
        let processes: Vec<&str> = plan.obstacles.iter().map(|o| o.process.as_str()).collect();
        assert_eq!(processes, ["nightly", "web"]);
        assert!(plan.obstacles.iter().all(|o| o.message.contains(advice)));
        assert_eq!(of_group(&wanted, &world), [""; 0]);
        assert!(
            !plan
                .changes
                .iter()
                .any(|change| change.to_string().contains("register"))
        );
        let adopting = Desired {
            adopts: true,
            ..wanted.clone()
        };
        let adopted = of_group(&adopting, &world);
        assert_eq!(adopted.len(), usize::from(!is_theirs), "{adopted:?}");
        assert!(adopted.iter().all(|change| change.contains("empire.dev/adopted")));
    }
}

#[test]
fn while_groups_cannot_be_read_only_what_was_not_seen_to_log_there_waits() {
    let mut wanted = acme();
    let mut world = settled(&wanted);
    world.log_group = None;
    world.unread.insert(Part::LogGroup);
    wanted
        .processes
        .get_mut("web")
        .unwrap()
        .task_definition
        .main
        .image = "registry.example/acme:v2".into();
    let all = planned(&wanted, &world);
    assert!(all.iter().any(|change| change.contains("register")), "{all:?}");
    assert_eq!(of_group(&wanted, &world), [""; 0]);
    // Nothing ran with it before.
    let mut fresh = nothing();
    fresh.unread.insert(Part::LogGroup);
    let all = planned(&wanted, &fresh);
    assert!(!all.iter().any(|change| change.contains("register")), "{all:?}");
    // A container that logs elsewhere does not wait for it.
    let elsewhere = wanted.processes.get_mut("web").unwrap();
    log_to(&mut elsewhere.task_definition.main, "/other");
    let all = planned(&wanted, &fresh);
    assert!(all.iter().any(|change| change.contains("register")), "{all:?}");
}

#[test]
fn a_group_stays_unless_its_platform_says_otherwise_and_then_goes_after_the_services() {
    let wanted = acme();
    let leaving = |rule| {
        Desired::empty(
            owner(),
            Place {
                log_groups: rule,
                ..wanted.place.clone()
            },
        )
    };
    let there = settled(&wanted);
    let mut alone = there.clone();
    alone.services = nothing().services;
    alone.schedules = nothing().schedules;
    for rule in [LogGroups::None, LogGroups::Kept] {
        assert_eq!(of_group(&leaving(rule), &there), [""; 0]);
        assert_eq!(of_group(&leaving(rule), &alone), [""; 0]);
    }
    let deleting = leaving(LogGroups::Deleted);
    assert_eq!(of_group(&deleting, &there), [""; 0]);
    let deleted = format!("delete log group {GROUP} with all that is in it");
    assert_eq!(of_group(&deleting, &alone), [deleted]);
    // An App without a container that logs there has it still.
    let mut silent = app([process("web")]);
    silent.place.log_groups = LogGroups::Deleted;
    assert_eq!(of_group(&silent, &alone), [""; 0]);
    // What was adopted stays, and what is another's.
    let keeping = Desired {
        adopted: Adopted {
            stays: true,
            may_be_there: true,
        },
        ..deleting.clone()
    };
    let found = alone.log_group.as_mut().unwrap();
    found.tags.extend(adopted_tag());
    assert_eq!(
        of_group(&keeping, &alone),
        [format!("untag log group {GROUP} (Retain)")]
    );
    alone.log_group.as_mut().unwrap().tags.remove(OWNER_TAG);
    assert_eq!(of_group(&deleting, &alone), [""; 0]);
}

#[test]
fn retaining_takes_the_owner_off() {
    let wanted = acme();
    let retaining = Desired::retaining(owner(), wanted.place.clone());
    let mut world = settled(&wanted);
    assert_eq!(
        of_group(&retaining, &world),
        [format!("untag log group {GROUP} (Retain)")]
    );
    world.log_group.as_mut().unwrap().tags.remove(OWNER_TAG);
    assert_eq!(of_group(&retaining, &world), [""; 0]);
}

#[test]
fn while_the_group_is_missing_only_new_content_waits() {
    let wanted = acme();
    let mut world = settled(&wanted);
    world.log_group = None;
    let create = format!("create log group {GROUP}");
    assert_eq!(planned(&wanted, &world), std::slice::from_ref(&create));
    let web = process("web").quantity(5).image("registry.example/acme:v2");
    let nightly = process("nightly").at("cron(0 3 * * ? *)");
    let wanted = logging(app([web, nightly]), LogGroups::Kept);
    let all = planned(&wanted, &world);
    assert_eq!(all.len(), 2, "{all:?}");
    assert!(all.contains(&create));
    assert!(all.iter().any(|change| change.contains("5 tasks")), "{all:?}");
}

#[test]
fn while_groups_cannot_be_read_a_schedule_says_as_well_that_its_group_is_there() {
    let mut wanted = logging(app([process("nightly").at("cron(0 3 * * ? *)")]), LogGroups::Kept);
    let mut world = settled(&wanted);
    world.log_group = None;
    world.unread.insert(Part::LogGroup);
    let nightly = wanted.processes.get_mut("nightly").unwrap();
    nightly.task_definition.main.image = "registry.example/acme:v2".into();
    let all = planned(&wanted, &world);
    assert!(all.iter().any(|change| change.contains("register")), "{all:?}");
}

fn with_release() -> Desired {
    let mut desired = logging(
        app([process("migrate").by_hand(), process("web")]),
        LogGroups::Kept,
    );
    desired.release = Some(Box::new(Release {
        whom: "acme".into(),
        process: "migrate".into(),
        generation: 1,
        digest: "digest".into(),
        redeploy: None,
        is_released: false,
        timeout: 600,
        placing: placing(),
    }));
    desired
}

fn placing() -> Placing {
    Placing {
        capacity: Capacity::LaunchType(LaunchType::Ec2),
        constraints: Vec::new(),
        network: None,
    }
}

/// Its status was lost, and somebody has deleted the group.
#[test]
fn what_runs_was_released_whether_its_group_is_there_or_not() {
    let wanted = with_release();
    let mut world = settled(&wanted);
    world.log_group = None;
    let plan = fixtures::plan(&wanted, &world);
    let memory = plan.release.unwrap();
    assert_eq!(memory.succeeded.as_deref(), Some("digest"));
    assert_eq!(memory.attempt, None);
}

#[test]
fn the_task_of_a_release_is_not_started_without_its_group() {
    let wanted = with_release();
    let mut world = settled(&wanted);
    let revision = world
        .task_definitions
        .values()
        .find(|known| known.content.family.ends_with("migrate"))
        .unwrap();
    let attempt = Attempt {
        number: 1,
        digest: "digest".into(),
        redeploy: None,
        timeout: 600,
        since: Some(0),
        recorded: Some(0),
        request: TaskRequest {
            process: "migrate".into(),
            task_definition: revision.arn.clone(),
            placing: placing(),
            token: "token".into(),
            overrides: None,
        },
        task: None,
        phase: Phase::Open,
        refusal: None,
    };
    world.release = ReleaseState {
        sight: Sight::Missing,
        age: Age::Listed,
        ..ReleaseState::of(Some(Box::new(ReleaseMemory {
            succeeded: None,
            attempt: Some(attempt),
        })))
    };
    let starts = |world: &Observed| {
        let all = planned(&wanted, world);
        all.iter().any(|change| change.starts_with("run a task"))
    };
    assert!(starts(&world), "{:?}", planned(&wanted, &world));
    world.log_group = None;
    assert!(!starts(&world));
    let plan = fixtures::plan(&wanted, &world);
    assert!(plan.release.unwrap().attempt.is_some());
}
