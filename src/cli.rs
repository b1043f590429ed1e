//! The command line: arguments, and the commands that print something and end. Each command is a file, with its
//! arguments and what it does; the controller itself is `run`, in [`crate::controller`].

mod arguments;
mod crds;
mod plan;
mod procfile;

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;

pub use arguments::{Arguments, Command};
pub use crds::crds;
pub use plan::plan;
pub use procfile::procfile;

/// An error is one line for standard error; then the status is 1.
pub type Ended = Result<ExitCode, Failure>;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The format of what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
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
