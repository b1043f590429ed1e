//! Route 53: batches that happen whole or not at all, creates that collide, deletes that must match.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use empire_controller::aws::{self, RecordPages, Result};
use empire_controller::model::record::{
    RecordChange, RecordContent, RecordKind, RecordSet, normalize, ownership_name,
};

use super::billed::RECORDS_PAGE;
use super::invariants::holders_of_names;
use super::{FakeAws, State, refuse};

const GET_HOSTED_ZONE: &str = "route53:GetHostedZone";
const LIST_RECORDS: &str = "route53:ListResourceRecordSets";
const CHANGE_RECORDS: &str = "route53:ChangeResourceRecordSets";

const NO_ZONE: &str = "NoSuchHostedZone";
const INVALID: &str = "InvalidChangeBatch";
const RECORDS_PER_BATCH: usize = 1_000;
const CHARACTERS_PER_BATCH: usize = 32_000;

#[derive(Clone, Debug, Default)]
pub(super) struct Route53 {
    pub(super) zones: BTreeMap<String, Zone>,
    /// The pages that follow the last one.
    following: Option<(Start, Vec<RecordSet>)>,
}

/// What a page of a list begins with.
type Start = (Option<String>, Option<String>, Option<String>);

#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) name: String,
    pub(super) records: Vec<RecordSet>,
}

/// Where a record set stands in a list.
fn place(name: &str, kind: &str) -> (Vec<String>, String) {
    (name.rsplit('.').map(str::to_owned).collect(), kind.to_owned())
}

impl Zone {
    /// With the records that every zone has.
    pub(super) fn new(name: &str) -> Self {
        let apex = |kind: &str, value: &str| RecordSet {
            name: name.into(),
            kind: RecordKind::Other(kind.into()),
            content: RecordContent::Values {
                ttl: 900,
                values: vec![value.into()],
            },
        };
        Zone {
            name: name.into(),
            records: vec![
                apex("NS", "ns-1.example.net."),
                apex(
                    "SOA",
                    "ns-1.example.net. admin.example.net. 1 7200 900 1209600 86400",
                ),
            ],
        }
    }

    /// With these names alone: no rule is about more than one.
    fn only(&self, names: &BTreeSet<String>) -> Zone {
        let its = self.records.iter().filter(|record| names.contains(&record.name));
        Zone {
            name: self.name.clone(),
            records: its.cloned().collect(),
        }
    }

    /// As Route 53 lists them: by the labels from the right.
    fn sorted(&self) -> Vec<RecordSet> {
        let mut records = self.records.clone();
        records.sort_by_cached_key(|record| place(&record.name, record.kind.as_str()));
        records
    }

    fn delete(&mut self, record: &RecordSet) -> std::result::Result<(), String> {
        let same_set = |known: &RecordSet| known.name == record.name && known.kind == record.kind;
        let Some(at) = self.records.iter().position(same_set) else {
            return Err(format!(
                "Tried to delete resource record set [name='{}.', type='{:?}'] but it was not found",
                record.name, record.kind
            ));
        };
        if !is_match(&self.records[at], record) {
            return Err(format!(
                "Tried to delete resource record set [name='{}.', type='{:?}'] but the values provided do not match the current values",
                record.name, record.kind
            ));
        }
        self.records.remove(at);
        Ok(())
    }

    fn create(&mut self, record: &RecordSet) -> std::result::Result<(), String> {
        let RecordSet { name, kind, content } = record;
        if name != &self.name && !name.ends_with(&format!(".{}", self.name)) {
            return Err(format!(
                "RRSet with DNS name {name}. is not permitted in zone {}.",
                self.name
            ));
        }
        if self
            .records
            .iter()
            .any(|known| &known.name == name && &known.kind == kind)
        {
            return Err(format!(
                "Tried to create resource record set [name='{name}.', type='{kind:?}'] but it already exists"
            ));
        }
        let is_cname = kind == &RecordKind::Cname;
        if is_cname && name == &self.name {
            return Err(format!(
                "RRSet of type CNAME with DNS name {name}. is not permitted at apex"
            ));
        }
        let beside = |known: &RecordSet| &known.name == name && (is_cname || known.kind == RecordKind::Cname);
        if self.records.iter().any(beside) {
            return Err(format!(
                "RRSet of type {kind:?} with DNS name {name}. is not permitted as it conflicts with other records with the same DNS name"
            ));
        }
        check_content(record)?;
        let content = match content {
            RecordContent::Alias {
                target,
                zone_id,
                evaluate_target_health,
            } => RecordContent::Alias {
                target: normalize(target),
                zone_id: zone_id.clone(),
                evaluate_target_health: *evaluate_target_health,
            },
            RecordContent::Values { .. } | RecordContent::Routed { .. } => content.clone(),
        };
        self.records.push(RecordSet {
            content,
            ..record.clone()
        });
        Ok(())
    }
}

/// Aliases compare without case and dot, everything else as it is.
fn is_match(known: &RecordSet, given: &RecordSet) -> bool {
    match (&known.content, &given.content) {
        (
            RecordContent::Alias {
                zone_id,
                evaluate_target_health,
                ..
            },
            RecordContent::Alias {
                zone_id: given_zone,
                evaluate_target_health: given_health,
                ..
            },
        ) => {
            known.target() == given.target()
                && zone_id == given_zone
                && evaluate_target_health == given_health
        }
        (known, given) => known == given,
    }
}

/// Returns what stands between quotes in the value of a TXT record, and `None` for what does not.
fn quoted(value: &str) -> Vec<Option<&str>> {
    let mut strings = Vec::new();
    for (number, part) in value.split('"').enumerate() {
        if number % 2 == 1 {
            strings.push(Some(part));
        } else if !part.trim().is_empty() {
            strings.push(None);
        }
    }
    if value.matches('"').count() % 2 == 1 {
        strings.push(None);
    }
    strings
}

fn check_content(record: &RecordSet) -> std::result::Result<(), String> {
    match (&record.kind, &record.content) {
        (_, RecordContent::Routed { .. }) => Err("a routing policy needs an identifier".into()),
        (RecordKind::Cname, RecordContent::Alias { .. }) => Err("a CNAME is no alias".into()),
        (_, RecordContent::Values { values, .. }) if values.is_empty() => Err("no values".into()),
        (RecordKind::Cname, RecordContent::Values { values, .. }) => {
            if values.len() > 1 || values[0] == record.name {
                return Err(format!("InvalidCNAME: {values:?}"));
            }
            Ok(())
        }
        (RecordKind::Txt, RecordContent::Values { values, .. }) => {
            let mut strings = values.iter().flat_map(|value| quoted(value));
            match strings.find(|string| string.is_none_or(|string| string.len() > 255)) {
                Some(_) => Err(format!("InvalidCharacterString: {values:?}")),
                None => Ok(()),
            }
        }
        (_, RecordContent::Alias { .. })
        | (RecordKind::A | RecordKind::Other(_), RecordContent::Values { .. }) => Ok(()),
    }
}

/// An alias must point at something that exists, where it says.
fn check_aliases(state: &State, changes: &[RecordChange]) -> std::result::Result<(), String> {
    for change in changes {
        let RecordChange::Create(record) = change else {
            continue;
        };
        let RecordContent::Alias { target, zone_id, .. } = &record.content else {
            continue;
        };
        let target = normalize(target);
        let mut all = state.elbv2.load_balancers.values();
        if !all.any(|found| normalize(&found.dns_name) == target && &found.zone_id == zone_id) {
            return Err(format!(
                "Tried to create an alias that targets {target}., type A in zone {zone_id}, but that target was not found"
            ));
        }
    }
    Ok(())
}

fn check_size(changes: &[RecordChange]) -> std::result::Result<(), String> {
    let values = |change: &RecordChange| match &change.record().content {
        RecordContent::Values { values, .. } => values.clone(),
        RecordContent::Alias { .. } | RecordContent::Routed { .. } => Vec::new(),
    };
    let (mut records, mut characters) = (0, 0);
    for change in changes {
        records += values(change).len().max(1);
        characters += values(change).iter().map(String::len).sum::<usize>();
    }
    if records > RECORDS_PER_BATCH {
        return Err(format!(
            "Number of records limit of {RECORDS_PER_BATCH} exceeded."
        ));
    }
    if characters > CHARACTERS_PER_BATCH {
        return Err(format!(
            "Number of characters limit of {CHARACTERS_PER_BATCH} exceeded."
        ));
    }
    Ok(())
}

#[async_trait]
impl aws::Route53 for FakeAws {
    async fn zone_name(&self, zone_id: &str) -> Result<Option<String>> {
        self.read(GET_HOSTED_ZONE, zone_id, |state| {
            Ok(state.route53.zones.get(zone_id).map(|zone| zone.name.clone()))
        })
    }

    async fn list_more_records(&self, zone_id: &str, pages: &mut RecordPages) -> Result<Option<bool>> {
        let from = pages.next().cloned();
        let Some(mut rest) = self.list_from(zone_id, from.as_ref())? else {
            return Ok(None);
        };
        let following = rest.split_off(rest.len().min(RECORDS_PAGE));
        let next = following.first().map(|record| {
            let (name, kind) = (record.name.clone(), record.kind.as_str().to_owned());
            (Some(name), Some(kind), None)
        });
        let mut state = self.lock();
        state.route53.following = next.clone().map(|next| (next, following));
        pages.add(LIST_RECORDS, rest, next).map(Some)
    }

    async fn list_name(&self, zone_id: &str, name: &str) -> Result<Vec<RecordSet>> {
        self.read(LIST_RECORDS, &format!("{zone_id} {name}"), |state| {
            let Some(zone) = state.route53.zones.get(zone_id) else {
                return refuse(
                    LIST_RECORDS,
                    NO_ZONE,
                    format!("No hosted zone found with ID: {zone_id}"),
                );
            };
            let (name, ownership) = (normalize(name), ownership_name(&normalize(name)));
            let names = [name, ownership].into();
            Ok(zone.only(&names).sorted())
        })
    }
}

impl FakeAws {
    /// The rest of a list, from its beginning or from where a page of it ended.
    fn list_from(&self, zone_id: &str, from: Option<&Start>) -> Result<Option<Vec<RecordSet>>> {
        let name = from.and_then(|from| from.0.as_deref());
        let about = name.map_or(zone_id.to_owned(), |name| format!("{zone_id} from {name}"));
        if let Some(from) = from {
            let is_it = |(known, _): &mut (Start, _)| known == from;
            let following = self.lock().route53.following.take_if(is_it);
            if let Some((_, following)) = following {
                // A list may be as old as its first page.
                return self.read(LIST_RECORDS, &about, |_| Ok(Some(following)));
            }
        }
        let found = self.list(LIST_RECORDS, &about, |state| {
            let zone = state.route53.zones.get(zone_id);
            Ok(zone.map(|zone| {
                let holders = holders_of_names(&zone.records);
                let listed = zone.sorted().into_iter();
                listed
                    .map(|record| {
                        let name = record.name.strip_prefix("_empire.").unwrap_or(&record.name);
                        let holder = holders.get(&ownership_name(name)).cloned();
                        (record, holder)
                    })
                    .collect()
            }))
        })?;
        let from = from.cloned().unwrap_or_default();
        let from = place(&from.0.unwrap_or_default(), &from.1.unwrap_or_default());
        Ok(found.map(|mut found| {
            // What the page began with may have gone since.
            found.split_off(found.partition_point(|record| place(&record.name, record.kind.as_str()) < from))
        }))
    }
}

#[async_trait]
impl aws::Route53Writes for FakeAws {
    async fn change_records(&self, zone_id: &str, changes: &[RecordChange]) -> Result<()> {
        self.write(CHANGE_RECORDS, format!("{zone_id} {}", about(changes)), |state| {
            let Some(zone) = state.route53.zones.get(zone_id) else {
                if changes
                    .iter()
                    .all(|change| matches!(change, RecordChange::Delete(_)))
                {
                    return Ok(());
                }
                return refuse(
                    CHANGE_RECORDS,
                    NO_ZONE,
                    format!("No hosted zone found with ID: {zone_id}"),
                );
            };
            if changes.is_empty() {
                return refuse(CHANGE_RECORDS, "InvalidInput", "The batch is empty");
            }
            let names: BTreeSet<String> = changes
                .iter()
                .map(|change| change.record().name.clone())
                .collect();
            let mut zone = zone.only(&names);
            let mut errors: Vec<String> = Vec::new();
            errors.extend(check_size(changes).err());
            errors.extend(check_aliases(state, changes).err());
            for change in changes {
                let applied = match change {
                    RecordChange::Delete(record) => zone.delete(record),
                    RecordChange::Create(record) => zone.create(record),
                };
                errors.extend(applied.err());
            }
            if !errors.is_empty() {
                return refuse(CHANGE_RECORDS, INVALID, format!("[{}]", errors.join(", ")));
            }
            if let Some(whole) = state.route53.zones.get_mut(zone_id) {
                whole.records.retain(|record| !names.contains(&record.name));
                whole.records.append(&mut zone.records);
            }
            Ok(())
        })
    }
}

fn about(changes: &[RecordChange]) -> String {
    let words: Vec<String> = changes
        .iter()
        .map(|change| {
            let sign = if matches!(change, RecordChange::Delete(_)) {
                '-'
            } else {
                '+'
            };
            format!("{sign}{}", change.record().name)
        })
        .collect();
    words.join(" ")
}
