//! The parts of AWS in which an App holds something, as its status remembers them.

use std::collections::BTreeSet;

use crate::api::app::AppStatus;
use crate::model::desired::{Desired, DesiredProcess, RecordKey};
use crate::model::named::Named;
use crate::model::owner::{Tags, is_adopted};
use crate::model::part::{ADOPTED, Holdings, Part};
use crate::model::state::Observed;

/// Returns the holdings that are remembered. A status that an older version wrote has them for schedules only.
pub fn holdings(status: Option<&AppStatus>, has_finalizer: bool) -> Holdings {
    let parts = status.and_then(|status| status.holds.as_ref());
    let processes = status
        .map(|status| status.processes.as_slice())
        .unwrap_or_default();
    Holdings {
        parts: parts.map(|parts| parts.iter().cloned().collect()),
        is_new: !has_finalizer && processes.is_empty(),
        shows_no_schedule: !processes.is_empty()
            && processes.iter().all(|process| process.schedule.is_none()),
        scaled: processes
            .iter()
            .filter(|process| process.scale.is_some())
            .map(|process| process.name.clone())
            .collect(),
    }
}

/// Returns the holdings to remember before a pass creates something where the App held nothing: a pass that crashes in
/// between must not leave a resource that no later one looks for. `None` if there is nothing to add.
pub fn recorded_ahead(status: &AppStatus, desired: &Desired) -> Option<Vec<String>> {
    let holds = status.holds.as_ref()?;
    let wanted = desired.parts().filter(|part| desired.wants(part));
    let more: Vec<String> = wanted
        .map(|part| part.key())
        .filter(|key| !holds.contains(key))
        .collect();
    (!more.is_empty()).then(|| [holds.as_slice(), &more].concat())
}

/// The parts in which the App holds something after a pass, or may; if it has adopted something; and each thing in them that
/// is on its way out, since nothing else would say after a start what is to be gone.
pub(super) fn found(desired: &Desired, observed: &Observed) -> Vec<String> {
    let may_hold = |part: &Part| {
        desired.wants(part)
            || observed.is_unread(part)
            || observed.holds(part, &desired.owner)
            || *part == Part::Scaling && observed.missed_scaling
    };
    let parts = desired.parts().filter(may_hold).map(|part| part.key());
    let has_adopted = has_adopted(desired, observed).then(|| ADOPTED.to_owned());
    let left = left(desired, observed);
    let left = left.iter().filter_map(Named::key);
    parts.chain(has_adopted).chain(left).collect()
}

/// Returns true if a service of the App carries the mark. While services cannot be read, it is as it was remembered.
fn has_adopted(desired: &Desired, observed: &Observed) -> bool {
    let mut tags = observed.services.values().map(|service| &service.tags);
    tags.any(|tags| desired.owner.owns(tags) && is_adopted(tags))
        || observed.is_unread(&Part::Ecs) && desired.adopted.may_be_there
}

fn left(desired: &Desired, observed: &Observed) -> BTreeSet<Named> {
    let owner = &desired.owner;
    let balancings = desired.processes.values();
    let balancings = balancings.filter_map(|process| process.load_balancing.as_ref());
    let wanted: BTreeSet<&String> = balancings
        .flat_map(|balancing| {
            [&balancing.load_balancer.name]
                .into_iter()
                .chain(&balancing.slots)
        })
        .collect();
    let is_left = |name: &String, tags: &Tags| owner.owns(tags) && !wanted.contains(name);
    let load_balancers = observed.load_balancers.values();
    let load_balancers = load_balancers.filter(|l| is_left(&l.name, &l.tags));
    let groups = observed.target_groups.values();
    let groups = groups.filter(|g| is_left(&g.name, &g.tags));
    let wanted = desired.processes.values().filter_map(DesiredProcess::schedule);
    let wanted: BTreeSet<&String> = wanted.map(|schedule| &schedule.name).collect();
    let schedules = observed.schedules_of(owner).map(|found| &found.name);
    let schedules = schedules.filter(|name| !wanted.contains(name));
    let names = observed.zones.iter().flat_map(|(zone, state)| {
        let records = state
            .records
            .iter()
            .filter(|record| owner.owns_record_text(&record.text()));
        let names = records.filter_map(|record| record.marks());
        names.map(|name| RecordKey {
            zone: zone.clone(),
            name: name.into(),
        })
    });
    let names = names.filter(|key| !desired.records.contains_key(key));
    let load_balancers = load_balancers.map(|l| Named::LoadBalancer(l.name.clone()));
    load_balancers
        .chain(groups.map(|g| Named::TargetGroup(g.name.clone())))
        .chain(schedules.cloned().map(Named::Schedule))
        .chain(names.map(Named::Name))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::app::{ProcessStatus, ScheduleStatus};
    use crate::desired::fixtures::app;
    use crate::model::desired::Adopted;
    use crate::model::owner::adopted_tag;
    use crate::model::part::Evidence;
    use crate::plan::fixtures;
    use crate::status::tests::wanted;

    fn with_holds(holds: &[&str]) -> AppStatus {
        AppStatus {
            holds: Some(holds.iter().map(|part| (*part).into()).collect()),
            ..AppStatus::default()
        }
    }

    #[test]
    fn what_is_about_to_be_made_is_recorded_once_and_only_where_something_is() {
        let exposed = wanted(&app(json!({ "web": { "command": "run" } })));
        let ahead = recorded_ahead(&with_holds(&["Schedules"]), &exposed).unwrap();
        assert_eq!(&ahead[..2], ["Schedules", "LoadBalancers"]);
        let ahead: Vec<&str> = ahead.iter().map(String::as_str).collect();
        assert_eq!(recorded_ahead(&with_holds(&ahead), &exposed), None);
        // Where nothing is remembered, all is looked for.
        assert_eq!(recorded_ahead(&AppStatus::default(), &exposed), None);
        let worker = wanted(&app(json!({ "worker": { "command": "run" } })));
        assert_eq!(recorded_ahead(&with_holds(&[]), &worker), None);
    }

    /// A list may leave it out, and then nothing else would say that it is there.
    #[test]
    fn what_is_on_its_way_out_is_remembered_by_name() {
        let exposed = fixtures::app([fixtures::process("web").internal()]);
        let there = fixtures::settled(&exposed);
        let parts = found(&exposed, &there);
        assert!(
            parts.iter().all(|word| Named::of_key(word).is_none()),
            "{parts:?}"
        );
        let words = found(&fixtures::app([fixtures::process("worker")]), &there);
        let named: Vec<Named> = words.iter().filter_map(|word| Named::of_key(word)).collect();
        let load_balancers = there.load_balancers.keys().cloned().map(Named::LoadBalancer);
        let groups = there.target_groups.keys().cloned().map(Named::TargetGroup);
        let expected: Vec<Named> = load_balancers
            .chain(groups)
            .chain(exposed.records.keys().cloned().map(Named::Name))
            .collect();
        assert_eq!(named, expected);
    }

    #[test]
    fn a_part_that_could_not_be_read_stays_remembered() {
        let worker = wanted(&app(json!({ "worker": { "command": "run" } })));
        let mut observed = Observed::default();
        assert_eq!(found(&worker, &observed), Vec::<String>::new());
        observed.unread.insert(Part::Schedules);
        assert_eq!(found(&worker, &observed), ["Schedules"]);
    }

    #[test]
    fn what_was_adopted_is_remembered_while_services_cannot_be_read() {
        let worker = fixtures::app([fixtures::process("worker")]);
        let mut there = fixtures::settled(&worker);
        assert_eq!(found(&worker, &there), [""; 0]);
        for service in there.services.values_mut() {
            service.tags.extend(adopted_tag());
        }
        assert_eq!(found(&worker, &there), [ADOPTED]);
        let mut unread = Observed::default();
        unread.unread.insert(Part::Ecs);
        assert_eq!(found(&worker, &unread), [""; 0]);
        let remembered = Desired {
            adopted: Adopted {
                stays: true,
                may_be_there: true,
            },
            ..worker
        };
        assert_eq!(found(&remembered, &unread), [ADOPTED]);
        assert_eq!(found(&remembered, &Observed::default()), [""; 0]);
    }

    #[test]
    fn an_older_status_leaves_open_all_but_schedules() {
        let mut process = ProcessStatus::default();
        let evidence = |process: &ProcessStatus, part| {
            let status = AppStatus {
                processes: vec![process.clone()],
                ..AppStatus::default()
            };
            holdings(Some(&status), true).evidence(&part)
        };
        assert_eq!(evidence(&process, Part::LoadBalancing), Evidence::Yes);
        assert_eq!(evidence(&process, Part::Schedules), Evidence::Perhaps);
        process.schedule = Some(ScheduleStatus::default());
        assert_eq!(evidence(&process, Part::Schedules), Evidence::Yes);
        // A status that was lost, of an App that holds something.
        assert_eq!(holdings(None, true).evidence(&Part::Schedules), Evidence::Yes);
        assert_eq!(
            holdings(None, false).evidence(&Part::Schedules),
            Evidence::Perhaps
        );
    }
}
