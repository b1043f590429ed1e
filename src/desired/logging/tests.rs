//! Where containers log.

#![expect(
    clippy::needless_pass_by_value,
    reason = "a manifest is written where it is used"
)]

use serde_json::{Value, json};

use crate::desired::fixtures::{app, task_definition};
use crate::model::container::Condition;
use crate::model::extras::{LogRouter, LogRouterKind};
use crate::model::service::TaskDefinition;

const SECRET: &str = "arn:aws:ssm:eu-west-9:123456789012:parameter/token";

fn built(process: Value, spec: Value) -> Result<TaskDefinition, String> {
    task_definition(&app(json!({ "api": process })), spec)
}

fn open() -> Value {
    json!({
        "tasks": {
            "executionRoleArn": "arn:aws:iam::123456789012:role/execution",
            "logging": { "driver": "awslogs", "options": { "awslogs-group": "tasks" } },
        },
        "tenancy": {
            "namespaceSelector": {}, "secretArns": ["*"], "sidecars": true, "logging": true,
            "fileArns": ["arn:aws:s3:::config/*"],
        },
    })
}

fn on_fargate() -> Value {
    let mut spec = open();
    spec["capacity"] = json!({ "launchType": "FARGATE" });
    spec["network"] = json!({ "mode": "awsvpc", "tasks": { "subnets": ["subnet-t"] } });
    spec
}

fn router() -> Value {
    json!({ "image": "registry.example/fluent-bit:v3", "logRouter": { "type": "fluentbit" } })
}

fn routed(router: Value) -> Value {
    json!({
        "command": "run",
        "logging": { "driver": "awsfirelens", "options": { "Name": "forward", "tag": "{namespace}.{app}.{process}" } },
        "sidecars": { "log": router },
    })
}

#[test]
fn a_process_logs_to_a_router_which_logs_as_the_platform_says() {
    for spec in [open(), on_fargate()] {
        let content = built(routed(router()), spec).unwrap();
        let logging = content.main.logging.as_ref().unwrap();
        assert_eq!(logging.driver, "awsfirelens");
        assert_eq!(
            (&*logging.options["Name"], &*logging.options["tag"]),
            ("forward", "shop.acme.api")
        );
        let log = &content.sidecars[0];
        assert_eq!(log.logging.as_ref().unwrap().driver, "awslogs");
        let expected = LogRouter {
            kind: LogRouterKind::Fluentbit,
            options: [].into(),
        };
        assert_eq!(log.details().extras.log_router, Some(expected));
        // ECS starts it first, and stops it last.
        let needed: Vec<_> = content.needed_by(&content.main).collect();
        assert_eq!(needed, [("log", Condition::Start)]);
        assert_eq!(content.stop_time(), 60);
    }
}

#[test]
fn each_container_may_log_elsewhere() {
    let own = json!({ "driver": "splunk", "options": { "splunk-url": "https://splunk.example.com" }, "secretOptions": { "splunk-token": SECRET } });
    let proxy = json!({ "image": "a", "logging": own });
    let content = built(
        json!({ "command": "run", "sidecars": { "proxy": proxy } }),
        open(),
    )
    .unwrap();
    assert_eq!(content.main.logging.as_ref().unwrap().driver, "awslogs");
    let own = content.sidecars[0].logging.as_ref().unwrap();
    assert_eq!((&*own.driver, own.options.len()), ("splunk", 1));
    assert_eq!(own.secret_options["splunk-token"], SECRET);
}

fn with_platform_router() -> Value {
    let mut spec = open();
    spec["tasks"]["sidecars"] = json!({ "log": router() });
    spec
}

#[expect(clippy::too_many_lines, reason = "a table")]
#[test]
fn what_cannot_be_is_refused_with_process_and_field() {
    let with_options = |options: Value| {
        let mut router = router();
        router["logRouter"]["options"] = options;
        routed(router)
    };
    let file = |kind: &str, value: &str| json!({ "config-file-type": kind, "config-file-value": value });
    let mut two = routed(router());
    two["sidecars"]["more"] = router();
    let mut to_itself = routed(router());
    to_itself["sidecars"]["log"]["logging"] = json!({ "driver": "awsfirelens" });
    let mut circle = routed(router());
    circle["sidecars"]["log"]["dependsOn"] = json!({ "api": "START" });
    let mut ends = routed(router());
    ends["sidecars"]["log"]["essential"] = json!(false);
    ends["dependsOn"] = json!({ "log": "SUCCESS" });
    let own = |logging: Value| json!({ "command": "run", "logging": logging });
    let mut alone = on_fargate();
    alone["tasks"] = json!(null);
    let mut without = open();
    without["tasks"] = json!(null);
    let kinds = "logRouter.options: config-file-type is file, with an absolute path as config-file-value, or s3, with the ARN of an \
                 object";
    for (process, spec, expected) in [
        (
            own(json!({ "driver": "awsfirelens" })),
            open(),
            "logging.driver: awsfirelens needs a sidecar with a logRouter, and no container of the task is one".into(),
        ),
        (
            own(json!({ "driver": "syslog" })),
            on_fargate(),
            "logging.driver: Fargate has awsfirelens, awslogs, splunk only".into(),
        ),
        (
            own(json!({ "driver": "awslogs" })),
            alone,
            "logging.driver: Platform staging has no tasks.executionRoleArn, which Fargate needs for awslogs".into(),
        ),
        (
            own(json!({ "driver": "splunk", "options": { "splunk-url": "https://splunk.example.com" }, "secretOptions": { "splunk-token": "arn:aws:s3:::a/b" } })),
            open(),
            "logging.secretOptions: splunk-token: must be the ARN of a secret in Secrets Manager or of a parameter of SSM, or the name of one: secretsmanager:shop/db, /shop/db or ssm:db"
                .into(),
        ),
        (
            own(json!({ "driver": "splunk", "options": { "splunk-url": "https://splunk.example.com" }, "secretOptions": { "splunk-token": SECRET } })),
            without.clone(),
            "logging.secretOptions: Platform staging has no tasks.executionRoleArn, the role by which ECS would read them"
                .into(),
        ),
        (
            own(json!({ "driver": "awslogs", "options": { "awslogs-group": "g" } })),
            open(),
            "logging.options: awslogs needs awslogs-region".into(),
        ),
        (
            own(json!({ "driver": "splunk", "options": { "splunk-url": "u" } })),
            open(),
            "logging.options: splunk needs splunk-token".into(),
        ),
        (
            own(json!({ "driver": "syslog", "options": { "tag": "a\n[INPUT]" } })),
            open(),
            "logging.options: tag: has no name or value, or one with a control character".into(),
        ),
        (
            own(json!({ "driver": "awsfirelens", "options": { "Header": "X ${API_KEY}" } })),
            with_platform_router(),
            "logging.driver: the log router is the Platform's, and takes what the Platform sends there alone".into(),
        ),
        (
            two,
            open(),
            "sidecars.more.logRouter: another container of the task is a log router, and ECS takes one".into(),
        ),
        (
            to_itself,
            open(),
            "sidecars.log.logging.driver: a log router cannot log to itself".into(),
        ),
        (
            circle,
            open(),
            "dependsOn: none of api, log can start, since they wait for each other".into(),
        ),
        (
            ends,
            open(),
            "dependsOn: log is a log router, which goes on running: START or HEALTHY".into(),
        ),
        (
            with_options(json!({ "buffer": "1" })),
            open(),
            "sidecars.log.logRouter.options: FireLens has no buffer".into(),
        ),
        (
            with_options(json!({ "enable-ecs-log-metadata": "yes" })),
            open(),
            "sidecars.log.logRouter.options: enable-ecs-log-metadata is true or false".into(),
        ),
        (
            with_options(json!({ "config-file-type": "file" })),
            open(),
            format!("sidecars.log.{kinds}"),
        ),
        (
            with_options(file("s3", "/a.conf")),
            open(),
            format!("sidecars.log.{kinds}"),
        ),
        (
            with_options(file("s3", "arn:aws:s3:::config/a.conf")),
            on_fargate(),
            "sidecars.log.logRouter.options: Fargate takes no config-file-type but file".into(),
        ),
    ] {
        assert_eq!(
            built(process, spec).unwrap_err(),
            format!("process api: {expected}")
        );
    }
    for good in [
        json!({ "enable-ecs-log-metadata": "false" }),
        file("file", "/extra.conf"),
        file("s3", "arn:aws:s3:::config/a.conf"),
    ] {
        built(with_options(good), open()).unwrap();
    }
}

#[test]
fn only_who_is_allowed_logs_elsewhere() {
    let mut closed = open();
    closed["tenancy"]["logging"] = json!(null);
    let refused = |field: &str, value: &str| {
        format!("process api: {field}: Platform staging does not allow {value}: tenancy.logging is not true")
    };
    assert_eq!(
        built(routed(router()), closed.clone()).unwrap_err(),
        refused("logging", "awsfirelens")
    );
    let only_router = json!({ "command": "run", "sidecars": { "log": router() } });
    assert_eq!(
        built(only_router, closed.clone()).unwrap_err(),
        refused("sidecars.log.logRouter", "a log router")
    );
    let proxy = json!({ "image": "a", "logging": { "driver": "splunk" } });
    let beside = json!({ "command": "run", "sidecars": { "proxy": proxy } });
    assert_eq!(
        built(beside, closed.clone()).unwrap_err(),
        refused("sidecars.proxy.logging", "splunk")
    );
    closed["tenancy"]["grants"] = json!([{ "namespaceSelector": {}, "images": ["*"], "logging": true }]);
    assert!(built(routed(router()), closed).is_ok());
    let mut secret = open();
    secret["tenancy"]["secretArns"] = json!([]);
    let own = json!({ "driver": "splunk", "options": { "splunk-url": "https://splunk.example.com" }, "secretOptions": { "splunk-token": SECRET } });
    assert_eq!(
        built(json!({ "command": "run", "logging": own }), secret).unwrap_err(),
        format!(
            "process api: logging.secretOptions: splunk-token: Platform staging does not allow {SECRET}: it matches nothing in \
             tenancy.secretArns"
        )
    );
    let other = "arn:aws:s3:::other/a.conf";
    let mut filed = router();
    filed["logRouter"]["options"] = json!({ "config-file-type": "s3", "config-file-value": other });
    assert_eq!(
        built(routed(filed), open()).unwrap_err(),
        format!(
            "process api: sidecars.log.logRouter.options: Platform staging does not allow {other}: it matches nothing in \
             tenancy.fileArns"
        )
    );
}
