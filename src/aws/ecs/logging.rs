//! The logging of a container between the model and the SDK, and secrets, which it has as well.

use std::collections::BTreeSet;

use aws_sdk_ecs::types as sdk;

use crate::aws::Result;
use crate::aws::error::Call;
use crate::model::container::Logging;
use crate::model::small_map::SmallMap;

pub(super) fn read(found: &sdk::LogConfiguration, foreign: &mut BTreeSet<&'static str>) -> Logging {
    let secret_options = secrets_of(found.secret_options());
    let is_all = secret_options.len() == found.secret_options().len();
    foreign.extend((!is_all).then_some("secretOptions"));
    Logging {
        driver: found.log_driver().as_str().to_owned(),
        options: found.options().map(ordered).unwrap_or_default(),
        secret_options,
    }
}

pub(super) fn write(call: Call, logging: &Logging) -> Result<sdk::LogConfiguration> {
    let Logging {
        driver,
        options,
        secret_options,
    } = logging;
    let mut configuration = sdk::LogConfiguration::builder()
        .log_driver(driver.as_str().into())
        .set_options(Some(options.clone().into_iter().collect()));
    for (name, arn) in secret_options {
        configuration = configuration.secret_options(write_secret(call, name, arn)?);
    }
    let configuration = configuration.build();
    configuration.map_err(|error| call.bug(error.to_string()))
}

/// One that is there twice is one here.
pub(super) fn secrets_of(secrets: &[sdk::Secret]) -> SmallMap<String, String> {
    let secrets = secrets.iter();
    secrets
        .map(|secret| (secret.name().to_owned(), secret.value_from().to_owned()))
        .collect()
}

pub(super) fn write_secret(call: Call, name: &str, arn: &str) -> Result<sdk::Secret> {
    let secret = sdk::Secret::builder().name(name).value_from(arn).build();
    secret.map_err(|error| call.bug(error.to_string()))
}

pub(super) fn ordered(map: &std::collections::HashMap<String, String>) -> SmallMap<String, String> {
    map.iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}
