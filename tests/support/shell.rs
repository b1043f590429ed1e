//! A shell in which a reader of a page runs its commands.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::page::Block;

/// A folder with `crds` and `deploy` of the repository in it, and what is on the reader's path.
pub(crate) struct Shell {
    pub(crate) folder: tempfile::TempDir,
    /// In front of `PATH`.
    pub(crate) programs: Vec<PathBuf>,
    pub(crate) variables: Vec<(&'static str, String)>,
}

impl Shell {
    pub(crate) fn new(programs: Vec<PathBuf>, variables: Vec<(&'static str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["crds", "deploy"] {
            let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            std::os::unix::fs::symlink(there, folder.path().join(name)).unwrap();
        }
        Shell {
            folder,
            programs,
            variables,
        }
    }

    /// Runs a block and returns what it printed. Panics where a command of it fails.
    pub(crate) fn run(&self, block: &Block) -> String {
        let path = self.programs.iter().cloned().map(PathBuf::into_os_string);
        let path: Vec<_> = path.chain(std::env::var_os("PATH")).collect();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &block.text])
            .current_dir(self.folder.path())
            .env("PATH", path.join(std::ffi::OsStr::new(":")))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let [printed, complaint] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        assert!(
            output.status.success(),
            "{}:\n{}\nprinted:\n{printed}\n{complaint}",
            block.heading,
            block.text
        );
        printed
    }
}
