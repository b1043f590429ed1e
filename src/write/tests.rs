//! The lines in the log: one for each write as it returns, whatever came of it.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Arns, Door, Writer};
use crate::aws::replay::{self, Replay, identified, logged};
use crate::change::{Change, PortWrite, ServiceWrite};
use crate::claims::{Claimed, Claims};
use crate::error::Error;
use crate::model::port::Claim;
use crate::plan::fixtures::{app, claim, nothing, owner};

/// Every port is somebody else's, and none can be freed.
struct Rival;

#[async_trait]
impl Claims for Rival {
    async fn list(&self, _: &str) -> Result<Vec<Claim>, Error> {
        Ok(Vec::new())
    }

    async fn claim(&self, _: &Claim) -> Result<Claimed, Error> {
        Ok(Claimed::Taken)
    }

    async fn set_retained(&self, _: &Claim, _: bool) -> Result<(), Error> {
        Ok(())
    }

    async fn free(&self, _: &Claim) -> Result<(), Error> {
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
            PortWrite::Free(claim()),
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
