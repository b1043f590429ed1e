//! Tasks that are run once, and the tokens that they are started with. How each goes, a test says beforehand.

use std::collections::VecDeque;

use empire_controller::aws::Result;
use empire_controller::model::name::Arn;
use empire_controller::model::release::{ContainerState, Placing, Started, TaskRequest, TaskState};
use empire_controller::model::run::TaskOverrides;
use empire_controller::model::service::{LaunchType, NetworkMode, TaskDefinition};

use super::super::{State, refuse};
use super::capacity;
use super::check::check_active;

/// Virtual seconds from the call until the program runs, and from there to its end.
const STARTING: u64 = 15;
const RUNNING: u64 = 20;
/// From the call of StopTask to the end.
const STOPPING: u64 = 12;
const HOUR: u64 = 3_600;

/// How a task goes.
#[derive(Clone, Debug)]
pub(crate) enum Fate {
    Exits(i32),
    /// It is never placed: the call says why.
    Refused(&'static str),
    /// Its image cannot be pulled.
    NeverStarts,
    /// It runs for ever.
    Hangs,
    /// Its instance is lost while it runs: no exit code is known.
    Lost,
    /// The same before ECS has heard that it runs.
    LostEarly,
    /// Its capacity goes while it runs, and its program ends with 0 at the signal:
    /// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-capacity-providers.html>.
    Interrupted,
}

#[derive(Clone, Debug, Default)]
pub(in crate::fake_aws) struct Tasks {
    pub(in crate::fake_aws) started: Vec<Task>,
    /// The fates of those to come. Without one, a task succeeds.
    pub(in crate::fake_aws) fates: VecDeque<Fate>,
    /// So long no list shows a new task, nor is it described.
    pub(in crate::fake_aws) lag: u64,
}

#[derive(Clone, Debug)]
pub(in crate::fake_aws) struct Task {
    pub(in crate::fake_aws) arn: Arn,
    pub(in crate::fake_aws) family: String,
    cluster: String,
    request: TaskRequest,
    begun: u64,
    fate: Fate,
    stopped: Option<u64>,
}

impl Task {
    fn starts(&self) -> Option<u64> {
        let starts = match self.fate {
            Fate::NeverStarts | Fate::Refused(_) | Fate::LostEarly => return None,
            Fate::Exits(_) | Fate::Hangs | Fate::Lost | Fate::Interrupted => self.begun + STARTING,
        };
        self.stopped.is_none_or(|at| at >= starts).then_some(starts)
    }

    fn ends(&self) -> Option<u64> {
        let by_hand = self.stopped.map(|at| at + STOPPING);
        self.ends_by_itself().into_iter().chain(by_hand).min()
    }

    fn ends_by_itself(&self) -> Option<u64> {
        match self.fate {
            Fate::NeverStarts | Fate::Refused(_) | Fate::LostEarly => Some(self.begun + STARTING),
            Fate::Exits(_) | Fate::Lost | Fate::Interrupted => Some(self.begun + STARTING + RUNNING),
            Fate::Hangs => None,
        }
    }

    pub(in crate::fake_aws) fn has_ended(&self, now: u64) -> bool {
        self.ends().is_some_and(|ends| ends <= now)
    }

    /// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>: 24 hours, or an hour more than the task
    /// lives, whichever is less.
    fn keeps_token(&self, now: u64) -> bool {
        let lives = self.ends().is_none_or(|ends| now < ends + HOUR);
        lives && now < self.begun + 24 * HOUR
    }

    /// Stopped tasks are shown for an hour.
    fn is_shown(&self, now: u64, lag: u64) -> bool {
        now >= self.begun + lag && self.ends().is_none_or(|ends| now < ends + HOUR)
    }

    pub(in crate::fake_aws) fn state(&self, now: u64) -> TaskState {
        let has_ended = self.has_ended(now);
        let has_started = self.starts().is_some_and(|starts| starts <= now);
        let is_stopped_by_hand = has_ended && self.ends() != self.ends_by_itself();
        let exit_code = match self.fate {
            Fate::Exits(code) if has_ended && !is_stopped_by_hand => Some(code),
            Fate::Exits(_) | Fate::Hangs if is_stopped_by_hand && has_started => Some(143),
            Fate::Interrupted if has_ended && has_started => Some(0),
            Fate::Exits(_)
            | Fate::Hangs
            | Fate::Interrupted
            | Fate::Lost
            | Fate::LostEarly
            | Fate::NeverStarts
            | Fate::Refused(_) => None,
        };
        let (stop_code, reason) = match self.fate {
            _ if !has_ended => (None, None),
            _ if is_stopped_by_hand => (Some("UserInitiated"), Some("Task stopped by a user")),
            Fate::NeverStarts | Fate::Refused(_) => (
                Some("TaskFailedToStart"),
                Some("CannotPullContainerError: not found"),
            ),
            Fate::Lost | Fate::LostEarly => (Some("TerminationNotice"), Some("Host EC2 was terminated.")),
            Fate::Interrupted => (Some("SpotInterruption"), Some("Your Spot Task was interrupted.")),
            Fate::Exits(_) | Fate::Hangs => (
                Some("EssentialContainerExited"),
                Some("Essential container in task exited"),
            ),
        };
        let status = match (has_ended, has_started, self.stopped) {
            (true, _, _) => "STOPPED",
            (false, true, Some(_)) => "STOPPING",
            (false, true, None) => "RUNNING",
            (false, false, _) => "PENDING",
        };
        TaskState {
            arn: self.arn.clone(),
            started_by: Some(self.request.token.clone()),
            status: status.into(),
            has_started,
            containers: vec![ContainerState {
                name: self.request.process.clone(),
                exit_code,
                is_made: has_started || matches!(self.fate, Fate::LostEarly) && has_ended,
            }],
            stop_code: stop_code.map(Into::into),
            reason: reason.map(Into::into),
        }
    }
}

const RUN_TASK: &str = "ecs:RunTask";
const STOP_TASK: &str = "ecs:StopTask";
const LIST_TASKS: &str = "ecs:ListTasks";
const CODE: &str = "InvalidParameterException";

fn check_cluster(state: &State, action: &'static str, cluster: &str) -> Result<()> {
    if state.ecs.clusters.contains(cluster) {
        return Ok(());
    }
    refuse(action, "ClusterNotFoundException", "Cluster not found.")
}

pub(super) fn run(state: &mut State, cluster: &str, request: &TaskRequest) -> Result<Started> {
    check_cluster(state, RUN_TASK, cluster)?;
    let token = &request.token;
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '/' || c == '_';
    if token.is_empty() || token.len() > 64 || !token.chars().all(is_token) {
        return refuse(RUN_TASK, CODE, "Invalid clientToken or startedBy.");
    }
    let now = state.now;
    let mut known = state.ecs.tasks.started.iter();
    let before =
        known.find(|task| task.cluster == cluster && task.request.token == *token && task.keeps_token(now));
    if let Some(before) = before {
        return Ok(if before.request == *request {
            Started::Task(before.state(now))
        } else {
            Started::Before(before.arn.clone())
        });
    }
    let TaskRequest {
        process: _,
        task_definition,
        placing:
            Placing {
                capacity: strategy,
                constraints: _,
                network,
            },
        token: _,
        overrides,
    } = request;
    let Some(found) = state.ecs.definition(task_definition) else {
        return refuse(RUN_TASK, "ClientException", "Unable to describe task definition.");
    };
    let content = &found.content;
    capacity::check_network(RUN_TASK, network.as_ref())?;
    if capacity::check(RUN_TASK, strategy)? != content.launch_type {
        return refuse(RUN_TASK, CODE, "Task definition does not support launch_type.");
    }
    if (content.network_mode == NetworkMode::Awsvpc) != network.is_some() {
        let message = "Network Configuration must be provided for awsvpc, and only for it.";
        return refuse(RUN_TASK, CODE, message);
    }
    check_active(state, RUN_TASK, task_definition)?;
    if let Some(overrides) = overrides {
        check_overrides(content, overrides)?;
    }
    let family = content.family.clone();
    // <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using_awslogs.html>
    let lacks_log_group = state.logs.lacking(content).is_some();
    let mut fate = state.ecs.tasks.fates.pop_front().unwrap_or(Fate::Exits(0));
    if lacks_log_group {
        fate = Fate::NeverStarts;
    }
    if let Fate::Refused(why) = fate {
        return Ok(Started::Nothing(why.into()));
    }
    // Several one-off runs may go at once.
    let other = state
        .ecs
        .tasks
        .going(&family, now)
        .filter(|_| overrides.is_none());
    if let Some(other) = other {
        let violation = format!("{} was started while {} runs", request.token, other.arn);
        state.violations.push(violation);
    }
    let arn = state.arn("ecs", &format!("task/{cluster}"));
    let task = Task {
        arn,
        family,
        cluster: cluster.into(),
        request: request.clone(),
        begun: now,
        fate,
        stopped: None,
    };
    let started = Started::Task(task.state(now));
    state.ecs.tasks.started.push(task);
    Ok(started)
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RunTask.html> has the limit of 8,192 characters; that Fargate
/// takes certain sizes only: <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html#fargate-tasks-size>;
/// and that a container's hard limit is at most the task's: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDefinition.html>.
fn check_overrides(content: &TaskDefinition, overrides: &TaskOverrides) -> Result<()> {
    let TaskOverrides {
        command,
        environment,
        cpu: _,
        memory,
        task_cpu,
        task_memory,
    } = overrides;
    let texts = command
        .iter()
        .chain(environment.0.keys())
        .chain(environment.0.values());
    if texts.map(|text| text.chars().count()).sum::<usize>() > 8_192 {
        return refuse(RUN_TASK, CODE, "Container Overrides length must be at most 8192");
    }
    if environment.0.keys().any(String::is_empty) {
        return refuse(
            RUN_TASK,
            "ClientException",
            "Environment variable names must not be empty.",
        );
    }
    let task = task_memory.or(content.task_memory());
    if let (Some(memory), Some(task)) = (memory, task)
        && *memory > task
    {
        let message =
            "Invalid setting for container. The memory of a container is greater than that of its task.";
        return refuse(RUN_TASK, "ClientException", message);
    }
    if content.launch_type == LaunchType::Fargate && task_cpu.is_some() != task_memory.is_some() {
        return refuse(
            RUN_TASK,
            "ClientException",
            "No Fargate configuration exists for given values.",
        );
    }
    Ok(())
}

pub(super) fn stop(state: &mut State, cluster: &str, arn: &Arn) -> Result<()> {
    check_cluster(state, STOP_TASK, cluster)?;
    let now = state.now;
    let lag = state.ecs.tasks.lag;
    let mut tasks = state.ecs.tasks.started.iter_mut();
    match tasks.find(|task| task.arn == *arn && task.is_shown(now, lag)) {
        Some(task) => {
            if !task.has_ended(now) {
                task.stopped.get_or_insert(now);
            }
            Ok(())
        }
        None => refuse(STOP_TASK, CODE, "The referenced task was not found."),
    }
}

pub(super) fn list(state: &State, cluster: &str, family: &str) -> Result<Vec<Arn>> {
    check_cluster(state, LIST_TASKS, cluster)?;
    let Tasks { started, lag, .. } = &state.ecs.tasks;
    let shown = started
        .iter()
        .filter(|task| task.cluster == cluster && task.family == family && task.is_shown(state.now, *lag));
    Ok(shown.map(|task| task.arn.clone()).collect())
}

pub(super) fn describe(state: &State, cluster: &str, arns: &[Arn]) -> Result<Vec<TaskState>> {
    check_cluster(state, "ecs:DescribeTasks", cluster)?;
    if arns.is_empty() {
        return refuse("ecs:DescribeTasks", CODE, "Tasks cannot be empty.");
    }
    let Tasks { started, lag, .. } = &state.ecs.tasks;
    let shown = started
        .iter()
        .filter(|task| arns.contains(&task.arn) && task.is_shown(state.now, *lag));
    Ok(shown.map(|task| task.state(state.now)).collect())
}

impl Tasks {
    fn going(&self, family: &str, now: u64) -> Option<&Task> {
        let mut started = self.started.iter();
        started.find(|task| task.family == family && task.request.overrides.is_none() && !task.has_ended(now))
    }
}
