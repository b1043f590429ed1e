//! A one-off run of an App: what its task has otherwise than the task definition says.

use super::container::Environment;

/// The overrides of a call of RunTask, of the container of the process and of the task's size.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_TaskOverride.html>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskOverrides {
    /// The words in place of those of the task definition; none: those.
    pub command: Vec<String>,
    /// Beside the variables of the task definition, or in place of those of the same name.
    pub environment: Environment,
    /// CPU units of the container.
    pub cpu: Option<u32>,
    /// MiB of the container.
    pub memory: Option<u32>,
    /// CPU units of the task, where its task definition says them.
    pub task_cpu: Option<u32>,
    /// MiB of the task, likewise.
    pub task_memory: Option<u32>,
}

impl TaskOverrides {
    /// Returns true if anything of the container is another than the task definition says.
    pub fn has_container(&self) -> bool {
        !self.command.is_empty()
            || !self.environment.0.is_empty()
            || self.cpu.is_some()
            || self.memory.is_some()
    }

    /// Returns true if the task's size is another.
    pub fn has_size(&self) -> bool {
        self.task_cpu.is_some() || self.task_memory.is_some()
    }
}

/// The token of an attempt, which both `clientToken` and `startedBy` take: of the Run's own UID, so that no other task of the
/// App, and no other Run of its name, ever has it.
pub fn token(uid: &str, number: u32) -> String {
    format!("run-{uid}-{number}")
}
