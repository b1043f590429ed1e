//! The tokens that a bucket gives: as AWS does, as it was learned, and what reads and sweeps leave of them.

use jiff::Timestamp;

use super::{LIMIT, ask, asker, at, check_at, empty, seconds};
use crate::budget::bucket::{Bucket, Limit};
use crate::budget::line::Line;
use crate::budget::{Answer, Budget, Place, Shares};
use crate::model::rank::Rank;

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

#[test]
fn drawn_calls_leave_no_debt() {
    let mut line = empty();
    line.draw(at(0.0), 50);
    check_at(&mut line, 0.0, "shop", "one", 2.0);
    line.throttled(at(0.0));
    line.draw(at(0.0), 50);
    assert_eq!(ask(&mut line, 2.3, "shop", "one"), Answer::Go);
}

const LARGE: Limit = Limit {
    burst: 100.0,
    rate: 20.0,
};

fn read(line: &mut Line, time: f64, app: &str) -> Answer {
    line.ask_to_read(at(time), &asker("shop", app, Rank::Edit))
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
