//! The page about permissions names every statement of the policies, and none that there is not.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use similar_asserts::assert_eq;

use super::{read, table};

#[test]
fn every_statement_of_the_policy_belongs_to_a_feature() {
    for (table_of, files) in [
        ("feature", &["deploy/iam-policy.json"][..]),
        (
            "added, from `deploy/iam`",
            &[
                "deploy/iam/adopt.json",
                "deploy/iam/autoscaling.json",
                "deploy/iam/exec.json",
                "deploy/iam/logs.json",
                "deploy/iam/privileged.json",
                "deploy/iam/secrets.json",
                "deploy/iam/zone-names.json",
            ],
        ),
    ] {
        let policies: Vec<Value> = files
            .iter()
            .map(|file| serde_json::from_str(&read(file)).unwrap())
            .collect();
        let statements = policies
            .iter()
            .flat_map(|policy| policy["Statement"].as_array().unwrap());
        let statements: BTreeSet<&str> = statements
            .map(|statement| statement["Sid"].as_str().unwrap())
            .collect();
        let rows = table("docs/aws-permissions.md", table_of);
        let named = rows.iter().flat_map(|row| row[1].split('`').skip(1).step_by(2));
        let named: Vec<&str> = named.collect();
        let once: BTreeSet<&str> = named.iter().copied().collect();
        assert_eq!(named.len(), once.len(), "a statement belongs to two features");
        assert_eq!(once, statements);
    }
}

/// A line has several of them, and what is left is denied weeks later.
#[test]
fn the_page_on_the_installation_puts_in_every_account_owner_and_zone() {
    let page = read("docs/install.md");
    let line = page
        .lines()
        .find(|line| line.trim().starts_with("sed \"s/"))
        .unwrap();
    let (sed, _) = line.split_once(" deploy/iam-policy.json").unwrap();
    let output = Command::new("sh")
        .args(["-c", &format!("{sed} deploy/iam-policy.json deploy/iam/*.json")])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .envs([
            ("account", "999999999999"),
            ("owner", "0a1b2c3d"),
            ("zone", "apps.example.org"),
        ])
        .output()
        .unwrap();
    let policies = String::from_utf8(output.stdout).unwrap();
    for put_in in ["999999999999", "0a1b2c3d", "apps.example.org"] {
        assert!(policies.contains(put_in), "{put_in}: {policies}");
    }
    for left in ["123456789012", "OWNER_ID", "example.com"] {
        let lines: Vec<&str> = policies.lines().filter(|line| line.contains(left)).collect();
        assert!(lines.is_empty(), "{left}: {lines:#?}");
    }
}
