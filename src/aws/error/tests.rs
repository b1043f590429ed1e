//! The table, rule by rule, and what real and canned replies make of it.

mod operations;
mod replies;

use super::rules::{RULES, Rule};
use super::{Call, Fault, Reply, Verb};
use crate::model::class::Class;

const THROTTLED: Fault = Fault::Failed(Class::Throttled);
const TRANSIENT: Fault = Fault::Failed(Class::Transient);
const DENIED: Fault = Fault::Failed(Class::Denied);
const REFUSED: Fault = Fault::Failed(Class::Refused);
const BUG: Fault = Fault::Failed(Class::Bug);

const SERVICES: [&str; 9] = [
    "ecs:X",
    "elasticloadbalancing:X",
    "route53:X",
    "scheduler:X",
    "application-autoscaling:X",
    "logs:X",
    "secretsmanager:X",
    "ssm:X",
    "sts:X",
];
const LOGS: &str = "logs:X";
const SCALING: &str = "application-autoscaling:X";
const VERBS: [Verb; 4] = [Verb::Read, Verb::Create, Verb::Modify, Verb::Delete];
/// The codes that ECS gives to what has no code of its own.
const NAMELESS: [&str; 2] = ["ClientException", "InvalidParameterException"];

fn judge(action: &'static str, verb: Verb, status: u16, code: &str, message: &str) -> Fault {
    Call { action, verb }.judge(&Reply {
        status,
        is_html: false,
        code: code.into(),
        message: message.into(),
    })
}

/// One fault for codes in calls of the given verbs; the status is one that says nothing.
fn check(action: &'static str, verbs: &[Verb], codes: &[&str], message: &str, expected: Fault) {
    for verb in verbs {
        for code in codes {
            let fault = judge(action, *verb, 400, code, message);
            assert_eq!(fault, expected, "{action} {verb:?} {code} {message}");
        }
    }
}

fn everywhere(codes: &[&str], expected: Fault) {
    for service in SERVICES {
        check(service, &VERBS, codes, "some words", expected);
    }
}

fn but(verb: Verb) -> Vec<Verb> {
    VERBS.into_iter().filter(|other| *other != verb).collect()
}

#[test]
fn throttled() {
    let codes = [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "PriorRequestNotComplete",
    ];
    everywhere(&codes, THROTTLED);
    let message = "Too many concurrent attempts to create a new revision of the specified family.";
    check("ecs:X", &VERBS, &NAMELESS, message, THROTTLED);
    assert_eq!(judge("ecs:X", Verb::Read, 429, "SomethingNew", ""), THROTTLED);
}

#[test]
fn transient() {
    let codes = [
        "ServerException",
        "ServiceUnavailable",
        "InternalFailure",
        "InternalError",
        "RequestTimeout",
        "InternalServerException",
        "InternalServiceException",
        "HealthUnavailable",
        "InsufficientCapacity",
    ];
    everywhere(&codes, TRANSIENT);
    check("route53:X", &VERBS, &["ConcurrentModification"], "", TRANSIENT);
    check(SCALING, &VERBS, &["ConcurrentUpdateException"], "", TRANSIENT);
    check(LOGS, &VERBS, &["OperationAbortedException"], "", TRANSIENT);
    for status in [500, 502, 503, 504, 599] {
        assert_eq!(
            judge("ecs:X", Verb::Create, status, "SomethingNew", ""),
            TRANSIENT
        );
    }
}

#[test]
fn denied_for_want_of_access() {
    let codes = [
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "NotAuthorizedException",
        "AuthFailure",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "OptInRequired",
        "SubscriptionRequiredException",
        "RegionDisabledException",
    ];
    everywhere(&codes, DENIED);
}

/// Whatever its code, which no report tells.
#[test]
fn a_zone_that_a_load_balancer_has() {
    let message = "You cannot specify an additional subnet from an Availability Zone that is already associated with the \
                   load balancer. The Availability Zone 'us-east-1a' corresponding to the new subnet 'subnet-1' is already \
                   associated with the load balancer.";
    let codes = ["InvalidConfigurationRequest", "ValidationError", "InvalidSubnet"];
    check(
        "elasticloadbalancing:X",
        &[Verb::Modify],
        &codes,
        message,
        Fault::ZoneTaken,
    );
    let error = Call::modify("elasticloadbalancing:SetSubnets").reported("ValidationError", message);
    assert_eq!(error.class(), Class::Refused);
}

#[test]
fn denied_by_a_quota() {
    check("ecs:X", &VERBS, &["LimitExceededException"], "", DENIED);
    let quotas = [
        "TooManyLoadBalancers",
        "TooManyTargetGroups",
        "TooManyListeners",
        "TooManyTags",
        "TooManyUniqueTargetGroupsPerLoadBalancer",
    ];
    check("elasticloadbalancing:X", &VERBS, &quotas, "", DENIED);
    let certificates = ["TooManyCertificates"];
    check(
        "elasticloadbalancing:X",
        &[Verb::Modify],
        &certificates,
        "",
        Fault::Full,
    );
    check(
        "elasticloadbalancing:X",
        &[Verb::Create],
        &certificates,
        "",
        DENIED,
    );
    assert_eq!(
        Call::modify("elasticloadbalancing:X")
            .reported("TooManyCertificates", "")
            .class(),
        Class::Denied
    );
    check("route53:X", &VERBS, &["LimitsExceeded"], "", DENIED);
    check(
        "scheduler:X",
        &VERBS,
        &["ServiceQuotaExceededException"],
        "",
        DENIED,
    );
    let codes = ["LimitExceededException", "TooManyTagsException"];
    check(SCALING, &VERBS, &codes, "", DENIED);
    check(LOGS, &VERBS, &codes, "", DENIED);
}

#[test]
fn denied_until_the_operator_changes_a_setting() {
    check(
        "ecs:X",
        &but(Verb::Delete),
        &["ClusterNotFoundException"],
        "",
        DENIED,
    );
    let codes = [
        "BlockedException",
        "UnsupportedFeatureException",
        "PlatformUnknownException",
    ];
    check("ecs:X", &VERBS, &codes, "", DENIED);
    for message in [
        "The new ARN and resource ID format must be enabled to add tags to the service.",
        "Long arn format must be used for tagging operations",
        "Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS service role \
         being passed has the proper permissions.",
    ] {
        check("ecs:X", &VERBS, &NAMELESS, message, DENIED);
    }
    let codes = [
        "OperationNotPermitted",
        "SubnetNotFound",
        "InvalidSubnet",
        "InvalidSecurityGroup",
        "AvailabilityZoneNotSupported",
    ];
    check("elasticloadbalancing:X", &VERBS, &codes, "", DENIED);
    check("route53:X", &but(Verb::Delete), &["NoSuchHostedZone"], "", DENIED);
    check(SCALING, &VERBS, &["FailedResourceAccessException"], "", DENIED);
}

#[test]
fn pending() {
    for message in [
        "The target group with targetGroupArn arn:x does not have an associated load balancer.",
        "Unable to Start a service that is still Draining.",
        "The service cannot be stopped while deployments are active.",
        "Unable to assume the service linked role. Please verify that the ECS service linked role exists.",
    ] {
        check("ecs:X", &VERBS, &NAMELESS, message, Fault::Pending);
    }
    everywhere(&["DependencyViolation"], Fault::Pending);
    let codes = ["ResourceInUse"];
    check(
        "elasticloadbalancing:X",
        &[Verb::Delete],
        &codes,
        "",
        Fault::Pending,
    );
    check("elasticloadbalancing:X", &but(Verb::Delete), &codes, "", REFUSED);
    let (verbs, codes) = ([Verb::Modify, Verb::Delete], ["ConflictException"]);
    check("scheduler:X", &verbs, &codes, "", Fault::Pending);
}

#[test]
fn stale() {
    let message = "Creation of service was not idempotent.";
    check("ecs:X", &VERBS, &NAMELESS, message, Fault::Stale);
    let message = "TaskDefinition is inactive";
    check("ecs:X", &VERBS, &NAMELESS, message, Fault::Inactive);
    let codes = ["ServiceNotActiveException"];
    check("ecs:X", &but(Verb::Delete), &codes, "", Fault::Stale);
    let codes = [
        "DuplicateLoadBalancerName",
        "DuplicateTargetGroupName",
        "DuplicateListener",
        "PriorityInUse",
        "TargetGroupAssociationLimit",
    ];
    check("elasticloadbalancing:X", &VERBS, &codes, "", Fault::Stale);
    check("route53:X", &VERBS, &["InvalidChangeBatch"], "", Fault::Stale);
    let codes = ["ConflictException", "ResourceNotFoundException"];
    check("scheduler:X", &[Verb::Create], &codes, "", Fault::Stale);
    let codes = ["ObjectNotFoundException"];
    check(SCALING, &[Verb::Create], &codes, "", Fault::Stale);
    let codes = ["ResourceAlreadyExistsException"];
    check(LOGS, &[Verb::Create], &codes, "", Fault::Stale);
}

#[test]
fn a_grace_period_that_comes_with_the_first_target_groups() {
    let message = "Health check grace period is only valid for services configured to use load balancers";
    check(
        "ecs:UpdateService",
        &[Verb::Modify],
        &NAMELESS,
        message,
        Fault::GracePeriod,
    );
    // Nothing can follow a create.
    check("ecs:CreateService", &[Verb::Create], &NAMELESS, message, REFUSED);
}

#[test]
fn absent() {
    let codes = ["ServiceNotFoundException", "ResourceNotFoundException"];
    check("ecs:X", &VERBS, &codes, "", Fault::Absent);
    let codes = ["ServiceNotActiveException", "ClusterNotFoundException"];
    check("ecs:X", &[Verb::Delete], &codes, "", Fault::Absent);
    let message = "Unable to describe task definition.";
    check("ecs:X", &VERBS, &NAMELESS, message, Fault::Absent);
    let codes = [
        "LoadBalancerNotFound",
        "TargetGroupNotFound",
        "ListenerNotFound",
        "RuleNotFound",
    ];
    check(
        "elasticloadbalancing:X",
        &but(Verb::Create),
        &codes,
        "",
        Fault::Absent,
    );
    // A create that names a parent believed in it.
    check(
        "elasticloadbalancing:X",
        &[Verb::Create],
        &codes,
        "",
        Fault::Stale,
    );
    check(
        "route53:X",
        &[Verb::Delete],
        &["NoSuchHostedZone"],
        "",
        Fault::Absent,
    );
    check("route53:X", &VERBS, &["NoSuchChange"], "", Fault::Absent);
    let codes = ["ResourceNotFoundException"];
    check("scheduler:X", &but(Verb::Create), &codes, "", Fault::Absent);
    let codes = ["ObjectNotFoundException", "ResourceNotFoundException"];
    check(SCALING, &but(Verb::Create), &codes, "", Fault::Absent);
    check(LOGS, &VERBS, &["ResourceNotFoundException"], "", Fault::Absent);
}

#[test]
fn refused() {
    let codes = [
        "InvalidParameterException",
        "ClientException",
        "PlatformTaskDefinitionIncompatibilityException",
    ];
    check("ecs:X", &VERBS, &codes, "some words", REFUSED);
    let codes = [
        "ValidationError",
        "InvalidConfigurationRequest",
        "IncompatibleProtocols",
        "UnsupportedProtocol",
        "CertificateNotFound",
        "UnsupportedCertificate",
        "SSLPolicyNotFound",
        "InvalidTarget",
        "InvalidScheme",
    ];
    check("elasticloadbalancing:X", &VERBS, &codes, "", REFUSED);
    check("route53:X", &VERBS, &["InvalidInput"], "", REFUSED);
    check("scheduler:X", &VERBS, &["ValidationException"], "", REFUSED);
    let codes = ["ValidationException", "InvalidNextTokenException"];
    check(SCALING, &VERBS, &codes, "", REFUSED);
    for status in [400, 403, 404, 409, 418] {
        assert_eq!(judge("ecs:X", Verb::Create, status, "SomethingNew", ""), REFUSED);
    }
}

#[test]
fn denied_until_the_role_can_be_assumed() {
    check("sts:X", &VERBS, &["ValidationError"], "", DENIED);
}

#[test]
fn bugs() {
    let codes = [
        "SerializationException",
        "MissingParameter",
        "InvalidAction",
        "UnknownOperationException",
        "DuplicateTagKeys",
    ];
    everywhere(&codes, BUG);
    assert_eq!(judge("ecs:X", Verb::Read, 501, "NotImplemented", ""), BUG);
}

/// The same words mean something only where AWS has no code for them.
#[test]
fn a_message_decides_only_without_a_code_of_its_own() {
    let message = "Too many concurrent attempts to create a new revision, still draining";
    check("ecs:X", &VERBS, &["SomethingNew"], message, REFUSED);
    check(
        "elasticloadbalancing:X",
        &VERBS,
        &["ValidationError"],
        message,
        REFUSED,
    );
    check("ecs:X", &VERBS, &["LimitExceededException"], message, DENIED);
}

#[test]
fn a_code_means_what_its_own_service_means_by_it() {
    check("route53:X", &VERBS, &["LimitExceededException"], "", REFUSED);
    check("route53:X", &VERBS, &["ConflictException"], "", REFUSED);
    check(
        "elasticloadbalancing:X",
        &VERBS,
        &["NoSuchHostedZone"],
        "",
        REFUSED,
    );
    check("ecs:X", &VERBS, &["TooManyLoadBalancers"], "", REFUSED);
    // A throttle, although it begins like the quotas of Elastic Load Balancing.
    check(
        "elasticloadbalancing:X",
        &VERBS,
        &["TooManyRequestsException"],
        "",
        THROTTLED,
    );
}

#[test]
fn a_code_counts_for_more_than_the_status() {
    assert_eq!(
        judge("ecs:X", Verb::Read, 500, "AccessDeniedException", ""),
        DENIED
    );
    assert_eq!(
        judge("ecs:X", Verb::Read, 503, "ThrottlingException", ""),
        THROTTLED
    );
    assert_eq!(judge("ecs:X", Verb::Read, 400, "ServerException", ""), TRANSIENT);
}

/// A rule that an earlier one hides would be a lie in the table.
#[test]
fn every_rule_decides_something() {
    for (place, rule) in RULES.iter().enumerate() {
        for pattern in rule.codes {
            let code = pattern.replace('*', "Listeners");
            let decides = |action: &'static str, verb: Verb| {
                let call = Call { action, verb };
                let reply = Reply {
                    status: 400,
                    is_html: false,
                    code: code.clone(),
                    message: rule.message.into(),
                };
                RULES.iter().position(|rule| rule.fits(call, &reply)) == Some(place)
            };
            let somewhere = SERVICES
                .iter()
                .any(|action| VERBS.iter().any(|verb| decides(action, *verb)));
            let Rule { service, message, .. } = rule;
            assert!(somewhere, "{service}{code} \"{message}\" is never reached");
        }
    }
}

/// A fault that the pipeline leaves unresolved is tried again soon.
#[test]
fn what_only_the_world_can_resolve_is_transient() {
    for (code, expected) in [
        ("ServiceNotFoundException", Class::Transient),
        ("ServiceNotActiveException", Class::Transient),
        ("DependencyViolation", Class::Transient),
        ("AccessDeniedException", Class::Denied),
    ] {
        let error = Call::modify("ecs:UpdateService").reported(code, "words");
        assert_eq!(error.class(), expected, "{code}");
        assert_eq!(error.to_string(), format!("ecs:UpdateService: {code}: words"));
    }
}
