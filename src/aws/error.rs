//! AWS error codes, as tables. A code is looked up by service before the SDK is asked whether it was a throttle.
//! A code without a rule is judged by its HTTP status.

mod causes;
mod reply;
mod rules;

use std::error::Error;

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use jiff::Timestamp;

use self::causes::{causes, credentials_missing, is_about_credentials, message_of};
use self::reply::{Reply, class_of_status, code_and_message};
use self::rules::RULES;
use crate::budget::Bucket;
use crate::fence::Fenced;
use crate::model::class::Class;

/// The meaning of a failed call to the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The resource that the call names is not there.
    Absent,
    /// Right, but not ready yet: it will work without anybody's help.
    Pending,
    /// The world is not as the plan assumed: observe again.
    Stale,
    /// A task definition was deregistered: tasks of it go on, but no new ones are started.
    Inactive,
    /// A grace period came with a service's first target groups, and ECS has judged it by those that there were before:
    /// it is taken in a call of its own, after them.
    GracePeriod,
    /// A quota leaves no room, and the removal of resources that are no longer wanted may make some.
    Full,
    /// A load balancer has a subnet of that availability zone, or has not left it yet.
    ZoneTaken,
    /// It was not begun, since another replica may be about to write: no trouble of anybody's.
    Fenced,
    /// It was not begun, since AWS takes no more calls of its kind before then. There is a place in the line for it.
    Later {
        until: Timestamp,
        bucket: Bucket,
    },
    /// A list that all Apps share is not read yet: whoever asks is woken once it is.
    NotListed,
    Failed(Class),
}

/// A failed AWS call. Two are equal if they say the same, whichever requests met them.
#[derive(Clone, Debug, Eq, thiserror::Error)]
#[error("{action}: {code}: {message}")]
pub struct AwsError {
    /// As IAM names it, such as `ecs:CreateService`.
    pub action: &'static str,
    /// AWS's error code; ours, such as `Timeout`, where no reply came.
    pub code: String,
    /// AWS's message.
    pub message: String,
    pub fault: Fault,
    /// The id that AWS gave to the request, by which its support finds it. None where no reply came.
    pub request_id: Option<String>,
}

impl PartialEq for AwsError {
    fn eq(&self, other: &Self) -> bool {
        let AwsError {
            action,
            code,
            message,
            fault,
            request_id: _,
        } = self;
        (action, code, message, fault) == (&other.action, &other.code, &other.message, &other.fault)
    }
}

impl AwsError {
    /// Returns the error of a reply with this code: for a stand-in of AWS, so that its refusals are judged alike.
    pub fn from_code(action: &'static str, code: &str, message: &str) -> Self {
        Call::of(action).reported(code, message)
    }

    /// True where the SDK has found no credentials, or none that it could use: no other call fares better.
    pub fn is_about_credentials(&self) -> bool {
        self.code == NO_CREDENTIALS
    }

    /// True for a throttle of too many calls. Others are of one thing only, such as a hosted zone in which a change is still
    /// under way, and say nothing of how many calls AWS takes.
    pub fn is_about_rates(&self) -> bool {
        self.fault == Fault::Failed(Class::Throttled)
            && !["PriorRequestNotComplete", "ClientException"].contains(&self.code.as_str())
    }

    /// Returns when to come again, and the bucket, where it was not begun since AWS takes no more calls of its kind: no
    /// trouble of anybody's.
    pub fn later(&self) -> Option<(Timestamp, Bucket)> {
        if let Fault::Later { until, bucket } = self.fault {
            Some((until, bucket))
        } else {
            None
        }
    }

    /// The class of an error that the pipeline did not resolve by itself.
    pub fn class(&self) -> Class {
        match self.fault {
            Fault::Absent
            | Fault::Pending
            | Fault::Stale
            | Fault::Inactive
            | Fault::Fenced
            | Fault::NotListed => Class::Transient,
            Fault::Later { .. } => Class::Throttled,
            Fault::Full => Class::Denied,
            Fault::GracePeriod | Fault::ZoneTaken => Class::Refused,
            Fault::Failed(class) => class,
        }
    }
}

/// Our code for a call that the SDK did not make, since it has nothing to sign it with.
const NO_CREDENTIALS: &str = "NoCredentials";

/// One kind of call, by the action that IAM must allow. The same code means another thing in a create than in a delete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    action: &'static str,
    verb: Verb,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Read,
    Create,
    Modify,
    Delete,
}

impl Verb {
    fn of(action: &str) -> Self {
        let name = action.rsplit(':').next().unwrap_or(action);
        let begins = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
        if begins(&["Describe", "List", "Get"]) {
            Verb::Read
        } else if begins(&["Create", "Put", "Register"]) {
            Verb::Create
        } else if begins(&["Delete", "Deregister"]) {
            Verb::Delete
        } else {
            Verb::Modify
        }
    }
}

impl Call {
    /// Returns the call of an action, judged by its name.
    pub(super) fn of(action: &'static str) -> Self {
        let verb = Verb::of(action);
        Call { action, verb }
    }

    pub(super) fn action(self) -> &'static str {
        self.action
    }

    pub(super) fn is_read(self) -> bool {
        self.verb == Verb::Read
    }

    pub(super) const fn read(action: &'static str) -> Self {
        let verb = Verb::Read;
        Call { action, verb }
    }

    pub(super) const fn create(action: &'static str) -> Self {
        let verb = Verb::Create;
        Call { action, verb }
    }

    pub(super) const fn modify(action: &'static str) -> Self {
        let verb = Verb::Modify;
        Call { action, verb }
    }

    pub(super) const fn delete(action: &'static str) -> Self {
        let verb = Verb::Delete;
        Call { action, verb }
    }

    /// Any failure of an SDK call.
    pub(super) fn failed<E>(self, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let judged = self.judged(error);
        let request_id = error.request_id().map(ToOwned::to_owned);
        AwsError {
            request_id: request_id.or(judged.request_id.clone()),
            ..judged
        }
    }

    fn judged<E>(self, error: &SdkError<E, HttpResponse>) -> AwsError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        if let Some(fenced) = fenced_within(error) {
            return self.fenced(fenced);
        }
        // No call of ours, but one that the SDK makes before it.
        if let Some(refused) = error.source().and_then(role_error) {
            return ASSUME_ROLE.failed(refused);
        }
        match error {
            SdkError::ConstructionFailure(_) => self.ours("InvalidRequest", message_of(error), Class::Bug),
            SdkError::TimeoutError(_) => self.ours("Timeout", message_of(error), Class::Transient),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                self.ours("Timeout", message_of(error), Class::Transient)
            }
            SdkError::DispatchFailure(_) if is_about_credentials(error) => {
                self.ours(NO_CREDENTIALS, credentials_missing(error), Class::Denied)
            }
            SdkError::DispatchFailure(_) => {
                self.ours("ConnectionFailure", message_of(error), Class::Transient)
            }
            SdkError::ResponseError(response) => {
                self.replied(&Reply::new(response.raw(), None, None, &message_of(error)))
            }
            SdkError::ServiceError(service) => {
                let known = service.err();
                self.replied(&Reply::new(
                    service.raw(),
                    known.code(),
                    known.message(),
                    &message_of(error),
                ))
            }
            _ => self.ours("UnknownFailure", message_of(error), Class::Bug),
        }
    }

    /// The fence let it not begin, or not be retried.
    pub(super) fn fenced(self, fenced: &Fenced) -> AwsError {
        AwsError {
            action: self.action,
            code: "Fenced".into(),
            message: fenced.to_string(),
            fault: Fault::Fenced,
            request_id: None,
        }
    }

    /// Judges an attempt, whose error has lost its type: from the reply itself, or from what kept it away.
    pub(super) fn attempt_failed(
        self,
        error: &(dyn Error + 'static),
        response: Option<&HttpResponse>,
    ) -> Fault {
        if fenced_within(error).is_some() {
            return Fault::Fenced;
        }
        if let Some(refused) = role_error(error) {
            return ASSUME_ROLE.failed(refused).fault;
        }
        match response {
            Some(raw) => self.attempt_refused(raw).fault,
            None if is_about_credentials(error) => Fault::Failed(Class::Denied),
            None => Fault::Failed(Class::Transient),
        }
    }

    /// Returns the error of an attempt that AWS has answered.
    pub(super) fn attempt_refused(self, raw: &HttpResponse) -> AwsError {
        let (code, message) = code_and_message(raw);
        self.replied(&Reply::new(raw, code.as_deref(), message.as_deref(), ""))
    }

    /// AWS named a failure inside a reply that succeeded.
    pub(super) fn reported(self, code: &str, message: &str) -> AwsError {
        self.replied(&Reply {
            status: 400,
            is_html: false,
            code: code.to_owned(),
            message: message.to_owned(),
        })
    }

    /// A mistake of ours, or a reply without a field that AWS always sends.
    pub(super) fn bug(self, message: impl Into<String>) -> AwsError {
        self.ours("Bug", message.into(), Class::Bug)
    }

    /// A list whose page leads back to an earlier one.
    pub(super) fn repeated(self, pages: usize) -> AwsError {
        let message =
            format!("page {pages} of the list has the token of an earlier page, so the list has no end");
        self.ours("RepeatedPageToken", message, Class::Transient)
    }

    /// A list of more pages than any has.
    pub(super) fn endless(self, pages: usize) -> AwsError {
        let message = format!("the list has more than {pages} pages, so it is taken to have no end");
        self.ours("TooManyPages", message, Class::Transient)
    }

    fn ours(self, code: &str, message: String, class: Class) -> AwsError {
        AwsError {
            action: self.action,
            code: code.to_owned(),
            message,
            fault: Fault::Failed(class),
            request_id: None,
        }
    }

    fn replied(self, reply: &Reply) -> AwsError {
        AwsError {
            action: self.action,
            code: reply.code.clone(),
            message: reply.message.clone(),
            fault: self.judge(reply),
            request_id: None,
        }
    }

    fn judge(self, reply: &Reply) -> Fault {
        match RULES.iter().find(|rule| rule.fits(self, reply)) {
            Some(rule) => rule.fault,
            None => Fault::Failed(class_of_status(reply)),
        }
    }
}

pub(super) const ASSUME_ROLE: Call = Call::read("sts:AssumeRole");

/// Returns the refusal of the fence that an interceptor passed on.
fn fenced_within<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Fenced> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(fenced) = error.downcast_ref() {
            return Some(fenced);
        }
        cause = error.source();
    }
    None
}

/// Returns the error of assuming the Platform's role, if that is what went wrong.
fn role_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a SdkError<AssumeRoleError, HttpResponse>> {
    causes(cause).find_map(|cause| cause.downcast_ref())
}

#[cfg(test)]
mod tests;
