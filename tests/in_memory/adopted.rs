//! Apps that adopt what others made, and leave it behind when they go.

use serde_json::json;

use empire_controller::model::owner::{Tags, installation_and_app, is_adopted, left_by};

use crate::crash::{Operation, check, claimed};
use crate::fake_aws::{Disturbance, When, Write};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, platform, staging, web, worker};
use crate::stories::Story;
use crate::world::World;

const KEY: &str = "shop/acme";

/// Makes services of acme's names by other means.
pub(crate) fn made_by_others(world: &mut World) {
    world.apply(&app("other").process("clock", worker()));
    world.settle();
    for process in ["web", "worker"] {
        let team = Tags::from([("team".into(), "shop".into())]);
        let name = format!("shop_acme_{process}");
        world
            .aws
            .by_hand()
            .foreign_service("shop_other_clock", &name, team);
    }
    world.restart();
}

fn adopted(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    made_by_others(&mut world);
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

fn aws(written: &[Write]) -> Vec<&'static str> {
    let aws = written.iter().filter(|write| write.is_aws());
    let mut actions: Vec<&'static str> = aws.map(|write| write.action).collect();
    actions.sort_unstable();
    actions
}

#[test]
fn what_others_made_is_left_as_it_runs() {
    Story::on(&claimed())
        .then("services of nobody's", made_by_others)
        .then("an App that is told to take over", |world| {
            world.apply(&acme().adopting());
        })
        .shows_the_world()
        .then("one of its processes goes", |world| {
            world.apply(&acme().adopting().without("worker"));
        })
        .then("and comes back", |world| world.apply(&acme().adopting()))
        .then("deleted", |world| world.delete(KEY))
        .shows_the_world()
        .then("made again", |world| world.apply(&acme().adopting()))
        .then("it says that all goes", |world| {
            world.apply(&acme().adopting().deleting());
        })
        .then("deleted for good", |world| world.delete(KEY))
        .shows_the_world()
        .reads("adopted-and-left.txt");
}

/// A write for the tags of each service, as it was without the mark; and to leave costs what `Retain` does, and one more, since
/// a load balancer comes before its target groups.
#[test]
fn marks_cost_nothing_and_leaving_costs_one_write_more_than_retain() {
    let mut found = Vec::new();
    for platform in [
        platform("staging"),
        staging(),
        platform("staging").split_horizon(),
        claimed(),
    ] {
        let mut world = World::new(&platform);
        made_by_others(&mut world);
        world.apply(&acme().adopting());
        let adopting = aws(&world.settle());
        let tags = |action: &&&str| action.ends_with("TagResource") || action.ends_with("AddTags");
        assert_eq!(adopting.iter().filter(tags).count(), 2, "{adopting:?}");
        world.restart();
        assert_eq!(aws(&world.settle()), [""; 0]);

        world.delete(KEY);
        let leaving = aws(&world.settle());
        assert!(!world.holds(KEY));
        let is_left = |tags: &Tags| left_by(tags).is_some_and(|app| app.to_string() == KEY);
        let left: Vec<Tags> = world.aws.by_hand().tags().into_iter().filter(is_left).collect();
        assert!(left.len() >= 2, "{left:?}");
        // The services, and nothing that was made for them.
        assert_eq!(left.iter().filter(|tags| is_adopted(tags)).count(), 2);
        found.push((adopting.len(), leaving.len()));
    }
    assert_eq!(found, [(12, 4), (13, 5), (14, 6), (13, 5)]);
}

/// A grant to retain is not asked, nor is the Platform's policy: it goes back to what it was.
#[test]
fn only_the_apps_own_policy_decides() {
    let services = |world: &World| {
        ["web", "worker"].map(|process| world.aws.desired_count(&format!("shop_acme_{process}")).is_some())
    };
    let adopts = json!({
        "namespaceSelector": {}, "hostnames": ["*"], "images": ["*"], "external": true, "adopt": true,
    });
    for platform in [staging(), staging().granting(&[adopts])] {
        let mut world = adopted(&platform, &acme().adopting());
        world.delete(KEY);
        world.settle();
        assert!(!world.holds(KEY));
        assert_eq!(services(&world), [true, true]);
    }

    let mut world = adopted(&staging(), &acme().adopting().deleting());
    world.delete(KEY);
    world.settle();
    world.aws.advance(60);
    assert_eq!(services(&world), [false, false]);
}

/// The App's tags of what it holds.
fn held(world: &World) -> usize {
    let tags = world.aws.by_hand().tags();
    let of_acme = |tags: &&Tags| installation_and_app(tags).is_some_and(|(_, app)| app.to_string() == KEY);
    tags.iter().filter(of_acme).count()
}

/// It comes too late for what was let go of already, and the rest is gone for good. A load balancer that was let go of may
/// forward to what is to go: then somebody has to delete it.
#[test]
fn told_to_delete_in_the_middle_of_leaving_it_deletes_all_that_it_still_has() {
    let base = adopted(&claimed(), &acme().adopting());
    let mut fates = Vec::new();
    for write in 0..6 {
        let mut world = base.fork();
        world.delete(KEY);
        world.aws.disturb_write(write, Disturbance::Crash(When::After));
        world.run(1);
        assert_eq!(world.aws.disturbed(), 1, "{write}");
        let had = held(&world);
        world.apply(&acme().adopting().deleting());
        world.settle();
        world.aws.advance(60);
        world.settle();
        assert_eq!(world.holds(KEY), (1..3).contains(&write), "{write}");
        if world.holds(KEY) {
            let reason = world.reason(KEY);
            assert!(
                reason.starts_with("Conflict: process web: load balancer "),
                "{reason}"
            );
            for name in base.aws.load_balancers_of(KEY, "web") {
                world.aws.by_hand().delete_load_balancer(&name);
            }
            world.aws.advance(60);
            world.settle();
        }
        assert!(!world.holds(KEY), "{write}");
        assert_eq!(held(&world), 0, "{write}");
        assert_eq!(world.aws.violations(), [""; 0], "{write}");
        fates.push((had, world.aws.desired_count("shop_acme_web").is_some()));
    }
    // After the host port: the load balancer, what is not exposed, the target group, names, and at last the service that they
    // lead to.
    assert_eq!(
        fates,
        [
            (5, false),
            (3, false),
            (2, false),
            (1, false),
            (1, false),
            (0, true)
        ]
    );
}

/// Where services cannot be read, the status alone says that there may be some that stay, and names with them.
#[test]
fn names_of_an_app_that_has_adopted_wait_for_services_and_others_do_not() {
    let silence = || Disturbance::Timeout(When::Before);
    for adopts in [false, true] {
        let mut world = if adopts {
            adopted(&staging(), &acme().adopting())
        } else {
            World::settled(&staging(), &acme())
        };
        world.restart();
        world.aws.disturb_read("ecs:", silence());
        world.delete(KEY);
        world.run(3);
        let is_there = world.aws.has_record("ZINTERNAL", "acme.example.com");
        assert_eq!(is_there, adopts);
        world.aws.calm();
        world.settle();
        world.aws.advance(60);
        world.settle();
        assert!(!world.holds(KEY));
        assert_eq!(world.aws.has_record("ZINTERNAL", "acme.example.com"), adopts);
        assert!(!world.aws.has_record("ZINTERNAL", "_empire.acme.example.com"));
    }
}

/// Nothing that costs stays for a service that somebody has deleted.
#[test]
fn without_its_service_nothing_stays() {
    let mut world = adopted(&claimed(), &acme().adopting());
    world.delete(KEY);
    world.aws.by_hand().delete_service("shop_acme_web");
    world.settle();
    world.aws.advance(60);
    world.settle();
    assert!(!world.holds(KEY));
    assert_eq!(world.aws.load_balancers_of(KEY, "web"), [""; 0]);
    assert!(!world.aws.has_record("ZINTERNAL", "acme.example.com"));
    assert!(world.aws.desired_count("shop_acme_worker").is_some());
}

#[test]
fn arrives_when_killed_while_adopting_and_while_leaving() {
    let mut points = 0;
    let leaves = |world: &mut World| world.delete(KEY);
    for (name, platform) in [
        ("dynamic ports", staging()),
        ("claimed ports", claimed()),
        ("split horizon", platform("staging").split_horizon()),
        ("no load balancing", platform("staging").without_load_balancing()),
    ] {
        let adopt = |world: &mut World| world.apply(&acme().adopting());
        let adopting = Operation::new(platform.clone(), None, adopt).after(made_by_others);
        points += check(&format!("adopt on {name}"), &adopting);
        let has_adopted = |world: &mut World| {
            made_by_others(world);
            world.apply(&acme().adopting());
            world.settle();
        };
        let delete = Operation::new(platform.clone(), None, leaves).after(has_adopted);
        points += check(&format!("leave on {name}"), &delete);
        let remove = |world: &mut World| world.apply(&acme().adopting().without("web"));
        let remove = Operation::new(platform, None, remove).after(has_adopted);
        points += check(&format!("remove web on {name}"), &remove);
    }
    let has_adopted = |world: &mut World| {
        made_by_others(world);
        world.apply(&acme().adopting());
        world.settle();
    };
    let internal = acme().adopting().process("web", web().internal().quantity(2));
    let flip = move |world: &mut World| world.apply(&internal);
    points += check("flip", &Operation::new(claimed(), None, flip).after(has_adopted));
    let half = move |world: &mut World| {
        has_adopted(world);
        world.apply(&acme().adopting().process("web", web().internal().quantity(2)));
        world.run(2);
    };
    points += check(
        "leave half of a flip",
        &Operation::new(claimed(), None, leaves).after(half),
    );
    let deletes = |world: &mut World| {
        made_by_others(world);
        world.apply(&acme().adopting().deleting());
        world.settle();
    };
    points += check("delete", &Operation::new(claimed(), None, leaves).after(deletes));
    println!("adopting and leaving: {points} disturbances");
}
