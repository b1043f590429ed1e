//! The memory that a pass leaves for the next one. Losing any of it costs reads and waits, never correctness.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::binding::is_leaving;
use super::found::Found;
use super::requeue::Open;
use crate::api::app::{App, AppStatus};
use crate::api::condition::ConditionType;
use crate::api::platform::Platform;
use crate::model::echo::EchoMemory;
use crate::model::exclusive::Exclusive;
use crate::model::name::Arn;
use crate::model::named::Named;
use crate::model::rank::Rank;
use crate::model::shared_map::SharedMap;
use crate::model::state::TaskDefinitionState;
use crate::observe::Details;
use crate::plan::Pending;
use crate::reconcile::{Contradicted, Outcome};

/// A new value of this annotation has everything of the App read by name, once.
pub const LOOK_ANNOTATION: &str = "empire.dev/look";

/// Belongs to one object: another one of the same name, with another UID, starts with none.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pub(super) status: LastStatus,
    /// The newest generation of which the Warnings are out; 0 if there is one, and they are not.
    pub(super) warned: Option<i64>,
    /// The processes without a value that Warnings were about.
    pub without_value: BTreeSet<String>,
    pub(super) look: Option<Look>,
    /// The room that the App waits for, where the limits of its namespace leave it none.
    pub(super) room: Option<Box<Exclusive>>,
    /// A pass has begun, and its end was not seen: it may have written what the last look does not show.
    pub(super) is_under_way: bool,
    /// The state before that: whether only what was pending was to be read, when the pass yielded, and if one was under way.
    pub(super) set_aside: Option<(bool, Option<Timestamp>, bool)>,
    /// Settings that AWS reports otherwise than they were sent. A status holds only some of it.
    pub(super) echoes: Option<EchoMemory>,
    /// The last generation of the App that was settled.
    pub(super) settled: Option<i64>,
    /// Since when the details that AWS gives singly wait to be read again, and after which part of their interval that is
    /// due: the interval may change meanwhile.
    pub(super) details_wait: Option<(Timestamp, f64)>,
    pub(super) details: Detailed,
    /// The last pass came to know that something is not as it was known, or did not come to its end.
    pub(super) doubts: bool,
    /// Since when each pass has found that AWS is not read yet.
    pub(super) unread_since: Option<Timestamp>,
    /// The last value of [`LOOK_ANNOTATION`] that a pass has seen, empty for none.
    pub(super) looked: Option<String>,
    /// The version of the object that our last change of its finalizers made.
    pub finalized: Option<String>,
    /// Passes in a row that failed.
    pub(super) failures: u32,
    /// The same before the last pass.
    pub(super) failures_before: u32,
}

/// How well the details that AWS gives singly are known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Detailed {
    /// As the last pass found or left them.
    #[default]
    Whole,
    /// An edit was not held up by them, and they are to be read after it.
    Owed,
    /// Not at all: after a start, each App's are read in their turn.
    Lacking,
}

/// The status that we know better than the watch.
#[derive(Clone, Debug, Default)]
pub(super) enum LastStatus {
    /// The watch shows it.
    #[default]
    Seen,
    /// As we wrote it, and the version of the object that this made.
    Written(u64, Box<AppStatus>),
    /// The status of the last pass, which could not be written. Without it a redeploy would be carried out again by each such pass, and
    /// no wait that only a status measures would ever be over.
    Unwritten(Box<AppStatus>),
}

/// The state that the last pass found in AWS.
#[derive(Clone, Debug)]
pub(super) struct Look {
    pub generation: Option<i64>,
    pub platform_generation: Option<i64>,
    /// The pass left nothing to do.
    pub is_settled: bool,
    /// Nothing was to do before, nobody has edited anything, and names wait to be changed: drift.
    pub repairs_names: bool,
    /// The parts of what it observed that the next pass reads.
    pub found: Found,
    pub pending: Vec<Pending>,
    pub awaits: BTreeSet<Exclusive>,
    pub contradicted: Contradicted,
    pub open: Open,
    /// The things that it tried to write and had no reply for.
    pub unanswered: BTreeSet<Named>,
    /// When it yielded: the next pass goes on from its outcome.
    pub yielded: Option<Timestamp>,
    /// All that it had come to, if it yielded.
    pub outcome: Option<Box<Outcome>>,
}

impl Memory {
    /// Has everything read again. What is backing off stays so.
    pub fn invalidate(&mut self) {
        self.set_aside = None;
        if let Some(look) = &mut self.look {
            look.open.only_pending = false;
            look.yielded = None;
        }
    }

    /// Notes that a pass begins, whose end may not be seen.
    pub(super) fn begin(&mut self) {
        let look = self.look.as_ref();
        let before = look.map(|look| (look.open.only_pending, look.yielded, self.is_under_way));
        self.invalidate();
        self.is_under_way = true;
        self.set_aside = before;
    }

    /// Takes back that a pass has begun, which read nothing: unless something is to be read anew since.
    pub(super) fn put_off(&mut self) {
        if let (Some(look), Some(before)) = (&mut self.look, self.set_aside.take()) {
            (look.open.only_pending, look.yielded, self.is_under_way) = before;
        }
    }

    /// True if the last pass yielded, and the next one may go on from what it had come to.
    pub fn goes_on(&self) -> bool {
        self.look.as_ref().is_some_and(|look| look.outcome.is_some())
    }

    /// Lets go of what a pass had come to that yielded too long ago for another one to go on from there. Others, too, may wait
    /// for minutes for a slot.
    pub fn let_go(&mut self, now: Timestamp) {
        if let Some(look) = &mut self.look
            && !look.yielded.is_some_and(|at| is_recent(at, now))
        {
            look.outcome = None;
        }
    }

    /// True if the App waits for any of these.
    pub fn awaits(&self, released: &BTreeSet<Exclusive>) -> bool {
        let look = self.look.as_ref();
        look.is_some_and(|look| !look.awaits.is_disjoint(released))
            || self.room.as_ref().is_some_and(|room| released.contains(&**room))
    }

    /// Returns what the last pass waits for.
    pub fn pending(&self) -> &[Pending] {
        self.look
            .as_ref()
            .map(|look| look.pending.as_slice())
            .unwrap_or_default()
    }

    /// Keeps a status that was written, with the version of the object that this made.
    pub fn wrote(&mut self, version: Option<&str>, status: AppStatus) {
        self.status = match self::version(version) {
            Some(version) => LastStatus::Written(version, status.into()),
            None => LastStatus::Seen,
        };
    }

    /// Lets go of the status that we wrote, once the watch shows this version of the object: the pass to come takes that one, or
    /// a later one.
    pub fn see(&mut self, shown: Option<u64>) {
        if matches!(self.status, LastStatus::Written(written, _) if Some(written) <= shown) {
            self.status = LastStatus::Seen;
        }
    }

    /// The status that this pass goes on from.
    pub fn status(&self, app: &App) -> Option<AppStatus> {
        match &self.status {
            LastStatus::Unwritten(status) => Some((**status).clone()),
            LastStatus::Written(written, status)
                if Some(*written) > version(app.metadata.resource_version.as_deref()) =>
            {
                Some((**status).clone())
            }
            LastStatus::Written(..) | LastStatus::Seen => app.status.clone(),
        }
    }

    /// The status that users can read, and whoever goes on after a crash.
    pub(super) fn shown(&self, app: &App) -> Option<AppStatus> {
        match &self.status {
            LastStatus::Written(..) => self.status(app),
            LastStatus::Unwritten(_) | LastStatus::Seen => app.status.clone(),
        }
    }

    /// True until a status that users can read speaks of this generation.
    pub(super) fn is_new(&self, app: &App) -> bool {
        self.shown(app).map(|status| status.observed_generation) != app.metadata.generation
    }

    /// True if the last pass left nothing to do for this generation of the App and of its Platform. After a start, the
    /// status says so.
    pub(super) fn was_settled(&self, app: &App, platform_generation: Option<i64>) -> bool {
        let generation = app.metadata.generation;
        if let Some(look) = &self.look {
            return (look.generation, look.platform_generation) == (generation, platform_generation)
                && look.is_settled;
        }
        self.is_ready(app)
    }

    /// True if the pass before has found names that had drifted, and nobody has edited anything since.
    pub(super) fn repairs_names(&self, app: &App, platform_generation: Option<i64>) -> bool {
        self.look.as_ref().is_some_and(|look| {
            look.repairs_names
                && (look.generation, look.platform_generation)
                    == (app.metadata.generation, platform_generation)
        })
    }

    /// Ranks the writes of a pass: an edit is one until its generation has been settled, whatever wakes the App meanwhile.
    pub(super) fn rank(&mut self, app: &App, platform: &Platform) -> Rank {
        let generation = app.metadata.generation;
        if self.is_ready(app) {
            self.settled = generation;
        }
        if is_leaving(app) {
            Rank::Deletion
        } else if self.settled != generation {
            Rank::Edit
        } else if self.was_settled(app, platform.metadata.generation) {
            Rank::Resync
        } else {
            Rank::Repair
        }
    }

    /// True if the status calls this generation Ready.
    pub(super) fn is_ready(&self, app: &App) -> bool {
        self.status(app).is_some_and(|status| {
            Some(status.observed_generation) == app.metadata.generation
                && ConditionType::Ready.is_true(&status.conditions)
        })
    }

    /// True once somebody asks for everything of the App to be read by name. After a start, lists are new.
    pub(super) fn is_asked_to_look(&mut self, app: &App) -> bool {
        let annotations = app.metadata.annotations.as_ref();
        let asked = annotations.and_then(|all| all.get(LOOK_ANNOTATION)).cloned();
        let asked = asked.unwrap_or_default();
        let is_asked = !asked.is_empty() && self.looked.as_ref().is_some_and(|before| *before != asked);
        self.looked = Some(asked);
        is_asked
    }

    /// Decides where a pass has the details from that AWS gives singly. They are read for an App that is not settled at this
    /// generation of its own and of its Platform; but an edit of one that was settled is not held up by that, and they are
    /// read after it.
    pub(super) fn details(
        &mut self,
        app: &App,
        platform: &Platform,
        interval: Duration,
        now: Timestamp,
    ) -> Details {
        let generation = platform.metadata.generation;
        let is_settled = self.was_settled(app, generation);
        let is_over = |(since, part): (Timestamp, f64)| {
            let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            waited >= interval.mul_f64(part)
        };
        let is_due = self.details == Detailed::Owed || self.details_wait.is_some_and(is_over);
        let Some(look) = &self.look else {
            let shown = self.status(app).and_then(|status| status.platform_generation);
            let is_known = is_settled && !is_due && shown == generation;
            return if is_known { Details::Unknown } else { Details::Read };
        };
        let seen = (look.generation, look.platform_generation);
        let is_edited = look.is_settled && seen != (app.metadata.generation, generation);
        let is_lacking = self.details == Detailed::Lacking;
        if is_edited && !is_lacking {
            self.details = Detailed::Owed;
        } else if is_edited || is_due || !is_settled {
            return Details::Read;
        }
        Details::of(&look.found.things(), is_lacking)
    }

    /// True if users can read this status already.
    pub(super) fn shows(&self, app: &App, status: &AppStatus) -> bool {
        !matches!(self.status, LastStatus::Unwritten(_)) && self.status(app).as_ref() == Some(status)
    }

    /// See [`Found::running_definitions`].
    pub(super) fn task_definitions(&self) -> SharedMap<Arn, TaskDefinitionState> {
        let look = self.look.as_ref();
        look.map(|look| look.found.running_definitions())
            .unwrap_or_default()
    }
}

#[cfg(test)]
impl Memory {
    /// Returns the memory of an App that waits for one thing.
    pub(crate) fn waiting_for(awaited: Exclusive) -> Self {
        let now = Timestamp::UNIX_EPOCH;
        let jitter = 0.5;
        let found = Found::of(crate::model::state::Observed::default());
        let mut outcome = Outcome::default();
        outcome.plan.awaits.insert(awaited);
        let open = super::requeue::open(
            &outcome,
            super::requeue::Before::default(),
            0,
            None,
            Duration::ZERO,
            now,
            jitter,
        );
        let look = Look {
            generation: None,
            platform_generation: None,
            is_settled: false,
            repairs_names: false,
            found,
            pending: Vec::new(),
            awaits: outcome.plan.awaits,
            contradicted: Contradicted::new(),
            open,
            unanswered: BTreeSet::new(),
            yielded: None,
            outcome: None,
        };
        Memory {
            look: Some(look),
            ..Memory::default()
        }
    }
}

/// A pass that yielded goes on where it was for so long, in seconds; after that everything is read.
const GOES_ON_WITHIN: i64 = 30;

/// True if a pass that yielded at that time may be gone on with.
pub fn is_recent(yielded: Timestamp, now: Timestamp) -> bool {
    now.duration_since(yielded).as_secs() <= GOES_ON_WITHIN
}

/// Resource versions grow: <https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>.
pub fn version(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desired::fixtures::app_with;

    #[test]
    fn a_written_status_is_kept_until_the_watch_shows_it() {
        let at = |version: &str| app_with(json!({ "metadata": { "resourceVersion": version } }));
        let mut memory = Memory::default();
        memory.wrote(Some("7"), AppStatus::default());
        memory.see(Some(6));
        assert_eq!(memory.status(&at("6")), Some(AppStatus::default()));
        memory.see(Some(7));
        assert!(matches!(memory.status, LastStatus::Seen));
    }

    #[test]
    fn what_a_yielded_pass_had_come_to_is_kept_for_as_long_as_another_goes_on_from_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut memory = Memory::waiting_for(Exclusive::HostPort("staging".into()));
        let look = memory.look.as_mut().unwrap();
        (look.yielded, look.outcome) = (Some(at(100)), Some(Box::default()));
        memory.let_go(at(100 + GOES_ON_WITHIN));
        assert!(memory.goes_on());
        memory.let_go(at(101 + GOES_ON_WITHIN));
        assert!(!memory.goes_on());
    }
}
