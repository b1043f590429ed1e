//! Runs.

use super::{accepted, apply, every_rule_was_broken, refused};

fn run(name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: empire.dev/v1alpha1, kind: Run, metadata: {{name: {name}, namespace: default}}, spec: {spec}}}"
    )
}

#[test]
fn a_run_says_what_to_run_and_stays_as_it_is() {
    let mut complaints = Vec::new();
    for (spec, expected) in [
        ("{app: Acme}", "must be the name of an App"),
        (
            "{app: acme, args: [a]}",
            "spec.args: Invalid value: …args: need a command before them",
        ),
        (
            "{app: acme, shell: true}",
            "spec.shell: Invalid value: …shell: needs a command for it to run",
        ),
        (
            "{app: acme, command: ' '}",
            "spec.command: Invalid value: …must not be empty: say what to run",
        ),
        (
            r#"{app: acme, command: "a\u0000b"}"#,
            "must not have control characters",
        ),
        ("{app: acme, env: {1A: b}}", "env: 1A: a name consists of letters"),
        (
            "{app: acme, env: {EMPIRE_A: b}}",
            "env: EMPIRE_A: SOURCE and names that begin with EMPIRE_ are reserved",
        ),
        (
            "{app: acme, memory: 5Mi}",
            "must be an amount of memory from 6Mi to 32Ti",
        ),
        ("{app: acme, timeout: 25h}", "must be from 10s to 24h"),
        ("{app: acme, ttlAfterFinished: 721h}", "must be from 0s to 720h"),
        (
            "{app: acme, cpu: 1}",
            "spec.cpu in body should be greater than or equal to 2",
        ),
    ] {
        complaints.push(refused(&run("console", spec), expected));
    }
    let before = "{app: acme, process: web, command: rake, args: [a], env: {A: '1'}, timeout: 90s}";
    apply(&run("console", before));
    accepted(&run("console", before));
    accepted(&run(
        "console",
        "{app: acme, process: web, command: rake, args: [a], env: {A: '1'}, timeout: 90s, ttlAfterFinished: 0s}",
    ));
    let changed = "Invalid value: …a Run cannot be changed but for ttlAfterFinished";
    for edit in [
        "{app: other, process: web, command: rake, args: [a], env: {A: '1'}, timeout: 90s}",
        "{app: acme, command: rake, args: [a], env: {A: '1'}, timeout: 90s}",
        "{app: acme, process: web, command: rake, args: [b], env: {A: '1'}, timeout: 90s}",
        "{app: acme, process: web, command: rake, args: [a], env: {A: '2'}, timeout: 90s}",
        "{app: acme, process: web, command: rake, args: [a], env: {A: '1'}, timeout: 91s}",
        "{app: acme, process: web, command: rake, args: [a], env: {A: '1'}, timeout: 90s, memory: 1Gi}",
    ] {
        complaints.push(refused(&run("console", edit), changed));
    }
    accepted(&run("other", "{app: acme}"));
    every_rule_was_broken("Run", &complaints);
}
