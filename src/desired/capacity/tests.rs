//! The settings that each kind of capacity provider needs, and those that it refuses.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use super::*;
use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform_with};
use crate::model::class::Class;
use crate::model::desired::{DesiredProcess, Runs};
use crate::model::service::{Capacity, NetworkMode, PlacementConstraint};

/// A Platform on these providers, of the kinds that its status says.
fn on(mode: &str, kinds: &[(&str, &str)], status: Value) -> Platform {
    let providers: Vec<Value> = kinds.iter().map(|(name, _)| json!({ "name": name })).collect();
    let known = kinds.iter().filter(|(_, kind)| !kind.is_empty());
    let known: serde_json::Map<String, Value> = known
        .map(|(name, kind)| ((*name).to_owned(), json!(kind)))
        .collect();
    let mut platform = platform_with(json!({
        "spec": {
            "capacity": { "capacityProviders": providers },
            "network": { "mode": mode, "tasks": { "subnets": ["subnet-t"] } },
            "tasks": { "schedulerRoleArn": "arn:aws:iam::123456789012:role/scheduler" },
        },
        "status": { "capacityProviders": known },
    }));
    platform.status.as_mut().unwrap().apps = status.as_i64().unwrap_or(0).try_into().unwrap();
    platform
}

fn managed() -> Platform {
    on("awsvpc", &[("pool", "ManagedInstances")], json!(0))
}

fn built(process: Value, platform: &Platform) -> Result<DesiredProcess, Error> {
    let built = build(&app(json!({ "api": process })), platform, &owner(), &namespace())?;
    Ok(built.desired.processes["api"].clone())
}

fn refused(process: Value, platform: &Platform, why: &str) {
    let error = built(process, platform).unwrap_err();
    assert_eq!(error.class(), Class::Invalid);
    assert!(error.to_string().contains(why), "{why} is not in: {error}");
}

#[test]
fn tasks_are_of_the_kind_of_their_capacity_providers() {
    for (mode, kinds, launch_type, strategies, rebalances) in [
        (
            "bridge",
            vec![("pool", "AutoScalingGroup")],
            LaunchType::Ec2,
            2,
            true,
        ),
        (
            "awsvpc",
            vec![("pool", "AutoScalingGroup")],
            LaunchType::Ec2,
            2,
            true,
        ),
        ("bridge", vec![("pool", "NotFound")], LaunchType::Ec2, 2, true),
        // Of a Platform that an older version looked at.
        ("bridge", vec![("pool", "")], LaunchType::Ec2, 2, true),
        (
            "awsvpc",
            vec![("pool", "ManagedInstances")],
            LaunchType::ManagedInstances,
            0,
            false,
        ),
        (
            "awsvpc",
            vec![("FARGATE", ""), ("FARGATE_SPOT", "")],
            LaunchType::Fargate,
            0,
            true,
        ),
    ] {
        let platform = on(mode, &kinds, json!(0));
        let process = built(json!({ "command": "run" }), &platform).unwrap();
        assert_eq!(process.task_definition.launch_type, launch_type, "{kinds:?}");
        let service = process.service().unwrap();
        assert_eq!(service.settings.placement.len(), strategies, "{kinds:?}");
        assert_eq!(service.settings.zone_rebalancing, rebalances, "{kinds:?}");
        assert!(matches!(service.capacity, Capacity::Providers(_)));
        for process in [
            json!({ "command": "run", "noservice": true }),
            json!({ "command": "run", "cron": "0 3 * * ? *" }),
        ] {
            let process = built(process, &platform).unwrap();
            assert_eq!(process.task_definition.launch_type, launch_type, "{kinds:?}");
        }
    }
}

#[test]
fn managed_instances_take_no_bridge_and_no_other_kind_beside_them() {
    let bridge = on("bridge", &[("pool", "ManagedInstances")], json!(0));
    let why = "network.mode: bridge does not go with capacity provider pool, which has Managed Instances";
    for process in [
        json!({ "command": "run" }),
        json!({ "command": "run", "noservice": true }),
        json!({ "command": "run", "cron": "0 3 * * ? *" }),
    ] {
        refused(process, &bridge, &format!("process api: Platform staging: {why}"));
    }
    let mixed = on(
        "awsvpc",
        &[("own", "AutoScalingGroup"), ("pool", "ManagedInstances")],
        json!(0),
    );
    refused(
        json!({ "command": "run" }),
        &mixed,
        "capacity.capacityProviders: pool has Managed Instances and own an Auto Scaling group",
    );
}

#[test]
fn managed_instances_take_awsvpc_and_host() {
    for (mode, expected) in [("awsvpc", NetworkMode::Awsvpc), ("host", NetworkMode::Host)] {
        let platform = on(mode, &[("pool", "ManagedInstances")], json!(0));
        let process = built(json!({ "command": "run" }), &platform).unwrap();
        assert_eq!(process.task_definition.network_mode, expected);
    }
}

#[test]
fn managed_instances_take_constraints_and_no_strategy_and_their_own_sizes() {
    let placement = |placement: Value| json!({ "command": "run", "placement": placement });
    refused(
        placement(json!({ "strategy": [{ "type": "random" }] })),
        &managed(),
        "process api: placement.strategy: ECS places tasks on Managed Instances by itself",
    );
    let constrained = built(
        placement(json!({ "constraints": [{ "type": "distinctInstance" }] })),
        &managed(),
    );
    assert_eq!(
        constrained.unwrap().service().unwrap().settings.constraints,
        [PlacementConstraint {
            kind: "distinctInstance".into(),
            expression: String::new(),
        }]
    );
    let mut pool = managed();
    let placement =
        json!({ "constraints": [{ "type": "memberOf", "expression": "attribute:pool == shop" }] });
    pool.spec.placement = Some(serde_json::from_value(placement).unwrap());
    let constrained = built(json!({ "command": "run" }), &pool).unwrap();
    assert_eq!(constrained.service().unwrap().settings.constraints.len(), 1);
    let sized = |cpu: u32| built(json!({ "command": "run", "cpu": cpu }), &managed());
    assert_eq!(sized(128).unwrap().task_definition.main.cpu, 128);
    refused(
        json!({ "command": "run", "cpu": 127 }),
        &managed(),
        "process api: cpu: 127 CPU units are not within the 128 to 196,608 of a task on Managed Instances",
    );
}

#[test]
fn only_apps_on_providers_of_an_unknown_kind_wait() {
    let unknown =
        |kinds: &[(&str, &str)], apps: i32| unknown_capacity_provider(&on("awsvpc", kinds, json!(apps)));
    assert_eq!(unknown(&[("pool", "")], 0).as_deref(), Some("pool"));
    assert_eq!(
        unknown(&[("own", "AutoScalingGroup"), ("pool", "")], 3).as_deref(),
        Some("pool")
    );
    assert_eq!(
        unknown(&[("own", "AutoScalingGroup"), ("pool", "NotFound")], 0),
        None
    );
    assert_eq!(unknown(&[("FARGATE", "")], 0), None);
    assert_eq!(unknown(&[], 0), None);
    assert_eq!(
        unknown(&[("pool", "")], 3),
        None,
        "an older version ran Apps there"
    );
}

/// On Fargate and Fargate Spot, with the weights that the Platform has, and one that it offers alone.
fn shared() -> Platform {
    let mut platform = on("awsvpc", &[("FARGATE", ""), ("FARGATE_SPOT", "")], json!(0));
    let providers = json!([{ "name": "FARGATE", "base": 1 }, { "name": "FARGATE_SPOT", "weight": 0 }]);
    platform.spec.capacity.as_mut().unwrap().capacity_providers = serde_json::from_value(providers).unwrap();
    platform
}

fn shares(capacity: &Capacity) -> Vec<(&str, u32, u32)> {
    let Capacity::Providers(all) = capacity else {
        panic!("{capacity:?}");
    };
    all.iter()
        .map(|provider| (&*provider.name, provider.weight, provider.base))
        .collect()
}

fn of_service(capacity: &Value) -> Vec<(String, u32, u32)> {
    let process = built(json!({ "command": "run", "capacity": capacity }), &shared()).unwrap();
    let shares = shares(&process.service().unwrap().capacity).into_iter();
    shares
        .map(|(name, weight, base)| (name.to_owned(), weight, base))
        .collect()
}

#[test]
fn a_share_of_spot_is_the_smallest_weights_that_come_to_it() {
    let weights = |percent: u32| {
        let shares = of_service(&json!({ "spot": percent }));
        let weight = |of: &str| {
            shares
                .iter()
                .find(|(name, ..)| name == of)
                .map(|(_, weight, _)| *weight)
        };
        assert!(shares.iter().all(|(_, _, base)| *base == 0));
        (weight("FARGATE"), weight("FARGATE_SPOT"))
    };
    assert_eq!(weights(0), (Some(1), None));
    assert_eq!(weights(1), (Some(99), Some(1)));
    assert_eq!(weights(50), (Some(1), Some(1)));
    assert_eq!(weights(70), (Some(3), Some(7)));
    assert_eq!(weights(75), (Some(1), Some(3)));
    assert_eq!(weights(100), (None, Some(1)));
}

#[test]
fn a_process_has_shares_of_its_own_whatever_it_is() {
    let own = json!({ "capacityProviders": [{ "name": "FARGATE_SPOT", "weight": 3 }, { "name": "FARGATE", "base": 2 }] });
    let expected = [("FARGATE_SPOT".to_owned(), 3, 0), ("FARGATE".to_owned(), 1, 2)];
    assert_eq!(of_service(&own), expected);
    assert_eq!(
        of_service(&json!(null)),
        [("FARGATE".to_owned(), 1, 1), ("FARGATE_SPOT".to_owned(), 0, 0)]
    );
    let cron = json!({ "command": "run", "cron": "0 3 * * ? *", "capacity": { "spot": 100 } });
    let cron = built(cron, &shared()).unwrap();
    let Runs::Schedule(schedule) = &cron.runs else {
        panic!("{:?}", cron.runs);
    };
    assert_eq!(shares(&schedule.capacity), [("FARGATE_SPOT", 1, 0)]);
    let mut release =
        app(json!({ "api": { "command": "run", "noservice": true, "capacity": { "spot": 0 } } }));
    release.spec.release = serde_json::from_value(json!({ "process": "api" })).unwrap();
    let release = build(&release, &shared(), &owner(), &namespace())
        .unwrap()
        .desired
        .release;
    assert_eq!(shares(&release.unwrap().placing.capacity), [("FARGATE", 1, 0)]);
}

#[test]
fn shares_are_of_what_the_platform_has() {
    refused(
        json!({ "command": "run", "capacity": { "spot": 50 } }),
        &platform_with(json!({})),
        "process api: capacity: Platform staging has a launch type and no capacity.capacityProviders",
    );
    for (platform, capacity, field, provider) in [
        (managed(), json!({ "spot": 50 }), "spot", "FARGATE"),
        (
            on("awsvpc", &[("FARGATE", "")], json!(0)),
            json!({ "spot": 100 }),
            "spot",
            "FARGATE_SPOT",
        ),
        (
            shared(),
            json!({ "capacityProviders": [{ "name": "FARGATE" }, { "name": "pool" }] }),
            "capacityProviders",
            "pool",
        ),
    ] {
        let error = built(json!({ "command": "run", "capacity": capacity }), &platform).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "process api: capacity.{field}: Platform staging does not allow {provider}: it is none of its \
                 capacity.capacityProviders, among which one may have weight 0"
            )
        );
    }
}

#[test]
fn a_schedule_takes_six_of_them_whosever_they_are() {
    let names: Vec<String> = (0..7).map(|n| format!("pool-{n}")).collect();
    let kinds: Vec<(&str, &str)> = names.iter().map(|name| (&**name, "AutoScalingGroup")).collect();
    let platform = on("bridge", &kinds, json!(0));
    let providers = |few: usize| {
        names[..few]
            .iter()
            .map(|name| json!({ "name": name }))
            .collect::<Vec<_>>()
    };
    let cron = |capacity: Value| json!({ "command": "run", "cron": "0 3 * * ? *", "capacity": capacity });
    refused(
        cron(json!(null)),
        &platform,
        "process api: cron: Platform staging has 7 capacity.capacityProviders",
    );
    let seven = json!({ "capacityProviders": providers(7) });
    refused(
        cron(seven),
        &platform,
        "process api: cron: has 7 capacity.capacityProviders",
    );
    assert!(built(cron(json!({ "capacityProviders": providers(6) })), &platform).is_ok());
}
