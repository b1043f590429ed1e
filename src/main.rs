//! Arguments, telemetry, dispatch.

use std::fs::File;
use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use empire_controller::config::{Arguments, Command, Config, Procfile};
use empire_controller::controller::{Sdk, run};
use empire_controller::procfile::{self, Identity};
use empire_controller::telemetry::{self, Readiness};
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(config) => start(config),
        Command::Crds => empire_controller::api::print(&mut std::io::stdout().lock()).map_err(Into::into),
        Command::Procfile(arguments) => translate(arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("empire-controller: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the App of a Procfile, or says of everything why it cannot be one.
fn translate(
    Procfile {
        file,
        name,
        image,
        platform,
    }: Procfile,
) -> Result<(), Box<dyn std::error::Error>> {
    let source = file.display();
    let input: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(&file).map_err(|error| format!("{source}: {error}"))?)
    };
    let mut text = Vec::new();
    let input = &mut input.take(procfile::LIMIT as u64 + 1);
    input
        .read_to_end(&mut text)
        .map_err(|error| format!("{source}: {error}"))?;
    match procfile::translate(
        &text,
        &Identity {
            name,
            image,
            platform,
        },
    ) {
        Ok(app) => Ok(std::io::stdout().write_all(procfile::to_yaml(&app)?.as_bytes())?),
        Err(problems) => {
            for problem in &problems {
                eprintln!("{source}: {problem}");
            }
            Err(format!("{source} cannot be carried over").into())
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
