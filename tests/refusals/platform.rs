//! Platforms.

use super::{accepted, apply, every_rule_was_broken, kubectl, refused, try_apply};

const ROLE: &str = "arn:aws:iam::123456789012:role/ecs-execution";
const SIDE: &str = "{subnets: [subnet-a, subnet-b], securityGroups: [sg-a]}";

/// A Platform by its network, and what else it has.
fn named(name: &str, network: &str, fields: &str) -> String {
    format!(
        "{{apiVersion: empire.dev/v1alpha1, kind: Platform, metadata: {{name: {name}}}, \
         spec: {{region: us-east-1, tenancy: {{namespaceSelector: {{}}}}, network: {{vpcId: vpc-1, {network}}}, {fields}}}}}"
    )
}

fn bridge(network: &str, fields: &str) -> String {
    named("staging", &format!("mode: bridge, {network}"), fields)
}

fn awsvpc(tasks: &str, fields: &str) -> String {
    named(
        "staging",
        &format!("mode: awsvpc, tasks: {{subnets: [subnet-a], {tasks}}}"),
        fields,
    )
}

/// One grant.
fn grants(fields: &str) -> String {
    let grant = format!("{{namespaceSelector: {{}}, {fields}}}");
    bridge(
        "",
        &format!("tenancy: {{namespaceSelector: {{}}, grants: [{grant}]}}"),
    )
}

/// One list of templates of names.
fn templates(templates: &str) -> String {
    let zone = "internal: {hostedZoneId: Z0123}";
    bridge("", &format!("dns: {{{zone}, nameTemplates: {templates}}}"))
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn a_bad_platform_is_refused_in_words_that_name_the_field() {
    let beside = |fields: &str| bridge("", &format!("tasks: {{sidecars: {{a: {{image: a, {fields}}}}}}}"));
    let logging = |driver: &str, role: &str| {
        format!("capacity: {{launchType: FARGATE}}, tasks: {{{role} logging: {{driver: {driver}}}}}")
    };
    let table: &[(String, &str)] = &[
        (
            named("stag.ing", "mode: bridge", ""),
            "metadata.name: a Platform's name has at most 63",
        ),
        (
            named(&"a".repeat(64), "mode: bridge", ""),
            "metadata.name: a Platform's name has at most 63",
        ),
        (
            bridge("", "region: Frankfurt"),
            "spec.region: Invalid value: …must be the name of an AWS region",
        ),
        (
            bridge("", "roleArn: empire"),
            "spec.roleArn: Invalid value: …must be the ARN of an IAM role",
        ),
        (
            bridge("", "externalId: abc"),
            "spec.externalId: Invalid value: …externalId: is for the role in roleArn, which is missing",
        ),
        (
            bridge("", &format!("roleArn: '{ROLE}', externalId: a")),
            "spec.externalId: Invalid value: …must have 2 to 1,224",
        ),
        (
            bridge("", "capacity: {launchType: EC2, capacityProviders: [{name: a}]}"),
            "spec.capacity.capacityProviders: Invalid value: …launchType or capacityProviders, one or the other",
        ),
        (
            bridge("", "capacity: {capacityProviders: [{name: a}, {name: a}]}"),
            "spec.capacity.capacityProviders[1]: Duplicate value",
        ),
        (
            bridge("", "capacity: {capacityProviders: [{name: a b}]}"),
            "spec.capacity.capacityProviders[0].name: Invalid value: …must be the name of a capacity provider",
        ),
        (
            bridge(
                "",
                "capacity: {capacityProviders: [{name: a, base: 1}, {name: b, base: 1}]}",
            ),
            "spec.capacity.capacityProviders: Invalid value: …only one of them can have a base",
        ),
        (
            bridge("", "capacity: {capacityProviders: [{name: a, weight: 0}]}"),
            "spec.capacity.capacityProviders: Invalid value: …needs a weight above 0",
        ),
        (
            awsvpc("", "capacity: {capacityProviders: [{name: FARGATE}, {name: b}]}"),
            "spec.capacity.capacityProviders: Invalid value: …cannot be mixed with others",
        ),
        (
            bridge("", "capacity: {capacityProviders: [{name: FARGATE_SPOT}]}"),
            "spec.network.mode: Invalid value: …Fargate needs awsvpc",
        ),
        (
            bridge("", "tasks: {schedulerRoleArn: scheduler}"),
            "spec.tasks.schedulerRoleArn: Invalid value: …must be the ARN of an IAM role",
        ),
        (
            bridge("", "").replace("tenancy: {namespaceSelector: {}}, ", ""),
            "spec.tenancy: Invalid value: …tenancy: a Platform says whose Apps it takes",
        ),
        (
            templates("['{process}.{namespace}']"),
            "spec.dns.nameTemplates[0]: Invalid value: …with {app} in it",
        ),
        (
            templates("['{app}', '{team}.{app}']"),
            "spec.dns.nameTemplates[1]: Invalid value: …must be a DNS name in lower case",
        ),
        (
            templates("['{app}-.{namespace}']"),
            "spec.dns.nameTemplates[0]: Invalid value: …must be a DNS name in lower case",
        ),
        (
            templates("[]"),
            "spec.dns.nameTemplates in body should have at least 1 items",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, keepNamesFor: 168h}"),
            "spec.tenancy.keepNamesFor: Invalid value: …tenancy.keepNamesFor: names are kept where there are grants only",
        ),
        (
            bridge(
                "",
                "tenancy: {namespaceSelector: {}, grants: [], keepNamesFor: 2161h}",
            ),
            "spec.tenancy.keepNamesFor: Invalid value: …must be from 0s to 2160h",
        ),
        (
            grants("hostnames: ['*.Example.com']"),
            "spec.tenancy.grants[0].hostnames[0]: Invalid value: …must be a full DNS name in lower case, in which *",
        ),
        (
            grants("hostnames: [com]"),
            "spec.tenancy.grants[0].hostnames[0]: Invalid value: …must be a full DNS name in lower case, in which *",
        ),
        (
            grants("hostnames: ['{process}.example.com']"),
            "spec.tenancy.grants[0].hostnames[0]: Invalid value: …{namespace} and {app} for the App's own",
        ),
        (
            grants("certificateArns: [shop]"),
            "spec.tenancy.grants[0].certificateArns[0]: Invalid value: …must be an ARN, in which *",
        ),
        (
            grants("taskRoleArns: ['arn:aws:iam::123456789012:role/{team}']"),
            "spec.tenancy.grants[0].taskRoleArns[0]: Invalid value: …{namespace} and {app} for the App's own",
        ),
        (
            grants("fileArns: ['arn:aws:s3:::config/*', config]"),
            "spec.tenancy.grants[0].fileArns[1]: Invalid value: …must be an ARN, in which *",
        ),
        (
            grants("overrides: [pidMode, 'containerDefinitions.*']"),
            "spec.tenancy.grants[0].overrides[1]: Unsupported value",
        ),
        (
            grants("overrides: [containerDefinitions.image]"),
            "spec.tenancy.grants[0].overrides[0]: Unsupported value",
        ),
        (
            grants("overrides: [pidMode, pidMode]"),
            "spec.tenancy.grants[0].overrides[1]: Duplicate value",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, overrides: [networkMode]}"),
            "spec.tenancy.overrides[0]: Unsupported value",
        ),
        (
            grants("fileSystems: [fs-1, fsap-1]"),
            "spec.tenancy.grants[0].fileSystems[1]: Invalid value: …must be the id of a file system, or of one and an access point",
        ),
        (
            grants("fileSystems: ['fs-{app}']"),
            "spec.tenancy.grants[0].fileSystems[0]: Invalid value: …must be the id of a file system",
        ),
        (
            grants("secretArns: ['arn:aws:ssm:*', shop]"),
            "spec.tenancy.grants[0].secretArns[1]: Invalid value: …must be an ARN, in which *",
        ),
        (
            grants("images: ['registry.example.com/{image}']"),
            "spec.tenancy.grants[0].images[0]: Invalid value: …must be a container image, in which *",
        ),
        (
            grants("images: [a, a]"),
            "spec.tenancy.grants[0].images[1]: Duplicate value",
        ),
        (
            grants("namespaceSelector: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"),
            "spec.tenancy.grants[0].namespaceSelector.matchExpressions[0]: Invalid value: …In and NotIn need values",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, grants: [{}]}"),
            "spec.tenancy.grants[0].namespaceSelector: Required value",
        ),
        (
            bridge("", "tenancy: {}"),
            "spec.tenancy.namespaceSelector: Required value",
        ),
        (
            bridge(
                "",
                "tenancy: {namespaceSelector: {matchExpressions: [{key: a, operator: In}]}}",
            ),
            "spec.tenancy.namespaceSelector.matchExpressions[0]: Invalid value: …In and NotIn need values",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, taskRoleArns: [apps]}"),
            "spec.tenancy.taskRoleArns[0]: Invalid value: …must be an ARN, in which * stands for any characters",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, fileSystems: [fs-1/]}"),
            "spec.tenancy.fileSystems[0]: Invalid value: …must be the id of a file system",
        ),
        (
            bridge("", "tenancy: {namespaceSelector: {}, secretArns: [apps]}"),
            "spec.tenancy.secretArns[0]: Invalid value: …must be an ARN, in which * stands for any characters",
        ),
        (
            bridge("", "endpointUrl: '127.0.0.1:4566'"),
            "spec.endpointUrl: Invalid value: …must be an http or https URL",
        ),
        (
            bridge("", "endpointUrl: 'ftp://aws.example.com'"),
            "spec.endpointUrl: Invalid value: …must be an http or https URL",
        ),
        (
            bridge("", "endpointUrl: 'http://ministack.example.com:4566'"),
            "spec.endpointUrl: Invalid value: …must be https, or of the controller's own host",
        ),
        (
            bridge("", "endpointUrl: 'http://127.0.0.1.example.com'"),
            "spec.endpointUrl: Invalid value: …must be https, or of the controller's own host",
        ),
        (
            bridge("", "cluster: a b"),
            "spec.cluster: Invalid value: …must be the name or the ARN of an ECS cluster",
        ),
        (
            bridge("", "cluster: 'arn:aws:ecs:us-east-1:123456789012:service/a'"),
            "spec.cluster: Invalid value: …must be the name or the ARN of an ECS cluster",
        ),
        (
            bridge("", "capacity: {launchType: LAMBDA}"),
            "spec.capacity.launchType: Unsupported value: \"LAMBDA\"",
        ),
        // What goes with which launch type.
        (
            bridge("", "capacity: {launchType: FARGATE}"),
            "spec.network.mode: Invalid value: …network.mode: Fargate needs awsvpc",
        ),
        (
            awsvpc(
                "",
                "capacity: {launchType: FARGATE}, placement: {constraints: [{type: distinctInstance}]}",
            ),
            "spec.placement: Invalid value: …placement.constraints: Fargate has no container instances",
        ),
        (
            bridge("", "placement: {constraints: [{type: memberOf}]}"),
            "spec.placement.constraints[0]: Invalid value: …placement.constraints: memberOf needs an expression",
        ),
        (
            grants("limits: {tasks: -1}"),
            "spec.tenancy.grants[0].limits.tasks: Invalid value: …should be greater than or equal to 0",
        ),
        (
            grants("limits: {memory: 1000000001}"),
            "spec.tenancy.grants[0].limits.memory: Invalid value: …should be less than or equal to 1000000000",
        ),
        (
            awsvpc("", &logging("syslog", "")),
            "spec.tasks: Invalid value: …tasks.logging.driver: Fargate has awslogs and splunk only",
        ),
        (
            awsvpc("", &logging("awslogs", "")),
            "spec.tasks: Invalid value: …tasks.executionRoleArn: Fargate needs one",
        ),
        (
            awsvpc("assignPublicIp: true", ""),
            "spec.network.tasks: Invalid value: …network.tasks.assignPublicIp: only Fargate",
        ),
        (
            bridge("", "capacity: {launchType: EXTERNAL}"),
            "spec.loadBalancing: Invalid value: …loadBalancing.provider: launch type EXTERNAL has no load balancing",
        ),
        (
            bridge(
                "",
                "capacity: {launchType: EXTERNAL}, loadBalancing: {provider: ELBv2}",
            ),
            "spec.loadBalancing: Invalid value: …loadBalancing.provider: launch type EXTERNAL has no load balancing",
        ),
        (
            awsvpc(
                "",
                "capacity: {launchType: EXTERNAL}, loadBalancing: {provider: None}",
            ),
            "spec.network.mode: Invalid value: …network.mode: launch type EXTERNAL needs bridge",
        ),
        // Network.
        (
            named("staging", "mode: none", ""),
            "spec.network.mode: Unsupported value: \"none\"",
        ),
        (
            bridge("vpcId: a", ""),
            "spec.network.vpcId: Invalid value: …must be an id that begins with vpc-",
        ),
        (
            bridge("hostPorts: {first: 1023, last: 2000}", ""),
            "spec.network.hostPorts.first in body should be greater than or equal to 1024",
        ),
        (
            bridge("hostPorts: {first: 1024, last: 32768}", ""),
            "spec.network.hostPorts.last in body should be less than or equal to 32767",
        ),
        (
            bridge("hostPorts: {first: 2000, last: 1999}", ""),
            "spec.network.hostPorts.first: Invalid value: …network.hostPorts: first must not be greater than last",
        ),
        (
            awsvpc(
                "",
                "network: {vpcId: vpc-1, mode: awsvpc, tasks: {subnets: [subnet-a]}, hostPorts: {first: 2000, last: 3000}}",
            ),
            "spec.network.hostPorts: Invalid value: …network.hostPorts: are for mode bridge",
        ),
        (
            named("staging", "mode: host, hostPorts: {first: 2000, last: 3000}", ""),
            "spec.network.hostPorts: Invalid value: …network.hostPorts: are for mode bridge",
        ),
        (
            named("staging", "mode: host, tasks: {subnets: [subnet-a]}", ""),
            "spec.network.tasks: Invalid value: …network.tasks: needed with mode awsvpc",
        ),
        (
            named("staging", "mode: host", "capacity: {launchType: FARGATE}"),
            "spec.network.mode: Invalid value: …network.mode: Fargate needs awsvpc",
        ),
        (
            named("staging", "mode: awsvpc", ""),
            "network.tasks: needed with mode awsvpc",
        ),
        (
            bridge("tasks: {subnets: [subnet-a]}", ""),
            "spec.network.tasks: Invalid value: …network.tasks: needed with mode awsvpc",
        ),
        (
            awsvpc("securityGroups: [a]", ""),
            "spec.network.tasks.securityGroups[0]: Invalid value: …must be an id that begins with sg-",
        ),
        (
            bridge("internal: {subnets: [subnet-a]}", ""),
            "spec.network.internal.subnets in body should have at least 2 items",
        ),
        (
            bridge("external: {subnets: [subnet-a, subnet-a]}", ""),
            "spec.network.external.subnets[1]: Duplicate value",
        ),
        (
            bridge("external: {subnets: [subnet-a, b]}", ""),
            "spec.network.external.subnets[1]: Invalid value: …must be an id that begins with subnet-",
        ),
        // Names.
        (
            bridge("", "loadBalancing: {provider: Nginx}"),
            "spec.loadBalancing.provider: Unsupported value: \"Nginx\"",
        ),
        (
            bridge("", "dns: {}"),
            "spec.dns: Invalid value: …dns: needs internal, external or both",
        ),
        (
            bridge("", "dns: {internal: {hostedZoneId: /hostedzone/Z1}}"),
            "spec.dns.internal.hostedZoneId: Invalid value: …must be the id of a hosted zone",
        ),
        (
            bridge("", "dns: {internal: {hostedZoneId: Z1}, ttlSeconds: -1}"),
            "spec.dns.ttlSeconds in body should be greater than or equal to 0",
        ),
        (
            bridge("", "dns: {internal: {hostedZoneId: Z1}, ttlSeconds: 604801}"),
            "spec.dns.ttlSeconds in body should be less than or equal to 604800",
        ),
        (
            bridge("", "dns: {internal: {hostedZoneId: Z1}, recordType: A}"),
            "spec.dns.recordType: Unsupported value: \"A\"",
        ),
        // Tasks and tags.
        (
            bridge("", "tasks: {executionRoleArn: ecs-execution}"),
            "spec.tasks.executionRoleArn: Invalid value: …must be the ARN of an IAM role",
        ),
        (
            bridge("", "tasks: {logging: {driver: awsfirelens}}"),
            "spec.tasks.logging.driver: Unsupported value: \"awsfirelens\"",
        ),
        (
            bridge("", "tasks: {logging: {driver: json-file, group: PerApp}}"),
            "spec.tasks.logging.group: Invalid value: …tasks.logging.group: PerApp is for the driver awslogs",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: awslogs, group: PerApp, options: {awslogs-group: a}}}",
            ),
            "spec.tasks.logging.options: Invalid value: …tasks.logging.options: with group: PerApp, the controller itself sets awslogs-group",
        ),
        (
            bridge(
                "",
                "tasks: {executionRoleArn: 'arn:aws:iam::123456789012:role/a', logging: {driver: awslogs, group: PerApp, \
                 secretOptions: {awslogs-region: 'arn:aws:ssm:us-east-1:123456789012:parameter/a'}}}",
            ),
            "spec.tasks.logging.secretOptions: Invalid value: …tasks.logging.secretOptions: with group: PerApp, the controller itself sets awslogs-group",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: awslogs, group: PerApp, kmsKeyArn: 'arn:aws:kms:eu-west-9:123456789012:key/1'}}",
            ),
            "spec.tasks.logging.kmsKeyArn: Invalid value: …tasks.logging.kmsKeyArn: must be a key in the region of the Platform",
        ),
        (
            bridge("", "tasks: {logging: {driver: awslogs, group: PerAccount}}"),
            "spec.tasks.logging.group: Unsupported value: \"PerAccount\"",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: awslogs, group: PerApp, retentionDays: 2}}",
            ),
            "spec.tasks.logging.retentionDays: Unsupported value: 2",
        ),
        (
            bridge("", "tasks: {logging: {driver: awslogs, retentionDays: 30}}"),
            "spec.tasks.logging.retentionDays: Invalid value: …tasks.logging.retentionDays: is for group: PerApp, which is missing",
        ),
        (
            bridge("", "tasks: {logging: {driver: awslogs, deletionPolicy: Delete}}"),
            "spec.tasks.logging.deletionPolicy: Invalid value: …tasks.logging.deletionPolicy: is for group: PerApp, which is missing",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: awslogs, kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1'}}",
            ),
            "spec.tasks.logging.kmsKeyArn: Invalid value: …tasks.logging.kmsKeyArn: is for group: PerApp, which is missing",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: awslogs, group: PerApp, kmsKeyArn: 'alias/a'}}",
            ),
            "spec.tasks.logging.kmsKeyArn: Invalid value: …must be the ARN of a KMS key",
        ),
        (
            bridge("", "tasks: {logRouting: {}, sidecars: {a: {image: a}}}"),
            "spec.tasks.logRouting: Invalid value: …tasks.logRouting: needs one of tasks.sidecars with a logRouter",
        ),
        (
            bridge(
                "",
                "tasks: {logRouting: {secretOptions: {token: open-sesame}}, sidecars: {a: {image: a, logRouter: {type: fluentd}}}}",
            ),
            "spec.tasks.logRouting.secretOptions: Invalid value: …secretOptions: token: must be the ARN of a secret",
        ),
        (
            beside("healthCheck: {command: ' '}"),
            "spec.tasks.sidecars[a].healthCheck.command: Invalid value: …must not be empty: say what checks the container",
        ),
        (
            beside("healthCheck: {command: \"a\\x07\"}"),
            "spec.tasks.sidecars[a].healthCheck.command: Invalid value: …must not have control characters",
        ),
        (
            beside("healthCheck: {command: a, interval: 4s}"),
            "spec.tasks.sidecars[a].healthCheck.interval: Invalid value: …must be from 5s to 300s",
        ),
        (
            beside("healthCheck: {command: a, timeout: 1s}"),
            "spec.tasks.sidecars[a].healthCheck.timeout: Invalid value: …must be from 2s to 60s",
        ),
        (
            beside("healthCheck: {command: a, startPeriod: 301s}"),
            "spec.tasks.sidecars[a].healthCheck.startPeriod: Invalid value: …must be from 0s to 300s",
        ),
        (
            beside("repositoryCredentials: a"),
            "spec.tasks.sidecars[a].repositoryCredentials: Invalid value: …must be the ARN of a secret in Secrets Manager",
        ),
        (
            beside("restart: {attemptPeriod: 59s}"),
            "spec.tasks.sidecars[a].restart.attemptPeriod: Invalid value: …must be from 60s to 1800s",
        ),
        (
            beside("startTimeout: 1s"),
            "spec.tasks.sidecars[a].startTimeout: Invalid value: …must be from 2s to 1h",
        ),
        (
            beside("stopTimeout: 1s"),
            "spec.tasks.sidecars[a].stopTimeout: Invalid value: …must be from 2s to 1h",
        ),
        (
            bridge("", "tasks: {sidecars: {a: {image: a b}}}"),
            "spec.tasks.sidecars[a].image: Invalid value: …must be a container image",
        ),
        (
            bridge("", "tasks: {sidecars: {a b: {image: a}}}"),
            "spec.tasks.sidecars: Invalid value: …tasks.sidecars: a b: a name has at most 63 letters",
        ),
        (
            bridge(
                "",
                "tasks: {sidecars: {a: {image: a, mounts: {/a: {volume: a}}}}}",
            ),
            "spec.tasks.sidecars: Invalid value: …tasks.sidecars: a: no mounts: a Platform has no volumes",
        ),
        (
            bridge(
                "",
                "tasks: {sidecars: {a: {image: a, logRouter: {type: fluentd}}, b: {image: a, logRouter: {type: fluentd}}}}",
            ),
            "spec.tasks.sidecars: Invalid value: …tasks.sidecars: one may be a logRouter",
        ),
        (
            bridge(
                "",
                "tasks: {logging: {driver: splunk, secretOptions: {splunk-token: open-sesame}}}",
            ),
            "spec.tasks.logging.secretOptions: Invalid value: …secretOptions: splunk-token: must be the ARN of a secret in Secrets Manager or of a parameter of SSM",
        ),
        (
            bridge("", "tags: {'aws:owner': a}"),
            "spec.tags: Invalid value: …tags: aws:owner: keys that begin with aws: or empire.dev/ are reserved",
        ),
        (
            bridge("", "tags: {empire.dev/owner: a}"),
            "spec.tags: Invalid value: …tags: empire.dev/owner: keys that begin with aws: or empire.dev/ are reserved",
        ),
        (
            bridge("", "tags: {'a?': a}"),
            "spec.tags: Invalid value: …tags: a?: a key has 1 to 128 letters",
        ),
        (
            bridge("", "tags: {a: '?'}"),
            "spec.tags: Invalid value: …tags: the value of a has characters other than",
        ),
    ];
    let mut complaints: Vec<String> = table
        .iter()
        .map(|(manifest, expected)| refused(manifest, expected))
        .collect();
    complaints.extend(what_would_orphan_resources_cannot_change_while_apps_are_here());
    every_rule_was_broken("Platform", &complaints);
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn what_would_orphan_resources_cannot_change_while_apps_are_here() -> Vec<String> {
    let network = |mode: &str| format!("{mode}, internal: {SIDE}, external: {SIDE}");
    let (bridge, tasks) = (
        network("mode: bridge"),
        network("mode: awsvpc, tasks: {subnets: [subnet-a]}"),
    );
    let ports = network("mode: bridge, hostPorts: {first: 9000, last: 10000}");
    let internal = "dns: {internal: {hostedZoneId: Z1}}";
    let both = "dns: {internal: {hostedZoneId: Z1}, external: {hostedZoneId: Z2}}";
    let none = "loadBalancing: {provider: None}";
    // Network and the rest, before and after, and the field that cannot change so.
    let refusals: &[(&str, &str, &str, &str, &str)] = &[
        (&bridge, "", &bridge, "region: us-west-2", "region"),
        (&bridge, "", &bridge, "cluster: other", "cluster"),
        (&bridge, "cluster: other", &bridge, "", "cluster"),
        (
            &bridge,
            none,
            &bridge,
            "loadBalancing: {provider: None}, capacity: {launchType: EXTERNAL}",
            "capacity",
        ),
        (
            &bridge,
            "",
            &bridge,
            "capacity: {capacityProviders: [{name: a}]}",
            "capacity",
        ),
        (
            &bridge,
            "capacity: {capacityProviders: [{name: a}]}",
            &bridge,
            "",
            "capacity",
        ),
        (
            &tasks,
            "capacity: {capacityProviders: [{name: FARGATE_SPOT}]}",
            &tasks,
            "capacity: {capacityProviders: [{name: a}]}",
            "capacity",
        ),
        (
            &bridge,
            "roleArn: 'arn:aws:iam::123456789012:role/empire'",
            &bridge,
            "roleArn: 'arn:aws:iam::210987654321:role/empire'",
            "roleArn",
        ),
        (
            &bridge,
            "",
            &bridge,
            "roleArn: 'arn:aws:iam::123456789012:role/empire'",
            "roleArn",
        ),
        (&bridge, "", &tasks, "", "network.mode"),
        (&bridge, "", "mode: bridge, vpcId: vpc-2", "", "network.vpcId"),
        (&bridge, "", &ports, "", "network.hostPorts"),
        (&ports, "", &bridge, "", "network.hostPorts"),
        (&bridge, "", &bridge, none, "loadBalancing.provider"),
        (&bridge, none, &bridge, "", "loadBalancing.provider"),
        (
            &bridge,
            internal,
            &bridge,
            "dns: {internal: {hostedZoneId: Z3}}",
            "dns.internal",
        ),
        (&bridge, internal, &bridge, "", "dns.internal"),
        (&bridge, both, &bridge, internal, "dns.external"),
        (
            &bridge,
            both,
            &bridge,
            "dns: {internal: {hostedZoneId: Z1}, external: {hostedZoneId: Z3}}",
            "dns.external",
        ),
    ];
    let mut complaints = Vec::new();
    for (number, (network, fields, new_network, new_fields, field)) in refusals.iter().enumerate() {
        let name = format!("used-{number}");
        apply(&named(&name, network, fields));
        let changed = named(&name, new_network, new_fields);
        accepted(&changed);
        set_apps(&name, 1);
        let what = match *field {
            "capacity" => "the kind of capacity",
            "roleArn" => "the account of roleArn",
            other => other,
        };
        complaints.push(refused(
            &changed,
            &format!("spec.{field}: Invalid value: …{what} cannot be changed while Apps run here"),
        ));
        set_apps(&name, 0);
        accepted(&changed);
    }
    let others: &[(&str, &str, &str, &str)] = &[
        // Said or left out, it is the same.
        (
            &bridge,
            "",
            &bridge,
            "cluster: default, capacity: {launchType: EC2}, loadBalancing: {provider: ELBv2}",
        ),
        (
            &bridge,
            "roleArn: 'arn:aws:iam::123456789012:role/empire'",
            &bridge,
            "roleArn: 'arn:aws:iam::123456789012:role/empire-2', externalId: '123'",
        ),
        (
            &bridge,
            "capacity: {capacityProviders: [{name: a}]}",
            &bridge,
            "capacity: {capacityProviders: [{name: b, base: 1}, {name: a, weight: 0}]}",
        ),
        (&bridge, "", &bridge, both),
        (&bridge, internal, &bridge, both),
        (
            &ports,
            "",
            &network("mode: bridge, hostPorts: {first: 9500, last: 9600}"),
            "",
        ),
        (
            &bridge,
            internal,
            "mode: bridge, internal: {subnets: [subnet-c, subnet-d]}",
            "dns: {internal: {hostedZoneId: Z1}, recordType: Alias, ttlSeconds: 5}, endpointUrl: 'http://127.0.0.1:4566', tags: {a: b}",
        ),
    ];
    for (number, (network, fields, new_network, new_fields)) in others.iter().enumerate() {
        let name = format!("changing-{number}");
        apply(&named(&name, network, fields));
        set_apps(&name, 1);
        accepted(&named(&name, new_network, new_fields));
    }
    complaints
}

fn set_apps(platform: &str, apps: usize) {
    let patch = format!("{{\"status\": {{\"observedGeneration\": 1, \"apps\": {apps}}}}}");
    let arguments = [
        "patch",
        "platform",
        platform,
        "--subresource=status",
        "--type=merge",
        "--patch",
        &patch,
    ];
    kubectl().run(&arguments, "").unwrap();
}

/// The way back from grants is one field, whatever else they brought with them.
#[test]
fn grants_are_taken_away_where_names_were_kept() {
    let tenancy = |fields: &str| {
        let tenancy = format!("tenancy: {{namespaceSelector: {{}}{fields}}}");
        bridge("", &tenancy).replace("name: staging", "name: granted-before")
    };
    apply(&tenancy(", grants: [], keepNamesFor: 24h"));
    accepted(&tenancy(", keepNamesFor: 24h"));
    apply(&tenancy(""));
    refused(
        &tenancy(", keepNamesFor: 24h"),
        "spec.tenancy.keepNamesFor: Invalid value: …names are kept where there are grants only",
    );
}

#[test]
fn a_good_platform_is_accepted() {
    let fargate = format!(
        "capacity: {{launchType: FARGATE}}, tasks: {{executionRoleArn: '{ROLE}', logging: {{driver: awslogs, options: {{awslogs-group: a}}}}}}"
    );
    for manifest in [
        bridge("", ""),
        bridge(
            "",
            "tenancy: {namespaceSelector: {}, grants: [], keepNamesFor: 0s}",
        ),
        bridge(
            "",
            "tenancy: {namespaceSelector: {}, grants: [], keepNamesFor: 2160h}",
        ),
        templates("['{app}']"),
        templates("['{app}-{process}.{namespace}', 'x-{app}.{namespace}', '{namespace}-{app}-{process}']"),
        bridge(
            &format!("internal: {SIDE}, external: {SIDE}, hostPorts: {{first: 1024, last: 32767}}"),
            "",
        ),
        bridge("hostPorts: {first: 9000, last: 9000}", "region: us-gov-west-1"),
        bridge(
            "",
            "cluster: 'arn:aws:ecs:us-east-1:123456789012:cluster/default'",
        ),
        bridge(
            "",
            "tenancy: {namespaceSelector: {}, overrides: [volumes.host, containerDefinitions.privileged], fileSystems: ['*', fs-1, 'fs-2/fsap-*'], fileArns: ['arn:aws:s3:::config/*'], taskRoleArns: ['*'], secretArns: ['arn:aws:ssm:us-east-1:123456789012:parameter/shop/*']}",
        ),
        bridge(
            "",
            "tenancy: {namespaceSelector: {matchLabels: {team: shop}, matchExpressions: [{key: a, operator: In, values: [b]}, {key: c, operator: Exists}]}}",
        ),
        grants(""),
        grants(
            "hostnames: ['*', '*.{namespace}.example.com', '{app}-*.example.com', example.com], certificateArns: ['*'], \
             taskRoleArns: ['arn:aws:iam::123456789012:role/{namespace}/{app}'], secretArns: ['arn:aws:ssm:*'], fileSystems: [fs-1/fsap-2], \
             images: ['*', 'registry.example.com/{namespace}/*', acme], external: true, adopt: false, retain: true",
        ),
        bridge("", "tenancy: {namespaceSelector: {}, grants: []}"),
        bridge(
            "",
            "tasks: {logging: {driver: awslogs, group: PerApp, retentionDays: 3653, deletionPolicy: Retain, \
             kmsKeyArn: 'arn:aws:kms:us-east-1:123456789012:key/1', options: {mode: blocking}}}",
        ),
        bridge(
            "",
            "tasks: {logging: {driver: awslogs}, logRouting: {options: {Name: a}}, \
             sidecars: {log: {image: a, logRouter: {type: fluentbit}}, agent: {image: a}}}",
        ),
        awsvpc(
            "",
            "capacity: {capacityProviders: [{name: FARGATE, base: 1}, {name: FARGATE_SPOT, weight: 3}]}",
        ),
        bridge("", &format!("tasks: {{schedulerRoleArn: '{ROLE}'}}")),
        bridge("", "endpointUrl: 'https://vpce-1.example.com:8443/aws'"),
        bridge("", "endpointUrl: 'http://[::1]:4566'"),
        bridge("", "endpointUrl: 'http://localhost:4566/'"),
        bridge(
            "",
            "capacity: {launchType: EXTERNAL}, loadBalancing: {provider: None}",
        ),
        bridge(
            "",
            "dns: {external: {hostedZoneId: Z1}, recordType: Alias, ttlSeconds: 0}",
        ),
        bridge(
            "",
            &format!("tasks: {{executionRoleArn: '{ROLE}', logging: {{driver: json-file}}}}"),
        ),
        bridge("", "tags: {cost-center: '42', 'Größe (früher)': ''}").replace(" (früher)", " + früher"),
        awsvpc("securityGroups: [sg-a]", ""),
        awsvpc("assignPublicIp: true", &fargate),
    ] {
        accepted(&manifest);
    }
}

#[test]
fn an_unknown_field_is_refused() {
    let complaint = try_apply(&bridge("", "role: a")).unwrap_err();
    assert!(complaint.contains("unknown field \"spec.role\""), "{complaint}");
}
