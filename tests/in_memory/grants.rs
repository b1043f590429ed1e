//! What a Platform grants: stored ones keep their meaning, and where something is not granted, nothing is made, lost or left
//! behind unseen.

use serde_json::{Value, json};

use crate::fake_aws::{Disturbance, When};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, staging, web, worker};
use crate::world::{Patches, World};
use crate::write_counts::check;

const ACME: &str = "shop/acme";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/token-a1b2c3";
const ROLE: &str = "arn:aws:iam::123456789012:role/shop/acme";

/// All that needs a grant where there are any.
fn demanding() -> AppFixture {
    let web = web().external().https(&["one"]).hostnames(&["www.example.com"]);
    app("acme")
        .process("web", web)
        .process("worker", worker())
        .adopting()
        .retained()
}

fn all() -> Value {
    json!({
        "namespaceSelector": {}, "hostnames": ["*", "example.com"], "certificateArns": ["*"], "images": ["*"],
        "external": true, "adopt": true, "retain": true,
    })
}

/// A Platform that was stored before there were grants, without and with a word about tenancy, and an App that it takes; and
/// one with an App that has the zone's own name.
fn stored() -> [(PlatformFixture, AppFixture); 3] {
    let apex = web().exposed().hostnames(&["example.com"]);
    let shared = staging().tenants(&json!({ "team": "retail" }));
    [
        (staging().split_horizon(), demanding()),
        (
            shared.split_horizon(),
            demanding().secret("TOKEN", SECRET).task_role(ROLE),
        ),
        (staging().alias(), app("acme").process("web", apex)),
    ]
}

fn settled(platform: &PlatformFixture, app: &AppFixture) -> World {
    let mut world = World::new(platform);
    world.namespace.insert("team".into(), "retail".into());
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

/// Nothing is written, neither to AWS nor to Kubernetes, and Ready stays as it was, to the second.
#[track_caller]
fn assert_untouched(world: &mut World, act: impl FnOnce(&mut World), statuses_of_platform: usize) {
    let (moment, status) = (world.snapshot(), world.status(ACME));
    world.patches = Patches::default();
    act(world);
    check(&world.settle(), 0);
    assert_eq!(format!("{:?}", world.snapshot()), format!("{moment:?}"));
    let found = world.status(ACME);
    assert_eq!(found.conditions, status.conditions);
    let patches = Patches {
        platform_statuses: statuses_of_platform,
        statuses: world.patches.statuses,
        ..Patches::default()
    };
    assert_eq!(world.patches, patches);
    if statuses_of_platform == 0 {
        assert_eq!((world.patches.statuses, found), (0, status));
    }
}

#[test]
fn an_upgrade_leaves_apps_of_every_stored_platform_as_they_are() {
    for (platform, app) in stored() {
        assert_untouched(&mut settled(&platform, &app), World::restart, 0);
    }
}

#[test]
fn a_platform_that_grants_what_its_apps_have_changes_nothing_of_them() {
    for (platform, app) in stored() {
        let mut world = settled(&platform, &app);
        assert_untouched(
            &mut world,
            |world| world.set_platform(&platform.granting(&[all()])),
            1,
        );
        assert_untouched(&mut world, World::restart, 0);
    }
}

#[test]
fn what_is_not_granted_is_refused_before_anything_is_made() {
    let mut world = World::new(&staging().granting(&[json!({ "namespaceSelector": {}, "images": ["*"] })]));
    world.apply(&acme());
    check(&world.settle(), 0);
    assert_eq!(
        world.reason(ACME),
        "NotAllowed: process web: expose.external: Platform staging does not allow true: tenancy.grants[0].external is not true"
    );
    world.apply(&acme().process("web", web().internal()));
    check(&world.settle(), 0);
    assert_eq!(
        world.reason(ACME),
        "NotAllowed: process web: expose: the name that it gets by itself: Platform staging does not allow \
         acme-web.example.com: it matches nothing in tenancy.grants[0].hostnames"
    );
    // It never held anything, so that it goes at once.
    world.delete(ACME);
    check(&world.settle(), 0);
    assert!(!world.holds(ACME));
}

#[test]
fn what_is_no_longer_granted_goes_on_and_is_neither_changed_nor_in_the_way_of_a_deletion() {
    let platform = staging().granting(&[all()]);
    let mut world = settled(&platform, &acme());
    let before = world.aws.summary();
    world.set_platform(&platform.granting(&[]));
    world.apply(&acme().image("registry.example/acme:v2"));
    check(&world.settle(), 0);
    assert_eq!(world.aws.summary(), before);
    assert!(
        world
            .reason(ACME)
            .starts_with("NotAllowed: image: Platform staging")
    );
    world.delete(ACME);
    world.settle();
    assert!(!world.holds(ACME));
}

/// Neither lost nor left behind by surprise.
#[test]
fn an_app_that_may_not_retain_waits_to_be_told_when_it_is_deleted() {
    let waits = || {
        let mut world = settled(&staging(), &acme().retained());
        world.set_platform(&staging().granting(&[]));
        let before = world.aws.summary();
        world.delete(ACME);
        check(&world.settle(), 0);
        assert_eq!(world.aws.summary(), before);
        assert!(world.is_deleting(ACME));
        assert_eq!(
            world.reason(ACME),
            "NotAllowed: deletionPolicy: Platform staging does not allow Retain: none of tenancy.grants selects namespace shop; \
             it is neither removed nor released until it is, or until deletionPolicy is Delete"
        );
        world
    };
    let tagged = |world: &World| world.aws.load_balancers_of(ACME, "web").len();

    // Told to remove it.
    let mut world = waits();
    world.apply(&acme());
    world.settle();
    assert!(!world.holds(ACME));
    assert!(
        !world.aws.summary().iter().any(|line| line.starts_with("service")),
        "{:?}",
        world.aws.summary()
    );

    // Or granted.
    let mut world = waits();
    assert_eq!(tagged(&world), 1);
    world.set_platform(&staging().granting(&[json!({ "namespaceSelector": {}, "retain": true })]));
    world.settle();
    assert!(!world.holds(ACME));
    assert_eq!(tagged(&world), 0);
    assert!(world.aws.summary().iter().any(|line| line.starts_with("service")));
}

/// Who may edit an App may write its annotations, where no admission policy is; and before its first pass has come to an end,
/// its status shows nothing that it has.
#[test]
fn a_forged_record_of_a_platform_that_is_not_there_releases_nothing() {
    let mut grant = all();
    grant["retain"] = false.into();
    let mut world = World::new(&staging().granting(&[grant]));
    world.apply(&acme());
    world.aws.disturb_write(2, Disturbance::Crash(When::After));
    world.step();
    assert!(world.status(ACME).processes.is_empty());
    let before = world.aws.summary();
    assert!(!before.is_empty());

    world.apply(&acme().retained());
    world.record_elsewhere(ACME, "nowhere");
    world.delete(ACME);
    check(&world.settle(), 0);
    assert_eq!(world.aws.summary(), before);
    assert!(world.is_deleting(ACME));
    assert!(
        world.reason(ACME).starts_with("NotAllowed: deletionPolicy: "),
        "{}",
        world.reason(ACME)
    );
    world.apply(&acme());
    world.settle();
    assert!(!world.holds(ACME));
    assert!(world.aws.load_balancers_of(ACME, "web").is_empty());
}
