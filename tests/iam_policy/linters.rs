//! What parliament and policy_sentry find in the policies.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{BASE, FILES, text};

/// Prints what `tests/policy/lint` finds in a policy, one fault a line.
fn lint(policy: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let environment = Command::new(root.join("deploy/local/python"))
        .arg(root.join("tests/policy/requirements.txt"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(environment.status.success(), "the linters cannot be installed");
    let bin = String::from_utf8(environment.stdout).unwrap();
    let mut linter = Command::new(Path::new(bin.trim_end()).join("python"))
        .arg(root.join("tests/policy/lint"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    linter.stdin.take().unwrap().write_all(policy.as_bytes()).unwrap();
    let output = linter.wait_with_output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.success(), found.is_empty(), "{found}");
    found
}

/// As if all were one policy.
#[test]
fn linters_find_no_fault() {
    let mut all: Value = serde_json::from_str(&text(BASE)).unwrap();
    let statements = all["Statement"].as_array_mut().unwrap();
    for file in FILES.into_iter().filter(|file| *file != BASE) {
        let added: Value = serde_json::from_str(&text(file)).unwrap();
        statements.extend(added["Statement"].as_array().unwrap().clone());
    }
    assert_eq!(lint(&all.to_string()), "");
}

#[test]
fn linters_find_what_aws_would_refuse() {
    let swap = |from: &str, to: &str| {
        let policy = text(BASE);
        assert!(policy.contains(from), "{from}");
        lint(&policy.replace(from, to))
    };
    for (from, to, fault) in [
        (
            "ecs:ListServices",
            "ecs:ListServicez",
            "policy_sentry: FindServicesOfClusters: there is no action ecs:ListServicez",
        ),
        (
            r#"["arn:*:ecs:*:123456789012:service/*", "arn:*:ecs:*:123456789012:service-deployment/*"]"#,
            r#""arn:*:ecs:*:123456789012:service-deployment/*""#,
            "policy_sentry: StopRollouts: ecs:StopServiceDeployment asks for a service",
        ),
        (
            "route53:ChangeResourceRecordSetsActions",
            "route53:Actions",
            "policy_sentry: ChangeNames: route53:ChangeResourceRecordSets knows no condition key route53:Actions",
        ),
        (
            "schedule/empire-*/*",
            "schedule-group/empire-*",
            "policy_sentry: KeepSchedulesInTheGroup: scheduler:CreateSchedule asks for a schedule",
        ),
        (
            "\"Null\"",
            "\"Nil\"",
            "parliament: RegisterWithOurTag: UNKNOWN_OPERATOR: Nil",
        ),
    ] {
        let found = swap(from, to);
        assert!(found.contains(fault), "{fault} is not in:\n{found}");
    }
}
