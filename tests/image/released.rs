//! The files of a release: each names the image by its digest, none is left out of the sums, and krew installs the plugin.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use similar_asserts::assert_eq;
use tempfile::TempDir;

use super::support::kubectl::fed;
use super::support::script::printed_by;
use super::{BUILT, SOURCE, architecture, path, printed};

const IMAGE: &str = "ghcr.io/example/empire-controller";

struct Release {
    folder: PathBuf,
    /// Where kubectl and helm are, and more may be put.
    programs: TempDir,
    _temporary: TempDir,
}

impl Release {
    fn new() -> Self {
        let (temporary, programs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let kubectl = printed_by("control-plane/build", &[]).join("kubectl");
        let helm = printed_by("go", &["deploy/local/tools"]).join("helm");
        for program in [kubectl, helm] {
            symlink(&program, programs.path().join(program.file_name().unwrap())).unwrap();
        }
        let release = Release {
            folder: temporary.path().join("files"),
            programs,
            _temporary: temporary,
        };
        let url = format!("{SOURCE}/releases/download/v{}", env!("CARGO_PKG_VERSION"));
        let mut files = release.command("deploy/release/files");
        printed(files.arg(&BUILT.folder).args([IMAGE, &url]).arg(&release.folder));
        release
    }

    /// Returns a command that finds the programs first.
    fn command(&self, program: &str) -> Command {
        let mut path = self.programs.path().as_os_str().to_owned();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command.env("PATH", path);
        command
    }

    fn read(&self, file: &str) -> String {
        fs::read_to_string(self.folder.join(file)).unwrap()
    }
}

/// Returns the images of the containers in manifests.
fn images(manifests: &str) -> Vec<String> {
    let all: Vec<Value> = serde_saphyr::from_multiple(manifests).unwrap();
    let containers = all
        .iter()
        .filter_map(|object| object["spec"]["template"]["spec"]["containers"].as_array())
        .flatten();
    containers
        .map(|container| container["image"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_files_of_a_release_name_its_image_and_krew_installs_its_plugin() {
    let release = Release::new();
    let version = env!("CARGO_PKG_VERSION");
    let archive = format!("empire-controller_{version}_linux_{}.tar.gz", architecture());
    let chart = format!("empire-controller-{version}.tgz");
    let mut files: Vec<String> = fs::read_dir(&release.folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut expected = [
        "SHA256SUMS",
        "crds.yaml",
        "empire.yaml",
        "install.yaml",
        "sbom.cdx.json",
        &archive,
        &chart,
    ]
    .map(str::to_owned);
    expected.sort();
    assert_eq!(files, expected);
    let sums = ["--check", "--strict", "SHA256SUMS"];
    let checked = fed(
        Command::new("sha256sum").args(sums).current_dir(&release.folder),
        "",
    );
    let checked = String::from_utf8(checked.stdout).unwrap();
    let ok = checked.lines().filter(|line| line.ends_with(": OK")).count();
    assert_eq!(ok, files.len() - 1, "{checked}");

    let by_digest = format!("{IMAGE}@{}", BUILT.digest);
    assert_eq!(images(&release.read("install.yaml")), [by_digest.as_str()]);
    let mut template = release.command("helm");
    let rendered = printed(
        template
            .args(["template", "empire-controller"])
            .arg(release.folder.join(chart)),
    );
    // The tag is for people.
    let tagged = format!("{IMAGE}:{version}@{}", BUILT.digest);
    assert_eq!(images(&rendered), [tagged]);
    let definitions: Vec<Value> = serde_saphyr::from_multiple(&release.read("crds.yaml")).unwrap();
    let repositorys = fs::read_dir(path("crds")).unwrap().map(|entry| {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        serde_saphyr::from_multiple::<Value>(&text).unwrap().len()
    });
    assert_eq!(definitions.len(), repositorys.sum::<usize>());

    krew(&release, &archive);
}

fn krew(release: &Release, archive: &str) {
    let tools = printed_by("go", &["tests/image/krew"]);
    let manifest = release.folder.join("empire.yaml");
    let validate = tools.join("validate-krew-manifest");
    printed(
        Command::new(validate)
            .args(["-skip-install", "-manifest"])
            .arg(&manifest),
    );
    let said: Value = serde_saphyr::from_str(&release.read("empire.yaml")).unwrap();
    assert_eq!(said["spec"]["version"], concat!("v", env!("CARGO_PKG_VERSION")));
    assert_eq!(said["spec"]["homepage"], SOURCE);
    let uri = said["spec"]["platforms"][0]["uri"].as_str().unwrap();
    assert!(uri.starts_with(SOURCE) && uri.ends_with(archive), "{uri}");

    symlink(tools.join("krew"), release.programs.path().join("kubectl-krew")).unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubectl = |arguments: &[&str], beside: &Path| {
        let mut command = release.command("kubectl");
        let path = command
            .get_envs()
            .find(|(name, _)| *name == "PATH")
            .unwrap()
            .1
            .unwrap();
        let path = format!("{}:{}", beside.display(), path.to_str().unwrap());
        printed(
            command
                .args(arguments)
                .env("PATH", path)
                .env("KREW_ROOT", home.path()),
        )
    };
    let bin = home.path().join("bin");
    let [manifest, archive] = [
        ("--manifest", manifest),
        ("--archive", release.folder.join(archive)),
    ]
    .map(|(flag, file)| format!("{flag}={}", file.display()));
    // It compares the archive with the manifest's sum.
    kubectl(&["krew", "install", &manifest, &archive], &bin);
    let said = kubectl(&["empire", "--version"], &bin);
    assert_eq!(
        said.trim_end(),
        concat!("kubectl-empire ", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_tag_must_be_the_version_of_everything() {
    let checkout = tempfile::tempdir().unwrap();
    let script = "deploy/release/check";
    for file in [
        script,
        "deploy/local/local.bash",
        "Cargo.toml",
        "deploy/helm/empire-controller/Chart.yaml",
        "CHANGELOG.md",
    ] {
        let copy = checkout.path().join(file);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path(file), copy).unwrap();
    }
    let check = |tag: &str| fed(Command::new(checkout.path().join(script)).arg(tag), "");
    // As the commit that a release is made of has it; until then its changes are under "Unreleased".
    let changelog = checkout.path().join("CHANGELOG.md");
    let changes = fs::read_to_string(&changelog).unwrap();
    let heading = concat!("## [", env!("CARGO_PKG_VERSION"), "] - ");
    if !changes.contains(heading) {
        let early = check(concat!("v", env!("CARGO_PKG_VERSION")));
        assert!(!early.status.success(), "not in the changelog yet");
        let dated = changes.replacen("## [Unreleased]", &format!("{heading}2026-01-02"), 1);
        fs::write(&changelog, dated).unwrap();
    }
    let right = check(concat!("v", env!("CARGO_PKG_VERSION")));
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stderr)
    );
    let notes = String::from_utf8(right.stdout).unwrap();
    assert!(notes.contains("\n### ") && !notes.contains("\n## "), "{notes}");
    for wrong in ["v99.0.0", env!("CARGO_PKG_VERSION")] {
        let refused = check(wrong);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{wrong}");
    }
}
