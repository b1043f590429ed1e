//! Batches of DNS names that are answered in the middle of the next pass: after it has asked what became of names, and before
//! it plans.

use std::collections::BTreeSet;
use std::sync::Mutex;

use empire_controller::aws::AwsError;
use empire_controller::model::desired::RecordKey;
use empire_controller::model::owner::AppName;
use empire_controller::model::record::RecordChange;
use empire_controller::write::Names;
use empire_controller::write::zones::{Answer, Desk, Outboxes, Route};
use jiff::Timestamp;

/// What Route 53 has answered, and nobody has heard yet.
#[derive(Debug, Default)]
pub(crate) struct Flown(Mutex<Vec<(Route, Result<(), AwsError>)>>);

impl Flown {
    pub(crate) fn note(&self, route: Route, result: Result<(), AwsError>) {
        self.0.lock().unwrap().push((route, result));
    }

    /// Gives all answers to the outbox. Returns the Apps that they are for.
    fn land(&self, outbox: &Outboxes<()>, now: Timestamp) -> BTreeSet<AppName> {
        let flown = std::mem::take(&mut *self.0.lock().unwrap());
        let answered = flown.iter().map(|(route, result)| {
            let mut outbox = outbox.outbox();
            outbox.answered(route, result, now).apps
        });
        answered.flatten().collect()
    }
}

/// The outbox of a pass, to which the answers come once the pass has asked for them.
pub(crate) struct Late<'a> {
    pub(crate) desk: &'a Desk<'a, ()>,
    pub(crate) outbox: &'a Outboxes<()>,
    pub(crate) flown: &'a Flown,
    pub(crate) now: Timestamp,
    /// The Apps that were answered in this pass.
    pub(crate) answered: Mutex<BTreeSet<AppName>>,
}

impl Names for Late<'_> {
    fn answers(&self) -> Vec<Answer> {
        let answers = self.desk.answers();
        let landed = self.flown.land(self.outbox, self.now);
        self.answered.lock().unwrap().extend(landed);
        answers
    }

    fn forget(&self, answers: usize) {
        self.desk.forget(answers);
    }

    fn flying(&self) -> BTreeSet<RecordKey> {
        self.desk.flying()
    }

    fn put(&self, key: &RecordKey, changes: &[RecordChange]) {
        self.desk.put(key, changes);
    }

    fn keep_all(&self) {
        self.desk.keep_all();
    }

    fn keep(&self, key: &RecordKey, changes: &[RecordChange]) -> bool {
        self.desk.keep(key, changes)
    }
}
