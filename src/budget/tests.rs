//! The lines in virtual time: stories, and the laws in storms of random Apps.

mod lines;
mod places;
mod rates;
mod turns;

use std::time::Duration;

use jiff::Timestamp;

use super::bucket::Limit;
use super::line::Line;
use super::{Answer, Asker};
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
