//! The lines in virtual time: stories, and the laws in storms of random Apps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::bucket::{Bucket, Limit};
use super::line::{KEPT, Line};
use super::{Answer, Asker, Budget, Place, Shares};
use crate::model::rank::Rank;

const LIMIT: Limit = Limit {
    burst: 3.0,
    rate: 0.5,
};

fn at(seconds: f64) -> Timestamp {
    let milliseconds = (seconds * 1000.0).round();
    Timestamp::UNIX_EPOCH + Duration::from_secs_f64(milliseconds / 1000.0)
}

fn seconds_of(time: Timestamp) -> f64 {
    time.duration_since(Timestamp::UNIX_EPOCH).as_secs_f64()
}

fn seconds(answer: Answer) -> f64 {
    match answer {
        Answer::Go => 0.0,
        Answer::At(time) => seconds_of(time),
    }
}

/// Returns the whole second at which it is to ask again: each time is a moment after that.
fn second(answer: Answer) -> i64 {
    match answer {
        Answer::Go => 0,
        Answer::At(time) => time.as_second(),
    }
}

fn asker(namespace: &str, app: &str, rank: Rank) -> Asker {
    Asker {
        namespace: namespace.into(),
        app: app.into(),
        rank,
    }
}

fn ask(line: &mut Line, time: f64, namespace: &str, app: &str) -> Answer {
    line.ask(at(time), &asker(namespace, app, Rank::Edit), "create")
}

/// A bucket that somebody has just emptied.
fn empty() -> Line {
    let mut line = Line::new(LIMIT, at(0.0));
    for n in 0..3 {
        assert_eq!(ask(&mut line, 0.0, "before", &format!("app-{n}")), Answer::Go);
    }
    line
}

#[track_caller]
fn check_at(line: &mut Line, time: f64, namespace: &str, app: &str, expected: f64) {
    let answer = ask(line, time, namespace, app);
    assert!((seconds(answer) - expected).abs() < 0.01, "{answer:?}");
}

#[test]
fn a_full_bucket_gives_its_burst_and_then_its_rate() {
    let mut line = empty();
    check_at(&mut line, 0.0, "shop", "one", 2.0);
    check_at(&mut line, 0.0, "shop", "two", 4.0);
    check_at(&mut line, 1.9, "shop", "one", 2.0);
    assert_eq!(ask(&mut line, 2.01, "shop", "one"), Answer::Go);
    check_at(&mut line, 2.01, "shop", "two", 4.0);
    assert_eq!(ask(&mut line, 4.01, "shop", "two"), Answer::Go);
}

#[test]
fn a_place_is_kept_for_one_change_of_an_app() {
    let mut line = empty();
    let mut asked = |what: &str, time: f64| {
        let asker = asker("shop", "one", Rank::Edit);
        second(line.ask(at(time), &asker, what))
    };
    assert_eq!([asked("web", 0.0), asked("worker", 0.0)], [2, 4]);
    assert_eq!([asked("worker", 1.0), asked("web", 1.0)], [4, 2]);
}

/// The token of one that does not come is kept for it, and those behind it go on with those that follow.
#[test]
fn one_that_does_not_come_holds_up_nobody_and_loses_its_place() {
    let mut line = empty();
    check_at(&mut line, 0.0, "shop", "absent", 2.0);
    check_at(&mut line, 0.0, "shop", "two", 4.0);
    assert_eq!(ask(&mut line, 4.01, "shop", "two"), Answer::Go);
    check_at(&mut line, 4.01, "shop", "three", 6.0);
    assert_eq!(ask(&mut line, 4.02, "shop", "absent"), Answer::Go);

    let mut line = empty();
    check_at(&mut line, 0.0, "shop", "absent", 2.0);
    let given_up = 2.1 + KEPT.as_secs_f64();
    check_at(&mut line, given_up, "shop", "two", 0.0);
    assert_eq!(line.waits(), 0);
}

/// An edit, say, that was taken back: a thousand places are no use to anybody.
#[test]
fn what_an_app_does_not_ask_for_any_more_it_gives_up() {
    let mut line = empty();
    let mut asked = |what: &str, time: f64| {
        let asker = asker("shop", "one", Rank::Edit);
        second(line.ask(at(time), &asker, what))
    };
    assert_eq!(["web", "worker", "api"].map(|what| asked(what, 0.0)), [2, 4, 6]);
    assert_eq!(asked("api", 1.0), 6);
    check_at(&mut line, 1.0, "shop", "two", 8.0);
    line.give_up("shop", "one", at(1.0));
    check_at(&mut line, 1.0, "shop", "two", 4.0);
    line.give_up("shop", "one", at(1.1));
    check_at(&mut line, 1.2, "shop", "two", 2.0);
}

#[test]
fn namespaces_take_turns_and_the_one_that_was_served_last_goes_last() {
    let mut line = empty();
    for n in 0..5 {
        check_at(
            &mut line,
            0.0,
            "shop",
            &format!("app-{n}"),
            2.0 * f64::from(n + 1),
        );
    }
    check_at(&mut line, 0.0, "bank", "ledger", 2.0);
    check_at(&mut line, 0.0, "bank", "second", 6.0);
    check_at(&mut line, 0.0, "shop", "app-0", 4.0);
    check_at(&mut line, 0.0, "shop", "app-1", 8.0);
    check_at(&mut line, 0.0, "shop", "app-2", 10.0);
    // With its first token the bank goes to the end of the turns.
    assert_eq!(ask(&mut line, 2.01, "bank", "ledger"), Answer::Go);
    check_at(&mut line, 2.01, "bank", "ledger", 10.0);
    check_at(&mut line, 2.01, "shop", "app-0", 4.0);
}

#[test]
fn within_a_namespace_edits_go_first_and_each_rank_has_a_tenth() {
    let mut line = empty();
    let mut due: BTreeSet<(i64, Rank, String)> = BTreeSet::new();
    for rank in Rank::ALL.into_iter().rev() {
        due.extend((0..40).map(|n| (0, rank, format!("app-{n:03}"))));
    }
    let mut served = Vec::new();
    while let Some((time, rank, app)) = due.pop_first() {
        let now = Timestamp::from_millisecond(time).unwrap();
        match line.ask(now, &asker("shop", &app, rank), rank.as_str()) {
            Answer::Go => served.push(rank),
            Answer::At(next) => {
                due.insert((next.as_millisecond(), rank, app));
            }
        }
    }
    assert_eq!(served[..7], [Rank::Edit; 7]);
    let last_edit = served.iter().rposition(|rank| *rank == Rank::Edit).unwrap();
    assert!(last_edit > 50, "{served:?}");
    for ten in served[..=last_edit].windows(10) {
        let ranks: BTreeSet<Rank> = ten.iter().copied().collect();
        assert_eq!(ranks.len(), 4, "{ten:?}");
    }
}

#[test]
fn what_was_an_edit_when_it_joined_stays_one() {
    let mut line = empty();
    let mut asked = |app: &str, rank: Rank| second(line.ask(at(0.0), &asker("shop", app, rank), "create"));
    assert_eq!([asked("old", Rank::Resync), asked("edited", Rank::Edit)], [2, 2]);
    assert_eq!(asked("edited", Rank::Repair), 2);
    assert_eq!(asked("old", Rank::Resync), 4);
    // And what was none and is one now, is.
    assert_eq!(asked("old", Rank::Edit), 2);
}

#[test]
fn a_throttle_takes_a_tenth_and_time_brings_it_back() {
    let mut line = Line::new(LIMIT, at(0.0));
    line.throttled(at(0.0));
    // Calls that were under way together are throttled together.
    line.throttled(at(0.5));
    check_at(&mut line, 0.5, "shop", "one", 0.5 + 1.0 / 0.45);
    line.throttled(at(2.0));
    check_at(&mut line, 2.0, "shop", "one", 2.0 + 1.0 / 0.406);
    for n in 0..1000 {
        line.throttled(at(10.0 + 2.0 * f64::from(n)));
    }
    // Never nothing.
    let Answer::At(time) = ask(&mut line, 2010.0, "shop", "one") else {
        panic!("it is empty")
    };
    let rate = 1.0 / time.duration_since(at(2010.0)).as_secs_f64();
    assert!(rate > 0.005 && rate < 0.02, "{rate}");
    // After ten minutes the burst is there again, and the rate.
    for n in 0..3 {
        assert_eq!(ask(&mut line, 2700.0, "bank", &format!("app-{n}")), Answer::Go);
    }
    check_at(&mut line, 2700.0, "bank", "ledger", 2702.0);
}

#[test]
fn a_clock_that_is_set_back_takes_no_token_away() {
    let mut line = Line::new(LIMIT, at(1000.0));
    assert_eq!(ask(&mut line, 1000.0, "shop", "one"), Answer::Go);
    assert_eq!(ask(&mut line, 10.0, "shop", "two"), Answer::Go);
    assert_eq!(ask(&mut line, 10.0, "shop", "three"), Answer::Go);
    check_at(&mut line, 10.0, "shop", "four", 12.0);
    assert_eq!(ask(&mut line, 12.01, "shop", "four"), Answer::Go);
}

/// Who comes exactly when told, in turns, as fast as tokens come. Returns when each namespace was served.
fn storm(rng: &mut Rng, limit: Limit, changes: &BTreeMap<String, u32>, lateness: f64) -> Vec<(f64, String)> {
    let mut line = Line::new(limit, at(0.0));
    let mut due: Vec<(f64, String, String)> = changes
        .iter()
        .flat_map(|(namespace, count)| (0..*count).map(|n| (0.0, namespace.clone(), format!("app-{n}"))))
        .collect();
    rng.shuffle(&mut due);
    let mut served = Vec::new();
    while !due.is_empty() {
        due.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (time, namespace, app) = due.remove(0);
        match line.ask(at(time), &asker(&namespace, &app, Rank::Edit), "create") {
            Answer::Go => served.push((time, namespace)),
            Answer::At(next) => {
                let next = seconds_of(next);
                assert!(next > time, "asked again at once, for ever");
                due.push((next + lateness * rng.f64(), namespace, app));
            }
        }
    }
    served
}

#[test]
fn no_token_is_given_that_aws_has_not_and_none_is_left_lying() {
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let limit = Limit {
            burst: f64::from(rng.u32(1..20)),
            rate: 0.2 + 5.0 * rng.f64(),
        };
        let namespaces = rng.u32(1..6);
        let changes: BTreeMap<_, _> = (0..namespaces)
            .map(|n| (format!("namespace-{n}"), rng.u32(1..40)))
            .collect();
        let lateness = 0.5 * rng.f64();
        let served = storm(&mut rng, limit, &changes, lateness);
        let count: u32 = changes.values().sum();
        assert_eq!(served.len(), count as usize);
        for n in 0..served.len() {
            let begun = served[n].0;
            for ((time, _), tokens) in served[n..].iter().zip(1_u32..) {
                let most = limit.burst + limit.rate * (time - begun) + 0.1;
                assert!(f64::from(tokens) <= most, "seed {seed}: {tokens} at {time}");
            }
        }
        let least = (f64::from(count) - limit.burst).max(0.0) / limit.rate;
        // What comes late may come when the bucket is full.
        let spare = 1.0 + 0.02 * f64::from(count) + lateness * f64::from(count) / limit.burst;
        let end = served.last().unwrap().0;
        assert!(end <= least + spare, "seed {seed}: {end} and not {least}");
    }
}

#[test]
fn each_write_of_another_tenant_waits_for_one_token_of_each_namespace_that_waits() {
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let others = rng.u32(1..5);
        let mut line = Line::new(LIMIT, at(0.0));
        let mut due = BTreeSet::new();
        for other in 0..others {
            for n in 0..rng.u32(20..60) {
                due.insert((0_i64, format!("storm-{other}"), format!("app-{n}")));
            }
        }
        // Its edit has several writes, one after the other.
        let (mut begun, mut left) = (rng.i64(1..20_000), 5);
        due.insert((begun, "quiet".into(), "ledger".into()));
        while left > 0 {
            let (time, namespace, app) = due.pop_first().unwrap();
            let now = Timestamp::from_millisecond(time).unwrap();
            let answer = line.ask(now, &asker(&namespace, &app, Rank::Edit), "create");
            let is_quiet = namespace == "quiet";
            match answer {
                Answer::At(next) => {
                    due.insert((next.as_millisecond(), namespace, app));
                }
                Answer::Go if is_quiet => {
                    let waited = SignedDuration::from_millis(time - begun).as_secs_f64();
                    let most = (f64::from(others) + 1.0) / LIMIT.rate + 0.1;
                    assert!(waited <= most, "seed {seed}: {waited} s, at most {most}");
                    left -= 1;
                    begun = time;
                    due.insert((begun, namespace, app));
                }
                Answer::Go => {}
            }
        }
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

#[test]
fn a_share_is_of_burst_and_rate_and_holds_one_token_at_least() {
    for (share, burst, wait) in [(1.0, 10, 5.0), (0.5, 5, 10.0), (0.01, 1, 500.0), (2.0, 20, 2.5)] {
        let mut budget = Budget::new(Shares::all(share));
        let mut asked = |n: u32| {
            let asker = asker("shop", &format!("app-{n}"), Rank::Edit);
            let bucket = Bucket::Elbv2LoadBalancers;
            budget.ask(at(0.0), &Place::default(), bucket, &asker, "create")
        };
        let went = (0..100).take_while(|n| asked(*n) == Answer::Go).count();
        assert_eq!(went, burst, "{share}");
        assert!((seconds(asked(99)) - 2.0 * wait).abs() < 0.1, "{share}");
    }
}

/// By the permissions that the controller asks for: they name every call that it makes.
#[test]
fn every_call_draws_on_a_bucket() {
    let policy = include_str!("../../deploy/iam-policy.json");
    let policy: serde_json::Value = serde_json::from_str(policy).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let actions = statements.flat_map(|statement| {
        let one = statement["Action"].as_str();
        let many = statement["Action"].as_array().into_iter().flatten();
        one.into_iter().chain(many.filter_map(serde_json::Value::as_str))
    });
    let of_aws = ["ecs:", "elasticloadbalancing:", "route53:", "scheduler:"];
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

/// However many are before that do not come: a bucket that stays full is nobody's.
#[test]
fn a_full_bucket_gives_to_whoever_comes() {
    let limit = Limit {
        burst: 1.0,
        rate: 1.0,
    };
    let mut line = Line::new(limit, at(0.0));
    assert_eq!(ask(&mut line, 0.0, "a", "taken"), Answer::Go);
    for absent in ["b", "c", "d"] {
        assert!(matches!(ask(&mut line, 0.0, "a", absent), Answer::At(_)));
    }
    let Answer::At(until) = ask(&mut line, 0.0, "a", "last") else {
        panic!("there is no token");
    };
    // The first of them has its second.
    assert!(matches!(ask(&mut line, 1.5, "a", "last"), Answer::At(_)));
    assert_eq!(ask(&mut line, seconds_of(until), "a", "last"), Answer::Go);
}

#[test]
fn a_clock_that_is_set_back_leaves_no_place_standing() {
    let mut line = empty();
    for app in ["a", "b"] {
        ask(&mut line, 7_200.0, "shop", app);
        line.throttled(at(7_200.0));
        ask(&mut line, 7_200.0, "shop", app);
    }
    ask(&mut line, 0.0, "shop", "c");
    assert_eq!(line.waits(), 1);
}

fn read(line: &mut Line, time: f64, app: &str) -> Answer {
    line.ask_to_read(at(time), &asker("shop", app, Rank::Edit))
}

const LARGE: Limit = Limit {
    burst: 100.0,
    rate: 20.0,
};

/// Two threads, of which the one with the earlier time comes second.
#[test]
fn a_moment_back_leaves_the_line_as_it_is() {
    let mut line = empty();
    check_at(&mut line, 0.0, "shop", "one", 2.0);
    check_at(&mut line, 1.0, "shop", "two", 4.0);
    check_at(&mut line, 0.999, "shop", "three", 6.0);
    assert_eq!(line.waits(), 3);
    check_at(&mut line, 1.0, "shop", "one", 2.0);
}

#[test]
fn reads_leave_a_quarter_and_sweeps_a_half_of_a_full_bucket() {
    let mut line = Line::new(LARGE, at(0.0));
    let mut sweeps = || line.ask_to_sweep(at(0.0));
    let gone = (0..100).take_while(|_| sweeps() == Answer::Go).count();
    // One is of the floor, of which the next comes in half a second.
    assert_eq!(gone, 51);
    assert!((seconds(line.ask_to_sweep(at(0.0))) - 0.101).abs() < 0.01);
    let gone = (0..100).take_while(|n| read(&mut line, 0.0, &format!("app-{n}")) == Answer::Go);
    assert_eq!(gone.count(), 25);
    assert_eq!(ask(&mut line, 0.0, "bank", "write"), Answer::Go);
    assert_eq!(line.ask_to_look(at(0.0)), Answer::Go);
}

/// However much is drawn without asking, or taken by those that leave less.
#[test]
fn sweeps_and_reads_have_a_tenth_of_the_rate_each() {
    let mut line = Line::new(LARGE, at(0.0));
    line.draw(at(0.0), 99);
    let (mut swept, mut begun) = (0, 0);
    for tick in 0..1000 {
        let time = f64::from(tick) / 100.0;
        // Writers take whatever comes.
        while ask(&mut line, time, "bank", &format!("write-{tick}")) == Answer::Go && swept + begun > 40 {}
        line.give_up("bank", &format!("write-{tick}"), Timestamp::MAX);
        swept += u32::from(line.ask_to_sweep(at(time)) == Answer::Go);
        begun += u32::from(read(&mut line, time, &format!("app-{begun}")) == Answer::Go);
    }
    assert!(swept >= 18 && begun >= 18, "{swept} {begun}");
    let told = seconds(line.ask_to_sweep(at(10.0)));
    assert!(told <= 10.51, "{told}");
}

#[test]
fn drawn_calls_leave_no_debt() {
    let mut line = empty();
    line.draw(at(0.0), 50);
    check_at(&mut line, 0.0, "shop", "one", 2.0);
    line.throttled(at(0.0));
    line.draw(at(0.0), 50);
    assert_eq!(ask(&mut line, 2.3, "shop", "one"), Answer::Go);
}

/// It comes once for both, and the first must not be gone then.
#[test]
fn an_app_that_waits_in_two_lines_keeps_its_places_until_the_later_time() {
    let mut budget = Budget::new(Shares::all(0.01).with(Bucket::Elbv2Reads, 0.02));
    let place = Place::default();
    let one = asker("shop", "one", Rank::Edit);
    let mut ask = |bucket, time: f64, app: &Asker| budget.ask(at(time), &place, bucket, app, "create");
    assert_eq!(
        ask(Bucket::Elbv2Reads, 0.0, &asker("bank", "a", Rank::Edit)),
        Answer::Go
    );
    assert_eq!(
        ask(Bucket::Elbv2LoadBalancers, 0.0, &asker("bank", "a", Rank::Edit)),
        Answer::Go
    );
    let first = second(ask(Bucket::Elbv2Reads, 0.0, &one));
    let last = second(ask(Bucket::Elbv2LoadBalancers, 0.0, &one));
    assert_eq!((first, last), (5, 500));
    let other = asker("shop", "two", Rank::Edit);
    assert_eq!(second(ask(Bucket::Elbv2Reads, 1.0, &other)), 10);
    // Long after 5 s and the 30 s for which a place is kept: it is still the first in line.
    assert_eq!(ask(Bucket::Elbv2Reads, 500.0, &one), Answer::Go);
}
