//! The release phase in a status: what people read of it, and what the next pass goes on from.

use std::collections::BTreeSet;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use crate::api::app::{
    App, AppStatus, ReleaseAttempt, ReleaseCapacity, ReleaseNetwork, ReleasePhase, ReleaseRequest,
    ReleaseStatus,
};
use crate::change::{Change, TaskWrite, Write};
use crate::model::name::Arn;
use crate::model::release::{Attempt, Failure, Phase, Placing, ReleaseMemory, Sight, TaskRequest};
use crate::model::service::{Capacity, CapacityProvider, LaunchType, PlacementConstraint, TaskNetwork};
use crate::reconcile::Outcome;

/// Returns the memory of the release phase in a status.
pub fn release(status: Option<&AppStatus>) -> Option<Box<ReleaseMemory>> {
    let ReleaseStatus { succeeded, attempt } = status?.release.clone().unwrap_or_default();
    Some(Box::new(ReleaseMemory {
        succeeded,
        attempt: attempt.map(attempt_of),
    }))
}

/// The other way round. An attempt that this pass is to record is recorded `now`, unless the App is suspended.
pub(super) fn remembered(
    app: &App,
    outcome: &Outcome,
    before: Option<&ReleaseStatus>,
    now: Timestamp,
) -> Option<ReleaseStatus> {
    let ReleaseMemory { succeeded, attempt } = *outcome.plan.release.clone()?;
    let is_new = attempt.as_ref().is_some_and(|attempt| attempt.recorded.is_none());
    if is_new && app.spec.suspend == Some(true) {
        return before.cloned();
    }
    let sight = &outcome.observed.release.sight;
    let attempt = attempt.map(|attempt| {
        let attempt = Attempt {
            refusal: refusal(outcome).or(attempt.refusal),
            ..attempt
        };
        recorded(attempt, sight, now)
    });
    let release = ReleaseStatus { succeeded, attempt };
    (release != ReleaseStatus::default()).then_some(release)
}

/// Returns why the task could not be started.
fn refusal(outcome: &Outcome) -> Option<String> {
    let is_run = |change: &Change| matches!(change.write, Write::Task(TaskWrite::Run { .. }));
    let refused = outcome.troubles().find(|(change, _)| is_run(change));
    refused.map(|(_, error)| error.to_string())
}

pub(super) fn recorded(attempt: Attempt, sight: &Sight, now: Timestamp) -> ReleaseAttempt {
    let time = |seconds: Option<i64>| {
        let time = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        Time(time.unwrap_or(now))
    };
    let is_running = attempt.task.is_some()
        && matches!(sight, Sight::Seen(task) if task.has_started || task.status == "RUNNING");
    let (phase, exit_code, message) = match attempt.phase {
        Phase::Open if is_running => (ReleasePhase::Running, None, None),
        Phase::Open => (ReleasePhase::Pending, None, attempt.refusal),
        Phase::Abandoned => (ReleasePhase::Abandoned, None, attempt.refusal),
        Phase::Stopping => (ReleasePhase::Stopping, None, None),
        Phase::Succeeded => (ReleasePhase::Succeeded, Some(0), None),
        Phase::Unknown => (ReleasePhase::Unknown, None, None),
        Phase::Failed(failure) => {
            let phase = if failure.is_late {
                ReleasePhase::TimedOut
            } else {
                ReleasePhase::Failed
            };
            (phase, failure.exit_code, Some(failure.reason))
        }
    };
    ReleaseAttempt {
        number: number(attempt.number),
        phase,
        content: attempt.digest,
        redeploy: attempt.redeploy,
        timeout_seconds: number(attempt.timeout),
        since: time(attempt.since),
        recorded: time(attempt.recorded),
        request: request(attempt.request),
        task: attempt.task.map(|task| task.0),
        exit_code,
        message: message.map(|message| super::cut(&message)),
    }
}

pub(super) fn attempt_of(attempt: ReleaseAttempt) -> Attempt {
    let failure = |is_late: bool, reason: Option<String>| {
        Phase::Failed(Failure {
            is_late,
            exit_code: attempt.exit_code,
            reason: reason.unwrap_or_default(),
        })
    };
    let (phase, refusal) = match (attempt.phase, attempt.message) {
        (ReleasePhase::Pending, refusal) => (Phase::Open, refusal),
        (ReleasePhase::Abandoned, refusal) => (Phase::Abandoned, refusal),
        (ReleasePhase::Running, _) => (Phase::Open, None),
        (ReleasePhase::Stopping, _) => (Phase::Stopping, None),
        (ReleasePhase::Succeeded, _) => (Phase::Succeeded, None),
        (ReleasePhase::Unknown, _) => (Phase::Unknown, None),
        (ReleasePhase::Failed, reason) => (failure(false, reason), None),
        (ReleasePhase::TimedOut, reason) => (failure(true, reason), None),
    };
    Attempt {
        number: count(attempt.number),
        digest: attempt.content,
        redeploy: attempt.redeploy,
        timeout: count(attempt.timeout_seconds),
        since: Some(attempt.since.0.as_second()),
        recorded: Some(attempt.recorded.0.as_second()),
        request: request_of(attempt.request),
        task: attempt.task.map(Arn),
        phase,
        refusal,
    }
}

fn request(request: TaskRequest) -> ReleaseRequest {
    let Placing {
        capacity,
        constraints,
        network,
    } = request.placing;
    let (launch_type, providers) = match capacity {
        Capacity::LaunchType(launch_type) => (Some(launch_type.as_str().into()), Vec::new()),
        Capacity::Providers(providers) => (None, providers),
    };
    let provider = |provider: CapacityProvider| ReleaseCapacity {
        name: provider.name,
        weight: number(provider.weight),
        base: number(provider.base),
    };
    let constraint = |PlacementConstraint { kind, expression }| {
        if expression.is_empty() {
            kind
        } else {
            format!("{kind} {expression}")
        }
    };
    ReleaseRequest {
        process: request.process,
        task_definition: request.task_definition.0,
        token: request.token,
        launch_type,
        capacity_providers: providers.into_iter().map(provider).collect(),
        constraints: constraints.into_iter().map(constraint).collect(),
        network: network.map(|network| ReleaseNetwork {
            subnets: network.subnets.into_iter().collect(),
            security_groups: network.security_groups.into_iter().collect(),
            assign_public_ip: network.assign_public_ip,
        }),
    }
}

fn request_of(request: ReleaseRequest) -> TaskRequest {
    let provider = |provider: ReleaseCapacity| CapacityProvider {
        name: provider.name,
        weight: count(provider.weight),
        base: count(provider.base),
    };
    let constraint = |text: &String| {
        let (kind, expression) = text.split_once(' ').unwrap_or((text, ""));
        PlacementConstraint {
            kind: kind.into(),
            expression: expression.into(),
        }
    };
    let network = |network: ReleaseNetwork| TaskNetwork {
        subnets: set(network.subnets),
        security_groups: set(network.security_groups),
        assign_public_ip: network.assign_public_ip,
    };
    let launch_type = request.launch_type.as_deref().and_then(LaunchType::named);
    let providers = request.capacity_providers.into_iter().map(provider);
    let capacity = match launch_type {
        Some(launch_type) => Capacity::LaunchType(launch_type),
        None => Capacity::Providers(providers.collect()),
    };
    TaskRequest {
        process: request.process,
        task_definition: Arn(request.task_definition),
        token: request.token,
        overrides: None,
        placing: Placing {
            capacity,
            constraints: request.constraints.iter().map(constraint).collect(),
            network: request.network.map(network),
        },
    }
}

fn set(items: Vec<String>) -> BTreeSet<String> {
    items.into_iter().collect()
}

fn number(count: u32) -> i32 {
    count.try_into().unwrap_or(i32::MAX)
}

fn count(number: i32) -> u32 {
    number.try_into().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_gives_back_the_request_to_the_letter() {
        let providers = ["FARGATE", "FARGATE_SPOT"].map(|name| CapacityProvider {
            name: name.into(),
            weight: 2,
            base: 1,
        });
        let constraints = [
            ("distinctInstance", ""),
            ("memberOf", "attribute:a == b or  attribute:c \n"),
        ];
        let constraints = constraints.map(|(kind, expression)| PlacementConstraint {
            kind: kind.into(),
            expression: expression.into(),
        });
        let network = TaskNetwork {
            subnets: set(vec!["subnet-a".into()]),
            security_groups: set(vec!["sg-1".into()]),
            assign_public_ip: true,
        };
        for (capacity, network) in [
            (Capacity::Providers(providers.to_vec()), Some(network)),
            (Capacity::LaunchType(LaunchType::External), None),
        ] {
            let sent = TaskRequest {
                process: "migrate".into(),
                task_definition: Arn("arn:1".into()),
                placing: Placing {
                    capacity,
                    constraints: constraints.to_vec(),
                    network,
                },
                token: "t".into(),
                overrides: None,
            };
            assert_eq!(request_of(request(sent.clone())), sent);
        }
    }
}
