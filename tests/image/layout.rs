//! What the image is, as a document: the same for the same commit, valid, and as small as it may be.

use std::collections::BTreeSet;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use similar_asserts::assert_eq;

use super::support::script::printed_by;
use super::{BUILT, Built, SOURCE, architecture, path, printed, read_json};

/// Returns the files below a folder with what is in them.
fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(each) = waiting.pop() {
        if each.is_dir() {
            waiting.extend(fs::read_dir(&each).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            let content = fs::read(&each).unwrap();
            found.push((each.strip_prefix(folder).unwrap().to_owned(), content));
        }
    }
    found.sort();
    found
}

/// Another checkout of this tree, elsewhere and later, and another folder for what cargo makes. Dependencies are those that
/// the first build compiled, or this would take many minutes; a release compiles them, too, on two machines.
#[test]
fn a_second_build_elsewhere_is_the_same_bytes() {
    let first = &*BUILT;
    let temporary = tempfile::tempdir().unwrap();
    let checkout = temporary.path().join("elsewhere");
    let files = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    for file in printed(Command::new("git").args(files)).split_terminator('\0') {
        let (from, to) = (path(file), checkout.join(file));
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        if from.is_symlink() {
            symlink(fs::read_link(from).unwrap(), to).unwrap();
        } else if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
    let git = printed(Command::new("git").args(["rev-parse", "--absolute-git-dir"]));
    let build = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| path("target"), PathBuf::from);
    let second = Built::of(
        &checkout,
        &[
            ("GIT_DIR", Path::new(git.trim_end())),
            ("GIT_WORK_TREE", &checkout),
            ("CARGO_TARGET_DIR", &temporary.path().join("target")),
            ("CARGO_BUILD_BUILD_DIR", &build),
        ],
    );
    assert_eq!(first.digest, second.digest);
    let [first, second] = [first, &second].map(|built| contents(&built.folder));
    let differing: Vec<_> = first
        .iter()
        .zip(&second)
        .filter(|(one, other)| one != other)
        .collect();
    assert!(
        first.len() == second.len() && differing.is_empty(),
        "{:?}",
        differing.iter().map(|(one, _)| &one.0).collect::<Vec<_>>()
    );
}

#[test]
fn it_is_an_oci_image_of_one_program_without_a_shell() {
    let checker = printed_by("go", &["tests/image/oci"]).join("oci");
    printed(Command::new(checker).arg(BUILT.folder.join("image")));

    let index = BUILT.json("image/index.json");
    assert_eq!(
        index["manifests"][0]["platform"],
        json!({ "os": "linux", "architecture": architecture() })
    );
    let manifest = BUILT.manifest();
    let config = read_json(&BUILT.blob(&manifest["config"]));
    let labels = &config["config"]["Labels"];
    assert_eq!(labels, &index["annotations"]);
    let head = printed(Command::new("git").args(["rev-parse", "HEAD"]));
    let revision = labels["org.opencontainers.image.revision"].as_str().unwrap();
    assert_eq!(revision.trim_end_matches("-dirty"), head.trim_end());
    for (label, value) in [
        ("version", env!("CARGO_PKG_VERSION")),
        ("licenses", env!("CARGO_PKG_LICENSE")),
        ("description", env!("CARGO_PKG_DESCRIPTION")),
        ("title", env!("CARGO_PKG_NAME")),
        ("source", SOURCE),
    ] {
        assert_eq!(labels[format!("org.opencontainers.image.{label}")], value);
    }
    let container = &config["config"];
    assert_eq!(container["User"], "65532:65532");
    assert_eq!(container["Entrypoint"], json!(["/empire-controller"]));
    assert_eq!(container["Cmd"], json!(["run"]));
    // The time of the commit, not that of the build.
    let created = printed(Command::new("git").args(["log", "-1", "--format=%ct"]));
    let as_written = ["--utc", "+%Y-%m-%dT%H:%M:%SZ", "--date"];
    let created = printed(
        Command::new("date")
            .args(as_written)
            .arg(format!("@{}", created.trim_end())),
    );
    assert_eq!(config["created"], created.trim_end());

    let root = BUILT.unpack();
    let files: BTreeSet<String> = contents(root.path())
        .into_iter()
        .map(|(file, _)| file.to_str().unwrap().to_owned())
        .collect();
    let expected = [
        "LICENSE",
        "NOTICES",
        "empire-controller",
        "etc/group",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
    ];
    assert_eq!(files, BTreeSet::from(expected.map(str::to_owned)));
    let bytes = |descriptor: &Value| descriptor["size"].as_u64().unwrap();
    let size: u64 = manifest["layers"].as_array().unwrap().iter().map(bytes).sum();
    println!("{}, {size} bytes compressed", BUILT.digest);
}

#[test]
fn crane_pushes_it_to_a_registry_under_the_digest_that_was_printed() {
    let crane = printed_by("go", &["deploy/image/pack"]).join("crane");
    // Whoever listens there now is gone before the registry comes.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut registry = Command::new(&crane)
        .args(["registry", "serve", "--address", &address.to_string()])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(address).is_err() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let run = || {
        let repository = format!("localhost:{}/empire-controller", address.port());
        let tagged = format!("{repository}:{}", env!("CARGO_PKG_VERSION"));
        let crane = |arguments: &[&str]| printed(Command::new(&crane).args(arguments));
        let layout = BUILT.folder.join("image");
        let by_digest = format!("{repository}@{}", BUILT.digest);
        assert_eq!(
            crane(&["push", "--index", layout.to_str().unwrap(), &tagged]).trim_end(),
            by_digest
        );
        assert_eq!(crane(&["digest", &tagged]).trim_end(), BUILT.digest);
        let platform = format!("--platform=linux/{}", architecture());
        crane(&["validate", "--remote", &by_digest, &platform]);
    };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    registry.kill().unwrap();
    registry.wait().unwrap();
    outcome.unwrap();
}

#[test]
fn provenance_says_of_what_commit_the_image_was_made() {
    let statement = BUILT.json("provenance.json");
    assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(statement["predicateType"], "https://slsa.dev/provenance/v1");
    let subject = json!([{
        "name": "empire-controller",
        "digest": { "sha256": BUILT.digest.trim_start_matches("sha256:") },
    }]);
    assert_eq!(statement["subject"], subject);
    let definition = &statement["predicate"]["buildDefinition"];
    let parameters = json!({ "version": env!("CARGO_PKG_VERSION"), "architectures": [architecture()] });
    assert_eq!(definition["externalParameters"], parameters);
    let source = &definition["resolvedDependencies"][0];
    assert_eq!(source["uri"], SOURCE);
    let changed = printed(Command::new("git").args(["diff", "--name-only", "HEAD"]));
    if changed.is_empty() {
        let head = printed(Command::new("git").args(["rev-parse", "HEAD"]));
        assert_eq!(source["digest"]["gitCommit"], head.trim_end());
    } else {
        assert_eq!(source["digest"], Value::Null, "{changed}");
    }
}
