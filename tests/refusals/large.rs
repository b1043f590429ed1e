//! The largest Apps that there can be: what rules cost at run time has a limit, too. An object has one of its own, 1.5 MB
//! of what etcd takes, so no App can be large in every way at once.

use super::kubectl;

/// In braces or brackets, `count` of them.
fn repeated(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

/// Applies an App of so many processes with these fields, and then an edit of it, for which the rules run that compare
/// with what was.
fn accepted(name: &str, processes: usize, fields: &str, more: &str) {
    let processes = repeated(processes, |n| format!("p{n}: {{command: a, {fields}}}"));
    let manifest = format!(
        "{{apiVersion: empire.dev/v1alpha1, kind: App, metadata: {{name: {name}}}, \
         spec: {{image: a, {more} processes: {{{processes}}}}}}}"
    );
    for manifest in [manifest.replace("image: a", "image: b"), manifest] {
        let applied = kubectl().run(&["apply", "--server-side", "-f", "-"], &manifest);
        applied.unwrap_or_else(|complaint| panic!("{name}, of {} bytes: {complaint}", manifest.len()));
    }
    kubectl()
        .run(&["delete", "apps.empire.dev", name, "--wait=false"], "")
        .unwrap();
}

fn hostnames() -> String {
    let labels = vec!["a".repeat(59); 4].join(".");
    format!("hostnames: [{}]", repeated(10, |n| format!("{n}{labels}.abc")))
}

fn env(count: usize) -> String {
    format!("env: {{{}}}", repeated(count, |n| format!("VARIABLE_{n}: x")))
}

fn secrets(count: usize) -> String {
    let secret = |n| format!("SECRET_{n}: 'arn:aws:ssm:us-east-1:123456789012:parameter/s'");
    format!("secrets: {{{}}}", repeated(count, secret))
}

fn certificates() -> String {
    let certificate = |n| format!("'arn:aws:acm:us-east-1:123456789012:certificate/{n:036}'");
    format!("certificateArns: [{}]", repeated(25, certificate))
}

#[test]
fn a_hundred_processes_with_all_their_variables_and_names_are_accepted() {
    let fields = format!(
        "args: ['{command}'], {env}, expose: {{{hostnames}, gracePeriod: 1h1m1s, \
         check: {{path: /{path}, interval: 1m1s, timeout: 1m0s}}}}",
        command = "a".repeat(2_048),
        env = env(250),
        hostnames = hostnames(),
        path = "a".repeat(1_023),
    );
    accepted("large-names", 100, &fields, &(env(250) + ","));
}

#[test]
fn a_hundred_processes_with_all_that_can_be_said_of_exposure_and_deployment_are_accepted() {
    let listeners = repeated(20, |n| {
        format!(
            "{{port: {}, protocol: https, containerPort: {}}}",
            65_000 + n,
            8_080 + n % 2
        )
    });
    let fields = format!(
        "image: b, {secrets}, env: {{A: b}}, quantity: 3, memory: 512Mi, ulimits: {{nproc: 256}}, stopTimeout: 1m59s, \
         readOnlyRootFilesystem: true, \
         placement: {{constraints: [{constraints}], strategy: [{strategy}]}}, \
         deploy: {{minimumHealthyPercent: 50, maximumPercent: 100, circuitBreaker: {{enable: true, rollback: false}}, \
         progressDeadline: 23h59m59s}}, \
         expose: {{external: true, listeners: [{listeners}], {certificates}, {hostnames}, gracePeriod: 1h1m1s, \
         idleTimeout: 1h6m39s, deregistrationDelay: 59m59s, \
         check: {{path: /, interval: 1m1s, timeout: 1m0s, healthyThreshold: 2, unhealthyThreshold: 10, \
         successCodes: '200-299,301,302,404'}}}}",
        secrets = secrets(20),
        constraints = repeated(10, |_| "{type: memberOf, expression: 'attribute:a == b'}".into()),
        strategy = repeated(5, |_| "{type: spread, field: 'attribute:ecs.availability-zone'}"
            .into()),
        certificates = certificates(),
        hostnames = hostnames(),
    );
    let more = "taskRoleArn: 'arn:aws:iam::123456789012:role/a', deletionPolicy: Retain, suspend: true,";
    accepted("large-exposure", 100, &fields, more);
}

#[test]
fn fifty_processes_with_all_their_secrets_are_accepted() {
    let fields = format!("{}, {}", env(250), secrets(250));
    let more = format!("{}, {},", env(250), secrets(250));
    accepted("large-secrets", 50, &fields, &more);
}

#[test]
fn a_hundred_schedules_are_accepted() {
    let fields = format!(
        "cron: '{}', timezone: America/Argentina/Buenos_Aires, args: [{}]",
        "0 3 * * 1-5",
        repeated(100, |_| "a".repeat(100)),
    );
    accepted("large-schedules", 100, &fields, "");
}

#[test]
fn a_hundred_processes_with_nine_sidecars_each_are_accepted() {
    let check = "healthCheck: {command: './bin/check --all', interval: 1m1s, timeout: 59s, retries: 10, startPeriod: 4m59s}";
    let extras = "startTimeout: 59m59s, restart: {attemptPeriod: 29m59s, ignoredExitCodes: [0]}, \
                  logging: {driver: awslogs, options: {awslogs-group: a}, secretOptions: {token: 'arn:aws:ssm:a'}}, \
                  logRouter: {type: fluentbit, options: {a: b}}";
    let sidecars = repeated(9, |n| {
        format!(
            "s{n}: {{image: a, command: a, {check}, dependsOn: {{p1: START}}, env: {{A: b}}, stopTimeout: 1m, {extras}}}"
        )
    });
    let volumes = repeated(10, |n| {
        format!(
            "v{n}: {{efs: {{fileSystemId: fs-0123456789abcdef0, accessPointId: fsap-0123456789abcdef0}}}}"
        )
    });
    let mounts = repeated(10, |n| format!("/data/{n}: {{volume: v{n}, readOnly: true}}"));
    let overrides = repeated(9, |n| {
        format!("{{'on': s{n}, set: {{links: [p1], linuxParameters: {{capabilities: {{drop: [ALL]}}}}}}}}")
    });
    let fields = format!(
        "{check}, user: 'app:app', workingDirectory: /srv, init: true, tmpfs: {{/tmp: 64Mi}}, \
         volumes: {{{volumes}}}, mounts: {{{mounts}}}, \
         sidecars: {{{sidecars}}}, overrides: [{overrides}, {{'on': .taskDefinition, set: {{pidMode: task}}}}]"
    );
    accepted("large-sidecars", 100, &fields, "");
}
