//! Pins: each is the same everywhere, and the dependency bot watches all of them.

use std::collections::BTreeSet;

use serde_json::Value;
use similar_asserts::assert_eq;

use super::links::files;
use super::read;

/// Returns what stands between the two texts in a file, the first time.
fn between(file: &str, before: &str, after: &str) -> String {
    let text = read(file);
    let (_, rest) = text.split_once(before).unwrap();
    rest.split(after).next().unwrap_or_default().to_owned()
}

#[test]
fn the_compiler_is_the_same_everywhere() {
    let channel = between("rust-toolchain.toml", "channel = \"", "\"");
    let (minor, _) = channel.rsplit_once('.').unwrap();
    assert_eq!(between("Cargo.toml", "rust-version = \"", "\""), minor);
    assert_eq!(between("README.md", "Linux with Rust ", ","), minor);
}

#[test]
fn the_dependency_bot_watches_every_file_of_pins() {
    let configuration: Value = serde_saphyr::from_str(&read(".github/dependabot.yml")).unwrap();
    let mut watched = BTreeSet::new();
    for update in configuration["updates"].as_array().unwrap() {
        let ecosystem = update["package-ecosystem"].as_str().unwrap();
        let several = update["directories"].as_array().into_iter().flatten();
        for folder in several.chain(update.get("directory")) {
            let folder = folder.as_str().unwrap().trim_start_matches('/').to_owned();
            watched.insert((ecosystem.to_owned(), folder));
        }
    }
    let kinds = [
        ("Cargo.lock", "cargo"),
        ("rust-toolchain.toml", "rust-toolchain"),
        ("go.mod", "gomod"),
        ("requirements.txt", "pip"),
    ];
    let mut all = files("deploy", &["mod", "txt", ""]);
    all.extend(files("tests", &["mod", "txt"]));
    all.extend(["Cargo.lock", "rust-toolchain.toml"].map(str::to_owned));
    let mut pinned = BTreeSet::from([("github-actions".to_owned(), String::new())]);
    for file in &all {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", file));
        if let Some((_, ecosystem)) = kinds.iter().find(|(known, _)| *known == name) {
            pinned.insert(((*ecosystem).to_owned(), folder.to_owned()));
        }
    }
    assert_eq!(watched, pinned);
}

/// A tag may be moved by whoever takes over its repository.
#[test]
fn every_action_is_pinned_to_a_commit_and_says_its_version() {
    let mut count = 0;
    for file in files(".github/workflows", &["yml"]) {
        for line in read(&file).lines() {
            let Some((_, action)) = line.split_once("uses: ") else {
                continue;
            };
            // Ours, of the same commit.
            if action.starts_with("./") {
                continue;
            }
            let (commit, version) = action
                .split_once('@')
                .unwrap()
                .1
                .split_once(" # v")
                .unwrap_or_default();
            assert!(
                commit.len() == 40
                    && commit.bytes().all(|byte| byte.is_ascii_hexdigit())
                    && !version.is_empty(),
                "{file}: {line}"
            );
            count += 1;
        }
    }
    assert!(count > 5, "{count} are too few to be all");
}

#[test]
fn every_form_for_issues_asks_for_something() {
    for form in ["bug", "feature"] {
        let form: Value =
            serde_saphyr::from_str(&read(&format!(".github/ISSUE_TEMPLATE/{form}.yml"))).unwrap();
        let body = form["body"].as_array().unwrap();
        let required = body
            .iter()
            .filter(|field| field["validations"]["required"] == true);
        assert!(
            form["name"].is_string() && form["description"].is_string() && required.count() > 0,
            "{form}"
        );
        let ids: BTreeSet<_> = body.iter().filter_map(|field| field["id"].as_str()).collect();
        let fields = body.iter().filter(|field| field["type"] != "markdown").count();
        assert_eq!(ids.len(), fields, "each field has an id of its own");
    }
}
