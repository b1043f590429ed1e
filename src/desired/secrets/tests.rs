//! Names of parameters, and the ARNs that they stand for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::fixtures::{app, app_with, build_unchecked, namespace, owner, platform, task_definition};
use super::*;
use crate::desired::fixtures::build;
use crate::model::secret::{Reading, SecretId, SecretState, SecretVersions, SecretWait, Secrets};

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
    let (platform, secrets) = (platform(reading()), Secrets::default());
    let resolved = Names::at(&platform, &secrets).resolve(&app);
    assert!(matches!(resolved, Cow::Borrowed(_)), "nothing is copied");
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
        "arn:aws:s3:::bucket",
        &long,
    ] {
        // Not by tenancy, which would have its reader look for a pattern.
        let refused = given(text).unwrap_err();
        let says = refused.starts_with("process api: secrets: DB: must be the ARN");
        assert!(says || text.starts_with("arn:"), "{text}: {refused}");
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
    let built = build_unchecked(&app, &platform, &owner).unwrap();
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
    let error = build_unchecked(&app, &platform(json!({})), &owner()).unwrap_err();
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
        let built = build_unchecked(&app, &platform, &owner()).unwrap();
        built.desired.release.unwrap().digest
    };
    assert_eq!(digest(ROLE), digest("arn:aws:iam::123456789012:role/other"));
}

fn secret(current: &str) -> Reading {
    Reading::Secret(SecretState {
        arn: RESOLVED.into(),
        current: Some(current.into()),
        is_deleted: false,
    })
}

fn db() -> SecretId {
    SecretId::Secret("shop/db".into())
}

fn reads(reading: Reading) -> Secrets {
    Secrets {
        read: BTreeMap::from([(db(), reading)]),
        ..Secrets::default()
    }
}

const RESOLVED: &str = "arn:aws-cn:secretsmanager:eu-west-9:123456789012:secret:shop/db-AbCdEf";

/// Returns what process `api` is given for a name, and what it waits for.
fn resolved(text: &str, secrets: &Secrets) -> (String, Option<(SecretWait, String)>) {
    let app = app(json!({ "api": { "command": "run", "secrets": { "DB": text } } }));
    let built = crate::desired::build(&app, &platform(reading()), &owner(), &namespace(), secrets).unwrap();
    let process = &built.desired.processes["api"];
    let given = process.task_definition.main.secrets.get("DB").unwrap().clone();
    let awaited = process.awaited_secret.as_ref();
    (
        given,
        awaited.map(|awaited| (awaited.wait, awaited.message.clone())),
    )
}

#[test]
fn a_secret_by_name_is_given_by_its_arn_with_what_ecs_takes_behind_it() {
    let read = reads(secret("v1"));
    for (text, behind) in [
        ("secretsmanager:shop/db", ""),
        ("secretsmanager:shop/db:password", ":password::"),
        (
            "secretsmanager:shop/db:password:AWSPREVIOUS",
            ":password:AWSPREVIOUS:",
        ),
        ("secretsmanager:shop/db:::v-1", ":::v-1"),
        ("secretsmanager:shop/db:password::v-1", ":password::v-1"),
    ] {
        assert_eq!(
            resolved(text, &read),
            (format!("{RESOLVED}{behind}"), None),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_name_of_a_secret_is_refused() {
    for text in [
        "secretsmanager:",
        "secretsmanager::password",
        "secretsmanager:shop/db:",
        "secretsmanager:shop/db:::",
        "secretsmanager:shop db",
        // ECS takes a version by its label or by its id.
        "secretsmanager:shop/db::AWSPREVIOUS:v-1",
        "secretsmanager:shop/db:a:b:c:d",
    ] {
        assert!(!is_secret(text), "{text}");
    }
}

#[test]
fn what_is_not_there_is_waited_for_and_what_cannot_be_read_is_as_the_status_shows_it() {
    let text = "secretsmanager:shop/db";
    let shown = |secrets: Secrets| Secrets {
        shown: BTreeMap::from([("shop/db".to_owned(), RESOLVED.to_owned())]),
        ..secrets
    };
    let gone = Reading::Secret(SecretState {
        arn: RESOLVED.into(),
        current: None,
        is_deleted: true,
    });
    let missing = "secrets: DB: there is no secret shop/db in Secrets Manager";
    let deleted = "secrets: DB: secret shop/db is scheduled for deletion in Secrets Manager";
    let unread = "secrets: DB: secret shop/db is not read yet";
    for (secrets, given, awaited) in [
        (Secrets::default(), text, Some((SecretWait::Unread, unread))),
        (shown(Secrets::default()), RESOLVED, None),
        (
            reads(Reading::Missing),
            text,
            Some((SecretWait::Missing, missing)),
        ),
        (
            shown(reads(Reading::Missing)),
            RESOLVED,
            Some((SecretWait::Missing, missing)),
        ),
        (shown(reads(gone)), RESOLVED, Some((SecretWait::Missing, deleted))),
    ] {
        let awaited = awaited.map(|(wait, message)| (wait, message.to_owned()));
        assert_eq!(resolved(text, &secrets), (given.to_owned(), awaited));
    }
}

#[test]
fn a_process_that_hides_a_secret_of_its_app_does_not_wait_for_it() {
    let app = app_with(json!({ "spec": {
        "secrets": { "DB": "secretsmanager:shop/db" },
        "processes": {
            "api": { "command": "run" },
            "other": { "command": "run", "env": { "DB": "none" } },
        },
    } }));
    let built = build_unchecked(&app, &platform(reading()), &owner()).unwrap();
    let waits = |process: &str| built.desired.processes[process].awaited_secret.is_some();
    assert!(waits("api") && !waits("other"));
    let asked = super::asked(&app, &platform(reading()));
    assert_eq!(asked.named, BTreeSet::from(["shop/db".to_owned()]));
}

#[test]
fn versions_are_of_what_can_be_seen_to_change() {
    let watched = |text: &str| {
        let app =
            app(json!({ "api": { "command": "run", "rollOnChange": true, "secrets": { "DB": text } } }));
        super::asked(&app, &platform(reading())).watched.remove("api")
    };
    let one = |id: SecretId| Some(BTreeSet::from([id]));
    let parameter = |name: &str| one(SecretId::Parameter(name.into()));
    assert_eq!(watched("secretsmanager:shop/db:password"), one(db()));
    assert_eq!(watched("secretsmanager:shop/db::AWSPREVIOUS"), one(db()));
    assert_eq!(
        watched("secretsmanager:shop/db::mine"),
        None,
        "a label of one's own"
    );
    assert_eq!(watched("secretsmanager:shop/db:::v-1"), None);
    let arn = |rest: &str| format!("{RESOLVED}{rest}");
    assert_eq!(
        watched(&arn(":password::")),
        one(SecretId::Secret(RESOLVED.into()))
    );
    assert_eq!(watched(&arn(":::v-1")), None);
    assert_eq!(watched(&RESOLVED.replace("eu-west-9", "us-east-1")), None);
    assert_eq!(watched("/shop/db"), parameter("/shop/db"));
    assert_eq!(watched("ssm:db"), parameter("db"));
    let of = |account: &str, name: &str| format!("arn:aws-cn:ssm:eu-west-9:{account}:parameter/{name}");
    assert_eq!(watched(&of("123456789012", "shop/db")), parameter("/shop/db"));
    assert_eq!(watched(&of("123456789012", "db")), parameter("db"));
    assert_eq!(watched(&of("210987654321", "shop/db")), None);
}

/// Returns the versions of process `api`.
fn versions(process: &Value, secrets: &Secrets) -> SecretVersions {
    let app = app(json!({ "api": process }));
    let platform = platform(reading());
    super::versions(&app, &app.spec.processes["api"], &platform, secrets)
}

#[test]
fn a_version_is_another_with_another_value_and_the_same_by_name_and_by_arn() {
    let of = |text: &str| json!({ "command": "run", "rollOnChange": true, "secrets": { "DB": text } });
    let by_name = |version: &str| {
        versions(&of("secretsmanager:shop/db"), &reads(secret(version)))
            .known()
            .cloned()
    };
    assert!(by_name("v1").is_some());
    assert_ne!(by_name("v1"), by_name("v2"));
    let read = BTreeMap::from([(SecretId::Secret(RESOLVED.into()), secret("v1"))]);
    let by_arn = Secrets {
        read,
        ..Secrets::default()
    };
    assert_eq!(versions(&of(RESOLVED), &by_arn).known(), by_name("v1").as_ref());
    let name = of("secretsmanager:shop/db");
    assert_eq!(versions(&name, &Secrets::default()), SecretVersions::Unknown);
    assert_eq!(versions(&name, &reads(Reading::Missing)), SecretVersions::Unknown);
    for quiet in [
        json!({ "command": "run", "secrets": { "DB": "secretsmanager:shop/db" } }),
        json!({ "command": "run", "rollOnChange": true }),
        json!({ "command": "run", "noservice": true, "rollOnChange": true, "secrets": { "DB": "/shop/db" } }),
    ] {
        assert_eq!(
            versions(&quiet, &reads(secret("v1"))),
            SecretVersions::Ignored,
            "{quiet}"
        );
    }
}

#[test]
fn a_process_says_otherwise_than_its_app() {
    let app = app_with(json!({ "spec": {
        "rollOnChange": true,
        "secrets": { "DB": "/shop/db" },
        "processes": {
            "api": { "command": "run" },
            "other": { "command": "run", "rollOnChange": false },
        },
    } }));
    let asked = super::asked(&app, &platform(reading()));
    let rolled: Vec<&String> = asked.watched.keys().collect();
    assert_eq!(rolled, ["api"]);
}

#[test]
fn credentials_of_a_registry_may_be_given_by_name() {
    let with = |text: &str| {
        let app = app(json!({ "api": { "command": "run", "repositoryCredentials": text } }));
        let read = reads(secret("v1"));
        let built = crate::desired::build(&app, &platform(reading()), &owner(), &namespace(), &read);
        let built = built.map_err(|error| error.to_string())?;
        let details = built.desired.processes["api"]
            .task_definition
            .main
            .details
            .clone();
        Ok(details.unwrap().repository_credentials.unwrap())
    };
    assert_eq!(with("secretsmanager:shop/db"), Ok(RESOLVED.to_owned()));
    for text in ["/shop/db", "secretsmanager:shop/db:password"] {
        let refused: Result<String, String> = with(text);
        assert!(
            refused.unwrap_err().contains("repositoryCredentials: must be"),
            "{text}"
        );
    }
}
