//! The place where the log of a task is.

use std::fmt;

use super::container::Logging;
use super::name::{Arn, last_segment};
use super::small_map::SmallMap;

/// The driver that logs to CloudWatch Logs.
pub const DRIVER: &str = "awslogs";
/// Its option that names the log group.
pub const GROUP: &str = "awslogs-group";
/// Its option that says in which region that is.
pub const REGION: &str = "awslogs-region";
/// Its option that says how the names of streams begin.
pub const PREFIX: &str = "awslogs-stream-prefix";

/// By what the task definition says:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub driver: String,
    /// In CloudWatch Logs, where the driver sends it there.
    pub group: Option<String>,
    /// The AWS region of the group.
    pub region: Option<String>,
    /// The part of the stream's name that the task definition says.
    pub prefix: Option<String>,
    /// Once the task is known.
    pub stream: Option<String>,
    /// The id of the task.
    pub task: String,
}

impl Log {
    /// Returns the place of the log of a process's own container.
    pub fn of(logging: &Logging, process: &str, task: Option<&Arn>) -> Self {
        let id = task.map(|task| last_segment(&task.0));
        let group = logging.group();
        let option = |name: &str| logging.options.get(name).filter(|_| group.is_some());
        let prefix = option(PREFIX).cloned();
        let stream = prefix.as_ref().zip(id);
        Log {
            driver: logging.driver.clone(),
            stream: stream.map(|(prefix, id)| format!("{prefix}/{process}/{id}")),
            region: option(REGION).cloned(),
            group: group.cloned(),
            prefix,
            task: id.unwrap_or_default().into(),
        }
    }

    /// Returns as much of what a task definition says as a place tells.
    pub fn logging(&self) -> Logging {
        let options = [
            (GROUP, &self.group),
            (REGION, &self.region),
            (PREFIX, &self.prefix),
        ];
        let options = options
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        Logging {
            driver: self.driver.clone(),
            options: options.collect(),
            secret_options: SmallMap::new(),
        }
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.group, &self.stream) {
            (Some(group), Some(stream)) => write!(f, "group {group}, stream {stream}"),
            (Some(group), None) => write!(f, "group {group}"),
            (None, _) => write!(f, "where {} sends it, task {}", self.driver, self.task),
        }
    }
}

impl Logging {
    /// Returns the log group in CloudWatch Logs, where the driver sends it there.
    pub fn group(&self) -> Option<&String> {
        self.options.get(GROUP).filter(|_| self.driver == DRIVER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logging(driver: &str, options: &[(&str, &str)]) -> Logging {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Logging {
            driver: driver.into(),
            options: options.iter().map(own).collect(),
            secret_options: SmallMap::new(),
        }
    }

    #[test]
    fn a_stream_is_named_by_prefix_container_and_task() {
        let options = [(GROUP, "/g"), (REGION, "us-east-1"), (PREFIX, "all")];
        let given = logging(DRIVER, &options);
        let task = Arn("arn:aws:ecs:us-east-1:123456789012:task/staging/0123".into());
        let log = Log::of(&given, "web", Some(&task));
        assert_eq!(log.stream.as_deref(), Some("all/web/0123"));
        assert_eq!(log.to_string(), "group /g, stream all/web/0123");
        assert_eq!(log.logging(), given);
        assert_eq!(Log::of(&given, "web", None).to_string(), "group /g");
    }

    /// A driver of another kind has options that are none of a log group.
    #[test]
    fn another_driver_has_no_group() {
        let log = Log::of(&logging("splunk", &[(GROUP, "/g"), (PREFIX, "all")]), "web", None);
        assert_eq!((log.group, log.region, log.prefix), (None, None, None));
    }
}
