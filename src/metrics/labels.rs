//! The values that labels have. Each is declared once, with its text in the series.

/// Declares the values of a label: an enum, all of its variants, and their texts.
macro_rules! values {
    ($(#[$about:meta])* $name:ident { $($(#[$of:meta])* $value:ident => $text:literal,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$of])* $value,)+
        }

        impl $name {
            pub const ALL: [Self; [$($text),+].len()] = [$($name::$value),+];

            /// Returns the value of the label.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $text,)+
                }
            }
        }
    };
}

values! {
    /// The kinds of objects that have passes, and the names of their queues.
    Controller {
        App => "app",
        Platform => "platform",
        Run => "run",
    }
}

values! {
    /// The result of a pass, in controller-runtime's words.
    PassResult {
        /// All is well: the next pass is the resync, or none.
        Success => "success",
        /// Something is pending, and is looked at again after a time.
        RequeueAfter => "requeue_after",
        /// It gave its slot back, and goes on in its turn.
        Requeue => "requeue",
        /// Something failed, or is in the way.
        Error => "error",
    }
}

values! {
    /// A step in the life of a rollout.
    RolloutStep {
        Started => "started",
        Completed => "completed",
        Failed => "failed",
        RolledBack => "rolled_back",
    }
}

values! {
    /// Something wanted that belongs to another.
    Conflict {
        /// A name in AWS or DNS, or host ports of a cluster, of another owner.
        Owner => "owner",
        /// A host port that another claimed first; the next free one is tried at once.
        HostPort => "host_port",
    }
}

values! {
    /// The result of an attempt at an AWS call: the classes of `model::class`, and what is no trouble.
    AwsResult {
        Ok => "ok",
        /// The resource is not there.
        Absent => "absent",
        /// Right, but not ready yet.
        Pending => "pending",
        /// The world was not as it was observed.
        Stale => "stale",
        Throttled => "throttled",
        Transient => "transient",
        Denied => "denied",
        Refused => "refused",
        Bug => "bug",
    }
}

values! {
    /// The result of a batch of DNS names.
    BatchResult {
        Ok => "ok",
        /// Route 53 refused it for one of its names, so that the others go again.
        Refused => "refused",
        /// It failed as a whole.
        Failed => "failed",
    }
}
