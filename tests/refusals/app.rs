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

fn sidecar(fields: &str) -> String {
    process(&format!("sidecars: {{proxy: {{{fields}}}}}"))
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
            app("{image: a, release: {process: gone}, processes: {api: {command: a}}}"),
            "spec.release: Invalid value: …release.process: there is no process gone",
        ),
        (
            app("{image: a, release: {process: api}, processes: {api: {command: a}}}"),
            "spec.release: Invalid value: …release.process: process api: needs noservice: true, so that nothing else runs it",
        ),
        (
            app("{image: a, release: {process: api, timeout: 5s}, processes: {api: {noservice: true}}}"),
            "spec.release.timeout: Invalid value: …must be from 10s to 12h",
        ),
        (
            app("{image: a, release: {process: api, timeout: 13h}, processes: {api: {noservice: true}}}"),
            "spec.release.timeout: Invalid value: …must be from 10s to 12h",
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
            app(&format!(
                "{{image: a, env: {{A: '{0}', B: '{0}'}}, processes: {{web: {{command: a}}}}}}",
                "x".repeat(32_768)
            )),
            "spec.env: Invalid value: …env: names and values have more characters than the 65,536 bytes",
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
            "process web_1: a name has at most 63 lower case letters, digits and inner hyphens: write web-1",
        ),
        (
            processes("{Web: {command: a}}"),
            "process Web: a name has at most 63 lower case letters, digits and inner hyphens: write web",
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
            processes("{api: {args: [a]}}"),
            "spec.processes[api].args: Invalid value: …args: need a command or an entryPoint before them",
        ),
        (
            processes("{api: {args: [a], entryPoint: []}}"),
            "spec.processes[api].args: Invalid value: …args: need a command or an entryPoint before them",
        ),
        (
            processes("{api: {shell: true}}"),
            "spec.processes[api].shell: Invalid value: …shell: needs a command for it to run",
        ),
        (
            processes("{api: {command: ''}}"),
            "spec.processes[api].command: Invalid value: …must not be empty",
        ),
        (
            processes(r#"{api: {command: "a\0"}}"#),
            "spec.processes[api].command: Invalid value: …must not have control characters, such as NUL",
        ),
        (
            process(r#"args: ["a\e"]"#),
            "spec.processes.api.args[0] in body should match",
        ),
        (
            process(r#"env: {A: "a\x7F"}"#),
            "spec.processes.api.env.A in body should match",
        ),
        (
            process(r#"image: "a\x01""#),
            "spec.processes[api].image: Invalid value: …must be a container image",
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
        // Secrets.
        (
            app(
                "{image: a, secrets: {PORT: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}, processes: {web: {command: a}}}",
            ),
            "spec.secrets: Invalid value: …secrets: PORT is reserved",
        ),
        (
            app(
                "{image: a, env: {A: open-sesame}, secrets: {A: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}, processes: {web: {command: a}}}",
            ),
            "spec.secrets: Invalid value: …secrets: A: is also in env",
        ),
        (
            process("env: {A: open-sesame}, secrets: {A: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}"),
            "spec.processes[api].secrets: Invalid value: …secrets: A: is also in env",
        ),
        (
            process("secrets: {A: open-sesame}"),
            "spec.processes[api].secrets: Invalid value: …secrets: A: must be the ARN of a secret",
        ),
        (
            process(
                "secrets: {A: 'arn:aws:ssm:us-east-1:123456789012:parameter/a', B: /shop/b, C: 'ssm:c', D: 'vault:d'}",
            ),
            "spec.processes[api].secrets: Invalid value: …secrets: D: must be the ARN of a secret",
        ),
        (
            process("secrets: {1ST: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}"),
            "spec.processes[api].secrets: Invalid value: …secrets: 1ST: a name consists of",
        ),
        (
            process("secrets: {EMPIRE_X: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}"),
            "spec.processes[api].secrets: Invalid value: …secrets: EMPIRE_X: SOURCE and names that begin with EMPIRE_ are reserved",
        ),
        (
            processes(
                "{web: {command: a, secrets: {PORT: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}}}",
            ),
            "process web: secrets: PORT is reserved on an exposed process",
        ),
        (
            app("{image: a, taskRoleArn: admin, processes: {web: {command: a}}}"),
            "spec.taskRoleArn: Invalid value: …must be the ARN of an IAM role",
        ),
        (
            app("{image: a, deletionPolicy: Orphan, processes: {web: {command: a}}}"),
            "spec.deletionPolicy: Unsupported value: \"Orphan\"",
        ),
        // Cron and noservice.
        (
            process("image: a b"),
            "spec.processes[api].image: Invalid value: …must be a container image",
        ),
        (
            process("cron: ' '"),
            "spec.processes[api].cron: Invalid value: …must not be empty: say when",
        ),
        (
            process("cron: '0 3 * * ? *', timezone: 'Europe / Berlin'"),
            "spec.processes[api].timezone: Invalid value: …must be the IANA name of a time zone",
        ),
        (
            process("timezone: Europe/Berlin"),
            "spec.processes[api].timezone: Invalid value: …timezone: is for cron only",
        ),
        (
            process("cron: '0 3 * * ? *', expose: {type: none}"),
            "spec.processes[api].expose: Invalid value: …expose: not with cron",
        ),
        (
            process("cron: '0 3 * * ? *', quantity: 1"),
            "spec.processes[api].quantity: Invalid value: …quantity: not with cron",
        ),
        (
            process("cron: '0 3 * * ? *', deploy: {}"),
            "spec.processes[api].deploy: Invalid value: …deploy: not with cron",
        ),
        (
            process("cron: '0 3 * * ? *', exec: true"),
            "spec.processes[api].exec: Invalid value: …exec: not with cron or noservice",
        ),
        (
            process("noservice: true, exec: true"),
            "spec.processes[api].exec: Invalid value: …exec: not with cron or noservice",
        ),
        (
            process("cron: '0 3 * * ? *', rollOnChange: true"),
            "spec.processes[api].rollOnChange: Invalid value: …rollOnChange: not with cron or noservice",
        ),
        (
            process("noservice: true, rollOnChange: true"),
            "spec.processes[api].rollOnChange: Invalid value: …rollOnChange: not with cron or noservice",
        ),
        (
            process("repositoryCredentials: 'secretsmanager:shop/db:password'"),
            "spec.processes[api].repositoryCredentials: Invalid value: …must be the ARN of a secret in Secrets Manager, or secretsmanager: and its name",
        ),
        (
            process("exec: true, readOnlyRootFilesystem: true"),
            "spec.processes[api].exec: Invalid value: …exec: not with readOnlyRootFilesystem",
        ),
        (
            process("noservice: true, cron: '0 3 * * ? *'"),
            "spec.processes[api].cron: Invalid value: …cron: not with noservice",
        ),
        (
            process("noservice: true, expose: {}"),
            "spec.processes[api].expose: Invalid value: …expose: not with noservice",
        ),
        (
            process("noservice: true, quantity: 0"),
            "spec.processes[api].quantity: Invalid value: …quantity: not with noservice",
        ),
        (
            process("noservice: true, deploy: {}"),
            "spec.processes[api].deploy: Invalid value: …deploy: not with noservice",
        ),
        (
            process("noservice: true, placement: {}"),
            "spec.processes[api].placement: Invalid value: …placement: not with noservice",
        ),
        // How it is scaled.
        (
            process("quantity: 2, scale: {min: 1, max: 2}"),
            "spec.processes[api].scale: Invalid value: …scale: not with quantity",
        ),
        (
            process("cron: '0 3 * * ? *', scale: {min: 1, max: 2}"),
            "spec.processes[api].scale: Invalid value: …scale: not with cron or noservice",
        ),
        (
            process("noservice: true, scale: {min: 1, max: 2}"),
            "spec.processes[api].scale: Invalid value: …scale: not with cron or noservice",
        ),
        (
            process("scale: {max: 2}"),
            "spec.processes.api.scale.min: Required value",
        ),
        (
            process("scale: {min: 2}"),
            "spec.processes.api.scale.max: Required value",
        ),
        (
            process("scale: {min: 3, max: 2}"),
            "spec.processes[api].scale.max: Invalid value: …scale: min must not be more than max",
        ),
        (
            process("scale: {min: 0, max: 0}"),
            "spec.processes.api.scale.max in body should be greater than or equal to 1",
        ),
        (
            process("scale: {min: 1, max: 2, cpu: 101}"),
            "spec.processes.api.scale.cpu in body should be less than or equal to 100",
        ),
        (
            process("scale: {min: 1, max: 2, memory: 0}"),
            "spec.processes.api.scale.memory in body should be greater than or equal to 1",
        ),
        (
            process("scale: {min: 1, max: 2, requestsPerTarget: 0}"),
            "spec.processes.api.scale.requestsPerTarget in body should be greater than or equal to 1",
        ),
        (
            process("scale: {min: 1, max: 2, cpu: 50, scaleInCooldown: 2h}"),
            "spec.processes[api].scale.scaleInCooldown: Invalid value: …must be from 0s to 1h",
        ),
        (
            process("scale: {min: 1, max: 2, scaleOutCooldown: 1m}"),
            "spec.processes[api].scale: Invalid value: …scale: a cooldown needs cpu, memory or requestsPerTarget",
        ),
        (
            process("scale: {min: 1, max: 2, schedules: [{min: 1}]}"),
            "spec.processes.api.scale.schedules[0].cron: Required value",
        ),
        (
            process("scale: {min: 1, max: 2, schedules: [{cron: ' ', min: 1}]}"),
            "spec.processes[api].scale.schedules[0].cron: Invalid value: …must not be empty",
        ),
        (
            process("scale: {min: 1, max: 2, schedules: [{cron: '0 8 * * *', timezone: 'a b', min: 1}]}"),
            "spec.processes[api].scale.schedules[0].timezone: Invalid value: …must be the IANA name",
        ),
        (
            process("scale: {min: 1, max: 2, schedules: [{cron: '0 8 * * *'}]}"),
            "spec.processes[api].scale.schedules[0]: Invalid value: …scale.schedules: say min, max or both",
        ),
        (
            process("scale: {min: 1, max: 2, schedules: [{cron: '0 8 * * *', min: 2, max: 1}]}"),
            "spec.processes[api].scale.schedules[0].max: Invalid value: …scale.schedules: min must not be more",
        ),
        // Which capacity it runs on, and behind which security groups.
        (
            process("capacity: {}"),
            "spec.processes[api].capacity: Invalid value: …capacity: say spot or capacityProviders",
        ),
        (
            process("capacity: {spot: 50, capacityProviders: [{name: a}]}"),
            "spec.processes[api].capacity: Invalid value: …capacity: say spot or capacityProviders",
        ),
        (
            process("capacity: {spot: 101}"),
            "spec.processes.api.capacity.spot in body should be less than or equal to 100",
        ),
        (
            process("capacity: {capacityProviders: [{name: a, base: 1}, {name: b, base: 1}]}"),
            "spec.processes[api].capacity.capacityProviders: Invalid value: …only one of them can have a base",
        ),
        (
            process("capacity: {capacityProviders: [{name: a, weight: 0}]}"),
            "spec.processes[api].capacity.capacityProviders: Invalid value: …one of them at least needs a weight",
        ),
        (
            process("capacity: {capacityProviders: [{name: a}, {name: a}]}"),
            "spec.processes[api].capacity.capacityProviders[1]: Duplicate value",
        ),
        (
            process("capacity: {capacityProviders: [{name: 'a b'}]}"),
            "spec.processes[api].capacity.capacityProviders[0].name: Invalid value: …must be the name of a capacity provider",
        ),
        (
            process("securityGroups: [group]"),
            "spec.processes[api].securityGroups[0]: Invalid value: …must be an id that begins with sg-",
        ),
        (
            process("securityGroups: [sg-1, sg-1]"),
            "spec.processes[api].securityGroups[1]: Duplicate value",
        ),
        (
            process("securityGroups: [sg-1, sg-2, sg-3, sg-4, sg-5, sg-6]"),
            "spec.processes.api.securityGroups: Too many: 6: must have at most 5 items",
        ),
        // How a task runs, and how it is placed and replaced.
        (
            process("ulimits: {nproc: 0}"),
            "spec.processes.api.ulimits.nproc in body should be greater than or equal to 1",
        ),
        (
            process("stopTimeout: 1s"),
            "spec.processes[api].stopTimeout: Invalid value: …must be from 2s to 1h",
        ),
        // What its container has.
        (
            process("user: 'a b'"),
            "spec.processes[api].user: Invalid value: …must be a user, or a user and a group",
        ),
        (
            process("workingDirectory: srv"),
            "spec.processes[api].workingDirectory: Invalid value: …must be an absolute path",
        ),
        (
            process("repositoryCredentials: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'"),
            "spec.processes[api].repositoryCredentials: Invalid value: …must be the ARN of a secret in Secrets Manager",
        ),
        (
            process("tmpfs: {tmp: 64Mi}"),
            "spec.processes[api].tmpfs: Invalid value: …tmpfs: tmp: must be an absolute path",
        ),
        (
            process("tmpfs: {/tmp: lots}"),
            "spec.processes[api].tmpfs: Invalid value: …tmpfs: the size of /tmp must be an amount of memory from 1Mi to 1Ti",
        ),
        (
            process("ephemeralStorage: 20Gi"),
            "spec.processes[api].ephemeralStorage: Invalid value: …must be an amount of disk above 20Gi",
        ),
        (
            process("volumes: {a b: {}}"),
            "spec.processes[api].volumes: Invalid value: …volumes: a b: a name has at most 63 letters",
        ),
        (
            process("volumes: {a: {efs: {fileSystemId: a}}}"),
            "spec.processes[api].volumes[a].efs.fileSystemId: Invalid value: …must be an id that begins with fs-",
        ),
        (
            process("volumes: {a: {efs: {fileSystemId: fs-1, accessPointId: fs-1}}}"),
            "spec.processes[api].volumes[a].efs.accessPointId: Invalid value: …must be an id that begins with fsap-",
        ),
        (
            process("volumes: {a: {efs: {fileSystemId: fs-1, rootDirectory: a}}}"),
            "spec.processes[api].volumes[a].efs.rootDirectory: Invalid value: …must be an absolute path",
        ),
        (
            process("volumes: {a: {efs: {fileSystemId: fs-1, accessPointId: fsap-1, rootDirectory: /a}}}"),
            "spec.processes[api].volumes[a].efs.rootDirectory: Invalid value: …efs.rootDirectory: not with accessPointId",
        ),
        (
            process("volumes: {a: {}}, mounts: {a: {volume: a}}"),
            "spec.processes[api].mounts: Invalid value: …mounts: a: must be an absolute path",
        ),
        (
            process("volumes: {a: {}}, mounts: {/a: {volume: b}}"),
            "spec.processes[api].mounts: Invalid value: …mounts: /a: b is none of the volumes",
        ),
        (
            process("mounts: {/a: {volume: b}}"),
            "spec.processes[api].mounts: Invalid value: …mounts: /a: b is none of the volumes",
        ),
        (
            process("volumes: {a: {}}, tmpfs: {/a: 1Mi}, mounts: {/a: {volume: a}}"),
            "spec.processes[api].mounts: Invalid value: …mounts: /a: is also in tmpfs",
        ),
        (
            process("startTimeout: 1s"),
            "spec.processes[api].startTimeout: Invalid value: …must be from 2s to 1h",
        ),
        (
            process("restart: {attemptPeriod: 59s}"),
            "spec.processes[api].restart.attemptPeriod: Invalid value: …must be from 60s to 1800s",
        ),
        (
            process("restart: {ignoredExitCodes: [256]}"),
            "spec.processes.api.restart.ignoredExitCodes[0]: Invalid value",
        ),
        (process("gpus: 0"), "spec.processes.api.gpus: Invalid value"),
        (
            process("logging: {driver: none}"),
            "spec.processes.api.logging.driver: Unsupported value",
        ),
        (
            process("sidecars: {log: {image: a, logRouter: {type: vector}}}"),
            "spec.processes.api.sidecars.log.logRouter.type: Unsupported value",
        ),
        (
            process("sidecars: {a: {image: a, ports: {p: {containerPort: 0}}}}"),
            "spec.processes.api.sidecars.a.ports.p.containerPort: Invalid value",
        ),
        (
            process("sidecars: {a: {image: a, startTimeout: 2h}}"),
            "spec.processes[api].sidecars[a].startTimeout: Invalid value: …must be from 2s to 1h",
        ),
        (
            process("overrides: [{'on': .taskDefinition, set: {privileged: true}}]"),
            "spec.processes[api].overrides[0]: Invalid value: …overrides: .taskDefinition: has members of a container: name that in on",
        ),
        (
            process("overrides: [{'on': .taskDefinition, remove: [logConfiguration]}]"),
            "overrides: .taskDefinition: has members of a container: name that in on",
        ),
        (
            process("overrides: [{'on': api, set: {pidMode: host}}]"),
            "spec.processes[api].overrides[0]: Invalid value: …overrides: api: has members of the task definition: say .taskDefinition in on",
        ),
        (
            process("overrides: [{'on': api}, {'on': api}]"),
            "spec.processes[api].overrides[1]: Duplicate value",
        ),
        (
            process("overrides: [{set: {}}]"),
            "spec.processes.api.overrides[0].on: Required value",
        ),
        (
            process("overrides: [{'on': api, remove: [image]}]"),
            "spec.processes.api.overrides[0].remove[0]: Unsupported value",
        ),
        (
            process(
                "overrides: [{'on': api, set: {linuxParameters: {capabilities: {add: [CAP_NET_ADMIN]}}}}]",
            ),
            "spec.processes.api.overrides[0].set.linuxParameters.capabilities.add[0]: Unsupported value",
        ),
        (
            process("overrides: [{'on': api, set: {linuxParameters: {swappiness: 101}}}]"),
            "spec.processes.api.overrides[0].set.linuxParameters.swappiness: Invalid value",
        ),
        (
            process("overrides: [{'on': api, set: {ulimits: [{name: files, softLimit: 1, hardLimit: 1}]}}]"),
            "spec.processes.api.overrides[0].set.ulimits[0].name: Unsupported value",
        ),
        (
            process("overrides: [{'on': .taskDefinition, set: {ipcMode: shared}}]"),
            "spec.processes.api.overrides[0].set.ipcMode: Unsupported value",
        ),
        (
            process(
                "overrides: [{'on': .taskDefinition, set: {placementConstraints: [{type: distinctInstance, expression: a}]}}]",
            ),
            "spec.processes.api.overrides[0].set.placementConstraints[0].type: Unsupported value",
        ),
        (
            process("architecture: amd64"),
            "spec.processes.api.architecture: Unsupported value",
        ),
        (
            process("healthCheck: {command: ' '}"),
            "spec.processes[api].healthCheck.command: Invalid value: …must not be empty",
        ),
        (
            process("healthCheck: {command: \"a\\0\"}"),
            "spec.processes[api].healthCheck.command: Invalid value: …must not have control characters",
        ),
        (
            process("healthCheck: {command: a, interval: 4s}"),
            "spec.processes[api].healthCheck.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            process("healthCheck: {command: a, timeout: 61s}"),
            "spec.processes[api].healthCheck.timeout: Invalid value: …must be from 2s to 60s",
        ),
        (
            process("healthCheck: {command: a, retries: 11}"),
            "spec.processes.api.healthCheck.retries in body should be less than or equal to 10",
        ),
        (
            process("healthCheck: {command: a, startPeriod: 301s}"),
            "spec.processes[api].healthCheck.startPeriod: Invalid value: …must be from 0s to 300s",
        ),
        // What runs beside it.
        (
            sidecar("image: a b"),
            "spec.processes[api].sidecars[proxy].image: Invalid value: …must be a container image",
        ),
        (
            sidecar("image: a, stopTimeout: 1s"),
            "spec.processes[api].sidecars[proxy].stopTimeout: Invalid value: …must be from 2s to 1h",
        ),
        (
            sidecar("image: a, healthCheck: {command: a, interval: 301s}"),
            "spec.processes[api].sidecars[proxy].healthCheck.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            sidecar("image: a, dependsOn: {api: RUNNING}"),
            "spec.processes.api.sidecars.proxy.dependsOn.api: Unsupported value",
        ),
        (
            process("placement: {constraints: [{type: memberOf}]}"),
            "spec.processes[api].placement.constraints[0]: Invalid value: …memberOf needs an expression",
        ),
        (
            process("placement: {constraints: [{type: distinctInstance, expression: a}]}"),
            "spec.processes[api].placement.constraints[0]: Invalid value: …memberOf needs an expression",
        ),
        (
            process("placement: {strategy: [{type: spread}]}"),
            "spec.processes[api].placement.strategy[0]: Invalid value: …spread and binpack need a field",
        ),
        (
            process("placement: {strategy: [{type: random, field: host}]}"),
            "spec.processes[api].placement.strategy[0]: Invalid value: …spread and binpack need a field",
        ),
        (
            process("placement: {strategy: [{type: binpack, field: host}]}"),
            "spec.processes[api].placement.strategy[0]: Invalid value: …binpack is by cpu or memory",
        ),
        (
            process("deploy: {minimumHealthyPercent: 101}"),
            "spec.processes.api.deploy.minimumHealthyPercent in body should be less than or equal to 100",
        ),
        (
            process("deploy: {maximumPercent: 99}"),
            "spec.processes.api.deploy.maximumPercent in body should be greater than or equal to 100",
        ),
        (
            process("deploy: {minimumHealthyPercent: 100, maximumPercent: 100}"),
            "spec.processes[api].deploy.maximumPercent: Invalid value: …lets no task stop and none start",
        ),
        (
            process("deploy: {progressDeadline: 10}"),
            "spec.processes.api.deploy.progressDeadline in body must be of type string",
        ),
        (
            process("deploy: {progressDeadline: 30s}"),
            "spec.processes[api].deploy.progressDeadline: Invalid value: …must be from 1m to 24h",
        ),
        // Exposure.
        (
            expose("type: udp"),
            "spec.processes.api.expose.type: Unsupported value: \"udp\"",
        ),
        (
            expose("type: https"),
            "spec.processes[api].expose: Invalid value: …expose: https and tls need certificateArns",
        ),
        (
            expose("type: tls, certificateArns: []"),
            "spec.processes[api].expose: Invalid value: …expose: https and tls need certificateArns",
        ),
        (
            expose("listeners: [{port: 80, protocol: http}, {port: 443, protocol: https}]"),
            "spec.processes[api].expose: Invalid value: …expose: https and tls need certificateArns",
        ),
        (
            expose("certificateArns: ['arn:aws:acm:us-east-1:123456789012:certificate/1']"),
            "spec.processes[api].expose.certificateArns: Invalid value: …expose: certificateArns are for https and tls only",
        ),
        (
            expose("type: tcp, certificateArns: ['arn:aws:acm:us-east-1:123456789012:certificate/1']"),
            "spec.processes[api].expose.certificateArns: Invalid value: …expose: certificateArns are for https and tls only",
        ),
        (
            expose("type: https, certificateArns: [www.example.com]"),
            "spec.processes[api].expose.certificateArns[0]: Invalid value: …must be the ARN of a certificate",
        ),
        (
            expose(
                "type: https, certificateArns: ['arn:aws:acm:us-east-1:123456789012:certificate/1', 'arn:aws:acm:us-east-1:123456789012:certificate/1']",
            ),
            "spec.processes[api].expose.certificateArns[1]: Duplicate value",
        ),
        (
            expose("type: tcp, idleTimeout: 60s"),
            "spec.processes[api].expose.idleTimeout: Invalid value: …idleTimeout is for http and https only",
        ),
        (
            expose("idleTimeout: 4001s"),
            "spec.processes[api].expose.idleTimeout: Invalid value: …must be from 1s to 4000s",
        ),
        (
            expose("deregistrationDelay: 2h"),
            "spec.processes[api].expose.deregistrationDelay: Invalid value: …must be from 0s to 1h",
        ),
        (
            expose("type: tcp, check: {path: /}"),
            "spec.processes[api].expose.check: Invalid value: …path is for http and https only",
        ),
        (
            expose("listeners: [{port: 80, protocol: tcp}], check: {successCodes: '200'}"),
            "spec.processes[api].expose.check: Invalid value: …successCodes are for http and https only",
        ),
        (
            expose("listeners: [{port: 80, protocol: http}], type: http"),
            "spec.processes[api].expose.listeners: Invalid value: …listeners are in place of type and containerPort",
        ),
        (
            expose("listeners: [{port: 80, protocol: http}], containerPort: 80"),
            "spec.processes[api].expose.listeners: Invalid value: …listeners are in place of type and containerPort",
        ),
        (
            expose("listeners: [{port: 80, protocol: http}, {port: 80, protocol: http, containerPort: 81}]"),
            "spec.processes[api].expose.listeners[1]: Duplicate value",
        ),
        (
            expose("listeners: [{port: 80, protocol: http}, {port: 81, protocol: tcp}]"),
            "spec.processes[api].expose.listeners: Invalid value: …http and https are for another kind of load balancer",
        ),
        (
            expose(
                "listeners: [{port: 1, protocol: tcp}, {port: 2, protocol: tcp, containerPort: 2}, {port: 3, protocol: tcp, containerPort: 3}]",
            ),
            "spec.processes[api].expose.listeners: Invalid value: …two container ports at most",
        ),
        (
            expose("listeners: [{port: 0, protocol: tcp}]"),
            "spec.processes.api.expose.listeners[0].port in body should be greater than or equal to 1",
        ),
        (
            expose("listeners: [{port: 1, protocol: HTTP}]"),
            "spec.processes.api.expose.listeners[0].protocol: Unsupported value: \"HTTP\"",
        ),
        (
            expose("type: none, listeners: [{port: 80, protocol: http}]"),
            "expose: type none takes no other field",
        ),
        (
            check("successCodes: 2xx"),
            "spec.processes[api].expose.check.successCodes: Invalid value: …must be HTTP statuses from 200 to 499",
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
        processes(
            "{web: {}, api: {quantity: 2, args: []}, nightly: {cron: '0 3 * * ? *'}, console: {noservice: true}}",
        ),
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
        check("successCodes: '200,204-299,404'"),
        process(
            "cron: '0 3 * * 1-5', timezone: America/Argentina/Buenos_Aires, placement: {strategy: [{type: random}]}",
        ),
        process("noservice: true, image: b"),
        process("noservice: false, quantity: 1"),
        processes("{web: {command: a, cron: '0 3 * * ? *', env: {PORT: '1'}}}"),
        process(
            "secrets: {A: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/a-AbCdEf:key::'}, ulimits: {nproc: 256}, \
             stopTimeout: 2m, readOnlyRootFilesystem: true",
        ),
        process(
            "placement: {constraints: [{type: distinctInstance}, {type: memberOf, expression: 'attribute:a == b'}], \
             strategy: [{type: spread, field: instanceId}, {type: binpack, field: MEMORY}]}",
        ),
        process(
            "deploy: {minimumHealthyPercent: 50, maximumPercent: 100, circuitBreaker: {enable: true, rollback: false}, progressDeadline: 1h}",
        ),
        expose(
            "type: https, certificateArns: ['arn:aws:acm:us-east-1:123456789012:certificate/1'], idleTimeout: 2m, check: {path: /}",
        ),
        expose("type: tcp, containerPort: 5432, deregistrationDelay: 0s, check: {interval: 30s}"),
        expose("type: tls, certificateArns: ['arn:aws:iam::123456789012:server-certificate/a']"),
        expose(
            "listeners: [{port: 80, protocol: http}, {port: 443, protocol: https}, {port: 8443, protocol: https, containerPort: 9000}], \
             certificateArns: ['arn:aws:acm:us-east-1:123456789012:certificate/1']",
        ),
        app(
            "{image: a, taskRoleArn: 'arn:aws:iam::123456789012:role/apps/acme', deletionPolicy: Retain, processes: {web: {command: a}}}",
        ),
        app("{image: a, release: {process: migrate, timeout: 12h}, processes: {migrate: {noservice: true}}}"),
        app("{image: a, release: {process: migrate}, processes: {web: {}, migrate: {noservice: true}}}"),
        check("interval: 5s"),
        process(
            "entryPoint: [/bin/sh, -c], user: 'app:1000', workingDirectory: /, init: true, dockerLabels: {a.b/c: d}, \
             repositoryCredentials: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:registry-AbCdEf', \
             tmpfs: {/tmp: 64Mi}, ephemeralStorage: 200Gi, dependsOn: {proxy: HEALTHY}, architecture: x86_64, \
             healthCheck: {command: 'curl -f http://localhost/ || exit 1', shell: true, interval: 5s, timeout: 1m, retries: 1, startPeriod: 0s}, \
             sidecars: {proxy: {image: a, healthCheck: {command: a}, essential: false, cpu: 0, memory: 64Mi, env: {A: b}}, log_router: {image: b}}",
        ),
        check("interval: 0h1m0s"),
        process("exec: true, readOnlyRootFilesystem: false"),
        process("scale: {min: 0, max: 1}"),
        process("capacity: {spot: 0}, securityGroups: [sg-1, sg-2, sg-3, sg-4, sg-5]"),
        process("noservice: true, capacity: {capacityProviders: [{name: a, weight: 0}, {name: b, base: 1}]}"),
        process(
            "scale: {min: 2, max: 9, cpu: 50, memory: 50, scaleInCooldown: 0s, scaleOutCooldown: 1h, \
             schedules: [{cron: '0 8 * * 1-5', timezone: Europe/Berlin, min: 4}, {cron: '@daily', max: 0, min: 0}]}",
        ),
        process(
            "volumes: {shared: {}, data_1: {efs: {fileSystemId: fs-1, accessPointId: fsap-1, rootDirectory: /, iam: true}}, \
             more: {efs: {fileSystemId: fs-1, rootDirectory: /a}}}, tmpfs: {/tmp: 1Mi}, \
             mounts: {/shared: {volume: shared}, /data: {volume: data_1, readOnly: true}}, \
             sidecars: {proxy: {image: a, mounts: {/shared: {volume: shared}}}}",
        ),
        process("exec: false, readOnlyRootFilesystem: true"),
        process(
            "rollOnChange: true, secrets: {A: 'secretsmanager:shop/db:password', B: '/shop/db', C: 'ssm:db'}, \
             repositoryCredentials: 'secretsmanager:shop/registry'",
        ),
        process(
            "ulimits: {nofile: 1048576}, startTimeout: 2s, restart: {attemptPeriod: 30m, ignoredExitCodes: [0, 255]}, \
             memoryReservation: 6Mi, sharedMemory: 1Gi, gpus: 16, environmentFiles: ['arn:aws:s3:::a/b.env'], \
             systemControls: {net.core.somaxconn: '1'}, extraHosts: {a: '::1'}, \
             logging: {driver: awsfirelens, options: {Name: a}, secretOptions: {token: 'arn:aws:ssm:a'}}, \
             sidecars: {a: {image: a, logging: {driver: awslogs}, logRouter: {type: fluentd, options: {a: b}}, restart: {}, ulimits: {nproc: 1, nofile: 1}, ports: {p: {containerPort: 1, protocol: udp}}}}",
        ),
    ] {
        accepted(&manifest);
    }
}

#[test]
fn members_that_have_no_field_are_accepted() {
    accepted(&process(
        "volumes: {a: {}, b: {}}, sidecars: {a: {image: a}}, overrides: [ \
             {'on': api, remove: [logConfiguration], set: {disableNetworking: false, dnsSearchDomains: [a], dnsServers: ['::1'], \
              dockerSecurityOptions: [no-new-privileges], hostname: a, interactive: true, links: ['a:b'], privileged: true, \
              pseudoTerminal: true, versionConsistency: disabled, volumesFrom: [{sourceContainer: a, readOnly: true}], \
              ulimits: [{name: memlock, softLimit: -1, hardLimit: -1}], linuxParameters: {capabilities: {add: [ALL], drop: [MKNOD]}, \
              devices: [{hostPath: /a, containerPath: /b, permissions: [read, write, mknod]}], maxSwap: 0, swappiness: 100, \
              tmpfs: [{containerPath: /a, size: 1, mountOptions: [ro]}]}}}, {'on': a}, \
             {'on': .taskDefinition, set: {enableFaultInjection: true, ipcMode: none, pidMode: task, \
              placementConstraints: [{type: memberOf, expression: a}], volumes: [{name: a, host: {sourcePath: /a}}, \
              {name: b, dockerVolumeConfiguration: {scope: shared, autoprovision: true, driver: a, driverOpts: {a: b}, labels: {a: b}}}]}}]",
    ));
}

#[test]
fn an_unknown_field_is_refused_wherever_it_is() {
    for (manifest, expected) in [
        (
            app("{image: a, replicas: 1, processes: {web: {command: a}}}"),
            "unknown field \"spec.replicas\"",
        ),
        (
            process("schedule: daily"),
            "unknown field \"spec.processes.api.schedule\"",
        ),
        (
            expose("port: 80"),
            "unknown field \"spec.processes.api.expose.port\"",
        ),
        (
            check("protocol: http"),
            "unknown field \"spec.processes.api.expose.check.protocol\"",
        ),
        // What no override may change is no member of it.
        (
            process("overrides: [{'on': api, set: {image: b}}]"),
            "unknown field \"spec.processes.api.overrides[0].set.image\"",
        ),
        (
            process("overrides: [{'on': api, set: {linuxParameters: {capabilities: {grant: [ALL]}}}}]"),
            "unknown field \"spec.processes.api.overrides[0].set.linuxParameters.capabilities.grant\"",
        ),
        (
            process("overrides: [{'on': .taskDefinition, set: {networkMode: host}}]"),
            "unknown field \"spec.processes.api.overrides[0].set.networkMode\"",
        ),
        (
            process("overrides: [{'on': api, set: {linuxParameters.devices: []}}]"),
            "unknown field \"spec.processes.api.overrides[0].set.linuxParameters.devices\"",
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
