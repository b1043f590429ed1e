//! Procfiles, and the Apps that they become.

mod formats;
mod lines;
mod property;
mod refused;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};

use std::sync::LazyLock;

use super::{Identity, JSONSchemaProps, Problem, Translated, to_yaml};
use crate::api::app::App;

fn identity() -> Identity {
    Identity {
        name: "acme".into(),
        image: "registry.example.com/acme:v42".into(),
        platform: None,
    }
}

/// Made once, since that takes longer than most texts do.
fn translate_with(text: &[u8], identity: &Identity, wraps: bool) -> Result<Translated, Vec<Problem>> {
    static SCHEMA: LazyLock<JSONSchemaProps> = LazyLock::new(super::schema);
    super::translate_by(&SCHEMA, text, identity, wraps)
}

fn translate(text: &[u8], identity: &Identity) -> Result<App, Vec<Problem>> {
    translate_with(text, identity, false).map(|translated| translated.app)
}

fn translated(text: &str) -> Result<App, Vec<Problem>> {
    translate(text.as_bytes(), &identity())
}

/// The processes of a Procfile are these, as YAML, in order.
#[track_caller]
fn check(text: &str, expected: &str) {
    let app = match translated(text) {
        Ok(app) => app,
        Err(problems) => panic!("{text}\n{problems:#?}"),
    };
    let yaml = to_yaml(&app).unwrap();
    let (_, processes) = yaml.split_once("\n  processes:\n").unwrap();
    let processes = joined(processes.lines().map(|line| &line[4..]));
    let expected = expected.trim_start_matches('\n');
    similar_asserts::assert_eq!(processes, expected, "{text}");
}

fn joined<T: Into<String>>(lines: impl Iterator<Item = T>) -> String {
    lines.flat_map(|line| [line.into(), "\n".into()]).collect()
}

#[test]
fn a_standard_procfile_becomes_an_app() {
    let app = translated("web: ./bin/web\nworker: ./bin/worker -n 2\n").unwrap();
    assert_eq!(
        to_yaml(&app).unwrap(),
        "\
apiVersion: empire.dev/v1alpha1
kind: App
metadata:
  name: acme
spec:
  image: registry.example.com/acme:v42
  processes:
    web:
      command: ./bin/web
    worker:
      command: ./bin/worker -n 2
"
    );
    let platform = Some("staging".into());
    let app = translate(
        b"web: a",
        &Identity {
            platform,
            ..identity()
        },
    )
    .unwrap();
    assert_eq!(app.spec.platform.as_deref(), Some("staging"));
}

#[test]
fn the_roadmaps_own_example_is_carried_over() {
    check(
        "
web:
  command: ./bin/web
  expose:
    type: http
    external: true
    check:
      path: /health
      interval: 10s
      timeout: 5s
      healthy_threshold: 2
      unhealthy_threshold: 10
worker:
  command: ./bin/worker
",
        "
web:
  command: ./bin/web
  expose:
    type: http
    external: true
    check:
      path: /health
      interval: 10s
      timeout: 5s
      healthyThreshold: 2
      unhealthyThreshold: 10
worker:
  command: ./bin/worker
",
    );
}

#[test]
fn everything_that_empire_had_is_carried_over() {
    check(
        "
web:
  command: [bundle, exec, rails server]
  ports: [\"80:3000\"]
  environment:
    RAILS_ENV: production
  ecs:
    placement_constraints:
      - type: memberOf
        expression: attribute:ecs.instance-type =~ t2.*
    placement_strategy:
      - type: spread
        field: attribute:ecs.availability-zone
nightly:
  command: bin/nightly
  cron: '0 3 * * ? *'
console:
  command: bin/rails console
  noservice: true
",
        "
console:
  command: bin/rails console
  noservice: true
nightly:
  command: bin/nightly
  cron: 0 3 * * ? *
web:
  command: bundle
  args:
  - exec
  - rails server
  env:
    RAILS_ENV: production
  expose:
    type: http
    containerPort: 3000
  placement:
    constraints:
    - type: memberOf
      expression: attribute:ecs.instance-type =~ t2.*
    strategy:
    - type: spread
      field: attribute:ecs.availability-zone
",
    );
}

/// A process of every field that there is, as the API has it.
const WHOLE: &str = "
api:
  command: ./bin/api
  args:
  - --verbose
  image: registry.example.com/other:v1
  quantity: 2
  cpu: 512
  memory: 1Gi
  env:
    A: b
  expose:
    external: true
    listeners:
    - port: 80
      protocol: http
      containerPort: 8080
    - port: 443
      protocol: https
      containerPort: 8080
    certificateArns:
    - arn:aws:acm:us-east-1:123456789012:certificate/0123-4567
    hostnames:
    - www.example.com
    gracePeriod: 90s
    idleTimeout: 2m
    deregistrationDelay: 10s
    check:
      path: /health
      interval: 30s
      timeout: 10s
      healthyThreshold: 2
      unhealthyThreshold: 10
      successCodes: 200,204
  secrets:
    DATABASE_URL: arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/db
  rollOnChange: true
  ulimits:
    nproc: 256
    nofile: 65536
  stopTimeout: 30s
  readOnlyRootFilesystem: true
  placement:
    constraints:
    - type: distinctInstance
    - type: memberOf
      expression: attribute:ecs.instance-type =~ t3.*
    strategy:
    - type: spread
      field: attribute:ecs.availability-zone
    - type: random
  capacity:
    capacityProviders:
    - name: FARGATE
      base: 1
    - name: FARGATE_SPOT
      weight: 3
  securityGroups:
  - sg-0123456789abcdef0
  deploy:
    minimumHealthyPercent: 50
    maximumPercent: 150
    circuitBreaker:
      enable: true
      rollback: false
    progressDeadline: 15m
  entryPoint:
  - /usr/bin/tini
  - --
  healthCheck:
    command: ./bin/check
    shell: true
    interval: 10s
    timeout: 3s
    retries: 2
    startPeriod: 1m
  user: app:app
  workingDirectory: /srv
  init: true
  dockerLabels:
    team: shop
  repositoryCredentials: arn:aws:secretsmanager:us-east-1:123456789012:secret:registry
  tmpfs:
    /tmp: 64Mi
  ephemeralStorage: 50Gi
  dependsOn:
    proxy: HEALTHY
  sidecars:
    log:
      image: registry.example/fluent-bit:v3
      logRouter:
        type: fluentbit
        options:
          enable-ecs-log-metadata: \"true\"
    proxy:
      image: registry.example/proxy:v1
      command: ./bin/proxy
      essential: false
      healthCheck:
        command: ./bin/check
      dependsOn:
        api: START
      stopTimeout: 30s
      mounts:
        /logs:
          volume: logs
          readOnly: true
      ulimits:
        nofile: 1024
      ports:
        statsd:
          containerPort: 8125
          protocol: udp
      restart: {}
  architecture: arm64
  volumes:
    data:
      efs:
        fileSystemId: fs-0123456789abcdef0
        accessPointId: fsap-0123456789abcdef0
        iam: true
    logs: {}
    more:
      efs:
        fileSystemId: fs-0123456789abcdef0
        rootDirectory: /more
  mounts:
    /data:
      volume: data
    /var/log/app:
      volume: logs
  overrides:
  - \"on\": api
    set:
      disableNetworking: true
      dnsSearchDomains:
      - example.com
      dnsServers:
      - \"10.0.0.2\"
      dockerSecurityOptions:
      - no-new-privileges
      hostname: api-1
      interactive: true
      links:
      - proxy
      linuxParameters:
        capabilities:
          add:
          - NET_ADMIN
          drop:
          - ALL
        devices:
        - hostPath: /dev/fuse
          containerPath: /dev/other
          permissions:
          - read
        maxSwap: 64
        swappiness: 60
        tmpfs:
        - containerPath: /tmp
          size: 64
          mountOptions:
          - noexec
      privileged: true
      pseudoTerminal: true
      ulimits:
      - name: memlock
        softLimit: -1
        hardLimit: -1
      versionConsistency: disabled
      volumesFrom:
      - sourceContainer: proxy
        readOnly: true
    remove:
    - logConfiguration
  - \"on\": .taskDefinition
    set:
      enableFaultInjection: true
      ipcMode: task
      pidMode: task
      placementConstraints:
      - type: memberOf
        expression: attribute:pool == shop
      volumes:
      - name: logs
        host:
          sourcePath: /var/log
      - name: data
        dockerVolumeConfiguration:
          scope: shared
          autoprovision: true
          driver: rexray/ebs
          driverOpts:
            size: \"8\"
          labels:
            team: retail
  startTimeout: 2m
  restart:
    attemptPeriod: 90s
    ignoredExitCodes:
    - 0
  memoryReservation: 64Mi
  sharedMemory: 64Mi
  gpus: 1
  environmentFiles:
  - arn:aws:s3:::config.example.com/acme.env
  systemControls:
    net.core.somaxconn: \"1024\"
  extraHosts:
    db: \"10.0.0.7\"
  logging:
    driver: awsfirelens
    options:
      region: us-east-1
    secretOptions:
      token: arn:aws:ssm:us-east-1:123456789012:parameter/token
nightly:
  command: ./bin/nightly
  cron: \"* * * * ? *\"
  timezone: Europe/Berlin
once:
  command: ./bin/once
  noservice: true
own:
  quantity: 1
  exec: true
scaled:
  scale:
    min: 2
    max: 20
    cpu: 60
    memory: 70
    requestsPerTarget: 1000
    scaleInCooldown: 5m
    scaleOutCooldown: 30s
    schedules:
    - cron: 0 8 * * 1-5
      timezone: Europe/Berlin
      min: 6
      max: 30
  expose: {}
  capacity:
    spot: 70
scripted:
  command: \"cd app\\n./run $PORT && [[ -f x ]]\"
  args:
  - a $X
  shell: true
short:
  command: ./bin/short
  expose:
    type: tcp
    containerPort: 9000
";

/// A new field of the API needs nothing but a line in `WHOLE`.
#[test]
fn every_field_of_the_api_reads_in_its_own_spelling() {
    check(WHOLE, WHOLE);
    let schema = super::schema();
    let mut missing = Vec::new();
    let mut open: Vec<_> = schema.properties.iter().flatten().collect();
    while let Some((name, schema)) = open.pop() {
        let written = [format!(" {name}:"), format!(" \"{name}\":")];
        if !written.iter().any(|written| WHOLE.contains(written)) {
            missing.push(name);
        }
        let items = schema.items.iter().flat_map(|items| match items {
            JSONSchemaPropsOrArray::Schema(item) => item.properties.iter().flatten(),
            JSONSchemaPropsOrArray::Schemas(_) => unreachable!("a list of one kind"),
        });
        let values = values(schema)
            .into_iter()
            .flat_map(|values| values.properties.iter().flatten());
        open.extend(schema.properties.iter().flatten().chain(items).chain(values));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// They are told from other rules by how they are written, and then applied by another library than the API server's.
#[test]
fn every_expression_of_the_schema_is_understood() {
    let schema = serde_json::to_string(&super::schema()).unwrap();
    let written = schema.matches("self.matches('").count();
    let understood = understood(&super::schema());
    assert_eq!(understood + OTHERS, written);
}

/// Rules that match an expression and do more: those of durations, which `rules.rs` knows.
const OTHERS: usize = 20;

/// Returns what the values of a map are.
fn values(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values),
        Some(JSONSchemaPropsOrBool::Bool(_)) | None => None,
    }
}

fn understood(schema: &JSONSchemaProps) -> usize {
    let items = schema.items.iter().map(|items| match items {
        JSONSchemaPropsOrArray::Schema(item) => &**item,
        JSONSchemaPropsOrArray::Schemas(_) => unreachable!("a list of one kind"),
    });
    let fields = schema.properties.iter().flatten().map(|(_, field)| field);
    super::fields::patterns(schema).count()
        + fields
            .chain(items)
            .chain(values(schema))
            .map(understood)
            .sum::<usize>()
}

#[test]
fn every_field_reads_in_snake_case() {
    let snake = joined(WHOLE.lines().map(|line| {
        let is_key = |key: &str| !key.contains(". ");
        match line.split_once(':').filter(|(key, _)| is_key(key)) {
            Some((key, _)) => super::fields::snake(key) + &line[key.len()..],
            None => line.to_owned(),
        }
    }));
    assert!(snake.contains("read_only_root_filesystem: true") && snake.contains("certificate_arns:"));
    // What is a variable's name is no field.
    let snake = snake
        .replace("_a: b", "A: b")
        .replace("_d_a_t_a_b_a_s_e__u_r_l", "DATABASE_URL");
    check(&snake, WHOLE);
}

#[test]
fn a_command_keeps_empires_words() {
    for (text, expected) in [
        // Both split alike: as it was written.
        ("./bin/web --verbose", "command: ./bin/web --verbose"),
        ("sh -c 'a && b'", "command: sh -c 'a && b'"),
        ("a $PORT | b > c && d", "command: a $PORT | b > c && d"),
        ("a 'b c' \"d\" e\\ f", "command: a 'b c' \"d\" e\\ f"),
        ("a '' b", "command: a '' b"),
        // Ours differs: the words that Empire ran.
        ("a # b", "command: a\nargs:\n- '#'\n- b"),
        (r#"a "\d" "#, "command: a\nargs:\n- d"),
        ("a `b c`", "command: a\nargs:\n- \"`b c`\""),
        (r#""my program" "\d""#, "command: \"'my program'\"\nargs:\n- d"),
    ] {
        let expected = joined(expected.lines().map(|line| format!("  {line}")));
        let quoted = text.replace('\'', "''");
        check(&format!("api: '{quoted}'"), &format!("api:\n{expected}"));
        check(
            &format!("api: {{command: '{quoted}'}}"),
            &format!("api:\n{expected}"),
        );
    }
    check("api: >\n  a\n  b\n", "api:\n  command: \"a b\\n\"\n");
    check("api: |\n  a b", "api:\n  command: a b\n");
}

#[test]
fn a_command_list_is_taken_word_for_word() {
    for (list, expected) in [
        ("[./bin/web]", "command: ./bin/web"),
        (
            "[a, 30, yes, ~, 1.50, 0x1F, '']",
            "command: a\nargs:\n- \"30\"\n- \"yes\"\n- \"~\"\n- \"1.50\"\n- \"0x1F\"\n- \"\"",
        ),
        (
            "[my program, $PORT, 'a''b', \"\\\\\"]",
            "command: \"'my program'\"\nargs:\n- $PORT\n- a'b\n- \\",
        ),
        ("[a, b], args: [c]", "command: a\nargs:\n- b\n- c"),
    ] {
        let expected = joined(expected.lines().map(|line| format!("  {line}")));
        check(&format!("api: {{command: {list}}}"), &format!("api:\n{expected}"));
    }
}

/// Checks the exposure of a process with these `ports`, in flow style.
#[track_caller]
fn ports(ports: &str, expected: &str) {
    let app = translated(&format!("api: {{command: a, ports: {ports}}}"));
    let app = app.unwrap_or_else(|problems| panic!("{ports}: {problems:#?}"));
    let expected = format!("api: {{command: a{expected}}}");
    assert_eq!(app, translated(&expected).unwrap(), "{ports}");
}

#[test]
fn ports_become_the_type_that_means_the_same_or_listeners() {
    // The type alone.
    ports("[80]", ", expose: {type: http, containerPort: 80}");
    ports("['80:8080']", ", expose: {type: http, containerPort: 8080}");
    ports("['5432']", ", expose: {type: tcp, containerPort: 5432}");
    ports(
        "['80': {protocol: tcp}]",
        ", expose: {type: tcp, containerPort: 80}",
    );
    // Another port than the type's own.
    let one = |port, protocol, container| {
        format!(
            ", expose: {{listeners: [{{port: {port}, protocol: {protocol}, containerPort: {container}}}]}}"
        )
    };
    ports("[8080]", &one(8080, "http", 8080));
    ports("['8080:3000']", &one(8080, "http", 3000));
    ports("['5432:5433']", &one(5432, "tcp", 5433));
    ports("['5678': {protocol: HTTP}]", &one(5678, "http", 5678));
    ports(
        "['80:3000', 8080]",
        ", expose: {listeners: [{port: 80, protocol: http, containerPort: 3000}, {port: 8080, protocol: http, containerPort: 8080}]}",
    );
    // None.
    ports("[]", "");
    ports("", "");
}

#[test]
fn port_entries_have_every_form_that_empire_read() {
    let expected = ", expose: {type: tcp, containerPort: 22}";
    for entry in [
        "22",
        "'22'",
        "022",
        "'22:22'",
        "22:22",
        "'022:22'",
        "{22: {protocol: tcp}}",
        "{'22:22': {}}",
        "{22:22}",
        "{22: }",
        "{22: {protocol: }}",
        "{22: {protocol: TCP}}",
        "!!str 22",
    ] {
        ports(&format!("[{entry}]"), expected);
    }
    check(
        "api:\n  command: a\n  ports:\n    - \"22\":\n        protocol: \"tcp\"\n",
        "api:\n  command: a\n  expose:\n    type: tcp\n    containerPort: 22\n",
    );
    // Base 60 to YAML 1.1.
    ports("[80:30]", ", expose: {type: http, containerPort: 30}");
}

#[test]
fn ports_say_where_and_expose_says_the_rest() {
    let arn = "arn:aws:acm:us-east-1:123456789012:certificate/0123-4567";
    let with =
        |exposure: &str| format!(", expose: {{external: true, certificateArns: ['{arn}'], {exposure}}}");
    for (ports, exposure) in [
        (
            "[443]",
            "listeners: [{port: 443, protocol: https, containerPort: 443}]",
        ),
        ("['443:8080': {protocol: ssl}]", "type: tls, containerPort: 8080"),
        ("['443:8080': {protocol: TLS}]", "type: tls, containerPort: 8080"),
        (
            "['8443:8080': {protocol: ssl}]",
            "listeners: [{port: 8443, protocol: tls, containerPort: 8080}]",
        ),
        (
            "['80:8080', '443:8080']",
            "listeners: [{port: 80, protocol: http, containerPort: 8080}, {port: 443, protocol: https, containerPort: 8080}]",
        ),
    ] {
        let text = format!(
            "api: {{command: a, ports: {ports}, expose: {{external: true, certificate_arns: ['{arn}']}}}}"
        );
        let expected = format!("api: {{command: a{}}}", with(exposure));
        assert_eq!(
            translated(&text).unwrap(),
            translated(&expected).unwrap(),
            "{text}"
        );
    }
}

#[test]
fn variables_keep_their_source_text() {
    check(
        "api:
  command: a
  environment:
    A: 1.50
    B: on
    C: 80:30
    D: 0644
    E:
    F: ~
    G: 2001-01-01
    H: 1_000
    I: 'null'
    J: |
      two
      lines
    K: !!str 7
    L: '*'
    M: 0x1F
    on: y
",
        r#"
api:
  command: a
  env:
    A: "1.50"
    B: "on"
    C: "80:30"
    D: "0644"
    E: ""
    F: ""
    G: "2001-01-01"
    H: "1_000"
    I: "null"
    J: "two\nlines\n"
    K: "7"
    L: "*"
    M: "0x1F"
    "on": "y"
"#,
    );
}

#[test]
fn truth_values_are_those_of_yaml_1_1() {
    for yes in [
        "true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y",
    ] {
        check(
            &format!("api: {{command: a, noservice: {yes}}}"),
            "api:\n  command: a\n  noservice: true\n",
        );
    }
    for no in ["false", "No", "OFF", "n"] {
        check(
            &format!("api: {{command: a, noservice: {no}}}"),
            "api:\n  command: a\n  noservice: false\n",
        );
    }
}

#[test]
fn names_keep_their_source_text() {
    check(
        "on: a\n1: b\n010: c\nsend-mail: d\nsendmail: e\n",
        "\"010\":\n  command: c\n\"1\":\n  command: b\n\"on\":\n  command: a\nsend-mail:\n  command: d\nsendmail:\n  command: e\n",
    );
}

#[test]
fn anchors_and_merge_keys_work() {
    check(
        "
web: &web
  command: ./bin/web
  environment: &shared {A: 1, B: 2}
  expose: {external: true}
admin:
  <<: *web
  command: ./bin/admin
  environment:
    A: 3
    <<: [{C: 4}, *shared, {C: 5, D: 6}]
",
        r#"
admin:
  command: ./bin/admin
  env:
    A: "3"
    B: "2"
    C: "4"
    D: "6"
  expose:
    external: true
web:
  command: ./bin/web
  env:
    A: "1"
    B: "2"
  expose:
    external: true
"#,
    );
    check(
        "web: &c ./bin/web\nworker: *c\n",
        "web:\n  command: ./bin/web\nworker:\n  command: ./bin/web\n",
    );
    // A name, not a merge.
    let problems = translated("api: {command: a, env: {'<<': {A: 1}}}").unwrap_err();
    assert_eq!(
        problems[0].to_string(),
        "line 1: process api: env.<<: must be text, not a map"
    );
}

#[test]
fn only_the_first_document_is_read() {
    let expected = "web:\n  command: a\n";
    check("web: a\n---\nweb: [not\n", expected);
    check("%YAML 1.1\n---\nweb: a\n...\n{{{", expected);
    check("\u{feff}web: a\r\n", expected);
    check("# Ours\n\nweb:\ta # not b\n", expected);
    check("{\"web\": \"a\"}", expected);
}

#[test]
fn what_is_null_is_left_out() {
    check(
        "api: {command: a, cron: , ports: ~, environment: null, ecs: , expose: , quantity: , deploy: {circuitBreaker: }}",
        "api:\n  command: a\n  deploy: {}\n",
    );
    check(
        "api: {command: a, ecs: {placement_constraints: [], placement_strategy: }}",
        "api:\n  command: a\n",
    );
}
