//! One token bucket, and the line of the changes that wait for its tokens.
//!
//! Namespaces take turns: the one that took a token last goes last. So a change of one waits for at most one token of each
//! other that waits. A place is worth a token: those behind it go on without its owner, once there is a token more.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::bucket::Limit;
use super::turns::{Lane, Waiting};
use super::{Answer, Asker};

/// A place whose owner does not come is given up so long after its time.
pub const KEPT: Duration = Duration::from_secs(30);
/// A namespace that has taken no token for so long is as one that never has.
const FORGOTTEN: Duration = Duration::from_mins(10);
/// The share of its rate that a throttle takes away.
const STEP: f64 = 0.1;
/// Throttles that follow each other sooner are one: of calls that were under way together.
const STEP_WITHIN: Duration = Duration::from_secs(1);
/// The time in which a rate of nothing would come back to the whole.
const RISE: f64 = 600.0;
/// The rate never falls below this share of what it was believed to be.
const LEAST: f64 = 0.01;
/// A bucket that has been full for so long gives a token to whoever comes: those before it did not.
const GRACE: Duration = Duration::from_secs(1);
/// Fractions of a token that are lost in computing.
const EPSILON: f64 = 1e-6;
/// Later than anything is told to ask again.
const FAR: Duration = Duration::from_hours(1);

#[derive(Clone, Debug)]
pub(super) struct Line {
    /// As AWS documents it, or as it is configured.
    limit: Limit,
    /// The tokens a second that AWS was found to give.
    rate: f64,
    tokens: f64,
    /// When they were counted.
    counted: Timestamp,
    /// Since when the bucket is full.
    full: Option<Timestamp>,
    /// When the rate was last lowered.
    lowered: Option<Timestamp>,
    lanes: BTreeMap<String, Lane>,
    /// When the places were last gone through.
    cleared: Timestamp,
    /// The tokens that were taken so far.
    served: u64,
    tickets: u64,
}

impl Line {
    /// Makes a full bucket.
    pub(super) fn new(limit: Limit, now: Timestamp) -> Self {
        Line {
            limit,
            rate: limit.rate,
            tokens: limit.burst,
            counted: now,
            full: None,
            lowered: None,
            lanes: BTreeMap::new(),
            cleared: now,
            served: 0,
            tickets: 0,
        }
    }

    pub(super) fn ask(&mut self, now: Timestamp, asker: &Asker, what: &str) -> Answer {
        self.count(now);
        self.clear(now);
        self.tickets += 1;
        let Asker { namespace, app, rank } = asker;
        let name = (app.clone(), what.to_owned());
        let new = Waiting {
            rank: *rank,
            ticket: self.tickets,
            asked: now,
            until: now,
        };
        let lane = self
            .lanes
            .entry(namespace.clone())
            .or_insert_with(|| Lane::new(now));
        let mine = lane.waiting.entry(name.clone()).or_insert(new);
        // What was urgent when it joined is so still, whatever woke the App.
        mine.rank = mine.rank.min(*rank);
        let mine = *mine;
        let needed = f64::from(self.before(namespace, mine)) + 1.0;
        let wait = Duration::try_from_secs_f64((needed - self.tokens) / self.rate);
        let until = now + wait.map_or(FAR, |wait| wait.min(FAR)) + Duration::from_millis(1);
        // It never has as many tokens as there may be places before this one.
        let is_left = self.full.is_some_and(|since| elapsed(since, now) >= GRACE);
        let Some(lane) = self.lanes.get_mut(namespace) else {
            return Answer::At(until);
        };
        if needed - self.tokens > EPSILON && !is_left {
            let mine = Waiting {
                asked: now,
                until,
                ..mine
            };
            lane.waiting.insert(name, mine);
            return Answer::At(until);
        }
        self.tokens -= 1.0;
        self.full = None;
        self.served += 1;
        lane.take(&name, self.served, now);
        Answer::Go
    }

    pub(super) fn throttled(&mut self, now: Timestamp) {
        self.count(now);
        self.tokens = self.tokens.min(0.0);
        self.full = None;
        let is_same = |lowered: Timestamp| elapsed(lowered, now) < STEP_WITHIN;
        if !self.lowered.is_some_and(is_same) {
            self.lowered = Some(now);
            self.rate = (self.rate * (1.0 - STEP)).max(self.limit.rate * LEAST);
        }
    }

    /// Gives up the places of an App that it did not ask for since then.
    pub(super) fn give_up(&mut self, namespace: &str, app: &str, since: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(namespace) {
            lane.waiting
                .retain(|(of, _), waiting| of != app || waiting.asked >= since);
        }
    }

    /// Adds the tokens that have come since they were counted, and believes in more with time.
    fn count(&mut self, now: Timestamp) {
        if now < self.counted {
            self.set_back(now);
        }
        let elapsed = elapsed(self.counted, now).as_secs_f64();
        self.counted = now;
        let tokens = self.tokens + self.rate * elapsed;
        self.tokens = tokens.min(self.limit.burst);
        if tokens + EPSILON >= self.limit.burst {
            let for_so_long = ((tokens - self.limit.burst) / self.rate).clamp(0.0, elapsed);
            let since = now - Duration::try_from_secs_f64(for_so_long).unwrap_or_default();
            self.full.get_or_insert(since);
        } else {
            self.full = None;
        }
        self.rate = (self.rate + self.limit.rate * elapsed / RISE).min(self.limit.rate);
    }

    /// The clock was set back: places of a time to come would never be given up, so all join anew.
    fn set_back(&mut self, now: Timestamp) {
        for lane in self.lanes.values_mut() {
            lane.waiting.clear();
            lane.served_at = now;
        }
        (self.lowered, self.full, self.cleared) = (None, None, now);
    }

    /// Gives up the places of those who did not come, once a second: there may be thousands.
    fn clear(&mut self, now: Timestamp) {
        if elapsed(self.cleared, now) < Duration::from_secs(1) && self.cleared <= now {
            return;
        }
        self.cleared = now;
        self.lanes.retain(|_, lane| {
            lane.waiting
                .retain(|_, waiting| elapsed(waiting.until, now) <= KEPT);
            lane.len() > 0 || elapsed(lane.served_at, now) < FORGOTTEN
        });
    }

    /// Returns the number of changes that go before this one.
    fn before(&self, namespace: &str, mine: Waiting) -> u32 {
        let Some(lane) = self.lanes.get(namespace) else {
            return 0;
        };
        let before = lane.before(mine);
        let turn = |namespace: &str, lane: &Lane| (lane.served, namespace.to_owned());
        let my_turn = turn(namespace, lane);
        let others = self.lanes.iter().filter(|(name, _)| *name != namespace);
        let others = others.map(|(name, other)| {
            let goes_first = u32::from(turn(name, other) < my_turn);
            other.len().min(before + goes_first)
        });
        before + others.sum::<u32>()
    }
}

/// The time between two moments; none where the clock was set back.
fn elapsed(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
impl Line {
    /// Returns the number of changes that wait.
    pub(super) fn waits(&self) -> u32 {
        self.lanes.values().map(Lane::len).sum()
    }
}
