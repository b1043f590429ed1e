//! Lists of AWS that were not read for long. Apps go by what was known for a while, so their operator is who hears of it.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::error::Error;
use crate::status::reason_of;

/// The reason of a list that is old although it could be read.
const SLOWLY: &str = "AWS's request rates let it be read no sooner";

/// A list that was not read for over two resync intervals.
#[derive(Clone, Debug)]
pub struct OldList {
    /// The kind of what is in it, such as `services`.
    pub kind: &'static str,
    /// When it was last read to its end.
    pub read: Timestamp,
    /// The reason why it is not read; `None` where it is, slowly.
    pub error: Option<Error>,
}

impl OldList {
    /// Returns the reason and the message for an Event.
    pub(super) fn trouble(&self) -> (Reason, String) {
        let reason = self.error.as_ref().map_or(Reason::Throttled, reason_of);
        (reason, self.message())
    }

    pub(super) fn message(&self) -> String {
        let OldList { kind, read, error } = self;
        // To the second: it stays as it is until the list is read.
        let read = Timestamp::from_second(read.as_second()).unwrap_or(*read);
        let why = error
            .as_ref()
            .map_or_else(|| SLOWLY.to_owned(), ToString::to_string);
        format!("the list of {kind} in AWS is of {read}: {why}")
    }
}
