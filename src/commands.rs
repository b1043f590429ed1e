//! The commands that print something and end: what they read, what they print where, and with which status they end.

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::api;
use crate::config::{Plan, Procfile};
use crate::controller::{MANIFEST_LIMIT, Preview, Sdk, preview};
use crate::procfile::{self, Identity, Translated};

/// An error is one line for standard error; then the status is 1.
pub type Ended = Result<ExitCode, Box<dyn std::error::Error + Send + Sync>>;

/// Prints the custom resource definitions, and the policy that protects them.
pub fn crds() -> Ended {
    let mut text = Vec::new();
    api::print(&mut text)?;
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the App of a Procfile, and warns of what is other here than elsewhere; or says of everything why it cannot be one.
pub fn translate(arguments: Procfile) -> Ended {
    let source = arguments.file.display();
    let text = read(&arguments.file, procfile::LIMIT)?;
    let identity = Identity {
        name: arguments.name,
        image: arguments.image,
        platform: arguments.platform,
    };
    match procfile::translate_with(&text, &identity, arguments.shell) {
        Ok(Translated { app, warnings }) => {
            for warning in &warnings {
                eprintln!("{source}: warning: {warning}");
            }
            print(procfile::to_yaml(&app)?.as_bytes())?;
            Ok(ExitCode::SUCCESS)
        }
        Err(problems) => {
            for problem in &problems {
                eprintln!("{source}: {problem}");
            }
            Err(format!("{source} cannot be carried over").into())
        }
    }
}

/// Prints what would change for an App.
pub async fn plan(arguments: &Plan) -> Ended {
    let file = arguments.filename.as_deref();
    let manifest = file.map(|file| read(file, MANIFEST_LIMIT)).transpose()?;
    let Preview {
        text,
        warnings,
        conclusion,
    } = preview(arguments, manifest.as_deref(), &Sdk::default()).await?;
    for warning in warnings {
        eprintln!("empire-controller: warning: {warning}");
    }
    print(text.as_bytes())?;
    Ok(conclusion.exit_status().into())
}

/// Writes to standard output. A reader that has seen enough, such as `head`, may close it.
fn print(text: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The bytes of a file, of standard input if it is `-`. Of one that has more bytes than `limit`, one more than that.
fn read(file: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let failed = |error: Error| format!("{}: {error}", file.display());
    let input: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    input.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
