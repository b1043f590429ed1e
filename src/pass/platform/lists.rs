//! Lists of AWS that cannot be read any more. Apps go by what was known for a while, so their operator is who hears of it.

use jiff::Timestamp;

use crate::api::condition::Reason;
use crate::error::Error;
use crate::status::reason_of;

/// A list that was not read for over two resync intervals.
#[derive(Clone, Debug)]
pub struct OldList {
    /// The kind of what is in it, such as `services`.
    pub kind: &'static str,
    /// When it was last read to its end.
    pub read: Timestamp,
    /// The reason why it is not read.
    pub error: Error,
}

impl OldList {
    /// Returns the reason and the message for an Event.
    pub(super) fn trouble(&self) -> (Reason, String) {
        (reason_of(&self.error), self.message())
    }

    pub(super) fn message(&self) -> String {
        let OldList { kind, read, error } = self;
        // To the second: it stays as it is until the list is read.
        let read = Timestamp::from_second(read.as_second()).unwrap_or(*read);
        format!("the list of {kind} in AWS is of {read}: {error}")
    }
}
