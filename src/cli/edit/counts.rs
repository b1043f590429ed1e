//! `PROCESS=N`: how many tasks processes are to have, and which processes may have any.

use std::collections::BTreeMap;

use crate::api::app::{App, Process};
use crate::config::label;

/// The number of tasks that a process is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub process: String,
    pub tasks: i32,
}

/// Reads one as the command line has it.
pub(super) fn count(text: &str) -> Result<Count, String> {
    let wrong = || "is to be PROCESS=N: a process and how many tasks it is to have, such as web=3".to_owned();
    let (process, tasks) = text.split_once('=').ok_or_else(wrong)?;
    let process = label(process)?;
    let tasks = tasks.parse().ok().filter(|tasks| *tasks >= 0);
    Ok(Count {
        process,
        tasks: tasks.ok_or_else(wrong)?,
    })
}

/// Returns the count of each process; that one is named twice is an error.
pub(super) fn by_process(counts: &[Count]) -> Result<BTreeMap<String, i32>, String> {
    let mut asked = BTreeMap::new();
    for Count { process, tasks } in counts {
        if asked.insert(process.clone(), *tasks).is_some() {
            return Err(format!("process {process} is named twice"));
        }
    }
    Ok(asked)
}

/// Says of every process why it can have no count, and which ones can; `None` if all can.
pub(super) fn refused(app: &App, asked: &BTreeMap<String, i32>) -> Option<String> {
    let processes = &app.spec.processes;
    let problem = |name: &String| match processes.get(name) {
        None => Some(format!("there is no process {name}")),
        Some(process) => not_counted(process).map(|why| format!("process {name} has no count: {why}")),
    };
    let problems: Vec<String> = asked.keys().filter_map(problem).collect();
    if problems.is_empty() {
        return None;
    }
    let names = |counted: bool| {
        let of = processes.iter();
        let of = of.filter(|(_, process)| not_counted(process).is_none() == counted);
        let names: Vec<&str> = of.map(|(name, _)| name.as_str()).collect();
        if names.is_empty() {
            "none".into()
        } else {
            names.join(", ")
        }
    };
    Some(format!(
        "{}; its processes with a count: {}; without: {}; nothing is changed",
        problems.join("; "),
        names(true),
        names(false)
    ))
}

/// Says why a process can be given no count.
fn not_counted(process: &Process) -> Option<&'static str> {
    let scaled = process.scale.is_some();
    without_count(process).or(scaled.then_some("AWS scales it: edit its scale.min and scale.max"))
}

/// Says why a process has no service, whose tasks could be counted.
pub(super) fn without_count(process: &Process) -> Option<&'static str> {
    if process.cron.is_some() {
        Some("cron starts one task each time")
    } else if process.noservice == Some(true) {
        Some("it is noservice, so nothing runs")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_a_process_and_a_number() {
        let of = |process: &str, tasks| Count {
            process: process.into(),
            tasks,
        };
        assert_eq!(count("web=3"), Ok(of("web", 3)));
        assert_eq!(count("web-2=0"), Ok(of("web-2", 0)));
        for wrong in [
            "web",
            "web=",
            "=3",
            "web=-1",
            "web=many",
            "web=1.5",
            "web=3=4",
            "Web=3",
            "web=99999999999",
            "web= 3",
        ] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
        let twice = by_process(&[of("web", 1), of("worker", 1), of("web", 1)]);
        assert_eq!(twice, Err("process web is named twice".into()));
        let asked = by_process(&[of("web", 1), of("worker", 2)]).unwrap();
        assert_eq!(asked, [("web".into(), 1), ("worker".into(), 2)].into());
    }
}
