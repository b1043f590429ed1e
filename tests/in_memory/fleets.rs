//! Fleets of Apps: what each phase of their lives costs, and that it grows with the Apps and not faster.

use std::collections::BTreeMap;

use crate::fleet::{AGAIN, CREATE, DELETE, Fleet, HOUR, IMAGE, Phase, RESTART, SWEEP};

fn live(size: usize) -> BTreeMap<&'static str, Phase> {
    let phases = Fleet::new(size).live();
    phases.into_iter().map(|phase| (phase.name, phase)).collect()
}

/// The name of the zone, which the Platform asks for until its list is read.
const ZONE: usize = 2;

#[test]
fn what_fleets_cost_grows_with_them_and_no_faster() {
    let (few, many) = (live(100), live(200));
    for (size, phases) in [(100, &few), (200, &many)] {
        // The names of a hundred Apps travel in three batches at most.
        let batches = phases[CREATE].writes() - 6 * size;
        assert!(batches <= 3 * size / 100, "{:#?}", phases[CREATE]);
        assert_eq!(phases[IMAGE].writes(), 2 * size);
        // None is tried in vain: a service, a load balancer and a target group for each.
        let batches = phases[DELETE].writes() - 3 * size;
        assert!(batches <= 3 * size / 100, "{:#?}", phases[DELETE]);
        for unchanged in [RESTART, SWEEP, AGAIN, HOUR] {
            assert_eq!(phases[unchanged].writes(), 0, "{unchanged}");
        }
        // A quarter of a call for each App, and its task definition once a start.
        assert!(phases[SWEEP].total() <= size / 4, "{:#?}", phases[SWEEP]);
        assert!(
            phases[RESTART].total() <= size / 4 + size + 1 + ZONE,
            "{:#?}",
            phases[RESTART]
        );
        assert_eq!(phases[AGAIN].total(), 0, "{:#?}", phases[AGAIN]);
        // And three singly, in an hour.
        assert!(
            phases[HOUR].total() <= 6 * size / 4 + 3 * size,
            "{:#?}",
            phases[HOUR]
        );
    }
    for (name, phase) in &many {
        assert!(
            phase.total() <= 2 * few[name].total(),
            "{name}: {:#?} {phase:#?}",
            few[name]
        );
    }
}

/// One when a new generation is seen, one for each thing that is waited for, one when all is done.
#[test]
fn a_status_is_patched_when_something_of_it_changes_and_never_else() {
    const SIZE: usize = 20;
    let phases = live(SIZE);
    let statuses: BTreeMap<&str, usize> = phases
        .iter()
        .map(|(name, phase)| (*name, phase.patches.statuses))
        .collect();
    for unchanged in [RESTART, SWEEP, AGAIN, HOUR] {
        assert_eq!(statuses[unchanged], 0, "{unchanged}");
        assert_eq!(phases[unchanged].patches.metadata, 0, "{unchanged}");
    }
    let changed = [CREATE, IMAGE, DELETE].map(|changed| (changed, statuses[changed] / SIZE));
    assert_eq!(changed, [(CREATE, 4), (IMAGE, 4), (DELETE, 5)]);
    assert_eq!(phases[CREATE].patches.metadata, SIZE);
    assert_eq!(phases[DELETE].patches.metadata, SIZE);
}
