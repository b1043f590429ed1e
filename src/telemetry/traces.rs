//! Traces: the spans of [`crate::span`], sent as OTLP over HTTP to a collector, in batches and by a thread of their own.
//! OpenTelemetry's own variables say everything but that it is wanted: headers, time-out, sampling, attributes.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{
    ExporterBuildError, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, SpanExporter, WithExportConfig,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, TelemetryResourceDetector};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, TracerProviderBuilder};
use tracing::{Subscriber, warn};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::span::TARGET;

/// The time that a process which ends gives to what has not been sent yet.
const LAST: Duration = Duration::from_secs(2);

/// The way to a collector, if there is one.
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends to `<endpoint>/v1/traces`, or to the address that `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` has for traces alone;
    /// without either nothing is collected or sent. Connects only with the first batch.
    pub(super) fn to(endpoint: Option<&str>, instance: &str) -> Result<Self, ExporterBuildError> {
        let exporter = SpanExporter::builder().with_http();
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let exporter = if is_set(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) {
            exporter.build()?
        } else if let Some(endpoint) = endpoint {
            let traces = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
            exporter.with_endpoint(traces).build()?
        } else {
            return Ok(Traces(None));
        };
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter);
        Ok(Traces(Some(described(provider, instance))))
    }

    /// Returns the layer that takes our own spans, and nothing of other crates.
    pub(super) fn layer<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        self.0
            .as_ref()
            .map(|provider| layer_of(provider.tracer(env!("CARGO_PKG_NAME"))))
    }

    /// Sends what has not been sent yet, for 2 s at most.
    pub(super) fn end(self) {
        let Some(provider) = self.0 else {
            return;
        };
        if let Err(error) = provider.shutdown_with_timeout(LAST) {
            warn!(%error, "the last traces were not sent");
        }
    }
}

/// Names the process: `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` decide, as everywhere.
fn described(provider: TracerProviderBuilder, instance: &str) -> SdkTracerProvider {
    let name = std::env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let resource = Resource::builder_empty()
        .with_service_name(name.unwrap_or_else(|| env!("CARGO_PKG_NAME").into()))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .with_attribute(KeyValue::new("service.instance.id", instance.to_owned()))
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_detector(Box::new(EnvResourceDetector::new()))
        .build();
    provider.with_resource(resource).build()
}

fn layer_of<S>(tracer: SdkTracer) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    // Where it is in our source, and which thread it ran on, is of no use to operators.
    OpenTelemetryLayer::new(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|metadata| {
            metadata.is_span() && metadata.target() == TARGET
        }))
}

#[cfg(test)]
mod tests;
