//! Processes that run once, where a service would start them again for ever.

use super::problem::{Path, Report};
use super::words;
use crate::api::app::Process;
use crate::desired::shell;

/// Run by other platforms before each release.
const RELEASE: &str = "release";
/// The same after it.
const POSTDEPLOY: &str = "postdeploy";

/// Names of what people start by hand.
const NAMES: [&str; 25] = [
    "bash",
    "build",
    "compile",
    "console",
    "db-migrate",
    "dbconsole",
    "irb",
    "lint",
    "migrate",
    "migration",
    "migrations",
    "psql",
    "rails-console",
    "rake",
    "repl",
    "rspec",
    "seed",
    "seeds",
    "setup",
    "sh",
    "shell",
    "spec",
    "test",
    "tests",
    "upgrade",
];

/// Programs that wait for somebody who types, if they are given nothing.
const INTERACTIVE: [&str; 8] = ["bash", "irb", "node", "pry", "psql", "python", "python3", "sh"];

/// Tasks of a program that end.
const TASKS: [(&str, &[&str]); 5] = [
    ("rails", &["c", "console", "dbconsole"]),
    (
        "manage.py",
        &[
            "collectstatic",
            "createsuperuser",
            "dbshell",
            "migrate",
            "shell",
            "test",
        ],
    ),
    ("artisan", &["migrate", "tinker"]),
    ("alembic", &["upgrade"]),
    ("prisma", &["migrate"]),
];

/// Warns about a process that runs once. One that is a mere command line, and that another platform runs with each
/// release, becomes no service; the one of those that comes before it becomes the release phase. True for that.
pub(super) fn check(
    app: &str,
    name: &str,
    process: &mut Process,
    is_line: bool,
    report: &mut Report<'_>,
) -> bool {
    if process.cron.is_some() || process.noservice == Some(true) {
        return false;
    }
    let of_a_release = [RELEASE, POSTDEPLOY].contains(&name);
    if of_a_release && is_line {
        process.noservice = Some(true);
        if name == RELEASE {
            return true;
        }
        let message = format!(
            "is run once after each release elsewhere, and nothing runs it here: carried over with noservice; \
             once applied, run it with aws ecs run-task --task-definition <namespace>_{app}_{name}"
        );
        report.warn(&Path::default(), &message);
    } else if of_a_release || process.expose.is_none() && (NAMES.contains(&name) || ends(process)) {
        let message = "looks as if it ran once, and a service starts it again for ever: if so, write {command: …, noservice: true}";
        report.warn(&Path::default(), message);
    }
    false
}

/// Returns true if a command line is known to come to an end, or to need somebody who types.
fn ends(process: &Process) -> bool {
    let Some(command) = &process.command else {
        return false;
    };
    let Ok(words) = words::split(command) else {
        return false;
    };
    if shell::needs(command, &process.args).is_some() {
        return false;
    }
    let words: Vec<&str> = words.iter().chain(&process.args).map(String::as_str).collect();
    let program = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
    let is_task = |pair: &[&str]| match pair {
        [by, task] => TASKS
            .iter()
            .any(|(known, tasks)| *known == program(by) && tasks.contains(task)),
        _ => false,
    };
    let of_a_database = |word: &&str| ["db:migrate", "db:prepare", "db:seed", "db:setup"].contains(word);
    matches!(words[..], [only] if INTERACTIVE.contains(&&*program(only)))
        || words.windows(2).any(is_task)
        || words.iter().any(of_a_database)
}
