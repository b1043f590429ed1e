//! The parts of AWS in which an App holds something, as its status remembers them.

use crate::api::app::AppStatus;
use crate::model::desired::Desired;
use crate::model::part::{Holdings, Part};
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

/// The parts in which the App holds something after a pass, or may.
pub(super) fn found(desired: &Desired, observed: &Observed) -> Vec<String> {
    let may_hold =
        |part: &Part| desired.wants(part) || observed.is_unread(part) || observed.holds(part, &desired.owner);
    desired.parts().filter(may_hold).map(|part| part.key()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::app::{ProcessStatus, ScheduleStatus};
    use crate::desired::fixtures::app;
    use crate::model::part::Evidence;
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

    #[test]
    fn a_part_that_could_not_be_read_stays_remembered() {
        let worker = wanted(&app(json!({ "worker": { "command": "run" } })));
        let mut observed = Observed::default();
        assert_eq!(found(&worker, &observed), Vec::<String>::new());
        observed.unread.insert(Part::Schedules);
        assert_eq!(found(&worker, &observed), ["Schedules"]);
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
