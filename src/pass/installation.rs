//! The owner id that this installation goes by.

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installation {
    Known {
        id: String,
        /// The one that it takes the place of, as the operator says.
        replaces: Option<String>,
    },
    /// Neither is to be trusted: after a restore into another cluster, or with a mistyped flag.
    Changed {
        recorded: String,
        /// The object that records it.
        recorded_by: String,
        found: String,
        /// True if it was given as a flag.
        explicit: bool,
    },
}

impl Installation {
    /// The owner id, or why nothing may be written.
    pub fn id(&self) -> Result<&str, String> {
        match self {
            Installation::Known { id, .. } => Ok(id),
            Installation::Changed {
                recorded,
                recorded_by,
                found,
                explicit,
            } => {
                let whose = if *explicit { "--owner-id" } else { "this cluster's" };
                Err(format!(
                    "{recorded_by} records owner id {recorded}, but {whose} is {found}: {}",
                    advice(recorded)
                ))
            }
        }
    }

    /// The owner id that the controller was started with, trusted or not: replicas that go by one take turns.
    pub fn of_leases(&self) -> &str {
        match self {
            Installation::Known { id, .. } => id,
            Installation::Changed { found, .. } => found,
        }
    }

    /// Why nothing may be written for an App whose resources carry this owner id, if they are not ours.
    pub fn contradiction(&self, recorded: &str) -> Option<String> {
        match self {
            Installation::Known { id, replaces } => {
                let is_ours = id == recorded || replaces.as_deref() == Some(recorded);
                (!is_ours).then(|| {
                    format!(
                        "what this App has in AWS carries owner id {recorded}, but the controller's is {id}: {}",
                        advice(recorded)
                    )
                })
            }
            Installation::Changed { .. } => self.id().err(),
        }
    }
}

/// The same for every way in which an owner id can be wrong, and never with the wrong one as the one to take.
fn advice(recorded: &str) -> String {
    format!(
        "start the controller with --owner-id {recorded} to go on with what it owns in AWS. Only to leave all of that where \
         it is and begin anew, name it in --replace-owner-id {recorded}"
    )
}
