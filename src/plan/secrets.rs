//! Processes that name a secret that is not there, or whose ARN is not known: what would hold it waits, and what runs goes on.

use super::view::View;
use super::{Obstacle, ObstacleKind, Plan};
use crate::model::secret::SecretWait;

pub(super) fn plan(view: &View<'_>, plan: &mut Plan) {
    let processes = view.desired.processes.iter();
    let waits = processes.filter_map(|(process, wanted)| Some((process, wanted.awaited_secret.as_ref()?)));
    plan.obstacles.extend(waits.map(|(process, awaited)| Obstacle {
        process: process.clone(),
        kind: match awaited.wait {
            SecretWait::Missing => ObstacleKind::SecretMissing,
            SecretWait::Unread => ObstacleKind::SecretUnread,
        },
        message: format!("process {process}: {}", awaited.message),
    }));
}

#[cfg(test)]
mod tests;
