//! The lines in the log: one for each write as it returns, whatever came of it.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Arns, Door, Refusal, Writer};
use crate::aws::replay::{self, Replay, identified, logged};
use crate::change::{Change, PortWrite, ServiceWrite};
use crate::claims::{ClaimWrites, Claimed};
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::port::Claim;
use crate::plan::fixtures::world::{apply, elapse, finish};
use crate::plan::fixtures::{app, claim, nothing, owner, plan, process};

/// Every port is somebody else's, and none can be released.
struct Rival;

#[async_trait]
impl ClaimWrites for Rival {
    async fn claim(&self, _: &Claim) -> Result<Claimed, Error> {
        Ok(Claimed::Taken)
    }

    async fn set_retained(&self, _: &Claim, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn release(&self, _: &Claim) -> Result<(), Error> {
        Err(Error::Bug("not now".into()))
    }
}

async fn lines_of(aws: &Replay, change: &Change) -> Vec<Value> {
    let door = Door {
        aws: &aws.clients,
        claims: &Rival,
    };
    let (desired, observed) = (app([]), nothing());
    let arns = Arns {
        desired: &desired,
        observed: &observed,
    };
    let (mut lines, _) = logged(door.write(change, &arns)).await;
    for line in &mut lines {
        let fields = line.as_object_mut().unwrap();
        assert!(fields.remove("milliseconds").unwrap().is_u64());
        fields.remove("timestamp");
        fields.remove("target");
    }
    lines
}

#[tokio::test]
async fn a_call_of_aws_is_one_line_with_its_process_and_resource() {
    let service = "shop_acme_web".to_owned();
    let deletion = Change::of("web", ServiceWrite::Delete { service });
    let deleted = replay::json(&json!({"service": {"serviceName": "shop_acme_web"}}));
    let refused = replay::json_error(400, "InvalidParameterException", "in its words");
    let aws = Replay::new([identified(deleted, "r-1"), identified(refused, "r-2")]);
    let line = |level: &str, message: &str, id: &str, result: &str| {
        json!({
            "level": level, "message": message, "process": "web", "resource": "shop_acme_web",
            "operation": "ecs:DeleteService", "request_id": id, "result": result,
        })
    };
    let expected = line("INFO", "AWS write", "r-1", "ok");
    assert_eq!(lines_of(&aws, &deletion).await, [expected]);
    let mut expected = line("WARN", "AWS call refused", "r-2", "InvalidParameterException");
    expected["error"] = json!("in its words");
    assert_eq!(lines_of(&aws, &deletion).await, [expected]);
}

#[tokio::test]
async fn a_claim_is_one_line_also_where_the_port_is_taken_or_kubernetes_refuses() {
    let aws = Replay::new([]);
    let claim = || claim(9001, &owner(), "web", 8080);
    for (write, operation, expected) in [
        (
            PortWrite::Claim(claim()),
            "kubernetes:CreatePortAllocation",
            json!({"level": "INFO", "message": "Kubernetes write", "result": "PortTaken"}),
        ),
        (
            PortWrite::Retain(claim()),
            "kubernetes:PatchPortAllocation",
            json!({"level": "INFO", "message": "Kubernetes write", "result": "ok"}),
        ),
        (
            PortWrite::Release(claim()),
            "kubernetes:DeletePortAllocation",
            json!({
                "level": "WARN", "message": "Kubernetes write failed", "result": "failed",
                "error": Error::Bug("not now".into()).to_string(),
            }),
        ),
    ] {
        let mut expected = expected;
        expected["process"] = json!("web");
        expected["resource"] = json!("staging-9001");
        expected["operation"] = json!(operation);
        assert_eq!(lines_of(&aws, &write.into()).await, [expected]);
    }
}

/// A throttle defers the other changes of its operation, and the log names the call.
#[tokio::test]
async fn the_operation_of_a_change_is_the_call_that_it_makes() {
    let web = || process("web").external();
    let mut world = nothing();
    let mut operations = BTreeSet::new();
    let leaving = |retains| {
        let empty = app([]);
        Desired { retains, ..empty }
    };
    for wanted in [
        app([web(), process("nightly").at("cron(0 3 * * ? *)")]),
        app([
            web()
                .https(&["c-1", "c-2"])
                .image("web:v2")
                .check_path("/up")
                .idle_timeout(90)
                .tagged("team", "a"),
            process("nightly").at("cron(0 4 * * ? *)"),
        ]),
        app([web().https(&["c-1"]), process("worker")]),
        app([web().tcp(5000)]),
        leaving(true),
    ] {
        for _ in 0..20 {
            for change in plan(&wanted, &world).changes {
                let refused = replay::json_error(400, "InvalidParameterException", "in its words");
                let aws = Replay::new([refused]);
                let door = Door {
                    aws: &aws.clients,
                    claims: &Rival,
                };
                let arns = Arns {
                    desired: &wanted,
                    observed: &world,
                };
                let Err(Refusal::Failed(Error::Aws(error))) = door.write(&change, &arns).await else {
                    panic!("{change}");
                };
                assert_eq!(error.action, change.operation(), "{change}");
                operations.insert(change.operation());
                apply(&mut world, &change);
            }
            finish(&mut world);
            elapse(&wanted, &mut world);
        }
    }
    assert!(operations.len() > 18, "{operations:#?}");
}
