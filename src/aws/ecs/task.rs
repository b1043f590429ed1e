//! Tasks that are run once, between the model and the SDK.

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::SdkError;
use aws_sdk_ecs::operation::run_task::{RunTaskError, RunTaskOutput};
use aws_sdk_ecs::types as sdk;

use super::{DESCRIBE_TASKS, LIST_PAGE, LIST_TASKS, RUN_TASK, STOP_TASK, service};
use crate::aws::Result;
use crate::aws::answer::Answering;
use crate::aws::clients::AwsClients;
use crate::aws::wire::{every_page, to_i32, unless_absent, unless_empty};
use crate::model::name::Arn;
use crate::model::release::{ContainerState, Placing, Started, TaskRequest, TaskState};
use crate::model::run::TaskOverrides;
use crate::model::service::Capacity;

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DescribeTasks.html>
const BATCH: usize = 100;

/// By family, since `startedBy` goes with no other filter, and a list without one shows no stopped tasks:
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ListTasks.html>.
pub(super) async fn list(aws: &AwsClients, cluster: &str, family: &str) -> Result<Vec<Arn>> {
    let mut all = Vec::new();
    for status in [sdk::DesiredStatus::Running, sdk::DesiredStatus::Stopped] {
        let list = aws.ecs.list_tasks().cluster(cluster).family(family);
        let list = list.desired_status(status).max_results(LIST_PAGE);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(LIST_TASKS)
        };
        let found = every_page(LIST_TASKS, ask, |page| (page.task_arns, page.next_token)).await?;
        all.extend(found.into_iter().map(Arn));
    }
    Ok(all)
}

pub(super) async fn describe(aws: &AwsClients, cluster: &str, tasks: &[Arn]) -> Result<Vec<TaskState>> {
    let mut all = Vec::new();
    for batch in tasks.chunks(BATCH) {
        let arns = batch.iter().map(|arn| arn.0.clone());
        let reply = aws
            .ecs
            .describe_tasks()
            .cluster(cluster)
            .set_tasks(Some(arns.collect()))
            .send()
            .answering(DESCRIBE_TASKS)
            .await?;
        let failures = reply.failures();
        if let Some(failure) = failures
            .iter()
            .find(|failure| failure.reason() != Some("MISSING"))
        {
            let message = failure.detail().or(failure.arn()).unwrap_or_default();
            return Err(DESCRIBE_TASKS.reported(failure.reason().unwrap_or_default(), message));
        }
        all.extend(reply.tasks().iter().filter_map(read));
    }
    Ok(all)
}

pub(super) async fn run(aws: &AwsClients, cluster: &str, request: &TaskRequest) -> Result<Started> {
    let TaskRequest {
        process,
        task_definition,
        placing: Placing {
            capacity,
            constraints,
            network,
        },
        token,
        overrides,
    } = request;
    let (launch_type, providers) = match capacity {
        Capacity::LaunchType(launch_type) => (Some(service::launch_type(*launch_type)), None),
        Capacity::Providers(all) => (None, Some(service::capacity_providers(RUN_TASK, all)?)),
    };
    let constraints = constraints.iter().map(service::placement_constraint);
    let call = aws
        .ecs
        .run_task()
        .cluster(cluster)
        .task_definition(&task_definition.0)
        .count(1)
        .set_launch_type(launch_type)
        .set_capacity_provider_strategy(providers)
        .set_placement_constraints(unless_empty(constraints))
        .set_network_configuration(service::network_configuration(RUN_TASK, network.as_ref())?)
        .propagate_tags(sdk::PropagateTags::TaskDefinition)
        .enable_ecs_managed_tags(false)
        .set_overrides(overrides.as_ref().and_then(|all| task_override(process, all)))
        .client_token(token)
        .started_by(token);
    // Such a conflict is an answer like any other.
    let reply = async {
        match call.send().await {
            Err(error) => match started_before(&error) {
                Some(task) => Ok(RunTaskOutput::builder().tasks(task).build()),
                None => Err(error),
            },
            Ok(reply) => Ok(reply),
        }
    };
    let reply = reply.answering(RUN_TASK).await?;
    let Some(task) = reply.tasks().first() else {
        let failure = reply.failures().first();
        let part = |part: Option<&str>| part.unwrap_or_default().to_owned();
        let why = failure.map(|failure| [part(failure.reason()), part(failure.detail())]);
        let why = why.map(|parts| parts.join(" ").trim().to_owned());
        return Ok(Started::Nothing(
            why.unwrap_or_else(|| "ECS does not say why".into()),
        ));
    };
    match read(task) {
        Some(task) if task.status.is_empty() => Ok(Started::Before(task.arn)),
        Some(task) => Ok(Started::Task(task)),
        None => Err(RUN_TASK.bug("a task without an ARN in the reply")),
    }
}

/// `None` if all is as the task definition says.
fn task_override(process: &str, overrides: &TaskOverrides) -> Option<sdk::TaskOverride> {
    let TaskOverrides {
        command,
        environment,
        cpu,
        memory,
        task_cpu,
        task_memory,
    } = overrides;
    let pair =
        |(name, value): (&String, &String)| sdk::KeyValuePair::builder().name(name).value(value).build();
    let container = sdk::ContainerOverride::builder()
        .name(process)
        .set_command(unless_empty(command.iter().cloned()))
        .set_environment(unless_empty(environment.0.iter().map(pair)))
        .set_cpu(cpu.map(to_i32))
        .set_memory(memory.map(to_i32));
    let containers = overrides.has_container().then(|| vec![container.build()]);
    let task = sdk::TaskOverride::builder()
        .set_container_overrides(containers)
        .set_cpu(task_cpu.map(|cpu| cpu.to_string()))
        .set_memory(task_memory.map(|memory| memory.to_string()));
    (overrides.has_container() || overrides.has_size()).then(|| task.build())
}

/// Finds the task that another call with this token has started, which a conflict names.
/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html>
fn started_before(error: &SdkError<RunTaskError, HttpResponse>) -> Option<sdk::Task> {
    let Some(RunTaskError::ConflictException(conflict)) = error.as_service_error() else {
        return None;
    };
    let arn = conflict.resource_ids().first()?;
    Some(sdk::Task::builder().task_arn(arn).build())
}

pub(super) async fn stop(aws: &AwsClients, cluster: &str, task: &Arn, reason: &str) -> Result<()> {
    let call = aws.ecs.stop_task().cluster(cluster).task(&task.0).reason(reason);
    let reply = call.send().answering(STOP_TASK).await;
    unless_absent(reply).map(|_| ())
}

/// `None` for one without an ARN.
fn read(task: &sdk::Task) -> Option<TaskState> {
    let containers = task.containers().iter();
    let reasons = containers.clone().filter_map(sdk::Container::reason);
    let said: Vec<&str> = task.stopped_reason().into_iter().chain(reasons).collect();
    let container = |container: &sdk::Container| ContainerState {
        name: container.name().unwrap_or_default().into(),
        exit_code: container.exit_code(),
        is_made: container.runtime_id().is_some(),
    };
    Some(TaskState {
        arn: Arn(task.task_arn()?.into()),
        started_by: task.started_by().map(Into::into),
        status: task.last_status().unwrap_or_default().into(),
        has_started: task.started_at().is_some(),
        containers: containers.map(container).collect(),
        stop_code: task.stop_code().map(|code| code.as_str().into()),
        reason: (!said.is_empty()).then(|| said.join(": ")),
    })
}
