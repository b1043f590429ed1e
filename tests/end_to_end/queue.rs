//! Passes wait for slots, and none holds one for ever.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::manifests::web_app;
use super::place::{Cloud, Place};
use crate::support::control_plane::ControlPlane;
use crate::support::controller::{Controller, get, install};

// One slot, which the first App would have for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_whose_pages_never_end_is_unavailable_and_holds_up_nobody_else() {
    let control_plane = ControlPlane::start(false);
    let administrator = &control_plane.kubectl;
    install(administrator);
    let flags = ["--concurrency=1", "--pass-deadline=2s", "--retire-after=1s"];
    let controller = Controller::start(administrator, &flags);
    let endless = Place::under(administrator, Cloud::Moto, "endless", "eu-west-2").await;
    let mut pages = 0;
    endless.proxy.answer_each("ListServices", move || {
        pages += 1;
        let page = json!({ "serviceArns": [], "nextToken": pages.to_string() });
        (StatusCode::OK, page.to_string())
    });
    endless.apply(&endless.platform);
    endless.apply(&web_app("acme"));
    let message = endless.condition("acme", "Reconciling", "Unavailable").await;
    assert!(message.contains("ecs:ListServices: PassDeadline"), "{message}");
    let events = [
        "get",
        "events",
        "--field-selector=reason=Unavailable,type=Warning",
        "-o",
        "name",
    ];
    endless
        .eventually("an Event says so", async || {
            (!endless.kubectl(&events).is_empty()).then_some(())
        })
        .await;

    let other = Place::under(administrator, Cloud::Moto, "beside-endless", "eu-west-3").await;
    other.apply(&other.platform);
    other.converge(&web_app("acme"));
    let queue = queue(controller.address());
    assert_eq!(queue["apps"]["slots"], 1, "{queue}");
    assert!(queue["apps"]["waiting"]["repairs"]["length"].is_u64(), "{queue}");

    endless.proxy.pass_on("ListServices");
    endless.wait("app", "acme", "condition=Ready");
}

/// Returns what waits, as the controller shows it.
pub(crate) fn queue(address: &str) -> Value {
    let reply = get(address, "/queue", "*/*").unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("application/json"), "{head}");
    serde_json::from_str(body).unwrap()
}
