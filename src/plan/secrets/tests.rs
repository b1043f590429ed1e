//! Processes that wait for a secret: nothing that would hold it is made or changed, and nothing else waits.

use crate::change::Write;
use crate::model::desired::Desired;
use crate::model::secret::{AwaitedSecret, SecretWait};
use crate::plan::fixtures::{app, process, settled};
use crate::plan::{ObstacleKind, Plan, plan};

fn awaiting(mut desired: Desired, wait: SecretWait) -> Desired {
    let web = desired.processes.get_mut("web").unwrap();
    let message = "secrets: DB: why".into();
    web.awaited_secret = Some(Box::new(AwaitedSecret { message, wait }));
    desired
}

fn processes(plan: &Plan) -> Vec<&str> {
    plan.changes
        .iter()
        .filter_map(|change| change.process())
        .collect()
}

#[test]
fn nothing_is_made_for_a_process_that_waits_and_all_for_its_neighbour() {
    for (wait, kind) in [
        (SecretWait::Missing, ObstacleKind::SecretMissing),
        (SecretWait::Unread, ObstacleKind::SecretUnread),
    ] {
        let desired = awaiting(app([process("web"), process("worker")]), wait);
        let planned = plan(&desired, &crate::model::state::Observed::default(), &[].into());
        assert!(!processes(&planned).is_empty());
        assert!(
            processes(&planned).iter().all(|process| *process == "worker"),
            "{planned:?}"
        );
        assert_eq!(planned.obstacles.len(), 1);
        assert_eq!(planned.obstacles[0].kind, kind);
        assert_eq!(planned.obstacles[0].message, "process web: secrets: DB: why");
        assert!(!planned.held_back.is_empty());
    }
}

#[test]
fn what_runs_goes_on_and_is_scaled() {
    let before = app([process("web"), process("worker")]);
    let there = settled(&before);
    let mut edited = process("web");
    (edited.image, edited.quantity) = ("web:v2".into(), Some(5));
    let desired = awaiting(app([edited, process("worker")]), SecretWait::Missing);
    let planned = plan(&desired, &there, &[].into());
    let written: Vec<String> = planned.changes.iter().map(ToString::to_string).collect();
    assert_eq!(written, ["update service shop_acme_web: 5 tasks"]);
    assert!(
        planned
            .held_back
            .iter()
            .any(|change| matches!(change.write, Write::TaskDefinition(_)))
    );
}
