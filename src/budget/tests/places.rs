//! Which bucket a call draws on: by its action, and by account and region.

use std::collections::BTreeMap;

use super::{asker, at, second};
use crate::budget::bucket::Bucket;
use crate::budget::{Answer, Budget, Place, Shares};
use crate::model::rank::Rank;

/// By the permissions that the controller asks for: they name every call that it makes.
#[test]
fn every_call_draws_on_a_bucket() {
    let policies = [
        include_str!("../../../deploy/iam-policy.json"),
        include_str!("../../../deploy/iam/autoscaling.json"),
        include_str!("../../../deploy/iam/logs.json"),
        include_str!("../../../deploy/iam/secrets.json"),
    ];
    let policies = policies.map(|policy| serde_json::from_str::<serde_json::Value>(policy).unwrap());
    let statements = policies
        .iter()
        .map(|policy| policy["Statement"].as_array().unwrap());
    let actions = statements.flatten().flat_map(|statement| {
        let one = statement["Action"].as_str();
        let many = statement["Action"].as_array().into_iter().flatten();
        one.into_iter().chain(many.filter_map(serde_json::Value::as_str))
    });
    let of_aws = [
        "ecs:",
        "elasticloadbalancing:",
        "route53:",
        "scheduler:",
        "application-autoscaling:",
        "logs:",
        "secretsmanager:",
        "ssm:",
    ];
    let mut drawn: BTreeMap<Bucket, Vec<&str>> = BTreeMap::new();
    for action in actions.filter(|action| of_aws.iter().any(|service| action.starts_with(service))) {
        drawn.entry(Bucket::of(action).unwrap()).or_default().push(action);
    }
    let reads = |action: &&&str| {
        let operation = action.split_once(':').unwrap().1;
        ["Describe", "List", "Get"]
            .iter()
            .any(|verb| operation.starts_with(verb))
    };
    for bucket in Bucket::ALL {
        let actions = drawn
            .get(&bucket)
            .unwrap_or_else(|| panic!("nothing draws on {bucket:?}"));
        let count = actions.iter().filter(reads).count();
        let is_of_reads = bucket.as_str().ends_with("reads");
        let is_of_both = [Bucket::Route53, Bucket::ScheduleGroups].contains(&bucket);
        let expected = if is_of_reads { actions.len() } else { 0 };
        assert!(is_of_both || count == expected, "{bucket:?}: {actions:?}");
    }
    for other in ["kubernetes:CreatePortAllocation", "sts:AssumeRole", "nonsense"] {
        assert_eq!(Bucket::of(other), None);
    }
}

#[test]
fn each_account_and_region_has_buckets_of_its_own_but_names_are_global() {
    let place = |account: &str, region: &str| Place {
        account: Some(account.into()),
        region: region.into(),
        endpoint_url: None,
    };
    let (here, there, other) = (
        place("1", "us-east-1"),
        place("1", "eu-west-1"),
        place("2", "us-east-1"),
    );
    let check = |bucket: Bucket, expected: [bool; 3]| {
        let mut budget = Budget::new(Shares::all(1.0));
        let mut n = 0;
        let mut asked = |place: &Place| {
            n += 1;
            let asker = asker("shop", &format!("app-{n}"), Rank::Edit);
            budget.ask(at(0.0), place, bucket, &asker, "create") == Answer::Go
        };
        while asked(&here) {}
        assert_eq!([&here, &there, &other].map(asked), expected, "{bucket:?}");
    };
    check(Bucket::EcsRegistrations, [false, true, true]);
    check(Bucket::Route53, [false, false, true]);
}

/// A Platform without a role, and one with a role of the controller's own account.
#[test]
fn the_own_account_shares_the_buckets_of_its_id_once_that_is_known() {
    let place = |account: Option<&str>| Place {
        account: account.map(Into::into),
        region: "us-east-1".into(),
        endpoint_url: None,
    };
    let (own, role, other) = (place(None), place(Some("1")), place(Some("2")));
    let bucket = Bucket::EcsRegistrations;
    let mut budget = Budget::new(Shares::all(1.0));
    let mut n = 0;
    let mut ask = |budget: &mut Budget, place: &Place| {
        n += 1;
        let asker = asker("shop", &format!("app-{n}"), Rank::Edit);
        budget.ask(at(0.0), place, bucket, &asker, "create")
    };
    let mut went = |budget: &mut Budget, place: &Place, most: usize| {
        (0..most).take_while(|_| ask(budget, place) == Answer::Go).count()
    };
    // Of 20 tokens, 8 are gone; and 7, as long as nobody knows better.
    assert_eq!(went(&mut budget, &own, 8), 8);
    assert_eq!(went(&mut budget, &role, 7), 7);
    budget.learn_own(Some("http://emulator"), "1");
    assert_eq!(budget.states(at(0.0)).len(), 2);
    budget.learn_own(None, "1");
    let states = budget.states(at(0.0));
    assert_eq!(states.len(), 1);
    assert_eq!(states[0].place, role);
    assert!((states[0].tokens - 5.0).abs() < 0.01, "{}", states[0].tokens);
    assert_eq!(went(&mut budget, &own, 3), 3);
    assert_eq!(went(&mut budget, &role, 20), 2);
    assert_eq!(went(&mut budget, &own, 20), 0);
    assert_eq!(went(&mut budget, &other, 30), 20);
    // It is learned with every sweep.
    budget.learn_own(None, "1");
    assert_eq!(went(&mut budget, &own, 20), 0);
}

#[test]
fn those_who_wait_in_two_lines_of_one_bucket_go_on_in_one() {
    let (own, role) = (
        Place::default(),
        Place {
            account: Some("1".into()),
            ..Place::default()
        },
    );
    let mut budget = Budget::new(Shares::all(1.0));
    let ask = |budget: &mut Budget, place: &Place, namespace: &str, app: &str| {
        let asker = asker(namespace, app, Rank::Edit);
        budget.ask(at(0.0), place, Bucket::Elbv2LoadBalancers, &asker, "create")
    };
    for place in [&own, &role] {
        budget.draw(at(0.0), place, Bucket::Elbv2LoadBalancers, 10);
    }
    assert_eq!(second(ask(&mut budget, &own, "shop", "one")), 5);
    assert_eq!(second(ask(&mut budget, &role, "shop", "two")), 5);
    assert_eq!(second(ask(&mut budget, &role, "shop", "three")), 10);
    budget.learn_own(None, "1");
    let states = budget.states(at(0.0));
    let waiting: Vec<usize> = states.iter().map(|state| state.waiting.len()).collect();
    assert_eq!(waiting, [3]);
    let seconds = ["one", "two", "three"].map(|app| second(ask(&mut budget, &own, "shop", app)));
    assert_eq!(seconds, [15, 5, 10]);
}
