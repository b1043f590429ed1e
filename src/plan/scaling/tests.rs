//! Scaled services: what comes before what, whose count it is, and where the requests are counted.

use crate::model::desired::{Adopted, Desired};
use crate::model::owner::{OWNER_TAG, Tags, adopted_tag};
use crate::model::part::Part;
use crate::model::scaling::{Metric, Range, ScalableTargetState};
use crate::model::state::Observed;
use crate::plan::fixtures::world::{elapse, finish, lines, pass, service_of};
use crate::plan::fixtures::{Process, app, nothing, plan, process, settled};
use crate::plan::tests::{converge, random};

const WEB: &str = "shop_acme_web";
const MORNING: &str = "cron(0 8 ? * 2-6 *)";
const EVENING: &str = "cron(0 18 ? * 2-6 *)";

fn worker() -> Process {
    worker_of(2, 10)
}

fn worker_of(min: u32, max: u32) -> Process {
    process("worker").scaled(min, max)
}

fn web() -> Process {
    process("web").internal().scaled(2, 10).by_requests(1_000)
}

fn target<'a>(world: &'a mut Observed, process: &str) -> &'a mut ScalableTargetState {
    world.scaling.get_mut(&format!("shop_acme_{process}")).unwrap()
}

#[track_caller]
fn check(desired: &Desired, observed: &Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(lines(desired, observed), expected);
}

#[track_caller]
fn check_pass(desired: &Desired, observed: &mut Observed, expected: &[&str]) {
    similar_asserts::assert_eq!(pass(desired, observed), expected);
}

#[test]
fn a_target_comes_after_its_service_and_goes_before_it() {
    let mut world = nothing();
    let wanted = app([worker()]);
    check_pass(
        &wanted,
        &mut world,
        &[
            "register task definition shop_acme_worker with worker:v1 (256 CPU units, 512 MiB, 1 variables)",
            "create service shop_acme_worker with 2 tasks",
            "scale service shop_acme_worker between 2 and 10 tasks",
            "scale service shop_acme_worker by 60 percent of CPU",
        ],
    );
    finish(&mut world);
    check(&wanted, &world, &[]);
    assert_eq!(world.scaling, settled(&wanted).scaling);
    check_pass(
        &app([]),
        &mut world,
        &[
            "end the scaling of service shop_acme_worker",
            "delete service shop_acme_worker",
        ],
    );
    // A service that went by hand leaves its target behind.
    let mut left = settled(&wanted);
    left.services.retain(|_, _| false);
    check_pass(
        &app([]),
        &mut left,
        &["end the scaling of service shop_acme_worker"],
    );
    // And has it still, once it is made again.
    let mut gone = settled(&wanted);
    gone.services.retain(|_, _| false);
    check_pass(
        &wanted,
        &mut gone,
        &["create service shop_acme_worker with 2 tasks"],
    );
}

#[test]
fn the_count_is_awss_within_the_range() {
    let wanted = app([worker()]);
    for (found, expected) in [(1, Some(2)), (2, None), (7, None), (10, None), (11, Some(10))] {
        let mut world = settled(&wanted);
        let service = service_of(&mut world, "worker");
        (service.desired, service.running) = (found, found);
        let line = expected.map(|count| format!("update service shop_acme_worker: {count} tasks"));
        let said: Vec<String> = pass(&wanted, &mut world);
        assert_eq!(said, Vec::from_iter(line), "{found}");
    }
}

#[test]
fn from_a_quantity_to_scaling_and_back_the_count_stays() {
    let (counted, scaled) = (app([process("worker").quantity(5)]), app([worker()]));
    let mut world = settled(&counted);
    check_pass(
        &scaled,
        &mut world,
        &[
            "scale service shop_acme_worker between 2 and 10 tasks",
            "scale service shop_acme_worker by 60 percent of CPU",
        ],
    );
    assert_eq!(service_of(&mut world, "worker").desired, 5);
    // The target goes first, lest AWS sets the count again.
    let mut world = settled(&scaled);
    service_of(&mut world, "worker").desired = 9;
    check_pass(
        &counted,
        &mut world,
        &[
            "end the scaling of service shop_acme_worker",
            "update service shop_acme_worker: 5 tasks",
        ],
    );
    // More than it may have is set back once the target is there.
    let mut world = settled(&app([process("worker").quantity(12)]));
    let said = pass(&scaled, &mut world);
    assert_eq!(said[1], "update service shop_acme_worker: 10 tasks");
}

#[test]
fn what_a_hand_has_changed_is_set_back() {
    let wanted = app([worker().from(MORNING, Some(8), Some(20))]);
    let mut world = settled(&wanted);
    let found = target(&mut world, "worker");
    found.range = Range { min: 3, max: 10 };
    found.tags.remove("empire.dev/process");
    found.policies.get_mut("empire-cpu").unwrap().value = Some("90".into());
    let memory = found.policies["empire-cpu"].clone();
    found.policies.insert("empire-memory".into(), memory);
    found.actions.clear();
    check_pass(
        &wanted,
        &mut world,
        &[
            "tag the scalable target of service shop_acme_worker with empire.dev/process=worker",
            "scale service shop_acme_worker between 2 and 10 tasks from now on",
            "scale service shop_acme_worker by 60 percent of CPU",
            "delete scaling policy empire-memory of service shop_acme_worker",
            &format!("scale service shop_acme_worker at {MORNING} UTC to min 8 max 20"),
        ],
    );
    assert_eq!(world.scaling, settled(&wanted).scaling);
    // AWS's own default is none of ours to set.
    target(&mut world, "worker")
        .policies
        .get_mut("empire-cpu")
        .unwrap()
        .scale_in_cooldown = Some(300);
    check(&wanted, &world, &[]);
}

#[test]
fn a_range_that_a_schedule_has_set_holds() {
    let process = worker()
        .from(MORNING, Some(8), Some(20))
        .from(EVENING, Some(0), None);
    let wanted = app([process]);
    let mut world = settled(&wanted);
    for range in [
        Range { min: 8, max: 20 },
        Range { min: 0, max: 20 },
        Range { min: 0, max: 10 },
    ] {
        target(&mut world, "worker").range = range;
        let service = service_of(&mut world, "worker");
        (service.desired, service.running) = (range.max, range.max);
        check(&wanted, &world, &[]);
        service_of(&mut world, "worker").desired = 21;
        let line = format!("update service shop_acme_worker: {} tasks", range.max);
        assert_eq!(lines(&wanted, &world)[0], line);
    }
    // Without its schedule it is a stranger's.
    let without = app([worker()]);
    target(&mut world, "worker").range = Range { min: 0, max: 20 };
    let said = pass(&without, &mut world);
    assert_eq!(
        said[0],
        "scale service shop_acme_worker between 2 and 10 tasks from now on"
    );
    assert_eq!(said.last().unwrap(), "update service shop_acme_worker: 10 tasks");
    assert_eq!(world.scaling, settled(&without).scaling);
}

/// Between a schedule and the next, an edit of one end leaves the other.
#[test]
fn an_edit_of_one_end_of_the_range_leaves_the_other_as_a_schedule_has_set_it() {
    let scaled = |max| {
        worker_of(2, max)
            .from(MORNING, Some(6), None)
            .from(EVENING, Some(2), None)
    };
    let mut world = settled(&app([scaled(10)]));
    target(&mut world, "worker").range.min = 6;
    let service = service_of(&mut world, "worker");
    (service.desired, service.running) = (6, 6);
    let line = |min, max| format!("scale service shop_acme_worker between {min} and {max} tasks from now on");
    check_pass(&app([scaled(15)]), &mut world, &[&line(6, 15)]);
    // Unless nothing would be left between the two.
    assert_eq!(lines(&app([scaled(4)]), &world)[0], line(2, 4));
}

/// More is asked for, and less would come until the next morning.
#[test]
fn an_edited_schedule_sets_the_range_that_is_in_force_by_it() {
    let mut world = settled(&app([worker().from(MORNING, Some(6), None)]));
    target(&mut world, "worker").range.min = 6;
    let service = service_of(&mut world, "worker");
    (service.desired, service.running) = (7, 7);
    check_pass(
        &app([worker().from(MORNING, Some(8), None)]),
        &mut world,
        &[
            "scale service shop_acme_worker between 8 and 10 tasks from now on",
            &format!("scale service shop_acme_worker at {MORNING} UTC to min 8"),
            "update service shop_acme_worker: 8 tasks",
        ],
    );
}

#[test]
fn a_range_that_somebody_elses_schedule_has_set_holds() {
    let wanted = app([worker()]);
    let mut world = settled(&wanted);
    let found = target(&mut world, "worker");
    let theirs = settled(&app([worker().from(MORNING, Some(30), Some(40))]));
    let theirs = theirs.scaling["shop_acme_worker"]
        .actions
        .values()
        .next()
        .cloned();
    found.actions.insert("sale".into(), theirs.unwrap());
    found.range = Range { min: 30, max: 40 };
    let service = service_of(&mut world, "worker");
    (service.desired, service.running) = (33, 33);
    check(&wanted, &world, &[]);
}

/// It was adopted, and let go of while its target could not be read.
#[test]
fn a_target_of_a_service_that_is_not_ours_any_more_is_untagged() {
    let wanted = app([worker()]);
    let mut world = settled(&wanted);
    service_of(&mut world, "worker").tags.remove(OWNER_TAG);
    check_pass(
        &app([]),
        &mut world,
        &["untag the scalable target of service shop_acme_worker (Retain)"],
    );
}

#[test]
fn a_target_that_is_nobodys_is_in_the_way_unless_the_app_adopts() {
    let mut wanted = app([worker()]);
    let mut world = settled(&wanted);
    target(&mut world, "worker").tags = Tags::new();
    service_of(&mut world, "worker").desired = 15;
    let said = lines(&wanted, &world);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with(
            "! worker: the scalable target of service shop_acme_worker exists and does not carry"
        ),
        "{said:?}"
    );
    wanted.adopts = true;
    let said = pass(&wanted, &mut world);
    assert!(
        said[0].starts_with("tag the scalable target of service shop_acme_worker with "),
        "{said:?}"
    );
    assert_eq!(said[1], "update service shop_acme_worker: 10 tasks");
    assert!(wanted.owner.owns(&target(&mut world, "worker").tags));
}

/// Requests are counted at the load balancer to which the names lead.
#[test]
fn in_a_replacement_the_policy_moves_when_the_names_do() {
    let mut world = nothing();
    let internal = app([web()]);
    converge(&internal, &mut world);
    random::assert_same(&internal, &world, &settled(&internal));
    let external = app([process("web").external().scaled(2, 10).by_requests(1_000)]);
    let label = |world: &mut Observed| {
        let policy = target(world, "web").policies["empire-requests"].clone();
        let Some(Metric::Requests(label)) = policy.metric else {
            panic!("{policy:?}");
        };
        crate::plan::fixtures::world::legible(&label)
    };
    for _ in 0..10 {
        let before = label(&mut world);
        let said = pass(&external, &mut world);
        if let Some(moved) = said.iter().position(|line| line.contains("requests")) {
            let named = said.iter().position(|line| line.contains("zone Z-INTERNAL"));
            assert!(named.is_some_and(|named| named < moved), "{said:#?}");
            assert!(before.contains("web-internal"), "{before}");
            assert!(label(&mut world).contains("web-external"));
            converge(&external, &mut world);
            random::assert_same(&external, &world, &settled(&external));
            return;
        }
        finish(&mut world);
        elapse(&external, &mut world);
    }
    panic!("the policy never moved");
}

#[test]
fn before_its_load_balancer_serves_only_the_requests_are_not_counted() {
    let wanted = app([web()]);
    let mut world = settled(&wanted);
    let state = service_of(&mut world, "web");
    state.attachments.clear();
    target(&mut world, "web").policies.clear();
    let said = lines(&wanted, &world);
    assert!(
        said.contains(&format!("scale service {WEB} by 60 percent of CPU")),
        "{said:?}"
    );
    assert!(!said.iter().any(|line| line.contains("requests")), "{said:?}");
}

#[test]
fn what_could_not_be_read_holds_up_what_depends_on_it_and_nothing_else() {
    let wanted = app([worker().image("worker:v2")]);
    let mut world = settled(&app([worker()]));
    world.scaling.retain(|_, _| false);
    world.unread.insert(Part::Scaling);
    world.scaled.insert("worker".into());
    let service = service_of(&mut world, "worker");
    (service.desired, service.running) = (15, 15);
    let said = lines(&wanted, &world);
    let registered =
        "register task definition shop_acme_worker with worker:v2 (256 CPU units, 512 MiB, 1 variables)";
    assert_eq!(said[0], registered);
    assert!(!said.iter().any(|line| line.contains("tasks")), "{said:?}");
    check(&app([]), &world, &[]);
    check(&app([process("worker").quantity(3)]), &world, &[]);
    // What never was scaled goes on.
    world.scaled.clear();
    let line = "update service shop_acme_worker: 3 tasks";
    check(&app([process("worker").quantity(3)]), &world, &[line]);
    check(&app([]), &world, &["delete service shop_acme_worker"]);
}

#[test]
fn an_app_that_retains_untags_it() {
    let wanted = app([worker()]);
    let world = settled(&wanted);
    let retaining = Desired::retaining(wanted.owner.clone(), wanted.place.clone());
    let mut left = world.clone();
    let said = pass(&retaining, &mut left);
    assert!(
        said.contains(&"untag the scalable target of service shop_acme_worker (Retain)".to_owned()),
        "{said:?}"
    );
    assert!(!target(&mut left, "worker").tags.contains_key(OWNER_TAG));
    // So does one whose service it has adopted, before that itself.
    let mut adopted = world;
    service_of(&mut adopted, "worker").tags.extend(adopted_tag());
    let mut gone = app([]);
    gone.adopted = Adopted {
        stays: true,
        may_be_there: true,
    };
    check_pass(
        &gone,
        &mut adopted,
        &[
            "untag the scalable target of service shop_acme_worker (Retain)",
            "untag service shop_acme_worker (Retain)",
        ],
    );
}

#[test]
fn a_process_that_becomes_a_schedule_is_scaled_until_that_is_there() {
    let mut world = settled(&app([worker()]));
    let said = pass(&app([process("worker").at("cron(0 3 * * ? *)")]), &mut world);
    let at = |text: &str| said.iter().position(|line| line.contains(text)).unwrap();
    assert!(at(", starting worker:v1") < at("end the scaling"), "{said:#?}");
    assert!(at("end the scaling") < at("delete service"), "{said:#?}");
}

/// Every write of it may be the last one of a pass.
#[test]
fn a_pass_that_stops_anywhere_is_carried_on() {
    let stories = [
        (
            app([process("worker").quantity(3)]),
            app([worker().from(MORNING, Some(8), None)]),
        ),
        (
            app([worker().from(MORNING, Some(8), None)]),
            app([process("worker").quantity(3)]),
        ),
        (app([worker()]), app([process("worker").scaled(4, 6)])),
    ];
    for (before, after) in stories {
        let whole = plan(&after, &settled(&before)).changes.len();
        for cut in 0..=whole {
            let mut world = settled(&before);
            for change in &plan(&after, &world.clone()).changes[..cut] {
                crate::plan::fixtures::world::apply(&mut world, change);
            }
            let mut again = world.clone();
            converge(&after, &mut again);
            assert_eq!(again.scaling, settled(&after).scaling);
            assert_eq!(plan(&after, &again).changes, []);
        }
    }
}
