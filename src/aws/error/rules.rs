//! The table of codes. The first rule that fits decides, so a rule with a message or a verb stands before the one of the bare
//! code.

use super::{Call, Fault, Reply, Verb};
use crate::model::class::Class;

/// The meaning of some codes.
pub(super) struct Rule {
    /// The prefix of the action; empty for every service.
    pub(super) service: &'static str,
    /// Empty for every verb.
    verbs: &'static [Verb],
    /// A `*` at the end stands for anything.
    pub(super) codes: &'static [&'static str],
    /// A part of the message, in upper or lower case; empty for every message.
    pub(super) message: &'static str,
    pub(super) fault: Fault,
}

impl Rule {
    const fn saying(self, message: &'static str) -> Self {
        Rule { message, ..self }
    }

    const fn on(self, verbs: &'static [Verb]) -> Self {
        Rule { verbs, ..self }
    }

    pub(super) fn fits(&self, call: Call, reply: &Reply) -> bool {
        let message = reply.message.to_ascii_lowercase();
        call.action.starts_with(self.service)
            && (self.verbs.is_empty() || self.verbs.contains(&call.verb))
            && self.codes.iter().any(|code| is_code(code, &reply.code))
            && message.contains(&self.message.to_ascii_lowercase())
    }
}

fn is_code(pattern: &str, code: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => code.starts_with(prefix),
        None => code == pattern,
    }
}

const fn rule(service: &'static str, codes: &'static [&'static str], fault: Fault) -> Rule {
    Rule {
        service,
        verbs: &[],
        codes,
        message: "",
        fault,
    }
}

const ANY: &str = "";
const ECS: &str = "ecs:";
const ELBV2: &str = "elasticloadbalancing:";
const ROUTE53: &str = "route53:";
const SCHEDULER: &str = "scheduler:";
const SCALING: &str = "application-autoscaling:";
const LOGS: &str = "logs:";
const SECRETS: &str = "secretsmanager:";
const STS: &str = "sts:";

const THROTTLED: Fault = Fault::Failed(Class::Throttled);
const TRANSIENT: Fault = Fault::Failed(Class::Transient);
const DENIED: Fault = Fault::Failed(Class::Denied);
const BUG: Fault = Fault::Failed(Class::Bug);

/// ECS's codes for whatever has no code of its own: only here does a message decide.
const NAMELESS: &[&str] = &["ClientException", "InvalidParameterException"];

#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    // Fewer calls, please.
    rule(ANY, &["Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded",
        "TooManyRequestsException", "PriorRequestNotComplete"], THROTTLED),
    rule(ECS, NAMELESS, THROTTLED).saying("Too many concurrent attempts to create a new revision"),

    // Out of order for a moment.
    rule(ANY, &["ServerException", "ServiceUnavailable", "InternalFailure", "InternalError", "RequestTimeout",
        "InternalServerException", "InternalServiceException", "HealthUnavailable",
        "InsufficientCapacity"], TRANSIENT),
    rule(ROUTE53, &["ConcurrentModification"], TRANSIENT),
    rule(SCALING, &["ConcurrentUpdateException"], TRANSIENT),
    // Two calls about one group at a time.
    rule(LOGS, &["OperationAbortedException"], TRANSIENT),

    // Right, but not ready yet.
    rule(ECS, NAMELESS, Fault::Pending).saying("does not have an associated load balancer"),
    rule(ECS, NAMELESS, Fault::Pending).saying("still Draining"),
    rule(ECS, NAMELESS, Fault::Pending).saying("cannot be stopped while deployments are active"),
    rule(ECS, NAMELESS, Fault::Pending).saying("Unable to assume the service linked role"),
    rule(ANY, &["DependencyViolation"], Fault::Pending),
    rule(ELBV2, &["ResourceInUse"], Fault::Pending).on(&[Verb::Delete]),
    rule(SCHEDULER, &["ConflictException"], Fault::Pending).on(&[Verb::Modify, Verb::Delete]),

    // AWS called it a bug in 2022, and its documents suggest since 2025 that it is mended:
    // https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/1313
    rule(ECS, NAMELESS, Fault::GracePeriod).on(&[Verb::Modify])
        .saying("Health check grace period is only valid for services configured to use load balancers"),

    // Not there. A create that names a parent believed in it.
    // The second one is what `TagResource` says of a service that is gone.
    rule(ECS, &["ServiceNotFoundException", "ResourceNotFoundException"], Fault::Absent),
    rule(ECS, &["ClusterNotFoundException", "ServiceNotActiveException"], Fault::Absent).on(&[Verb::Delete]),
    rule(ECS, NAMELESS, Fault::Absent).saying("Unable to describe task definition"),
    rule(ECS, NAMELESS, Fault::Absent).on(&[Verb::Delete]).saying("task was not found"),
    rule(ELBV2, &["LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "RuleNotFound"],
        Fault::Stale).on(&[Verb::Create]),
    rule(ELBV2, &["LoadBalancerNotFound", "TargetGroupNotFound", "ListenerNotFound", "RuleNotFound"],
        Fault::Absent),
    rule(ROUTE53, &["NoSuchHostedZone"], Fault::Absent).on(&[Verb::Delete]),
    rule(ROUTE53, &["NoSuchChange"], Fault::Absent),

    // In a create it is the group.
    rule(SCHEDULER, &["ResourceNotFoundException"], Fault::Stale).on(&[Verb::Create]),
    rule(SCHEDULER, &["ResourceNotFoundException"], Fault::Absent),

    // In a put it is the scalable target.
    rule(SCALING, &["ObjectNotFoundException"], Fault::Stale).on(&[Verb::Create]),
    rule(SCALING, &["ObjectNotFoundException", "ResourceNotFoundException"], Fault::Absent),

    rule(LOGS, &["ResourceNotFoundException"], Fault::Absent),
    rule(SECRETS, &["ResourceNotFoundException"], Fault::Absent),

    // Another world than the plan believed in.
    rule(ECS, NAMELESS, Fault::Stale).saying("Creation of service was not idempotent"),
    rule(ECS, NAMELESS, Fault::Inactive).saying("TaskDefinition is inactive"),
    rule(ECS, &["ServiceNotActiveException"], Fault::Stale),
    // A rollout that ended before it was stopped.
    rule(ECS, &["ConflictException", "ServiceDeploymentNotFoundException"], Fault::Stale),
    rule(ELBV2, &["DuplicateLoadBalancerName", "DuplicateTargetGroupName", "DuplicateListener",
        "PriorityInUse", "TargetGroupAssociationLimit"], Fault::Stale),
    rule(ROUTE53, &["InvalidChangeBatch"], Fault::Stale),
    rule(SCHEDULER, &["ConflictException"], Fault::Stale).on(&[Verb::Create]),
    rule(LOGS, &["ResourceAlreadyExistsException"], Fault::Stale).on(&[Verb::Create]),

    // Access.
    rule(ANY, &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorizedException",
        "AuthFailure", "UnrecognizedClientException", "InvalidClientTokenId", "ExpiredToken",
        "ExpiredTokenException", "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch",
        "InvalidSignatureException", "IncompleteSignature", "MissingAuthenticationToken", "OptInRequired",
        "SubscriptionRequiredException", "RegionDisabledException"], DENIED),

    // No report names the code of it: <https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/4171>.
    rule(ELBV2, &["*"], Fault::ZoneTaken).on(&[Verb::Modify]).saying("an Availability Zone that is already associated"),

    // Quotas.
    rule(ELBV2, &["TooManyCertificates"], Fault::Full).on(&[Verb::Modify]),
    rule(ECS, &["LimitExceededException"], DENIED),
    rule(ELBV2, &["TooMany*"], DENIED),
    rule(ROUTE53, &["LimitsExceeded"], DENIED),
    rule(SCHEDULER, &["ServiceQuotaExceededException"], DENIED),
    rule(SCALING, &["LimitExceededException", "TooManyTagsException"], DENIED),
    rule(LOGS, &["LimitExceededException", "TooManyTagsException"], DENIED),

    // The operator's settings.
    rule(ECS, &["ClusterNotFoundException", "BlockedException", "UnsupportedFeatureException",
        "PlatformUnknownException"], DENIED),
    rule(ECS, NAMELESS, DENIED).saying("new ARN and resource ID format must be enabled"),
    rule(ECS, NAMELESS, DENIED).saying("Long arn format must be used"),
    rule(ECS, NAMELESS, DENIED).saying("ECS service role being passed"),
    rule(ELBV2, &["OperationNotPermitted", "SubnetNotFound", "InvalidSubnet", "InvalidSecurityGroup",
        "AvailabilityZoneNotSupported"], DENIED),
    rule(ROUTE53, &["NoSuchHostedZone"], DENIED),
    // The alarms of a policy are CloudWatch's, and looked up in the name of a role.
    rule(SCALING, &["FailedResourceAccessException"], DENIED),
    rule(STS, &["ValidationError"], DENIED),

    // Our own mistakes.
    rule(ANY, &["SerializationException", "MissingParameter", "InvalidAction", "UnknownOperationException",
        "DuplicateTagKeys"], BUG),
];
