//! The real parts that other tests stand on: that they start, and that nothing of them stays.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test]")]

mod support {
    pub(crate) mod control_plane;
    pub(crate) mod emulator;
    pub(crate) mod kube_client;
    pub(crate) mod kubectl;
    pub(crate) mod script;
}

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};

use support::control_plane::ControlPlane;
use support::emulator::Emulator;
use support::kube_client::client;

/// The address of the API server of a kubeconfig.
fn address(kubeconfig: &Path) -> String {
    let text = fs::read_to_string(kubeconfig).unwrap();
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

/// Stands in for the compiler: notes that it was called, waits to be let go on, and makes the file.
const FAKE_GO: &str = r#"#!/bin/sh
echo "$@" >>"$CALLS"
read -r _ <"$GATE"
while [ "$1" != -o ]; do shift; done
echo built >"$2" && chmod +x "$2"
"#;

const BINARIES: [&str; 4] = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"];

fn build(folder: &Path) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/local/control-plane/build");
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut command = Command::new(script);
    command
        .env("PATH", path)
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("CALLS", folder.join("calls"))
        .env("GATE", folder.join("gate"))
        .env_remove("KUBEBUILDER_ASSETS")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn printed(process: Child) -> String {
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim_end().into()
}

fn make_executable(file: &Path, content: &str) {
    fs::write(file, content).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

// Elsewhere there may be no flock(1).
#[cfg(target_os = "linux")]
#[test]
fn two_at_once_build_the_control_plane_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_executable(&folder.join("go"), FAKE_GO);
    let gate = folder.join("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().unwrap().success());

    let first = build(folder).spawn().unwrap();
    // Opens as soon as the first one builds.
    let mut gate = File::options().write(true).open(gate).unwrap();
    let mut second = build(folder).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(second.stderr.as_mut().unwrap())
        .read_line(&mut said)
        .unwrap();
    assert!(said.starts_with("waiting for another process"), "{said}");
    gate.write_all(&[b'\n'; BINARIES.len()]).unwrap();

    let (first, second) = (printed(first), printed(second));
    assert_eq!(first, second);
    for name in BINARIES {
        assert!(Path::new(&first).join(name).exists(), "{name}");
    }
    let calls = fs::read_to_string(folder.join("calls")).unwrap();
    assert_eq!(calls.lines().count(), BINARIES.len(), "{calls}");
    let kept = fs::read_dir(folder.join("cache/empire-controller/control-plane")).unwrap();
    assert_eq!(kept.count(), 2, "the folder and its lock");
}

#[test]
fn binaries_that_somebody_has_already_are_used_if_none_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    make_executable(&folder.join("go"), "#!/bin/sh\nexit 7\n");
    let assets = folder.join("assets");
    fs::create_dir(&assets).unwrap();
    for name in &BINARIES[1..] {
        make_executable(&assets.join(name), "");
    }
    let output = build(folder).env("KUBEBUILDER_ASSETS", &assets).output().unwrap();
    assert!(!output.status.success(), "the build fails");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("it lacks etcd"), "{said}");
    make_executable(&assets.join(BINARIES[0]), "");
    let found = build(folder).env("KUBEBUILDER_ASSETS", &assets).spawn().unwrap();
    assert_eq!(printed(found), assets.to_str().unwrap());
}
