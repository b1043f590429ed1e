//! What waits in one line, and for how long its place is kept.

use super::{ask, asker, at, check_at, empty, second, seconds_of};
use crate::budget::bucket::{Bucket, Limit};
use crate::budget::line::{KEPT, Line};
use crate::budget::{Answer, Asker, Budget, Place, Shares};
use crate::model::rank::Rank;

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
