//! The order in which namespaces, and the ranks of one, get their tokens.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use jiff::{SignedDuration, Timestamp};

use super::{LIMIT, ask, asker, at, check_at, empty, second, seconds_of};
use crate::budget::Answer;
use crate::budget::bucket::Limit;
use crate::budget::line::Line;
use crate::model::rank::Rank;

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
