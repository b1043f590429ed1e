//! Conditions of an App and of a Platform: their types, and every reason they give.
//!
//! A closed list, on which alerts and scripts may rely: a reason is added with a release note, and none changes its
//! meaning. Messages are for people and may change at any time.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;

/// The types of conditions. `Reconciling` and `Stalled` are there only while true, and never together, so that kstatus,
/// `kubectl wait` and Flux come to one verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    /// True: AWS is as this generation of the manifest wants it, and nothing is left to do or to wait for.
    Ready,
    /// True: something is under way, or is tried again until another manifest or an operator has brought what it needs.
    /// Beside a true Ready: calls fail, and nothing shows that this generation is not served.
    Reconciling,
    /// True: something is stuck, and nothing else is under way.
    Stalled,
}

impl ConditionType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Reconciling => "Reconciling",
            Self::Stalled => "Stalled",
        }
    }

    /// Returns the condition of this type. There is one of each at most.
    pub fn find(self, conditions: &[Condition]) -> Option<&Condition> {
        conditions
            .iter()
            .find(|condition| condition.type_ == self.as_str())
    }

    /// True if there is a condition of this type, and it is true.
    pub fn is_true(self, conditions: &[Condition]) -> bool {
        self.find(conditions)
            .is_some_and(|condition| condition.status == "True")
    }
}

/// Makes an enum whose variants' names are what users read.
macro_rules! reasons {
    ($(#[$about:meta])* $name:ident; $($(#[$doc:meta])* $reason:ident,)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name {
            $($(#[$doc])* $reason,)*
        }

        impl $name {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$reason,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$reason => stringify!($reason),)*
                }
            }

            /// Returns the one that has this name.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.as_str() == name)
            }
        }
    };
}
pub(super) use reasons;

reasons! {
    /// Says why a condition is as it is, and who acts.
    Reason;
    /// AWS is as the manifest wants it; of a Platform: Apps can use it. Nobody needs to act.
    Available,
    /// The controller is comparing, changing, or waiting for AWS to finish something other than a rollout. Nobody needs to
    /// act.
    Progressing,
    /// The task of the release phase is started, or runs; nothing else is given new content before it has succeeded. Nobody needs to
    /// act, unless the message tells the developer why it does not start.
    ReleaseInProgress,
    /// The task of the release phase ended with another exit code than 0, did not start or took longer than `release.timeout`; the
    /// message says which, and where its log is. The old release goes on. The developer edits the App, or gives the
    /// annotation `empire.dev/redeploy` a new value.
    ReleaseFailed,
    /// Nobody saw how the task of the release phase ended, or if it was started: it may have run, and is not run again by itself.
    /// The developer looks, and then gives the annotation `empire.dev/redeploy` a new value, or edits the App.
    ReleaseUnknown,
    /// The App of a Run does not exist. The developer makes it, or a Run of another one.
    AppNotFound,
    /// The App of a Run has not registered the process in AWS yet, or has no Platform. It is looked at again. Nobody needs to act,
    /// unless the App itself is not Ready.
    NotReleased,
    /// The task of a Run is started, and has not been seen running yet; the message says why, where ECS has said it. Nobody needs to
    /// act, unless the message tells the developer why it does not start.
    RunStarting,
    /// The command of a Run runs. Nobody needs to act.
    RunInProgress,
    /// The command of a Run ended with exit code 0. Nobody needs to act.
    RunSucceeded,
    /// The task of a Run ended otherwise: with another exit code, or without one. The message says which, and where its log is. It is
    /// not run again: the developer makes another Run.
    RunFailed,
    /// A Run did not start, or did not end, within its `timeout`; what ran was stopped. The developer makes another Run, with more
    /// time.
    DeadlineExceeded,
    /// Nobody saw how the task of a Run ended, or if it was started: it may have run, and is not run again. The developer looks, and
    /// then makes another Run.
    RunUnknown,
    /// ECS is replacing tasks; the message has its newest event. Nobody needs to act, unless the event tells the developer
    /// why no task comes up.
    RolloutInProgress,
    /// ECS gave a rollout up, rolled it back, or took longer over it than `deploy.progressDeadline`; the message has ECS's own.
    /// The same is not tried again. The developer edits the process, or gives the annotation `empire.dev/redeploy` a
    /// new value.
    RolloutFailed,
    /// `suspend` is set and something would have to change; the message says what. Whoever suspended the App acts.
    Suspended,
    /// The App is being deleted and removes what it holds in AWS; or the Platform is, and waits for the Apps that the
    /// message counts. Of an App, nobody needs to act; of a Platform, whoever owns those Apps does.
    Deleting,
    /// The definition of Apps is being deleted, which deletes every App, and does not say what happens to their resources in
    /// AWS. None of those is deleted. The operator annotates the definition as the message says.
    UninstallUnsaid,
    /// The Platform that the App names, or runs on, does not exist. The operator makes it, or the developer names another
    /// in a new App.
    PlatformNotFound,
    /// The App names no Platform, and none is annotated as the default. The operator annotates one, or the developer names
    /// one.
    NoDefaultPlatform,
    /// The App names no Platform, and several are annotated as the default. The operator leaves one of them so, or the
    /// developer names one.
    AmbiguousDefaultPlatform,
    /// The Platform is not the one that the App's resources are on: another name, region, cluster, VPC or zone. Nothing is
    /// written. The developer takes back the change of `platform`, or the operator that of the Platform.
    PlatformChanged,
    /// The App's Platform has not been looked at yet, or is Stalled itself. The operator acts on the Platform's own
    /// conditions.
    PlatformNotReady,
    /// The App's Platform is being deleted and takes no new Apps. The developer names another.
    PlatformDeleting,
    /// The owner id is not the one recorded in this cluster or on the App, after a restore or with a mistyped flag, and
    /// nothing is written. The operator starts the controller with the `--owner-id` that the message names.
    OwnerChanged,
    /// The custom resource definitions in the cluster are older than the controller, and could not hold what it must
    /// remember. Nothing is written. The operator applies those of the controller's version, as the message says.
    DefinitionsOutdated,
    /// The ECS cluster does not exist. The operator makes it, or corrects the Platform.
    ClusterNotFound,
    /// A hosted zone of the Platform does not exist. The operator makes it, or corrects the Platform.
    ZoneNotFound,
    /// A secret that a process names is not in Secrets Manager, or is scheduled for deletion; the message names process and
    /// variable. What runs goes on. The developer makes it, restores it, or corrects the name.
    SecretNotFound,
    /// AWS, or the Platform's `endpointUrl`, does not answer. The operator looks at network and DNS; it is tried again.
    EndpointUnreachable,
    /// AWS does not allow a call, for want of a permission or of credentials; the message has AWS's own. The operator
    /// grants it.
    AccessDenied,
    /// AWS refuses what only the operator can set right, in the Platform or in the account: a subnet or a security group
    /// that is not there, a feature that is off, a load balancer protected from deletion. The message has AWS's own.
    InvalidPlatform,
    /// A quota of the AWS account is used up; the message names it. The operator has it raised.
    QuotaReached,
    /// AWS asks for fewer calls. Nobody needs to act: it is tried again, later each time.
    Throttled,
    /// AWS or the Kubernetes API failed for a moment. Nobody needs to act, unless it lasts: it is tried again.
    Unavailable,
    /// AWS refused a call, for a reason that may pass without an edit of the App; the message has AWS's own. The
    /// developer or the operator acts on it; it is tried again at longer and longer intervals.
    Refused,
/// A name in AWS or DNS, or a host port of the cluster, that the App or the Platform needs belongs to another owner.
    /// When that owner releases it, this one gets it.
    Conflict,
    /// The manifest asks for what cannot be; the message names process and field. The developer edits it; nothing is tried
    /// before that.
    InvalidSpec,
    /// The Platform's `tenancy` does not allow the App: its namespace, its `taskRoleArn`, one of its `secrets`, or something
    /// that its `grants` do not give: a name, a certificate, an image, placement constraints, to be external, to adopt or to
    /// retain; or more than the
    /// `limits` of the namespace leave it. The message says which. What the App has in AWS stays as it is, and is not repaired. The developer edits the App, or the operator the
    /// Platform or the labels of the namespace.
    NotAllowed,
    /// All of the Platform's host ports are held. The operator widens `network.hostPorts`, or Apps release some.
    PortsExhausted,
    /// The controller came upon something that it takes to be impossible. The operator reports it, with the log.
    InternalError,
}
