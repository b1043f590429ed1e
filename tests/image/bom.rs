//! The bill of materials: what cargo says of itself elsewhere, and the schema of CycloneDX.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use similar_asserts::assert_eq;

use super::support::script::printed_by;
use super::{BUILT, path, printed};

/// Prints what is wrong with the document in the file that is named.
const VALIDATE: &str = "
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
document = open(sys.argv[1]).read()
version = getattr(SchemaVersion, sys.argv[2])
sys.exit(JsonStrictValidator(version).validate_str(document))
";

#[test]
fn the_bill_of_materials_is_what_cyclonedx_asks_for() {
    let version = BUILT.json("sbom.cdx.json")["specVersion"]
        .as_str()
        .unwrap()
        .replace('.', "_");
    let python = printed_by("python", &["tests/image/requirements.txt"]).join("python");
    let mut validate = Command::new(python);
    validate
        .args(["-c", VALIDATE])
        .arg(BUILT.folder.join("sbom.cdx.json"))
        .arg(format!("V{version}"));
    printed(&mut validate);
}

/// The program is listed by the messages of the build that compiled it, and this asks for what cargo would compile: two
/// roads to the same.
#[test]
fn the_bill_of_materials_names_each_crate_that_is_linked_once() {
    let bom = BUILT.json("sbom.cdx.json");
    let components = bom["components"].as_array().unwrap();
    let names: Vec<&str> = components
        .iter()
        .chain([&bom["metadata"]["component"]])
        .map(|component| component["purl"].as_str().unwrap())
        .collect();
    let all: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(all.len(), names.len(), "none is named twice");

    let target = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
    let tree = [
        "tree",
        "--locked",
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--format={p}",
        "--target",
        &target,
    ];
    let linked: BTreeSet<String> = printed(Command::new(env!("CARGO")).args(tree))
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split(' ');
            let (name, version) = (words.next().unwrap(), words.next().unwrap());
            format!("pkg:cargo/{name}@{}", version.trim_start_matches('v'))
        })
        .collect();
    let crates = |name: &&&str| name.starts_with("pkg:cargo/");
    let listed: BTreeSet<String> = all.iter().filter(crates).map(|name| (*name).to_owned()).collect();
    assert_eq!(listed, linked);

    // What no crate is, in the version that is pinned.
    let rest: BTreeSet<&str> = all.iter().filter(|name| !crates(name)).copied().collect();
    let pinned = |file: &str, before: &str| {
        let text = fs::read_to_string(path(file)).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix(before)).unwrap();
        let end = line.find(['"', ' ']).unwrap_or(line.len());
        line[..end].to_owned()
    };
    let python = |name: &str| pinned("deploy/image/requirements.txt", &format!("{name}=="));
    let expected = BTreeMap::from([
        ("generic/rust", pinned("rust-toolchain.toml", "channel = \"")),
        ("pypi/certifi", python("certifi")),
        ("pypi/ziglang", python("ziglang")),
    ]);
    let expected: BTreeSet<String> = expected
        .iter()
        .map(|(name, version)| format!("pkg:{name}@{version}"))
        .collect();
    assert_eq!(rest, expected.iter().map(String::as_str).collect());
}
