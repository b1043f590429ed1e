//! kubectl, of the API server's own version, as some user.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    pub(crate) binary: PathBuf,
    pub(crate) kubeconfig: PathBuf,
}

impl Kubectl {
    /// Runs kubectl with `stdin` and returns what it printed, or else what it complained of.
    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Result<String, String> {
        let mut command = Command::new(&self.binary);
        command.arg("--kubeconfig").arg(&self.kubeconfig).args(arguments);
        let output = fed(&mut command, stdin);
        if output.status.success() {
            Ok(String::from_utf8(output.stdout).unwrap())
        } else {
            Err(String::from_utf8(output.stderr).unwrap())
        }
    }
}

/// Runs a command to its end with `stdin`.
pub(crate) fn fed(command: &mut Command, stdin: &str) -> Output {
    let mut process = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = process.stdin.take().unwrap();
    let text = stdin.to_owned();
    // On a thread: it may print, or end, before it has read all.
    let writer = std::thread::spawn(move || pipe.write_all(text.as_bytes()));
    let output = process.wait_with_output().unwrap();
    // A broken pipe is its way of not wanting more.
    let _ = writer.join().unwrap();
    output
}
