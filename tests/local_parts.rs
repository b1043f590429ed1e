//! The real parts that other tests stand on: that they start, and that nothing of them stays.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test]")]

mod support {
    pub(crate) mod control_plane;
    pub(crate) mod emulator;
    pub(crate) mod kube_client;
    pub(crate) mod kubectl;
    pub(crate) mod script;
}

use std::net::TcpStream;
use std::path::Path;

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};

use support::control_plane::ControlPlane;
use support::emulator::Emulator;
use support::kube_client::client;

/// The address of the API server of a kubeconfig.
fn address(kubeconfig: &Path) -> String {
    let text = std::fs::read_to_string(kubeconfig).unwrap();
    let start = text.find("https://").unwrap() + "https://".len();
    text[start..].lines().next().unwrap().into()
}

#[tokio::test]
async fn a_control_plane_answers_kubectl_and_kube_and_leaves_nothing_behind() {
    let control_plane = ControlPlane::start(true);
    let kubectl = control_plane.kubectl.clone();
    assert!(kubectl.run(&["version"], "").unwrap().contains("Server Version"));
    kubectl.run(&["create", "namespace", "passing"], "").unwrap();
    let namespaces: Api<Namespace> = Api::all(client(&kubectl.kubeconfig).await);
    assert_eq!(namespaces.get("passing").await.unwrap().name_any(), "passing");
    kubectl
        .run(&["delete", "namespace", "passing", "--timeout=60s"], "")
        .unwrap();

    let address = address(&kubectl.kubeconfig);
    let folder = kubectl.kubeconfig.parent().unwrap().to_owned();
    assert!(TcpStream::connect(&address).is_ok());
    drop(control_plane);
    assert!(
        TcpStream::connect(&address).is_err(),
        "the API server is still there"
    );
    assert!(!folder.exists(), "{} is still there", folder.display());
}

#[test]
fn whoever_is_nobody_may_nothing() {
    let control_plane = ControlPlane::start(false);
    let refusal = control_plane
        .kubectl
        .run(&["--as", "nobody", "get", "secrets"], "")
        .unwrap_err();
    assert!(refusal.contains("Forbidden"), "{refusal}");
}

#[test]
fn emulators_answer_and_leave_nothing_behind() {
    for name in ["ministack", "moto"] {
        let emulator = Emulator::start(name);
        let address = emulator.url.trim_start_matches("http://").to_owned();
        assert!(TcpStream::connect(&address).is_ok(), "{name}");
        drop(emulator);
        assert!(TcpStream::connect(&address).is_err(), "{name} is still there");
    }
}
