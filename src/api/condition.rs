#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionType {
    Ready,
    Reconciling,
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
}
macro_rules! reasons { ($($r:ident),*) => {
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason { $($r),* }
impl Reason { pub const ALL: &[Self] = &[$(Self::$r),*]; pub fn as_str(self) -> &'static str { match self { $(Self::$r => stringify!($r)),* } } }
}}
reasons!(
    Available,
    Progressing,
    RolloutInProgress,
    Suspended,
    PlatformNotFound,
    NoDefaultPlatform,
    AmbiguousDefaultPlatform,
    PlatformChanged,
    PlatformNotReady,
    PlatformDeleting,
    OwnerChanged,
    ClusterNotFound,
    ZoneNotFound,
    EndpointUnreachable,
    AccessDenied,
    QuotaReached,
    Throttled,
    Unavailable,
    Refused,
    Conflict,
    InvalidSpec,
    PortsExhausted,
    Deleting,
    InternalError
);
