//! The `procfile` command as it is run: what it prints where, and how it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test]")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

const ARGUMENTS: [&str; 4] = ["--name", "acme", "--image", "registry.example.com/acme:v42"];

fn run(file: &str, input: &[u8], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_empire-controller"));
    command.args(["procfile", file]).args(arguments);
    let streams = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = streams.spawn().unwrap();
    // It may end before it has read everything, and what is not there is never read.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

/// Status, standard output, standard error.
fn ended(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_app_goes_to_standard_output() {
    let expected = "\
apiVersion: empire.dev/v1alpha1
kind: App
metadata:
  name: acme
spec:
  platform: staging
  image: registry.example.com/acme:v42
  processes:
    nightly:
      command: ./bin/nightly
      cron: \"*/5 * * * *\"
";
    let text = "nightly: {command: ./bin/nightly, cron: '*/5 * * * *'}";
    let arguments = [&ARGUMENTS[..], &["--platform", "staging"]].concat();
    let (status, out, err) = ended(run("-", text.as_bytes(), &arguments));
    assert_eq!((status, out.as_str(), err.as_str()), (0, expected, ""));

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("Procfile");
    std::fs::write(&file, text).unwrap();
    let (status, out, err) = ended(run(file.to_str().unwrap(), b"", &arguments));
    assert_eq!((status, out.as_str(), err.as_str()), (0, expected, ""));
}

#[test]
fn what_cannot_be_carried_over_goes_to_standard_error_and_nothing_to_standard_output() {
    let text =
        "web:\n  command: ./bin/web\n  ports: [443]\nworker:\n  command: ./bin/worker\n  replicas: 2\n";
    let (status, out, err) = ended(run("-", text.as_bytes(), &ARGUMENTS));
    assert_eq!((status, out.as_str()), (1, ""));
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(
        lines[0],
        "-: line 3: process web: ports: https and tls need a certificate: give its ARN in expose.certificateArns"
    );
    assert!(
        lines[1].starts_with("-: line 6: process worker: replicas: there is no such key; "),
        "{err}"
    );
    assert_eq!(lines[2..], ["empire-controller: - cannot be carried over"]);
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let (status, out, err) = ended(run("no/such/Procfile", b"", &ARGUMENTS));
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with("empire-controller: no/such/Procfile: "), "{err}");
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for arguments in [
        &ARGUMENTS[..2],
        &["--name", "Acme", "--image", "a"],
        &["--colour"],
    ] {
        let (status, out, err) = ended(run("-", b"web: a", arguments));
        assert_eq!((status, out.as_str()), (2, ""), "{err}");
    }
}

#[test]
fn endless_input_is_not_read_to_its_end() {
    let (status, out, err) = ended(run("/dev/zero", b"", &ARGUMENTS));
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("has more than 1048576 bytes"), "{err}");
}

#[test]
fn the_readmes_example_is_what_is_printed() {
    let readme = include_str!("../README.md");
    let (_, section) = readme.split_once("## From a Procfile").unwrap();
    let (_, procfile) = section.split_once("$ cat Procfile\n").unwrap();
    let (procfile, console) = procfile.split_once("$ empire-controller ").unwrap();
    let (line, expected) = console.split_once('\n').unwrap();
    let (expected, _) = expected.split_once("```").unwrap();
    let (_, arguments) = line.split_once("procfile Procfile ").unwrap();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let (status, out, err) = ended(run("-", procfile.as_bytes(), &arguments));
    assert_eq!((status, err.as_str()), (0, ""));
    similar_asserts::assert_eq!(out, expected);
}
