//! Apps under GitOps, with the tools themselves: Flux's controllers, Argo CD's own packages and kustomize, which apply the
//! manifests of docs/gitops.md. The first run builds them: about 10 minutes on 2 cores.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of #[test]"
)]

mod argocd;
mod flux;
mod git;
mod kustomize;
mod page;
mod setters;

/// Held by each test that writes Apps: the API server counts the writes of all.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[path = "../end_to_end/aws.rs"]
#[expect(dead_code, reason = "shared with tests/end_to_end")]
mod aws;
#[path = "../end_to_end/manifests.rs"]
#[expect(dead_code, reason = "shared with tests/end_to_end")]
mod manifests;
#[path = "../end_to_end/place.rs"]
#[expect(dead_code, reason = "shared with tests/end_to_end")]
mod place;

#[path = "../support"]
mod support {
    pub(crate) mod control_plane;
    #[expect(dead_code, reason = "shared with tests/end_to_end")]
    pub(crate) mod controller;
    pub(crate) mod emulator;
    pub(crate) mod judge;
    pub(crate) mod kubectl;
    #[expect(dead_code, reason = "shared with tests/end_to_end")]
    pub(crate) mod proxy;
    pub(crate) mod script;
}
