//! Each attempt at a call, the SDK's retries included, asks the [fence](crate::fence) before it is transmitted.

use aws_sdk_ecs::config::interceptors::{
    BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
    InterceptorContext,
};
use aws_sdk_ecs::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_ecs::config::timeout::TimeoutConfig;
use aws_sdk_ecs::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ecs::error::BoxError;
use tokio::task_local;

use super::error::Call;
use super::rates;
use crate::fence::{self, Fenced};

task_local! {
    /// The call that is being attempted: an interceptor is not told.
    static CALL: Call;
}

/// Makes a call's attempts as those of this kind of call.
pub(super) async fn attempting<F: Future>(call: Call, sending: F) -> F::Output {
    CALL.scope(call, sending).await
}

/// Returns the call whose attempt asks. `None` in calls of the SDK's own.
pub(super) fn attempted() -> Option<Call> {
    CALL.try_with(|call| *call).ok()
}

/// Decides if an attempt may begin.
pub(super) fn permitted(call: Call) -> Result<(), Fenced> {
    if call.is_read() {
        fence::may_read()
    } else {
        fence::may_write().map(|_| ())
    }
}

/// Of the clients that write or read for passes. Without a pass, as in a dry run, it lets everything through.
#[derive(Debug)]
pub(super) struct EachAttempt;

impl Intercept for EachAttempt {
    fn name(&self) -> &'static str {
        "Fence"
    }

    /// Gives each attempt at a write no more time than the fence reckons with.
    fn modify_before_retry_loop(
        &self,
        _: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let is_write = attempted().is_some_and(|call| !call.is_read());
        let Some(limit) = fence::current().filter(|_| is_write).map(|fence| fence.limit()) else {
            return Ok(());
        };
        let all = cfg.load::<TimeoutConfig>().cloned();
        let all = all.unwrap_or_else(TimeoutConfig::disabled);
        let attempt = all.operation_attempt_timeout();
        let attempt = attempt.map_or(limit, |attempt| attempt.min(limit));
        let all = all.into_builder().operation_attempt_timeout(attempt).build();
        cfg.interceptor_state().store_put(all);
        Ok(())
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(call) = attempted() {
            permitted(call)?;
            rates::attempted(call.action(), 1);
        }
        Ok(())
    }

    fn read_after_attempt(
        &self,
        attempt: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let (Some(call), Some(Err(_)), Some(reply)) =
            (attempted(), attempt.output_or_error(), attempt.response())
        {
            rates::answered(&call.attempt_refused(reply));
        }
        Ok(())
    }
}

/// Has the SDK not retry a write of a pass that AWS has throttled: it comes at its next turn in the line.
#[derive(Debug)]
pub(super) struct ThrottledInLine;

impl ClassifyRetry for ThrottledInLine {
    fn name(&self) -> &'static str {
        "ThrottledInLine"
    }

    fn classify_retry(&self, attempt: &InterceptorContext) -> RetryAction {
        match (attempted(), attempt.output_or_error(), attempt.response()) {
            (Some(call), Some(Err(_)), Some(reply))
                if rates::has_turns(call) && call.attempt_refused(reply).is_about_rates() =>
            {
                RetryAction::RetryForbidden
            }
            _ => RetryAction::NoActionIndicated,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use aws_sdk_ecs::config::http::HttpResponse;
    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;

    use crate::aws::clients::retries;
    use crate::aws::replay::config;
    use crate::aws::{AwsClients, Ecs, EcsWrites, Fault, Zones};
    use crate::fence::{Fence, Moment, under};
    use crate::metrics::{Format, Metrics};

    const LEASE: Duration = Duration::from_secs(15);

    fn held() -> Fence {
        let fence = Fence::new("empire-123456789012".into(), LEASE);
        fence.renewed(Moment::now());
        fence
    }

    /// Clients with the retries of real ones, whose endpoint is out of order; each request does something first.
    fn clients(on_request: impl Fn() + Send + Sync + 'static) -> (AwsClients, Arc<AtomicUsize>) {
        measured(on_request, &Metrics::default())
    }

    fn measured(
        on_request: impl Fn() + Send + Sync + 'static,
        metrics: &Metrics,
    ) -> (AwsClients, Arc<AtomicUsize>) {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = requests.clone();
        let http = infallible_client_fn(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            on_request();
            HttpResponse::new(503.try_into().unwrap(), SdkBody::empty())
                .try_into_http1x()
                .unwrap()
        });
        let config = config(http).into_builder().retry_config(retries()).build();
        (AwsClients::new(&config, &Zones::default(), metrics), requests)
    }

    #[tokio::test]
    async fn a_call_under_a_lease_that_is_over_is_not_begun() {
        let fence = held();
        let (aws, requests) = clients(|| {});
        fence.lost();
        for call in [true, false] {
            let asked = async {
                if call {
                    aws.list_services("staging").await.map(|_| ())
                } else {
                    aws.delete_service("staging", "web").await
                }
            };
            let error = under(fence.clone(), asked).await.unwrap_err();
            assert_eq!((error.code.as_str(), error.fault), ("Fenced", Fault::Fenced));
        }
        assert_eq!(requests.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_retry_asks_again() {
        let fence = held();
        let (ending, metrics) = (fence.clone(), Metrics::default());
        let (aws, requests) = measured(move || ending.lost(), &metrics);
        let error = under(fence, aws.delete_service("staging", "web"))
            .await
            .unwrap_err();
        assert_eq!(error.fault, Fault::Fenced, "{error}");
        assert!(error.message.contains("empire-123456789012"), "{error}");
        assert_eq!(requests.load(Ordering::Relaxed), 1);
        let text = metrics.text(Format::Prometheus).unwrap();
        let counts = text
            .lines()
            .filter(|line| line.starts_with("empire_aws_requests_total"));
        assert_eq!(
            counts.collect::<Vec<_>>(),
            ["empire_aws_requests_total{service=\"ecs\",operation=\"DeleteService\",result=\"transient\"} 1"],
            "what was not begun is not counted"
        );

        let (aws, requests) = clients(|| {});
        let error = under(held(), aws.delete_service("staging", "web"))
            .await
            .unwrap_err();
        assert_ne!(error.fault, Fault::Fenced, "{error}");
        assert_eq!(requests.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_process_that_ends_reads_no_further_and_finishes_its_write() {
        let fence = held();
        fence.close();
        let (aws, requests) = clients(|| {});
        let read = under(fence.clone(), aws.list_services("staging")).await;
        assert_eq!(read.unwrap_err().fault, Fault::Fenced);
        assert_eq!(requests.load(Ordering::Relaxed), 0);
        let wrote = under(fence, aws.delete_service("staging", "web")).await;
        assert_ne!(wrote.unwrap_err().fault, Fault::Fenced);
        assert_eq!(requests.load(Ordering::Relaxed), 3);
    }
}
