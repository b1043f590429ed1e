//! The `procfile` command: prints the App of a Procfile.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::{Ended, Output, print, read};
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
pub(super) fn procfile(arguments: Procfile) -> Ended {
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

/// A name as Apps and Platforms have it.
fn label(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphen_at_an_end = text.starts_with('-') || text.ends_with('-');
    if text.is_empty() || text.len() > 63 || hyphen_at_an_end || !text.chars().all(allowed) {
        return Err("a name has 1 to 63 lower case letters, digits and inner hyphens".into());
    }
    Ok(text.into())
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
