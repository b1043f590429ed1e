//! Logs.

use std::io::IsTerminal;

use tracing::{Level, Metadata, info};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::config::{Config, LogFormat};

/// Logs go to standard error; `RUST_LOG` says how much. kube's own span says on every line what ours say once.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,kube_runtime::controller=warn"));
    let subscriber = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_without_bodies));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    match format {
        LogFormat::Human => subscriber
            .with(lines.with_ansi(std::io::stderr().is_terminal()))
            .init(),
        LogFormat::Json => subscriber.with(lines.json().flatten_event(true)).init(),
    }
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
        log_format,
        health_address,
        metrics_per_app,
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
        log_format = ?log_format,
        health_address = %health_address,
        metrics_per_app,
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
