//! What holds for every input holds for the seeds; and `fuzz/` has each target, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{
    command, cron, manifest, ownership, pattern, procfile, replies_of_autoscaling, replies_of_ecs,
    replies_of_elbv2, replies_of_logs, replies_of_route53, replies_of_scheduler, replies_of_secrets,
    replies_of_sts, values,
};

type Target = (&'static str, fn(&[u8]));

/// The targets, by the names of their functions.
const TARGETS: [Target; 15] = [
    ("command", command),
    ("cron", cron),
    ("manifest", manifest),
    ("ownership", ownership),
    ("pattern", pattern),
    ("procfile", procfile),
    ("replies_of_autoscaling", replies_of_autoscaling),
    ("replies_of_ecs", replies_of_ecs),
    ("replies_of_elbv2", replies_of_elbv2),
    ("replies_of_logs", replies_of_logs),
    ("replies_of_route53", replies_of_route53),
    ("replies_of_scheduler", replies_of_scheduler),
    ("replies_of_secrets", replies_of_secrets),
    ("replies_of_sts", replies_of_sts),
    ("values", values),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(name)
}

/// The files of a folder, by their names.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    files.sort();
    files
}

#[test]
fn every_seed_holds() {
    for (target, holds) in TARGETS {
        let seeds = files(&folder("seeds").join(target));
        assert!(!seeds.is_empty(), "{target} has no seeds");
        for (_, seed) in seeds {
            // If it panics, this is the last line.
            println!("{}", seed.display());
            holds(&fs::read(seed).unwrap());
        }
    }
}

#[test]
fn every_target_can_be_fuzzed() {
    let expected: BTreeSet<String> = TARGETS.iter().map(|(target, _)| (*target).to_owned()).collect();
    let names = |name: &str| -> BTreeSet<String> {
        let files = files(&folder(name)).into_iter();
        files
            .map(|(name, _)| name.trim_end_matches(".rs").to_owned())
            .collect()
    };
    assert_eq!(names("seeds"), expected);
    assert_eq!(names("fuzz_targets"), expected);
    let cargo = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for target in &expected {
        let path = format!("fuzz_targets/{target}.rs");
        let source = fs::read_to_string(folder(&path)).unwrap();
        assert_eq!(
            source,
            format!(
                "//! See `src/fuzzing.rs`.\n\n#![no_main]\n\n\
                 libfuzzer_sys::fuzz_target!(|data: &[u8]| empire_controller::fuzzing::{target}(data));\n"
            )
        );
        let bin = format!(
            "[[bin]]\nname = \"{target}\"\npath = \"{path}\"\ntest = false\ndoc = false\nbench = false\n"
        );
        assert!(cargo.contains(&bin), "fuzz/Cargo.toml lacks\n{bin}");
    }
}
