//! One token bucket, and the line of the changes that wait for its tokens.
//!
//! Namespaces take turns: the one that took a token last goes last. So a change of one waits for at most one token of each
//! other that waits. A place is worth a token: those behind it go on without its owner, once there is a token more.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use jiff::Timestamp;

use super::allowance::{Allowance, RESERVED, Return};
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
/// Tokens are held for no longer by a pass that does not use them, mostly.
const HELD: Duration = Duration::from_secs(10);
/// The rate never falls below this share of what it was believed to be.
const LEAST: f64 = 0.01;
/// A bucket that has been full for so long gives a token to whoever comes: those before it did not.
const GRACE: Duration = Duration::from_secs(1);
/// Names the place of a pass's reads.
const READS: &str = "reads";
/// Fractions of a token that are lost in computing.
const EPSILON: f64 = 1e-6;
/// The share of a full bucket that reads of passes leave for what a pass reads after its first one, which it does not ask
/// for, and for retries.
const LEFT_BY_READS: f64 = 0.25;
/// The share of a full bucket that sweeps leave for passes.
const LEFT_BY_SWEEPS: f64 = 0.5;
/// The share of the rate that sweeps have although they leave less, and that the first pass in line has to read with.
const FLOOR: f64 = 0.1;
/// A clock that is set back by less is not seen to be: it stands until then.
const UNSEEN: Duration = Duration::from_secs(10);
/// Later than anything is told to ask again.
const FAR: Duration = Duration::from_hours(1);

#[derive(Clone, Debug)]
pub(super) struct Line {
    /// As AWS documents it, or as it is configured.
    limit: Limit,
    /// The tokens a second that AWS was found to give.
    pub(super) rate: f64,
    pub(super) tokens: f64,
    /// When they were counted.
    counted: Timestamp,
    /// Since when the bucket is full.
    full: Option<Timestamp>,
    /// When the rate was last lowered.
    lowered: Option<Timestamp>,
    /// When a sweep last took a token that it would have had to leave; and a pass that was to read.
    swept: Option<Timestamp>,
    read: Option<Timestamp>,
    pub(super) lanes: BTreeMap<String, Lane>,
    comes_back: Return,
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
            swept: None,
            read: None,
            lanes: BTreeMap::new(),
            comes_back: Return::default(),
            cleared: now,
            served: 0,
            tickets: 0,
        }
    }

    /// Asks for a token for a write.
    pub(super) fn ask(&mut self, now: Timestamp, asker: &Asker, what: &str) -> Answer {
        self.ask_leaving(now, asker, what, 0.0)
    }

    /// The same where there are Apps of several namespaces.
    pub(super) fn ask_sharing(&mut self, now: Timestamp, asker: &Asker, what: &str) -> Answer {
        self.count(now);
        let lane = self.lanes.get(&asker.namespace);
        let left = if lane.is_none_or(|lane| self.has_allowance(lane)) {
            0.0
        } else {
            self.share(RESERVED)
        };
        self.ask_leaving(now, asker, what, left)
    }

    /// Asks for a token for the first read of a pass.
    pub(super) fn ask_to_read(&mut self, now: Timestamp, asker: &Asker) -> Answer {
        let left = self.share(LEFT_BY_READS);
        self.ask_leaving(now, asker, READS, left)
    }

    /// Asks for a token for a sweep, which has no place in the line.
    pub(super) fn ask_to_sweep(&mut self, now: Timestamp) -> Answer {
        self.count(now);
        let plenty = 1.0 + self.share(LEFT_BY_SWEEPS);
        if !self.has(plenty) {
            let floor = self.floor(self.swept, now);
            if now < floor {
                return Answer::At(floor.min(self.when(plenty, now)));
            }
            self.swept = Some(now);
        }
        self.take();
        Answer::Go
    }

    /// Asks for a token for a look, which many passes are spared by: it leaves none.
    pub(super) fn ask_to_look(&mut self, now: Timestamp) -> Answer {
        self.count(now);
        if !self.has(1.0) {
            return Answer::At(self.when(1.0, now));
        }
        self.take();
        Answer::Go
    }

    pub(super) fn rate(&mut self, now: Timestamp) -> f64 {
        self.count(now);
        self.rate
    }

    fn has(&self, tokens: f64) -> bool {
        self.tokens + EPSILON >= tokens
    }

    /// When there is a token of the floor, after the last one.
    fn floor(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let each = Duration::try_from_secs_f64(1.0 / (self.rate * FLOOR)).map_or(FAR, |each| each.min(FAR));
        let next = last.map_or(now, |last| last + each);
        next.max(if self.has(1.0) { now } else { self.when(1.0, now) })
    }

    /// Notes calls that were made without asking.
    pub(super) fn draw(&mut self, now: Timestamp, calls: u32) {
        self.count(now);
        // AWS's own has no debts: what it had no token for, it threw back.
        self.tokens = (self.tokens - f64::from(calls)).max(self.tokens.min(0.0));
        self.full = None;
    }

    /// Takes back tokens that were given and not used.
    pub(super) fn give_back(&mut self, now: Timestamp, tokens: u32, namespace: Option<&str>) {
        self.count(now);
        let tokens = f64::from(tokens);
        if let Some(lane) = namespace.and_then(|namespace| self.lanes.get_mut(namespace)) {
            lane.allowance.give_back(tokens);
        }
        // A bucket that AWS found empty has been found so with these in it.
        let is_since = |lowered: Timestamp| elapsed(lowered, now) < HELD;
        if !self.lowered.is_some_and(is_since) {
            self.tokens = (self.tokens + tokens).min(self.limit.burst);
        }
    }

    /// A share of a full bucket, with which there is still a token left in it; less where AWS gives less.
    fn share(&self, share: f64) -> f64 {
        let share = share * self.rate / self.limit.rate;
        (self.limit.burst * share).min(self.limit.burst - 1.0)
    }

    /// When there will be so many tokens.
    fn when(&self, tokens: f64, now: Timestamp) -> Timestamp {
        let missing = (tokens - self.tokens).max(0.0);
        let wait = Duration::try_from_secs_f64(missing / self.rate);
        now + wait.map_or(FAR, |wait| wait.min(FAR)) + Duration::from_millis(1)
    }

    fn take(&mut self) {
        self.tokens -= 1.0;
        self.full = None;
    }

    fn ask_leaving(&mut self, now: Timestamp, asker: &Asker, what: &str, left: f64) -> Answer {
        self.count(now);
        self.clear(now);
        self.tickets += 1;
        let Asker { namespace, app, rank } = asker;
        let name = (app.clone(), what.to_owned());
        let new = Waiting {
            rank: *rank,
            ticket: self.tickets,
            joined: now,
            asked: now,
            until: now,
        };
        let lane = self
            .lanes
            .entry(namespace.clone())
            .or_insert_with(|| Lane::new(now, self.comes_back));
        let mine = lane.waiting.entry(name.clone()).or_insert(new);
        // What was urgent when it joined is so still, whatever woke the App.
        mine.rank = mine.rank.min(*rank);
        let mine = *mine;
        let before = f64::from(self.before(namespace, mine));
        let needed = before + 1.0 + left;
        let mut until = self.when(needed, now);
        let mut goes = self.has(needed);
        if !goes && what == READS {
            // Whatever others take, those that are to read come to it one by one.
            let floor = self.floor(self.read, now);
            goes = before < 1.0 && floor <= now;
            self.read = if goes { Some(now) } else { self.read };
            until = if before < 1.0 { until.min(floor) } else { until };
        }
        // It never has as many tokens as there may be places before this one.
        let is_left = self.full.is_some_and(|since| elapsed(since, now) >= GRACE);
        goes |= is_left;
        if goes {
            self.take();
            self.served += 1;
        }
        let all = self.allowance();
        let Some(lane) = self.lanes.get_mut(namespace) else {
            return Answer::At(until);
        };
        if goes {
            lane.take(&name, self.served, now);
            lane.allowance.spend(all, self.comes_back);
            return Answer::Go;
        }
        let mine = Waiting {
            asked: now,
            until,
            ..mine
        };
        lane.waiting.insert(name, mine);
        Answer::At(until)
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

    /// Keeps the places of an App at least until then: it comes no sooner.
    pub(super) fn keep(&mut self, namespace: &str, app: &str, until: Timestamp) {
        let Some(lane) = self.lanes.get_mut(namespace) else {
            return;
        };
        let first = (app.to_owned(), String::new());
        let its = lane
            .waiting
            .range_mut(first..)
            .take_while(|((of, _), _)| of == app);
        for (_, waiting) in its {
            waiting.until = waiting.until.max(until);
        }
    }

    /// Gives up the places of an App that it did not ask for since then.
    pub(super) fn give_up(&mut self, namespace: &str, app: &str, since: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(namespace) {
            lane.waiting
                .retain(|(of, _), waiting| of != app || waiting.asked >= since);
        }
    }

    /// Takes in what was known, and who waits, of a line for the same bucket: each has drawn on what the other believed in.
    pub(super) fn join(&mut self, mut other: Line) {
        let now = self.counted.max(other.counted);
        self.count(now);
        other.count(now);
        let drawn = other.limit.burst - other.tokens;
        self.tokens = (self.tokens - drawn).max(self.tokens.min(0.0));
        self.rate = self.rate.min(other.rate);
        self.full = None;
        self.served = self.served.max(other.served);
        for (namespace, mut lane) in other.lanes {
            for waiting in lane.waiting.values_mut() {
                // Behind those here.
                waiting.ticket += self.tickets;
            }
            lane.allowance = Allowance::whole(self.comes_back);
            match self.lanes.entry(namespace) {
                Entry::Vacant(entry) => {
                    entry.insert(lane);
                }
                Entry::Occupied(mut entry) => entry.get_mut().waiting.extend(lane.waiting),
            }
        }
        self.tickets += other.tickets;
    }

    /// Adds the tokens that have come since they were counted, and believes in more with time.
    pub(super) fn count(&mut self, now: Timestamp) {
        if now < self.counted {
            if elapsed(now, self.counted) < UNSEEN {
                return;
            }
            self.set_back(now);
        }
        let elapsed = elapsed(self.counted, now).as_secs_f64();
        self.counted = now;
        if self.has(self.share(RESERVED)) {
            self.comes_back.count(self.rate, elapsed);
        }
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
        (self.swept, self.read) = (None, None);
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

    /// The whole allowance of a namespace, in tokens.
    fn allowance(&self) -> f64 {
        self.limit.burst * RESERVED
    }

    /// True if a namespace may take the last tokens.
    fn has_allowance(&self, lane: &Lane) -> bool {
        let all = self.allowance();
        // Less than a token is of no use to anybody.
        all < 1.0 || lane.allowance.has(all, self.comes_back)
    }

    /// Returns the number of changes that go before this one. Those of namespaces that may not take the last tokens are not
    /// before one that may.
    fn before(&self, namespace: &str, mine: Waiting) -> u32 {
        let Some(lane) = self.lanes.get(namespace) else {
            return 0;
        };
        let before = lane.before(mine);
        let turn = |namespace: &str, lane: &Lane| (lane.served, namespace.to_owned());
        let my_turn = turn(namespace, lane);
        let has_allowance = self.has_allowance(lane);
        let others = self.lanes.iter().filter(|(name, _)| *name != namespace);
        let others = others.filter(|(_, other)| !has_allowance || self.has_allowance(other));
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
