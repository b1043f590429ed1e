//! The `procfile` command as it is run: what it prints where, and how it ends.

#![expect(clippy::unwrap_used, reason = "helpers of tests, outside of #[test]")]

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
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
        "standard input: line 3: process web: ports: https and tls need a certificate: give its ARN in expose.certificateArns"
    );
    assert!(
        lines[1].starts_with("standard input: line 6: process worker: replicas: there is no such key; "),
        "{err}"
    );
    assert_eq!(
        lines[2..],
        ["empire-controller: standard input cannot be carried over"]
    );
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
fn the_example_of_the_documentation_is_what_is_printed() {
    let page = include_str!("../docs/procfile.md");
    let (_, procfile) = page.split_once("$ cat Procfile\n").unwrap();
    let (procfile, console) = procfile.split_once("$ empire-controller ").unwrap();
    let (line, expected) = console.split_once('\n').unwrap();
    let (expected, _) = expected.split_once("```").unwrap();
    let (_, arguments) = line.split_once("procfile Procfile ").unwrap();
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let (status, out, err) = ended(run("-", procfile.as_bytes(), &arguments));
    assert_eq!((status, err.as_str()), (0, ""));
    similar_asserts::assert_eq!(out, expected);
}

/// A folder with `show`, which prints its process id, two variables and its arguments, and with `app/show` beside it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("app")).unwrap();
    for name in ["show", "app/show"] {
        let file = folder.path().join(name);
        std::fs::write(
            &file,
            "#!/bin/sh\necho \"pid $$\"\nprintf '<%s>' \"$A\" \"$B\" \"$@\"\n",
        )
        .unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    }
    folder
}

/// Returns the process id of a program, and what it prints.
fn run_there(folder: &Path, program: &str, arguments: &[&str]) -> (u32, String) {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("PORT", "8080")
        .env("WORDS", "two words")
        .env_remove("A")
        .env_remove("B");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id();
    let output = child.wait_with_output().unwrap();
    (id, String::from_utf8(output.stdout).unwrap())
}

/// The words of the only process of a Procfile, with `--shell`.
fn wrapped(line: &str) -> Vec<String> {
    let (status, out, err) = ended(run(
        "-",
        line.as_bytes(),
        &[&ARGUMENTS[..], &["--shell"]].concat(),
    ));
    assert_eq!(status, 0, "{line}\n{err}");
    let app: serde_json::Value = serde_saphyr::from_str(&out).unwrap();
    let process = &app["spec"]["processes"]["web"];
    assert_eq!(process["args"], serde_json::Value::Null, "{out}");
    shell_words::split(process["command"].as_str().unwrap()).unwrap()
}

#[test]
fn a_wrapped_command_does_in_dash_and_in_bash_what_the_line_did_in_them() {
    let folder = folder();
    // Each with whether the program is what the signals reach: the process that was started.
    for (line, is_reached) in [
        ("./show -p $PORT", true),
        ("./show \"$WORDS\" $WORDS '$PORT' \\$PORT it\\'s", true),
        (
            "./show 'a  b' \"it's\" \"\\\"\" '\\' '' ~nobody-there \"`echo x y`\" $(echo z)",
            true,
        ),
        ("A=1 B=\"$WORDS\" ./show", true),
        ("A=* ./show a", true),
        ("2>log ./show $PORT", true),
        ("cd app && ./show", true),
        ("cd app; A=$PORT ./show;", true),
        ("export A=1; B=2 && ./show $B", true),
        ("exec ./show", true),
        ("./show app/*", true),
        ("./show $PORT 2>&1 # and nothing more", true),
        ("./show $PORT | cat", false),
        ("./nothing-there 2>/dev/null || ./show or", false),
        ("./show $PORT & wait", false),
        ("if true; then ./show; fi; true", false),
        ("(cd app; ./show); true", false),
        ("trap 'echo end' EXIT; ./show", false),
        ("false && ./show", true),
    ] {
        let text = format!("web:\n  command: |-\n    {line}\n");
        let words = wrapped(&text);
        let [sh, option, script] = &words[..] else {
            panic!("{words:?}");
        };
        assert_eq!((sh.as_str(), option.as_str()), ("sh", "-c"), "{line}");
        for shell in ["dash", "bash"] {
            let (id, found) = run_there(folder.path(), shell, &["-c", script]);
            let (_, expected) = run_there(folder.path(), shell, &["-c", line]);
            let without_id = |said: &str| -> Vec<String> {
                said.lines()
                    .filter(|line| !line.starts_with("pid "))
                    .map(Into::into)
                    .collect()
            };
            assert_eq!(without_id(&found), without_id(&expected), "{shell}: {script}");
            if is_reached && found.contains("pid ") {
                assert!(
                    found.contains(&format!("pid {id}\n")),
                    "{shell}: {script}: {id}: {found}"
                );
            }
            if !is_reached {
                assert_eq!(script, line, "{shell}");
            }
        }
    }
}

#[test]
fn a_command_that_needs_no_shell_stays_as_it_is() {
    for line in ["./show -p 8080", "sh -c './show $PORT'", "nginx -g 'daemon off;'"] {
        assert_eq!(
            wrapped(&format!("web: {line}")),
            shell_words::split(line).unwrap()
        );
    }
}

#[test]
fn warnings_go_to_standard_error_and_change_neither_output_nor_status() {
    let text = "web: ./bin/web -p $PORT\npostdeploy: ./bin/seed\n";
    let (status, out, err) = ended(run("-", text.as_bytes(), &ARGUMENTS));
    assert_eq!(status, 0, "{err}");
    assert!(out.contains("command: ./bin/web -p $PORT\n"), "{out}");
    assert!(out.contains("noservice: true\n"), "{out}");
    let lines: Vec<&str> = err.lines().collect();
    assert_eq!(lines.len(), 3, "{err}");
    assert_eq!(
        lines[0],
        "standard input: warning: line 1: process web: contains $PORT, which only a shell understands, and none runs it: \
         write sh -c 'exec ./bin/web -p $PORT', as --shell does"
    );
    assert!(
        lines[1].starts_with(
            "standard input: warning: line 2: process postdeploy: is run once after each release elsewhere"
        ),
        "{err}"
    );
    assert!(
        lines[2].starts_with("standard input: warning: an image that has an ENTRYPOINT "),
        "{err}"
    );
}
