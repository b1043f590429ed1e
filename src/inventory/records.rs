//! The records of one hosted zone, and whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use super::entries::{Entries, Fact};
use super::sweep::{Apps, Content, Found, Key};
use super::{Clock, Learned, Unit};
use crate::aws::{Aws, RecordPages, Result};
use crate::lists::{Sought, is_kept, kept_by};
use crate::model::keeping::kept_until;
use crate::model::owner::{AppName, Owner, app_in_record_text};
use crate::model::record::{RecordSet, ownership_name};
use crate::model::small_set::SmallSet;

#[derive(Debug, Default)]
pub struct Records {
    is_there: bool,
    /// The name of the zone, which is that of its SOA record:
    /// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/SOA-NSrecords.html>.
    apex: Option<String>,
    /// By name, its record sets and those of its ownership name.
    names: Entries<Vec<Arc<RecordSet>>>,
    /// By App, `namespace/name`, the names whose ownership records name it, of whichever installation.
    owned: BTreeMap<String, SmallSet<String>>,
    /// By installation and namespace, the names that are kept for it.
    kept: BTreeMap<String, SmallSet<String>>,
    /// By host, the names that point at it.
    pointing: BTreeMap<String, SmallSet<String>>,
    /// The pages of a list that is being read, and what they have shown: of a record that is as it was, what is known.
    pages: RecordPages,
    shown: Vec<Arc<RecordSet>>,
}

impl Fact for Vec<Arc<RecordSet>> {}

/// The steps of a sweep.
#[derive(Clone, Debug)]
pub enum Step {
    /// The pages of a list, from the first one.
    List(Round),
    /// The next page.
    More(Round, Timestamp),
    /// One name that both lists left out.
    ByName(String),
}

/// Tells the lists of one sweep apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    First,
    /// Once more, since the first time something was missing.
    Second,
}

fn by_name(records: Vec<Arc<RecordSet>>) -> BTreeMap<String, Vec<Arc<RecordSet>>> {
    let mut names: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for record in records {
        names.entry(record.about().into()).or_default().push(record);
    }
    for records in names.values_mut() {
        records.shrink_to_fit();
    }
    names
}

/// Returns the App that owns a name, as `namespace/name`. One that is kept is no App's.
fn owner(name: &str, records: &[Arc<RecordSet>]) -> Option<String> {
    let ownership = ownership_name(name);
    let records = records.iter().filter(|record| record.name == ownership);
    let mut texts = records.map(|record| record.text());
    let text = texts.find(|text| kept_until(text).is_none())?;
    app_in_record_text(&text).map(Into::into)
}

/// Returns the installation and the namespace for which a name is kept.
fn keeper(name: &str, records: &[Arc<RecordSet>]) -> Option<String> {
    let mut records = records.iter().filter(|record| record.marks() == Some(name));
    records.find_map(|record| kept_by(record)).as_ref().map(namespace)
}

fn namespace(owner: &Owner) -> String {
    format!("{}/{}", owner.installation, owner.app.namespace)
}

fn app(text: &str) -> Option<AppName> {
    let (namespace, name) = text.split_once('/')?;
    Some(AppName {
        namespace: namespace.into(),
        name: name.into(),
    })
}

/// Removes a name from an index.
fn remove(index: &mut BTreeMap<String, SmallSet<String>>, key: &str, name: &str) {
    if let Some(names) = index.get_mut(key) {
        names.remove(name);
        if names.is_empty() {
            index.remove(key);
        }
    }
}

impl Records {
    /// Forgets all names of a zone that is gone. Returns the Apps that had some.
    fn clear(&mut self) -> BTreeSet<AppName> {
        let owners = std::mem::take(&mut self.owned);
        *self = Records::default();
        owners.keys().filter_map(|owner| app(owner)).collect()
    }

    /// True as far as is known.
    pub(super) fn is_there(&self) -> bool {
        self.is_there
    }

    /// Returns the name of the zone, if it is there as far as is known.
    pub(super) fn apex(&self) -> Option<&str> {
        self.apex.as_deref()
    }

    /// Returns the ownership records of an installation's Apps whose names are kept. `None` until the zone was listed.
    pub(super) fn kept(&self, installation: &str) -> Option<Vec<Arc<RecordSet>>> {
        let records = self.names.iter().flat_map(|(_, records)| records.iter());
        let kept = records.filter(|record| is_kept(record, installation));
        self.is_there.then(|| kept.cloned().collect())
    }

    /// Returns the number of names that are kept for the namespace of an App.
    pub(super) fn kept_for(&self, owner: &Owner) -> usize {
        self.kept.get(&namespace(owner)).map_or(0, SmallSet::len)
    }

    /// `None` if there is no such zone.
    pub(super) fn slice(&self, sought: &Sought<'_>) -> Option<Vec<Arc<RecordSet>>> {
        if !self.is_there {
            return None;
        }
        let found = self.names_of(sought);
        let records = found.iter().filter_map(|name| self.names.get(name));
        let mut records: Vec<_> = records.flatten().cloned().collect();
        records.shrink_to_fit();
        Some(records)
    }

    /// Returns the wanted names of which no list and no read has ever said anything.
    pub(super) fn unknown(&self, sought: &Sought<'_>) -> BTreeSet<String> {
        let names = sought.names.iter();
        names.filter(|name| !self.names.knows(name)).cloned().collect()
    }

    /// Returns the names that are sought, there or not.
    pub(super) fn names_of(&self, sought: &Sought<'_>) -> BTreeSet<String> {
        let owned = self
            .owned
            .get(&sought.owner.app.to_string())
            .into_iter()
            .flatten();
        let is_its = |name: &&String| {
            let records = self.names.get(name).into_iter().flatten();
            let mut texts = records.filter(|record| record.name == ownership_name(name));
            texts.any(|record| sought.owner.owns_record_text(&record.text()))
        };
        let pointing = sought.hosts.iter().filter_map(|host| self.pointing.get(host));
        let found = owned.filter(is_its).chain(pointing.flatten());
        found.chain(&sought.names).cloned().collect()
    }

    /// Puts a name, by one of the ways in which [`Entries`] takes a fact, into the indexes, too.
    fn put(
        &mut self,
        name: &str,
        fact: impl FnOnce(&mut Entries<Vec<Arc<RecordSet>>>) -> bool,
    ) -> BTreeSet<AppName> {
        let before = self.names.get(name).cloned().unwrap_or_default();
        let is_news = fact(&mut self.names);
        let after = self.names.get(name).cloned().unwrap_or_default();
        if before == after {
            return BTreeSet::new();
        }
        if let Some(keeper) = keeper(name, &before) {
            remove(&mut self.kept, &keeper, name);
        }
        if let Some(keeper) = keeper(name, &after) {
            self.kept.entry(keeper).or_default().insert(name.into());
        }
        let owners = (owner(name, &before), owner(name, &after));
        for host in before.iter().filter_map(|record| record.target()) {
            remove(&mut self.pointing, &host, name);
        }
        if let Some(owner) = &owners.0 {
            remove(&mut self.owned, owner, name);
        }
        for host in after.iter().filter_map(|record| record.target()) {
            self.pointing.entry(host).or_default().insert(name.into());
        }
        if let Some(owner) = &owners.1 {
            self.owned.entry(owner.clone()).or_default().insert(name.into());
        }
        let owners = [owners.0, owners.1].into_iter().flatten();
        let apps = owners.filter(|_| is_news).filter_map(|owner| app(&owner));
        apps.collect()
    }

    /// Takes what was read of one name, or of several.
    pub(super) fn read(
        &mut self,
        names: &BTreeSet<String>,
        records: Vec<RecordSet>,
        asked: Timestamp,
    ) -> BTreeSet<AppName> {
        let mut found = by_name(records.into_iter().map(Arc::new).collect());
        let mut changed = BTreeSet::new();
        for name in names {
            let state = found.remove(name);
            changed.extend(self.put(name, |entries| entries.read(name, state, asked)));
        }
        changed
    }

    /// Returns what a list shows: what is known, if it is as it was, so that it is not there twice until all pages are read.
    fn known_or(&self, shown: RecordSet) -> Arc<RecordSet> {
        let mut known = self.names.get(shown.about()).into_iter().flatten();
        let known = known.find(|known| ***known == shown).cloned();
        known.unwrap_or_else(|| Arc::new(shown))
    }

    /// Takes the whole list; returns which names of Apps it should show and does not, and what changed.
    fn listed(
        &mut self,
        records: Vec<Arc<RecordSet>>,
        asked: Timestamp,
    ) -> (BTreeSet<String>, BTreeSet<AppName>) {
        let found = by_name(records);
        let names: BTreeSet<String> = found.keys().cloned().collect();
        let mut changed = BTreeSet::new();
        for (name, state) in found {
            changed.extend(self.put(&name, |entries| entries.listed(&name, state, asked)));
        }
        let missing = self.names.missing(&names, asked);
        let owned: BTreeSet<&String> = self.owned.values().flatten().collect();
        let (ours, others): (BTreeSet<_>, BTreeSet<_>) =
            missing.into_iter().partition(|name| owned.contains(name));
        for name in others {
            self.put(&name, |entries| entries.read(&name, None, asked));
        }
        (ours, changed)
    }

    /// Takes note that the ownership records of some names were removed. What else is known of the names stays.
    pub(super) fn unmarked(&mut self, names: &BTreeSet<String>, how: Learned) {
        let left = names.iter().filter_map(|name| self.names.get(name)).flatten();
        let left: Vec<_> = left.filter(|record| record.marks().is_none()).cloned().collect();
        self.learned(&left, names, how);
    }

    /// Takes what a pass came to know of some names.
    pub(super) fn learned(&mut self, records: &[Arc<RecordSet>], names: &BTreeSet<String>, how: Learned) {
        for name in names {
            let its = records.iter().filter(|record| record.about() == name);
            let mut its: Vec<_> = its.cloned().collect();
            its.shrink_to_fit();
            self.put(name, |entries| {
                entries.learned(name, (!its.is_empty()).then_some(its.into()), how);
                false
            });
        }
    }
}

#[async_trait]
impl Content for Records {
    type Step = Step;

    const ASKS_FOR_APPS: bool = false;

    fn first() -> Step {
        Step::List(Round::First)
    }

    async fn take(
        unit: &Unit<Self>,
        key: &Key,
        aws: &dyn Aws,
        step: Step,
        _: &Apps,
        clock: Clock<'_>,
    ) -> Result<Found<Step>> {
        let asked = clock();
        let (round, asked, mut pages) = match step {
            Step::List(round) => {
                let mut content = unit.content();
                (content.pages, content.shown) = (RecordPages::default(), Vec::new());
                (round, asked, RecordPages::default())
            }
            Step::More(round, asked) => (round, asked, std::mem::take(&mut unit.content().pages)),
            Step::ByName(name) => {
                let records = aws.list_name(&key.name, &name).await?;
                return Ok(Found::changed(unit.content().read(
                    &[name].into(),
                    records,
                    asked,
                )));
            }
        };
        let more = aws.list_more_records(&key.name, &mut pages).await;
        let mut content = unit.content();
        let more = match more {
            Ok(Some(more)) => more,
            Ok(None) => return Ok(Found::changed(content.clear())),
            Err(error) => {
                content.pages = pages;
                return Err(error);
            }
        };
        let page = pages.take_items().into_iter();
        let page: Vec<_> = page.map(|record| content.known_or(record)).collect();
        content.shown.extend(page);
        if more {
            content.pages = pages;
            return Ok(Found {
                rest: Some(Step::More(round, asked)),
                ..Found::changed(BTreeSet::new())
            });
        }
        content.is_there = true;
        let shown = std::mem::take(&mut content.shown);
        let soa = shown.iter().find(|record| record.kind.as_str() == "SOA");
        content.apex = soa.map(|record| record.name.clone());
        let (missing, changed) = content.listed(shown, asked);
        let next = if round == Round::First && !missing.is_empty() {
            vec![Step::List(Round::Second)]
        } else {
            missing.into_iter().map(Step::ByName).collect()
        };
        Ok(Found {
            next,
            ..Found::changed(changed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::{RecordContent, RecordKind};

    #[test]
    fn a_name_that_is_kept_no_longer_keeps_what_else_is_known_of_it() {
        let record = |name: &str, kind, value: &str| {
            Arc::new(RecordSet {
                name: name.into(),
                kind,
                content: RecordContent::Values {
                    ttl: 60,
                    values: vec![value.into()],
                },
            })
        };
        let name = "acme.example.com";
        let acme = Owner {
            installation: "i-1".into(),
            app: app("shop/acme").unwrap(),
        };
        let of = |namespace: &str| Owner {
            app: app(&format!("{namespace}/other")).unwrap(),
            ..acme.clone()
        };
        let text = crate::model::keeping::kept_text(&acme.record_text("web"), "2026-12-07T08:00:00Z");
        let kept = record(&ownership_name(name), RecordKind::Txt, &format!("\"{text}\""));
        let by_hand = record(name, RecordKind::Cname, "elsewhere.example.net");
        let mut records = Records::default();
        records.listed(vec![kept, by_hand.clone()], Timestamp::UNIX_EPOCH);
        records.is_there = true;
        assert_eq!(
            (records.kept_for(&of("shop")), records.kept_for(&of("blog"))),
            (1, 0)
        );
        let written = Learned::Written("1970-01-01T00:01:00Z".parse().unwrap());
        records.unmarked(&[name.into()].into(), written);
        assert_eq!(records.kept_for(&of("shop")), 0);
        let sought = Sought {
            owner: &acme,
            names: [name.into()].into(),
            hosts: BTreeSet::new(),
        };
        assert_eq!(records.slice(&sought), Some(vec![by_hand]));
    }

    #[test]
    fn a_record_that_a_list_shows_as_it_was_is_not_in_memory_twice() {
        let record = |ttl| RecordSet {
            name: "app.example.com".into(),
            kind: RecordKind::Cname,
            content: RecordContent::Values {
                ttl,
                values: vec!["lb.example.net".into()],
            },
        };
        let known = Arc::new(record(60));
        let mut records = Records::default();
        records.listed(vec![known.clone()], Timestamp::UNIX_EPOCH);
        assert!(Arc::ptr_eq(&records.known_or(record(60)), &known));
        assert_eq!(*records.known_or(record(30)), record(30));
    }
}
