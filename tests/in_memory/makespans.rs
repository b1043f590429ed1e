//! The time that changes of whole fleets take at AWS's token buckets: little more than the buckets' own.

use empire_controller::aws::{AwsError, Route53};
use futures::FutureExt;

use crate::fake_aws::{FakeAws, Given};
use crate::first_write::{edits, restart};
use crate::makespan::{Phase, live};

const SIZE: usize = 100;

/// So many times the floor a change may take where AWS's buckets are as we believe, and where they are not.
const AS_BELIEVED: f64 = 1.1;
const UNLIKE: f64 = 1.25;
/// Lives the life of a fleet, each change of which takes at most so many times the floor.
#[track_caller]
fn check(given: Given, ratio: f64) -> Vec<Phase> {
    let phases = live(SIZE, given);
    for phase in &phases {
        assert!(phase.ratio() <= ratio, "{}", tell(phase));
    }
    phases
}

fn tell(phase: &Phase) -> String {
    let Phase {
        name,
        given,
        floor,
        took,
        buckets,
    } = phase;
    let idle = buckets.all.values().filter(|bucket| !bucket.idle.is_empty());
    let idle: Vec<_> = idle
        .map(|bucket| (bucket.limit.name, bucket.idle.len()))
        .collect();
    format!(
        "{name} {given:?}: took {took:?} of {:.0} + {} ({}), {:.2} times it; {:?}; idle {idle:?}; throttled {:?}",
        floor.buckets,
        floor.own,
        floor.bucket,
        phase.ratio(),
        phase.limit(),
        buckets.throttled(),
    )
}

#[test]
fn a_fleet_takes_the_time_of_the_buckets_and_nothing_of_it_is_throttled() {
    for phase in check(Given::AsDocumented, AS_BELIEVED) {
        let throttled = phase.buckets.throttled();
        assert!(throttled.is_empty(), "{}", tell(&phase));
        let limit = &phase.buckets.all[phase.floor.bucket];
        // The first Apps are still reading.
        assert!(limit.idle.len() <= 3, "{}", tell(&phase));
    }
}

#[test]
fn a_fleet_takes_little_more_where_aws_gives_half() {
    check(Given::Half, UNLIKE);
}

#[test]
fn a_fleet_takes_little_more_where_another_takes_half_of_it() {
    check(Given::SecondTenant, UNLIKE);
}

#[test]
fn a_restart_writes_nothing_and_nothing_of_it_is_throttled() {
    // The pages of the zone of the second are more than AWS gives at once.
    for size in [SIZE, 4 * SIZE] {
        let restarted = restart(size);
        let throttled = restarted.buckets.throttled();
        let told = format!("{size}: {:?} {:?} {throttled:?}", restarted.took, restarted.calls);
        assert!(restarted.took.is_ok(), "{told}");
        assert_eq!(restarted.writes(), 0, "{told}");
        assert!(throttled.is_empty(), "{told}");
    }
}

#[test]
fn an_edit_comes_soon_while_all_is_read() {
    for starts in [false, true] {
        let waits = edits(SIZE, starts);
        let throttled = waits.buckets.throttled();
        assert!(waits.percentile(50) <= 10, "{:?} {throttled:?}", waits.waits);
    }
}

#[test]
fn a_call_is_throttled_until_a_token_comes() {
    for (given, expected) in [
        (Given::AsDocumented, [5, 5, 5]),
        (Given::Half, [2, 2, 2]),
        (Given::SecondTenant, [5, 2, 3]),
    ] {
        let aws = FakeAws::new(&["default"], &[("ZONE", "example.com")]);
        aws.give(given);
        let answered = [0, 1, 1].map(|seconds| {
            aws.advance(seconds);
            let calls = (0..20).map(|_| aws.zone_name("ZONE").now_or_never().unwrap());
            let (taken, throttled): (Vec<_>, Vec<_>) = calls.partition(Result::is_ok);
            assert!(
                throttled
                    .iter()
                    .all(|call| call.as_ref().is_err_and(AwsError::is_about_rates))
            );
            taken.len()
        });
        assert_eq!(answered, expected, "{given:?}");
    }
}
