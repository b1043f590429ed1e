//! Arguments, telemetry, dispatch.

use std::process::ExitCode;
use std::time::Duration;

use empire_controller::cli::{self, Ended, Program};
use empire_controller::config::Config;
use empire_controller::controller::{Sdk, reach_at_last, run};
use empire_controller::health::{self, Health};
use empire_controller::metrics::Metrics;
use empire_controller::telemetry;
use futures::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

/// One heap for all threads: docs/decisions/0020-one-heap-and-a-small-program.md.
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let program = match Program::of_process() {
        Ok(program) => program,
        Err(status) => return status.into(),
    };
    let name = program.name();
    let ended = match program {
        Program::Run(config) => start(config).await,
        Program::Print(command) => Box::pin(command.execute(name)).await,
        Program::Plugin(plugin) => Box::pin(plugin.execute(name)).await,
        Program::Completions(words) => cli::complete(&words).await,
    };
    ended.unwrap_or_else(|error| {
        eprintln!("{name}: {error}");
        ExitCode::FAILURE
    })
}

async fn start(config: Config) -> Ended {
    let telemetry = telemetry::init(&config)?;
    telemetry::announce(&config);
    let ended = reconcile(config).await;
    telemetry.end();
    ended
}

async fn reconcile(config: Config) -> Ended {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopped = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping after the writes under way");
    }
    .shared();
    let (health, metrics) = (Health::default(), Metrics::new(config.metrics_per_app));
    let listeners = health::bind(config.health_address).await?;
    let mut kubernetes = kube::Config::infer()
        .await
        .map_err(|error| cli::no_cluster(&error))?;
    // Longer than a watch lasts, so that only a silent peer is cut off.
    kubernetes.read_timeout = Some(Duration::from_secs(310));
    // Within a request it would wait for minutes after an outage, unseen. Watches and passes have a backoff of their own.
    kubernetes.default_retry = false;
    let served = health::serve(listeners, health.clone(), metrics.clone());
    let working = async {
        let client = tokio::select! {
            () = stopped.clone() => return Ok(ExitCode::SUCCESS),
            client = reach_at_last(kubernetes, &health) => client?,
        };
        let sdk = Box::new(Sdk::new(metrics.clone()));
        run(client, config, sdk, health.clone(), metrics, stopped.clone()).await?;
        Ended::Ok(ExitCode::SUCCESS)
    };
    tokio::select! {
        ended = served => {
            ended?;
            Ok(ExitCode::SUCCESS)
        }
        ended = working => ended,
    }
}
