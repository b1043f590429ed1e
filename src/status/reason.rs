//! From an error to the reason of a condition.

use crate::api::condition::Reason;
use crate::error::Error;
use crate::model::class::Class;

/// Returns the reason that a condition and an Event have of an error.
pub fn reason_of(error: &Error) -> Reason {
    let code = match error {
        Error::Aws(error) => error.code.as_str(),
        Error::NotAllowed(_) | Error::OverLimit(_) => return Reason::NotAllowed,
        Error::Invalid(_)
        | Error::Kubernetes { .. }
        | Error::Forbidden { .. }
        | Error::Outdated { .. }
        | Error::Fenced { .. }
        | Error::Bug(_) => "",
    };
    match (error.class(), code) {
        (Class::Denied, "ClusterNotFoundException") => Reason::ClusterNotFound,
        (Class::Denied, "NoSuchHostedZone") => Reason::ZoneNotFound,
        (Class::Denied, code) if is_quota(code) => Reason::QuotaReached,
        (Class::Denied, code) if is_setting(code) => Reason::InvalidPlatform,
        (Class::Denied, _) => Reason::AccessDenied,
        (Class::Transient, "ConnectionFailure" | "Timeout") => Reason::EndpointUnreachable,
        (Class::Transient, _) => Reason::Unavailable,
        (Class::Throttled, _) => Reason::Throttled,
        (Class::Refused, _) => Reason::Refused,
        (Class::Conflict, _) => Reason::Conflict,
        (Class::Invalid, _) => Reason::InvalidSpec,
        (Class::Bug, _) => Reason::InternalError,
    }
}

/// Returns true for a code that is no lack of a permission, but a setting of the Platform or the account.
fn is_setting(code: &str) -> bool {
    [
        "AvailabilityZoneNotSupported",
        "BlockedException",
        "ClientException",
        "InvalidParameterException",
        "InvalidSecurityGroup",
        "InvalidSubnet",
        "OperationNotPermitted",
        "PlatformUnknownException",
        "SubnetNotFound",
        "UnsupportedFeatureException",
        "ValidationError",
    ]
    .contains(&code)
}

fn is_quota(code: &str) -> bool {
    code.starts_with("TooMany")
        || [
            "LimitExceededException",
            "LimitsExceeded",
            "ServiceQuotaExceededException",
        ]
        .contains(&code)
}

/// Returns true for trouble that takes nothing away from an App that is as it was wanted: a permission, credentials or a
/// quota.
pub(super) fn is_denial(reason: Reason) -> bool {
    matches!(reason, Reason::AccessDenied | Reason::QuotaReached)
}
