//! The release phase of an App: a task that runs once for each new content, before any service is given it.
//!
//! No name tells one task from another, so that what is to be started is written down before it is: see [`Attempt`].

use data_encoding::{BASE32_DNSSEC, HEXLOWER};
use sha2::{Digest, Sha256};

use super::name::Arn;
use super::run::TaskOverrides;
use super::service::{Capacity, PlacementConstraint, TaskNetwork};

/// The release phase as the manifest wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// Tells this App from every other one, also from one of its name that was there before.
    pub whom: String,
    /// The process whose task definition the task is of.
    pub process: String,
    /// The generation of the App.
    pub generation: i64,
    /// The digest of what the App says that it runs. Neither the Platform nor a release of the controller is in it.
    pub digest: String,
    /// The value of the redeploy annotation.
    pub redeploy: Option<String>,
    /// Somebody has seen to it that this content counts as released.
    pub is_released: bool,
    /// Seconds, from the first attempt on, after which the phase has failed.
    pub timeout: u32,
    pub placing: Placing,
}

/// Where a task is to run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placing {
    pub capacity: Capacity,
    pub constraints: Vec<PlacementConstraint>,
    /// awsvpc only.
    pub network: Option<TaskNetwork>,
}

/// The memory of an App's release phase between two passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseMemory {
    /// The digest of the content that the last task succeeded for: it is never run again for it.
    pub succeeded: Option<String>,
    /// The last attempt.
    pub attempt: Option<Attempt>,
}

/// One call of RunTask. It is in the App's status, with all that is sent, before the call is made: ECS forgets the token of a
/// call within the hour in which its task has ended, and the task itself an hour after that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// From 1, for the same content and redeploy.
    pub number: u32,
    pub digest: String,
    pub redeploy: Option<String>,
    /// Seconds.
    pub timeout: u32,
    /// When the first attempt was recorded, in seconds since 1970. `None`: this pass is to record it.
    pub since: Option<i64>,
    /// The same of this one.
    pub recorded: Option<i64>,
    pub request: TaskRequest,
    pub task: Option<Arn>,
    pub phase: Phase,
    /// The last refusal of the call, while it is to be made.
    pub refusal: Option<String>,
}

/// All of a call that differs from one to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRequest {
    pub process: String,
    pub task_definition: Arn,
    pub placing: Placing,
    /// The client token and `startedBy`: one task at the most has it.
    pub token: String,
    /// Of a one-off run only.
    pub overrides: Option<Box<TaskOverrides>>,
}

/// The state of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The call is to be made, was made, or its task has not ended.
    Open,
    /// The call is not made any more. It may have been, a moment before that was recorded.
    Abandoned,
    /// It ran longer than it may, and is stopped.
    Stopping,
    Succeeded,
    Failed(Failure),
    /// Nobody saw its end.
    Unknown,
}

/// The end of a task that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// It took too long.
    pub is_late: bool,
    pub exit_code: Option<i32>,
    /// ECS's own text, or ours.
    pub reason: String,
}

/// A task, as ECS reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskState {
    pub arn: Arn,
    /// The token that it was started with.
    pub started_by: Option<String>,
    /// As ECS spells it, such as `PENDING`.
    pub status: String,
    /// True once it ran.
    pub has_started: bool,
    pub containers: Vec<ContainerState>,
    /// Why ECS stopped it, as ECS spells it.
    pub stop_code: Option<String>,
    /// ECS's message on that, and on its containers.
    pub reason: Option<String>,
}

/// A container of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    pub name: String,
    pub exit_code: Option<i32>,
    /// True once the container runtime has made it.
    pub is_made: bool,
}

/// What a call of RunTask came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Started {
    Task(TaskState),
    /// Another call with this token, with other parameters, has started this one.
    Before(Arn),
    /// Nothing was started, for this reason.
    Nothing(String),
}

/// What is known of the task of the attempt that is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sight {
    /// It was not looked for.
    #[default]
    Unseen,
    Seen(TaskState),
    /// ECS knows of none.
    Missing,
    /// The call was made, and ECS said why it started nothing.
    Refused(String),
}

/// The release phase as it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleaseState {
    /// From the App's status; `None` where it has no status, or one that was lost.
    pub memory: Option<Box<ReleaseMemory>>,
    pub sight: Sight,
    /// The time of the open attempt is over.
    pub is_overdue: bool,
    /// Of the open attempt.
    pub age: Age,
    /// The last answer to the call was no, and a clear one.
    pub is_refused: bool,
}

/// How long ago an attempt was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Age {
    /// A list may not show its task yet.
    #[default]
    New,
    Listed,
    /// It is time to record it anew, if nothing came of it.
    Aging,
    /// ECS may have forgotten it, or is about to.
    Old,
}

/// ECS keeps a token for 24 hours, but no longer than for an hour after its task has ended:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>; and a task for an hour after its end:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>. Ten minutes are left for what
/// clocks differ by, and for a call that takes long.
const REMEMBERED: i64 = 50 * 60;

const AGING: i64 = REMEMBERED / 2;
/// Lists of ECS are eventually consistent, by seconds.
const LISTED: i64 = 60;

impl Attempt {
    /// True if it may have a task that has not ended.
    pub fn is_open(&self) -> bool {
        match self.phase {
            Phase::Open | Phase::Abandoned | Phase::Stopping => true,
            Phase::Succeeded | Phase::Failed(_) | Phase::Unknown => false,
        }
    }

    /// True if it is for the same content, and nobody has asked for another since.
    pub fn is_for(&self, wanted: &Release) -> bool {
        let is_asked = wanted.redeploy.is_some() && wanted.redeploy != self.redeploy;
        self.digest == wanted.digest && !is_asked
    }
}

impl ReleaseState {
    /// Returns what a status remembers, before anything is read.
    pub fn of(memory: Option<Box<ReleaseMemory>>) -> Self {
        ReleaseState {
            memory,
            ..ReleaseState::default()
        }
    }

    /// Returns the attempt that is open.
    pub fn open(&self) -> Option<&Attempt> {
        let attempt = self.memory.as_ref()?.attempt.as_ref()?;
        attempt.is_open().then_some(attempt)
    }

    /// Notes which waits are over; `now` in seconds since 1970.
    pub fn note_time(&mut self, wanted: Option<&Release>, now: i64) {
        let attempt = self.open();
        let age = attempt.and_then(|open| Some(now - open.recorded?)).unwrap_or(0);
        let deadline = attempt.and_then(|open| {
            // An edit gives one that is under way another deadline.
            let edited = wanted.filter(|wanted| open.is_for(wanted));
            let timeout = edited.map_or(open.timeout, |wanted| wanted.timeout);
            Some(open.since? + i64::from(timeout))
        });
        self.is_overdue = deadline.is_some_and(|deadline| deadline <= now);
        self.age = match age {
            REMEMBERED.. => Age::Old,
            AGING..REMEMBERED => Age::Aging,
            LISTED..AGING => Age::Listed,
            _ => Age::New,
        };
    }
}

impl TaskState {
    pub fn is_stopped(&self) -> bool {
        self.status == "STOPPED"
    }

    fn container(&self, name: &str) -> Option<&ContainerState> {
        self.containers.iter().find(|container| container.name == name)
    }

    /// Returns the exit code of one of its containers.
    pub fn exit_code(&self, container: &str) -> Option<i32> {
        self.container(container)?.exit_code
    }

    /// True if ECS says that it failed to start, and nothing shows that the program ran. A task whose other containers wait for it
    /// has no time of start while the program runs, and one whose instance is lost then has no exit code either.
    pub fn never_started(&self, container: &str) -> bool {
        let found = self.container(container);
        let has_run = found.is_some_and(|found| found.is_made || found.exit_code.is_some());
        self.stop_code.as_deref() == Some("TaskFailedToStart") && !self.has_started && !has_run
    }

    /// True if somebody stopped it, and it did not end by itself before.
    pub fn is_stopped_by_hand(&self) -> bool {
        self.stop_code.as_deref() == Some("UserInitiated")
    }

    /// True if it was stopped before its program had ended: by somebody, or since its capacity went. The program gets a signal then,
    /// and its exit code says what it made of that. The codes are those of
    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Task.html>.
    pub fn is_interrupted(&self) -> bool {
        let code = self.stop_code.as_deref().unwrap_or_default();
        let codes = [
            "UserInitiated",
            "SpotInterruption",
            "TerminationNotice",
            "ServiceSchedulerInitiated",
        ];
        codes.contains(&code)
    }
}

/// Returns the digest of a content: 80 bits of SHA-256.
pub fn digest(content: &str) -> String {
    BASE32_DNSSEC.encode(&Sha256::digest(content)[..10])
}

impl Release {
    /// Returns the token of an attempt, 64 characters that both `clientToken` and `startedBy` take. It can be made again where the
    /// status is lost. The generation tells content from the same content before another one.
    pub fn token(&self, number: u32) -> String {
        let Release {
            whom,
            process: _,
            generation,
            digest,
            redeploy,
            is_released: _,
            timeout: _,
            placing: _,
        } = self;
        let redeploy = redeploy.as_deref().unwrap_or_default();
        let (generation, number) = (generation.to_string(), number.to_string());
        let mut sha = Sha256::new();
        for part in [whom, &generation, digest, redeploy, &number] {
            sha.update(format!("{}:{part}", part.len()));
        }
        HEXLOWER.encode(&sha.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::service::LaunchType;

    #[test]
    fn a_token_is_another_for_each_part_of_it() {
        let release = Release {
            whom: "uid".into(),
            process: "migrate".into(),
            generation: 1,
            digest: "digest".into(),
            redeploy: None,
            is_released: false,
            timeout: 60,
            placing: Placing {
                capacity: Capacity::LaunchType(LaunchType::Fargate),
                constraints: Vec::new(),
                network: None,
            },
        };
        let edited = |edit: fn(&mut Release)| {
            let mut edited = release.clone();
            edit(&mut edited);
            edited.token(1)
        };
        let one = release.token(1);
        assert_eq!(one.len(), 64);
        assert_eq!(one, edited(|release| release.timeout = 70));
        let others = [
            release.token(2),
            edited(|release| release.whom = "uid2".into()),
            edited(|release| release.generation = 2),
            edited(|release| release.digest = "digest2".into()),
            edited(|release| release.redeploy = Some("1".into())),
            edited(|release| (release.whom, release.digest) = ("ui".into(), "ddigest".into())),
        ];
        for (n, other) in others.iter().enumerate() {
            assert_ne!(*other, one, "{n}");
            assert!(!others[..n].contains(other), "{n}");
        }
    }
}
