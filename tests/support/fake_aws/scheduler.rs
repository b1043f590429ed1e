//! EventBridge Scheduler: groups with tags, and in them schedules without. Nothing is ever started: whether a schedule
//! could start its task is asked when it is written, where the real one would find out at night.

mod console;

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::name::Arn;
use empire_controller::model::owner::{Tags, app_in_record_text};
use empire_controller::model::schedule::{
    Schedule, ScheduleGroup, ScheduleGroupState, ScheduleState, ScheduleTarget,
};
use empire_controller::model::service::{Capacity, NetworkMode};

use super::billed::SCHEDULES_PAGE;
use super::{FakeAws, State, refuse};

const GET_GROUP: &str = "scheduler:GetScheduleGroup";
const LIST_TAGS: &str = "scheduler:ListTagsForResource";
const LIST_SCHEDULES: &str = "scheduler:ListSchedules";
const GET_SCHEDULE: &str = "scheduler:GetSchedule";
const CREATE_GROUP: &str = "scheduler:CreateScheduleGroup";
const CREATE_SCHEDULE: &str = "scheduler:CreateSchedule";
const UPDATE_SCHEDULE: &str = "scheduler:UpdateSchedule";
const DELETE_SCHEDULE: &str = "scheduler:DeleteSchedule";

const NOT_FOUND: &str = "ResourceNotFoundException";
const INVALID: &str = "ValidationException";
const CONFLICT: &str = "ConflictException";

/// Virtual seconds that a group with schedules takes to go.
const DELETING: u64 = 20;

#[derive(Clone, Debug, Default)]
pub(super) struct Scheduler {
    pub(super) groups: BTreeMap<String, Group>,
    /// By group and name.
    pub(super) schedules: BTreeMap<(String, String), ScheduleState>,
}

#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) arn: Arn,
    pub(super) tags: Tags,
    /// Somebody deletes it: it is gone, with all that is in it, by this time.
    pub(super) deleted_by: Option<u64>,
}

impl Scheduler {
    pub(super) fn tick(&mut self, now: u64) {
        let is_gone = |group: &Group| group.deleted_by.is_some_and(|by| by <= now);
        let gone = self.groups.extract_if(.., |_, group| is_gone(group));
        for (name, _) in gone {
            self.schedules.retain(|(of, _), _| *of != name);
        }
    }
}

fn no_group<T>(action: &'static str, group: &str) -> Result<T> {
    refuse(
        action,
        NOT_FOUND,
        format!("Schedule group {group} does not exist."),
    )
}

#[async_trait]
impl aws::Scheduler for FakeAws {
    async fn get_schedule_group(&self, name: &str) -> Result<Option<ScheduleGroupState>> {
        self.read(GET_GROUP, name, |state| {
            let found = state.scheduler.groups.get(name);
            Ok(found.map(|found| ScheduleGroupState {
                arn: found.arn.clone(),
                is_deleting: found.deleted_by.is_some(),
                tags: Tags::new(),
            }))
        })
    }

    async fn list_schedule_group_tags(&self, group: &Arn) -> Result<Tags> {
        self.read(LIST_TAGS, &group.0, |state| {
            let mut groups = state.scheduler.groups.values();
            let found = groups.find(|found| found.arn == *group);
            Ok(found.map(|found| found.tags.clone()).unwrap_or_default())
        })
    }

    async fn list_schedules(&self, group: &str, prefix: &str) -> Result<Option<Vec<String>>> {
        let found = self.list(LIST_SCHEDULES, &format!("{group} {prefix}"), |state| {
            if !state.scheduler.groups.contains_key(group) {
                return Ok(None);
            }
            let all = state.scheduler.schedules.iter();
            let listed = all.filter(|((of, name), _)| of == group && name.starts_with(prefix));
            let holder = |found: &ScheduleState| app_in_record_text(&found.description).map(Into::into);
            Ok(Some(
                listed
                    .map(|((_, name), found)| (name.clone(), holder(found)))
                    .collect(),
            ))
        })?;
        self.bill_more(LIST_SCHEDULES, found.iter().flatten().count(), SCHEDULES_PAGE);
        Ok(found)
    }

    async fn get_schedule(&self, group: &str, name: &str) -> Result<Option<ScheduleState>> {
        self.read(GET_SCHEDULE, &format!("{group} {name}"), |state| {
            let key = (group.to_owned(), name.to_owned());
            let found = state.scheduler.schedules.get(&key).cloned();
            Ok(found.map(|found| state.echo.schedule(found)))
        })
    }
}

#[async_trait]
impl aws::SchedulerWrites for FakeAws {
    async fn create_schedule_group(&self, group: &ScheduleGroup) -> Result<Arn> {
        self.write(CREATE_GROUP, group.name.clone(), |state| {
            check_name(CREATE_GROUP, &group.name)?;
            if state.scheduler.groups.contains_key(&group.name) {
                let message = format!("Schedule group {} already exists.", group.name);
                return refuse(CREATE_GROUP, CONFLICT, message);
            }
            let arn = state.arn("scheduler", &format!("schedule-group/{}", group.name));
            let made = Group {
                arn: arn.clone(),
                tags: group.tags.clone(),
                deleted_by: None,
            };
            state.scheduler.groups.insert(group.name.clone(), made);
            Ok(arn)
        })
    }

    async fn create_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()> {
        let about = format!("{} {}", schedule.name, schedule.timing.expression);
        self.write(CREATE_SCHEDULE, about, |state| {
            check(state, CREATE_SCHEDULE, schedule, target)?;
            let key = (schedule.group.clone(), schedule.name.clone());
            if state.scheduler.schedules.contains_key(&key) {
                let message = format!("Schedule {} already exists.", schedule.name);
                return refuse(CREATE_SCHEDULE, CONFLICT, message);
            }
            let written = schedule.written(target);
            state.scheduler.schedules.insert(key, written);
            Ok(())
        })
    }

    async fn update_schedule(&self, schedule: &Schedule, target: &ScheduleTarget) -> Result<()> {
        let about = format!("{} {}", schedule.name, schedule.timing.expression);
        self.write(UPDATE_SCHEDULE, about, |state| {
            check(state, UPDATE_SCHEDULE, schedule, target)?;
            let key = (schedule.group.clone(), schedule.name.clone());
            let Some(found) = state.scheduler.schedules.get_mut(&key) else {
                let message = format!("Schedule {} does not exist.", schedule.name);
                return refuse(UPDATE_SCHEDULE, NOT_FOUND, message);
            };
            *found = schedule.written(target);
            Ok(())
        })
    }

    async fn delete_schedule(&self, group: &str, name: &str) -> Result<()> {
        let key = (group.to_owned(), name.to_owned());
        if !self.lock().scheduler.schedules.contains_key(&key) {
            self.bill(DELETE_SCHEDULE)?;
            return Ok(());
        }
        self.write(DELETE_SCHEDULE, name.into(), |state| {
            state.scheduler.schedules.remove(&key);
            Ok(())
        })
    }
}

/// <https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html>
fn check_name(action: &'static str, name: &str) -> Result<()> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.is_empty() || name.len() > 64 || !name.chars().all(is_allowed) {
        return refuse(
            action,
            INVALID,
            format!("{name:?} is no name of 1 to 64 characters"),
        );
    }
    Ok(())
}

fn check(state: &State, action: &'static str, schedule: &Schedule, target: &ScheduleTarget) -> Result<()> {
    check_name(action, &schedule.name)?;
    let Some(group) = state.scheduler.groups.get(&schedule.group) else {
        return no_group(action, &schedule.group);
    };
    if group.deleted_by.is_some() {
        let message = format!("Schedule group {} is being deleted.", schedule.group);
        return refuse(action, CONFLICT, message);
    }
    let invalid = |message: &str| refuse(action, INVALID, message);
    if schedule.description.len() > 512 {
        return invalid("A description has at most 512 characters.");
    }
    if matches!(&schedule.capacity, Capacity::Providers(providers) if providers.len() > 6) {
        return invalid("1 validation error detected: Member must have length less than or equal to 6");
    }
    if !is_cron(&schedule.timing.expression) || schedule.timing.expression.len() > 256 {
        return invalid("Invalid Schedule Expression.");
    }
    let zones = jiff::tz::TimeZoneDatabase::bundled();
    let zone = zones.get(&schedule.timing.time_zone).ok();
    if zone.as_ref().and_then(|zone| zone.iana_name()) != Some(&schedule.timing.time_zone) {
        return invalid("Invalid Schedule Expression Timezone.");
    }
    if !schedule.role_arn.starts_with("arn:aws:iam::") {
        return invalid(
            "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.",
        );
    }
    if !state
        .ecs
        .clusters
        .iter()
        .any(|name| cluster_arn(name) == target.cluster)
    {
        return invalid("Provided Arn is not in correct format.");
    }
    // The real one takes these, and then starts nothing.
    let Some(definition) = state.ecs.definition(&target.task_definition) else {
        return invalid("There is no such task definition.");
    };
    if !definition.active {
        return invalid("The task definition is inactive.");
    }
    if (definition.content.network_mode == NetworkMode::Awsvpc) != schedule.network.is_some() {
        return invalid("Network configuration goes with network mode awsvpc.");
    }
    if let Capacity::LaunchType(launch_type) = schedule.capacity
        && definition.content.launch_type != launch_type
    {
        return invalid("The launch type is not the task definition's.");
    }
    Ok(())
}

pub(super) fn cluster_arn(name: &str) -> Arn {
    Arn(format!("arn:aws:ecs:us-east-1:123456789012:cluster/{name}"))
}

/// Only what AWS documents.
fn is_cron(expression: &str) -> bool {
    let Some(body) = expression
        .strip_prefix("cron(")
        .and_then(|rest| rest.strip_suffix(')'))
    else {
        return false;
    };
    let fields: Vec<&str> = body.split(' ').collect();
    let documented = |field: &&str| {
        let is_documented = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "*?,-/#".contains(c);
        !field.is_empty() && field.chars().all(is_documented)
    };
    let questions = fields.iter().filter(|field| field.contains('?')).count();
    expression.len() <= 256
        && fields.len() == 6
        && fields.iter().all(documented)
        && questions == 1
        && (fields[2] == "?" || fields[4] == "?")
}
