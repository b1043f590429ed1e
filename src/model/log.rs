//! The place where the log of a task is.

use std::fmt;

use super::container::Logging;
use super::name::Arn;
use super::small_map::SmallMap;

const GROUP: &str = "awslogs-group";
const PREFIX: &str = "awslogs-stream-prefix";

/// By what the task definition says:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    pub driver: String,
    /// In CloudWatch Logs, where the driver sends it there.
    pub group: Option<String>,
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
        let Logging { driver, options, .. } = logging;
        let id = task.and_then(|task| task.0.rsplit('/').next());
        let group = options.get(GROUP).cloned();
        let prefix = options.get(PREFIX).filter(|_| group.is_some()).cloned();
        let stream = prefix.as_ref().zip(id);
        Log {
            driver: driver.clone(),
            stream: stream.map(|(prefix, id)| format!("{prefix}/{process}/{id}")),
            group,
            prefix,
            task: id.unwrap_or_default().into(),
        }
    }

    /// Returns as much of what a task definition says as a place tells.
    pub fn logging(&self) -> Logging {
        let options = [(GROUP, &self.group), (PREFIX, &self.prefix)];
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
