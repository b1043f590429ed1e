//! The image and the files of a release, as `deploy/image/build` and `deploy/release/files` make them: here for this machine's
//! architecture and without optimization, which the same scripts do for a release.
//!
//! The image is judged by what the ecosystem judges such by: go-containerregistry and the schemas of OCI, crane and a
//! registry, the schema of CycloneDX, krew. What is in it is started from its own file system.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests, outside of #[test]"
)]

mod bom;
mod layout;
mod released;
mod started;

#[path = "../support"]
mod support {
    pub(crate) mod control_plane;
    #[expect(dead_code, reason = "shared with tests/end_to_end")]
    pub(crate) mod controller;
    pub(crate) mod kubectl;
    pub(crate) mod script;
}

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use support::kubectl::fed;

/// What the image of the tests says is its source.
const SOURCE: &str = "https://github.com/example/empire-controller";

/// A folder that `deploy/image/build` made.
struct Built {
    folder: PathBuf,
    /// As the script printed it.
    digest: String,
    _temporary: TempDir,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| Built::of(Path::new(env!("CARGO_MANIFEST_DIR")), &[]));

impl Built {
    /// Builds a checkout, with some variables.
    fn of(checkout: &Path, variables: &[(&str, &Path)]) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let folder = temporary.path().join("built");
        let mut build = Command::new(checkout.join("deploy/image/build"));
        build
            .arg(&folder)
            .args(["--profile", "dev", "--arch", architecture(), "--source", SOURCE])
            .envs(variables.iter().copied());
        let digest = printed(&mut build);
        Built {
            folder,
            digest: digest.trim_end().to_owned(),
            _temporary: temporary,
        }
    }

    fn json(&self, file: &str) -> Value {
        serde_json::from_slice(&fs::read(self.folder.join(file)).unwrap()).unwrap()
    }

    /// Returns a document or a layer of the image, by its descriptor.
    fn blob(&self, descriptor: &Value) -> PathBuf {
        let digest = descriptor["digest"].as_str().unwrap().replace(':', "/");
        self.folder.join("image/blobs").join(digest)
    }

    /// Returns the manifest of the image's one platform.
    fn manifest(&self) -> Value {
        let index = self.json("image/index.json");
        assert_eq!(index["manifests"].as_array().unwrap().len(), 1, "{index}");
        read_json(&self.blob(&index["manifests"][0]))
    }

    /// Unpacks the layers one over the other, as a container engine does.
    fn unpack(&self) -> TempDir {
        let root = tempfile::tempdir().unwrap();
        for layer in self.manifest()["layers"].as_array().unwrap() {
            let mut tar = Command::new("tar");
            tar.args(["--extract", "--gzip", "--file"])
                .arg(self.blob(layer))
                .arg("--directory")
                .arg(root.path());
            printed(&mut tar);
        }
        root
    }
}

fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// Returns this machine's architecture, as images call it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => panic!("no image is made for {other}"),
    }
}

/// Runs a command to its end, which must be a good one, and returns what it printed.
fn printed(command: &mut Command) -> String {
    let output = fed(command.current_dir(env!("CARGO_MANIFEST_DIR")), "");
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "{command:?}: {stdout}{stderr}");
    stdout
}
