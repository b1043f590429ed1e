//! Names that an App releases are kept for its namespace, where a Platform has grants.

use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fake_aws::Disturbance;
use crate::fixtures::{
    AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, PlatformFixture, app, platform, staging, web, worker,
};
use crate::world::World;
use crate::write_counts::check;

const OWNER: &str = "shop/acme";
const THIEF: &str = "blog/acme";
const NAME: &str = "acme.example.com";
const TEXT: &str = "_empire.acme.example.com";

fn grant() -> Value {
    json!({ "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "external": true, "retain": true })
}

/// With grants of all that is asked for here; names are kept for an hour, up to the next full one.
fn granted() -> PlatformFixture {
    staging().granting(&[grant()]).keeping_names_for("1h")
}

fn exposed() -> AppFixture {
    app("acme").process("web", web().exposed())
}

fn thief() -> AppFixture {
    exposed().namespace("blog")
}

/// The owner has its names, and the thief waits for them.
fn contested() -> World {
    let mut world = World::settled(&granted(), &exposed());
    world.apply(&thief());
    world.settle_or_not();
    assert!(
        world
            .reason(THIEF)
            .contains("is held by an App of another namespace")
    );
    world
}

/// Two hours later, no name is kept any more.
fn later(world: &mut World) {
    world.aws.advance(7_200);
}

fn pointed_at_by(world: &World, key: &str) -> bool {
    let target = world.aws.pointed_at(INTERNAL_ZONE, NAME);
    let balancers = world.aws.load_balancers_of(key, "web");
    target.is_some_and(|target| balancers.iter().any(|name| target.contains(name)))
}

#[test]
fn who_waits_for_a_name_does_not_get_it_before_its_owner_is_made_again() {
    let mut world = contested();
    world.delete(OWNER);
    world.settle_or_not();
    assert!(!world.holds(OWNER), "a kept name holds up no deletion");
    // It was woken, in vain.
    assert!(world.woken.contains(&THIEF.to_owned()));
    let reason = world.reason(THIEF);
    assert!(
        reason.starts_with("Conflict: ")
            && reason.contains("is kept until 1970-01-01T02:00:00Z for the namespace that had it"),
        "{reason}"
    );
    assert!(!reason.contains("shop"), "{reason}");
    assert!(world.aws.pointed_at(INTERNAL_ZONE, NAME).is_none());
    assert!(world.aws.has_record(INTERNAL_ZONE, TEXT));

    world.apply(&exposed());
    world.settle_or_not();
    assert_eq!(world.reason(OWNER), "Ready");
    assert!(pointed_at_by(&world, OWNER));
}

#[test]
fn a_name_is_free_when_its_time_is_over() {
    for sharing in [false, true] {
        let mut world = if sharing {
            World::sharing(&granted())
        } else {
            World::new(&granted())
        };
        world.apply(&exposed());
        world.settle();
        world.apply(&thief());
        world.delete(OWNER);
        world.settle_or_not();
        assert!(
            world.reason(THIEF).contains("is kept until"),
            "{}",
            world.reason(THIEF)
        );
        later(&mut world);
        world.settle();
        world.assert_ready();
        assert!(pointed_at_by(&world, THIEF));
        assert_eq!(world.kept_names(), Some(0));
    }
}

#[test]
fn a_grant_lets_an_app_take_a_name_that_is_kept_and_none_that_is_in_use() {
    let mut taking = grant();
    taking["takeNames"] = true.into();
    let taking = staging().granting(&[taking]).keeping_names_for("1h");
    let mut world = contested();
    world.set_platform(&taking);
    world.settle_or_not();
    assert!(
        world
            .reason(THIEF)
            .contains("is held by an App of another namespace")
    );
    world.delete(OWNER);
    world.settle();
    world.assert_ready();
    assert!(pointed_at_by(&world, THIEF));
}

#[test]
fn another_app_of_the_namespace_takes_a_name_at_once() {
    let mut world = World::settled(&granted(), &exposed());
    let other = app("other").process("web", web().exposed().hostnames(&[NAME]));
    world.apply(&other);
    world.settle_or_not();
    assert!(world.reason("shop/other").contains("is held by App shop/acme"));
    world.delete(OWNER);
    world.settle();
    world.assert_ready();
    assert!(pointed_at_by(&world, "shop/other"));
}

/// No more calls than where names are not kept, in the pass that lets them go and in the one that takes them again; and one
/// for all that are over at the same time.
#[test]
fn names_that_are_kept_cost_as_many_writes_as_others_and_one_when_they_are_over() {
    let named = || app("acme").process("web", web().exposed().hostnames(&["www.example.com"]));
    for platform in [staging(), granted()] {
        let mut world = World::settled(&platform, &named());
        world.apply(&exposed());
        check(&world.settle(), 1);
        world.apply(&named());
        check(&world.settle(), 1);
        world.assert_ready();
        world.restart();
        check(&world.settle(), 0);
    }
    let mut world = World::settled(&granted(), &named());
    world.apply(&app("acme").process("web", web().unexposed()));
    world.settle();
    world.assert_ready();
    world.platform_pass();
    assert_eq!(world.kept_names(), Some(3));
    world.restart();
    check(&world.settle(), 0);
    later(&mut world);
    check(&world.settle(), 1);
    assert!(!world.aws.has_record(INTERNAL_ZONE, TEXT));
    assert_eq!(world.kept_names(), Some(0));
    check(&world.settle(), 0);
}

/// Their batch is refused as one, and then they are removed one by one, up to twenty in a pass.
#[test]
fn a_name_that_goes_in_the_same_moment_holds_up_no_other() {
    let many: Vec<String> = (10..40).map(|number| format!("r{number}.example.com")).collect();
    for (hostnames, left) in [(&[] as &[String], 1), (&many, 13)] {
        let hostnames: Vec<&str> = hostnames.iter().map(String::as_str).collect();
        let app = app("acme").process("web", web().exposed().hostnames(&hostnames));
        let mut world = World::settled(&granted(), &app);
        world.delete(OWNER);
        world.settle();
        later(&mut world);
        world
            .aws
            .on_next_write("route53:ChangeResourceRecordSets", |console| {
                console.delete_records(INTERNAL_ZONE, TEXT);
            });
        world.platform_pass();
        assert!(
            world.platform_reason().starts_with("Ready"),
            "{}",
            world.platform_reason()
        );
        assert_eq!(world.kept_names(), Some(left), "as far as it knows");
        assert!(
            !world
                .aws
                .has_record(INTERNAL_ZONE, "_empire.acme-web.example.com")
        );
        let writes = usize::from(left > 1);
        check(&world.settle(), writes);
        assert_eq!(world.kept_names(), Some(0));
    }
}

/// Else a namespace that changes its names again and again fills the zone.
#[test]
fn no_more_than_a_hundred_names_are_kept_for_a_namespace_in_a_zone() {
    for sharing in [false, true] {
        let platform = staging().granting(&[grant()]);
        let mut world = if sharing {
            World::sharing(&platform)
        } else {
            World::new(&platform)
        };
        let named = |round: usize| {
            let names: Vec<String> = (0..10).map(|n| format!("r{round}-{n}.example.com")).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            app("acme").process("web", web().exposed().hostnames(&names))
        };
        for round in 0..13 {
            world.apply(&named(round));
            world.settle();
        }
        world.assert_ready();
        world.platform_pass();
        assert_eq!(world.kept_names(), Some(100), "sharing: {sharing}");
        assert!(world.aws.has_record(INTERNAL_ZONE, "_empire.r9-9.example.com"));
        assert!(!world.aws.has_record(INTERNAL_ZONE, "_empire.r10-0.example.com"));
        // Another one has as much room.
        world.apply(&app("front").namespace("blog").process("web", web().exposed()));
        world.settle();
        world.delete("blog/front");
        world.settle();
        world.platform_pass();
        assert_eq!(world.kept_names(), Some(102), "sharing: {sharing}");
        // There is room again once they are over.
        world.aws.advance(8 * 24 * 3_600);
        world.settle();
        assert_eq!(world.kept_names(), Some(0), "sharing: {sharing}");
        world.apply(&named(13));
        world.settle();
        world.platform_pass();
        assert_eq!(world.kept_names(), Some(10), "sharing: {sharing}");
    }
}

#[test]
fn what_was_kept_goes_at_its_time_where_the_grants_are_taken_away() {
    let mut world = World::settled(&granted(), &exposed());
    world.delete(OWNER);
    world.settle();
    world.set_platform(&staging());
    world.settle();
    assert_eq!(world.kept_names(), Some(2));
    later(&mut world);
    world.settle();
    assert!(!world.aws.has_record(INTERNAL_ZONE, TEXT));
    assert_eq!(world.kept_names(), None);
}

#[test]
fn names_are_not_kept_where_the_platform_says_so() {
    let mut world = World::settled(&granted().keeping_names_for("0s"), &exposed());
    world.delete(OWNER);
    world.settle();
    assert!(!world.aws.has_record(INTERNAL_ZONE, TEXT));
}

/// Who has the rights of an operator in AWS.
#[test]
fn a_hand_that_deletes_the_record_frees_the_name() {
    let mut world = contested();
    world.delete(OWNER);
    world.settle_or_not();
    assert!(world.reason(THIEF).contains("is kept until"));
    for name in ["acme", "acme-web"] {
        let text = format!("_empire.{name}.example.com");
        world.aws.by_hand().delete_records(INTERNAL_ZONE, &text);
    }
    world.restart();
    world.settle();
    world.assert_ready();
    assert!(pointed_at_by(&world, THIEF));
}

#[test]
fn the_end_of_a_platform_is_the_end_of_the_names_that_it_keeps() {
    let split = platform("staging").split_horizon().granting(&[grant()]);
    let mut world = World::settled(&split, &app("acme").process("web", web().external()));
    world.delete_platform();
    world.settle_or_not();
    assert!(!world.is_platform_gone());
    assert!(world.platform_reason().starts_with("Deleting: in use by 1 App"));
    world.delete(OWNER);
    let writes = world.settle();
    assert!(world.is_platform_gone());
    for zone in [INTERNAL_ZONE, EXTERNAL_ZONE] {
        assert!(!world.aws.has_record(zone, TEXT), "{zone}");
    }
    let batches = |writes: &[crate::fake_aws::Write]| {
        let names = writes.iter().filter(|write| write.action.starts_with("route53:"));
        names.count()
    };
    assert_eq!(
        batches(&writes),
        4,
        "two zones, once with the App and once with the Platform"
    );
}

/// It stays until they can be removed.
#[test]
fn a_platform_whose_zone_cannot_be_read_does_not_go() {
    let mut world = World::settled(&granted(), &exposed());
    world.delete(OWNER);
    world.settle();
    world.delete_platform();
    let denied = Disturbance::Refusal("AccessDenied", "not you");
    world.aws.disturb_read("route53:ListResourceRecordSets", denied);
    world.run(5);
    assert!(!world.is_platform_gone());
    assert!(
        world.platform_reason().starts_with("AccessDenied"),
        "{}",
        world.platform_reason()
    );
    world.aws.calm();
    world.run(200);
    assert!(world.is_platform_gone());
    assert!(!world.aws.has_record(INTERNAL_ZONE, TEXT));
}

/// As ever.
#[test]
fn a_platform_without_grants_goes_without_a_call() {
    let mut world = World::settled(&staging(), &exposed());
    world.delete(OWNER);
    world.settle();
    world.delete_platform();
    world.aws.take_reads();
    world.platform_pass();
    assert!(world.is_platform_gone());
    assert_eq!(world.aws.take_reads(), Vec::<String>::new());
}

/// While the manifest of the App still wants the name, it is nobody else's, whatever becomes of its load balancer.
#[test]
fn an_app_that_is_deleted_and_retains_keeps_no_name_for_its_namespace() {
    let mut world = World::settled(&granted(), &exposed().retained());
    world.delete(OWNER);
    world.settle();
    assert!(!world.holds(OWNER));
    assert!(world.aws.pointed_at(INTERNAL_ZONE, NAME).is_some());
    assert!(!world.aws.has_record(INTERNAL_ZONE, TEXT));
}

#[test]
fn a_dry_run_says_until_when_a_name_is_kept() {
    let mut world = World::settled(&granted(), &exposed());
    world.delete(OWNER);
    let dry_run = world.dry_run(OWNER).unwrap();
    let changes: Vec<String> = dry_run.changes().map(ToString::to_string).collect();
    let kept = "+_empire.acme.example.com TXT (free until 1970-01-01T02:00:00Z)";
    assert!(changes.iter().any(|change| change.contains(kept)), "{changes:#?}");
    world.settle();
    world.apply(&thief());
    let dry_run = world.dry_run(THIEF).unwrap();
    assert!(
        dry_run
            .obstacles
            .iter()
            .any(|obstacle| obstacle.message.contains("is kept until")),
        "{dry_run:#?}"
    );
}

/// Each is killed before and after every write: nothing is lost, doubled or left behind.
#[test]
fn arrives_when_killed_while_names_are_kept_and_taken_and_freed() {
    let split = || {
        let split = platform("staging").split_horizon().granting(&[grant()]);
        split.keeping_names_for("1h")
    };
    let named = || app("acme").process("web", web().external().hostnames(&["www.example.com"]));
    let released = |world: &mut World| {
        world.delete(OWNER);
        world.settle();
    };
    let mut points = 0;
    let delete = Operation::new(split(), Some(named()), |world| world.delete(OWNER));
    points += crash::check("delete", &delete);
    let rename = Operation::new(split(), Some(named()), |world| {
        world.apply(&app("acme").process("web", web().external()));
    });
    points += crash::check("a hostname goes", &rename);
    let again = Operation::new(split(), Some(named()), move |world| world.apply(&named())).after(released);
    points += crash::check("made again", &again);
    let over = Operation::new(split(), Some(named()), later).after(released);
    points += crash::check("over", &over);
    let taken = Operation::new(split(), Some(named()), move |world| {
        later(world);
        world.apply(&named().namespace("blog"));
    });
    points += crash::check("taken by another", &taken.after(released));
    println!("kept names: {points} disturbances");
}

/// A process that is no longer exposed has no name, and another App of the namespace is not told that it is kept.
#[test]
fn a_process_that_is_exposed_again_has_its_name_again() {
    let mut world = contested();
    world.apply(
        &app("acme")
            .process("web", web().unexposed())
            .process("worker", worker()),
    );
    world.settle_or_not();
    assert_eq!(world.reason(OWNER), "Ready");
    assert!(world.reason(THIEF).contains("is kept until"));
    world.apply(&exposed());
    world.settle_or_not();
    assert_eq!(world.reason(OWNER), "Ready");
    assert!(pointed_at_by(&world, OWNER));
}
