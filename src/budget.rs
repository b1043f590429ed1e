//! The budget of calls to AWS: a token bucket for each that AWS has, and a line of the changes that wait for its tokens.
//!
//! Whoever asks is told to go, or when to ask again, and never waits here. It must not know what a call is for, nor have a
//! clock: time is an argument.

mod allowance;
mod bucket;
mod line;
mod shares;
mod state;
mod turns;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::Timestamp;

use allowance::Tenants;
pub use bucket::{Bucket, Limit};
pub use line::KEPT;
use line::Line;
pub use shares::Shares;
pub use state::{State, Waits};

use crate::model::rank::Rank;

/// The account whose buckets they are, and the region.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// `None` for the controller's own.
    pub account: Option<String>,
    pub region: String,
    /// Another endpoint than AWS's own, which has buckets of its own.
    pub endpoint_url: Option<String>,
}

/// The App that asks, and the urgency of its pass.
#[derive(Clone, Debug)]
pub struct Asker {
    pub namespace: String,
    pub app: String,
    pub rank: Rank,
}

/// The answer to an App that asks for a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The token is taken.
    Go,
    /// The time to ask again. The place in the line is kept until then and for [`KEPT`] more.
    At(Timestamp),
}

/// Holds the buckets of all places.
#[derive(Debug)]
pub struct Budget {
    shares: Shares,
    lines: BTreeMap<(Place, Bucket), Line>,
    /// By endpoint, the account of the controller's own credentials, once it is known.
    own: BTreeMap<Option<String>, String>,
    tenants: Tenants,
}

impl Budget {
    /// Makes full buckets that hold, and get, these shares of what AWS documents.
    pub fn new(shares: Shares) -> Self {
        Budget {
            shares,
            lines: BTreeMap::new(),
            own: BTreeMap::new(),
            tenants: Tenants::default(),
        }
    }

    /// Learns of a namespace that has Apps. Where there are several, each leaves the last tokens to the others.
    pub fn meet(&mut self, namespace: &str) {
        self.tenants.meet(namespace);
    }

    /// Asks for a token. `what` tells the changes of one App apart: one that asks again has its place from before.
    pub fn ask(
        &mut self,
        now: Timestamp,
        place: &Place,
        bucket: Bucket,
        asker: &Asker,
        what: &str,
    ) -> Answer {
        let shares = self.tenants == Tenants::Several;
        let line = self.line(now, place, bucket);
        let answer = if shares {
            line.ask_sharing(now, asker, what)
        } else {
            line.ask(now, asker, what)
        };
        self.kept(asker, answer)
    }

    /// Asks for a token for the first read that a pass makes; those that follow it, of whatever bucket, [draw](Self::draw),
    /// since a pass that stopped halfway would read all of it again.
    pub fn ask_to_read(&mut self, now: Timestamp, place: &Place, bucket: Bucket, asker: &Asker) -> Answer {
        let answer = self.line(now, place, bucket).ask_to_read(now, asker);
        self.kept(asker, answer)
    }

    /// Has an App that comes later find its places in other lines.
    fn kept(&mut self, Asker { namespace, app, .. }: &Asker, answer: Answer) -> Answer {
        if let Answer::At(until) = answer {
            for line in self.lines.values_mut() {
                line.keep(namespace, app, until);
            }
        }
        answer
    }

    /// Asks for a token for a sweep: it leaves half a bucket to passes, but for a tenth of the rate, which is its own.
    pub fn ask_to_sweep(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> Answer {
        self.line(now, place, bucket).ask_to_sweep(now)
    }

    /// Asks for a token for a look at what many Apps wait for.
    pub fn ask_to_look(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> Answer {
        self.line(now, place, bucket).ask_to_look(now)
    }

    /// Notes calls that are made whether there are tokens for them or not.
    pub fn draw(&mut self, now: Timestamp, place: &Place, bucket: Bucket, calls: u32) {
        self.line(now, place, bucket).draw(now, calls);
    }

    /// Takes back tokens that were given and not used, if need be from an App of this namespace.
    pub fn give_back(
        &mut self,
        now: Timestamp,
        place: &Place,
        bucket: Bucket,
        tokens: u32,
        namespace: Option<&str>,
    ) {
        self.line(now, place, bucket).give_back(now, tokens, namespace);
    }

    /// Gives up the places of an App that it did not ask for since then, for it has no use for them any more: nobody is to
    /// wait behind them.
    pub fn give_up(&mut self, namespace: &str, app: &str, since: Timestamp) {
        for line in self.lines.values_mut() {
            line.give_up(namespace, app, since);
        }
    }

    /// Returns the tokens a second that AWS is believed to give.
    pub fn rate(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> f64 {
        self.line(now, place, bucket).rate(now)
    }

    /// Returns the state of each bucket that anything was asked of.
    pub fn states(&mut self, now: Timestamp) -> Vec<State> {
        let lines = self.lines.iter_mut();
        let states = lines.map(|((place, bucket), line)| line.state(now, place, *bucket));
        states.collect()
    }

    /// Learns which account the controller's own is: a Platform with a role of it shares its buckets. What drew on two lines
    /// for the same bucket so far goes on in one.
    pub fn learn_own(&mut self, endpoint_url: Option<&str>, account: &str) {
        let endpoint_url = endpoint_url.map(Into::into);
        let before = self.own.insert(endpoint_url.clone(), account.into());
        if before.as_deref() == Some(account) {
            return;
        }
        let is_own = |place: &Place| place.account.is_none() && place.endpoint_url == endpoint_url;
        let own: Vec<_> = self
            .lines
            .keys()
            .filter(|(place, _)| is_own(place))
            .cloned()
            .collect();
        for key in own {
            let Some(line) = self.lines.remove(&key) else {
                continue;
            };
            let (mut place, bucket) = key;
            place.account = Some(account.into());
            match self.lines.entry((place, bucket)) {
                Entry::Vacant(entry) => {
                    entry.insert(line);
                }
                Entry::Occupied(mut entry) => entry.get_mut().join(line),
            }
        }
    }

    /// Learns that AWS had no token where we believed in one.
    pub fn throttled(&mut self, now: Timestamp, place: &Place, bucket: Bucket) {
        self.line(now, place, bucket).throttled(now);
    }

    fn line(&mut self, now: Timestamp, place: &Place, bucket: Bucket) -> &mut Line {
        let mut place = place.clone();
        if place.account.is_none() {
            place.account = self.own.get(&place.endpoint_url).cloned();
        }
        if bucket.is_global() {
            place.region = String::new();
        }
        let limit = bucket.limit().times(self.shares.of(bucket));
        self.lines
            .entry((place, bucket))
            .or_insert_with(|| Line::new(limit, now))
    }
}

#[cfg(test)]
mod tests;
