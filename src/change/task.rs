//! The task of the release phase. Its request is recorded before it is sent, and so no part of the write: what was refused is
//! the same write again with another request, until another attempt is recorded.

use std::fmt;

use super::Reply;
use crate::model::release::{Phase, Sight, Started};
use crate::model::state::Observed;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TaskWrite {
    /// Starts the task of the attempt that is recorded.
    Run {
        family: String,
        /// The number of the attempt: what was refused of one is no matter of the next.
        attempt: u32,
    },
    /// Stops it.
    Stop { family: String },
}

impl TaskWrite {
    pub(super) fn operation(&self) -> &'static str {
        match self {
            TaskWrite::Run { .. } => "ecs:RunTask",
            TaskWrite::Stop { .. } => "ecs:StopTask",
        }
    }

    pub(super) fn resource(&self) -> String {
        let (TaskWrite::Run { family, .. } | TaskWrite::Stop { family }) = self;
        family.clone()
    }

    pub(super) fn fold(&self, observed: &mut Observed, reply: Reply) {
        let release = &mut observed.release;
        let attempt = release.memory.as_mut().and_then(|memory| memory.attempt.as_mut());
        let Some(attempt) = attempt else {
            return;
        };
        match (self, reply) {
            (TaskWrite::Run { .. }, Reply::Started(Started::Task(task))) => {
                attempt.task = Some(task.arn.clone());
                release.sight = Sight::Seen(task);
            }
            (TaskWrite::Run { .. }, Reply::Started(Started::Before(task))) => {
                attempt.task = Some(task);
                release.sight = Sight::Unseen;
            }
            (TaskWrite::Run { .. }, Reply::Started(Started::Nothing(why))) => {
                release.sight = Sight::Refused(why);
            }
            (TaskWrite::Stop { .. }, _) => attempt.phase = Phase::Stopping,
            (TaskWrite::Run { .. }, _) => {}
        }
    }
}

impl fmt::Display for TaskWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TaskWrite::Run { family, .. } => write!(f, "run a task of {family}, once for this content"),
            TaskWrite::Stop { family } => write!(f, "stop the task of {family}"),
        }
    }
}
