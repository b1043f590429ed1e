//! What Secrets Manager and SSM say of secrets through the SDK, and never their values: no call here could read one.

use std::collections::BTreeMap;

use async_trait::async_trait;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_ssm::types::{ParameterMetadata, ParameterStringFilter};

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::{every_page, text, unless_absent};
use super::{Result, SecretNames};
use crate::model::secret::SecretState;

const DESCRIBE_SECRET: Call = Call::read("secretsmanager:DescribeSecret");
const DESCRIBE_PARAMETERS: Call = Call::read("ssm:DescribeParameters");

/// The values of a filter, and the parameters of a page:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html>.
const BATCH: usize = 50;
const PAGE: i32 = 50;

const CURRENT: &str = "AWSCURRENT";

#[async_trait]
impl SecretNames for AwsClients {
    async fn describe_secret(&self, name_or_arn: &str) -> Result<Option<SecretState>> {
        let call = self.secrets.describe_secret().secret_id(name_or_arn);
        let reply = unless_absent(call.send().answering(DESCRIBE_SECRET).await)?;
        let Some(found) = reply else {
            return Ok(None);
        };
        let Some(arn) = text(found.arn()) else {
            return Err(DESCRIBE_SECRET.bug("a secret without an ARN"));
        };
        Ok(Some(SecretState {
            current: current(&found),
            is_deleted: found.deleted_date().is_some(),
            arn,
        }))
    }

    async fn parameter_versions(&self, names: &[String]) -> Result<BTreeMap<String, String>> {
        let mut all = BTreeMap::new();
        for batch in names.chunks(BATCH) {
            let filter = ParameterStringFilter::builder()
                .key("Name")
                .option("Equals")
                .set_values(Some(batch.to_vec()))
                .build();
            let filter = filter.map_err(|error| DESCRIBE_PARAMETERS.bug(error.to_string()))?;
            let list = self
                .parameters
                .describe_parameters()
                .parameter_filters(filter)
                .max_results(PAGE);
            let ask = |token| {
                let page = list.clone().set_next_token(token);
                page.send().answering(DESCRIBE_PARAMETERS)
            };
            let found = every_page(DESCRIBE_PARAMETERS, ask, |page| {
                (page.parameters, page.next_token)
            })
            .await?;
            let versions = found
                .iter()
                .filter_map(|found| Some((text(found.name())?, version(found))));
            all.extend(versions);
        }
        all.retain(|name, _| names.contains(name));
        Ok(all)
    }
}

/// The id of the version that has the label.
fn current(found: &DescribeSecretOutput) -> Option<String> {
    let mut versions = found.version_ids_to_stages()?.iter();
    let is_current = |stages: &[String]| stages.iter().any(|stage| stage == CURRENT);
    versions
        .find(|(_, stages)| is_current(stages))
        .map(|(id, _)| id.clone())
}

/// One that is made again begins anew with its versions, but not at the same time.
fn version(found: &ParameterMetadata) -> String {
    let modified = found
        .last_modified_date()
        .map_or(0, aws_sdk_ssm::primitives::DateTime::secs);
    format!("{} {modified}", found.version())
}

#[cfg(test)]
mod tests;
