//! Arguments, telemetry, dispatch.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use empire_controller::config::{Arguments, Command, Config};
use empire_controller::controller::{Sdk, run};
use empire_controller::telemetry::{self, Readiness};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(config) => start(config),
        Command::Crds => empire_controller::api::print(&mut std::io::stdout().lock()).map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("empire-controller: {error}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn start(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    telemetry::init(config.log_format);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stopped = async move {
        tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        tracing::info!("stopping after the writes under way");
    };
    let readiness = Readiness::default();
    let mut kubernetes = kube::Config::infer().await?;
    // Longer than a watch lasts, so that only a silent peer is cut off.
    kubernetes.read_timeout = Some(Duration::from_secs(310));
    let client = Client::try_from(kubernetes)?;
    let health = telemetry::serve(config.health_address, readiness.clone());
    tokio::select! {
        ended = health => ended?,
        ended = run(client, config, Box::<Sdk>::default(), readiness, stopped) => ended?,
    }
    Ok(())
}
