//! Errors of the API server: their meaning to us, and their messages.

use std::error::Error as _;

use crate::error::Error;
use crate::fence::Fenced;

/// A failed call as one of our errors; a permission that our own role lacks is for the operator to give.
pub(in crate::controller) fn failed(action: &'static str) -> impl Fn(kube::Error) -> Error {
    move |error| {
        if let Some(fenced) = fenced(&error) {
            let fenced = fenced.clone();
            return Error::Fenced { action, fenced };
        }
        let message = message_of(&error);
        if let kube::Error::Api(status) = &error {
            if status.is_conflict() {
                return Error::Outdated { action };
            }
            if status.is_forbidden() {
                return Error::Forbidden { action, message };
            }
        }
        Error::Kubernetes { action, message }
    }
}

/// Returns why a write was not begun, if that is it.
pub(in crate::controller) fn fenced(error: &kube::Error) -> Option<&Fenced> {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(fenced) = error.downcast_ref() {
            return Some(fenced);
        }
        cause = error.source();
    }
    None
}

/// Returns the API server's message, without the whole reply; else the error and its causes.
pub(crate) fn message_of(error: &kube::Error) -> String {
    if let kube::Error::Api(status) = error {
        return status.message.clone();
    }
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !message.ends_with(&more) {
            message = format!("{message}: {more}");
        }
        cause = error.source();
    }
    message
}

/// The object is not there any more, or another of its name is.
pub(in crate::controller) fn is_gone(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.is_not_found())
}

/// True if the API server does not take a request as it is, whoever sends it and whenever: it is too large, or invalid.
pub(in crate::controller) fn is_refused(error: &kube::Error) -> bool {
    // A store that finds an object too large is an error of the server's.
    matches!(error, kube::Error::Api(status) if matches!(status.code, 400 | 413 | 422 | 500))
}

#[cfg(test)]
mod tests;
