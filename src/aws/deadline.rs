//! The deadline of a pass, after which it begins no call.

use std::time::{Duration, Instant};

use tokio::task_local;

use super::error::{AwsError, Fault};
use crate::model::class::Class;

#[derive(Clone, Copy)]
struct Deadline {
    at: Option<Instant>,
    limit: Duration,
}

task_local! {
    /// Beside the arguments, because only whether a call begins depends on it.
    static DEADLINE: Deadline;
}

/// Runs a pass that begins no call once this time is over. A call that is under way then ends as it would.
pub async fn within<F: Future>(limit: Duration, pass: F) -> F::Output {
    let now = Instant::now();
    let at = now.checked_add(limit);
    DEADLINE.scope(Deadline { at, limit }, pass).await
}

/// Refuses a call that would begin after the deadline of its pass, as trouble that is over in a moment.
pub fn in_time(action: &'static str) -> Result<(), AwsError> {
    match DEADLINE.try_with(|deadline| *deadline) {
        Ok(Deadline { at, limit }) if at.is_some_and(|at| at <= Instant::now()) => Err(AwsError {
            action,
            code: "PassDeadline".into(),
            message: format!(
                "this pass has taken {} s, and begins no further call",
                limit.as_secs()
            ),
            fault: Fault::Failed(Class::Transient),
            request_id: None,
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_http_client::test_util::infallible_client_fn;
    use aws_smithy_types::body::SdkBody;
    use serde_json::json;

    use super::*;
    use crate::aws::replay::config;
    use crate::aws::{AwsClients, Ecs, Zones};
    use crate::metrics::Metrics;

    #[tokio::test]
    async fn a_list_whose_pages_never_end_ends_at_the_deadline() {
        let pages = Arc::new(AtomicUsize::new(0));
        let asked = pages.clone();
        let http = infallible_client_fn(move |_| {
            let next = asked.fetch_add(1, Ordering::Relaxed).to_string();
            let body = json!({ "serviceArns": [], "nextToken": next }).to_string();
            aws_sdk_ecs::config::http::HttpResponse::new(200.try_into().unwrap(), SdkBody::from(body))
                .try_into_http1x()
                .unwrap()
        });
        let aws = AwsClients::new(&config(http), &Zones::default(), &Metrics::default());
        let limit = Duration::from_millis(200);
        let error = within(limit, aws.list_services("default")).await.unwrap_err();
        assert_eq!(
            (error.code.as_str(), error.class()),
            ("PassDeadline", Class::Transient)
        );
        let before = pages.load(Ordering::Relaxed);
        assert!(before > 1);
        let late = within(Duration::ZERO, aws.describe_cluster("default")).await;
        assert_eq!(late.unwrap_err().code, "PassDeadline");
        assert_eq!(pages.load(Ordering::Relaxed), before, "nothing was sent");
    }
}
