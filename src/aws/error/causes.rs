//! An error of the SDK and its causes, which say more than it does.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;

pub(super) fn is_about_credentials(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(<dyn Error>::is::<CredentialsError>)
}

/// Returns an error and its causes in one line.
pub(super) fn message_of(error: &(dyn Error + 'static)) -> String {
    one_line(causes(error))
}

/// Returns where credentials were looked for, and what came of it.
pub(super) fn credentials_missing(error: &(dyn Error + 'static)) -> String {
    let said = one_line(causes(error).skip_while(|cause| !cause.is::<CredentialsError>()));
    format!(
        "none in the environment, a profile, a web identity, or a role of the pod or the instance: {said}"
    )
}

fn one_line<'a>(causes: impl Iterator<Item = &'a (dyn Error + 'static)>) -> String {
    let all: Vec<String> = causes.map(ToString::to_string).collect();
    all.join(": ").split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause: &&'a (dyn Error + 'static)| (*cause).source())
}
