//! Runs a `run` script of `deploy/local` for as long as this test process lives. The script ends what it started when
//! its stdin closes, which the kernel sees to however we die: by a panic, by `kill -9`, or with the value in a static
//! whose destructor never runs. So a control plane may well be shared in a static.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// A script that said `ready`.
pub(crate) struct Script {
    /// Where it keeps data and logs. The script removes it in the end.
    pub(crate) folder: PathBuf,
    /// Closed first, which asks the script to end; then the script is waited for.
    stdin: Option<ChildStdin>,
    process: Child,
}

impl Script {
    /// Starts `deploy/local/<name>` on a folder of its own and waits until it is ready. The script itself gives up
    /// after its own deadlines, and shows the log of what did not start.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("empire-")
            .tempdir()
            .unwrap()
            .keep();
        let mut process = Command::new(path(name))
            .arg(&folder)
            .args(arguments)
            .arg("--temporary")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = process.stdin.take();
        let mut said = String::new();
        let stdout = process.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(
            said.trim_end(),
            "ready",
            "{name} {arguments:?} did not start; it said why on stderr"
        );
        Script {
            folder,
            stdin,
            process,
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.stdin.take();
        // What it left behind, if it failed, is for the next test run's eyes only.
        let _ = self.process.wait();
    }
}

/// Returns the path that `deploy/local/<name>`, run in the repository's folder, prints. The script may have to make the thing first, and says so on stderr.
pub(crate) fn printed_by(name: &str, arguments: &[&str]) -> PathBuf {
    let output = Command::new(path(name))
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} failed; it said why on stderr");
    PathBuf::from(String::from_utf8(output.stdout).unwrap().trim_end())
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/local")
        .join(name)
}
