//! `deploy/iam-policy.json`, and what `deploy/iam` adds to it, allow what `src/aws` calls, what AWS wants besides, and nothing
//! else.
//!
//! The calls are read from the `Call` constants in the source, so that a new one fails here until it is allowed.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

#[path = "iam_policy/autoscaling.rs"]
mod autoscaling;
#[path = "iam_policy/conditions.rs"]
mod conditions;
#[path = "iam_policy/linters.rs"]
mod linters;
#[path = "iam_policy/logs.rs"]
mod logs;
#[path = "iam_policy/secrets.rs"]
mod secrets;
#[path = "iam_policy/values.rs"]
mod values;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use empire_controller::model::name::{load_balancer_prefix, schedule_group};
use empire_controller::model::owner::{AppName, OWNER_TAG};
use serde_json::{Value, json};

/// The actions that AWS checks besides the one that is called. For Elastic Load Balancing:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-permissions.html>; for the tags:
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/supported-iam-actions-tagging.html>; the role is the
/// task's execution role.
///
/// `ec2:GetSecurityGroupsForVpc` is on no such page, but since October 2024 some accounts are refused without it
/// (<https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/3917>), and AWS's own policy has it:
/// <https://docs.aws.amazon.com/aws-managed-policy/latest/reference/ElasticLoadBalancingFullAccess.html>.
const BESIDES: &[(&str, &[&str])] = &[
    (
        "ecs:CreateService",
        &["ecs:TagResource", "iam:CreateServiceLinkedRole"],
    ),
    ("ecs:RegisterTaskDefinition", &["ecs:TagResource", "iam:PassRole"]),
    // Its task takes over the tags of its task definition.
    ("ecs:RunTask", &["ecs:TagResource", "iam:PassRole"]),
    (
        "elasticloadbalancing:CreateLoadBalancer",
        &[
            "elasticloadbalancing:AddTags",
            "ec2:DescribeAccountAttributes",
            "ec2:DescribeAddresses",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcs",
            "ec2:GetSecurityGroupsForVpc",
            "iam:CreateServiceLinkedRole",
        ],
    ),
    (
        "elasticloadbalancing:CreateTargetGroup",
        &[
            "elasticloadbalancing:AddTags",
            "ec2:DescribeInternetGateways",
            "ec2:DescribeVpcs",
        ],
    ),
    (
        "elasticloadbalancing:CreateListener",
        &["elasticloadbalancing:AddTags"],
    ),
    ("elasticloadbalancing:SetSubnets", &["ec2:DescribeSubnets"]),
    ("scheduler:CreateScheduleGroup", &["scheduler:TagResource"]),
    ("scheduler:CreateSchedule", &["iam:PassRole"]),
    // Of the tags that it is made with:
    // <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html>
    ("logs:CreateLogGroup", &["logs:TagResource"]),
    // The alarms of a policy are kept in the name of the one who calls:
    // <https://docs.aws.amazon.com/autoscaling/application/userguide/security_iam_id-based-policy-examples.html>
    (
        "application-autoscaling:PutScalingPolicy",
        &["cloudwatch:DescribeAlarms", "cloudwatch:PutMetricAlarm"],
    ),
    (
        "application-autoscaling:DeleteScalingPolicy",
        &["cloudwatch:DeleteAlarms"],
    ),
    (
        "application-autoscaling:RegisterScalableTarget",
        &["iam:CreateServiceLinkedRole"],
    ),
];

/// Actions that change something without tags: Route 53 has ownership in its records, and a service deployment belongs
/// to a service, which has them; schedules belong to a group, which has them.
const UNTAGGED: &[&str] = &["route53:", "ecs:StopServiceDeployment", SCHEDULES];
const SCHEDULES: &str = "scheduler:";

/// The services that have a policy of their own.
const ADDED: [&str; 4] = [
    autoscaling::SERVICE,
    logs::SERVICE,
    secrets::SERVICE,
    secrets::PARAMETERS,
];

/// True for an action of that service or, without one, of any that has no policy of its own.
fn is_of(service: Option<&str>, action: &str) -> bool {
    let added = ADDED.into_iter().find(|service| action.starts_with(service));
    added == service
}

/// The calls of the source by their verb (read, create, modify, delete): those of a service that has a policy of its own, or all
/// others.
fn calls(service: Option<&str>) -> BTreeMap<String, BTreeSet<String>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/aws");
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        for constant in source.split(": Call = Call::").skip(1) {
            let (verb, rest) = constant.split_once('(').unwrap();
            let action = rest.split('"').nth(1).unwrap();
            if is_of(service, action) {
                calls.entry(verb.into()).or_default().insert(action.into());
            }
        }
    }
    let verbs: Vec<&str> = calls.keys().map(String::as_str).collect();
    assert_eq!(verbs, ["create", "delete", "modify", "read"]);
    calls
}

struct Statement {
    sid: String,
    actions: BTreeSet<String>,
    resources: BTreeSet<String>,
    condition: Value,
}

const BASE: &str = "deploy/iam-policy.json";
/// Of a risk each, to be added by who wants it.
const ADOPT: &str = "deploy/iam/adopt.json";
const ZONE_NAMES: &str = "deploy/iam/zone-names.json";
const EXEC: &str = "deploy/iam/exec.json";
const AUTOSCALING: &str = "deploy/iam/autoscaling.json";
const LOGS: &str = "deploy/iam/logs.json";
const PRIVILEGED: &str = "deploy/iam/privileged.json";
const SECRETS: &str = "deploy/iam/secrets.json";
const FILES: [&str; 8] = [
    BASE,
    ADOPT,
    AUTOSCALING,
    EXEC,
    LOGS,
    PRIVILEGED,
    SECRETS,
    ZONE_NAMES,
];
/// Takes the place of the owner id.
const OWNER_ID: &str = "OWNER_ID";

fn policy() -> Vec<Statement> {
    statements(BASE)
}

fn statements(file: &str) -> Vec<Statement> {
    let policy: Value = serde_json::from_str(&text(file)).unwrap();
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().unwrap();
    let read = |statement: &Value| {
        assert_eq!(statement["Effect"], "Allow");
        Statement {
            sid: statement["Sid"].as_str().unwrap().into(),
            actions: strings(&statement["Action"]),
            resources: strings(&statement["Resource"]),
            condition: statement["Condition"].clone(),
        }
    };
    statements.iter().map(read).collect()
}

fn text(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// IAM takes one string for a list of one.
fn strings(value: &Value) -> BTreeSet<String> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice);
    all.iter().map(|one| one.as_str().unwrap().into()).collect()
}

/// The one statement that allows an action under a condition on this key.
fn allowing<'a>(policy: &'a [Statement], action: &'a str, key: &str) -> &'a Statement {
    let found: Vec<&Statement> = all_allowing(policy, action)
        .filter(|statement| statement.condition.to_string().contains(&format!("\"{key}\"")))
        .collect();
    assert_eq!(found.len(), 1, "{action} under {key}");
    found[0]
}

fn all_allowing<'a>(policy: &'a [Statement], action: &'a str) -> impl Iterator<Item = &'a Statement> {
    let mut found = policy
        .iter()
        .filter(move |statement| statement.actions.contains(action))
        .peekable();
    assert!(found.peek().is_some(), "{action} is not allowed");
    found
}

/// The values that a condition asks a key to have.
fn wanted<'a>(statement: &'a Statement, operator: &str, key: &str) -> &'a Value {
    &statement.condition[operator][key]
}

#[test]
fn allows_what_is_called_and_nothing_else() {
    for (file, service) in [
        (BASE, None),
        (AUTOSCALING, Some(autoscaling::SERVICE)),
        (LOGS, Some(logs::SERVICE)),
    ] {
        let called: BTreeSet<String> = calls(service).into_values().flatten().collect();
        let besides = BESIDES.iter();
        let besides = besides.filter(|(action, _)| is_of(service, action));
        let mut wanted = called.clone();
        for (action, besides) in besides {
            assert!(called.contains(*action), "{action} is not called");
            wanted.extend(besides.iter().map(|action| (*action).to_owned()));
        }
        let allowed: BTreeSet<String> = statements(file)
            .into_iter()
            .flat_map(|statement| statement.actions)
            .collect();
        let missing: Vec<&String> = wanted.difference(&allowed).collect();
        let needless: Vec<&String> = allowed.difference(&wanted).collect();
        assert!(missing.is_empty(), "called but not allowed: {missing:?}");
        assert!(needless.is_empty(), "allowed but not called: {needless:?}");
    }
}

#[test]
fn what_exists_is_taken_over_only_without_an_owner_tag_and_only_where_that_is_added() {
    let [adoption] = &statements(ADOPT)[..] else {
        panic!("more than one statement")
    };
    let tagging = ["ecs:TagResource", "elasticloadbalancing:AddTags"];
    assert_eq!(adoption.actions, tagging.map(Into::into).into());
    let (request, resource) = (
        format!("aws:RequestTag/{OWNER_TAG}"),
        format!("aws:ResourceTag/{OWNER_TAG}"),
    );
    assert_eq!(
        adoption.condition,
        json!({"StringEquals": {request: OWNER_ID}, "Null": {resource: "true"}})
    );
    assert!(!adoption.resources.contains("*"));
}

/// What the first policy allows of a service, and denies with ECS Exec.
#[test]
fn exec_is_turned_on_only_where_that_is_added() {
    let (base, added) = (policy(), statements(EXEC));
    let key = "ecs:enable-execute-command";
    assert_eq!(added.len(), 2);
    for (action, of) in [
        ("ecs:CreateService", "Request"),
        ("ecs:UpdateService", "Resource"),
    ] {
        let owner = format!("aws:{of}Tag/{OWNER_TAG}");
        let (denying, allowing) = (allowing(&base, action, &owner), allowing(&added, action, &owner));
        assert!(allowing.resources.is_subset(&denying.resources));
        assert_eq!(allowing.actions, [action.to_owned()].into());
        let mut condition = denying.condition.clone();
        condition.as_object_mut().unwrap().remove("StringNotEquals");
        condition["StringEquals"][key] = json!("true");
        assert_eq!(allowing.condition, condition);
    }
}

/// What the first policy denies, and with no other tag than that asks for.
#[test]
fn a_privileged_container_is_registered_only_where_that_is_added() {
    let (base, added) = (policy(), statements(PRIVILEGED));
    let (action, key) = ("ecs:RegisterTaskDefinition", "ecs:privileged");
    let [added] = &added[..] else {
        panic!("more than one statement")
    };
    assert_eq!(added.actions, [action.to_owned()].into());
    let owner = format!("aws:RequestTag/{OWNER_TAG}");
    assert_eq!(
        added.condition,
        json!({"StringEquals": {owner.clone(): OWNER_ID, key: "true"}})
    );
    let denying = allowing(&base, action, &owner);
    assert_eq!(denying.condition["StringNotEquals"][key], "true");
    assert_eq!(denying.resources, added.resources);
}

#[test]
fn what_exists_is_changed_only_with_our_owner_tag() {
    let (policy, calls) = (policy(), calls(None));
    let key = format!("aws:ResourceTag/{OWNER_TAG}");
    for action in calls["modify"].union(&calls["delete"]) {
        if !UNTAGGED.iter().any(|untagged| action.starts_with(untagged)) {
            let statement = allowing(&policy, action, &key);
            assert_eq!(wanted(statement, "StringEquals", &key), OWNER_ID);
            assert!(!statement.resources.contains("*"), "{action}");
        }
    }
}

#[test]
fn what_is_created_has_our_owner_tag_from_the_start() {
    let (policy, calls) = (policy(), calls(None));
    let key = format!("aws:RequestTag/{OWNER_TAG}");
    let mut creates: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for action in &calls["create"] {
        if action == "scheduler:CreateSchedule" {
            continue;
        }
        // A task takes over the tags of its task definition, so that must have it.
        let key = match action.as_str() {
            "ecs:RunTask" => format!("aws:ResourceTag/{OWNER_TAG}"),
            _ => key.clone(),
        };
        for statement in all_allowing(&policy, action) {
            assert_eq!(wanted(statement, "StringEquals", &key), OWNER_ID, "{action}");
        }
        let (service, operation) = action.split_once(':').unwrap();
        creates.entry(service).or_default().insert(operation.into());
    }
    // Tags in a create are a permission of their own, for just these creates.
    for (service, tagging) in [
        ("ecs", "ecs:TagResource"),
        ("elasticloadbalancing", "elasticloadbalancing:AddTags"),
    ] {
        let key = format!("{service}:CreateAction");
        let statement = allowing(&policy, tagging, &key);
        let listed = strings(&statement.condition["StringEquals"][&key]);
        assert_eq!(Some(&listed), creates.get(service));
    }
    // EventBridge Scheduler knows no such condition: its groups are tagged by name, and with an owner.
    let tagging = allowing(&policy, "scheduler:TagResource", &key);
    assert!(tagging.actions.contains("scheduler:CreateScheduleGroup"));
    assert_eq!(
        creates.into_keys().collect::<Vec<_>>(),
        ["ecs", "elasticloadbalancing", "scheduler"]
    );
}

#[test]
fn schedules_and_their_groups_bear_our_names() {
    let group = schedule_group("installation-1");
    assert!(group.starts_with("empire-"), "{group}");
    for statement in policy() {
        for action in &statement.actions {
            // The one action that AWS ties to no resource.
            if !action.starts_with(SCHEDULES) || action == "scheduler:ListSchedules" {
                continue;
            }
            let scheduler = |resource: &&String| resource.contains(":scheduler:");
            let scoped: Vec<&String> = statement.resources.iter().filter(scheduler).collect();
            assert!(!scoped.is_empty(), "{action}");
            for resource in scoped {
                assert!(
                    resource.ends_with(":schedule-group/empire-*")
                        || resource.ends_with(":schedule/empire-*/*"),
                    "{action}: {resource}"
                );
            }
        }
    }
}

const RECORDS: &str = "route53:ChangeResourceRecordSets";

#[test]
fn records_are_never_overwritten_and_other_types_and_a_zones_own_name_never_touched() {
    let expected = |names: Value| {
        let key = |of: &str| format!("{RECORDS}{of}");
        json!({
            "ForAllValues:StringEquals": {
                key("Actions"): ["CREATE", "DELETE"],
                key("RecordTypes"): ["A", "CNAME", "TXT"],
            },
            "ForAllValues:StringLike": { key("NormalizedRecordNames"): names },
            "Null": {
                key("Actions"): "false",
                key("NormalizedRecordNames"): "false",
                key("RecordTypes"): "false",
            },
        })
    };
    let (base, added) = (policy(), statements(ZONE_NAMES));
    let [base, added] = [&base, &added].map(|policy| {
        let found: Vec<&Statement> = all_allowing(policy, RECORDS).collect();
        assert_eq!(found.len(), 1);
        found[0]
    });
    assert_eq!(base.condition, expected(json!("*.example.com")));
    // One batch may hold both, and has to be allowed by one statement.
    assert_eq!(added.condition, expected(json!(["example.com", "*.example.com"])));
}

#[test]
fn a_role_is_passed_by_its_name_or_path_and_to_the_one_service_that_needs_it() {
    let policy = policy();
    let passing = policy
        .iter()
        .filter(|statement| statement.actions.contains("iam:PassRole"));
    let mut services = Vec::new();
    for statement in passing {
        let service = statement.condition["StringEquals"]["iam:PassedToService"].clone();
        assert_eq!(
            statement.condition,
            json!({"StringEquals": {"iam:PassedToService": service}})
        );
        services.push(service);
        for role in &statement.resources {
            let (_, name) = role.split_once(":role/").unwrap();
            let is_path = name.strip_suffix("/*").is_some_and(|path| !path.contains('*'));
            assert!(is_path || !name.contains('*'), "{role}");
        }
    }
    assert_eq!(services, ["ecs-tasks.amazonaws.com", "scheduler.amazonaws.com"]);
}

#[test]
fn resources_are_in_the_example_account_and_balancers_bear_our_names() {
    let app = AppName {
        namespace: "shop".into(),
        name: "acme".into(),
    };
    let every = "e-*";
    assert!(load_balancer_prefix(&app).starts_with(every.trim_end_matches('*')));
    for Statement { sid, resources, .. } in FILES.into_iter().flat_map(statements) {
        for resource in resources.iter().filter(|resource| *resource != "*") {
            let parts: Vec<&str> = resource.splitn(6, ':').collect();
            let [_, _, service, _, account, name] = parts[..] else {
                panic!("{sid}: {resource} is no ARN")
            };
            let expected = if service == "route53" { "" } else { "123456789012" };
            assert_eq!(account, expected, "{sid}: {resource}");
            assert!(
                service != "elasticloadbalancing" || name.ends_with(&format!("/{every}")),
                "{sid}: {resource}"
            );
        }
    }
}

/// `aws-cn` and `aws-us-gov` have the same services, principals and actions.
#[test]
fn is_the_same_in_every_partition() {
    for Statement { sid, resources, .. } in FILES.into_iter().flat_map(statements) {
        for resource in resources.iter().filter(|resource| *resource != "*") {
            assert!(resource.starts_with("arn:*:"), "{sid}: {resource}");
        }
    }
}

/// A managed policy has 6,144 characters at most, of which a role takes ten, and those that are part of a role have 10,240
/// together: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
#[test]
fn fits_into_a_role_with_the_longest_owner_id_and_says_each_thing_once() {
    // Of zones and roles there may be more than here.
    const ROOM: usize = 1_000;
    let owner = "0".repeat(64);
    for file in FILES {
        let put_in = text(file).replace("OWNER_ID", &owner);
        let characters = put_in
            .chars()
            .filter(|character| !character.is_whitespace())
            .count();
        let most = if file == BASE { 10_240 } else { 6_144 };
        assert!(characters + ROOM <= most, "{file}: {characters}");
    }
    assert!(FILES.len() <= 11);
    let policy: Vec<Statement> = FILES.into_iter().flat_map(statements).collect();
    let sids: BTreeSet<&str> = policy.iter().map(|statement| statement.sid.as_str()).collect();
    assert_eq!(sids.len(), policy.len());
    for Statement { sid, actions, .. } in &policy {
        assert!(
            sid.chars().all(|character| character.is_ascii_alphanumeric()),
            "{sid}"
        );
        for action in actions {
            assert!(!action.contains('*'), "{sid}: {action}");
        }
    }
}
