//! The changes that `plan` prints beforehand, as lines that can be compared with those that are made.

use empire_controller::change::{Change, RecordBatch, Write};
use std::collections::BTreeMap;

use crate::world::World;

/// By App, what `plan` says of it.
pub(crate) fn foretell(world: &World) -> BTreeMap<String, Vec<String>> {
    let before = world.aws.writes().len();
    let foretold = world.keys().into_iter().map(|key| {
        let changes = match world.dry_run(&key) {
            Ok(dry_run) => dry_run.changes().map(anywhere).collect(),
            Err(_) => Vec::new(),
        };
        (key, changes)
    });
    let foretold = foretold.collect();
    assert_eq!(world.aws.writes().len(), before, "a dry run writes nothing");
    foretold
}

/// A change with the name of a load balancer for the DNS name that AWS chooses.
pub(crate) fn anywhere(change: &Change) -> String {
    let text = change.to_string().replace("<dns name of ", "").replace('>', "");
    let named = |word: &str| {
        let comma = if word.ends_with(',') { "," } else { "" };
        let host = word.trim_end_matches(',');
        // Those of network load balancers have it the other way round.
        let domains = [".us-east-1.elb.amazonaws.com", ".elb.us-east-1.amazonaws.com"];
        let host = domains.iter().find_map(|domain| host.strip_suffix(domain))?;
        let (name, _) = host.strip_prefix("internal-").unwrap_or(host).rsplit_once('-')?;
        Some(format!("{name}{comma}"))
    };
    let words = text
        .split(' ')
        .map(|word| named(word).unwrap_or_else(|| word.into()));
    words.collect::<Vec<_>>().join(" ")
}

/// The changes of each process in their order, and those of names one by one: which of them become ready together
/// depends on how long each takes.
pub(crate) fn by_process<'a>(
    changes: impl Iterator<Item = &'a Change>,
) -> BTreeMap<Option<String>, Vec<String>> {
    let mut found: BTreeMap<Option<String>, Vec<String>> = BTreeMap::new();
    for change in changes {
        let process = found.entry(change.process().map(Into::into)).or_default();
        if let Write::Records(RecordBatch { zone, changes }) = &change.write {
            process.extend(changes.iter().map(|change| {
                anywhere(
                    &RecordBatch {
                        zone: zone.clone(),
                        changes: vec![change.clone()],
                    }
                    .into(),
                )
            }));
            process.sort();
        } else {
            process.push(anywhere(change));
        }
    }
    found
}
