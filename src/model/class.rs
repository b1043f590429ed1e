//! The classes of trouble.
//!
//! The class alone decides when an App is tried again, and what its conditions say.

/// A kind of trouble, by who can end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A service, the network or the API server was out of order for a moment.
    Transient,
    /// AWS asks for fewer calls.
    Throttled,
    /// The cluster operator must act: permissions, credentials, a quota, something missing.
    Denied,
    /// AWS refused for a reason that may heal without an edit.
    Refused,
    /// A name, a port or a record belongs to somebody else.
    Conflict,
    /// The manifest must change.
    Invalid,
    /// An invariant of ours broke.
    Bug,
}

impl Class {
    /// True for trouble that will be over in a moment without anybody's help.
    pub fn is_passing(self) -> bool {
        match self {
            Class::Transient | Class::Throttled => true,
            Class::Denied | Class::Refused | Class::Conflict | Class::Invalid | Class::Bug => false,
        }
    }
}
