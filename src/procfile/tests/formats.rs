//! Procfiles that are no YAML, and files that are no Procfiles.

use super::{check, identity, translate, translated};

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let problems = translated(text).unwrap_err();
    let found: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn lines_that_are_no_yaml_are_read_as_such() {
    check(
        "web: ./server -b :: -p 3000\n",
        "web:\n  command: \"./server -b :: -p 3000\"\n",
    );
    check("web:./server", "web:\n  command: ./server\n");
    check(
        "web:./server\nworker:  ./worker a: b \r\n",
        "web:\n  command: ./server\nworker:\n  command: \"./worker a: b\"\n",
    );
    check(
        "\u{feff}// The web.\nweb: ./server\n\n  # The worker.\nworker: [ -f x ] # and more\n",
        "web:\n  command: ./server\nworker:\n  command: \"[ -f x ]\"\n",
    );
    // To YAML, it is a name.
    check("// note: this\nweb: ./server", "web:\n  command: ./server\n");
    check("web: `x` y\n", "web:\n  command: \"`x` y\"\n");
    check("web: 'a b' c#d # e\n", "web:\n  command: \"'a b' c#d\"\n");
    check(
        "web: a: null\nworker: null\n",
        "web:\n  command: \"a: null\"\nworker:\n  command: \"null\"\n",
    );
    // What YAML can read, it reads: quotes are its own.
    check(
        "web: \"./server -p 3000\"\n",
        "web:\n  command: ./server -p 3000\n",
    );
}

#[test]
fn a_line_that_is_no_process_is_named() {
    let neither = "is neither a process, such as `web: ./bin/web`, nor a comment, which begins with #";
    refused(
        "web: ./server -b :: -p 3000\n./worker\nmore of it\nclock: ./clock\n",
        &[
            &format!("line 2: `./worker` {neither}"),
            &format!("line 3: `more of it` {neither}"),
        ],
    );
    refused(
        "web: ./a b: c\n./worker x: y\n",
        &[&format!("line 2: `./worker x: y` {neither}")],
    );
    refused(
        "web: ./a b: c\nworker:\n",
        &["line 2: process worker: must not be empty: say what the process runs, such as ./bin/web"],
    );
    refused(
        "web: ./a b: c\nweb: d\n",
        &["line 2: process web: is there twice, first on line 1"],
    );
    refused(
        "web: 'a\n",
        &["line 1: process web: has a quote that is not closed"],
    );
    refused(
        "web: ./a b: c\nsend_mail: d\n",
        &[
            "line 2: process send_mail: a name has at most 63 lower case letters, digits and inner hyphens: write send-mail",
        ],
    );
}

#[test]
fn commands_and_maps_may_stand_in_one_file() {
    check(
        "web: ./bin/web\napi: {command: a, quantity: 2}\nrelease: ./migrate\n",
        "api:\n  command: a\n  quantity: 2\nrelease:\n  command: ./migrate\n  noservice: true\nweb:\n  command: ./bin/web\n",
    );
}

#[test]
fn a_backslash_at_a_lines_end_continues_a_command() {
    let expected = "web:\n  command: ./server --port 3000\n";
    for text in [
        "web: ./server \\\n  --port 3000\n",
        "web: ./server \\\r\n  --port 3000\r\n",
        "web: ./server \\\n--port 3000\n",
        "web:\n  command: ./server \\\n    --port 3000\n",
        "web:\n  command: >\n    ./server \\\n    --port 3000\n",
        "web:\n  command: |\n    ./server \\\n    --port 3000\n",
        "web:\n  command: './server \\\n    --port 3000'\n",
        "web:\n  command: \"./server \\\n    --port 3000\"\n",
    ] {
        let app = translated(text).unwrap();
        let command = app.spec.processes["web"].command.as_deref().unwrap();
        let words = command.split_whitespace();
        let words: Vec<&str> = words.collect();
        assert_eq!(words, ["./server", "--port", "3000"], "{text}");
        assert!(app.spec.processes["web"].args.is_empty(), "{text}");
    }
    check("web: ./server \\\n--port 3000\n", expected);
    check("web: ./a\\ b\n", "web:\n  command: ./a\\ b\n");
    refused(
        "web: ./a\\ b \\\n  c\n",
        &[
            "line 1: process web: has a backslash at the end of a line, and others before a space: write it on one line",
        ],
    );
    // A value is not a command.
    let app = translated("api:\n  command: a\n  env:\n    A: b \\\n      c\n").unwrap();
    assert_eq!(app.spec.processes["api"].env["A"], "b \\ c");
}

#[test]
fn an_encoding_that_is_not_utf_8_is_named() {
    let utf_16 =
        |order: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> { text.encode_utf16().flat_map(order).collect() };
    for text in [
        utf_16(u16::to_le_bytes, "\u{feff}web: ./bin/web\n"),
        utf_16(u16::to_be_bytes, "\u{feff}web: ./bin/web\n"),
        utf_16(u16::to_le_bytes, "web: ./bin/web\n"),
        utf_16(u16::to_be_bytes, "web: ./bin/web\n"),
    ] {
        let problems = translate(&text, &identity()).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].to_string(),
            "line 1: is UTF-16 text: save it as UTF-8"
        );
    }
}

#[test]
fn a_neighbour_of_a_procfile_is_named_in_one_line() {
    for (text, file) in [
        (
            "version: '3'\nservices:\n  web:\n    image: nginx\n    ports: ['80:80']\n  db: {image: postgres}\n",
            "a file of Docker Compose",
        ),
        (
            "services:\n  - type: web\n    name: shop\n    env: ruby\n",
            "render.yaml of Render, or an app spec of DigitalOcean",
        ),
        (
            "name: web\ntype: Load Balanced Web Service\nimage:\n  build: Dockerfile\n",
            "a manifest of AWS Copilot",
        ),
        (
            "app = \"shop\"\nprimary_region = \"fra\"\n\n[http_service]\n  internal_port = 8080\n",
            "fly.toml of Fly.io",
        ),
        (
            "app = 'shop'\n[processes]\nweb = './bin/web'\n",
            "fly.toml of Fly.io",
        ),
        ("[package]\nname = \"shop\"\n", "a file of TOML or INI"),
        ("[program:web]\ncommand=./bin/web\n", "a file of TOML or INI"),
        (
            "{\"name\": \"shop\", \"scripts\": {\"postdeploy\": \"x\"}, \"env\": {}, \"formation\": {\"web\": {\"quantity\": 1}}, \"buildpacks\": []}",
            "app.json of Heroku",
        ),
        (
            "{\"name\": \"shop\", \"scripts\": {\"start\": \"node .\"}, \"dependencies\": {}}",
            "app.json of Heroku, or package.json of npm",
        ),
        (
            "build:\n  docker:\n    web: Dockerfile\nrun:\n  web: ./bin/web\n",
            "heroku.yml of Heroku",
        ),
        (
            "{\"family\": \"shop\", \"containerDefinitions\": [{\"name\": \"web\"}]}",
            "a task definition of ECS",
        ),
        (
            "runtime: python312\nentrypoint: gunicorn main:app\n",
            "app.yaml of App Engine",
        ),
        (
            "applications:\n- name: shop\n  memory: 64M\n",
            "a manifest of Cloud Foundry",
        ),
        ("FROM ruby:3.3\nCMD [\"./bin/web\"]\n", "a Dockerfile"),
        (
            "# Ours\nRAILS_ENV=production\nexport PORT=3000\n",
            "a file of environment variables",
        ),
        ("#!/bin/sh\nexec ./bin/web\n", "a script"),
    ] {
        refused(
            text,
            &[&format!(
                "line 1: is {file}, and no Procfile: that has a line per process, such as `web: ./bin/web`"
            )],
        );
    }
    // Processes may be called what keys of such files are.
    for text in [
        "services: ./bin/services\nname: ./bin/name\n",
        "build: {command: a, expose: {check: {path: /}}}\nrun: {command: b}\n",
        "runtime: ./bin/runtime\n",
    ] {
        assert!(translated(text).is_ok(), "{text}");
    }
}

#[test]
fn variables_that_say_what_is_so_anyway_are_left_out() {
    let plain = translated("web: {command: a, env: {A: b}}").unwrap();
    for env in [
        "{A: b, PORT: 8080}",
        "{A: b, PORT: '8080', EMPIRE_X_LOAD_BALANCER_TYPE: alb}",
    ] {
        let text = format!("web: {{command: a, environment: {env}}}");
        assert_eq!(translated(&text).as_ref(), Ok(&plain), "{text}");
    }
    check(
        "api: {command: a, ports: ['80:3000', '8080:3001'], environment: {PORT: 3000, EMPIRE_X_LOAD_BALANCER_TYPE: alb}}",
        "api:\n  command: a\n  expose:\n    listeners:\n    - port: 80\n      protocol: http\n      containerPort: 3000\n    - port: 8080\n      protocol: http\n      containerPort: 3001\n",
    );
    check(
        "api: {command: a, env: {PORT: 8080}}",
        "api:\n  command: a\n  env:\n    PORT: \"8080\"\n",
    );
    let reserved = "SOURCE and names that begin with EMPIRE_ are reserved";
    for (variable, value, instead) in [
        (
            "EMPIRE_X_LOAD_BALANCER_TYPE",
            "alb",
            "; leave it out: expose.type decides, http and https for an application load balancer, tcp and tls for a network one",
        ),
        (
            "EMPIRE_X_TASK_ROLE_ARN",
            "shop",
            "; set spec.taskRoleArn of the App",
        ),
        ("EMPIRE_X_EXPOSURE", "public", "; set expose.external"),
        (
            "EMPIRE_X_TASK_DEFINITION_TYPE",
            "custom",
            "; leave it out: there is no such choice",
        ),
        (
            "EMPIRE_X_OTHER",
            "a",
            "; leave it out: settings are fields of the process, such as expose, cpu and memory",
        ),
        ("EMPIRE_APPNAME", "a", ""),
    ] {
        refused(
            &format!("api: {{command: a, ports: [22], environment: {{{variable}: {value}}}}}"),
            &[&format!(
                "line 1: process api: environment.{variable}: {reserved}{instead}"
            )],
        );
    }
    refused(
        "web: {command: a, environment: {PORT: 3000}}",
        &[
            "line 1: process web: environment.PORT: is reserved on an exposed process, which is told its container port in it: that is 8080, not 3000; set expose.containerPort",
        ],
    );
}

#[test]
fn a_wrong_value_is_quoted_unless_it_may_be_secret() {
    let said = |fields: &str, expected: &str| {
        refused(
            &format!("api: {{command: a, {fields}}}"),
            &[&format!("line 1: process api: {expected}")],
        );
    };
    said(
        "quantity: many",
        "quantity: must be a whole number, without quotes and leading zeros, not \"many\"",
    );
    said(
        "quantity: [2]",
        "quantity: must be a whole number, without quotes and leading zeros, not a list",
    );
    said("quantity: -1", "quantity: must be from 0 to 10000, not -1");
    said(
        "noservice: maybe",
        "noservice: must be true or false, without quotes, not \"maybe\"",
    );
    said("expose: http", "expose: must be a map, not \"http\"");
    said(
        "expose: {type: HTTP}",
        "expose.type: must be one of http, https, tcp, tls, none, not \"HTTP\"",
    );
    said(
        "memory: 512MB",
        "memory: must be an amount of memory from 6Mi to 32Ti, such as 512Mi or 2Gi, not \"512MB\"",
    );
    said(
        "ports: 80",
        "ports: must be a list of ports, such as [\"80:8080\"], not \"80\"",
    );
    said(
        "ports: [80: {protocol: udp}]",
        "ports[0].protocol: must be one of http, https, tcp, ssl, tls, not \"udp\"",
    );
    said(
        "stop_timeout: 1d",
        "stop_timeout: must be from 2s to 3600s, in whole hours, minutes and seconds such as 90s, 1m30s or 1h, not \"1d\"",
    );
    said(
        "cron: '@daily', timezone: Mars",
        "timezone: must be a time zone of the IANA database, such as Europe/Berlin, not \"Mars\"",
    );
    said("env: open-sesame", "env: must be a map");
    said("args: open-sesame", "args: must be a list");
}

#[test]
fn control_characters_are_refused() {
    let controls = "must not have control characters, such as NUL";
    for control in ["\\0", "\\x07", "\\e", "\\x7f", "\\u0085"] {
        refused(
            &format!("web: \"a{control}\""),
            &[&format!("line 1: process web: {controls}")],
        );
        for (fields, field) in [
            ("args: [\"VALUE\"]", "args[0]"),
            ("environment: {A: \"VALUE\"}", "environment.A"),
        ] {
            let text = format!(
                "api: {{command: a, {}}}",
                fields.replace("VALUE", &format!("a{control}"))
            );
            refused(&text, &[&format!("line 1: process api: {field}: {controls}")]);
        }
        let problems = translated(&format!("api: {{command: a, image: \"a{control}\"}}")).unwrap_err();
        assert!(
            problems[0]
                .to_string()
                .starts_with("line 1: process api: image: must be a container image"),
            "{problems:#?}"
        );
    }
    assert!(
        translated("api: {command: \"a\\tb\\n\", args: [\"\\t\\r\\n\"], env: {A: \"\\t\\r\\n\"}}").is_ok()
    );
}

#[test]
fn a_process_without_a_command_runs_the_images_own() {
    check("web: {}\napi: {quantity: 2}\n", "api:\n  quantity: 2\nweb: {}\n");
    refused(
        "web: {command: }",
        &[
            "line 1: process web: command: is empty: say what the process runs, or leave command out, and the image's own runs",
        ],
    );
    refused(
        "web: {args: [a]}",
        &[
            "line 1: process web: args: need a command or an entryPoint before them: ECS cannot add words to the image's own command",
        ],
    );
}

#[test]
fn a_schedule_without_a_day_gets_a_warning() {
    let warnings = |cron: &str| {
        let text = format!("nightly: {{command: a, cron: '{cron}'}}");
        super::translate_with(text.as_bytes(), &identity(), false)
            .unwrap()
            .warnings
    };
    let never = "line 1: process nightly: cron: names no day that there is, so that no task is ever started";
    assert_eq!(warnings("0 0 31 4 *")[0].to_string(), never);
    assert_eq!(warnings("0 0 29 2 *"), []);
    // Whether a year is over, only a clock could say.
    assert_eq!(warnings("0 0 1 1 ? 1999"), []);
}
