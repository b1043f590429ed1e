//! Logs, and the health endpoints.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
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
        resync_interval,
        retire_after,
        concurrency,
        log_format,
        health_address,
        namespace,
    } = config;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        owner_id,
        resync_interval = ?resync_interval,
        retire_after = ?retire_after,
        concurrency,
        log_format = ?log_format,
        health_address = %health_address,
        namespace,
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

/// Whether the caches are filled and Apps are being reconciled.
#[derive(Clone, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn status(&self) -> StatusCode {
        if self.0.load(Ordering::Relaxed) {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

/// Serves `/healthz` and `/readyz` for as long as it is polled.
pub async fn serve(address: SocketAddr, readiness: Readiness) -> std::io::Result<()> {
    let router = Router::new()
        .route("/healthz", get(|| async { StatusCode::OK }))
        .route("/readyz", get(move || async move { readiness.status() }));
    let listener = TcpListener::bind(address).await?;
    axum::serve(listener, router).await
}
