//! Claims that were lost are made again, and those of Apps that are gone are released.

use super::{Bound, recover, sweep};
use crate::change::{Change, PortWrite};
use crate::model::desired::Desired;
use crate::model::port::Claim;
use crate::plan::fixtures::{app, claim, owner, owner_of, process, settled};

fn here(app: &str) -> Claim {
    claim(9001, &owner_of("installation-1", "shop", app), "web", 8080)
}

#[test]
fn a_port_in_use_is_claimed_for_the_app_that_is_bound_here_or_nowhere_yet() {
    let place = app([process("web").internal().claimed()]).place;
    let bound = |platform: Option<&str>| -> Bound {
        let app = here("acme").owner.app;
        [(app, platform.map(Into::into))].into()
    };
    let at = |port| Claim { port, ..here("acme") };
    for (apps, port, is_claimed) in [
        (bound(Some(&place.platform)), 9001, true),
        // The range has moved since.
        (bound(Some(&place.platform)), 7000, true),
        (bound(Some("another")), 9001, false),
        (bound(None), 9001, true),
        (bound(None), 7000, false),
        (Bound::new(), 9001, true),
        (Bound::new(), 7000, false),
    ] {
        let claims = recover(&place, vec![at(port)], &[].into(), &apps);
        let expected = if is_claimed { vec![at(port)] } else { Vec::new() };
        assert_eq!(claims, expected, "{apps:?} {port}");
    }
}

#[test]
fn a_port_is_claimed_once_and_not_where_somebody_holds_it() {
    let place = app([process("web").internal().claimed()]).place;
    let in_use = vec![here("acme"), here("other")];
    let claims = recover(&place, in_use.clone(), &[9000].into(), &Bound::new());
    assert_eq!(claims, [here("acme")]);
    let claims = recover(&place, in_use, &[9001].into(), &Bound::new());
    assert_eq!(claims, []);
}

#[test]
fn only_claims_that_nothing_uses_and_nobody_retained_are_swept_of_an_app_that_is_gone() {
    let wanted = app([process("web").internal().claimed()]);
    let gone = Desired::empty(owner(), wanted.place.clone());
    let check = |port: u16, retained: bool, runs: bool, expected: &[u16]| {
        let mut observed = settled(&wanted);
        let claim = Claim {
            retained,
            ..claim(port, &owner(), "web", 8080)
        };
        observed.ports.claims = vec![claim.clone()];
        if !runs {
            observed.services.clear();
            observed.target_groups.clear();
        }
        let changes = sweep(&gone, &observed);
        let expected: Vec<Change> = expected
            .iter()
            .map(|_| PortWrite::Release(claim.clone()).into())
            .collect();
        assert_eq!(changes, expected, "{port} {retained} {runs}");
    };
    check(9000, false, true, &[]);
    check(9000, false, false, &[9000]);
    check(9000, true, false, &[]);
}
