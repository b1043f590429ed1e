//! Decides which replica leads what when one leads more than another: plain data, without a clock.
//!
//! A replica that leads two Leases less than another asks for one of them, by its name on the Lease, and the holder gives
//! it. So nobody need know which replicas there are: the one that asks is. Each Lease that goes brings the two nearer to
//! each other, and a difference of one is none, so that this comes to an end.

use std::collections::BTreeMap;

use super::Scope;
use crate::model::name::digest;

/// Who holds each Lease, as one replica sees it.
pub(super) type Holders<'a> = BTreeMap<&'a Scope, Option<&'a str>>;

/// Returns what a replica is to ask for, of those that lead most. Nothing as long as something is free.
pub(super) fn wanted<'a>(holders: &Holders<'a>, me: &str) -> Option<&'a Scope> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for holder in holders.values() {
        *counts.entry((*holder)?).or_default() += 1;
    }
    let (most, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    if count < held(holders, me) + 2 {
        return None;
    }
    let of_most = holders.iter().filter(|(_, holder)| **holder == Some(most));
    // Two that ask at once ask for different ones.
    let first = of_most.min_by_key(|(scope, _)| digest(&format!("{scope} {me}")));
    first.map(|(scope, _)| *scope)
}

/// Returns what the holder gives, and to whom, of what others ask it for: one, and only what makes them more equal.
pub(super) fn granted<'a>(
    holders: &Holders<'a>,
    me: &str,
    asked: impl IntoIterator<Item = (&'a Scope, &'a str)>,
) -> Option<(&'a Scope, &'a str)> {
    let mut asked = asked.into_iter();
    asked.find(|(scope, by)| {
        holders.get(scope) == Some(&Some(me)) && held(holders, me) >= held(holders, by) + 2
    })
}

fn held(holders: &Holders<'_>, replica: &str) -> usize {
    holders
        .values()
        .filter(|holder| **holder == Some(replica))
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLICAS: [&str; 5] = ["a", "b", "c", "d", "e"];

    fn scopes(count: usize) -> Vec<Scope> {
        (0..count)
            .map(|number| Scope::Account(format!("{number:012}")))
            .collect()
    }

    fn holders<'a>(scopes: &'a [Scope], by: &[&'a str]) -> Holders<'a> {
        scopes
            .iter()
            .zip(by)
            .map(|(scope, by)| (scope, Some(*by).filter(|by| !by.is_empty())))
            .collect()
    }

    #[test]
    fn a_replica_asks_for_one_only_where_another_has_two_more() {
        let scopes = scopes(4);
        let check = |by: &[&str], me: &str, asks: bool| {
            assert_eq!(
                wanted(&holders(&scopes, by), me).is_some(),
                asks,
                "{me} of {by:?}"
            );
        };
        check(&["a"], "b", false);
        check(&["a", "a"], "b", true);
        check(&["a", "a", "b"], "b", false);
        check(&["a", "a", "a", "b"], "b", true);
        check(&["a", "a", "b", "b"], "a", false);
        check(&["a", "a", "a", "b"], "a", false);
        // It is taken before anything is moved.
        check(&["a", "a", "a", ""], "b", false);
        check(&[], "a", false);
    }

    #[test]
    fn a_holder_gives_one_at_a_time_and_nothing_that_it_needs_as_much() {
        let scopes = scopes(4);
        let held = holders(&scopes, &["a", "a", "a", "b"]);
        let both = [(&scopes[0], "b"), (&scopes[1], "c")];
        assert_eq!(granted(&held, "a", both), Some((&scopes[0], "b")));
        assert_eq!(granted(&held, "a", [(&scopes[0], "a")]), None, "by itself");
        assert_eq!(
            granted(&held, "b", [(&scopes[3], "c")]),
            None,
            "a difference of one"
        );
        assert_eq!(granted(&held, "a", [(&scopes[3], "c")]), None, "another's");
        let equal = holders(&scopes, &["a", "a", "b", "b"]);
        assert_eq!(granted(&equal, "a", [(&scopes[0], "b")]), None);
    }

    #[test]
    fn any_fleet_comes_to_a_difference_of_one_and_rests() {
        let mut moved = 0;
        for seed in 0..2000 {
            let mut random = fastrand::Rng::with_seed(seed);
            let replicas = &REPLICAS[..random.usize(1..=REPLICAS.len())];
            let scopes = scopes(random.usize(0..30));
            // Some hold nothing, and nobody else knows of them.
            let first = random.usize(1..=replicas.len());
            let mut by: Vec<&str> = scopes.iter().map(|_| replicas[random.usize(..first)]).collect();
            let mut inequality = usize::MAX;
            loop {
                let held = holders(&scopes, &by);
                // All that see the same ask at the same time, in any order.
                let mut asked: Vec<(&Scope, &str)> = replicas
                    .iter()
                    .filter_map(|replica| Some((wanted(&held, replica)?, *replica)))
                    .collect();
                random.shuffle(&mut asked);
                let counts: Vec<usize> = replicas
                    .iter()
                    .map(|replica| super::held(&held, replica))
                    .collect();
                let difference = counts.iter().max().unwrap() - counts.iter().min().unwrap();
                assert_eq!(asked.is_empty(), difference < 2, "seed {seed}: {counts:?}");
                let squares = counts.iter().map(|count| count * count).sum();
                assert!(squares < inequality, "seed {seed}: {counts:?}");
                inequality = squares;
                if asked.is_empty() {
                    break;
                }
                // Each holder decides by itself.
                let given = replicas
                    .iter()
                    .filter_map(|holder| granted(&held, holder, asked.clone()));
                let given: Vec<(&Scope, &str)> = given.collect();
                let [(scope, to)] = given[..] else {
                    panic!("seed {seed}: {given:?}");
                };
                let place = scopes.iter().position(|known| known == scope).unwrap();
                by[place] = to;
                moved += 1;
            }
        }
        assert!(moved > 1000, "{moved}");
    }
}
