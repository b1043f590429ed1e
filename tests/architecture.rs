//! The architecture, held by reading the source: which module may use what, what pure modules must not touch, and what
//! the tree looks like. Nothing is compiled for it and nothing has to be remembered.
//!
//! A new module needs a row in [`MODULES`], which is the moment to think about where it stands.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its files fails")]

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/words.rs"]
mod words;

use std::fs;
use std::path::{Path as File, PathBuf};

use circles::circles;
use source::{Token, from_root, paths, test_modules, tokens, without_tests};

/// The imports that a top-level module of the crate may have.
struct Module {
    name: &'static str,
    /// Other modules of the crate.
    modules: &'static [&'static str],
    /// Other crates, or parts of them.
    crates: &'static [&'static str],
    /// It computes and nothing else: no clock, no chance, no input or output, no order that differs between runs.
    pure: bool,
}

const MODULES: &[Module] = &[
    Module {
        name: "api",
        modules: &[],
        crates: &[
            "kube::CELSchema",
            "kube::CustomResource",
            "kube::CustomResourceExt",
            "kube::KubeSchema",
            "kube::core",
            "k8s_openapi",
            "schemars",
            "serde",
            "serde_json",
            "serde_saphyr",
        ],
        pure: false,
    },
    Module {
        name: "procfile",
        modules: &["api", "desired", "model"],
        crates: &[
            "k8s_openapi",
            "regex_lite",
            "serde",
            "serde_json",
            "serde_saphyr",
            "shell_words",
        ],
        pure: true,
    },
    Module {
        name: "packed",
        modules: &[],
        crates: &["miniz_oxide", "serde", "serde_json"],
        // It keeps one compressor, whose buffers are large.
        pure: false,
    },
    Module {
        name: "model",
        modules: &[],
        crates: &["compact_str", "data_encoding", "serde", "sha2"],
        pure: true,
    },
    Module {
        name: "desired",
        modules: &["api", "model", "error"],
        crates: &["jiff::civil::Date", "jiff::tz::TimeZoneDatabase", "shell_words"],
        pure: true,
    },
    Module {
        name: "change",
        modules: &["model"],
        crates: &[],
        pure: true,
    },
    Module {
        name: "plan",
        modules: &["model", "change"],
        crates: &[],
        pure: true,
    },
    Module {
        name: "status",
        modules: &["api", "model", "plan", "change", "reconcile", "error"],
        crates: &["jiff", "k8s_openapi"],
        pure: true,
    },
    Module {
        name: "observe",
        modules: &["model", "plan", "aws", "lists", "claims", "error"],
        crates: &[],
        pure: false,
    },
    Module {
        name: "lists",
        modules: &["model", "aws"],
        crates: &["async_trait", "futures"],
        pure: false,
    },
    Module {
        name: "inventory",
        modules: &["model", "change", "lists", "budget", "aws"],
        crates: &["async_trait", "futures", "jiff", "tokio::sync::Notify"],
        pure: false,
    },
    Module {
        name: "budget",
        modules: &["model"],
        crates: &["jiff"],
        pure: true,
    },
    Module {
        name: "write",
        modules: &["model", "change", "budget", "aws", "claims", "error"],
        crates: &["async_trait", "jiff", "tokio::sync::Notify", "tracing"],
        pure: false,
    },
    Module {
        name: "apply",
        modules: &["model", "change", "write", "budget", "aws", "claims", "error"],
        crates: &["jiff"],
        pure: false,
    },
    Module {
        name: "reconcile",
        modules: &[
            "model", "plan", "change", "lists", "observe", "write", "apply", "budget", "aws", "claims",
            "error",
        ],
        crates: &["async_trait", "jiff"],
        pure: false,
    },
    Module {
        name: "pass",
        modules: &[
            "api",
            "model",
            "packed",
            "desired",
            "status",
            "observe",
            "plan",
            "change",
            "reconcile",
            "error",
        ],
        crates: &[
            "jiff",
            "k8s_openapi",
            "kube::ResourceExt",
            "kube::core",
            "serde_json",
        ],
        pure: true,
    },
    Module {
        name: "dry_run",
        modules: &[
            "model",
            "plan",
            "change",
            "write",
            "reconcile",
            "aws",
            "lists",
            "claims",
            "error",
        ],
        crates: &["async_trait", "serde", "serde_json"],
        pure: false,
    },
    Module {
        name: "claims",
        modules: &["model", "error"],
        crates: &["async_trait"],
        pure: false,
    },
    Module {
        name: "error",
        modules: &["model", "budget", "aws", "fence"],
        crates: &["jiff", "thiserror"],
        pure: false,
    },
    Module {
        name: "fence",
        modules: &[],
        crates: &["rustix::time", "thiserror", "tokio::task_local"],
        pure: false,
    },
    Module {
        name: "aws",
        modules: &["model", "budget", "fence", "metrics", "span"],
        crates: &[
            "async_trait",
            "aws_config",
            "aws_credential_types",
            "aws_sdk_applicationautoscaling",
            "aws_sdk_cloudwatchlogs",
            "aws_sdk_ecs",
            "aws_sdk_elasticloadbalancingv2",
            "aws_sdk_route53",
            "aws_sdk_scheduler",
            "aws_sdk_secretsmanager",
            "aws_sdk_ssm",
            "aws_sdk_sts",
            "aws_smithy_http_client",
            "aws_smithy_types",
            "futures",
            "jiff",
            "serde_json",
            "thiserror",
            "tokio::task_local",
            "tracing",
        ],
        pure: false,
    },
    Module {
        name: "controller",
        modules: &[
            "api",
            "model",
            "packed",
            "desired",
            "observe",
            "plan",
            "change",
            "write",
            "status",
            "reconcile",
            "pass",
            "dry_run",
            "claims",
            "error",
            "aws",
            "budget",
            "inventory",
            "lists",
            "config",
            "fence",
            "health",
            "metrics",
            "span",
        ],
        crates: &[
            "async_trait",
            "fastrand",
            "futures",
            "http",
            "hyper_util::client::proxy",
            "jiff",
            "k8s_openapi",
            "kube",
            "rustix::system",
            "serde",
            "serde_json",
            "serde_saphyr",
            "thiserror",
            "tokio",
            "tower_service",
            "tracing",
        ],
        pure: false,
    },
    Module {
        name: "config",
        modules: &["budget"],
        crates: &["clap", "http", "jiff"],
        pure: false,
    },
    Module {
        name: "screen",
        modules: &["api", "desired", "model"],
        crates: &["anstyle", "jiff", "k8s_openapi", "kube::ResourceExt", "serde"],
        pure: true,
    },
    Module {
        name: "cli",
        modules: &[
            "aws",
            "model",
            "api",
            "change",
            "config",
            "controller",
            "desired",
            "dry_run",
            "error",
            "observe",
            "metrics",
            "pass",
            "plan",
            "procfile",
            "reconcile",
            "screen",
            "status",
        ],
        crates: &[
            "anstream",
            "clap",
            "clap_complete",
            "clap_mangen",
            "futures",
            "jiff",
            "k8s_openapi",
            "kube",
            "serde",
            "serde_json",
            "serde_saphyr",
            "shell_words",
            "terminal_size",
            "tokio",
        ],
        pure: false,
    },
    Module {
        name: "telemetry",
        modules: &["config", "span"],
        crates: &[
            "opentelemetry",
            "opentelemetry_otlp",
            "opentelemetry_sdk",
            "tracing",
            "tracing_opentelemetry",
            "tracing_subscriber",
        ],
        pure: false,
    },
    Module {
        name: "span",
        modules: &[],
        crates: &["tracing"],
        pure: false,
    },
    Module {
        name: "health",
        modules: &["metrics"],
        crates: &[
            "futures",
            "http_body_util",
            "hyper",
            "hyper_util::rt",
            "tokio",
            "tracing",
        ],
        pure: false,
    },
    Module {
        name: "metrics",
        modules: &["api", "budget"],
        crates: &["jiff", "k8s_openapi", "prometheus_client"],
        pure: false,
    },
    // main.rs sees the library as another crate. It makes the one client of the cluster that there is.
    Module {
        name: "main",
        modules: &[],
        crates: &[
            "clap",
            "dlmalloc",
            "empire_controller",
            "futures",
            "kube::Config",
            "tokio",
            "tracing",
        ],
        pure: false,
    },
    // lib.rs is a list of modules.
    Module {
        name: "lib",
        modules: &[],
        crates: &[],
        pure: true,
    },
];

/// Paths that no pure module may name.
const IMPURE_PATHS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::sync",
    "std::thread",
];
/// Paths below those that are plain data all the same: what many hold to read, and what an address is.
const PLAIN_PATHS: &[&str] = &["std::sync::Arc", "std::net::IpAddr"];
const IMPURE_WORDS: &[&str] = &[
    "async",
    "await",
    "println",
    "eprintln",
    "option_env",
    "HashMap",
    "HashSet",
    "Instant",
    "RandomState",
    "SystemTime",
];

/// Over this many lines of code, its tests, comments and blank lines aside, a file is hard to keep in one's head.
const LINES: usize = 450;

const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "crds",
    "deny.toml",
    "deploy",
    "docs",
    "fuzz",
    "rust-toolchain.toml",
    "src",
    "tests",
];

fn root() -> &'static File {
    File::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under a folder, by its path from the root.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "{folder} has no Rust files");
    files
}

fn read(file: &File) -> String {
    fs::read_to_string(root().join(file)).unwrap()
}

/// `src/plan/ecs.rs` is `["plan", "ecs"]`.
fn module_of(file: &File) -> Vec<String> {
    let file = file.with_extension("");
    file.iter()
        .skip(1)
        .map(|part| part.to_str().unwrap().to_owned())
        .collect()
}

/// The files of `src`, and their modules, that are not for tests only.
fn product_files() -> Vec<(PathBuf, Vec<String>)> {
    let files: Vec<_> = rust_files("src")
        .into_iter()
        .map(|file| (module_of(&file), file))
        .collect();
    let mut for_tests = Vec::new();
    for (module, file) in &files {
        // What lib.rs and main.rs declare is at the root.
        let parent = if ["lib", "main"].contains(&module[0].as_str()) {
            &[][..]
        } else {
            module
        };
        let names = test_modules(&tokens(&read(file)));
        for_tests.extend(names.into_iter().map(|name| [parent, &[name]].concat()));
    }
    let is_for_tests = |module: &[String]| for_tests.iter().any(|tests| module.starts_with(tests));
    files
        .into_iter()
        .filter(|(module, _)| !is_for_tests(module))
        .map(|(module, file)| (file, module))
        .collect()
}

/// The names by which our code knows the crates of a `Cargo.toml`.
fn dependencies(manifest: &str) -> Vec<String> {
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

/// Returns each breach of the rules in a file of a module.
fn breaches(module: &[String], source: &str, crates: &[String]) -> Vec<String> {
    let Some(rule) = MODULES
        .iter()
        .find(|rule| Some(rule.name) == module.first().map(String::as_str))
    else {
        return vec![format!("module {module:?} has no row in MODULES")];
    };
    let code = without_tests(&tokens(source));
    let mut breaches = Vec::new();
    for path in paths(&code).iter().map(|path| from_root(path, module)) {
        let mut breach = |what: &str| {
            breaches.push(format!(
                "line {}: {what}: {}",
                path.line,
                path.segments.join("::")
            ));
        };
        let first = path.segments[0].as_str();
        if path.segments.last().is_some_and(|last| last == "*") {
            breach("glob import");
        }
        if first == "crate" {
            let other = path.segments[1].as_str();
            if other != rule.name && !rule.modules.contains(&other) {
                breach(&format!("{} must not use this module", rule.name));
            }
        } else if first == "empire_controller" || crates.iter().any(|name| name == first) {
            if !rule.crates.iter().any(|allowed| path.starts_with(allowed)) {
                breach(&format!("{} must not use this crate", rule.name));
            }
        } else if rule.pure
            && !PLAIN_PATHS.iter().any(|plain| path.starts_with(plain))
            && IMPURE_PATHS.iter().any(|impure| path.starts_with(impure))
        {
            breach(&format!("{} is pure", rule.name));
        }
        if rule.pure && path.segments.last().is_some_and(|last| last == "now") {
            breach("a pure module has no clock");
        }
    }
    for Token { text, line } in &code {
        let observed = rule.name == "desired" && text == "Observed";
        if observed || (rule.pure && IMPURE_WORDS.contains(&text.as_str())) {
            breaches.push(format!("line {line}: {} must not know {text}", rule.name));
        }
        if ["todo", "unimplemented", "dbg"].contains(&text.as_str()) {
            breaches.push(format!("line {line}: unfinished: {text}"));
        }
    }
    breaches
}

/// Fails with every line that was found.
fn none(breaches: &[String]) {
    assert!(breaches.is_empty(), "\n  {}", breaches.join("\n  "));
}

#[test]
fn every_module_uses_only_what_it_may() {
    let crates = dependencies(&read(File::new("Cargo.toml")));
    let found = product_files().into_iter().flat_map(|(file, module)| {
        let breaches = breaches(&module, &read(&file), &crates);
        breaches
            .into_iter()
            .map(move |breach| format!("{}: {breach}", file.display()))
    });
    none(&found.collect::<Vec<_>>());
}

/// Checks that the rules find this in a file of a module, or nothing.
fn check(module: &str, source: &str, expected: Option<&str>) {
    let crates = dependencies(&read(File::new("Cargo.toml")));
    let module: Vec<String> = module.split('/').map(Into::into).collect();
    let found = breaches(&module, source, &crates);
    match expected {
        None => none(&found),
        Some(expected) => {
            assert!(
                found.iter().any(|found| found.contains(expected)),
                "{source}: {found:?}"
            );
        }
    }
}

#[test]
fn the_rules_notice_what_must_not_be_used() {
    const NO_MODULE: Option<&str> = Some("must not use this module");
    const NO_CRATE: Option<&str> = Some("must not use this crate");
    check("plan", "use crate::aws::Aws;", NO_MODULE);
    check("plan", "fn f() { crate::api::app::g(); }", NO_MODULE);
    check("plan", "use crate::{model, status};", NO_MODULE);
    check("plan/ecs", "use super::super::aws::Aws;", NO_MODULE);
    check("plan/ecs", "use super::view::View;", None);
    check("plan", "fn f() { tracing::info!(\"hello\"); }", NO_CRATE);
    check("plan", "use tokio::time;", NO_CRATE);
    check("plan", "// use tokio::time;\nuse std::fmt;", None);
    check("model/name", "fn f() { fastrand::u8(..); }", NO_CRATE);
    check("observe", "use aws_sdk_ecs::Client;", NO_CRATE);
    check("observe", "use kube::Client;", NO_CRATE);
    check("aws/ecs", "use aws_sdk_ecs::{Client, types};", None);
    check("aws/ecs", "use crate::plan::Change;", NO_MODULE);
    check("controller/app", "use aws_sdk_ecs::Client;", NO_CRATE);
    check("api/app", "use kube::{Client, CustomResource};", NO_CRATE);
    check("api/app", "use kube::CustomResource;", None);
    check("api/app", "use crate::model::name::Arn;", NO_MODULE);
    check("manager", "", Some("has no row in MODULES"));
}

#[test]
fn the_rules_notice_what_is_not_pure() {
    check("plan", "fn f() { std::env::var(\"X\"); }", Some("plan is pure"));
    check("plan", "use super::error::*;", Some("glob import"));
    check("plan", "#[cfg(test)] mod tests { use super::*; }", None);
    check(
        "model/name",
        "use std::collections::HashMap;",
        Some("must not know HashMap"),
    );
    check(
        "model/name",
        "use std::time::SystemTime;",
        Some("must not know SystemTime"),
    );
    check("desired", "async fn f() {}", Some("must not know async"));
    check(
        "desired",
        "use crate::model::state::Observed;",
        Some("must not know Observed"),
    );
    check(
        "status",
        "fn f() { let now = jiff::Timestamp::now(); }",
        Some("has no clock"),
    );
    check("status", "fn f(now: jiff::Timestamp) {}", None);
    check("apply", "fn f() { todo!() }", Some("unfinished: todo"));
}

#[test]
fn no_files_of_one_folder_lead_back_to_each_other() {
    let files: Vec<_> = product_files()
        .into_iter()
        .map(|(file, module)| (module, read(&file)))
        .collect();
    none(&circles(&files));
}

#[test]
fn only_the_aws_module_knows_the_sdk_and_only_the_edges_know_the_cluster() {
    let uses = |name: &str| -> Vec<&str> {
        let uses = |rule: &&Module| {
            rule.crates
                .iter()
                .any(|allowed| allowed.split("::").next() == Some(name))
        };
        MODULES.iter().filter(uses).map(|rule| rule.name).collect()
    };
    let crates = dependencies(&read(File::new("Cargo.toml")));
    let sdk: Vec<&String> = crates.iter().filter(|name| name.starts_with("aws_")).collect();
    assert!(sdk.len() >= 3, "{crates:?}");
    for name in sdk {
        assert_eq!(uses(name), ["aws"], "{name}");
    }
    assert_eq!(
        uses("kube"),
        ["api", "pass", "controller", "screen", "cli", "main"]
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = rust_files("src")
        .into_iter()
        .chain(rust_files("tests"))
        .filter(|file| !read(file).starts_with("//! "));
    none(
        &silent
            .map(|file| format!("{} does not open with //!", file.display()))
            .collect::<Vec<_>>(),
    );
}

/// Lines that are neither blank nor a comment, up to the tests.
fn lines_of_code(source: &str) -> usize {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    code.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .count()
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    assert_eq!(
        lines_of_code("//! X.\n\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n fn g() {}\n}\n"),
        1
    );
    let long = product_files().into_iter().filter_map(|(file, _)| {
        let lines = lines_of_code(&read(&file));
        (lines > LINES).then(|| format!("{}: {lines} lines of code", file.display()))
    });
    none(&long.collect::<Vec<_>>());
}

#[test]
fn no_file_is_named_after_nothing() {
    const NAMES: &[&str] = &[
        "common", "helper", "helpers", "manager", "mod", "types", "util", "utils",
    ];
    let vague = rust_files("src")
        .into_iter()
        .filter(|file| NAMES.contains(&module_of(file).last().unwrap().as_str()));
    none(
        &vague
            .map(|file| format!("{} says nothing", file.display()))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn nothing_new_stands_at_the_top() {
    let entries = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // `target` is not in the repository.
    let mut entries: Vec<String> = entries
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    entries.sort();
    assert_eq!(entries, TOP_LEVEL);
}

#[test]
fn no_test_is_left_out() {
    let ignored = rust_files("src")
        .into_iter()
        .chain(rust_files("tests"))
        .filter(|file| {
            let code = tokens(&read(file));
            code.windows(3)
                .any(|three| three[0].text == "#" && three[1].text == "[" && three[2].text == "ignore")
        });
    none(
        &ignored
            .map(|file| format!("{} has an ignored test", file.display()))
            .collect::<Vec<_>>(),
    );
}
