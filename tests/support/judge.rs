//! Judges each request to AWS as AWS would, which the emulators do not: by botocore's service models, and by
//! `deploy/iam-policy.json`. The judge itself is in Python, where botocore is: `tests/judge`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use serde::Deserialize;
use serde_json::Value;

use super::script::printed_by;

#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    /// The name of the operation, as AWS has it.
    pub(crate) operation: String,
    /// What is wrong with it, a sentence each.
    pub(crate) faults: Vec<String>,
}

/// One for all tests of a process. It ends when its stdin closes.
static JUDGE: LazyLock<Mutex<(ChildStdin, BufReader<ChildStdout>)>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut judge = Command::new(printed_by("emulators/install").join("python"))
        .arg("-B")
        .arg(root.join("tests/judge/judge"))
        .arg(root.join("deploy/iam-policy.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(judge.stdout.take().unwrap());
    Mutex::new((judge.stdin.take().unwrap(), stdout))
});

/// A request is `endpoint`, `method`, `target`, `headers` and `body`. Blocks until there is a verdict.
pub(crate) fn judge(request: &Value) -> Verdict {
    let mut judge = JUDGE.lock().unwrap();
    let (stdin, stdout) = &mut *judge;
    writeln!(stdin, "{request}").unwrap();
    let mut verdict = String::new();
    stdout.read_line(&mut verdict).unwrap();
    serde_json::from_str(&verdict).unwrap()
}
