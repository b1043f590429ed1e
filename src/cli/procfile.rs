//! The `procfile` command: prints the App of a Procfile.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Ended, Output, print, read, source};
use crate::config::label;
use crate::procfile::{self, Identity, Translated};

#[derive(Clone, Debug, Args)]
pub struct Procfile {
    /// The Procfile, or `-` for standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,

    /// The App's name
    #[arg(long, value_parser = label)]
    pub name: String,

    /// The container image that every process runs
    #[arg(long, value_parser = image)]
    pub image: String,

    /// The Platform to run on [default: none, which is the default one]
    #[arg(long, value_parser = label)]
    pub platform: Option<String>,

    /// Have sh -c '…' run each command that only a shell would understand
    #[arg(long)]
    pub shell: bool,

    /// Format of the App; text is YAML
    #[arg(short, long, value_enum, default_value = "text")]
    pub output: Output,
}

/// Prints the App of a Procfile, and warns of what is other here than elsewhere; or says of everything why it cannot be one.
/// `namespace` is that of the App, if it is to have one.
pub(super) fn procfile(arguments: Procfile, namespace: Option<String>) -> Ended {
    let source = source(&arguments.file);
    let text = read(&arguments.file, procfile::LIMIT)?;
    let identity = Identity {
        name: arguments.name,
        image: arguments.image,
        platform: arguments.platform,
    };
    match procfile::translate_with(&text, &identity, arguments.shell) {
        Ok(Translated { mut app, warnings }) => {
            app.metadata.namespace = namespace;
            for warning in &warnings {
                eprintln!("{source}: warning: {warning}");
            }
            let text = match arguments.output {
                Output::Text => procfile::to_yaml(&app)?,
                Output::Json => serde_json::to_string_pretty(&app)? + "\n",
            };
            print(text.as_bytes())?;
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

fn image(text: &str) -> Result<String, String> {
    if text.is_empty()
        || text.chars().count() > 255
        || text.contains(|c: char| c.is_whitespace() || c.is_control())
    {
        return Err(
            "an image, such as registry.example.com/acme:v42, has 1 to 255 characters without spaces".into(),
        );
    }
    Ok(text.into())
}
