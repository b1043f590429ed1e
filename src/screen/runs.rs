//! The Runs of an App: those that have not ended, and the newest of the others.

use std::cmp::Reverse;

use anstyle::Style;
use jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;

use super::layout::{BAD, BUSY, FAINT, GOOD, PLAIN, Width, age, cell, paint, table, wrap};
use crate::api::run;
use crate::api::run::RunPhase;
use crate::model::name::last_segment;

/// The most Runs that are shown.
const RUNS: usize = 10;
/// Narrower terminals have no room for a table with messages.
const SLIM: usize = 100;

/// A Run. Fields may be added, none is taken away.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    pub name: String,
    /// The process that it says; `null` where it says none.
    pub process: Option<String>,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`; `null` if no controller has seen it.
    pub phase: Option<RunPhase>,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub exit_code: Option<i32>,
    pub created: Option<Timestamp>,
    pub started: Option<Timestamp>,
    pub finished: Option<Timestamp>,
    /// The id of its task.
    pub task: Option<String>,
}

impl Run {
    fn new(run: &run::Run) -> Self {
        let status = run.status.clone().unwrap_or_default();
        Run {
            name: run.name_any(),
            process: run.spec.process.clone(),
            phase: status.phase,
            reason: status.reason,
            message: status.message,
            exit_code: status.exit_code,
            created: run.metadata.creation_timestamp.as_ref().map(|time| time.0),
            started: status.started_at.map(|time| time.0),
            finished: status.finished_at.map(|time| time.0),
            task: status.task.map(|arn| last_segment(&arn).to_owned()),
        }
    }

    fn is_over(&self) -> bool {
        self.phase.is_some_and(RunPhase::is_over)
    }

    fn style(&self) -> Style {
        match self.phase {
            None | Some(RunPhase::Pending | RunPhase::Running) => BUSY,
            Some(RunPhase::Succeeded) => GOOD,
            Some(RunPhase::Failed | RunPhase::Unknown) => BAD,
        }
    }

    /// Since when it is in its phase, as far as that is known.
    fn since(&self) -> Option<Timestamp> {
        self.finished.or(self.started).or(self.created)
    }
}

/// Returns those of an App that are shown: first what has not ended, then the newest.
pub(super) fn runs(app: &str, found: &[run::Run]) -> Vec<Run> {
    let its = found.iter().filter(|run| run.spec.app == app);
    let mut runs: Vec<Run> = its.map(Run::new).collect();
    runs.sort_by_key(|run| (run.is_over(), Reverse(run.created), run.name.clone()));
    runs.truncate(RUNS);
    runs
}

/// Returns the lines about them.
pub(super) fn lines(runs: &[Run], now: Timestamp, width: Width) -> Vec<String> {
    let since = |run: &Run| run.since().map(|time| age(time, now)).unwrap_or_default();
    let phase = |run: &Run| run.phase.map_or("Unseen", RunPhase::as_str);
    let message = |run: &Run| run.message.clone().unwrap_or_default().replace('\n', " ");
    if width.is_some_and(|width| width < SLIM) {
        let of = |run: &Run| {
            let head = format!("Run {} {}, for {}", run.name, phase(run), since(run));
            let head = wrap(&head, 0, width).into_iter();
            let mut lines: Vec<String> = head.map(|line| paint(run.style(), &line)).collect();
            if run.message.is_some() {
                lines.extend(wrap(&message(run), 2, width));
            }
            lines
        };
        return runs.iter().flat_map(of).collect();
    }
    let head = ["RUN", "PROCESS", "PHASE", "FOR", "MESSAGE"].map(|head| cell(FAINT, head));
    let mut rows = vec![head.to_vec()];
    rows.extend(runs.iter().map(|run| {
        vec![
            cell(PLAIN, &run.name),
            cell(PLAIN, run.process.as_deref().unwrap_or("-")),
            cell(run.style(), phase(run)),
            cell(PLAIN, since(run)),
            cell(PLAIN, message(run)),
        ]
    }));
    table(&rows, width)
}
