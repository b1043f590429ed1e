//! What reaches the door behind, and what the App hears instead.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{Budgeted, bucket_of};
use crate::aws::{AwsError, Caller, Kind, answered, attempted, calling};
use crate::budget::{Asker, Bucket, Budget, Place, Shares};
use crate::change::{Change, PortWrite, RecordBatch, Reply, ServiceWrite};
use crate::model::rank::Rank;
use crate::plan::fixtures::{app, claim, nothing, owner};
use crate::write::{Arns, Refusal, Writer};

/// A door that counts, and answers with this code.
struct Behind {
    written: Mutex<Vec<String>>,
    refuses: Option<&'static str>,
}

#[async_trait]
impl Writer for Behind {
    async fn write(&self, change: &Change, _: &Arns<'_>) -> Result<Reply, Refusal> {
        self.written.lock().unwrap().push(change.resource());
        attempted(change.operation(), 1);
        let Some(code) = self.refuses else {
            return Ok(Reply::Done);
        };
        let error = AwsError::from_code(change.operation(), code, "No.");
        answered(&error);
        Err(error.into())
    }
}

fn delete(service: &str) -> Change {
    let service = service.to_owned();
    Change::of("web", ServiceWrite::Delete { service })
}

/// Writes changes in order, on a clock that stands still. Returns those that reached the door, and the refusals.
async fn write(
    budget: Budget,
    refuses: Option<&'static str>,
    changes: &[Change],
) -> (Vec<String>, Vec<Refusal>) {
    let behind = Behind {
        written: Mutex::default(),
        refuses,
    };
    let asker = Asker {
        namespace: "shop".into(),
        app: "acme".into(),
        rank: Rank::Edit,
    };
    let budget = Arc::new(Mutex::new(budget));
    let caller = Caller::new(budget, Place::default(), Kind::Pass(asker), || {
        Timestamp::UNIX_EPOCH
    });
    let door = Budgeted {
        door: &behind,
        caller: &caller,
    };
    let (desired, observed) = (app([]), nothing());
    let arns = Arns {
        desired: &desired,
        observed: &observed,
    };
    let mut refusals = Vec::new();
    for change in changes {
        let later = door.later(change);
        let writing = door.write(change, &arns);
        let refusal = calling(caller.clone(), writing).await.err();
        // Asked before the pass reads for it.
        let is_later = matches!(refusal, Some(Refusal::Later { .. }));
        assert_eq!(later.is_some(), is_later, "{later:?} {refusal:?}");
        refusals.extend(refusal);
    }
    (behind.written.into_inner().unwrap(), refusals)
}

#[tokio::test]
async fn what_there_is_a_token_for_is_sent_and_the_rest_hears_when_to_come() {
    // Of a burst of 50 and 5 a second.
    let changes = ["one", "two", "three"].map(delete);
    let (written, refusals) = write(Budget::new(Shares::all(0.04)), None, &changes).await;
    assert_eq!(written, ["one", "two"]);
    let [Refusal::Later { until, bucket }] = refusals[..] else {
        panic!("{refusals:?}");
    };
    assert_eq!((bucket, until.as_millisecond()), (Bucket::EcsServiceWrites, 5001));
}

#[tokio::test]
async fn a_throttle_teaches_the_bucket_and_other_refusals_do_not() {
    let changes = ["one", "two"].map(delete);
    for (code, reached) in [
        ("ThrottlingException", 1),
        ("AccessDeniedException", 2),
        // Of one family that is being registered elsewhere.
        ("ClientException", 2),
        ("ServerException", 2),
    ] {
        let (written, refusals) = write(Budget::new(Shares::all(1.0)), Some(code), &changes).await;
        assert_eq!(written.len(), reached, "{code}");
        let is_in_line =
            |refusal: &Refusal| matches!(refusal, Refusal::Throttled { .. } | Refusal::Later { .. });
        assert_eq!(refusals.iter().all(is_in_line), reached == 1, "{refusals:?}");
    }
    let (_, refusals) = write(
        Budget::new(Shares::all(1.0)),
        Some("ThrottlingException"),
        &changes,
    )
    .await;
    let times = refusals.iter().map(|refusal| match refusal {
        Refusal::Throttled { error, until, .. } => (Some(error.code.as_str()), until.as_millisecond()),
        Refusal::Later { until, .. } => (None, until.as_millisecond()),
        Refusal::PortTaken | Refusal::Fenced(_) | Refusal::Failed(_) => panic!("{refusal:?}"),
    });
    // At nine tenths of 5 a second.
    assert_eq!(
        times.collect::<Vec<_>>(),
        [(Some("ThrottlingException"), 223), (None, 445)]
    );
}

#[test]
fn ports_are_no_calls_to_aws_and_names_go_in_batches() {
    let claim = PortWrite::Claim(claim(9001, &owner(), "web", 8080));
    assert_eq!(bucket_of(&claim.into()), None);
    let batch = RecordBatch {
        zone: "Z1".into(),
        changes: Vec::new(),
    };
    assert_eq!(bucket_of(&batch.into()), None);
    assert_eq!(bucket_of(&delete("web")), Some(Bucket::EcsServiceWrites));
}
