//! The urgency of work for an App: of its passes, and of its writes.

/// Why something is to be done, the most urgent reason first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Somebody changed the object, or made it.
    Edit,
    Deletion,
    /// Another object changed, something failed, or something is pending.
    Repair,
    /// All was well, and is compared with AWS again.
    Resync,
}

impl Rank {
    pub const ALL: [Rank; 4] = [Rank::Edit, Rank::Deletion, Rank::Repair, Rank::Resync];

    pub fn as_str(self) -> &'static str {
        match self {
            Rank::Edit => "edit",
            Rank::Deletion => "deletion",
            Rank::Repair => "repair",
            Rank::Resync => "resync",
        }
    }
}
