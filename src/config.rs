//! The flags of `run`, each also an environment variable, to a validated [`Config`].

use std::net::SocketAddr;
use std::time::Duration;

use crate::budget::Shares;
use clap::{Args, ValueEnum};

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

    /// Share of AWS's documented request rates up to which AWS is called; the rest is for others in the account
    #[arg(long, env = "EMPIRE_AWS_RATE", default_value_t = Shares::all(1.0))]
    pub aws_rate: Shares,

    /// Format of the logs
    #[arg(long, env = "EMPIRE_LOG_FORMAT", value_enum, default_value_t = LogFormat::Human)]
    pub log_format: LogFormat,

    /// Where /healthz, /readyz, /queue and /metrics are served; `[::]` is all addresses of both IP families
    #[arg(long, env = "EMPIRE_HEALTH_ADDRESS", default_value = "[::]:8080")]
    pub health_address: SocketAddr,

    /// Show series of each App at /metrics as well, by its namespace and name: as many as there are Apps
    #[arg(long, env = "EMPIRE_METRICS_PER_APP")]
    pub metrics_per_app: bool,

    /// Send traces to the OpenTelemetry collector with this base URL, as OTLP over HTTP [default: none are made]
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_parser = collector)]
    pub otlp_endpoint: Option<String>,

    /// The namespace in which the controller keeps its own ConfigMap and its Leases
    #[arg(long, env = "POD_NAMESPACE", default_value = "empire-system", value_parser = label)]
    pub namespace: String,

    /// The name of this replica in the Leases that it holds [default: the host's]
    #[arg(long, env = "POD_NAME")]
    pub identity: Option<String>,

    /// Time for which a replica that does not renew its Leases still leads; another takes over a fifteenth later
    #[arg(long, env = "EMPIRE_LEASE_DURATION", default_value = "12s", value_parser = interval)]
    pub lease_duration: Duration,

    /// Time for which the holders of the Leases must have been the same before a replica that leads less asks for one; 0s: never
    #[arg(long, env = "EMPIRE_REBALANCE_AFTER", default_value = "5m", value_parser = duration)]
    pub rebalance_after: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

/// Reads a duration as people write it: `30s`, `10m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let parsed: jiff::SignedDuration = text
        .parse()
        .map_err(|_| format!("`{text}` is no duration such as 30s, 10m or 1h30m"))?;
    Duration::try_from(parsed).map_err(|_| format!("`{text}` is negative"))
}

/// Reads the base of a collector's URL, which paths are added to. It is logged, so a password may not be in it:
/// `OTEL_EXPORTER_OTLP_HEADERS` is for that. Empty is none, as OpenTelemetry's specification has it.
fn collector(text: &str) -> Result<String, String> {
    let is_base = |url: &http::Uri| {
        let authority = url.authority().map_or("", |authority| authority.as_str());
        let is_named = !authority.is_empty() && !authority.contains('@');
        matches!(url.scheme_str(), Some("http" | "https")) && is_named && url.query().is_none()
    };
    if text.is_empty() || text.parse().is_ok_and(|url| is_base(&url)) {
        return Ok(text.into());
    }
    Err("not the base of a URL, without a user or a query, such as http://collector.example.com:4318".into())
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < Duration::from_secs(1) {
        return Err(format!("`{text}` is less than a second"));
    }
    Ok(interval)
}

/// Reads a name as Apps, Platforms and namespaces have it.
pub(crate) fn label(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let hyphen_at_an_end = text.starts_with('-') || text.ends_with('-');
    if text.is_empty() || text.len() > 63 || hyphen_at_an_end || !text.chars().all(allowed) {
        return Err("a name has 1 to 63 lower case letters, digits and inner hyphens".into());
    }
    Ok(text.into())
}

/// It becomes a tag's value: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-using-tags.html>.
pub(crate) fn owner_id(text: &str) -> Result<String, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(allowed) {
        return Err("an owner id has 1 to 64 letters, digits, dots, hyphens and underscores".into());
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Run {
        #[command(flatten)]
        config: Config,
    }

    fn run(arguments: &[&str]) -> Result<Config, clap::Error> {
        let words = ["run"].iter().chain(arguments);
        Ok(Run::try_parse_from(words)?.config)
    }

    #[test]
    fn durations_read_as_people_write_them() {
        let config = run(&["--resync-interval", "90s", "--retire-after", "0s"]).unwrap();
        assert_eq!(config.resync_interval, Duration::from_secs(90));
        assert_eq!(config.retire_after, Duration::ZERO);
        assert_eq!(run(&[]).unwrap().resync_interval, Duration::from_mins(10));
    }

    #[test]
    fn a_collector_is_the_base_of_a_url_or_none() {
        for endpoint in [
            "",
            "http://collector.example.com:4318",
            "https://[::1]:4318/otlp/",
        ] {
            let config = run(&["--otlp-endpoint", endpoint]).unwrap();
            assert_eq!(config.otlp_endpoint.as_deref(), Some(endpoint));
        }
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
            &["--aws-rate", "0"],
            &["--aws-rate", "half"],
            &["--aws-rate", "ecs=1"],
            &["--health-address", "here"],
            &["--otlp-endpoint", "collector:4318"],
            &["--otlp-endpoint", "grpc://collector.example.com:4317"],
            &["--otlp-endpoint", "http://user:word@collector.example.com:4318"],
            &["--namespace", ""],
            &["--colour"],
        ] {
            assert_eq!(run(arguments).unwrap_err().exit_code(), 2, "{arguments:?}");
        }
    }
}
