//! The in-memory Application Auto Scaling refuses what the real one refuses, and scales nothing by itself.

use std::collections::BTreeMap;

use empire_controller::aws::{AutoScaling, AutoScalingWrites, EcsWrites, Elbv2Writes, Fault};
use empire_controller::model::class::Class;
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{APP_TAG, OWNER_TAG, Tags};
use empire_controller::model::scaling::{
    Metric, Range, ScalableTargetState, ScalingPolicy, ScalingPolicyState, ScheduledAction,
    ScheduledActionState, resource_label,
};
use empire_controller::model::service::ServiceUpdate;

use crate::fake_aws::{Disturbance, Echo, FakeAws, When};
use crate::strictness::{self, CLUSTER, Made, now, refused};

const SERVICE: &str = "shop_acme_web";
const INVALID: &str = "ValidationException";
const GONE: &str = "ObjectNotFoundException";

fn range(min: u32, max: u32) -> Range {
    Range { min, max }
}

fn tags() -> Tags {
    Tags::from([
        (OWNER_TAG.into(), "installation-1".into()),
        (APP_TAG.into(), "shop/acme".into()),
    ])
}

/// A service behind a load balancer.
fn account() -> (FakeAws, Made) {
    let aws = strictness::aws();
    let made = strictness::make(&aws);
    strictness::listen(&aws, &made);
    strictness::serve(&aws, &made);
    (aws, made)
}

fn register(aws: &FakeAws, range: Range, tags: Option<&Tags>) -> empire_controller::aws::Result<Arn> {
    let registered = now(aws.register_scalable_target(CLUSTER, SERVICE, range, tags));
    registered.map(Option::unwrap)
}

fn registered() -> (FakeAws, Made, Arn) {
    let (aws, made) = account();
    let arn = register(&aws, range(1, 4), Some(&tags())).unwrap();
    (aws, made, arn)
}

fn policy(name: &str, metric: Metric<String>) -> ScalingPolicy {
    ScalingPolicy {
        name: name.into(),
        metric,
        value: 70,
        scale_in_cooldown: None,
        scale_out_cooldown: Some(60),
    }
}

fn put(aws: &FakeAws, policy: &ScalingPolicy) -> empire_controller::aws::Result<()> {
    now(aws.put_scaling_policy(CLUSTER, SERVICE, policy))
}

fn action() -> ScheduledAction {
    ScheduledAction {
        expression: "cron(0 8 ? * 2-6 *)".into(),
        time_zone: "Europe/Berlin".into(),
        min: Some(3),
        max: None,
    }
}

fn schedule(aws: &FakeAws, name: &str, action: &ScheduledAction) -> empire_controller::aws::Result<()> {
    now(aws.put_scheduled_action(CLUSTER, SERVICE, name, action))
}

fn read(aws: &FakeAws) -> Option<ScalableTargetState> {
    let names = [SERVICE.to_owned(), "shop_acme_other".to_owned()];
    let mut found = now(aws.scalable_targets(CLUSTER, &names)).unwrap();
    let target = found.remove(SERVICE);
    assert!(found.is_empty());
    target
}

fn set_count(aws: &FakeAws, count: u32) {
    let update = ServiceUpdate {
        desired_count: Some(count),
        ..ServiceUpdate::default()
    };
    now(aws.update_service(CLUSTER, SERVICE, &update, None, None)).unwrap();
}

#[test]
fn a_target_needs_a_service_and_a_range() {
    let (aws, _) = account();
    let fault = refused(register(&aws, range(3, 2), None), INVALID, "less than minimum");
    assert_eq!(fault, Fault::Failed(Class::Refused));
    register(&aws, range(0, 2), None).unwrap();
    let other = now(aws.register_scalable_target(CLUSTER, "shop_acme_other", range(1, 2), None));
    refused(other, INVALID, "ECS service doesn't exist");
    now(aws.delete_service(CLUSTER, SERVICE)).unwrap();
    refused(
        register(&aws, range(1, 2), None),
        INVALID,
        "ECS service doesn't exist",
    );
}

#[test]
fn only_a_new_target_takes_tags_and_only_fifty() {
    let (aws, _) = account();
    let many = |count: usize| -> Tags {
        (0..count)
            .map(|n| (format!("k{n:02}").into(), "v".into()))
            .collect()
    };
    refused(register(&aws, range(1, 4), Some(&many(51))), INVALID, "50 tags");
    let arn = register(&aws, range(1, 4), Some(&many(49))).unwrap();
    refused(
        register(&aws, range(1, 4), Some(&tags())),
        INVALID,
        "already exists",
    );
    // The range is set, and the tags stay.
    assert_eq!(register(&aws, range(2, 5), None).unwrap(), arn);
    let fault = refused(
        now(aws.tag_scalable_target(&arn, &tags())),
        "TooManyTagsException",
        "",
    );
    assert_eq!(fault, Fault::Failed(Class::Denied));
    now(aws.untag_scalable_target(&arn, &["k00", "k01"])).unwrap();
    now(aws.tag_scalable_target(&arn, &tags())).unwrap();
    let found = read(&aws).unwrap();
    assert_eq!((found.range, found.tags.len()), (range(2, 5), 49));
    let gone = Arn("arn:aws:application-autoscaling:us-east-1:123456789012:scalable-target/9".into());
    for result in [
        now(aws.tag_scalable_target(&gone, &tags())),
        now(aws.untag_scalable_target(&gone, &["k02"])),
    ] {
        assert_eq!(refused(result, "ResourceNotFoundException", ""), Fault::Absent);
    }
}

#[test]
fn a_put_needs_a_target_and_a_delete_nothing() {
    let (aws, _) = account();
    let fault = refused(put(&aws, &policy("empire-cpu", Metric::Cpu)), GONE, "");
    assert_eq!(fault, Fault::Stale);
    let fault = refused(schedule(&aws, "empire-day", &action()), GONE, "");
    assert_eq!(fault, Fault::Stale);
    now(aws.delete_scaling_policy(CLUSTER, SERVICE, "empire-cpu")).unwrap();
    now(aws.delete_scheduled_action(CLUSTER, SERVICE, "empire-day")).unwrap();
    now(aws.deregister_scalable_target(CLUSTER, SERVICE)).unwrap();
}

#[test]
fn what_is_put_is_read_and_goes_with_its_target() {
    let (aws, _, arn) = registered();
    put(&aws, &policy("empire-cpu", Metric::Cpu)).unwrap();
    put(&aws, &policy("theirs", Metric::Memory)).unwrap();
    schedule(&aws, "empire-day", &action()).unwrap();
    schedule(&aws, "theirs", &action()).unwrap();
    aws.take_calls();
    let there = ScheduledActionState {
        expression: Some("cron(0 8 ? * 2-6 *)".into()),
        time_zone: Some("Europe/Berlin".into()),
        min: Some(3),
        max: None,
        is_usual: true,
    };
    let expected = ScalableTargetState {
        arn: Some(arn),
        range: range(1, 4),
        tags: tags(),
        policies: BTreeMap::from([(
            "empire-cpu".into(),
            ScalingPolicyState {
                metric: Some(Metric::Cpu),
                value: Some("70".into()),
                scale_in_cooldown: None,
                scale_out_cooldown: Some(60),
                is_usual: true,
            },
        )]),
        // Whoever's they are: each may have set the range.
        actions: ["empire-day", "theirs"]
            .map(|name| (name.into(), there.clone()))
            .into(),
    };
    assert_eq!(read(&aws), Some(expected));
    let calls: usize = aws.take_calls().into_values().sum();
    assert_eq!(calls, 4);
    now(aws.delete_scaling_policy(CLUSTER, SERVICE, "theirs")).unwrap();
    now(aws.delete_scheduled_action(CLUSTER, SERVICE, "theirs")).unwrap();
    now(aws.deregister_scalable_target(CLUSTER, SERVICE)).unwrap();
    assert_eq!(read(&aws), None);
    register(&aws, range(1, 4), Some(&tags())).unwrap();
    let anew = read(&aws).unwrap();
    assert!(anew.policies.is_empty() && anew.actions.is_empty());
}

#[test]
fn fifty_services_a_call() {
    let (aws, ..) = registered();
    let names: Vec<String> = (0..101).map(|n| format!("shop_acme_{n}")).collect();
    aws.take_calls();
    assert!(now(aws.scalable_targets(CLUSTER, &names)).unwrap().is_empty());
    assert!(now(aws.scalable_targets(CLUSTER, &[])).unwrap().is_empty());
    let calls = aws.take_calls();
    assert_eq!(
        calls.into_iter().collect::<Vec<_>>(),
        [("application-autoscaling:DescribeScalableTargets", 3)]
    );
}

#[test]
fn a_policy_has_a_value_and_a_metric_of_its_own() {
    let (aws, ..) = registered();
    let zero = ScalingPolicy {
        value: 0,
        ..policy("empire-cpu", Metric::Cpu)
    };
    refused(put(&aws, &zero), INVALID, "greater than 0");
    refused(put(&aws, &policy("", Metric::Cpu)), INVALID, "name");
    refused(put(&aws, &policy(&"n".repeat(257), Metric::Cpu)), INVALID, "name");
    put(&aws, &policy("empire-cpu", Metric::Cpu)).unwrap();
    put(&aws, &policy("empire-cpu", Metric::Cpu)).unwrap();
    refused(
        put(&aws, &policy("theirs", Metric::Cpu)),
        INVALID,
        "Only one TargetTrackingScaling",
    );
    put(&aws, &policy("theirs", Metric::Memory)).unwrap();
    put(&aws, &policy("empire-cpu", Metric::Cpu)).unwrap();
    let unusual = |n: usize| {
        let state = ScalingPolicyState {
            metric: None,
            value: None,
            scale_in_cooldown: None,
            scale_out_cooldown: None,
            is_usual: false,
        };
        (format!("step-{n}"), state)
    };
    aws.by_hand()
        .scaling(SERVICE)
        .policies
        .extend((2..50).map(unusual));
    now(aws.delete_scaling_policy(CLUSTER, SERVICE, "theirs")).unwrap();
    aws.by_hand().scaling(SERVICE).policies.extend([unusual(50)]);
    let one_more = put(&aws, &policy("theirs", Metric::Memory));
    assert_eq!(
        refused(one_more, "LimitExceededException", ""),
        Fault::Failed(Class::Denied)
    );
}

#[test]
fn requests_are_counted_where_they_come_in() {
    let (aws, made, _) = registered();
    let label = resource_label(&made.load_balancer, &made.target_group).unwrap();
    let requests = |label: &str| policy("empire-requests", Metric::Requests(label.into()));
    refused(put(&aws, &requests("")), INVALID, "application load balancer");
    let network = label.replacen("app/", "net/", 1);
    refused(
        put(&aws, &requests(&network)),
        INVALID,
        "application load balancer",
    );
    refused(
        put(&aws, &requests(&format!("{label}0"))),
        INVALID,
        "does not route",
    );
    put(&aws, &requests(&label)).unwrap();
    let bare = ServiceUpdate {
        grace_period: Some(0),
        ..ServiceUpdate::default()
    };
    now(aws.update_service(CLUSTER, SERVICE, &bare, None, Some(&[]))).unwrap();
    refused(put(&aws, &requests(&label)), INVALID, "not attached");
}

#[test]
fn an_action_has_a_time_and_a_bound() {
    let (aws, ..) = registered();
    let with = |change: fn(&mut ScheduledAction)| {
        let mut changed = action();
        change(&mut changed);
        schedule(&aws, "empire-day", &changed)
    };
    for expression in [
        "cron(0 8 * * 2-6 *)",
        "cron(0 8 ? * ? *)",
        "cron(0 8 ? * 2-6)",
        "0 8 * * *",
        "rate(0 hours)",
        "rate(5 weeks)",
        "at(tomorrow)",
    ] {
        let wrong = ScheduledAction {
            expression: expression.into(),
            ..action()
        };
        refused(schedule(&aws, "empire-day", &wrong), INVALID, "expression");
    }
    with(|action| action.expression = "rate(5 minutes)".into()).unwrap();
    with(|action| action.expression = "at(2026-01-02T03:04:05)".into()).unwrap();
    refused(
        with(|action| action.time_zone = "Berlin".into()),
        INVALID,
        "Timezone",
    );
    refused(with(|action| action.min = None), INVALID, "minimum or a maximum");
    refused(with(|action| action.max = Some(2)), INVALID, "less than minimum");
    refused(schedule(&aws, "", &action()), INVALID, "name");
    with(|action| (action.min, action.max) = (Some(0), Some(0))).unwrap();
    for n in 1..200 {
        schedule(&aws, &format!("empire-{n}"), &action()).unwrap();
    }
    refused(
        schedule(&aws, "empire-more", &action()),
        "LimitExceededException",
        "",
    );
    with(|_| ()).unwrap();
}

#[test]
fn alarms_scale_within_the_range_and_actions_set_it() {
    let (aws, ..) = registered();
    schedule(&aws, "empire-day", &action()).unwrap();
    let night = ScheduledAction {
        min: Some(0),
        max: Some(0),
        ..action()
    };
    schedule(&aws, "empire-night", &night).unwrap();
    let counts = |count| {
        aws.by_hand().scale(SERVICE, count);
        aws.desired_count(SERVICE).unwrap()
    };
    assert_eq!([0, 3, 9].map(counts), [1, 3, 4]);
    aws.by_hand().scale(SERVICE, 1);
    aws.by_hand().fire(SERVICE, "empire-day");
    let target = aws.scalable_target(SERVICE).unwrap();
    assert_eq!((target.range, aws.desired_count(SERVICE)), (range(3, 4), Some(3)));
    aws.by_hand().fire(SERVICE, "empire-night");
    assert_eq!(aws.desired_count(SERVICE), Some(0));
    // It would leave more tasks at least than at most.
    aws.by_hand().fire(SERVICE, "empire-day");
    let target = aws.scalable_target(SERVICE).unwrap();
    assert_eq!((target.range, aws.desired_count(SERVICE)), (range(0, 0), Some(0)));
}

#[test]
fn registering_moves_a_count_only_where_a_test_says_so() {
    let (aws, ..) = registered();
    set_count(&aws, 2);
    register(&aws, range(3, 4), None).unwrap();
    assert_eq!(aws.desired_count(SERVICE), Some(2));
    aws.by_hand().move_counts_as_registered();
    register(&aws, range(3, 4), None).unwrap();
    assert_eq!(aws.desired_count(SERVICE), Some(3));
}

#[test]
fn a_target_goes_with_its_service_only_where_a_test_says_so() {
    let (aws, ..) = registered();
    let other = aws.fork();
    other.by_hand().take_targets_with_services();
    for (aws, stays) in [(aws, true), (other, false)] {
        now(aws.delete_service(CLUSTER, SERVICE)).unwrap();
        assert!(read(&aws).is_some());
        aws.advance(60);
        assert_eq!(read(&aws).is_some(), stays);
    }
}

#[test]
fn what_is_changed_by_hand_shows() {
    let (aws, _) = account();
    aws.by_hand().register(SERVICE, 2, 3, Tags::new());
    let found = read(&aws).unwrap();
    assert_eq!((found.range, found.tags), (range(2, 3), Tags::new()));
    aws.by_hand().scaling(SERVICE).range = range(5, 6);
    assert_eq!(read(&aws).unwrap().range, range(5, 6));
    aws.echo(Echo::ScalableTarget(|target| target.arn = None));
    assert_eq!(read(&aws).unwrap().arn, None);
    aws.by_hand().deregister_target(SERVICE);
    assert_eq!(read(&aws), None);
}

#[test]
fn calls_fail_as_those_of_other_services_do() {
    let (aws, ..) = registered();
    let writes = aws.writes().len();
    let lost = Disturbance::Timeout(When::After);
    aws.disturb("application-autoscaling:PutScalingPolicy", "empire-cpu", lost);
    put(&aws, &policy("empire-cpu", Metric::Cpu)).unwrap_err();
    aws.calm();
    assert!(read(&aws).unwrap().policies.contains_key("empire-cpu"));
    assert_eq!(aws.writes().len(), writes + 1);
    let refusal = Disturbance::Refusal("AccessDeniedException", "no");
    aws.disturb_read("application-autoscaling:DescribeScalingPolicies", refusal);
    let reading = now(aws.scalable_targets(CLUSTER, &[SERVICE.to_owned()]));
    refused(reading, "AccessDeniedException", "");
}

/// Of what a controller does to scaling, and to what it rests on.
#[test]
fn violations_show() {
    let (aws, made, _) = registered();
    let label = resource_label(&made.load_balancer, &made.target_group).unwrap();
    put(&aws, &policy("empire-requests", Metric::Requests(label))).unwrap();
    aws.look();
    assert_eq!(aws.violations(), Vec::<String>::new());
    set_count(&aws, 4);
    set_count(&aws, 5);
    now(aws.delete_load_balancer(&made.load_balancer)).unwrap();
    now(aws.delete_service(CLUSTER, SERVICE)).unwrap();
    aws.act_as(Some("shop/other"));
    now(aws.deregister_scalable_target(CLUSTER, SERVICE)).unwrap();
    let violations = aws.violations();
    for part in [
        "got 4 tasks in place of 2, with 1 to 4",
        "got 5 tasks in place of 4, with 1 to 4",
        "counts requests that are no more",
        "is there without it",
        "not shop/other's was touched",
    ] {
        assert!(
            violations.iter().any(|text| text.contains(part)),
            "{part}: {violations:?}"
        );
    }
}

#[test]
fn another_world_of_the_same_scaling_has_the_same_snapshot() {
    let snapshots = [false, true].map(|differs| {
        let (aws, made) = account();
        if differs {
            // Other ids from here on.
            aws.by_hand().register(SERVICE, 1, 1, Tags::new());
            aws.by_hand().deregister_target(SERVICE);
        }
        register(&aws, range(1, 4), Some(&tags())).unwrap();
        let label = resource_label(&made.load_balancer, &made.target_group).unwrap();
        put(&aws, &policy("empire-requests", Metric::Requests(label))).unwrap();
        let summary = aws.summary();
        assert!(
            summary
                .iter()
                .any(|line| line == "scaling of shop_acme_web 1 to 4, empire-requests"),
            "{summary:?}"
        );
        aws.snapshot()
    });
    assert_eq!(snapshots[0], snapshots[1]);
}
