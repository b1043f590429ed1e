//! The task definitions that an App's processes run, or may be given.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{self, Aws};
use crate::model::content::CONTENT_TAG;
use crate::model::desired::{Desired, Runs};
use crate::model::name::Arn;
use crate::model::service::TaskDefinition;
use crate::model::state::{Observed, TaskDefinitionState};

/// Reads the task definitions that services and schedules run, and the last reported one of a process that has neither.
/// Where that is not the wanted one, reads the revision that had the wanted content before; and else the newest of the
/// family, which a pass that crashed before it used it may have left.
pub(super) async fn task_definitions(
    aws: &dyn Aws,
    desired: &Desired,
    reported: &BTreeMap<String, Arn>,
    observed: &mut Observed,
) -> aws::Result<()> {
    let services = observed.services.values().map(|s| &s.task_definition);
    let schedules = observed.schedules.values();
    let schedules = schedules.filter_map(|schedule| schedule.task_definition.as_ref());
    let running: BTreeSet<Arn> = services.chain(schedules).cloned().collect();
    // Another installation's, in another cluster, may be the newest of the family: a look there would find it each time.
    let by_hand = desired.processes.iter();
    let by_hand = by_hand
        .filter(|(_, process)| matches!(process.runs, Runs::ByHand(_)))
        .filter_map(|(name, _)| reported.get(name));
    for arn in running.iter().chain(by_hand) {
        if !observed.task_definitions.contains_key(arn)
            && let Some(found) = aws.describe_task_definition(&arn.0).await?
        {
            observed.task_definitions.insert(found.arn.clone(), found);
        }
    }
    let wanted = desired.processes.iter().map(|(name, process)| {
        let content = desired.definition(observed, name, process);
        (process.task_definition.family.clone(), content)
    });
    let wanted: Vec<_> = wanted.collect();
    // Old revisions would pile up with every release.
    let is_wanted = |known: &TaskDefinitionState| {
        let mut wanted = wanted.iter().filter_map(|(_, content)| content.as_ref());
        wanted.any(|content| known.is_of(content, &desired.owner))
    };
    observed
        .task_definitions
        .retain(|arn, known| running.contains(arn) || is_wanted(known));
    for (family, content) in wanted {
        let is_settled = |observed: &Observed| {
            let content = content.as_ref();
            content.is_some_and(|content| is_settled(observed, desired, &family, content))
        };
        let earlier = content.as_ref().and_then(|content| observed.revision_of(content));
        if let Some(arn) = earlier.cloned()
            && !is_settled(observed)
            && !observed.task_definitions.contains_key(&arn)
            && let Some(found) = aws.describe_task_definition(&arn.0).await?
        {
            observed.task_definitions.insert(arn, found);
        }
        if !is_settled(observed)
            && let Some(newest) = aws.describe_task_definition(&family).await?
        {
            let unknown = unknown_before(observed, desired, &newest);
            observed.task_definitions.insert(newest.arn.clone(), newest);
            for arn in unknown {
                if content.is_none() || is_settled(observed) {
                    break;
                }
                if let Some(found) = aws.describe_task_definition(&arn.0).await? {
                    observed.task_definitions.insert(arn, found);
                }
            }
        }
    }
    Ok(())
}

/// Revisions of a family that are looked at before one is registered, the newest included: as many as a status remembers
/// of one process.
const LOOKED_BACK: usize = 10;

/// The revisions before the newest of a family that no status says anything of: it was lost, and one of them may be what
/// would else be registered a second time. Of a family without digests nothing is remembered in any case.
fn unknown_before(observed: &Observed, desired: &Desired, newest: &TaskDefinitionState) -> Vec<Arn> {
    if !desired.owner.owns(&newest.tags) || !newest.tags.contains_key(CONTENT_TAG) {
        return Vec::new();
    }
    let known: BTreeSet<&Arn> = observed.revisions.values().collect();
    let earlier = newest.arn.earlier_revisions().take(LOOKED_BACK - 1);
    let is_unknown = |arn: &Arn| !known.contains(arn) && !observed.task_definitions.contains_key(arn);
    earlier.filter(is_unknown).collect()
}

/// The content is there to be run. One that has its digest, but reads otherwise, and that is not the one which had it
/// before, may be a copy of that.
fn is_settled(observed: &Observed, desired: &Desired, family: &str, content: &TaskDefinition) -> bool {
    let service = observed.services.get(family);
    let runs = service.and_then(|service| observed.running_definition(service));
    // No rollout begins with one that was deregistered.
    let runs = runs.filter(|runs| runs.active && observed.has_content(runs, content, &desired.owner));
    let found = runs.or_else(|| observed.registered(content, &desired.owner));
    found.is_some_and(|found| {
        let earlier = observed.revision_of(content);
        content.is_reported_as(&found.content)
            || earlier.is_none_or(|arn| observed.task_definitions.contains_key(arn))
    })
}
