//! Logs, and traces where somebody wants them.

mod traces;

use std::io::IsTerminal;

use tracing::{Level, Metadata, info};
use tracing_subscriber::filter::{FilterExt, filter_fn};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use self::traces::Traces;
use crate::config::{Config, LogFormat};
use crate::span;

/// What is to be sent before the process ends.
#[must_use]
pub struct Telemetry(Traces);

impl Telemetry {
    /// Sends it, for 2 s at most.
    pub fn end(self) {
        self.0.end();
    }
}

/// kube's own span says on every line what ours say once. Its watcher and its client, and the SDK where it looks for
/// credentials, print whole replies of what ours say in one line.
const DEFAULT: &str = "info,kube_runtime::controller=warn,kube_runtime::watcher=error,kube_client::client::builder=off,\
                       aws_config=error";

/// Logs go to standard error; `RUST_LOG` says how much. Traces go to `--otlp-endpoint`, if there is one.
///
/// # Errors
///
/// `RUST_LOG` cannot be read, or one of OpenTelemetry's variables has no meaning.
pub fn init(config: &Config) -> Result<Telemetry, String> {
    let instance = config.identity.as_deref().unwrap_or_default();
    let traces = Traces::to(
        config
            .otlp_endpoint
            .as_deref()
            .filter(|endpoint| !endpoint.is_empty()),
        instance,
    )
    .map_err(|error| format!("--otlp-endpoint: {error}"))?;
    let filter = levels()?
        .and(filter_fn(is_without_bodies))
        .and(filter_fn(|metadata| metadata.target() != span::TARGET));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.log_format {
        LogFormat::Human => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .with(traces.layer())
        .init();
    Ok(Telemetry(traces))
}

fn levels() -> Result<EnvFilter, String> {
    let name = EnvFilter::DEFAULT_ENV;
    let set = std::env::var(name).ok().filter(|set| !set.is_empty());
    let directives = set.as_deref().unwrap_or(DEFAULT);
    EnvFilter::try_new(directives).map_err(|error| format!("{name}={directives}: {error}"))
}

/// Says which version runs and by which settings, defaults included: none of them is a secret.
pub fn announce(config: &Config) {
    let Config {
        owner_id,
        replace_owner_id,
        resync_interval,
        retire_after,
        concurrency,
        pass_deadline,
        aws_rate,
        log_format,
        health_address,
        metrics_per_app,
        otlp_endpoint,
        namespace,
        identity,
        lease_duration,
        rebalance_after,
    } = config;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        owner_id,
        replace_owner_id,
        resync_interval = ?resync_interval,
        retire_after = ?retire_after,
        concurrency,
        pass_deadline = ?pass_deadline,
        %aws_rate,
        log_format = ?log_format,
        health_address = %health_address,
        metrics_per_app,
        otlp_endpoint,
        namespace,
        identity,
        lease_duration = ?lease_duration,
        rebalance_after = ?rebalance_after,
        rust_log = std::env::var(EnvFilter::DEFAULT_ENV).ok(),
        "starting"
    );
}

/// At trace level the SDK and HTTP print whole requests, and those hold values of environment variables, which belong in
/// no log whatever `RUST_LOG` says.
fn is_without_bodies(metadata: &Metadata<'_>) -> bool {
    let prints_bodies = ["aws_", "hyper", "h2", "tower_http", "kube_client"];
    *metadata.level() != Level::TRACE
        || !prints_bodies
            .iter()
            .any(|target| metadata.target().starts_with(target))
}
