//! The names for which Route 53 refuses a batch: those that its message is about, else the one that is found by halves.

use std::collections::{BTreeMap, BTreeSet};

use super::Id;
use crate::aws::AwsError;
use crate::model::class::Class;
use crate::model::owner::AppName;
use crate::model::record::{RecordChange, normalize, ownership_name};

/// Names of which at least one is refused. The first travel by themselves; if they are taken, it is among the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    pub first: BTreeSet<Id>,
    pub second: BTreeSet<Id>,
}

impl Trial {
    /// Lets names travel by themselves.
    pub(super) fn alone(names: BTreeSet<Id>) -> Option<Self> {
        (!names.is_empty()).then_some(Trial {
            first: names,
            second: BTreeSet::new(),
        })
    }

    /// Cuts names in half of which one is refused.
    pub(super) fn halves(names: BTreeSet<Id>) -> Option<Self> {
        let half = names.len().div_ceil(2);
        let mut names = names.into_iter();
        let first: BTreeSet<Id> = names.by_ref().take(half).collect();
        let second = names.collect();
        (!first.is_empty()).then_some(Trial { first, second })
    }
}

/// Decides who hears of a refused batch, and which names travel by themselves next. Where it has names of other Apps, too,
/// those that the message is about are tried App by App: each hears of its own names, and nobody because a message was
/// misread.
pub(super) fn of_batch(all: &BTreeSet<Id>, named: &BTreeSet<Id>) -> (BTreeSet<Id>, Vec<Trial>) {
    let none = BTreeSet::new;
    match (all.len(), named.is_empty()) {
        (1, _) => (all.clone(), Vec::new()),
        (_, true) => (none(), Trial::halves(all.clone()).into_iter().collect()),
        (_, false) if are_of_several(all) => (none(), each_app(named)),
        (_, false) => (named.clone(), Vec::new()),
    }
}

/// True if names are of more than one App.
pub(super) fn are_of_several(names: &BTreeSet<Id>) -> bool {
    let app = |id: Option<&Id>| id.map(|(app, _)| app.clone());
    // They are in the order of their Apps.
    app(names.first()) != app(names.last())
}

/// Lets the names of each App travel by themselves.
pub(super) fn each_app(names: &BTreeSet<Id>) -> Vec<Trial> {
    let mut apps: BTreeMap<&AppName, BTreeSet<Id>> = BTreeMap::new();
    for id in names {
        apps.entry(&id.0).or_default().insert(id.clone());
    }
    apps.into_values().filter_map(Trial::alone).collect()
}

/// True if one name may be the reason: a policy may deny single names
/// (`route53:ChangeResourceRecordSetsNormalizedRecordNames`), a quota leaves room for some, an input is one record's.
pub(super) fn may_be_about_one(error: &AwsError) -> bool {
    match error.class() {
        Class::Denied => !error.is_about_credentials(),
        Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => true,
        Class::Transient | Class::Throttled => false,
    }
}

/// Returns the names that a message is about: by themselves, by their ownership record, or by the host that they point at.
/// Route 53's messages hold names as `[name='a.example.com.', type='CNAME']`, `DNS name a.example.com.` and
/// `targets b.example.net., type A`: <https://docs.aws.amazon.com/Route53/latest/APIReference/API_ChangeResourceRecordSets.html>.
///
/// It decides only which names are tried together: misread, it costs calls.
pub(super) fn named_in<'a>(
    message: &str,
    names: impl Iterator<Item = (&'a Id, &'a [RecordChange])>,
) -> BTreeSet<Id> {
    // As Route 53 spells an asterisk: <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>.
    let message = message.replace("\\052", "*");
    let is_between = |c: char| !(c.is_ascii_alphanumeric() || "-_.*".contains(c));
    let said: BTreeSet<String> = message.split(is_between).map(normalize).collect();
    let points_at_one = |change: &RecordChange| {
        let target = change.record().target();
        target.is_some_and(|target| said.contains(&target))
    };
    let is_meant = |name: &String, changes: &[RecordChange]| {
        said.contains(name) || said.contains(&ownership_name(name)) || changes.iter().any(points_at_one)
    };
    let meant = names.filter(|((_, name), changes)| is_meant(name, changes));
    meant.map(|(id, _)| id.clone()).collect()
}

#[cfg(test)]
mod tests;
