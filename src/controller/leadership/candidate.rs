//! One replica's view of one Lease: plain data, without input or output, and with the time as an argument.
//!
//! The clock of another replica is never compared with ours: a Lease that another holds is free once *we* have seen it
//! unchanged for as long as its holder may rely on it, and a margin. Taking it then is a compare-and-swap on what we saw, so
//! that it fails where the holder was only slow. The holder counts from before it sent its last renewal, which is earlier
//! than anybody can have seen it.

use std::time::Duration;

use jiff::Timestamp;

use crate::fence::{Fence, Moment};

/// A Lease as the API server has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct Record {
    /// Nobody, where it was given back.
    pub holder: Option<String>,
    pub duration: Duration,
    pub transitions: i32,
    /// When its holder took it, for those who read it: no clock is compared.
    pub acquired: Option<Timestamp>,
    /// The version of the object, which a write of it names.
    pub version: String,
}

/// The write of a Lease that is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) struct Put {
    /// Empty to give it back.
    pub holder: String,
    pub duration: Duration,
    pub transitions: i32,
    /// `None` if it begins to be held now.
    pub acquired: Option<Timestamp>,
    /// The version that it replaces. `None` makes the object.
    pub replaces: Option<String>,
}

/// The reason why a Lease was not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) enum Refused {
    /// It is not as it was seen.
    Conflict,
    /// It may have been written, or not.
    Failed(String),
}

/// The next thing to do about a Lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::controller) enum Next {
    Put(Put),
    /// Read it again: a write of it found another one.
    Look,
    Wait(Duration),
}

/// The fractions of its duration by which a Lease is dealt with.
#[derive(Clone, Copy, Debug)]
pub(in crate::controller) struct Pace {
    pub duration: Duration,
}

impl Pace {
    /// From the last successful renewal to the next one.
    pub(in crate::controller) fn renewal(self) -> Duration {
        self.duration / 5
    }

    /// Between two looks at what others hold, and between two attempts at a renewal.
    pub(in crate::controller) fn look(self) -> Duration {
        (self.duration / 15).clamp(Duration::from_millis(100), Duration::from_secs(1))
    }

    /// The time that clocks may differ by over a Lease.
    fn margin(self) -> Duration {
        self.duration / 15
    }
}

#[derive(Debug)]
pub(in crate::controller) struct Candidate {
    identity: String,
    pace: Pace,
    pub fence: Fence,
    /// The Lease as it was last seen. One that is gone is as it was: its holder may not know.
    seen: Option<Record>,
    is_gone: bool,
    /// When it was first seen so.
    since: Moment,
    leading: bool,
    must_look: bool,
    /// When the last successful write of it was sent.
    renewed: Moment,
    /// When the last write of it was sent.
    tried: Moment,
}

impl Candidate {
    pub(in crate::controller) fn new(identity: String, pace: Pace, fence: Fence, now: Moment) -> Self {
        Candidate {
            identity,
            pace,
            fence,
            seen: None,
            is_gone: true,
            since: now,
            leading: false,
            must_look: true,
            renewed: now,
            tried: now,
        }
    }

    pub(in crate::controller) fn is_leading(&self) -> bool {
        self.leading
    }

    /// Returns the holder as last seen.
    pub(in crate::controller) fn holder(&self) -> Option<&str> {
        self.seen.as_ref()?.holder.as_deref()
    }

    /// True if the Lease is to be read.
    pub(in crate::controller) fn is_blind(&self) -> bool {
        self.must_look || !self.leading
    }

    /// Takes in the Lease as it was just read. Returns the holder that took it from us, which ends this replica.
    pub(in crate::controller) fn observe(
        &mut self,
        found: Option<Record>,
        now: Moment,
    ) -> Result<(), String> {
        self.must_look = false;
        let Some(found) = found else {
            self.is_gone = true;
            return Ok(());
        };
        let is_ours = found.holder.as_deref() == Some(&self.identity);
        if self.leading && !is_ours {
            self.leading = false;
            self.fence.lost();
            return Err(found.holder.unwrap_or_else(|| "nobody".into()));
        }
        self.is_gone = false;
        if self.seen.as_ref() != Some(&found) {
            self.since = now;
            self.seen = Some(found);
        }
        Ok(())
    }

    /// Decides what to do now. A free Lease is left to others for so long: those that lead less are to take it.
    pub(in crate::controller) fn next(&self, courtesy: Duration, now: Moment) -> Next {
        if self.must_look {
            return Next::Look;
        }
        // By the clock that runs through sleep: by the wall's, another's Lease could be over before its time.
        let left = |wait: Duration, past: Moment| wait.saturating_sub(now.boot.saturating_sub(past.boot));
        let wait = if self.leading {
            left(self.pace.renewal(), self.renewed).max(left(self.pace.look(), self.tried))
        } else {
            left(self.free_after(courtesy), self.since)
        };
        if wait.is_zero() {
            Next::Put(self.put())
        } else {
            Next::Wait(wait)
        }
    }

    /// Returns the time from when the Lease was seen as it is until it is ours to take.
    fn free_after(&self, courtesy: Duration) -> Duration {
        match &self.seen {
            // A write of ours whose reply was lost.
            Some(Record {
                holder: Some(holder), ..
            }) if *holder == self.identity => Duration::ZERO,
            Some(Record {
                holder: Some(_),
                duration,
                ..
            }) => *duration + self.pace.margin(),
            Some(Record { holder: None, .. }) | None => courtesy,
        }
    }

    fn put(&self) -> Put {
        let ours = self
            .seen
            .as_ref()
            .filter(|_| self.holder() == Some(&self.identity));
        let before = self.seen.as_ref().map_or(0, |seen| seen.transitions);
        // Counts the changes of the holder, as every Lease does.
        let changes = self.seen.is_some() && ours.is_none();
        Put {
            holder: self.identity.clone(),
            duration: self.pace.duration,
            transitions: before.saturating_add(changes.into()),
            acquired: ours.and_then(|ours| ours.acquired),
            replaces: self
                .seen
                .as_ref()
                .filter(|_| !self.is_gone)
                .map(|seen| seen.version.clone()),
        }
    }

    /// Takes in the answer to a write that was sent then. Returns true if that made us lead.
    pub(in crate::controller) fn answered(
        &mut self,
        sent: Moment,
        answer: Result<Record, Refused>,
        now: Moment,
    ) -> bool {
        match answer {
            Ok(record) => {
                self.tried = sent;
                self.fence.renewed(sent);
                (self.renewed, self.is_gone) = (sent, false);
                (self.since, self.seen) = (now, Some(record));
                !std::mem::replace(&mut self.leading, true)
            }
            // Tried again as soon as it is known what is there.
            Err(Refused::Conflict) => {
                self.must_look = true;
                false
            }
            // Written or not, it is ours as long as nobody else has taken it.
            Err(Refused::Failed(_)) => {
                self.tried = sent;
                self.must_look |= !self.leading;
                false
            }
        }
    }
}

impl Record {
    /// Returns the write that gives the Lease back: whoever sees it may take it at once.
    pub(in crate::controller) fn given_back(&self) -> Put {
        Put {
            holder: String::new(),
            duration: Duration::from_secs(1),
            transitions: self.transitions,
            acquired: self.acquired,
            replaces: Some(self.version.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
