//! Replaces the tasks of a service once for each change of its secrets, by ECS's forced deployment.
//!
//! What is first seen is remembered, and replaces nothing. A change is recorded in the status with the deployment that is there;
//! then the tasks are replaced, unless another deployment has begun since: its tasks have read the new values. So no crash, and
//! no lost reply, loses the change or makes it twice.

use super::Update;
use crate::model::rollout::{SecretChange, Submission};
use crate::model::secret::SecretVersions;
use crate::plan::{Pending, Plan};

impl Update<'_> {
    /// Returns the versions that the tasks have, or are to have, as far as they are known.
    pub(super) fn secret_versions(&self) -> Option<&String> {
        match &self.service.secret_versions {
            SecretVersions::Ignored => None,
            SecretVersions::Known(versions) => Some(versions),
            SecretVersions::Unknown => self.submitted()?.secrets.as_ref(),
        }
    }

    /// Returns versions for which no task was replaced yet.
    pub(super) fn changed_secrets(&self) -> Option<&String> {
        let wanted = self.service.secret_versions.known()?;
        let read = self.submitted()?.secrets.as_ref()?;
        (wanted != read).then_some(wanted)
    }

    /// Returns those for which they are to be replaced now: the change is recorded, and nothing has begun since.
    pub(super) fn due_secrets(&self) -> Option<String> {
        let changed = self.changed_secrets()?;
        let recorded = self.submitted()?.secret_change.as_ref()?;
        let primary = self.found.primary()?;
        let is_due = recorded.versions == *changed && primary.id == recorded.after;
        is_due.then(|| changed.clone())
    }

    /// Returns a submission with what is to be remembered of its secrets.
    pub(super) fn with_secrets(&self, plan: &mut Plan, submitted: Submission) -> Submission {
        let wanted = match &self.service.secret_versions {
            SecretVersions::Ignored => {
                return Submission {
                    secrets: None,
                    secret_change: None,
                    ..submitted
                };
            }
            SecretVersions::Unknown => return submitted,
            SecretVersions::Known(wanted) => wanted,
        };
        let Some(primary) = self.found.primary() else {
            return submitted;
        };
        let has_read = submitted.secrets.as_ref().is_none_or(|read| read == wanted);
        let change = match submitted.secret_change {
            Some(change) if !has_read && change.versions == *wanted => {
                // Else what has begun since has read them.
                (primary.id == change.after).then_some(change)
            }
            _ if has_read => None,
            Some(_) | None => {
                plan.pending.push(Pending::SecretChange {
                    process: self.process.into(),
                });
                Some(SecretChange {
                    versions: wanted.clone(),
                    after: primary.id.clone(),
                })
            }
        };
        Submission {
            secrets: if change.is_none() {
                Some(wanted.clone())
            } else {
                submitted.secrets
            },
            secret_change: change,
            ..submitted
        }
    }
}

#[cfg(test)]
mod tests;
