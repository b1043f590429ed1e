//! DNS names of many Apps, which are changed in batches.

use empire_controller::model::record::RecordKind;

use crate::fake_aws::Disturbance;
use crate::fixtures::{
    AppFixture, EXTERNAL_ZONE, INTERNAL_ZONE, PlatformFixture, ProcessFixture, app, platform, staging, web,
    worker,
};
use crate::world::World;
use crate::write_counts::check;

const CHANGE: &str = "route53:ChangeResourceRecordSets";

fn exposed(number: usize) -> AppFixture {
    app(&format!("app-{number:04}")).process("web", web().exposed())
}

/// The name of an App of one process, and that of the process.
fn names(number: usize) -> [String; 2] {
    [
        format!("app-{number:04}.example.com"),
        format!("app-{number:04}-web.example.com"),
    ]
}

/// A world whose Apps share lists and batches, as the controller's do.
fn gathering() -> World {
    let mut world = World::sharing(&staging());
    world.gathers = true;
    world
}

fn fleet(size: usize) -> World {
    let mut world = gathering();
    for number in 0..size {
        world.apply(&exposed(number));
    }
    world
}

/// Settles, and returns the batches that were sent.
fn batches(world: &mut World) -> Vec<String> {
    world.aws.take_attempts();
    world.settle();
    let mut attempts = world.aws.take_attempts();
    attempts.retain(|attempt| attempt.starts_with(CHANGE));
    attempts
}

/// Creates, moves and deletes of a whole fleet: its Apps become ready in the same seconds.
#[test]
fn names_of_a_hundred_apps_take_three_calls_at_most_to_make_to_move_and_to_remove() {
    let mut world = fleet(100);
    assert!(batches(&mut world).len() <= 3);
    world.assert_ready();
    assert!(
        names(42)
            .iter()
            .all(|name| world.aws.pointed_at(INTERNAL_ZONE, name).is_some())
    );

    // Another scheme takes another load balancer, and so each name moves.
    for number in 0..100 {
        world.apply(&app(&format!("app-{number:04}")).process("web", web().external()));
    }
    // Two zones.
    assert!(batches(&mut world).len() <= 6);
    world.assert_ready();

    for key in world.keys() {
        world.delete(&key);
    }
    assert!(batches(&mut world).len() <= 6);
    assert_eq!(world.keys(), Vec::<String>::new());
    let there = |number| {
        names(number)
            .iter()
            .any(|name| world.aws.pointed_at(INTERNAL_ZONE, name).is_some())
    };
    assert!(!(0..100).any(there));
}

#[test]
fn a_foreign_record_among_many_costs_three_calls_and_is_told_to_its_app_alone() {
    let mut world = fleet(50);
    world.aws.on_next_write(CHANGE, |console| {
        console.foreign_record(INTERNAL_ZONE, "app-0042.example.com", RecordKind::A, "192.0.2.1");
    });
    assert_eq!(batches(&mut world).len(), 3);
    for key in world.keys() {
        let reason = world.reason(&key);
        if key == "shop/app-0042" {
            assert!(
                reason.starts_with("Conflict: ") && reason.contains("app-0042.example.com"),
                "{reason}"
            );
        } else {
            assert_eq!(reason, "Ready", "{key}");
        }
    }
}

#[test]
fn an_unnamed_culprit_among_many_is_told_to_its_app_alone() {
    let mut world = fleet(50);
    let refused = Disturbance::Refusal("InvalidChangeBatch", "No.");
    world.aws.disturb(CHANGE, "app-0042.example.com", refused);
    for _ in 0..40 {
        world.pass_due();
        world.aws.advance(10);
    }
    let attempts = world.aws.take_attempts();
    let calls = attempts
        .iter()
        .filter(|attempt| attempt.starts_with(CHANGE))
        .count();
    assert!(calls <= 16, "{calls} calls");
    for key in world.keys() {
        let reason = world.reason(&key);
        if key == "shop/app-0042" {
            assert!(reason.starts_with("Refused: "), "{reason}");
        } else {
            assert_eq!(reason, "Ready", "{key}");
        }
    }
}

#[test]
fn a_status_says_which_name_waits_and_an_edit_in_between_withdraws_it() {
    let mut world = gathering();
    world.apply(&exposed(1));
    let is_waiting = |world: &World| world.reason("shop/app-0001").contains("to be changed");
    for _ in 0..40 {
        world.pass_due();
        if is_waiting(&world) {
            break;
        }
        world.aws.advance(10);
    }
    let reason = world.reason("shop/app-0001");
    let said = "web: waiting for the DNS name app-0001.example.com to be changed";
    assert!(reason.contains(said), "{reason}");
    world.aws.take_attempts();
    // No name is wanted any more before the batch has left.
    world.apply(&app("app-0001").process("worker", worker()));
    world.pass_due();
    assert_eq!(batches(&mut world), Vec::<String>::new());
    world.assert_ready();
}

#[test]
fn a_restart_while_names_wait_forgets_none_of_them() {
    let mut world = fleet(3);
    for _ in 0..40 {
        world.pass_due();
        if world.reason("shop/app-0001").contains("to be changed") {
            break;
        }
        world.aws.advance(10);
    }
    world.restart();
    assert_eq!(batches(&mut world).len(), 1);
    world.assert_ready();
}

/// A pass has asked what became of its names, and is answered after that: it must not be the App's last one, and must not
/// destroy what a name leads to by now.
#[test]
fn a_batch_that_is_answered_in_the_middle_of_a_pass_is_taken_up_by_the_next_one() {
    for (name, leaving) in [("deleted", exposed(1)), ("retained", exposed(1).retained())] {
        let mut world = World::new(&staging());
        world.answers_late = true;
        let key = leaving.key();
        // Deleted once its names are on their way, and later.
        for steps in 0..12 {
            let mut world = world.fork();
            world.answers_late = true;
            world.apply(&leaving);
            world.run(steps);
            world.delete(&key);
            world.settle();
            assert!(!world.holds(&key), "{name} after {steps} steps");
            for ownership in names(1).map(|name| format!("_empire.{name}")) {
                let there = world.aws.has_record(INTERNAL_ZONE, &ownership);
                assert!(!there, "{name} after {steps} steps: {ownership} is left");
            }
            let left = world.aws.load_balancers_of(&key, "web");
            assert_eq!(left, Vec::<String>::new(), "{name} after {steps} steps");
        }
        world.apply(&leaving);
        world.settle();
        world.assert_ready();
        world.apply(&app("app-0001").process("web", web().external()));
        world.settle();
        world.assert_ready();
    }
}

/// What was queued is not sent once its App is suspended.
#[test]
fn a_suspended_app_changes_no_name() {
    let mut world = gathering();
    world.apply(&exposed(1));
    for _ in 0..40 {
        world.pass_due();
        if world.reason("shop/app-0001").contains("to be changed") {
            break;
        }
        world.aws.advance(10);
    }
    world.apply(&exposed(1).suspended());
    world.pass_due();
    assert_eq!(batches(&mut world), Vec::<String>::new());
    world.apply(&exposed(1));
    assert_eq!(batches(&mut world).len(), 1);
    world.assert_ready();
}

/// Somebody deletes a record: a repair is counted, though another pass than the one that found it takes it up.
#[test]
fn a_name_that_drifted_is_counted_as_a_repair_and_an_edit_is_not() {
    let mut world = World::settled(&staging(), &exposed(1));
    world
        .aws
        .by_hand()
        .delete_records(INTERNAL_ZONE, "app-0001.example.com");
    world.settle();
    world.assert_ready();
    assert_eq!(world.repaired, ["record"]);
    world.apply(&app("app-0001").process("web", web().external()));
    world.settle();
    world.assert_ready();
    assert_eq!(world.repaired, ["record"]);
}

/// Only the holder's own team hears whose the name is.
#[test]
fn whose_a_name_is_that_another_namespace_asks_for_is_told_to_its_holder_alone() {
    let mut world = World::settled(&staging(), &exposed(1));
    world.apply(&exposed(1).namespace("blog"));
    world.settle_or_not();
    let reason = world.reason("blog/app-0001");
    assert!(reason.starts_with("Conflict: "), "{reason}");
    assert!(!reason.contains("shop"), "{reason}");
    let told = names(1).map(|name| ("shop/app-0001".to_owned(), name));
    assert_eq!(world.contested, told.into());
}

const SSO: &str = "sso.example.com";

/// Has `sso` in the private zone, and in the public one, too, if it is external.
fn sso(namespace: &str, web: ProcessFixture) -> AppFixture {
    let name = format!("login-{namespace}");
    app(&name)
        .namespace(namespace)
        .process("web", web.hostnames(&[SSO]))
}

fn split() -> PlatformFixture {
    platform("staging").split_horizon()
}

/// Of a private and a public zone of the same name, the App has the name in the private one alone.
#[test]
fn a_name_that_an_app_has_in_the_private_zone_is_not_anothers_in_the_public_one() {
    for sharing in [false, true] {
        let mut world = if sharing {
            World::sharing(&split())
        } else {
            World::new(&split())
        };
        world.apply(&sso("shop", web().internal()));
        world.settle();
        world.assert_ready();
        world.apply(&sso("blog", web().external()));
        world.settle_or_not();
        let reason = world.reason("blog/login-blog");
        assert!(
            reason.contains("is held by an App of another namespace, in hosted zone ZINTERNAL"),
            "{reason}"
        );
        assert!(!reason.contains("shop"), "{reason}");
        assert!(world.aws.pointed_at(EXTERNAL_ZONE, SSO).is_none());
        assert_eq!(
            world.contested,
            [("shop/login-shop".to_owned(), SSO.to_owned())].into()
        );

        // It is woken once the name is released, and has it in both.
        world.delete("shop/login-shop");
        world.settle();
        world.assert_ready();
        assert!(world.woken.contains(&"blog/login-blog".to_owned()));
        for zone in [INTERNAL_ZONE, EXTERNAL_ZONE] {
            assert!(world.aws.pointed_at(zone, SSO).is_some(), "{zone}");
        }
    }
}

/// The holder got it where there was no private zone yet.
#[test]
fn a_name_that_an_app_has_in_the_public_zone_is_not_anothers_in_the_private_one() {
    let mut world = World::settled(
        &platform("staging").external_zone(),
        &sso("shop", web().external()),
    );
    world.apply(&sso("shop", web().external()).suspended());
    world.set_platform(&split());
    world.apply(&sso("blog", web().internal()));
    world.settle_or_not();
    let reason = world.reason("blog/login-blog");
    assert!(
        reason.contains("is held by an App of another namespace, in hosted zone ZEXTERNAL"),
        "{reason}"
    );
    assert!(world.aws.pointed_at(INTERNAL_ZONE, SSO).is_none());

    world.apply(&sso("shop", web().external()));
    world.settle_or_not();
    assert_eq!(world.reason("shop/login-shop"), "Ready");
    assert!(world.aws.pointed_at(INTERNAL_ZONE, SSO).is_some());
}

/// Before an upgrade, two Apps came to share a name: each keeps what it has, and nothing is read or written for it.
#[test]
fn apps_that_share_a_name_already_keep_it() {
    let mut world = World::settled(&staging(), &sso("shop", web().internal()));
    world.set_platform(&split());
    world.apply(&sso("blog", web().external()));
    world.settle_or_not();
    let text = "\"empire.dev/owner=installation-1,empire.dev/app=blog/login-blog,empire.dev/process=web\"";
    world
        .aws
        .by_hand()
        .foreign_record(EXTERNAL_ZONE, &format!("_empire.{SSO}"), RecordKind::Txt, text);
    world.restart();
    world.settle_or_not();
    assert_eq!(world.reason("shop/login-shop"), "Ready");
    let (before, shop) = (world.snapshot(), world.status("shop/login-shop"));
    world.restart();
    world.settle_or_not();
    assert_eq!(format!("{:?}", world.snapshot()), format!("{before:?}"));
    assert_eq!(world.status("shop/login-shop"), shop);
}

#[test]
fn a_platform_that_names_otherwise_renames_in_one_batch_and_costs_nothing_where_it_says_what_was_so() {
    let mut world = World::settled(&staging(), &exposed(1));
    world.set_platform(&staging().naming(&["{app}-{process}", "{app}"]));
    check(&world.settle(), 0);
    world.set_platform(&staging().naming(&["{process}.{app}.{namespace}"]));
    assert_eq!(batches(&mut world).len(), 1);
    world.assert_ready();
    assert!(
        world
            .aws
            .pointed_at(INTERNAL_ZONE, "web.app-0001.shop.example.com")
            .is_some()
    );
    for name in names(1) {
        assert!(world.aws.pointed_at(INTERNAL_ZONE, &name).is_none(), "{name}");
    }
}

/// No schema can see it.
#[test]
fn two_apps_that_come_to_the_same_name_do_not_share_it() {
    let naming = staging().naming(&["{namespace}-{app}-{process}"]);
    let first = app("b-c").namespace("a").process("web", web().exposed());
    let second = app("c").namespace("a-b").process("web", web().exposed());
    let mut world = World::settled(&naming, &first);
    world.apply(&second);
    world.settle_or_not();
    assert_eq!(world.reason("a/b-c"), "Ready");
    let reason = world.reason("a-b/c");
    assert!(
        reason.starts_with("Conflict: process web: the name a-b-c-web.example.com is held"),
        "{reason}"
    );
}
