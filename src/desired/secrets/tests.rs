//! Names of parameters, and the ARNs that they stand for.

use serde_json::{Value, json};

use super::super::fixtures::{app, app_with, namespace, owner, platform, task_definition};
use super::*;
use crate::desired::build;

const ROLE: &str = "arn:aws-cn:iam::123456789012:role/ecs";
const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db-AbCdEf:password::";

fn reading() -> Value {
    json!({ "tasks": { "executionRoleArn": ROLE }, "tenancy": { "namespaceSelector": {}, "secretArns": ["*"] } })
}

/// Returns what process `api` is given as `DB`, or why it is not.
fn given(text: &str) -> Result<String, String> {
    let app = app(json!({ "api": { "command": "run", "secrets": { "DB": text } } }));
    let spec = json!({ "tasks": { "executionRoleArn": ROLE }, "tenancy": {
        "namespaceSelector": {},
        "secretArns": ["arn:aws-cn:ssm:eu-west-9:123456789012:parameter/*", SECRET],
    } });
    let content = task_definition(&app, spec)?;
    Ok(content.main.secrets.get("DB").unwrap().clone())
}

#[test]
fn a_parameter_by_name_is_given_by_its_arn() {
    for (text, arn) in [
        (
            "/shop/db",
            "arn:aws-cn:ssm:eu-west-9:123456789012:parameter/shop/db",
        ),
        (
            "ssm:/shop/db",
            "arn:aws-cn:ssm:eu-west-9:123456789012:parameter/shop/db",
        ),
        ("ssm:db", "arn:aws-cn:ssm:eu-west-9:123456789012:parameter/db"),
        (
            "/copilot/acme/test/secrets/DB_1.x-y",
            "arn:aws-cn:ssm:eu-west-9:123456789012:parameter/copilot/acme/test/secrets/DB_1.x-y",
        ),
    ] {
        assert_eq!(given(text).as_deref(), Ok(arn), "{text}");
    }
}

#[test]
fn an_arn_is_given_to_the_letter() {
    assert_eq!(given(SECRET).as_deref(), Ok(SECRET));
    let app = app(json!({ "api": { "command": "run", "secrets": { "DB": SECRET } } }));
    let platform = platform(reading());
    assert!(
        matches!(resolved(&app, &platform), Cow::Borrowed(_)),
        "nothing is copied"
    );
}

#[test]
fn what_is_no_name_of_a_parameter_is_refused() {
    let long = format!("ssm:{}", "a".repeat(1_012));
    for text in [
        // Whether it is another one than `db`, its ARN does not say.
        "/db",
        "ssm:/db",
        "shop/db",
        "ssm:shop/db",
        "ssm:",
        "/",
        "/shop//db",
        "/shop/db/",
        // No version is part of the ARN.
        "/shop/db:3",
        "/shop/d b",
        "/shop/dé",
        "db",
        "secretsmanager:db",
        "arn:aws:s3:::bucket",
        &long,
    ] {
        // Whoever looks at tenancy first has refused it, too.
        assert!(given(text).is_err(), "{text}");
        assert!(!is_secret(text), "{text}");
    }
}

#[test]
fn tenancy_is_asked_for_the_arn_that_a_name_stands_for() {
    let check = |patterns: &[&str], expected: Result<(), &str>| {
        let app = app(json!({ "api": { "command": "run", "secrets": { "DB": "/bank/key" } } }));
        let spec = json!({ "tasks": { "executionRoleArn": ROLE }, "tenancy": { "namespaceSelector": {}, "secretArns": patterns } });
        let built = build(&app, &platform(spec), &owner(), &namespace());
        let found = built.map(|_| ()).map_err(|error| error.to_string());
        match (found, expected) {
            (Ok(()), Ok(())) => {}
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, _) => panic!("{patterns:?}: {found:?}"),
        }
    };
    check(
        &["arn:aws-cn:ssm:eu-west-9:123456789012:parameter/bank/*"],
        Ok(()),
    );
    let refused = "secrets: DB: Platform staging does not allow arn:aws-cn:ssm:eu-west-9:123456789012:parameter/bank/key";
    check(
        &["arn:aws-cn:ssm:eu-west-9:123456789012:parameter/shop/*"],
        Err(refused),
    );
    check(&["/bank/key"], Err(refused));
    check(&[], Err(refused));
}

#[test]
fn names_stand_for_parameters_wherever_an_app_gives_secrets() {
    let app = app_with(json!({ "spec": {
        "secrets": { "APP": "/shop/app" },
        "processes": { "api": {
            "command": "run",
            "secrets": { "OWN": "/shop/own" },
            "logging": {
                "driver": "splunk",
                "options": { "splunk-url": "https://splunk.example.com" },
                "secretOptions": { "splunk-token": "/shop/token" },
            },
            "sidecars": { "proxy": {
                "image": "registry.example/proxy:v1",
                "secrets": { "BESIDE": "ssm:beside" },
                "logging": {
                    "driver": "splunk",
                    "options": { "splunk-url": "https://splunk.example.com" },
                    "secretOptions": { "splunk-token": "/shop/other" },
                },
            } },
        } },
    } }));
    let platform = platform(
        json!({ "tasks": { "executionRoleArn": ROLE, "sidecars": { "agent": {
        "image": "registry.example/agent:v1",
        "secrets": { "KEY": "/platform/key" },
    } } } }),
    );
    let owner = owner();
    let built = crate::desired::build_unchecked(&app, &platform, &owner).unwrap();
    let content = &built.desired.processes["api"].task_definition;
    let mut arns: Vec<&str> = Vec::new();
    for container in [&content.main].into_iter().chain(&content.sidecars) {
        let logged = container
            .logging
            .iter()
            .flat_map(|logging| logging.secret_options.values());
        arns.extend(container.secrets.values().chain(logged).map(String::as_str));
    }
    arns.sort_unstable();
    let named = |name: &str| format!("arn:aws-cn:ssm:eu-west-9:123456789012:parameter/{name}");
    assert_eq!(
        arns,
        [
            "beside",
            "platform/key",
            "shop/app",
            "shop/other",
            "shop/own",
            "shop/token"
        ]
        .map(named)
    );
}

#[test]
fn a_name_needs_the_role_by_which_ecs_reads_it() {
    let app = app(json!({ "api": { "command": "run", "secrets": { "DB": "/shop/db" } } }));
    let error = crate::desired::build_unchecked(&app, &platform(json!({})), &owner()).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("secrets: Platform staging has no tasks.executionRoleArn"),
        "{error}"
    );
}

#[test]
fn a_release_is_of_the_name_and_not_of_the_arn_that_it_stands_for() {
    let digest = |role: &str| {
        let app = app_with(json!({ "spec": {
            "release": { "process": "migrate" },
            "processes": {
                "api": { "command": "run", "secrets": { "DB": "/shop/db" } },
                "migrate": { "command": "rake", "noservice": true, "secrets": { "DB": "/shop/db" } },
            },
        } }));
        let platform = platform(json!({ "tasks": { "executionRoleArn": role } }));
        let built = crate::desired::build_unchecked(&app, &platform, &owner()).unwrap();
        built.desired.release.unwrap().digest
    };
    assert_eq!(digest(ROLE), digest("arn:aws:iam::123456789012:role/other"));
}
