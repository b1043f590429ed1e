//! The command line: `empire-controller`, and the same program as a plugin of kubectl. Each command is a file, with its
//! arguments and what it does; the controller itself is `run`, in [`crate::controller`].

mod arguments;
mod cluster;
mod commands;
mod completion;
mod crds;
mod edit;
mod exec;
mod explain;
mod follow;
mod logs;
mod man;
mod orphans;
mod plan;
mod plugin;
mod procfile;
mod run_once;
mod status;
mod terminal;

use std::fs::File;
use std::io::{Error, ErrorKind, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::ValueEnum;

pub use arguments::{Arguments, Command, Print, Program};
pub use cluster::no_cluster;
pub use completion::complete;
pub use plugin::{Plugin, PluginCommand};

/// An error is one line for standard error; then the status is 1.
pub type Ended = Result<ExitCode, Failure>;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The format of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    #[default]
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

/// A file as messages name it.
fn source(file: &Path) -> String {
    if file.as_os_str() == "-" {
        "standard input".into()
    } else {
        file.display().to_string()
    }
}

/// The bytes of a file, of standard input if it is `-`. Of one that has more bytes than `limit`, one more than that.
fn read(file: &Path, limit: usize) -> Result<Vec<u8>, String> {
    let failed = |error: Error| format!("{}: {error}", source(file));
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
