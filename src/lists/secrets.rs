//! What AWS says of the secrets that an App names.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::{Aws, AwsError, Result};
use crate::model::secret::{Reading, SecretId};

/// What a pass knows of secrets, and why it does not know all that it asked for.
#[derive(Clone, Debug, Default)]
pub struct KnownSecrets {
    pub read: BTreeMap<SecretId, Reading>,
    pub failed: Option<AwsError>,
}

/// The most parameters that one call asks for:
/// <https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html>.
pub const BATCH: usize = 50;

/// Reads each by itself, as AWS gives them, and parameters together. Gives each to `keep`, with why it could not be read; a read
/// that waits in line ends it.
pub async fn each_secret(
    aws: &dyn Aws,
    ids: &BTreeSet<SecretId>,
    keep: &mut (dyn FnMut(&SecretId, Result<Reading>) + Send),
) -> Result<()> {
    let mut names = Vec::new();
    for id in ids {
        match id {
            SecretId::Secret(name) => {
                let read = aws.describe_secret(name).await;
                let read = read.map(|found| found.map_or(Reading::Missing, Reading::Secret));
                keep(id, in_turn(read)?);
            }
            SecretId::Parameter(name) => names.push(name.clone()),
        }
    }
    for batch in names.chunks(BATCH) {
        let read = in_turn(aws.parameter_versions(batch).await)?;
        for name in batch {
            let found = read.as_ref().map(|read| {
                let version = read.get(name).cloned();
                version.map_or(Reading::Missing, Reading::Parameter)
            });
            keep(&SecretId::Parameter(name.clone()), found.map_err(Clone::clone));
        }
    }
    Ok(())
}

fn in_turn<T>(read: Result<T>) -> Result<Result<T>> {
    match read {
        Err(error) if error.later().is_some() => Err(error),
        read => Ok(read),
    }
}

/// Reads all of them now.
pub async fn live_secrets(aws: &dyn Aws, ids: &BTreeSet<SecretId>) -> Result<KnownSecrets> {
    let mut known = KnownSecrets::default();
    let KnownSecrets { read, failed } = &mut known;
    each_secret(aws, ids, &mut |id, found| match found {
        Ok(found) => {
            read.insert(id.clone(), found);
        }
        Err(error) => *failed = Some(error),
    })
    .await?;
    Ok(known)
}
