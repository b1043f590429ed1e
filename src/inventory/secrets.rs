//! The secrets and parameters that Apps name: what AWS says of each, read once for all of them, and never a value.
//!
//! A pass reads what its App cannot do without, which is what nobody has read before. All else a sweep reads, and wakes the Apps
//! that name what has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use super::sweep::{Apps, Content, Found, Key};
use super::{Clock, Inventory, Unit};
use crate::aws::{Aws, AwsError, Result};
use crate::budget::Place;
use crate::lists::{BATCH, KnownSecrets, each_secret};
use crate::model::owner::AppName;
use crate::model::secret::{Reading, SecretId};

/// What somebody waits for is not asked for again sooner.
const AGAIN: Duration = Duration::from_mins(1);
/// The same for an App that was edited, whose user looks on: the secret may have been made a moment before.
const EDITED: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub struct Secrets {
    asked: BTreeMap<AppName, BTreeSet<SecretId>>,
    known: BTreeMap<SecretId, Known>,
}

#[derive(Debug)]
struct Known {
    /// The last that was read.
    reading: Option<Reading>,
    /// Why it could not be read since.
    failed: Option<AwsError>,
    /// When it was asked for.
    at: Timestamp,
}

impl Known {
    /// True if somebody is to do something about it, and may have.
    fn is_lacking(&self) -> bool {
        let is_there = match &self.reading {
            Some(Reading::Secret(state)) => !state.is_deleted,
            Some(Reading::Parameter(_)) => true,
            Some(Reading::Missing) | None => false,
        };
        !is_there || self.failed.is_some()
    }
}

/// What a pass asks for.
#[derive(Clone, Copy, Debug)]
pub struct AskedFor<'a> {
    pub all: &'a BTreeSet<SecretId>,
    /// What it cannot do without.
    pub needed: &'a BTreeSet<SecretId>,
    /// The App was edited, and goes by nothing old.
    pub is_edited: bool,
}

impl Secrets {
    /// Returns what a pass is to read itself.
    fn unread(&self, asked: AskedFor<'_>, now: Timestamp) -> BTreeSet<SecretId> {
        let is_to_be_read = |id: &&SecretId| {
            let Some(known) = self.known.get(*id) else {
                return asked.needed.contains(*id);
            };
            let again = if asked.is_edited { EDITED } else { AGAIN };
            let is_old = now.duration_since(known.at).unsigned_abs() >= again;
            let is_awaited = asked.needed.contains(*id) && (asked.is_edited || known.reading.is_none());
            is_old && (is_awaited || matches!(id, SecretId::Secret(_)) && known.is_lacking())
        };
        asked.all.iter().filter(is_to_be_read).cloned().collect()
    }

    fn slice(&self, all: &BTreeSet<SecretId>) -> KnownSecrets {
        let known = || all.iter().filter_map(|id| Some((id, self.known.get(id)?)));
        let read = known().filter_map(|(id, known)| Some((id.clone(), known.reading.clone()?)));
        KnownSecrets {
            read: read.collect(),
            failed: known().find_map(|(_, known)| known.failed.clone()),
        }
    }

    /// Takes what was read. Returns true if it is news.
    fn take(&mut self, id: &SecretId, read: Result<Reading>, asked: Timestamp) -> bool {
        let known = self.known.entry(id.clone()).or_insert(Known {
            reading: None,
            failed: None,
            at: Timestamp::MIN,
        });
        if known.at > asked {
            return false;
        }
        known.at = asked;
        let before = (known.reading.clone(), known.failed.is_some());
        match read {
            Ok(reading) => (known.reading, known.failed) = (Some(reading), None),
            Err(error) => known.failed = Some(error),
        }
        before != (known.reading.clone(), known.failed.is_some())
    }

    /// The Apps that ask for any of these.
    fn askers(&self, ids: &BTreeSet<SecretId>) -> BTreeSet<AppName> {
        let askers = self.asked.iter().filter(|(_, asked)| !asked.is_disjoint(ids));
        askers.map(|(app, _)| app.clone()).collect()
    }

    /// Forgets what no App asks for any more.
    fn prune(&mut self) {
        let asked: BTreeSet<&SecretId> = self.asked.values().flatten().collect();
        self.known.retain(|id, _| asked.contains(id));
    }

    pub(super) fn note(&mut self, app: &AppName, asked: &BTreeSet<SecretId>) {
        if asked.is_empty() {
            self.asked.remove(app);
        } else if self.asked.get(app) != Some(asked) {
            self.asked.insert(app.clone(), asked.clone());
        }
    }
}

impl Inventory {
    /// Returns what is known of the secrets that an App names, and reads what it cannot do without.
    pub async fn secrets_of(
        &self,
        (aws, place): (&dyn Aws, &Place),
        app: &AppName,
        asked: AskedFor<'_>,
        clock: Clock<'_>,
    ) -> Result<KnownSecrets> {
        let unit = self.secrets.want(&key(place));
        let now = clock();
        unit.ask(now);
        unit.content().note(app, asked.all);
        let unread = unit.content().unread(asked, now);
        each_secret(aws, &unread, &mut |id, read| {
            unit.content().take(id, read, now);
        })
        .await?;
        let known = unit.content().slice(asked.all);
        Ok(known)
    }

    /// Notes that an App names none.
    pub fn names_no_secrets(&self, place: &Place, app: &AppName) {
        if let Some(unit) = self.secrets.known(&key(place)) {
            unit.content().note(app, &BTreeSet::new());
        }
    }
}

fn key(place: &Place) -> Key {
    Key {
        place: place.clone(),
        name: String::new(),
    }
}

/// The steps of a sweep.
#[derive(Clone, Debug)]
pub enum Step {
    All,
    These(BTreeSet<SecretId>),
}

#[async_trait]
impl Content for Secrets {
    type Step = Step;

    const ASKS_FOR_APPS: bool = false;

    fn first() -> Step {
        Step::All
    }

    /// What somebody has to mend for one secret keeps no other from being read.
    async fn take(
        unit: &Unit<Self>,
        _: &Key,
        aws: &dyn Aws,
        step: Step,
        _: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Step>> {
        let asked = clock();
        let ids = match step {
            Step::All => {
                let mut content = unit.content();
                content.prune();
                let all: BTreeSet<SecretId> = content.asked.values().flatten().cloned().collect();
                return Ok(Found {
                    next: steps(all),
                    ..Found::changed(BTreeSet::new())
                });
            }
            Step::These(ids) => ids,
        };
        let (mut changed, mut passing) = (BTreeSet::new(), None);
        each_secret(aws, &ids, &mut |id, read| match read {
            Err(error) if error.class().is_passing() => passing = Some(error),
            read => {
                if unit.content().take(id, read, asked) {
                    changed.insert(id.clone());
                }
            }
        })
        .await?;
        match passing {
            Some(error) => Err(error),
            None => Ok(Found::changed(unit.content().askers(&changed))),
        }
    }
}

/// A secret each, and parameters together.
fn steps(all: BTreeSet<SecretId>) -> Vec<Step> {
    let (secrets, parameters): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|id| matches!(id, SecretId::Secret(_)));
    let singly = secrets.into_iter().map(|id| Step::These(BTreeSet::from([id])));
    let batches = parameters.chunks(BATCH);
    let batches = batches.map(|batch| Step::These(batch.iter().cloned().collect()));
    singly.chain(batches).collect()
}

#[cfg(test)]
mod tests;
