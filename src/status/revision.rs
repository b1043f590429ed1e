//! The revisions that an App's processes ran, as its status remembers them: an index by content, which ECS does not have.

use crate::api::app::{AppStatus, RevisionStatus};
use crate::model::content::CONTENT_TAG;
use crate::model::desired::Desired;
use crate::model::name::Arn;
use crate::model::small_map::SmallMap;
use crate::reconcile::Outcome;

/// So many releases back, content that is wanted again is found.
const REVISIONS: usize = 10;

/// By the digest of its content.
pub fn revisions(status: Option<&AppStatus>) -> SmallMap<String, Arn> {
    let revisions = status.into_iter().flat_map(|status| &status.revisions);
    revisions
        .map(|known| (known.content.clone(), Arn(known.task_definition.clone())))
        .collect()
}

/// Returns the revisions known before, and in front of them those that this pass found. Of two with one content the elder
/// stays, unless it is gone: the other is a copy of it. One of a process that is gone stays, too, since it may come back.
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
            content: found.tags.get(CONTENT_TAG)?.to_string(),
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::desired::fixtures::app;
    use crate::model::content::tagged;
    use crate::model::state::TaskDefinitionState;
    use crate::plan::fixtures::settled;
    use crate::status::tests::{outcome, wanted};

    fn entry(content: &str, revision: &str) -> RevisionStatus {
        RevisionStatus {
            content: content.into(),
            task_definition: revision.into(),
        }
    }

    /// Returns the memory of a pass that finds web's task definition with this digest as revision 2, in this state.
    fn found(digest: Option<&str>, active: bool, before: &[RevisionStatus]) -> Vec<RevisionStatus> {
        let desired = wanted(&app(json!({ "web": { "command": "run" } })));
        let mut world = settled(&desired);
        let content = &desired.processes["web"].task_definition;
        let mut tags = tagged(desired.processes["web"].tags(), content);
        tags.remove(CONTENT_TAG);
        tags.extend(digest.map(|digest| (CONTENT_TAG.into(), digest.into())));
        let state = TaskDefinitionState {
            arn: Arn("web:2".into()),
            content: content.clone(),
            active,
            tags,
        };
        world.task_definitions = [(state.arn.clone(), state)].into_iter().collect();
        remembered(&desired, &outcome(&desired, world), before)
    }

    #[test]
    fn the_newest_content_comes_first_and_what_has_no_digest_not_at_all() {
        let before = [entry("1-b", "web:1")];
        assert_eq!(
            found(Some("1-a"), true, &before),
            [entry("1-a", "web:2"), entry("1-b", "web:1")]
        );
        assert_eq!(found(None, true, &before), before);
        assert_eq!(found(Some("1-a"), false, &before), before);
    }

    #[test]
    fn of_two_with_one_content_the_elder_stays_unless_it_is_gone() {
        // Not read in this pass, and so as good as gone: whoever needs it reads it first.
        assert_eq!(
            found(Some("1-a"), true, &[entry("1-a", "web:1")]),
            [entry("1-a", "web:2")]
        );
        let known = [entry("1-b", "web:3"), entry("1-a", "web:2")];
        assert_eq!(found(Some("1-a"), true, &known), known);
    }

    #[test]
    fn as_many_are_remembered_as_a_status_can_hold() {
        let before: Vec<_> = (0..REVISIONS)
            .map(|n| entry(&format!("1-{n}"), &format!("worker:{n}")))
            .collect();
        let after = found(Some("1-a"), true, &before);
        assert_eq!(after.len(), REVISIONS);
        assert_eq!((&after[0], &after[1]), (&entry("1-a", "web:2"), &before[0]));
    }
}
