//! The spans of a trace: a pass, and within it each call to AWS. The lines of the log, which say by themselves what they
//! are about, leave them out; [`crate::telemetry`] exports them where somebody asked for that.
//!
//! Names of attributes are those of OpenTelemetry's semantic conventions where there are any:
//! <https://opentelemetry.io/docs/specs/semconv/cloud-providers/aws-sdk/>. Values of environment variables, secrets and
//! requests are in none of them.

use tracing::field::Empty;
use tracing::{Span, info_span};

/// The target of all of them: it is what exports go by, and logs.
pub const TARGET: &str = "empire_controller::spans";

/// Begins the span of a pass over an object; that of a Platform has no namespace.
pub fn pass(kind: &str, namespace: &str, name: &str) -> Span {
    info_span!(
        target: TARGET,
        "pass",
        otel.name = format!("reconcile {kind}"),
        k8s.namespace.name = Some(namespace).filter(|namespace| !namespace.is_empty()),
        empire.kind = kind,
        empire.name = name,
        empire.result = Empty,
        otel.status_code = Empty,
    )
}

/// Notes the result of a pass, in the words of the metric of passes.
pub fn passed(span: &Span, result: &str, failed: bool) {
    span.record("empire.result", result);
    if failed {
        span.record("otel.status_code", "ERROR");
    }
}

/// Begins the span of a call to AWS, its retries included: `action` as IAM names it, and what it is for.
pub fn call(action: &str, process: Option<&str>, resource: Option<&str>) -> Span {
    let (service, method) = action.split_once(':').unwrap_or(("", action));
    info_span!(
        target: TARGET,
        "call",
        otel.name = action,
        otel.kind = "client",
        rpc.system = "aws-api",
        rpc.service = service,
        rpc.method = method,
        empire.process = process,
        empire.resource = resource,
        aws.request_id = Empty,
        "error.type" = Empty,
        otel.status_code = Empty,
        otel.status_description = Empty,
    )
}

/// Notes the id that AWS gave to a request.
pub fn answered(span: &Span, request_id: Option<&str>) {
    span.record("aws.request_id", request_id);
}

/// Notes why a call failed; one that only found nothing is no error.
pub fn refused(span: &Span, code: &str, message: &str, is_error: bool) {
    span.record("error.type", code);
    if is_error {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", message);
    }
}
