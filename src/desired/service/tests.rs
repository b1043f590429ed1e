//! Services as manifests give them, and those that AWS would refuse.

use serde_json::{Value, json};

use crate::desired::fixtures::build;
use crate::desired::fixtures::{app, namespace, owner, platform};
use crate::model::service::{
    Capacity, CapacityProvider, CircuitBreaker, LaunchType, PlacementConstraint, PlacementStrategy, Service,
};

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that tests can write values in place"
)]
fn built(process: Value, spec: Value) -> Result<Service, String> {
    let built = build(
        &app(json!({ "worker": process })),
        &platform(spec),
        &owner(),
        &namespace(),
    );
    let built = built.map_err(|error| error.to_string())?;
    Ok(built.desired.processes["worker"].service().unwrap().clone())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "so that tests can write values in place"
)]
fn worker(fields: Value) -> Value {
    let mut process = json!({ "command": "run", "quantity": 2 });
    for (name, value) in fields.as_object().unwrap() {
        process[name] = value.clone();
    }
    process
}

#[test]
fn what_is_said_of_deployments_is_in_place_of_the_defaults() {
    let of = |deploy: Value| built(worker(json!({ "deploy": deploy })), json!({})).unwrap();
    let breaker = |enable, rollback| CircuitBreaker { enable, rollback };
    for (deploy, percent, circuit_breaker, deadline, rolls_back) in [
        (json!({}), (100, 200), breaker(true, true), 600, true),
        (
            json!({ "minimumHealthyPercent": 50, "maximumPercent": 150, "progressDeadline": "1h" }),
            (50, 150),
            breaker(true, true),
            3_600,
            true,
        ),
        (
            json!({ "circuitBreaker": { "rollback": false } }),
            (100, 200),
            breaker(true, false),
            600,
            false,
        ),
        // The deadline still rolls back.
        (
            json!({ "circuitBreaker": { "enable": false } }),
            (100, 200),
            breaker(false, false),
            600,
            true,
        ),
    ] {
        let service = of(deploy.clone());
        let deployment = service.settings.deployment;
        assert_eq!(
            (deployment.minimum_healthy_percent, deployment.maximum_percent),
            percent,
            "{deploy}"
        );
        assert_eq!(deployment.circuit_breaker, circuit_breaker, "{deploy}");
        assert_eq!(
            (service.progress_deadline, service.rolls_back),
            (deadline, rolls_back)
        );
    }
}

#[test]
fn percentages_that_let_nothing_move_are_refused() {
    for (quantity, deploy) in [
        (json!(2), json!({ "maximumPercent": 100 })),
        // One task of one is more than half of one.
        (
            json!(1),
            json!({ "minimumHealthyPercent": 50, "maximumPercent": 100 }),
        ),
        (
            json!(1),
            json!({ "minimumHealthyPercent": 100, "maximumPercent": 150 }),
        ),
    ] {
        let process = json!({ "command": "run", "quantity": quantity, "deploy": deploy });
        let refused = built(process, json!({})).unwrap_err();
        assert!(
            refused.starts_with("process worker: deploy: ") && refused.contains("lets no task stop"),
            "{refused}"
        );
    }
    let process = json!({ "command": "run", "quantity": 0, "deploy": { "maximumPercent": 100 } });
    assert!(built(process, json!({})).is_ok());
}

#[test]
fn zones_are_rebalanced_only_where_aws_allows_it() {
    let zone = "attribute:ecs.availability-zone";
    for (fields, rebalanced) in [
        (json!({}), true),
        (json!({ "placement": {} }), true),
        (
            json!({ "placement": { "constraints": [{ "type": "distinctInstance" }] } }),
            true,
        ),
        (
            json!({ "placement": { "strategy": [{ "type": "spread", "field": zone }] } }),
            true,
        ),
        (
            json!({ "placement": { "strategy": [{ "type": "spread", "field": "instanceId" }] } }),
            false,
        ),
        (
            json!({ "placement": { "strategy": [{ "type": "random" }] } }),
            false,
        ),
        (
            json!({ "placement": { "constraints": [{ "type": "memberOf", "expression": format!("{zone} == us-east-1a") }] } }),
            false,
        ),
        (
            json!({ "deploy": { "minimumHealthyPercent": 50, "maximumPercent": 100 } }),
            false,
        ),
    ] {
        let service = built(worker(fields.clone()), json!({})).unwrap();
        assert_eq!(service.settings.zone_rebalancing, rebalanced, "{fields}");
    }
}

/// Of one kind and of none; `distinctInstance` has no expression.
fn constraints(service: &Service) -> Vec<String> {
    let constraints = service.settings.constraints.iter();
    constraints
        .map(|constraint| format!("{} {}", constraint.kind, constraint.expression))
        .collect()
}

#[test]
fn the_platforms_constraints_are_added_whatever_a_process_says() {
    let pool = json!({ "type": "memberOf", "expression": "attribute:pool == shop" });
    let platform = || json!({ "placement": { "constraints": [pool, { "type": "distinctInstance" }] } });
    let built = |placement: Value| built(worker(json!({ "placement": placement })), platform());
    let of = |placement: Value| constraints(&built(placement).unwrap());
    let both = ["memberOf attribute:pool == shop", "distinctInstance "];
    assert_eq!(of(json!(null)), both);
    assert_eq!(of(json!({})), both);
    assert_eq!(of(json!({ "strategy": [{ "type": "random" }] })), both);
    let gpu = json!({ "type": "memberOf", "expression": "attribute:gpu == yes" });
    assert_eq!(
        of(json!({ "constraints": [gpu] })),
        [both[0], both[1], "memberOf attribute:gpu == yes"]
    );
    // The same one is sent once.
    assert_eq!(of(json!({ "constraints": [pool] })), [both[1], both[0]]);
    let twice = json!({ "placement": { "constraints": [pool, pool] } });
    let service = self::built(worker(json!({})), twice).unwrap();
    assert_eq!(constraints(&service), [both[0]]);
    let many: Vec<Value> = (0..9)
        .map(|n| json!({ "type": "memberOf", "expression": format!("attribute:n == {n}") }))
        .collect();
    assert_eq!(of(json!({ "constraints": many[1..] })).len(), 10);
    assert_eq!(
        built(json!({ "constraints": many })).unwrap_err(),
        "process worker: placement.constraints: are 11 with those of Platform staging, and ECS takes at most 10"
    );
    // Without a word of the process's, the default strategy stays.
    let service = built(json!(null)).unwrap();
    assert_eq!(service.settings.placement.len(), 2);
}

#[test]
fn constraints_of_a_platform_count_where_zones_are_rebalanced() {
    let zone = json!({ "type": "memberOf", "expression": "attribute:ecs.availability-zone == us-east-1a" });
    for (constraint, rebalanced) in [(zone, false), (json!({ "type": "distinctInstance" }), true)] {
        let platform = json!({ "placement": { "constraints": [constraint] } });
        let service = built(worker(json!({})), platform).unwrap();
        assert_eq!(service.settings.zone_rebalancing, rebalanced);
    }
}

#[test]
fn placement_is_replaced_as_a_whole_and_written_as_aws_reports_it() {
    let placement = json!({
        "strategy": [{ "type": "spread", "field": "host" }, { "type": "binpack", "field": "MEMORY" }],
        "constraints": [{ "type": "distinctInstance" }, { "type": "memberOf", "expression": "attribute:gpu == yes" }],
    });
    let settings = built(worker(json!({ "placement": placement })), json!({}))
        .unwrap()
        .settings;
    assert_eq!(
        settings.placement,
        [
            PlacementStrategy::spread("instanceId"),
            PlacementStrategy {
                kind: "binpack".into(),
                field: "memory".into()
            }
        ]
    );
    let constraint = |kind: &str, expression: &str| PlacementConstraint {
        kind: kind.into(),
        expression: expression.into(),
    };
    assert_eq!(
        settings.constraints,
        [
            constraint("distinctInstance", ""),
            constraint("memberOf", "attribute:gpu == yes")
        ]
    );
    let fargate = json!({ "capacity": { "launchType": "FARGATE" }, "network": { "mode": "awsvpc" } });
    let refused = built(
        worker(json!({ "placement": { "constraints": [{ "type": "distinctInstance" }] } })),
        fargate,
    );
    assert!(
        refused
            .unwrap_err()
            .starts_with("process worker: placement: Fargate")
    );
}

#[test]
fn capacity_providers_take_the_place_of_a_launch_type() {
    let provider = |name: &str, weight, base| CapacityProvider {
        name: name.into(),
        weight,
        base,
    };
    let spot = json!({ "capacity": { "capacityProviders": [{ "name": "on-demand", "base": 1 }, { "name": "spot", "weight": 3 }] } });
    let service = built(worker(json!({})), spot).unwrap();
    assert_eq!(
        service.capacity,
        Capacity::Providers(vec![provider("on-demand", 1, 1), provider("spot", 3, 0)])
    );
    assert_eq!(service.settings.placement.len(), 2);
    let fargate = json!({
        "capacity": { "capacityProviders": [{ "name": "FARGATE_SPOT" }] }, "network": { "mode": "awsvpc" },
    });
    let process = build(
        &app(json!({ "worker": worker(json!({})) })),
        &platform(fargate),
        &owner(),
        &namespace(),
    );
    let process = process.unwrap().desired.processes["worker"].clone();
    assert_eq!(process.task_definition.launch_type, LaunchType::Fargate);
    assert_eq!(process.service().unwrap().settings.placement, []);
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>
#[test]
fn exec_needs_a_role_and_a_file_system_to_write_to() {
    let built = |process: Value, role: Option<&str>| {
        let mut app = app(json!({ "worker": process }));
        app.spec.task_role_arn = role.map(Into::into);
        let tenancy = json!({ "namespaceSelector": {}, "taskRoleArns": ["*"], "exec": true });
        let platform = platform(json!({ "tenancy": tenancy }));
        let built = build(&app, &platform, &owner(), &namespace()).map_err(|error| error.to_string())?;
        let service = built.desired.processes["worker"].service().unwrap();
        Ok::<_, String>(service.settings.exec)
    };
    let role = Some("arn:aws:iam::123456789012:role/apps/acme");
    assert_eq!(built(worker(json!({})), None), Ok(None));
    assert_eq!(built(worker(json!({ "exec": false })), None), Ok(Some(false)));
    assert_eq!(built(worker(json!({ "exec": true })), role), Ok(Some(true)));
    let refused = built(worker(json!({ "exec": true })), None).unwrap_err();
    assert!(
        refused.starts_with("process worker: exec: needs the App's taskRoleArn"),
        "{refused}"
    );
    let sealed = worker(json!({ "exec": true, "readOnlyRootFilesystem": true }));
    let refused = built(sealed, role).unwrap_err();
    assert!(
        refused.starts_with("process worker: exec: not with readOnlyRootFilesystem"),
        "{refused}"
    );
}
