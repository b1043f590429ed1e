//! Security groups of a process, besides those of its Platform.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::*;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::model::desired::{DesiredProcess, Runs};

/// A process on a Platform with these security groups for tasks, which lets processes name any of four.
fn built(process: Value, groups: Value) -> Result<DesiredProcess, String> {
    let platform = platform(json!({
        "network": { "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"], "securityGroups": groups } },
        "tasks": { "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler" },
        "tenancy": { "namespaceSelector": {}, "securityGroups": ["sg-1", "sg-2", "sg-3", "sg-4"] },
    }));
    let built = build(&app(json!({ "api": process })), &platform, &owner(), &namespace());
    let built = built.map_err(|error| error.to_string())?;
    Ok(built.desired.processes["api"].clone())
}

fn with(groups: Value) -> Value {
    json!({ "command": "run", "securityGroups": groups })
}

fn groups(network: Option<&TaskNetwork>) -> Vec<&str> {
    let groups = &network.unwrap().security_groups;
    groups.iter().map(|group| &**group).collect()
}

#[test]
fn security_groups_of_a_process_are_added_to_those_of_the_platform() {
    let process = built(with(json!(["sg-2", "sg-1", "sg-2"])), json!(["sg-1", "sg-9"])).unwrap();
    let network = process.service().unwrap().settings.network.as_ref();
    assert_eq!(groups(network), ["sg-1", "sg-2", "sg-9"]);
    let mut cron = with(json!(["sg-2"]));
    cron["cron"] = json!("0 3 * * ? *");
    let cron = built(cron, json!(["sg-9"])).unwrap();
    let Runs::Schedule(schedule) = &cron.runs else {
        panic!("{:?}", cron.runs);
    };
    assert_eq!(groups(schedule.network.as_ref()), ["sg-2", "sg-9"]);
}

#[test]
fn they_are_refused_where_they_could_not_be_told_apart_or_ecs_takes_none() {
    assert_eq!(
        built(with(json!(["sg-1"])), json!([])).unwrap_err(),
        "process api: securityGroups: Platform staging has no network.tasks.securityGroups, besides which a process could have its own"
    );
    assert_eq!(
        built(
            with(json!(["sg-1", "sg-2", "sg-3", "sg-4"])),
            json!(["sg-8", "sg-9"])
        )
        .unwrap_err(),
        "process api: securityGroups: are 6 with those of Platform staging, and ECS takes at most 5"
    );
    let bridge = platform(json!({ "tenancy": { "namespaceSelector": {}, "securityGroups": ["sg-1"] } }));
    let bridged = app(json!({ "api": with(json!(["sg-1"])) }));
    let error = build(&bridged, &bridge, &owner(), &namespace()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "process api: securityGroups: Platform staging has a network mode in which tasks have those of their instance"
    );
    assert_eq!(
        built(with(json!(["sg-1", "sg-5"])), json!(["sg-9"])).unwrap_err(),
        "process api: securityGroups: Platform staging does not allow sg-5: it matches nothing in tenancy.securityGroups"
    );
}
