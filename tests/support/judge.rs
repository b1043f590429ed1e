//! Judges each request to AWS as AWS would, which the emulators do not: by botocore's service models, and by
//! `deploy/iam-policy.json`. The judge itself is in Python, where botocore is: `tests/judge`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex};

use serde::Deserialize;
use serde_json::Value;

use super::script::printed_by;

#[derive(Debug, Deserialize)]
pub(crate) struct Verdict {
    /// The name of the operation, as AWS has it.
    pub(crate) operation: String,
    /// The faults that were found, a sentence each.
    pub(crate) faults: Vec<String>,
    /// What of `deploy/iam` the controller's role needs for it besides `deploy/iam-policy.json`.
    pub(crate) needs: Vec<String>,
}

/// The policies that are added for what the first one does not allow: the files of `deploy/iam`, but for privileged containers,
/// which no App here asks for.
pub(crate) const ADDED: [&str; 6] = ["adopt", "autoscaling", "exec", "logs", "secrets", "zone-names"];

struct Judge {
    /// Ends when its stdin closes.
    process: Child,
    verdicts: BufReader<ChildStdout>,
}

/// One for all tests of a process.
static JUDGE: LazyLock<Mutex<Judge>> = LazyLock::new(|| {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut process = Command::new(printed_by("emulators/install", &[]).join("python"))
        .arg("-B")
        .arg(root.join("tests/judge/judge"))
        .arg(root.join("deploy/iam-policy.json"))
        .args(ADDED.map(|name| root.join(format!("deploy/iam/{name}.json"))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let verdicts = BufReader::new(process.stdout.take().unwrap());
    Mutex::new(Judge { process, verdicts })
});

/// A request is `endpoint`, `method`, `target`, `headers` and `body`. Blocks until there is a verdict.
pub(crate) fn judge(request: &Value) -> Verdict {
    let mut judge = JUDGE.lock().unwrap();
    writeln!(judge.process.stdin.as_mut().unwrap(), "{request}").unwrap();
    let mut verdict = String::new();
    judge.verdicts.read_line(&mut verdict).unwrap();
    serde_json::from_str(&verdict).unwrap()
}
