//! Command line arguments to what each command needs; those of `run`, each also an environment variable, to a validated
//! [`Config`].

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs apps described as an extended Procfile on Amazon ECS.
#[derive(Debug, Parser)]
#[command(name = "empire-controller", version, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Reconcile Apps until stopped
    Run(Config),
    /// Print the custom resource definitions, and the policy that protects them
    Crds,
    /// Translate a Procfile, standard or extended, into an App
    ///
    /// What cannot be carried over is an error that names line, process and key; then nothing is written to standard
    /// output, and the exit status is 1. What would not do here what it did elsewhere is a warning on standard error.
    Procfile(Procfile),
    /// Print what would change in AWS for an App, and change nothing
    Plan(Plan),
}

impl Arguments {
    /// Parses the arguments of the process; or returns the status with which it ends, once the error is printed.
    pub fn of_process() -> Result<Self, u8> {
        Self::of(std::env::args_os()).map_err(|(error, status)| {
            // Whoever closed standard error does not want to know.
            let _ = error.print();
            status
        })
    }

    /// Wrong usage ends with status 2 everywhere but in `plan`, where that stands for changes.
    fn of(words: impl Iterator<Item = OsString>) -> Result<Self, (clap::Error, u8)> {
        let words: Vec<OsString> = words.collect();
        Self::try_parse_from(&words).map_err(|error| {
            let is_plan = words.get(1).is_some_and(|command| command == "plan");
            let status = match error.exit_code() {
                0 => 0,
                _ if is_plan => 1,
                _ => 2,
            };
            (error, status)
        })
    }
}

/// Exit status: 0 for nothing to do, 2 for changes, 1 for errors, and where nothing can be done about what is in the way.
///
/// Nothing is written, neither to AWS nor to the cluster.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// The App as the cluster has it; or which of the Apps in the file
    #[arg(value_name = "NAME", required_unless_present = "filename")]
    pub name: Option<String>,

    /// A manifest with the App as it is to be, or `-` for standard input
    #[arg(short, long, value_name = "FILE")]
    pub filename: Option<PathBuf>,

    /// The App's namespace [default: the manifest's, else that of the current context]
    #[arg(short, long)]
    pub namespace: Option<String>,

    /// The context of the kubeconfig file to use
    #[arg(long)]
    pub context: Option<String>,

    /// Format of the plan
    #[arg(short, long, value_enum, default_value_t = Output::Text)]
    pub output: Output,

    /// Plan as if the App were deleted
    #[arg(long)]
    pub delete: bool,

    /// Owner of what the installation makes in AWS [default: what the controller has recorded]
    #[arg(long, env = "EMPIRE_OWNER_ID", value_parser = owner_id)]
    pub owner_id: Option<String>,

    /// The namespace in which the controller has recorded it
    #[arg(long, env = "POD_NAMESPACE", default_value = "empire-system")]
    pub controller_namespace: String,

    /// Time for which the controller lets a replaced load balancer go on serving
    #[arg(long, env = "EMPIRE_RETIRE_AFTER", default_value = "5m", value_parser = duration)]
    pub retire_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

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
}

#[derive(Clone, Debug, Args)]
pub struct Config {
    /// Owner of what this installation makes in AWS [default: the UID of the namespace kube-system]
    #[arg(long, env = "EMPIRE_OWNER_ID", value_parser = owner_id)]
    pub owner_id: Option<String>,

    /// The recorded owner id, where another is to take its place; what it owns in AWS stays there
    #[arg(long, env = "EMPIRE_REPLACE_OWNER_ID", value_parser = owner_id)]
    pub replace_owner_id: Option<String>,

    /// Interval at which a settled App is compared with AWS as a whole, jittered
    #[arg(long, env = "EMPIRE_RESYNC_INTERVAL", default_value = "10m", value_parser = interval)]
    pub resync_interval: Duration,

    /// Time for which a replaced load balancer goes on serving after its names have moved; at least twice their TTL
    #[arg(long, env = "EMPIRE_RETIRE_AFTER", default_value = "5m", value_parser = duration)]
    pub retire_after: Duration,

    /// Number of Apps that are reconciled at a time
    #[arg(long, env = "EMPIRE_CONCURRENCY", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub concurrency: u16,

    /// Time after which a pass over an App or a Platform begins no further call to AWS, and is Unavailable
    #[arg(long, env = "EMPIRE_PASS_DEADLINE", default_value = "10m", value_parser = interval)]
    pub pass_deadline: Duration,

    /// Format of the logs
    #[arg(long, env = "EMPIRE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,

    /// Where /healthz, /readyz and /queue are served; `[::]` is all addresses of both IP families
    #[arg(long, env = "EMPIRE_HEALTH_ADDRESS", default_value = "[::]:8080")]
    pub health_address: SocketAddr,

    /// The namespace in which the controller keeps its own ConfigMap
    #[arg(long, env = "POD_NAMESPACE", default_value = "empire-system")]
    pub namespace: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is no duration such as 30s, 10m or 1h30m"))?;
    Duration::try_from(parsed).map_err(|_| format!("`{text}` is negative"))
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < Duration::from_secs(1) {
        return Err(format!("`{text}` is less than a second"));
    }
    Ok(interval)
}

/// It becomes a tag's value: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>.
fn owner_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(allowed) {
        return Err("an owner id has 1 to 64 letters, digits, dots, hyphens and underscores".into());
    }
    Ok(text.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    fn run(arguments: &[&str]) -> Result<Config, clap::Error> {
        let arguments = Arguments::try_parse_from(["empire-controller", "run"].iter().chain(arguments))?;
        match arguments.command {
            Command::Run(config) => Ok(config),
            Command::Crds | Command::Procfile(_) | Command::Plan(_) => unreachable!("`run` was parsed"),
        }
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let config = run(&["--resync-interval", "90s", "--retire-after", "0s"]).unwrap();
        assert_eq!(config.resync_interval, Duration::from_secs(90));
        assert_eq!(config.retire_after, Duration::ZERO);
        assert_eq!(run(&[]).unwrap().resync_interval, Duration::from_mins(10));
    }

    #[test]
    fn what_is_unknown_or_malformed_ends_with_status_2() {
        for arguments in [
            &["--resync-interval", "soon"][..],
            &["--resync-interval", "0s"],
            &["--retire-after", "-1m"],
            &["--owner-id", ""],
            &["--owner-id", "two words"],
            &["--replace-owner-id", ""],
            &["--log-format", "xml"],
            &["--concurrency", "0"],
            &["--health-address", "here"],
            &["--colour"],
        ] {
            assert_eq!(run(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }

    #[test]
    fn a_procfile_needs_what_it_does_not_say_itself() {
        let parse = |arguments: &str| {
            let words = ["empire-controller", "procfile"].into_iter();
            Arguments::try_parse_from(words.chain(arguments.split(' ')))
        };
        assert!(parse("- --name acme --image a").is_ok());
        assert!(parse("Procfile --name acme --image a --platform staging").is_ok());
        for arguments in [
            "--name acme --image a",
            "- --name acme",
            "- --image a",
            "- --name Acme --image a",
            "- --name acme.shop --image a",
            "- --name -acme --image a",
            "- --name acme --image ",
            "- --name acme --image a --platform Staging",
            "- b --name acme --image a",
        ] {
            assert_eq!(parse(arguments).unwrap_err().exit_code(), 2, "{arguments}");
        }
    }

    #[test]
    fn a_plan_is_of_a_file_or_of_a_live_app() {
        let parse = |arguments: &str| {
            let words = format!("empire-controller plan {arguments}");
            Arguments::of(words.split_whitespace().map(Into::into))
        };
        for arguments in [
            "-f app.yaml",
            "--filename - --namespace shop",
            "acme",
            "acme -n shop -o json",
            "acme -f apps.yaml --delete --context test",
        ] {
            assert!(parse(arguments).is_ok(), "{arguments}");
        }
        for arguments in [
            "",
            "-f",
            "acme worker",
            "acme -o yaml",
            "acme --retire-after soon",
        ] {
            assert_eq!(parse(arguments).unwrap_err().1, 1, "{arguments}");
        }
        assert_eq!(parse("--help").unwrap_err().1, 0);
    }

    #[test]
    fn wrong_usage_of_any_other_command_ends_with_status_2() {
        for arguments in ["", "plane", "run --colour", "procfile", "crds plan"] {
            let words = format!("empire-controller {arguments}");
            let words = words.split_whitespace().map(Into::into);
            assert_eq!(Arguments::of(words).unwrap_err().1, 2, "{arguments}");
        }
    }
}
