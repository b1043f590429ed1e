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
    /// When it was last renewed, likewise.
    pub renewed: Option<Timestamp>,
    /// A replica that leads less, and asks for it.
    pub wanted_by: Option<String>,
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
    /// `None` if it is renewed now.
    pub renewed: Option<Timestamp>,
    pub wanted_by: Option<String>,
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

/// The duration of a Lease that was given back. By a duration that is longer, a hand has emptied it: its holder may go on.
const GIVEN_BACK: Duration = Duration::from_secs(1);

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
    must_look: bool,
    /// A write of ours may have made it ours.
    in_doubt: bool,
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
            must_look: true,
            in_doubt: false,
            renewed: now,
            tried: now,
        }
    }

    pub(in crate::controller) fn is_leading(&self) -> bool {
        self.fence.is_held()
    }

    /// Returns the holder as last seen.
    pub(in crate::controller) fn holder(&self) -> Option<&str> {
        self.seen.as_ref()?.holder.as_deref()
    }

    /// Returns the other replica that asks for it.
    pub(in crate::controller) fn wanted_by(&self) -> Option<&str> {
        let asks = self.seen.as_ref()?.wanted_by.as_deref();
        asks.filter(|asks| *asks != self.identity)
    }

    /// True if the Lease is to be read.
    pub(in crate::controller) fn is_blind(&self) -> bool {
        self.must_look || !self.is_leading()
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
        if self.is_leading() && !is_ours {
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
        let wait = if self.is_leading() {
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
        let Some(seen) = &self.seen else {
            return courtesy;
        };
        match (&seen.holder, &seen.wanted_by) {
            // A write of ours whose reply was lost.
            (Some(holder), _) if self.in_doubt && *holder == self.identity => Duration::ZERO,
            (None, asks) if seen.duration <= GIVEN_BACK => match asks {
                Some(asks) if *asks == self.identity => Duration::ZERO,
                // It may be gone by now.
                Some(_) => courtesy + self.pace.look() * 4,
                None => courtesy,
            },
            // Never sooner than a replica with our settings would give it up, whoever has made it shorter.
            (Some(_) | None, _) => seen.duration.max(self.pace.duration) + self.pace.margin(),
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
            renewed: None,
            wanted_by: None,
            replaces: self
                .seen
                .as_ref()
                .filter(|_| !self.is_gone)
                .map(|seen| seen.version.clone()),
        }
    }

    /// Returns the write that asks the holder for the Lease, and changes nothing else of it.
    pub(in crate::controller) fn request(&self) -> Option<Put> {
        let Record {
            holder,
            duration,
            transitions,
            acquired,
            renewed,
            wanted_by: _,
            version,
        } = self.seen.clone().filter(|_| !self.is_gone)?;
        Some(Put {
            holder: holder?,
            duration,
            transitions,
            acquired,
            renewed,
            wanted_by: Some(self.identity.clone()),
            replaces: Some(version),
        })
    }

    /// Gives the Lease to a replica that asks for it, and stands for it again, behind another fence. Returns the write to
    /// send; from now on nothing is done under the old one.
    pub(in crate::controller) fn give(&mut self, to: &str, fence: Fence) -> Option<Put> {
        self.fence.lost();
        (self.fence, self.must_look) = (fence, true);
        Some(self.seen.as_ref()?.given_to(Some(to.into())))
    }

    /// Takes in the answer to that. Without one, it is not known whose it is until it was read.
    pub(in crate::controller) fn gave(&mut self, answer: Result<Record, Refused>, now: Moment) {
        match answer {
            Ok(record) => (self.seen, self.since) = (Some(record), now),
            Err(_) => self.in_doubt = true,
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
                let was_leading = self.is_leading();
                self.tried = sent;
                self.fence.renewed(sent);
                (self.renewed, self.is_gone, self.in_doubt) = (sent, false, false);
                (self.since, self.seen) = (now, Some(record));
                !was_leading
            }
            // Tried again as soon as it is known what is there.
            Err(Refused::Conflict) => {
                self.must_look = true;
                false
            }
            // Written or not, it is ours as long as nobody else has taken it.
            Err(Refused::Failed(_)) => {
                self.tried = sent;
                self.must_look |= !self.is_leading();
                self.in_doubt |= !self.is_leading();
                false
            }
        }
    }
}

impl Record {
    /// Returns the write that gives the Lease back: whoever sees it may take it at once.
    pub(in crate::controller) fn given_back(&self) -> Put {
        self.given_to(None)
    }

    /// Likewise, where others are to leave it to one for a while.
    fn given_to(&self, to: Option<String>) -> Put {
        Put {
            holder: String::new(),
            duration: GIVEN_BACK,
            transitions: self.transitions,
            acquired: self.acquired,
            renewed: None,
            wanted_by: to,
            replaces: Some(self.version.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
