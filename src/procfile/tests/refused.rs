//! Texts that cannot be carried over, and the messages that refuse them.

use super::{identity, joined, translate, translated};

/// A Procfile is refused for these reasons and no others, each on a line.
#[track_caller]
fn check(text: &str, expected: &str) {
    let problems = match translated(text) {
        Ok(app) => panic!("accepted: {text}\n{app:#?}"),
        Err(problems) => problems,
    };
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let matches = |(found, expected): (&String, &&str)| match expected.split_once('…') {
        Some((begin, end)) => found.starts_with(begin) && found.ends_with(end),
        // What it is instead, another test holds.
        None => found.strip_prefix(expected).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with(", not ") || rest.starts_with(": write ")
        }),
    };
    let all = found.len() == expected.len() && found.iter().zip(&expected).all(matches);
    assert!(
        all,
        "{text}\nfound:\n{}\nexpected:\n{}",
        found.join("\n"),
        expected.join("\n")
    );
}

/// A process `api` with these fields, from line 3 on, is refused for one reason: on line 3, if it does not say.
#[track_caller]
fn fields(fields: &str, expected: &str) {
    let text = format!("api:\n  command: a\n  {fields}\n");
    if expected.starts_with("line ") {
        check(&text, expected);
    } else {
        check(&text, &format!("line 3: process api: {expected}"));
    }
}

#[test]
fn all_that_is_wrong_is_told_at_once_and_in_order() {
    check(
        "\
web:
  command: ''
  ports: [0, 80, '80:x']
  expse: {}
  environment:
    EMPIRE_APPNAME: shop
Worker:
  command: a
  quantity: many
  expose:
    check: {interval: 4s, path: health}
",
        "
        line 2: process web: command: must not be empty: say what the process runs, such as ./bin/web
        line 3: process web: ports[0]: 0 is neither a port from 1 to 65535 nor two such as 80:8080
        line 3: process web: ports[2]: 80:x is neither a port from 1 to 65535 nor two such as 80:8080
        line 4: process web: expse: there is no such key; there are architecture, args, capacity, command, cpu, cron, dependsOn, deploy, dockerLabels, ecs, …
        line 6: process web: environment.EMPIRE_APPNAME: SOURCE and names that begin with EMPIRE_ are reserved
        line 7: process Worker: a name has at most 63 lower case letters, digits and inner hyphens
        line 9: process Worker: quantity: must be a whole number, without quotes and leading zeros
        line 11: process Worker: expose.check.interval: must be from 5s to 300s, …
        line 11: process Worker: expose.check.path: must begin with / and have printable ASCII characters only, without spaces
        line 11: process Worker: expose.check.timeout: …
        "
        .replace("        line 11: process Worker: expose.check.timeout: …\n", "")
        .as_str(),
    );
}

#[test]
fn a_text_without_processes_is_refused() {
    let none = "line 1: has no processes, such as `web: ./bin/web`";
    for text in ["", "\n", "---\n", "# web: a\n", "~", "{}", "\u{feff}"] {
        check(text, none);
    }
    for text in ["web", "- web: a\n", "\"web: a\""] {
        check(
            text,
            "line 1: must be a map of processes by name, such as `web: ./bin/web`",
        );
    }
    check(
        "apiVersion: empire.dev/v1alpha1\nkind: App\nspec: {}\n",
        "line 1: is a Kubernetes manifest; the Procfile of an App is its spec.processes",
    );
    let many = joined((0..101).map(|n| format!("p{n}: a")));
    check(&many, "line 1: has more than 100 processes");
}

#[test]
fn what_is_no_yaml_is_refused_with_its_line() {
    check(
        "web:\n  command: b: c\n",
        "line 2: …not valid YAML: mapping values are not allowed in this context",
    );
    check(
        "web:\n  command: [a\n",
        "line 2: process web: command: not valid YAML: unclosed bracket '['",
    );
    check(
        "web:\n  command: 'a\n",
        "line 2: process web: command: not valid YAML: unclosed quote",
    );
    // A crontab begins with what YAML takes for an alias.
    check(
        "web:\n  command: a\n  cron: * * * * ? *\n",
        "line 3: process web: cron: not valid YAML: …",
    );
    check("web: *missing\n", "line 1: process web: not valid YAML: …");
    check("web: @daily\n", "line 1: process web: not valid YAML: …");
    check(
        "web: !ruby/object {}\n",
        "line 1: process web: the tag !ruby/object means nothing in a Procfile",
    );
    check(
        "web: !!int 3\n",
        "line 1: process web: the tag !!int means nothing in a Procfile",
    );
    check(
        "web:\n  command: !!set {a}\n",
        "line 2: process web: command: the tag !!set means nothing in a Procfile",
    );
    let bytes = translate(b"web: a\nworker: \xff\n", &identity()).unwrap_err();
    assert_eq!(bytes[0].to_string(), "line 2: is not UTF-8 text");
}

#[test]
fn duplicates_are_refused() {
    check(
        "web: a\nworker: b\nweb: c\n",
        "line 3: process web: is there twice, first on line 1",
    );
    check(
        "'web': a\nweb: c\n",
        "line 2: process web: is there twice, first on line 1",
    );
    fields("command: b", "command: is there twice, first on line 2");
    fields(
        "environment: {A: 1, B: 2, A: 3}",
        "environment.A: is there twice, first on line 3",
    );
    fields(
        "env: {A: 1}\n  environment: {A: 1}",
        "line 4: process api: environment: is there twice, also as env",
    );
    fields(
        "expose: {check: {healthy_threshold: 2, healthyThreshold: 2}}",
        "expose.check.healthy_threshold: is there twice, also as healthyThreshold",
    );
    check(
        "web: &a {command: a}\napi:\n  <<: *a\n  <<: *a\n",
        "line 4: process api: <<: is there twice, first on line 3",
    );
    fields("<<: [a]", "<<: only maps can be merged");
    fields("? [a]\n  : b", "a key must be text");
}

#[test]
fn a_process_is_a_command_or_a_map() {
    check(
        "web: ./bin/web\napi: {command: a}\nworker:\nlist: [a]\n",
        "
        line 3: process worker: must not be empty: say what the process runs, such as ./bin/web
        line 4: process list: must be a command, or a map that has one
        ",
    );
}

#[test]
fn names_that_no_app_can_have_are_refused() {
    let label = "a name has at most 63 lower case letters, digits and inner hyphens";
    for name in ["Web", "web_1", "-web", "web-", "a.b", "'a b'", "ä"] {
        check(
            &format!("{name}: a"),
            &format!("line 1: process {}: {label}", name.trim_matches('\'')),
        );
    }
    check("'': a", &format!("line 1: process : {label}"));
    check("\"a\\nb\": a", &format!("line 1: process a\\nb: {label}"));
    check(
        &format!("{}: a", "a".repeat(64)),
        &format!("line 1: process {}: {label}", "a".repeat(64)),
    );
    check(
        "true: a",
        "line 1: process true: cannot be a name: YAML takes it for a truth value",
    );
    // `acme-` before it.
    let long = "a".repeat(59);
    check(
        &format!("{long}: {{command: a, expose: {{}}}}"),
        &format!(
            "line 1: process {long}: expose: <app>-<process> is acme-{long}, and has more than the 63 characters of a DNS name"
        ),
    );
    assert!(translated(&format!("{long}: a")).is_ok());
}

#[test]
fn a_command_must_name_a_program() {
    let empty = "must not be empty: say what the process runs, such as ./bin/web";
    for command in ["", "''", "' '", "~"] {
        check(
            &format!("web: {command}"),
            &format!("line 1: process web: {empty}"),
        );
    }
    for (command, expected) in [
        ("[]", empty),
        ("''", empty),
        ("\"''\"", "names no program: its first word is empty"),
        ("['', a]", "names no program: its first word is empty"),
        ("a 'b", "has a quote that is not closed"),
        ("a \"b", "has a quote that is not closed"),
        ("a `b", "has a back-quote that is not closed"),
        (
            "a \\",
            "ends with a backslash, which takes the next character as it is",
        ),
        ("{a: b}", "must be text or a list of words"),
    ] {
        check(
            &format!("web:\n  command: {command}\n"),
            &format!("line 2: process web: command: {expected}"),
        );
    }
    check(
        "web: {command: [a, [b], {c: d}]}",
        "
        line 1: process web: command[1]: must be text, '' for an empty word
        line 1: process web: command[2]: must be text, '' for an empty word
    ",
    );
    let long = "a".repeat(4_097);
    check(
        &format!("web: {long}"),
        "line 1: process web: has more than 4096 characters",
    );
    check(
        &format!("web: {{command: [a, {long}]}}"),
        "line 1: process web: command[0]: has more than 4096 characters",
    );
    check(
        &format!("web: {{command: [a{}]}}", ", b".repeat(101)),
        "line 1: process web: command: has more than 100 items",
    );
}

#[test]
fn words_that_follow_no_command_or_two_shells_are_refused() {
    let before =
        "need a command or an entryPoint before them: ECS cannot add words to the image's own command";
    check(
        "api:\n  args: [a]\n",
        &format!("line 2: process api: args: {before}"),
    );
    fields(
        "sidecars: {proxy: {image: a, args: [a]}}",
        &format!("sidecars.proxy.args: {before}"),
    );
    let own = "entryPoint: [tini, --], args: [a]";
    let accepted = translated(&format!(
        "api: {{{own}, sidecars: {{proxy: {{image: a, {own}}}}}}}"
    ));
    assert!(accepted.is_ok(), "{accepted:?}");
    fields(
        "shell: true\n  entryPoint: [/bin/sh, -c]",
        "shell: entryPoint ends with an option that takes a command line, such as -c, and would be given the word sh and not \
         the command: leave entryPoint out, or end it before the shell, such as [\"/usr/bin/tini\", \"--\"]",
    );
}

#[test]
fn a_file_system_in_memory_is_at_a_path_that_is_written_in_one_way() {
    for path in ["/", "/tmp/", "/a//b", "/a/./b", "/a/.."] {
        fields(
            &format!("tmpfs: {{{path}: 64Mi}}"),
            &format!(
                "tmpfs: {path}: must be below /, without a / at its end and without //, . and .. in it, such as /var/tmp"
            ),
        );
    }
}

#[test]
fn a_volume_is_mounted_that_there_is_at_a_path_of_its_own() {
    for (given, expected) in [
        (
            "volumes: {a b: {}}",
            "volumes: a b: a name has at most 63 letters, digits, hyphens and underscores",
        ),
        (
            "volumes: {a: {efs: {fileSystemId: fs-1, accessPointId: fsap-1, rootDirectory: /a}}}",
            "volumes.a.efs.rootDirectory: not with accessPointId: an access point has a directory of its own",
        ),
        (
            "volumes: {a: {}}\n  mounts: {a: {volume: a}}",
            "line 4: process api: mounts: a: must be an absolute path, such as /data",
        ),
        (
            "volumes: {a: {}}\n  mounts: {/a/: {volume: a}}",
            "line 4: process api: mounts: /a/: must be below /, without a / at its end and without //, . and .. in it, such as /var/tmp",
        ),
        (
            "volumes: {a: {}}\n  mounts: {'/a:ro': {volume: a}}",
            "line 4: process api: mounts: /a:ro: must be without : in it, at which Docker ends the path",
        ),
        (
            "volumes: {a: {}}\n  mounts: {/a: {volume: b}}",
            "line 4: process api: mounts: /a: b is none of the volumes",
        ),
        (
            "sidecars: {proxy: {image: a, mounts: {/a: {volume: b}}}}",
            "sidecars.proxy.mounts: /a: b is none of the volumes",
        ),
        (
            "volumes: {a: {}}\n  tmpfs: {/a: 1Mi}\n  mounts: {/a: {volume: a}}",
            "line 5: process api: mounts: /a: is also in tmpfs",
        ),
    ] {
        fields(given, expected);
    }
}

#[test]
fn ports_that_cannot_be_are_refused() {
    let neither = "is neither a port from 1 to 65535 nor two such as 80:8080";
    for port in [
        "0",
        "65536",
        "-1",
        "'80:'",
        ":80",
        "80:0",
        "1:2:3",
        "80/udp",
        "127.0.0.1:80:80",
        "'80 '",
        "0x50",
        "1_000",
        "eighty",
        "99999999999999999999",
    ] {
        let shown = port.trim_matches('\'');
        fields(
            &format!("ports: [{port}]"),
            &format!("ports[0]: {shown} {neither}"),
        );
    }
    fields(
        "ports: 80",
        "ports: must be a list of ports, such as [\"80:8080\"]",
    );
    fields(
        "ports: {80: 8080}",
        "ports: must be a list of ports, such as [\"80:8080\"]",
    );
    fields("ports: [[80]]", "ports[0]: must be a map");
    fields(
        "ports: [{}]",
        "ports[0]: must be one port, such as {\"80:8080\": {protocol: http}}",
    );
    fields(
        "ports: [{80: , 81: }]",
        "ports[0]: must be one port, such as {\"80:8080\": {protocol: http}}",
    );
    fields("ports: [80: http]", "ports[0]: must be a map");
    fields(
        "ports: [80: {protocol: udp}]",
        "ports[0].protocol: must be one of http, https, tcp, ssl, tls",
    );
    fields(
        "ports: [80: {protocol: [tcp]}]",
        "ports[0].protocol: must be one of http, https, tcp, ssl, tls",
    );
    fields(
        "ports: [80: {host: a}]",
        "ports[0].host: there is no such key; there is protocol",
    );
    fields("ports: [80, '80:81']", "ports[1]: has the same port as [0]");
    fields(
        "ports: [80, 81]",
        "ports: http and https are for another kind of load balancer than tcp and tls: use a process each",
    );
    fields(
        "ports: [1, 2, 3]",
        "ports: lead to more than two ports of the container",
    );
    let certificate = "ports: https and tls need a certificate: give its ARN in expose.certificateArns";
    fields("ports: [80, 443]", certificate);
    fields("ports: ['443:8080': {protocol: ssl}]", certificate);
    fields(
        "cron: 0 3 * * ? *\n  ports: [80]",
        "line 4: process api: ports: not with cron, whose tasks come and go",
    );
    fields(
        "ports: [80]\n  cron: 0 3 * * ? *",
        "ports: not with cron, whose tasks come and go",
    );
    fields(
        "ports: [80]\n  noservice: true",
        "ports: not with noservice, of which nothing runs",
    );
    fields(
        "ports: [80]\n  expose: {type: http}",
        "ports: says what expose.type says, too: use one of them",
    );
    fields(
        "ports: [80]\n  expose: {type: none}",
        "ports: says what expose.type says, too: use one of them",
    );
    fields(
        "ports: [80]\n  expose: {container_port: 80}",
        "ports: says what expose.containerPort says, too: use one of them",
    );
    fields(
        "ports: [22]\n  expose: {check: {path: /}}",
        "line 4: process api: expose.check.path: is for http and https only",
    );
}

#[test]
fn variables_that_are_ours_or_cannot_be_are_refused() {
    fields(
        "environment: {SOURCE: a}",
        "environment.SOURCE: SOURCE and names that begin with EMPIRE_ are reserved",
    );
    fields(
        "environment: {1A: a}",
        "environment.1A: a name consists of letters, digits, _, - and ., and does not begin with a digit",
    );
    fields("environment: {A: [a]}", "environment.A: must be text");
    fields("environment: [A=b]", "environment: must be a map");
    fields("environment: A=b", "environment: must be a map");
    fields(
        "environment: {A: a}\n  env: {B: b}",
        "environment: is there twice, also as env",
    );
    fields(
        "ports: [80]\n  environment: {PORT: 81}",
        "line 4: process api: environment.PORT: is reserved on an exposed process, which is told its container port in it: …",
    );
    check(
        "web: {command: a, environment: {PORT: 1}}",
        "line 1: process web: environment.PORT: is reserved on an exposed process, which is told its container port in it: …",
    );
    assert!(translated("api: {command: a, environment: {PORT: 1}}").is_ok());
    let arn = "arn:aws:ssm:us-east-1:123456789012:parameter/shop";
    fields(
        &format!("secrets: {{A: '{arn}'}}\n  environment: {{A: b}}"),
        "secrets.A: is an environment variable, too",
    );
    fields(
        "secrets: {A: open-sesame}",
        "secrets.A: must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: secretsmanager:shop/db, /shop/db or ssm:db",
    );
    // The value may be one: it is not told.
    for problem in
        translated("api: {command: a, environment: {1A: open-sesame, PORT: [open-sesame]}}").unwrap_err()
    {
        assert!(!problem.to_string().contains("open-sesame"), "{problem}");
    }
}

#[test]
fn placement_of_ecs_is_held_to_what_ecs_knows() {
    fields(
        "ecs: {constraints: []}",
        "ecs.constraints: there is no such key; there are placement_constraints, placement_strategy",
    );
    fields(
        "ecs: {placement_strategy: [{type: pack}]}",
        "ecs.placement_strategy[0].type: must be one of spread, binpack, random",
    );
    fields(
        "ecs: {placement_strategy: [{field: cpu}]}",
        "ecs.placement_strategy[0].type: is needed",
    );
    fields(
        "ecs: {placement_strategy: [{type: binpack, field: host}]}",
        "ecs.placement_strategy[0]: binpack is by cpu or memory",
    );
    fields(
        "ecs: {placement_strategy: [{type: spread}]}",
        "ecs.placement_strategy[0]: spread and binpack need a field, and random takes none",
    );
    fields(
        "ecs: {placement_constraints: [{type: memberOf}]}",
        "ecs.placement_constraints[0]: memberOf needs an expression, and distinctInstance takes none",
    );
    fields(
        "ecs: {placement_constraints: {}}",
        "ecs.placement_constraints: must be a list",
    );
    fields(
        "ecs: {}\n  placement: {}",
        "ecs: is there twice, also as placement",
    );
}

#[test]
fn values_of_the_wrong_type_are_refused() {
    fields(
        "noservice: maybe",
        "noservice: must be true or false, without quotes",
    );
    fields(
        "noservice: 'true'",
        "noservice: must be true or false, without quotes",
    );
    fields("noservice: 1", "noservice: must be true or false, without quotes");
    for number in [
        "'2'",
        "1.5",
        "02",
        "0x2",
        "1_0",
        "+2",
        "two",
        "[2]",
        "99999999999999999999",
    ] {
        fields(
            &format!("quantity: {number}"),
            "quantity: must be a whole number, without quotes and leading zeros",
        );
    }
    fields("quantity: 10001", "quantity: must be from 0 to 10000");
    fields("quantity: -1", "quantity: must be from 0 to 10000");
    fields("cpu: 999999999999", "cpu: must be from 2 to 262144");
    fields("cron: [a]", "cron: must be text");
    fields("expose: http", "expose: must be a map");
    fields(
        "expose: {hostnames: www.example.com}",
        "expose.hostnames: must be a list",
    );
    fields(
        "expose: {hostnames: [www]}",
        "expose.hostnames[0]: must be a full DNS name in lower case, such as www.example.com, without wildcards and without a dot at its end",
    );
    fields(
        "expose: {type: HTTP}",
        "expose.type: must be one of http, https, tcp, tls, none",
    );
    fields("Command: a", "Command: there is no such key; …");
}

#[test]
fn scaling_is_checked() {
    for (scale, expected) in [
        ("min: 3, max: 2, cpu: 50", "scale.max: must not be less than min"),
        (
            "min: 1, max: 2, scaleInCooldown: 1m",
            "scale.scaleInCooldown: needs cpu, memory or requestsPerTarget, which it is between two steps of",
        ),
        (
            "min: 1, max: 2, cpu: 50, scaleOutCooldown: 2h",
            "scale.scaleOutCooldown: must be from 0s to 3600s, in whole hours, minutes and seconds such as 90s, 1m30s or 1h",
        ),
        (
            "min: 1, max: 2, requestsPerTarget: 100",
            "scale.requestsPerTarget: is for processes that are exposed by http or https with one container port",
        ),
        (
            "min: 1, max: 2, schedules: [{cron: often, min: 1}]",
            "scale.schedules: 1 field in \"often\": AWS takes six (minute, hour, day of month, month, day of week, year), a crontab five",
        ),
        (
            "min: 1, max: 2, schedules: [{cron: 0 8 * * *, timezone: Europe/Atlantis, min: 1}]",
            "scale.schedules: timezone: must be a time zone of the IANA database, such as Europe/Berlin",
        ),
        (
            "min: 1, max: 2, schedules: [{cron: 0 8 * * *}]",
            "scale.schedules: say min, max or both, which hold from then on",
        ),
        (
            "min: 1, max: 2, schedules: [{cron: 0 8 * * *, min: 2, max: 1}]",
            "scale.schedules: min must not be more than max",
        ),
        (
            "min: 1, max: 10001",
            "scale.max: must be from 1 to 10000, not 10001",
        ),
    ] {
        fields(&format!("scale: {{{scale}}}"), expected);
    }
    for (capacity, expected) in [
        ("", "capacity: say spot or capacityProviders, one or the other"),
        (
            "spot: 1, capacityProviders: [{name: a}]",
            "capacity: say spot or capacityProviders, one or the other",
        ),
        (
            "capacityProviders: [{name: a, base: 1}, {name: b, base: 1}]",
            "capacity.capacityProviders: only one of them can have a base",
        ),
        (
            "capacityProviders: [{name: a, weight: 0}]",
            "capacity.capacityProviders: one of them at least needs a weight above 0",
        ),
        ("spot: 101", "capacity.spot: must be from 0 to 100, not 101"),
    ] {
        fields(&format!("capacity: {{{capacity}}}"), expected);
    }
    fields(
        "quantity: 2\n  scale: {min: 1, max: 2}",
        "line 4: process api: scale: not with quantity: say one or the other",
    );
    fields(
        "cron: 0 3 * * ? *\n  scale: {min: 1, max: 2}",
        "line 4: process api: scale: not with cron, whose tasks come and go",
    );
}

#[test]
fn schedules_are_checked() {
    for cron in [
        "0 3 * * ? *",
        "'*/5 * * * *'",
        "0 3 * * 1-5",
        "'@daily'",
        "0 12 L * ? *",
    ] {
        assert!(
            translated(&format!("api: {{command: a, cron: {cron}}}")).is_ok(),
            "{cron}"
        );
    }
    fields(
        "cron: often",
        "cron: 1 field in \"often\": AWS takes six (minute, hour, day of month, month, day of week, year), a crontab five",
    );
    fields("cron: 61 3 * * ? *", "cron: minute: \"61\" is not within 0-59");
    fields(
        "cron: 0 3 * * *  *",
        "cron: one of day of month and day of week must be ?, as in 0 3 * * ? *",
    );
    fields(
        "cron: rate(5 minutes)",
        "cron: rate(…) and at(…) are not taken: write its times as six fields, or as a crontab's five",
    );
    fields(
        "cron: ' '",
        "cron: must not be empty: say when, such as 0 3 * * ? *",
    );
    fields(
        &format!("cron: {}", "9".repeat(129)),
        "cron: has more than 128 characters",
    );
    fields(
        "cron: 0 3 * * ? *\n  timezone: Europe/Atlantis",
        "line 4: process api: timezone: must be a time zone of the IANA database, such as Europe/Berlin",
    );
    fields("timezone: Europe/Berlin", "timezone: is for cron only");
    fields(
        "cron: 0 3 * * ? *\n  quantity: 1",
        "line 4: process api: quantity: not with cron, whose tasks come and go",
    );
    fields(
        "cron: 0 3 * * ? *\n  exec: true",
        "line 4: process api: exec: not with cron, whose tasks come and go",
    );
    fields(
        "exec: true\n  readOnlyRootFilesystem: true",
        "exec: not with readOnlyRootFilesystem: ECS runs an agent in the container, which writes there",
    );
    fields(
        "cron: 0 3 * * ? *\n  noservice: true",
        "cron: not with noservice, of which nothing runs",
    );
}

#[test]
fn sizes_and_times_are_held_to_what_the_api_takes() {
    for memory in [
        "6Mi",
        "0.5Gi",
        "6291456",
        "32Ti",
        "1e9",
        "1E9",
        "512e6",
        "600M",
        "6291456000m",
        "+1Gi",
    ] {
        assert!(
            translated(&format!("api: {{command: a, memory: {memory}}}")).is_ok(),
            "{memory}"
        );
    }
    // The first one was found by the fuzzer.
    for memory in [
        "1ϯi",
        "ϯ",
        "''",
        "5Mi",
        "33Ti",
        "512MB",
        "1e99999999999",
        "-1Gi",
        "1.2.3Gi",
        "Gi",
        "1e",
        "1 Gi",
        "1gi",
        "inf",
        "nan",
    ] {
        fields(
            &format!("memory: {memory}"),
            "memory: must be an amount of memory from 6Mi to 32Ti, such as 512Mi or 2Gi",
        );
    }
    for time in ["90s", "1m30s", "1h", "0h2s", "000002s", "1h0m0s"] {
        assert!(
            translated(&format!("api: {{command: a, stop_timeout: {time}}}")).is_ok(),
            "{time}"
        );
    }
    for time in [
        "30", "1s", "1h1s", "''", "s", "1.5s", "-2s", "2s1m", "2s2s", "1500ms", "0000002s", "2ß",
    ] {
        fields(
            &format!("stop_timeout: {time}"),
            "stop_timeout: must be from 2s to 3600s, in whole hours, minutes and seconds such as 90s, 1m30s or 1h",
        );
    }
    fields(
        "expose: {check: {timeout: 10s}}",
        "expose.check.timeout: must be shorter than interval, which is 10s if left out",
    );
    fields(
        "expose: {check: {interval: 20s, timeout: 1m}}",
        "expose.check.timeout: must be shorter than interval, which is 10s if left out",
    );
}

/// The words of a bomb: each line is ten of the one before.
fn bomb(levels: usize, item: &str) -> String {
    let level = |level: usize| {
        let before = format!("*a{}", level - 1);
        format!("a{level}: &a{level} [{}]", [before.as_str(); 10].join(", "))
    };
    format!("a0: &a0 {item}\n") + &joined((1..=levels).map(level))
}

#[test]
fn no_text_is_larger_than_it_looks() {
    let size = "too large: with aliases copied in, a Procfile has at most 100000 values and 1048576 bytes";
    check(&bomb(9, "lol"), &format!("line 6: process a5: {size}"));
    let text = format!("{{command: {}}}", "x".repeat(200_000));
    check(&bomb(2, &text), &format!("line 2: process a1: {size}"));
    let nodes = format!("api: {{command: [{}]}}", "a,".repeat(100_001));
    check(&nodes, &format!("line 1: process api: command: {size}"));
    check(
        &format!("web: '{}'", "a".repeat(1_048_577)),
        "has more than 1048576 bytes",
    );
    check(
        "web: &a [*a]",
        "line 1: process web: an alias within the very thing that it stands for",
    );
    check(
        "web: &a {<<: *a}",
        "line 1: process web: <<: an alias within the very thing that it stands for",
    );
    check(
        &format!("web: {}", "[".repeat(100_000)),
        "line 1: process web: not valid YAML: …",
    );
    check(
        &format!("web: {}", "{a: ".repeat(100_000)),
        "line 1: process web: a.a.a.…: not valid YAML: recursion limit exceeded",
    );
    let steps = (1..100).map(|step| format!("a{step}: &a{step} [*a{}]", step - 1));
    let stairs = "a0: &a0 [x]\n".to_owned() + &joined(steps);
    check(&stairs, "line 32: process a31: aliases nest more than 32 deep");
    let blocks = joined((0..50_000).map(|n| format!("{}a:", " ".repeat(n % 500))));
    assert!(translated(&blocks).is_err());
}

#[test]
fn a_message_is_of_bearable_length_whatever_the_names() {
    let name = "x".repeat(500_000);
    for text in [
        format!("{name}: {{{name}: a}}"),
        format!("? {name}\n: command: [[]]\n"),
        format!("api: {{command: a, environment: {{? {name} : [a]}}}}"),
        format!("api: {{command: a, ports: [{name}]}}"),
        format!("api: !{name} a"),
    ] {
        for problem in translated(&text).unwrap_err() {
            let said = problem.to_string();
            assert!(said.len() < 1_500, "{} characters: {}", said.len(), &said[..200]);
        }
    }
}
