//! Apps.

use super::{accepted, apply, every_rule_was_broken, kubectl, refused, try_apply};

/// The value of an environment variable, which no complaint may repeat.
const VALUE: &str = "open-sesame";

fn named(name: &str, spec: &str) -> String {
    format!("{{apiVersion: empire.dev/v1alpha1, kind: App, metadata: {{name: {name}}}, spec: {spec}}}")
}

fn app(spec: &str) -> String {
    named("acme", spec)
}

fn processes(processes: &str) -> String {
    app(&format!("{{image: acme, processes: {processes}}}"))
}

/// A process that is not exposed by itself.
fn process(fields: &str) -> String {
    processes(&format!("{{api: {{command: ./bin/api, {fields}}}}}"))
}

fn expose(fields: &str) -> String {
    process(&format!("expose: {{{fields}}}"))
}

fn check(fields: &str) -> String {
    expose(&format!("check: {{{fields}}}"))
}

fn env(variable: &str) -> String {
    process(&format!("env: {{{variable}: {VALUE}}}"))
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn a_bad_app_is_refused_in_words_that_name_process_and_field() {
    let label = "a".repeat(60);
    let table: &[(String, &str)] = &[
        // Root.
        (
            named("acme.shop", "{image: a, processes: {web: {command: a}}}"),
            "metadata.name: an App's name has at most 63",
        ),
        (
            named(&label, "{image: a, processes: {web: {command: a}}}"),
            "spec.processes: Invalid value: …process web: expose: <app>-<process> has more than 63",
        ),
        (
            named(&label, "{image: a, processes: {api: {command: a, expose: {}}}}"),
            "process api: expose: <app>-<process> has more than 63",
        ),
        // Spec.
        (
            app("{processes: {web: {command: a}}}"),
            "spec.image: Required value",
        ),
        (
            app("{image: '', processes: {web: {command: a}}}"),
            "spec.image: Invalid value: …must be a container image",
        ),
        (
            app("{image: a b, processes: {web: {command: a}}}"),
            "spec.image: Invalid value: …must be a container image",
        ),
        (
            app("{image: a, platform: Staging, processes: {web: {command: a}}}"),
            "spec.platform: Invalid value: …must be the name of a Platform",
        ),
        (
            app("{image: a, env: {PORT: open-sesame}, processes: {web: {command: a}}}"),
            "spec.env: Invalid value: …env: PORT is reserved",
        ),
        (
            app("{image: a, env: {SOURCE: open-sesame}, processes: {web: {command: a}}}"),
            "spec.env: Invalid value: …env: SOURCE: SOURCE and names that begin with EMPIRE_ are reserved",
        ),
        (
            app("{image: a, suspend: maybe, processes: {web: {command: a}}}"),
            "spec.suspend",
        ),
        (app("{image: a}"), "spec.processes: Required value"),
        (
            processes("{}"),
            "spec.processes in body should have at least 1 properties",
        ),
        (
            processes("{web_1: {command: a}}"),
            "process web_1: a name has at most 63",
        ),
        (
            processes("{Web: {command: a}}"),
            "process Web: a name has at most 63",
        ),
        (
            processes("{-web: {command: a}}"),
            "process -web: a name has at most 63",
        ),
        (
            processes(&format!("{{{}: {{command: a}}}}", "a".repeat(64))),
            "a: a name has at most 63",
        ),
        (
            processes("{true: {command: a}}"),
            "process true: cannot be a name: YAML",
        ),
        (
            processes("{\"false\": {command: a}}"),
            "process false: cannot be a name: YAML",
        ),
        // As YAML 1.1 has it.
        (
            processes("{on: {command: a}}"),
            "process true: cannot be a name: YAML",
        ),
        (
            processes("{web: {command: a, env: {PORT: open-sesame}}}"),
            "process web: env: PORT is reserved on an exposed process",
        ),
        (
            processes("{api: {command: a, env: {PORT: open-sesame}, expose: {}}}"),
            "process api: env: PORT is reserved on an exposed process",
        ),
        // A process.
        (
            processes("{api: {}}"),
            "spec.processes.api.command: Required value",
        ),
        (
            processes("{api: {command: ''}}"),
            "spec.processes[api].command: Invalid value: …must not be empty",
        ),
        (
            processes("{api: {command: '  '}}"),
            "spec.processes[api].command: Invalid value: …must not be empty",
        ),
        (
            process("quantity: -1"),
            "spec.processes.api.quantity in body should be greater than or equal to 0",
        ),
        (
            process("quantity: 10001"),
            "spec.processes.api.quantity in body should be less than or equal to 10000",
        ),
        (
            process("cpu: 1"),
            "spec.processes.api.cpu in body should be greater than or equal to 2",
        ),
        (
            process("memory: 1Mi"),
            "spec.processes[api].memory: Invalid value: …must be an amount of memory from 6Mi to 32Ti",
        ),
        (
            process("memory: 64Ti"),
            "spec.processes[api].memory: Invalid value: …must be an amount of memory from 6Mi to 32Ti",
        ),
        (
            process("memory: 512MB"),
            "spec.processes[api].memory: Invalid value: …must be an amount of memory from 6Mi to 32Ti",
        ),
        (
            env("1ST"),
            "spec.processes[api].env: Invalid value: …env: 1ST: a name consists of",
        ),
        (
            env("A=B"),
            "spec.processes[api].env: Invalid value: …env: A=B: a name consists of",
        ),
        (
            env("SOURCE"),
            "spec.processes[api].env: Invalid value: …env: SOURCE: SOURCE and names that begin with EMPIRE_ are reserved",
        ),
        (
            env("EMPIRE_X"),
            "spec.processes[api].env: Invalid value: …env: EMPIRE_X: SOURCE and names that begin with EMPIRE_ are reserved",
        ),
        // Exposure.
        (
            expose("type: tcp"),
            "spec.processes.api.expose.type: Unsupported value: \"tcp\"",
        ),
        (
            expose("type: none, external: false"),
            "spec.processes[api].expose: Invalid value: …expose: type none takes no other field",
        ),
        (
            expose("type: none, containerPort: 80"),
            "spec.processes[api].expose: Invalid value: …expose: type none takes no other field",
        ),
        (
            expose("type: none, hostnames: [www.example.com]"),
            "spec.processes[api].expose: Invalid value: …expose: type none takes no other field",
        ),
        (
            expose("type: none, gracePeriod: 1s"),
            "spec.processes[api].expose: Invalid value: …expose: type none takes no other field",
        ),
        (
            expose("type: none, check: {}"),
            "spec.processes[api].expose: Invalid value: …expose: type none takes no other field",
        ),
        (
            expose("containerPort: 0"),
            "spec.processes.api.expose.containerPort in body should be greater than or equal to 1",
        ),
        (
            expose("containerPort: 65536"),
            "spec.processes.api.expose.containerPort in body should be less than or equal to 65535",
        ),
        (
            expose("hostnames: ['*.example.com']"),
            "spec.processes[api].expose.hostnames[0]: Invalid value: …must be a full DNS name",
        ),
        (
            expose("hostnames: [www]"),
            "spec.processes[api].expose.hostnames[0]: Invalid value: …must be a full DNS name",
        ),
        (
            expose("hostnames: [a.example.com, WWW.example.com]"),
            "spec.processes[api].expose.hostnames[1]: Invalid value: …must be a full DNS name",
        ),
        (
            expose("hostnames: [www.example.com.]"),
            "spec.processes[api].expose.hostnames[0]: Invalid value: …must be a full DNS name",
        ),
        (
            expose("hostnames: [-a.example.com]"),
            "spec.processes[api].expose.hostnames[0]: Invalid value: …must be a full DNS name",
        ),
        (
            expose("gracePeriod: 1.5s"),
            "spec.processes[api].expose.gracePeriod: Invalid value: …must be from 0s to 24h",
        ),
        (
            expose("gracePeriod: 25h"),
            "spec.processes[api].expose.gracePeriod: Invalid value: …must be from 0s to 24h",
        ),
        // Health check.
        (
            check("path: health"),
            "spec.processes[api].expose.check.path: Invalid value: …must begin with /",
        ),
        (
            check("path: /a b"),
            "spec.processes[api].expose.check.path: Invalid value: …must begin with /",
        ),
        (
            check("path: /ä"),
            "spec.processes[api].expose.check.path: Invalid value: …must begin with /",
        ),
        (
            check("interval: 4s"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: 5m1s"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: 10.5s"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: 10000ms"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: '10'"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: ''"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("interval: -10s"),
            "spec.processes[api].expose.check.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            check("timeout: 1s"),
            "spec.processes[api].expose.check.timeout: Invalid value: …must be from 2s to 120s",
        ),
        (
            check("timeout: 121s, interval: 300s"),
            "spec.processes[api].expose.check.timeout: Invalid value: …must be from 2s to 120s",
        ),
        (
            check("timeout: 20s, interval: 20s"),
            "spec.processes[api].expose.check.timeout: Invalid value: …check: timeout must be shorter than interval",
        ),
        (
            check("timeout: 1m, interval: 20s"),
            "spec.processes[api].expose.check.timeout: Invalid value: …check: timeout must be shorter than interval",
        ),
        // Against the default of the interval.
        (
            check("timeout: 10s"),
            "spec.processes[api].expose.check.timeout: Invalid value: …check: timeout must be shorter than interval",
        ),
        (
            check("healthyThreshold: 1"),
            "spec.processes.api.expose.check.healthyThreshold in body should be greater than or equal to 2",
        ),
        (
            check("unhealthyThreshold: 11"),
            "spec.processes.api.expose.check.unhealthyThreshold in body should be less than or equal to 10",
        ),
    ];
    let mut complaints: Vec<String> = table
        .iter()
        .map(|(manifest, expected)| refused(manifest, expected))
        .collect();

    let moved = "spec.platform: Invalid value: …platform cannot be changed";
    let on = |name: &str, platform: &str| {
        named(
            name,
            &format!("{{image: a, {platform} processes: {{web: {{command: a}}}}}}"),
        )
    };
    apply(&on("bound", "platform: staging,"));
    complaints.push(refused(&on("bound", "platform: production,"), moved));
    complaints.push(refused(&on("bound", ""), moved));
    apply(&on("unbound", ""));
    accepted(&on("unbound", "platform: production,"));
    let record = r#"{"status": {"observedGeneration": 1, "platform":
        {"name": "staging", "region": "us-east-1", "cluster": "default", "vpcId": "vpc-1"}}}"#;
    let patch = [
        "patch",
        "apps.empire.dev",
        "unbound",
        "--subresource=status",
        "--type=merge",
        "--patch",
        record,
    ];
    kubectl().run(&patch, "").unwrap();
    complaints.push(refused(
        &on("unbound", "platform: production,"),
        "this App runs on Platform staging",
    ));
    accepted(&on("unbound", "platform: staging,"));

    for complaint in &complaints {
        assert!(!complaint.contains(VALUE), "{complaint}");
    }
    every_rule_was_broken("App", &complaints);
}

#[test]
fn a_good_app_is_accepted() {
    let label = "a".repeat(60);
    for manifest in [
        processes("{web: {command: ./bin/web}}"),
        processes("{web: {command: a, expose: {type: none}, env: {PORT: '1'}}}"),
        processes("{api: {command: a, env: {PORT: '1'}}}"),
        processes("{\"1\": {command: a}}"),
        app(
            "{image: 'registry.example.com:5000/shop/acme@sha256:0123', platform: staging, suspend: true, env: {A: b}, processes: {web: {command: a}}}",
        ),
        named(
            &label,
            "{image: a, processes: {api: {command: a}, web: {command: a, expose: {type: none}}}}",
        ),
        process("args: ['', --verbose], quantity: 0, cpu: 2, memory: 6Mi, env: {_.-9: ''}"),
        process("memory: 0.5Gi"),
        process("memory: '6291456'"),
        process("expose: {}"),
        expose("type: http, external: true, containerPort: 65535, gracePeriod: 0s, check: {}"),
        expose("hostnames: [www.example.com, a-1.b.example.com]"),
        check(
            "path: '/health?a=1&b=%20#c', interval: 5m, timeout: 2m, healthyThreshold: 2, unhealthyThreshold: 10",
        ),
        check("timeout: 9s"),
        check("interval: 5s"),
        check("interval: 0h1m0s"),
    ] {
        accepted(&manifest);
    }
}

#[test]
fn an_unknown_field_is_refused_wherever_it_is() {
    for (manifest, expected) in [
        (
            app("{image: a, replicas: 1, processes: {web: {command: a}}}"),
            "unknown field \"spec.replicas\"",
        ),
        (
            process("cron: '0 3 * * ? *'"),
            "unknown field \"spec.processes.api.cron\"",
        ),
        (
            expose("port: 80"),
            "unknown field \"spec.processes.api.expose.port\"",
        ),
        (
            check("protocol: http"),
            "unknown field \"spec.processes.api.expose.check.protocol\"",
        ),
    ] {
        let complaint = try_apply(&manifest).unwrap_err();
        assert!(complaint.contains(expected), "{expected}: {complaint}");
    }
}

/// YAML makes a null of a field with nothing after it.
#[test]
fn a_field_with_nothing_after_it_is_as_if_left_out() {
    let spec = "{image: a, env: , platform: , processes: {web: {command: a, args: , quantity: , memory: , expose: {check: }}}}";
    apply(&named("nulls", spec));
    let stored = kubectl()
        .run(&["get", "apps.empire.dev", "nulls", "-o", "jsonpath={.spec}"], "")
        .unwrap();
    assert_eq!(
        stored,
        r#"{"image":"a","processes":{"web":{"command":"a","expose":{}}}}"#
    );
}

#[test]
fn an_app_that_nobody_has_seen_yet_says_so_and_keeps_the_spec_as_it_was_written() {
    let spec = r#"{"image":"a","processes":{"web":{"command":"a"}}}"#;
    apply(&named("unseen", spec));
    let stored = kubectl()
        .run(
            &[
                "get",
                "apps.empire.dev",
                "unseen",
                "-o",
                "jsonpath={.spec}{.status}",
            ],
            "",
        )
        .unwrap();
    assert_eq!(stored, format!("{spec}{{\"observedGeneration\":-1}}"));
    let row = kubectl().run(&["get", "apps.empire.dev", "unseen"], "").unwrap();
    let columns: Vec<&str> = row.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(
        columns,
        ["NAME", "PLATFORM", "READY", "REASON", "PROCESSES", "URL", "AGE"]
    );
}

/// What the rules cost at run time has a limit, too.
#[test]
fn the_largest_app_is_accepted() {
    let labels = vec!["a".repeat(59); 4].join(".");
    let env = (0..250)
        .map(|n| format!("VARIABLE_{n}: x"))
        .collect::<Vec<_>>()
        .join(", ");
    let hostnames = (0..10)
        .map(|n| format!("{n}{labels}.abc"))
        .collect::<Vec<_>>()
        .join(", ");
    let process = |n: usize| {
        format!(
            "p{n}: {{command: {command}, env: {{{env}}}, expose: {{hostnames: [{hostnames}], gracePeriod: 1h1m1s, \
             check: {{path: /{path}, interval: 1m1s, timeout: 1m0s}}}}}}",
            command = "a".repeat(2_048),
            path = "a".repeat(1_023),
        )
    };
    let processes: Vec<String> = (0..100).map(process).collect();
    let manifest = named(
        "large",
        &format!(
            "{{image: a, env: {{{env}}}, processes: {{{}}}}}",
            processes.join(", ")
        ),
    );
    kubectl()
        .run(&["apply", "--server-side", "-f", "-"], &manifest)
        .unwrap();
    // An update runs those rules, too, that compare with what was.
    kubectl()
        .run(
            &["apply", "--server-side", "-f", "-"],
            &manifest.replace("image: a", "image: b"),
        )
        .unwrap();
}
