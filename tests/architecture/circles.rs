//! Circles of imports between the files of one folder. What a file and the folder of its name use of each other is one
//! thing: a folder is a file that grew.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{from_root, paths, tokens, without_tests};

/// Files by their modules, such as `["plan", "ecs"]`, with their text.
type Files = [(Vec<String>, String)];

/// Returns each circle once, as `plan: elbv2, listeners`.
pub(crate) fn circles(files: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (folder, uses) in uses(files) {
        let reached: BTreeMap<&str, BTreeSet<&str>> =
            uses.keys().map(|file| (*file, reached(&uses, file))).collect();
        let leads_back = |file: &str, other: &str| {
            reached[file].contains(other) && reached.get(other).is_some_and(|back| back.contains(file))
        };
        let mut seen = BTreeSet::new();
        for file in reached.keys() {
            let circle: Vec<&str> = reached
                .keys()
                .copied()
                .filter(|other| leads_back(file, other))
                .collect();
            if circle.len() > 1 && seen.insert(circle.clone()) {
                found.push(format!("{folder}: {}", circle.join(", ")));
            }
        }
    }
    found
}

/// By folder and file, the other files of the folder that it names.
fn uses(files: &Files) -> BTreeMap<String, BTreeMap<&str, BTreeSet<String>>> {
    let is_module = |path: &[String]| files.iter().any(|(module, _)| module.starts_with(path));
    let mut uses: BTreeMap<String, BTreeMap<&str, BTreeSet<String>>> = BTreeMap::new();
    for (module, source) in files {
        for path in paths(&without_tests(&tokens(source))) {
            let path = from_root(&path, module);
            if path.segments[0] != "crate" {
                continue;
            }
            let path = &path.segments[1..];
            let shared = module
                .iter()
                .zip(path)
                .take_while(|(one, other)| one == other)
                .count();
            if shared < module.len() && shared < path.len() && is_module(&path[..=shared]) {
                let files = uses.entry(module[..shared].join("/")).or_default();
                files
                    .entry(&module[shared])
                    .or_default()
                    .insert(path[shared].clone());
            }
        }
    }
    uses
}

/// The files that one leads to, over others, too.
fn reached<'a>(uses: &'a BTreeMap<&str, BTreeSet<String>>, file: &str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        for other in uses.get(file).into_iter().flatten() {
            if reached.insert(other.as_str()) {
                next.push(other);
            }
        }
    }
    reached
}

#[test]
fn a_circle_is_found_within_a_folder_and_at_the_root() {
    let check = |files: &[(&str, &str)], expected: &[&str]| {
        let files: Vec<_> = files
            .iter()
            .map(|(module, source)| (module.split('/').map(Into::into).collect(), (*source).into()))
            .collect();
        assert_eq!(circles(&files), expected);
    };
    check(
        &[
            ("plan", "mod a; use crate::model::X;"),
            ("plan/a", "use super::b::B; use super::X;"),
            ("plan/b", "use super::c::deep::C;"),
            ("plan/c", "mod deep;"),
            ("plan/c/deep", "fn f() { crate::plan::a::f() }"),
            (
                "plan/d",
                "use super::a::A; #[cfg(test)] mod tests { use crate::plan::e::E; }",
            ),
            ("plan/e", "use super::d::D;"),
            ("model", "fn f() { crate::error::f() }"),
            ("error", "use crate::plan::X;"),
        ],
        &[": error, model, plan", "plan: a, b, c"],
    );
}
