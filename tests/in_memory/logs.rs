//! Log groups of Apps: their stories, what they cost, what they never do, and every way to kill the controller on the way.

use empire_controller::model::owner::Tags;
use serde_json::{Value, json};

use crate::crash::{self, Operation};
use crate::fake_aws::{Disturbance, Echo, Fate};
use crate::fixtures::{AppFixture, PlatformFixture, app, process, staging};
use crate::stories::Story;
use crate::world::{OneRun, World};
use crate::write_counts::{check, settled};

const KEY: &str = "shop/acme";
const GROUP: &str = "/empire/default/shop/acme";

fn logging(more: &Value) -> PlatformFixture {
    let mut all = json!({ "retentionDays": 30 });
    let fields = all.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    staging().log_groups(&all)
}

fn worker() -> AppFixture {
    app("acme").process("worker", process("./bin/worker"))
}

fn with_cron() -> AppFixture {
    worker().process("nightly", process("./bin/nightly").cron("0 3 * * ? *"))
}

/// The calls about log groups.
fn of_logs(world: &World) -> Vec<String> {
    let writes = world.aws.writes().into_iter();
    let of_logs = writes.filter(|write| write.action.starts_with("logs:"));
    of_logs
        .map(|write| format!("{} {}", write.action, write.about))
        .collect()
}

#[test]
fn a_log_group_lives_with_its_app_and_stays() {
    Story::on(&logging(&json!({})).tag("cost-center", "42"))
        .then("the first App that logs", |world| world.apply(&with_cron()))
        .shows_the_world()
        .then("a new image", |world| {
            world.apply(&with_cron().image("registry.example/acme:v2"));
        })
        .then("somebody sets another retention", |world| {
            world.aws.by_hand().log_group(GROUP).retention_days = Some(1);
        })
        .then("the Platform has another tag", |world| {
            world.set_platform(&logging(&json!({})).tag("cost-center", "43"));
        })
        .then("the App is deleted", |world| world.delete(KEY))
        .shows_the_world()
        .then("and comes back", |world| world.apply(&worker()))
        .shows_the_world()
        .reads("logs.txt");
}

#[test]
fn a_group_costs_two_writes_and_an_unchanged_one_none() {
    let mut world = World::new(&logging(&json!({})));
    world.apply(&worker());
    world.settle();
    assert_eq!(
        of_logs(&world),
        [
            format!("logs:CreateLogGroup {GROUP}"),
            format!("logs:PutRetentionPolicy {GROUP} 30"),
        ]
    );
    world.restart();
    assert!(world.settle().is_empty());
}

/// To the byte, or each of its tasks would be replaced.
#[test]
fn a_platform_without_groups_never_asks_cloudwatch_logs_for_anything() {
    let options = [("awslogs-group", GROUP), ("awslogs-region", "us-east-1")];
    let platform = staging().logging("awslogs", &options);
    let mut world = World::new(&platform);
    world.aws.by_hand().make_log_group(GROUP, &Tags::new());
    world.apply(&worker());
    world.settle();
    world.delete(KEY);
    world.settle();
    let calls = world.aws.take_calls();
    assert!(calls.contains_key("ecs:CreateService"), "{calls:?}");
    assert!(!calls.keys().any(|call| call.starts_with("logs:")), "{calls:?}");
}

#[test]
fn a_group_goes_with_its_app_only_where_the_platform_says_so() {
    let mut world = World::new(&logging(&json!({ "deletionPolicy": "Delete" })));
    world.apply(&worker());
    world.settle();
    world.delete(KEY);
    world.settle();
    assert_eq!(world.aws.log_group_named(GROUP), None);
    let writes: Vec<&str> = world.aws.writes().iter().map(|write| write.action).collect();
    let at = |action| writes.iter().position(|write| *write == action).unwrap();
    assert!(at("ecs:DeleteService") < at("logs:DeleteLogGroup"));
}

#[test]
fn a_group_that_went_is_made_again_before_new_content() {
    let mut world = World::new(&logging(&json!({})));
    world.apply(&worker());
    world.settle();
    let before = world.aws.writes().len();
    world.aws.by_hand().delete_log_group(GROUP);
    world.apply(&worker().image("registry.example/acme:v2"));
    world.settle();
    world.assert_ready();
    let writes = world.aws.writes();
    let at = |action| {
        let mut writes = writes[before..].iter();
        writes.position(|write| write.action == action).unwrap()
    };
    assert!(at("logs:CreateLogGroup") < at("ecs:RegisterTaskDefinition"));
    assert!(at("logs:CreateLogGroup") < at("ecs:UpdateService"));
}

/// Nothing says any more where it was, but that it was there.
#[test]
fn a_group_to_which_nothing_logs_any_more_goes_with_its_app_all_the_same() {
    let mut world = settled(&logging(&json!({ "deletionPolicy": "Delete" })), &worker());
    let elsewhere = process("./bin/worker").having("logging", json!({ "driver": "json-file" }));
    world.apply(&app("acme").process("worker", elsewhere));
    world.settle();
    assert!(world.aws.log_group_named(GROUP).is_some());
    world.restart();
    world.settle();
    world.restart();
    world.delete(KEY);
    world.settle();
    assert_eq!(world.aws.log_group_named(GROUP), None);
}

/// A cluster was set up anew, with the same Apps and another owner id.
#[test]
fn a_group_that_outlives_its_installation_has_a_way_to_the_next_one() {
    let mut world = World::new(&logging(&json!({})));
    let gone = Tags::from([
        ("empire.dev/owner".into(), "gone".into()),
        ("empire.dev/app".into(), KEY.into()),
    ]);
    world.aws.by_hand().make_log_group(GROUP, &gone);
    world.apply(&worker());
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    let advice = "installation gone: if that is gone, take its tag empire.dev/owner off (aws logs untag-resource), and annotate the \
                  App with empire.dev/adopt: \"true\"";
    assert!(
        reason.starts_with("Conflict: ") && reason.contains(advice),
        "{reason}"
    );
    let mut console = world.aws.by_hand();
    let tags = &mut console.log_group(GROUP).tags;
    tags.retain(|key, _| key.as_str() != "empire.dev/owner");
    drop(console);
    world.apply(&worker().adopting());
    world.settle();
    world.assert_ready();
}

#[test]
fn a_new_group_that_is_not_described_yet_is_waited_for() {
    let mut world = World::new(&logging(&json!({})));
    world.aws.by_hand().hide_new_log_groups(60);
    world.apply(&worker());
    world.run(2);
    world.restart();
    world.settle();
    world.aws.advance(60);
    world.settle();
    world.assert_ready();
    let made = of_logs(&world).into_iter().filter(|call| call.contains("Create"));
    assert_eq!(made.count(), 1);
}

#[test]
fn settings_that_aws_reports_otherwise_are_not_sent_again_and_again() {
    let mut world = World::new(&logging(&json!({})));
    world.aws.echo(Echo::LogGroup(|found| {
        found.retention_days = found.retention_days.map(|_| 31);
    }));
    world.apply(&worker());
    world.settle();
    let before = of_logs(&world).len();
    world.restart();
    world.settle();
    assert!(of_logs(&world).len() <= before + 1, "{:?}", of_logs(&world));
}

#[test]
fn a_group_of_nobody_is_a_conflict_until_it_is_adopted_and_then_stays() {
    let mut world = World::new(&logging(&json!({ "deletionPolicy": "Delete" })));
    world.aws.by_hand().make_log_group(GROUP, &Tags::new());
    world.apply(&worker());
    check(&world.settle(), 0);
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with(&format!("Conflict: log group {GROUP} exists and does not carry")),
        "{reason}"
    );
    world.apply(&worker().adopting());
    world.settle();
    world.assert_ready();
    assert_eq!(world.aws.log_group_named(GROUP).unwrap().retention_days, Some(30));
    world.delete(KEY);
    world.settle();
    let left = world.aws.log_group_named(GROUP).unwrap();
    assert!(!left.tags.contains_key("empire.dev/owner"));
}

/// A role without the policy goes on with what does not need it.
#[test]
fn what_is_denied_names_the_policy_and_holds_up_no_release_of_what_logs_there_already() {
    let denied = || Disturbance::Refusal("AccessDeniedException", "not authorized");
    let mut world = settled(&logging(&json!({})), &worker());
    world.aws.disturb_read("logs:", denied());
    world.apply(&worker().image("registry.example/acme:v2"));
    world.settle_or_not();
    let reason = world.reason(KEY);
    assert!(
        reason.starts_with("AccessDenied: log groups cannot be read"),
        "{reason}"
    );
    assert!(reason.contains("deploy/iam/logs.json"), "{reason}");
    assert_eq!(world.aws.image_of("shop_acme_worker"), "registry.example/acme:v2");
    world.aws.calm();
    world.settle();
    world.assert_ready();
    // The first of all waits: nothing would start without the group.
    let mut world = World::new(&logging(&json!({})));
    world.aws.disturb_read("logs:", denied());
    world.apply(&worker());
    world.settle_or_not();
    assert_eq!(world.aws.desired_count("shop_acme_worker"), None);
    world.aws.calm();
    world.settle();
    world.assert_ready();
}

#[test]
fn what_is_retained_is_let_go_of_and_taken_back() {
    let mut world = settled(&logging(&json!({})), &worker().retained());
    world.delete(KEY);
    check(&world.settle(), 2);
    let left = world.aws.log_group_named(GROUP).unwrap();
    assert!(!left.tags.contains_key("empire.dev/owner") && left.tags.contains_key("empire.dev/app"));
    world.apply(&worker().adopting());
    world.settle();
    world.assert_ready();
}

/// Its task has the revision of its process, which is there only since the group is.
#[test]
fn a_run_logs_where_its_process_does() {
    let mut world = settled(&logging(&json!({})), &worker());
    world.aws.by_hand().run_tasks(&[Fate::Exits(0)]);
    let spec = json!({ "app": "acme", "process": "worker", "command": "./bin/console" });
    let mut one = OneRun::new(&world, "console", &spec);
    world.finish_run(&mut one);
    let status = one.status();
    let log = status.log.clone().unwrap();
    let task = status.task.as_ref().unwrap().rsplit('/').next().unwrap();
    let shown = world.status(KEY).processes[0].logs.clone().unwrap();
    assert_eq!(
        (log.driver, log.group, log.region),
        (shown.driver, shown.group, shown.region)
    );
    assert_eq!(shown.stream_prefix.as_deref(), Some("worker"));
    assert_eq!(log.stream, Some(format!("worker/worker/{task}")));
}

#[test]
fn the_controller_may_be_killed_anywhere() {
    let created = Operation::new(logging(&json!({})), None, |world: &mut World| {
        world.apply(&with_cron());
    });
    let crashes = crash::check("log-group-created", &created);
    assert!(crashes >= 8, "{crashes}");
    let deleting = logging(&json!({ "deletionPolicy": "Delete" }));
    let deleted = Operation::new(deleting, Some(worker()), |world: &mut World| world.delete(KEY));
    let crashes = crash::check("log-group-deleted", &deleted);
    assert!(crashes >= 4, "{crashes}");
}
