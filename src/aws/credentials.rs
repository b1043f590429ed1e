//! Credentials, wherever they come from: the SDK panics as it signs with some that no header can carry, so they are refused.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

/// Returns the same configuration, whose credentials are refused where no request can carry them.
pub(super) fn checked(config: SdkConfig) -> SdkConfig {
    let Some(provider) = config.credentials_provider() else {
        return config;
    };
    let provider = SharedCredentialsProvider::new(Checked(provider));
    config.into_builder().credentials_provider(provider).build()
}

#[derive(Debug)]
struct Checked(SharedCredentialsProvider);

impl ProvideCredentials for Checked {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async { check(self.0.provide_credentials().await?) })
    }
}

/// The secret itself is in no header.
fn check(given: Credentials) -> Result<Credentials, CredentialsError> {
    let is_carried = |text: &str| !text.contains(char::is_control);
    if is_carried(given.access_key_id()) && given.session_token().is_none_or(is_carried) {
        return Ok(given);
    }
    Err(CredentialsError::invalid_configuration(
        "the access key or session token has a character that no request can carry, such as a line end",
    ))
}
