//! Secrets of Secrets Manager by name, and tasks that are replaced when a secret has changed: their stories, what they cost, and
//! every way to kill the controller on the way.

use serde_json::json;

use crate::crash::{Operation, check as check_crashes};
use crate::fake_aws::{Disturbance, When, Write};
use crate::fixtures::{AppFixture, PlatformFixture, acme, app, process, staging, worker};
use crate::stories::Story;
use crate::world::World;
use crate::write_counts::{check, check_edit_on, settled};

const KEY: &str = "shop/acme";
const DB: &str = "shop/db";
const NAME: &str = "secretsmanager:shop/db:password";
const V2: &str = "registry.example/acme:v2";
const DENIED: Disturbance = Disturbance::Refusal(
    "AccessDeniedException",
    "not authorized to perform: secretsmanager:DescribeSecret",
);

/// Apps may have the secrets and parameters of shop.
fn shared() -> PlatformFixture {
    staging().secrets(&[
        "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/*",
        "arn:aws:ssm:us-east-1:123456789012:parameter/shop/*",
    ])
}

fn named(secret: &str) -> AppFixture {
    acme().secret("DB", secret)
}

/// A process that names a secret, beside one that names none.
fn one_of_two(secret: &str) -> AppFixture {
    app("acme")
        .process("worker", worker().secrets(&[("DB", secret)]))
        .process("beside", process("./bin/beside"))
}

fn rolling(secret: &str) -> AppFixture {
    named(secret).rolling_on_change()
}

fn world() -> World {
    let world = World::new(&shared());
    world.aws.by_hand().create_secret(DB);
    world
}

fn settled_with(app: &AppFixture) -> World {
    let mut world = world();
    world.aws.by_hand().put_parameter("/shop/token");
    world.apply(app);
    world.settle();
    world.assert_ready();
    world
}

fn updates(written: &[Write]) -> usize {
    let updates = written.iter().filter(|write| write.action == "ecs:UpdateService");
    updates.count()
}

/// Returns the calls that ask for secrets and parameters.
fn asked(world: &World) -> Vec<(&'static str, usize)> {
    let calls = world.aws.take_calls().into_iter();
    calls
        .filter(|(action, _)| action.starts_with("secretsmanager:") || action.starts_with("ssm:"))
        .collect()
}

#[test]
fn a_secret_by_name_lives_and_is_made_again() {
    let story = Story::on(&shared()).then_in_vain("named before it is there", |world| {
        world.apply(&one_of_two(NAME));
    });
    let story = story
        .tells_the_status(KEY)
        .then("made", |world| world.aws.by_hand().create_secret(DB))
        .then("another image", |world| world.apply(&one_of_two(NAME).image(V2)))
        .then("made again under its name", |world| {
            world.aws.by_hand().delete_secret(DB);
            world.aws.by_hand().create_secret(DB);
        })
        .then_in_vain("scheduled for deletion, and the image is edited", |world| {
            world.aws.by_hand().schedule_deletion(DB, true);
            world.apply(&one_of_two(NAME));
        });
    story
        .tells_the_status(KEY)
        .then("restored", |world| {
            world.aws.by_hand().schedule_deletion(DB, false);
        })
        .then("the App is deleted", |world| world.delete(KEY))
        .reads("secret-names.txt");
}

#[test]
fn a_changed_secret_has_the_tasks_replaced() {
    Story::on(&shared())
        .then("its tasks read what there is", |world| {
            world.aws.by_hand().create_secret(DB);
            world.apply(&rolling(NAME));
        })
        .then("a rotation begins", |world| {
            world.aws.by_hand().begin_rotation(DB);
        })
        .then("and is complete", |world| world.aws.by_hand().finish_rotation(DB))
        .tells_the_status(KEY)
        .then("one that changes beside an edit", |world| {
            world.aws.by_hand().rotate(DB);
            world.apply(&rolling(NAME).image(V2));
        })
        .reads("secret-changes.txt");
}

#[test]
fn a_name_costs_what_its_arn_costs_and_to_write_one_for_the_other_nothing() {
    let mut world = settled_with(&acme());
    let arn = world.aws.by_hand().secret_arn(DB);
    world.apply(&named(NAME));
    check(&world.settle(), 4);
    world.apply(&named(&format!("{arn}:password::")));
    check(&world.settle(), 0);
    world.apply(&named("secretsmanager:shop/db:password:AWSCURRENT:"));
    check(&world.settle(), 4);
    for service in ["shop_acme_web", "shop_acme_worker"] {
        let given = world.aws.secret_of(service, "DB").unwrap();
        assert_eq!(given, format!("{arn}:password:AWSCURRENT:"), "{service}");
    }
    world.apply(&named("secretsmanager:shop/db"));
    world.settle();
    assert_eq!(world.aws.secret_of("shop_acme_web", "DB"), Some(arn.clone()));
    let shown = world.status(KEY).secrets;
    assert_eq!(shown.len(), 1);
    assert_eq!((&*shown[0].name, &*shown[0].arn), (DB, &*arn));
    world.restart();
    check(&world.settle(), 0);
}

#[test]
fn a_secret_that_is_made_again_costs_a_revision_and_an_update_for_each_process() {
    let mut world = settled_with(&named(NAME));
    world.aws.by_hand().delete_secret(DB);
    world.aws.by_hand().create_secret(DB);
    check(&world.settle(), 4);
    let arn = world.aws.by_hand().secret_arn(DB);
    let given = world.aws.secret_of("shop_acme_web", "DB").unwrap();
    assert_eq!(given, format!("{arn}:password::"));
}

#[test]
fn who_names_no_secret_asks_for_none() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db-AbCdEf";
    for app in [acme(), named(arn), named("/shop/token")] {
        let mut world = settled(&shared(), &app);
        world.restart();
        world.settle();
        world.delete(KEY);
        world.settle();
        assert_eq!(asked(&world), []);
    }
}

#[test]
fn who_may_not_have_a_secret_does_not_learn_if_there_is_one() {
    let told = |is_there: bool| {
        let mut world = World::new(&shared());
        if is_there {
            world.aws.by_hand().create_secret("bank/key");
        }
        world.apply(&named("secretsmanager:bank/key"));
        assert_eq!(world.settle().len(), 0);
        assert_eq!(asked(&world), []);
        assert_eq!(world.status(KEY).secrets, []);
        world.reason(KEY)
    };
    let reason = told(true);
    assert_eq!(
        reason,
        "NotAllowed: secrets: DB: Platform staging does not allow secretsmanager:bank/key: it matches nothing in \
         tenancy.secretArns"
    );
    assert_eq!(told(false), reason);
}

#[test]
fn of_names_that_may_be_allowed_the_arn_decides() {
    let one = ["arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db-AAAAAA"];
    let mut world = World::new(&staging().secrets(&one));
    world.aws.by_hand().create_secret(DB);
    let arn = world.aws.by_hand().secret_arn(DB);
    world.apply(&named("secretsmanager:shop/db"));
    assert_eq!(world.settle().len(), 0);
    let reason = world.reason(KEY);
    assert!(reason.starts_with("NotAllowed"), "{reason}");
    assert!(reason.contains(&arn), "{reason}");
}

#[test]
fn what_cannot_be_read_holds_up_the_process_that_names_it_and_nothing_else() {
    let mut world = world();
    world.aws.disturb_read("secretsmanager:", DENIED);
    world.apply(&one_of_two(NAME));
    world.settle_or_not();
    let reason = world.reason(KEY);
    assert!(reason.starts_with("AccessDenied"), "{reason}");
    assert!(reason.contains("deploy/iam/secrets.json"), "{reason}");
    assert!(reason.contains("process worker: secrets: DB"), "{reason}");
    assert!(world.aws.desired_count("shop_acme_beside").is_some());
    assert!(world.aws.desired_count("shop_acme_worker").is_none());
    let definitions = world.aws.writes();
    let of_worker = |write: &&Write| write.about.contains("shop_acme_worker");
    assert_eq!(definitions.iter().filter(of_worker).count(), 0);
    world.aws.calm();
    world.aws.advance(1_000);
    world.settle();
    world.assert_ready();
}

#[test]
fn the_arn_of_the_status_holds_while_aws_cannot_be_asked() {
    for disturbance in [DENIED, Disturbance::Timeout(When::Before)] {
        let mut world = settled_with(&one_of_two(NAME));
        world.restart();
        world.aws.disturb_read("secretsmanager:", disturbance.clone());
        world.apply(&one_of_two(NAME).image(V2));
        world.settle_or_not();
        let written = world.aws.writes();
        assert_eq!(updates(&written), 2, "{disturbance:?}: {:?}", world.reason(KEY));
        world.delete(KEY);
        world.settle();
        assert!(!world.holds(KEY), "{disturbance:?}");
    }
}

#[test]
fn tasks_are_replaced_once_for_each_change_and_not_for_what_was_there() {
    let check_rotations = |secret: &str, changes: &dyn Fn(&World), expected: usize| {
        let mut world = settled_with(&rolling(secret));
        world.restart();
        check(&world.settle(), 0);
        for _ in 0..2 {
            changes(&world);
            check(&world.settle(), expected);
            world.assert_ready();
            world.restart();
            check(&world.settle(), 0);
        }
    };
    let arn = settled_with(&acme()).aws.by_hand().secret_arn(DB);
    let rotate = |world: &World| world.aws.by_hand().rotate(DB);
    let begin = |world: &World| world.aws.by_hand().begin_rotation(DB);
    let put = |world: &World| world.aws.by_hand().put_parameter("/shop/token");
    check_rotations(NAME, &rotate, 2);
    check_rotations(&arn, &rotate, 2);
    check_rotations("/shop/token", &put, 2);
    check_rotations("arn:aws:ssm:us-east-1:123456789012:parameter/shop/token", &put, 2);
    // Nobody reads what a rotation only tries, and what has an id stays what it is.
    check_rotations(NAME, &begin, 0);
    check_rotations("secretsmanager:shop/db:::version-1", &rotate, 0);
}

#[test]
fn to_ask_for_it_costs_nothing_and_to_stop_asking_nothing() {
    let platform = shared();
    let mut world = settled_with(&named(NAME));
    world.apply(&rolling(NAME));
    check(&world.settle(), 0);
    world.aws.by_hand().rotate(DB);
    world.apply(&named(NAME));
    check(&world.settle(), 0);
    world.apply(&rolling(NAME));
    check(&world.settle(), 0);
    check_edit_on(&platform, &acme(), &acme().rolling_on_change(), 0);
}

#[test]
fn a_rotation_runs_no_release_and_rolls_what_asks_for_it_alone() {
    let app = || {
        acme()
            .secret("DB", NAME)
            .process("web", worker().rolling_on_change())
            .process("migrate", process("./bin/migrate").noservice())
            .release("migrate")
    };
    let mut world = settled_with(&app());
    world.aws.by_hand().rotate(DB);
    let written = world.settle();
    let said: Vec<String> = written
        .iter()
        .map(|write| format!("{} {}", write.action, write.about))
        .collect();
    assert_eq!(written.len(), 1, "{said:#?}");
    assert!(said[0].contains("shop_acme_web"), "{said:#?}");
    world.assert_ready();
}

#[test]
fn a_change_while_it_is_suspended_is_made_up_for() {
    let mut world = settled_with(&rolling(NAME));
    world.apply(&rolling(NAME).suspended());
    world.settle();
    world.aws.by_hand().rotate(DB);
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(reason.starts_with("Suspended"), "{reason}");
    world.apply(&rolling(NAME));
    check(&world.settle(), 2);
    world.assert_ready();
}

#[test]
fn a_rotation_is_carried_out_exactly_once_wherever_the_controller_is_killed() {
    let base = settled_with(&rolling(NAME));
    let mut points = 0;
    let mut undisturbed = base.fork();
    undisturbed.aws.by_hand().rotate(DB);
    undisturbed.aws.take_attempts();
    check(&undisturbed.settle(), 2);
    let writes = undisturbed.aws.take_attempts();
    for disturbance in [
        Disturbance::Crash(When::Before),
        Disturbance::Crash(When::After),
        Disturbance::Timeout(When::Before),
        Disturbance::Timeout(When::After),
        Disturbance::Refusal("ThrottlingException", "Rate exceeded"),
    ] {
        for (n, write) in writes.iter().enumerate() {
            let mut world = base.fork();
            world.aws.by_hand().rotate(DB);
            world.aws.disturb_write(n, disturbance.clone());
            let written = world.settle();
            let at = format!("{disturbance:?} at {write}");
            assert_eq!(world.aws.disturbed(), 1, "{at}");
            assert_eq!(updates(&written), 2, "{at}");
            assert_eq!(world.snapshot(), undisturbed.snapshot(), "{at}");
            world.assert_ready();
            world.restart();
            assert!(world.settle().is_empty(), "{at}");
            points += 1;
        }
    }
    println!("{points} disturbances");
}

#[test]
fn a_rotation_waits_for_a_status_that_outlives_the_controller() {
    let mut world = settled_with(&rolling(NAME));
    world.aws.by_hand().rotate(DB);
    world.refuses_status = true;
    world.run(10);
    assert_eq!(updates(&world.aws.writes()), 0);
    world.refuses_status = false;
    check(&world.settle(), 2);
    world.assert_ready();
}

#[test]
fn a_name_survives_a_crash_at_every_write() {
    let edit = |world: &mut World| world.apply(&named(NAME));
    let there = |world: &mut World| world.aws.by_hand().create_secret(DB);
    let operation = Operation::new(shared(), Some(acme()), edit).after(there);
    let mut points = check_crashes("a secret by name", &operation);
    let again = |world: &mut World| {
        world.aws.by_hand().delete_secret(DB);
        world.aws.by_hand().create_secret(DB);
    };
    let begin = |world: &mut World| {
        world.aws.by_hand().create_secret(DB);
        world.apply(&named(NAME));
        world.settle();
    };
    let operation = Operation::new(shared(), Some(acme()), again).after(begin);
    points += check_crashes("a secret made again", &operation);
    println!("{points} disturbances");
}

#[test]
fn one_secret_is_read_once_for_all_apps_that_name_it() {
    let mut world = World::sharing(&shared());
    world.aws.by_hand().create_secret(DB);
    for number in 0..60 {
        world
            .aws
            .by_hand()
            .put_parameter(&format!("/shop/token-{number}"));
        let token = format!("/shop/token-{number}");
        let worker = worker()
            .secrets(&[("DB", NAME), ("TOKEN", &token)])
            .rolling_on_change();
        world.apply(&app(&format!("app-{number:04}")).process("worker", worker));
    }
    world.settle();
    world.assert_ready();
    world.aws.take_calls();
    world.aws.advance(700);
    world.step();
    let calls = asked(&world);
    let expected = [
        ("secretsmanager:DescribeSecret", 1),
        ("ssm:DescribeParameters", 2),
    ];
    assert_eq!(calls, expected);

    // After a start, too: what the statuses show nobody waits for.
    world.restart();
    world.aws.take_calls();
    world.step();
    assert!(asked(&world).iter().all(|(_, calls)| *calls <= 2));
    check(&world.settle(), 0);

    world.aws.by_hand().rotate(DB);
    world.aws.by_hand().put_parameter("/shop/token-7");
    world.aws.advance(700);
    let written = world.settle();
    assert_eq!(
        updates(&written),
        60,
        "once each, also of the one with two changes"
    );
}

#[test]
fn many_secrets_of_one_app_are_refused_before_they_are_asked_for() {
    let secrets: Vec<(String, String)> = (0..251)
        .map(|n| (format!("S{n}"), format!("secretsmanager:shop/{n}")))
        .collect();
    let secrets: Vec<(&str, &str)> = secrets
        .iter()
        .map(|(name, secret)| (&**name, &**secret))
        .collect();
    let mut world = World::new(&shared());
    world.apply(&app("acme").process("worker", worker().secrets(&secrets)));
    assert_eq!(world.settle().len(), 0);
    let reason = world.reason(KEY);
    assert!(reason.starts_with("InvalidSpec"), "{reason}");
    assert_eq!(asked(&world), []);
}

#[test]
fn a_sidecar_of_the_platform_may_name_one() {
    let sidecar = json!({
        "image": "registry.example/agent:v1", "secrets": { "KEY": "secretsmanager:shop/db" },
    });
    let platform = shared().task_sidecars(json!({ "agent": sidecar }));
    let mut world = World::new(&platform);
    world.apply(&app("acme").process("worker", worker()));
    world.settle_or_not();
    let reason = world.reason(KEY);
    assert!(reason.starts_with("SecretNotFound"), "{reason}");
    assert!(
        reason.contains("process worker: Platform staging: tasks.sidecars.agent.secrets: KEY"),
        "{reason}"
    );
    world.aws.by_hand().create_secret(DB);
    world.settle();
    world.assert_ready();
}
