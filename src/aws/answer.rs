//! The one way from an SDK call to its reply. Each call leaves one line in the log as it returns: a write always, a read
//! only if it failed or at debug level. What a pass has written is on record even if the process is killed within it.

use std::error::Error;
use std::time::Instant;

use aws_sdk_ecs::config::http::HttpResponse;
use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::operation::RequestId;
use futures::future::BoxFuture;
use tokio::task_local;
use tracing::{Instrument, debug, error, info, warn};

use super::attempt::{attempting, permitted};
use super::deadline::in_time;
use super::error::{AwsError, Call, Fault};
use super::rates::in_turn;
use crate::model::class::Class;
use crate::span;

/// Names what calls are made for, as their lines in the log say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub app: Option<String>,
    pub platform: Option<String>,
    pub process: Option<String>,
    /// The name of the resource that is written.
    pub resource: Option<String>,
}

task_local! {
    /// Beside the arguments, because no call depends on it.
    static SUBJECT: Subject;
}

/// Says in the log of each AWS call that the future makes what it is for.
pub async fn concerning<F: Future>(subject: Subject, future: F) -> F::Output {
    SUBJECT.scope(subject, future).await
}

/// As [`concerning`], for one process and resource of what is already being worked on.
pub async fn writing<F: Future>(process: Option<&str>, resource: String, future: F) -> F::Output {
    let subject = Subject {
        process: process.map(Into::into),
        resource: Some(resource),
        ..subject()
    };
    concerning(subject, future).await
}

/// Returns what is being worked on, for another line in the log.
pub fn subject() -> Subject {
    SUBJECT.try_with(Clone::clone).unwrap_or_default()
}

/// A call on its way. Boxed: the SDK's futures have tens of kilobytes.
pub(super) trait Answering<'a, T>: Sized {
    /// Waits for the reply to a call, judges it and logs it.
    fn answering(self, call: Call) -> BoxFuture<'a, Result<T, AwsError>> {
        self.answering_without(call, ToOwned::to_owned)
    }

    /// As [`Self::answering`], of a call whose refusal may repeat what belongs in no log.
    fn answering_without(
        self,
        call: Call,
        redact: impl FnOnce(&str) -> String + Send + 'a,
    ) -> BoxFuture<'a, Result<T, AwsError>>;
}

impl<'a, T, E, F> Answering<'a, T> for F
where
    F: Future<Output = Result<T, SdkError<E, HttpResponse>>> + Send + 'a,
    T: RequestId + Send + 'a,
    E: ProvideErrorMetadata + Error + Send + 'static,
{
    fn answering_without(
        self,
        call: Call,
        redact: impl FnOnce(&str) -> String + Send + 'a,
    ) -> BoxFuture<'a, Result<T, AwsError>> {
        Box::pin(async move {
            let fenced = |fenced| call.fenced(&fenced);
            let begins = in_time(call.action()).and_then(|()| permitted(call).map_err(fenced));
            if let Err(late) = begins.and_then(|()| in_turn(call.action())) {
                failed(call, &late, 0);
                return Err(late);
            }
            let sent = Instant::now();
            let Subject {
                process, resource, ..
            } = subject();
            let span = span::call(call.action(), process.as_deref(), resource.as_deref());
            let reply = attempting(call, self).instrument(span.clone()).await;
            let milliseconds = u64::try_from(sent.elapsed().as_millis()).unwrap_or(u64::MAX);
            match reply {
                Ok(reply) => {
                    succeeded(call, reply.request_id(), milliseconds);
                    span::answered(&span, reply.request_id());
                    Ok(reply)
                }
                Err(error) => {
                    let mut error = call.failed(&error);
                    error.message = redact(&error.message);
                    failed(call, &error, milliseconds);
                    span::answered(&span, error.request_id.as_deref());
                    let is_error = error.fault != Fault::Absent;
                    span::refused(&span, &error.code, &error.message, is_error);
                    Err(error)
                }
            }
        })
    }
}

/// Writes one line. Its level must be a constant of the line, so there are as many lines as levels.
macro_rules! line {
    ($level:ident, $operation:expr, $request_id:expr, $milliseconds:expr, $result:expr, $error:expr, $words:literal) => {{
        let Subject {
            app,
            platform,
            process,
            resource,
        } = subject();
        $level!(
            app,
            platform,
            process,
            resource,
            operation = $operation,
            request_id = $request_id,
            milliseconds = $milliseconds,
            result = $result,
            error = $error,
            $words
        );
    }};
}

fn succeeded(call: Call, id: Option<&str>, milliseconds: u64) {
    let (operation, none) = (call.action(), None::<&str>);
    if call.is_read() {
        line!(debug, operation, id, milliseconds, "ok", none, "AWS read");
    } else {
        line!(info, operation, id, milliseconds, "ok", none, "AWS write");
    }
}

fn failed(call: Call, failure: &AwsError, milliseconds: u64) {
    // Not the call's own: a role may have been refused before it.
    let (operation, id) = (failure.action, failure.request_id.as_deref());
    let (code, words) = (failure.code.as_str(), failure.message.as_str());
    match failure.fault {
        Fault::Absent if call.is_read() => {
            line!(
                debug,
                operation,
                id,
                milliseconds,
                code,
                words,
                "AWS read: not there"
            );
        }
        Fault::Absent => line!(
            info,
            operation,
            id,
            milliseconds,
            code,
            words,
            "AWS write: not there"
        ),
        Fault::Later { .. } => line!(
            debug,
            operation,
            id,
            milliseconds,
            code,
            words,
            "AWS call not begun"
        ),
        Fault::Fenced | Fault::NotListed => line!(
            info,
            operation,
            id,
            milliseconds,
            code,
            words,
            "AWS call not begun"
        ),
        Fault::Pending => line!(
            info,
            operation,
            id,
            milliseconds,
            code,
            words,
            "AWS write: not ready"
        ),
        Fault::Failed(Class::Bug) => {
            line!(
                error,
                operation,
                id,
                milliseconds,
                code,
                words,
                "AWS call failed: a mistake of ours"
            );
        }
        Fault::Failed(Class::Denied) => {
            line!(
                warn,
                operation,
                id,
                milliseconds,
                code,
                words,
                "AWS call denied: the operator must act"
            );
        }
        Fault::Failed(Class::Refused | Class::Conflict | Class::Invalid)
        | Fault::Stale
        | Fault::Inactive
        | Fault::GracePeriod
        | Fault::Full
        | Fault::ZoneTaken => {
            line!(warn, operation, id, milliseconds, code, words, "AWS call refused");
        }
        Fault::Failed(Class::Transient | Class::Throttled) => {
            line!(
                warn,
                operation,
                id,
                milliseconds,
                code,
                words,
                "AWS call failed for now"
            );
        }
    }
}

#[cfg(test)]
mod tests;
