//! Keeps the outbox of Route 53: sends what is due, one batch a zone at a time, and wakes the Apps that an answer is for.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tracing::debug;

use super::carrier::Carrier;
use super::clock::now;
use super::context::Context;
use super::memory::app_key;
use super::queue::dispatch::message_of;
use crate::aws::{AwsError, Fault, Kind, Subject, calling, concerning, within};
use crate::change::{RecordBatch, names_of};
use crate::fence::under;
use crate::metrics::BatchResult;
use crate::model::class::Class;
use crate::write::zones::Flight;

/// Sends batches until the process is to end, and those that are in flight then to their end.
pub(super) async fn keep(context: Arc<Context>) {
    let mut stopping = context.stopping.clone();
    let mut flights = JoinSet::new();
    tokio::select! {
        biased;
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = send_all(&context, &mut flights) => {}
    }
    while flights.join_next().await.is_some() {}
}

async fn send_all(context: &Arc<Context>, flights: &mut JoinSet<()>) {
    loop {
        let due = context.outbox.outbox().due();
        let is_due = async {
            match due {
                Some(due) => sleep(due.duration_since(now()).try_into().unwrap_or_default()).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = context.outbox.changed() => {}
            () = is_due => {}
        }
        while flights.try_join_next().is_some() {}
        for flight in context.outbox.outbox().take(now(), Carrier::may_send) {
            flights.spawn(send(context.clone(), flight));
        }
    }
}

/// Sends a batch under the Lease of its account, which is not given back before: it counts from now on.
fn send(context: Arc<Context>, flight: Flight<Carrier>) -> impl Future<Output = ()> + Send {
    let fence = flight.carrier.fence.clone();
    let sent = sent(context, flight);
    match fence {
        Some(fence) => under(fence, sent).left_future(),
        None => sent.right_future(),
    }
}

async fn sent(context: Arc<Context>, flight: Flight<Carrier>) {
    let Flight {
        route,
        changes,
        carrier,
    } = flight;
    let names = names_of(&changes).len();
    let batch = RecordBatch {
        zone: route.zone.clone(),
        changes,
    };
    let subject = Subject {
        resource: Some(batch.resource()),
        ..Subject::default()
    };
    let call = carrier.aws.change_records(&batch.zone, &batch.changes);
    let call = concerning(subject, within(context.config.pass_deadline, call));
    let caller = context.caller((*carrier.buckets).clone(), Kind::Other);
    let call = calling(caller, call);
    // A flight that nobody answers would hold up its zone for ever.
    let result = AssertUnwindSafe(call)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| {
            Err(AwsError {
                action: "route53:ChangeResourceRecordSets",
                code: "Panic".into(),
                message: message_of(&*panic),
                fault: Fault::Failed(Class::Bug),
                request_id: None,
            })
        });
    let kind = match &result {
        Ok(()) => BatchResult::Ok,
        Err(error) if error.fault == Fault::Stale => BatchResult::Refused,
        Err(_) => BatchResult::Failed,
    };
    let answered = context.outbox.outbox().answered(&route, &result, now());
    context.metrics.sent_records(kind, names);
    for waited in answered.waited {
        context.metrics.record_waited(waited);
    }
    debug!(
        zone = route.zone,
        names,
        apps = answered.apps.len(),
        "a batch of names was answered"
    );
    context.wake.apps(answered.apps.iter().map(app_key));
    context.outbox.ring();
}
