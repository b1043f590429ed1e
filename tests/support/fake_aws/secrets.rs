//! Secrets Manager and the parameters of SSM, as far as they are described: no call here tells a value.

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::aws::{self, Result};
use empire_controller::model::secret::SecretState;

use super::console::Console;
use super::{FakeAws, refuse};

const DESCRIBE_SECRET: &str = "secretsmanager:DescribeSecret";
const DESCRIBE_PARAMETERS: &str = "ssm:DescribeParameters";

/// The values of a filter: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html>.
const BATCH: usize = 50;

#[derive(Clone, Debug, Default)]
pub(super) struct Secrets {
    /// By name. One that is scheduled for deletion keeps its name:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html>
    secrets: BTreeMap<String, Secret>,
    /// By name, the version, which counts from 1: <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterMetadata.html>.
    parameters: BTreeMap<String, u64>,
}

#[derive(Clone, Debug)]
struct Secret {
    state: SecretState,
    /// The id of the version that a rotation tries: <https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_how.html>.
    pending: Option<String>,
}

impl Secrets {
    /// Finds a secret by its name or its whole ARN. That of one that was made again has other characters at its end:
    /// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DescribeSecret.html>.
    fn find(&self, name_or_arn: &str) -> Option<&Secret> {
        if name_or_arn.starts_with("arn:") {
            let mut all = self.secrets.values();
            return all.find(|secret| secret.state.arn == name_or_arn);
        }
        self.secrets.get(name_or_arn)
    }
}

#[async_trait]
impl aws::SecretNames for FakeAws {
    async fn describe_secret(&self, name_or_arn: &str) -> Result<Option<SecretState>> {
        self.read(DESCRIBE_SECRET, name_or_arn, |state| {
            // Its characters: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html>.
            let is_valid = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-:".contains(c);
            if name_or_arn.is_empty() || name_or_arn.len() > 2_048 || !name_or_arn.chars().all(is_valid) {
                return refuse(DESCRIBE_SECRET, "ValidationException", "Invalid name");
            }
            Ok(state.secrets.find(name_or_arn).map(|secret| secret.state.clone()))
        })
    }

    async fn parameter_versions(&self, names: &[String]) -> Result<BTreeMap<String, String>> {
        self.read(DESCRIBE_PARAMETERS, &names.join(" "), |state| {
            if names.is_empty() || names.len() > BATCH {
                return refuse(DESCRIBE_PARAMETERS, "ValidationException", "1 to 50 values");
            }
            let known = &state.secrets.parameters;
            let found = names
                .iter()
                .filter_map(|name| Some((name.clone(), known.get(name)?.to_string())));
            Ok(found.collect())
        })
    }
}

/// By hand.
impl Console<'_> {
    /// Makes a secret, whose ARN ends in six characters that nobody can know before.
    pub(crate) fn create_secret(&mut self, name: &str) {
        let id = self.state().id();
        assert!(
            !self.state().secrets.secrets.contains_key(name),
            "{name} is there"
        );
        let state = SecretState {
            arn: format!("arn:aws:secretsmanager:us-east-1:123456789012:secret:{name}-{id:06x}"),
            current: Some(format!("version-{id}")),
            is_deleted: false,
        };
        let pending = None;
        self.state()
            .secrets
            .secrets
            .insert(name.into(), Secret { state, pending });
    }

    /// Begins a rotation: another version is `AWSPENDING`.
    pub(crate) fn begin_rotation(&mut self, name: &str) {
        let id = self.state().id();
        self.state().secrets.secrets.get_mut(name).unwrap().pending = Some(format!("version-{id}"));
    }

    /// Ends it: that version is `AWSCURRENT`.
    pub(crate) fn finish_rotation(&mut self, name: &str) {
        let secret = self.state().secrets.secrets.get_mut(name).unwrap();
        secret.state.current = secret.pending.take();
    }

    pub(crate) fn rotate(&mut self, name: &str) {
        self.begin_rotation(name);
        self.finish_rotation(name);
    }

    /// Schedules its deletion, or takes that back.
    pub(crate) fn schedule_deletion(&mut self, name: &str, is_deleted: bool) {
        let secret = self.state().secrets.secrets.get_mut(name).unwrap();
        secret.state.is_deleted = is_deleted;
    }

    /// Deletes it at once, without a recovery window.
    pub(crate) fn delete_secret(&mut self, name: &str) {
        self.state().secrets.secrets.remove(name).unwrap();
    }

    /// Makes a parameter, or gives it another value.
    pub(crate) fn put_parameter(&mut self, name: &str) {
        *self.state().secrets.parameters.entry(name.into()).or_default() += 1;
    }

    /// Returns the ARN of a secret.
    pub(crate) fn secret_arn(&mut self, name: &str) -> String {
        self.state().secrets.secrets[name].state.arn.clone()
    }
}
