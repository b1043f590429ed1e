//! The binary that users get, under the RBAC that `deploy/base` grants it, between a real Kubernetes API server and AWS
//! emulators. `kubectl` drives it; what came of it is looked up in AWS through the SDK, past the controller.
//!
//! Both emulators are lax, each in its own way; where one cannot show a thing, the test says so and the other one shows
//! it. What neither judges (drains, duplicates, throttles, eventual consistency) is shown on the in-memory AWS.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of #[test]"
)]

mod aws;
mod backup;
mod bare;
mod capacity;
mod chart;
mod edits;
mod exec;
mod exposures;
mod high_availability;
mod judged;
mod lifecycle;
mod logs;
mod manifests;
mod names;
mod owner;
mod pages;
mod place;
mod plan;
mod plugin;
mod ports;
mod queue;
mod release;
mod repair;
mod restart;
mod retained;
mod runs;
mod schedules;
mod secrets;
mod storm;
mod strangers;
mod telemetry;
mod tenants;
mod troubles;
mod uninstall;
mod upgrade;

#[path = "../support"]
mod support {
    pub(crate) mod control_plane;
    pub(crate) mod controller;
    pub(crate) mod emulator;
    pub(crate) mod judge;
    pub(crate) mod kubectl;
    pub(crate) mod page;
    pub(crate) mod proxy;
    mod replicas;
    pub(crate) mod script;
    pub(crate) mod shell;
}
