//! A change of secrets is recorded, and then carried out once.

use crate::model::desired::{Desired, Runs};
use crate::model::rollout::{SecretChange, Submission};
use crate::model::secret::SecretVersions;
use crate::model::state::Observed;
use crate::plan::fixtures::{app, process, settled};
use crate::plan::{Pending, Plan, plan};

fn wanting(versions: SecretVersions) -> Desired {
    let mut desired = app([process("web")]);
    if let Runs::Service(service) = &mut desired.processes.get_mut("web").unwrap().runs {
        service.secret_versions = versions;
    }
    desired
}

fn known(digest: &str) -> SecretVersions {
    SecretVersions::Known(digest.into())
}

fn planned(versions: SecretVersions, observed: &Observed) -> Plan {
    plan(&wanting(versions), observed, &[].into())
}

fn submitted(plan: &Plan) -> &Submission {
    plan.rollouts["web"].submitted.as_ref().unwrap()
}

/// A world in which its tasks have read these.
fn having_read(versions: &str) -> Observed {
    let mut observed = settled(&app([process("web")]));
    observed.rollouts = planned(known(versions), &observed).rollouts;
    assert_eq!(
        observed.rollouts["web"]
            .submitted
            .as_ref()
            .unwrap()
            .secrets
            .as_deref(),
        Some(versions)
    );
    observed
}

fn texts(plan: &Plan) -> Vec<String> {
    plan.changes.iter().map(ToString::to_string).collect()
}

const ROLL: &str = "update service shop_acme_web: every task again, as a secret of theirs has changed";

#[test]
fn what_is_first_seen_is_remembered_and_replaces_nothing() {
    let observed = settled(&app([process("web")]));
    let first = planned(known("1"), &observed);
    assert!(first.is_settled(), "{first:?}");
    assert_eq!(submitted(&first).secrets.as_deref(), Some("1"));
}

#[test]
fn a_change_is_recorded_with_what_is_there_before_it_is_carried_out() {
    let mut observed = having_read("1");
    let first = planned(known("2"), &observed);
    assert_eq!(texts(&first), [""; 0]);
    let record = Pending::SecretChange {
        process: "web".into(),
    };
    assert_eq!(first.pending, [record]);
    let there = observed.services["shop_acme_web"].primary().unwrap().id.clone();
    let change = SecretChange {
        versions: "2".into(),
        after: there,
    };
    assert_eq!(submitted(&first).secret_change, Some(change));
    assert_eq!(submitted(&first).secrets.as_deref(), Some("1"));

    observed.rollouts = first.rollouts;
    assert_eq!(texts(&planned(known("2"), &observed)), [ROLL]);
    // A third value before that is another change.
    let third = planned(known("3"), &observed);
    assert_eq!(texts(&third), [""; 0]);
    assert_eq!(third.pending.len(), 1);
}

#[test]
fn a_deployment_that_has_begun_since_is_as_good() {
    let mut observed = having_read("1");
    observed.rollouts = planned(known("2"), &observed).rollouts;
    let service = observed.services.get_mut("shop_acme_web").unwrap();
    for deployment in service.deployments.iter_mut().filter(|found| found.primary) {
        deployment.id = "begun since".into();
    }
    let seen = planned(known("2"), &observed);
    assert!(seen.is_settled(), "{seen:?}");
    assert_eq!(submitted(&seen).secrets.as_deref(), Some("2"));
    assert_eq!(submitted(&seen).secret_change, None);
}

#[test]
fn what_is_not_known_changes_nothing_and_what_is_not_asked_for_is_forgotten() {
    let observed = having_read("1");
    let unknown = planned(SecretVersions::Unknown, &observed);
    assert!(unknown.is_settled());
    assert_eq!(submitted(&unknown).secrets.as_deref(), Some("1"));
    let ignored = planned(SecretVersions::Ignored, &observed);
    assert!(ignored.is_settled());
    assert_eq!(submitted(&ignored).secrets, None);
}
