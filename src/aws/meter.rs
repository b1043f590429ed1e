//! Measures each attempt at a call, the SDK's retries included: from before it is signed until its reply is read.

use std::error::Error;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_ecs::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use aws_smithy_types::config_bag::{Storable, StoreReplace};

use super::attempt::attempted;
use super::error::{ASSUME_ROLE, Call, Fault};
use crate::metrics::{Attempt, AwsResult, Metrics};
use crate::model::class::Class;

/// Sees each attempt of the clients that it is given to.
#[derive(Clone, Debug)]
pub(super) struct Meter(Metrics);

impl Meter {
    pub(super) fn new(metrics: &Metrics) -> Self {
        Meter(metrics.clone())
    }
}

/// An attempt under way. One that is given up without a reply, since the whole call took too long, counts as it is dropped.
#[derive(Debug)]
struct UnderWay {
    metrics: Metrics,
    call: Call,
    begun: Instant,
    is_over: AtomicBool,
}

impl Storable for UnderWay {
    type Storer = StoreReplace<Self>;
}

impl UnderWay {
    fn new(metrics: &Metrics, call: Call) -> Self {
        UnderWay {
            metrics: metrics.clone(),
            call,
            begun: Instant::now(),
            is_over: AtomicBool::new(false),
        }
    }

    /// `None` if it was not sent, which counts for nothing.
    fn end(&self, result: Option<AwsResult>) {
        if let (false, Some(result)) = (self.is_over.swap(true, Ordering::Relaxed), result) {
            self.metrics.attempted(Attempt {
                action: self.call.action(),
                is_read: self.call.is_read(),
                result,
                took: self.begun.elapsed(),
            });
        }
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.end(result_of(Fault::Failed(Class::Transient)));
    }
}

impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = attempted() {
            state.interceptor_state().store_put(UnderWay::new(&self.0, call));
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        attempt: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        state: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(under_way) = state.load::<UnderWay>() {
            let result = match attempt.output_or_error() {
                Some(Err(error)) => {
                    let error: &(dyn Error + 'static) = error;
                    result_of(under_way.call.attempt_failed(error, attempt.response()))
                }
                Some(Ok(_)) | None => Some(AwsResult::Ok),
            };
            under_way.end(result);
        }
        Ok(())
    }
}

/// Measures how a role is assumed, which the SDK does with a client of its own: one count for its attempts together.
#[derive(Debug)]
pub(super) struct MeteredRole<P> {
    pub provider: P,
    pub metrics: Metrics,
}

impl<P: ProvideCredentials> ProvideCredentials for MeteredRole<P> {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let under_way = UnderWay::new(&self.metrics, ASSUME_ROLE);
            let given = self.provider.provide_credentials().await;
            under_way.end(match &given {
                Ok(_) => Some(AwsResult::Ok),
                Err(error) => result_of(ASSUME_ROLE.attempt_failed(error, None)),
            });
            given
        })
    }
}

/// Returns what came of an attempt; `None` if the fence let it not begin.
fn result_of(fault: Fault) -> Option<AwsResult> {
    Some(match fault {
        Fault::Fenced | Fault::NotListed | Fault::Later { .. } => return None,
        Fault::Absent => AwsResult::Absent,
        Fault::Pending => AwsResult::Pending,
        Fault::Stale | Fault::Inactive => AwsResult::Stale,
        Fault::Failed(Class::Throttled) => AwsResult::Throttled,
        Fault::Failed(Class::Transient) => AwsResult::Transient,
        Fault::Failed(Class::Denied) => AwsResult::Denied,
        Fault::Failed(Class::Refused | Class::Conflict | Class::Invalid)
        | Fault::GracePeriod
        | Fault::Full
        | Fault::ZoneTaken => AwsResult::Refused,
        Fault::Failed(Class::Bug) => AwsResult::Bug,
    })
}

#[cfg(test)]
mod tests;
