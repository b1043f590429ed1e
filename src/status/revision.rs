//! What a status remembers of the revisions that an App's processes ran: an index by content, which ECS does not have.

use std::collections::BTreeMap;

use crate::api::app::{AppStatus, RevisionStatus};
use crate::model::content::CONTENT_TAG;
use crate::model::desired::Desired;
use crate::model::name::Arn;
use crate::reconcile::Outcome;

/// So many releases back, content that is wanted again is found.
const REVISIONS: usize = 10;

/// By the digest of its content.
pub fn revisions(status: Option<&AppStatus>) -> BTreeMap<String, Arn> {
    let revisions = status.into_iter().flat_map(|status| &status.revisions);
    revisions
        .map(|known| (known.content.clone(), Arn(known.task_definition.clone())))
        .collect()
}

/// What was known before, and in front of it what this pass found. Of two with one content the elder stays, unless it is
/// gone: the other is a copy of it. One of a process that is gone stays, too, since it may come back.
pub(super) fn remembered(
    desired: &Desired,
    outcome: &Outcome,
    before: &[RevisionStatus],
) -> Vec<RevisionStatus> {
    let observed = &outcome.observed.task_definitions;
    let found = observed
        .values()
        .filter(|found| found.active && desired.owner.owns(&found.tags));
    let found = found.filter_map(|found| {
        Some(RevisionStatus {
            content: found.tags.get(CONTENT_TAG)?.clone(),
            task_definition: found.arn.0.clone(),
        })
    });
    let found: Vec<RevisionStatus> = found.collect();
    let is_there = |known: &&RevisionStatus| {
        let state = observed.get(&Arn(known.task_definition.clone()));
        state.is_some_and(|state| state.active) || found.iter().all(|found| found.content != known.content)
    };
    let known: Vec<&RevisionStatus> = before.iter().filter(is_there).collect();
    let is_new = |found: &&RevisionStatus| known.iter().all(|known| known.content != found.content);
    let all = found.iter().filter(is_new).chain(known.iter().copied());
    let most = REVISIONS * desired.processes.len().max(1);
    all.take(most).cloned().collect()
}
