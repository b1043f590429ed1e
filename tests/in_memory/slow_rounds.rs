//! The round of what AWS gives singly: it takes a tenth of its bucket at most, however many Apps there are.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use empire_controller::budget::{Budget, Shares};

use crate::fake_aws::Calls;
use crate::fixtures::{acme, app, process, staging, web};
use crate::makespan::{number, seconds, settled};
use crate::world::World;

const HOUR: u64 = 3_600;

/// By the buckets of docs/aws.md.
const READS_OF_LOAD_BALANCING: f64 = 10.0;
const READS_OF_SCHEDULES: f64 = 50.0;

const OF_LOAD_BALANCING: [&str; 4] = [
    "elasticloadbalancing:DescribeListeners",
    "elasticloadbalancing:DescribeListenerCertificates",
    "elasticloadbalancing:DescribeLoadBalancerAttributes",
    "elasticloadbalancing:DescribeTargetGroupAttributes",
];
const OF_SCHEDULES: [&str; 1] = ["scheduler:GetSchedule"];

/// Adds up the calls of some actions.
fn of(calls: &Calls, actions: &[&str]) -> usize {
    actions.iter().filter_map(|action| calls.get(action)).sum()
}

fn at(share: f64) -> Arc<Mutex<Budget>> {
    Arc::new(Mutex::new(Budget::new(Shares::all(share))))
}

/// Goes on for an hour; returns the calls for what AWS gives singly.
fn an_hour(world: &mut World) -> usize {
    world.aws.take_calls();
    let outcome = world.run_until(HOUR, &|_| false, &mut |_, _| {});
    assert!(outcome.is_err(), "nothing is waited for");
    of(&world.aws.take_calls(), &OF_LOAD_BALANCING)
}

#[test]
fn what_aws_gives_singly_takes_a_tenth_of_its_bucket_however_many_apps_there_are() {
    const SIZE: usize = 60;
    const SHARE: f64 = 0.01;
    let a_tenth = 0.1 * SHARE * READS_OF_LOAD_BALANCING * seconds(HOUR);
    // Three calls an App: once an hour, they would take five times as much.
    assert!(number(3 * SIZE) >= 5.0 * a_tenth);
    let mut world = settled(SIZE);
    world.budget = at(SHARE);
    for begins in ["all of it was just read", "none of it is known"] {
        let hours: Vec<usize> = (0..8).map(|_| an_hour(&mut world)).collect();
        let all = hours.iter().sum();
        // Some hours have more than others, and so have eight of them.
        assert!(number(all) <= 1.1 * 8.0 * a_tenth, "{begins}: {hours:?}");
        let most = hours.iter().copied().max().unwrap();
        assert!(number(most) <= 1.5 * a_tenth, "{begins}: {hours:?}");
        // And each App has its turn.
        assert!(all >= 3 * SIZE, "{begins}: {hours:?}");
        world.restart();
    }
}

#[test]
fn few_apps_are_looked_at_once_an_hour() {
    const SIZE: usize = 5;
    let mut world = settled(SIZE);
    world.budget = at(1.0);
    let all: usize = (0..8).map(|_| an_hour(&mut world)).sum();
    assert!((19 * SIZE..=25 * SIZE).contains(&all), "{all}");
}

/// What the interval goes by is what a round really costs.
#[test]
fn the_round_is_as_long_as_its_calls_take() {
    const SHARE: f64 = 1e-4;
    let scheduled = app("nights")
        .process("nightly", process("./n").cron("0 3 * * ? *"))
        .process("weekly", process("./w").cron("0 4 ? * MON *"));
    for app in [acme(), app("plain").process("web", web().exposed()), scheduled] {
        let mut world = World::sharing(&staging());
        world.apply(&app);
        world.settle();
        world.assert_ready();
        world.aws.advance(2 * HOUR);
        world.aws.take_calls();
        world.step();
        let calls = world.aws.take_calls();
        world.budget = at(SHARE);
        let takes = |actions: &[&str], rate: f64| number(of(&calls, actions)) / (0.1 * SHARE * rate);
        let needed =
            takes(&OF_LOAD_BALANCING, READS_OF_LOAD_BALANCING).max(takes(&OF_SCHEDULES, READS_OF_SCHEDULES));
        assert!(needed > seconds(HOUR), "{}: {calls:?}", app.key());
        let interval = world.details_interval();
        let unlike = interval.abs_diff(Duration::from_secs_f64(needed));
        assert!(
            unlike < Duration::from_secs(1),
            "{}: {interval:?} {needed} {calls:?}",
            app.key()
        );

        world.delete(&app.key());
        world.settle();
        assert_eq!(
            world.details_interval(),
            Duration::from_secs(HOUR),
            "nothing is left"
        );
    }
}
