//! EventBridge Scheduler through the SDK. A schedule is written whole each time: an update resets what it leaves out.

use async_trait::async_trait;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::types::{self as sdk, builders};

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{every_page, from_i32, to_i32, unless_absent, unless_empty};
use super::{Result, Scheduler, SchedulerWrites};
use crate::model::name::Arn;
use crate::model::owner::Tags;
use crate::model::schedule::{
    RETRY_ATTEMPTS, RETRY_SECONDS, Schedule, ScheduleGroup, ScheduleGroupState, ScheduleState, ScheduleTarget,
};
use crate::model::service::{
    Capacity, CapacityProvider, LaunchType, PlacementConstraint, PlacementStrategy, TaskNetwork,
};

const GET_GROUP: Call = Call::read("scheduler:GetScheduleGroup");
const LIST_TAGS: Call = Call::read("scheduler:ListTagsForResource");
const LIST_SCHEDULES: Call = Call::read("scheduler:ListSchedules");
const GET_SCHEDULE: Call = Call::read("scheduler:GetSchedule");
const CREATE_GROUP: Call = Call::create("scheduler:CreateScheduleGroup");
const CREATE_SCHEDULE: Call = Call::create("scheduler:CreateSchedule");
const UPDATE_SCHEDULE: Call = Call::modify("scheduler:UpdateSchedule");
const DELETE_SCHEDULE: Call = Call::delete("scheduler:DeleteSchedule");

const PAGE: i32 = 100;

// The client tokens are the SDK's own, one a call, and make its retry the same call. From one pass to the next a name
// is the key.
#[async_trait]
impl Scheduler for AwsClients {
    async fn get_schedule_group(&self, name: &str) -> Result<Option<ScheduleGroupState>> {
        let reply = self
            .scheduler
            .get_schedule_group()
            .name(name)
            .send()
            .answering(GET_GROUP)
            .await;
        let Some(found) = unless_absent(reply)? else {
            return Ok(None);
        };
        let arn = found
            .arn()
            .ok_or_else(|| GET_GROUP.bug("a group without an ARN"))?;
        Ok(Some(ScheduleGroupState {
            arn: Arn(arn.into()),
            is_deleting: found.state() == Some(&sdk::ScheduleGroupState::Deleting),
            tags: Tags::new(),
        }))
    }

    async fn list_schedule_group_tags(&self, group: &Arn) -> Result<Tags> {
        let reply = self
            .scheduler
            .list_tags_for_resource()
            .resource_arn(&group.0)
            .send()
            .answering(LIST_TAGS)
            .await;
        let reply = unless_absent(reply)?;
        let pair = |tag: &sdk::Tag| (tag.key().into(), tag.value().into());
        Ok(reply
            .map(|reply| reply.tags().iter().map(pair).collect())
            .unwrap_or_default())
    }

    async fn list_schedules(&self, group: &str, prefix: &str) -> Result<Option<Vec<String>>> {
        let list = self
            .scheduler
            .list_schedules()
            .group_name(group)
            // AWS takes no empty one.
            .set_name_prefix(Some(prefix.to_owned()).filter(|prefix| !prefix.is_empty()))
            .max_results(PAGE);
        let ask = |token| {
            let page = list.clone().set_next_token(token);
            page.send().answering(LIST_SCHEDULES)
        };
        let found = every_page(LIST_SCHEDULES, ask, |page| {
            let names = page.schedules.into_iter().filter_map(|found| found.name);
            (Some(names.collect()), page.next_token)
        })
        .await;
        unless_absent(found)
    }

    async fn get_schedule(&self, group: &str, name: &str) -> Result<Option<ScheduleState>> {
        let reply = self
            .scheduler
            .get_schedule()
            .group_name(group)
            .name(name)
            .send()
            .answering(GET_SCHEDULE)
            .await;
        let found = unless_absent(reply)?;
        Ok(found.map(|found| read(name, &found)))
    }
}

#[async_trait]
impl SchedulerWrites for AwsClients {
    async fn create_schedule_group(&self, group: &ScheduleGroup) -> Result<Arn> {
        let tags = group
            .tags
            .iter()
            .map(|(key, value)| sdk::Tag::builder().key(&**key).value(&**value).build());
        let tags: std::result::Result<Vec<_>, _> = tags.collect();
        let reply = self
            .scheduler
            .create_schedule_group()
            .name(&group.name)
            .set_tags(Some(tags.map_err(|error| CREATE_GROUP.bug(error.to_string()))?))
            .send()
            .answering(CREATE_GROUP)
            .await?;
        Ok(Arn(reply.schedule_group_arn))
    }

    async fn create_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()> {
        self.scheduler
            .create_schedule()
            .name(&schedule.name)
            .group_name(&schedule.group)
            .set_description(description(schedule))
            .schedule_expression(&schedule.timing.expression)
            .schedule_expression_timezone(&schedule.timing.time_zone)
            .state(state(schedule))
            .flexible_time_window(at_once(CREATE_SCHEDULE)?)
            .action_after_completion(sdk::ActionAfterCompletion::None)
            .target(write_target(CREATE_SCHEDULE, schedule, target)?)
            .send()
            .answering(CREATE_SCHEDULE)
            .await?;
        Ok(())
    }

    async fn update_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()> {
        self.scheduler
            .update_schedule()
            .name(&schedule.name)
            .group_name(&schedule.group)
            .set_description(description(schedule))
            .schedule_expression(&schedule.timing.expression)
            .schedule_expression_timezone(&schedule.timing.time_zone)
            .state(state(schedule))
            .flexible_time_window(at_once(UPDATE_SCHEDULE)?)
            .action_after_completion(sdk::ActionAfterCompletion::None)
            .target(write_target(UPDATE_SCHEDULE, schedule, target)?)
            .send()
            .answering(UPDATE_SCHEDULE)
            .await?;
        Ok(())
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<()> {
        let reply = self
            .scheduler
            .delete_schedule()
            .group_name(group)
            .name(name)
            .send()
            .answering(DELETE_SCHEDULE)
            .await;
        unless_absent(reply)?;
        Ok(())
    }
}

/// An update without one takes away what is there.
fn description(schedule: &Schedule) -> Option<String> {
    Some(schedule.description.clone()).filter(|text| !text.is_empty())
}

fn state(schedule: &Schedule) -> sdk::ScheduleState {
    if schedule.enabled {
        sdk::ScheduleState::Enabled
    } else {
        sdk::ScheduleState::Disabled
    }
}

fn at_once(call: Call) -> Result<sdk::FlexibleTimeWindow> {
    sdk::FlexibleTimeWindow::builder()
        .mode(sdk::FlexibleTimeWindowMode::Off)
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

/// The task takes its tags from the task definition. `LaunchType` and `NetworkConfiguration` go together with the
/// definition's own.
fn write_target(call: Call, schedule: &Schedule, target: &ScheduleTarget) -> Result<sdk::Target> {
    let network = schedule
        .network
        .as_ref()
        .map(|network| write_network(call, network))
        .transpose()?;
    let (launch_type, providers) = match &schedule.capacity {
        Capacity::LaunchType(launch_type) => (Some(write_launch_type(*launch_type)), None),
        Capacity::Providers(providers) => {
            let written: Result<Vec<_>> = providers.iter().map(|p| write_provider(call, p)).collect();
            (None, Some(written?))
        }
    };
    let strategies = schedule.placement.iter().map(|strategy| {
        sdk::PlacementStrategy::builder()
            .r#type(strategy.kind.as_str().into())
            .set_field(Some(strategy.field.clone()).filter(|field| !field.is_empty()))
            .build()
    });
    let constraints = schedule.constraints.iter().map(|constraint| {
        sdk::PlacementConstraint::builder()
            .r#type(constraint.kind.as_str().into())
            .set_expression(Some(constraint.expression.clone()).filter(|text| !text.is_empty()))
            .build()
    });
    let task = sdk::EcsParameters::builder()
        .task_definition_arn(&target.task_definition.0)
        .task_count(1)
        .set_launch_type(launch_type)
        .set_capacity_provider_strategy(providers)
        .set_placement_strategy(unless_empty(strategies))
        .set_placement_constraints(unless_empty(constraints))
        .set_network_configuration(network)
        .propagate_tags(sdk::PropagateTags::TaskDefinition)
        .enable_ecs_managed_tags(false)
        .build()
        .map_err(|error| call.bug(error.to_string()))?;
    let retries = sdk::RetryPolicy::builder()
        .maximum_retry_attempts(to_i32(RETRY_ATTEMPTS))
        .maximum_event_age_in_seconds(to_i32(RETRY_SECONDS));
    sdk::Target::builder()
        .arn(&target.cluster.0)
        .role_arn(&schedule.role_arn)
        .ecs_parameters(task)
        .retry_policy(retries.build())
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

fn write_launch_type(launch_type: LaunchType) -> sdk::LaunchType {
    match launch_type {
        LaunchType::Ec2 => sdk::LaunchType::Ec2,
        LaunchType::Fargate => sdk::LaunchType::Fargate,
        LaunchType::External => sdk::LaunchType::External,
        // Reached by capacity provider only; the Scheduler's own list does not have it.
        LaunchType::ManagedInstances => launch_type.as_str().into(),
    }
}

fn write_provider(call: Call, provider: &CapacityProvider) -> Result<sdk::CapacityProviderStrategyItem> {
    sdk::CapacityProviderStrategyItem::builder()
        .capacity_provider(&provider.name)
        .weight(to_i32(provider.weight))
        .base(to_i32(provider.base))
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

fn write_network(call: Call, network: &TaskNetwork) -> Result<sdk::NetworkConfiguration> {
    let security_groups: Vec<String> = network.security_groups.iter().cloned().collect();
    let vpc: std::result::Result<_, _> = builders::AwsVpcConfigurationBuilder::default()
        .set_subnets(Some(network.subnets.iter().cloned().collect()))
        .set_security_groups(Some(security_groups).filter(|groups| !groups.is_empty()))
        .assign_public_ip(if network.assign_public_ip {
            sdk::AssignPublicIp::Enabled
        } else {
            sdk::AssignPublicIp::Disabled
        })
        .build();
    let vpc = vpc.map_err(|error| call.bug(error.to_string()))?;
    Ok(sdk::NetworkConfiguration::builder()
        .awsvpc_configuration(vpc)
        .build())
}

fn read(name: &str, found: &GetScheduleOutput) -> ScheduleState {
    let target = found.target();
    let task = target.and_then(sdk::Target::ecs_parameters);
    let network = task
        .and_then(sdk::EcsParameters::network_configuration)
        .and_then(sdk::NetworkConfiguration::awsvpc_configuration);
    ScheduleState {
        name: name.into(),
        description: found.description().unwrap_or_default().into(),
        expression: found.schedule_expression().map(Into::into),
        time_zone: found.schedule_expression_timezone().map(Into::into),
        enabled: found.state().map(|state| *state == sdk::ScheduleState::Enabled),
        role_arn: target.map(|target| target.role_arn().into()),
        cluster: target.map(|target| Arn(target.arn().into())),
        task_definition: task.map(|task| Arn(task.task_definition_arn().into())),
        capacity: task.and_then(read_capacity),
        placement: task.and_then(|task| task.placement_strategy.as_ref()).map(|all| {
            let read = |strategy: &sdk::PlacementStrategy| PlacementStrategy {
                kind: strategy
                    .r#type()
                    .map(|kind| kind.as_str().into())
                    .unwrap_or_default(),
                field: strategy.field().unwrap_or_default().into(),
            };
            all.iter().map(read).collect()
        }),
        constraints: task
            .and_then(|task| task.placement_constraints.as_ref())
            .map(|all| {
                let read = |constraint: &sdk::PlacementConstraint| PlacementConstraint {
                    kind: constraint
                        .r#type()
                        .map(|kind| kind.as_str().into())
                        .unwrap_or_default(),
                    expression: constraint.expression().unwrap_or_default().into(),
                };
                all.iter().map(read).collect()
            }),
        network: network.map(|network| TaskNetwork {
            subnets: network.subnets().iter().cloned().collect(),
            security_groups: network.security_groups().iter().cloned().collect(),
            assign_public_ip: network.assign_public_ip() == Some(&sdk::AssignPublicIp::Enabled),
        }),
        is_usual: is_usual(found),
    }
}

fn read_capacity(task: &sdk::EcsParameters) -> Option<Capacity> {
    let provider = |item: &sdk::CapacityProviderStrategyItem| CapacityProvider {
        name: item.capacity_provider().into(),
        weight: from_i32(item.weight()),
        base: from_i32(item.base()),
    };
    match (task.capacity_provider_strategy(), task.launch_type()) {
        ([], None) => None,
        ([], Some(launch_type)) => match launch_type.as_str() {
            "EC2" => Some(Capacity::LaunchType(LaunchType::Ec2)),
            "FARGATE" => Some(Capacity::LaunchType(LaunchType::Fargate)),
            "EXTERNAL" => Some(Capacity::LaunchType(LaunchType::External)),
            _ => None,
        },
        (items, _) => Some(Capacity::Providers(items.iter().map(provider).collect())),
    }
}

/// As [`write_target`] and its callers write it, where the reply says anything of it.
fn is_usual(found: &GetScheduleOutput) -> bool {
    let target = found.target();
    let task = target.and_then(sdk::Target::ecs_parameters);
    let retries = target.and_then(sdk::Target::retry_policy);
    let window = found.flexible_time_window();
    [
        found.start_date().is_none(),
        found.end_date().is_none(),
        window.is_none_or(|window| *window.mode() == sdk::FlexibleTimeWindowMode::Off),
        found
            .action_after_completion()
            .is_none_or(|action| *action == sdk::ActionAfterCompletion::None),
        // A cluster with anything but a task is no target of ours.
        target.is_none() || task.is_some(),
        target.is_none_or(|target| target.input().is_none_or(str::is_empty)),
        task.is_none_or(|task| task.task_count().is_none_or(|count| count == 1)),
        retries.is_none_or(|retries| {
            let (attempts, seconds) = (
                retries.maximum_retry_attempts(),
                retries.maximum_event_age_in_seconds(),
            );
            attempts.is_none_or(|attempts| attempts == to_i32(RETRY_ATTEMPTS))
                && seconds.is_none_or(|seconds| seconds == to_i32(RETRY_SECONDS))
        }),
    ]
    .iter()
    .all(|is_so| *is_so)
}

#[cfg(test)]
pub(super) mod tests;
