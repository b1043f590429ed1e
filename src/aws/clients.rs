//! The SDK's clients: one set per region, role and endpoint, with retries and timeouts set in one place. The calls are in
//! the file of each service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_ecs::config::{RuntimeComponents, SharedHttpClient};
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, ConnectorBuilder};

use super::attempt::{EachAttempt, ThrottledInLine};
use super::credentials::checked;
use super::meter::{Meter, MeteredRole};
use crate::metrics::Metrics;

/// The region, endpoint and role of a Platform. Our own credentials come from the SDK's default chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsSettings {
    pub region: String,
    /// Another endpoint than AWS's own, for all services: an emulator, say.
    pub endpoint_url: Option<String>,
    /// The role to assume, if any.
    pub role: Option<Role>,
}

/// An IAM role that is assumed through STS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role {
    pub arn: String,
    /// The external id that its trust policy asks for.
    pub external_id: Option<String>,
}

/// The session name, which an account's `CloudTrail` shows beside the role.
const SESSION_NAME: &str = "empire-controller";

/// The connections of all clients. The SDK would make some for each service, each with the certificates of all authorities.
#[derive(Clone, Debug)]
pub struct Connections(SharedHttpClient);

impl Default for Connections {
    /// Makes them as the SDK does by itself, proxies of the environment included.
    fn default() -> Self {
        let client = Builder::new().build_with_connector_fn(|settings, components| {
            let tls = Provider::Rustls(CryptoMode::AwsLc);
            let mut connector = ConnectorBuilder::default().tls_provider(tls);
            connector.set_connector_settings(settings.cloned());
            connector.set_sleep_impl(components.and_then(RuntimeComponents::sleep_impl));
            connector.set_proxy_config(Some(ProxyConfig::from_env()));
            connector.build()
        });
        Connections(client)
    }
}

/// Implements all the AWS traits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AwsClients {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) route53: aws_sdk_route53::Client,
    pub(super) scheduler: aws_sdk_scheduler::Client,
    pub(super) scaling: aws_sdk_applicationautoscaling::Client,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) secrets: aws_sdk_secretsmanager::Client,
    pub(super) parameters: aws_sdk_ssm::Client,
    pub(super) zones: Zones,
}

/// The turns in which hosted zones are changed. Route 53 refuses a second change to a zone while one is in flight, so
/// all clients that may meet in a zone must share one value of this type, whichever roles they are in:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>.
#[derive(Clone, Debug, Default)]
pub struct Zones(Arc<Mutex<HashMap<String, Turn>>>);

type Turn = Arc<futures::lock::Mutex<()>>;

impl Zones {
    /// Returns the lock of a zone. Zone ids are unique among all accounts; each may come with its `/hostedzone/`.
    pub(super) fn turn(&self, zone_id: &str) -> Turn {
        let mut zones = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let id = zone_id.rsplit('/').next().unwrap_or(zone_id);
        zones.entry(id.to_owned()).or_default().clone()
    }
}

impl AwsClients {
    /// Reads the environment and the profile files; connects, and asks for credentials, only in the first call.
    pub async fn connect(
        settings: &AwsSettings,
        connections: &Connections,
        zones: &Zones,
        metrics: &Metrics,
    ) -> Self {
        let AwsSettings {
            region,
            endpoint_url,
            role,
        } = settings;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .http_client(connections.0.clone())
            .retry_config(retries())
            .timeout_config(timeouts());
        if let Some(endpoint_url) = endpoint_url {
            loader = loader.endpoint_url(endpoint_url);
        }
        if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
            loader = loader.app_name(name);
        }
        let config = checked(loader.load().await);
        match role {
            Some(role) => Self::new(&assumed(config, role, metrics).await, zones, metrics),
            None => Self::new(&config, zones, metrics),
        }
    }

    pub(super) fn new(config: &SdkConfig, zones: &Zones, metrics: &Metrics) -> Self {
        // Each service has a type of its own for the same settings.
        macro_rules! client {
            ($service:ident) => {
                $service::Client::from_conf(
                    $service::config::Builder::from(config)
                        .interceptor(EachAttempt)
                        .interceptor(Meter::new(metrics))
                        .retry_classifier(ThrottledInLine)
                        .build(),
                )
            };
        }
        AwsClients {
            ecs: client!(aws_sdk_ecs),
            elbv2: client!(aws_sdk_elasticloadbalancingv2),
            route53: client!(aws_sdk_route53),
            scheduler: client!(aws_sdk_scheduler),
            scaling: client!(aws_sdk_applicationautoscaling),
            logs: client!(aws_sdk_cloudwatchlogs),
            secrets: client!(aws_sdk_secretsmanager),
            parameters: client!(aws_sdk_ssm),
            zones: zones.clone(),
        }
    }
}

/// Returns the same configuration in the name of a role. Its credentials last an hour and are renewed before they end; all clients share them.
pub(super) async fn assumed(config: SdkConfig, role: &Role, metrics: &Metrics) -> SdkConfig {
    let Role { arn, external_id } = role;
    let mut provider = AssumeRoleProvider::builder(arn)
        .session_name(SESSION_NAME)
        .configure(&config);
    if let Some(external_id) = external_id {
        provider = provider.external_id(external_id);
    }
    let provider = MeteredRole {
        provider: provider.build().await,
        metrics: metrics.clone(),
    };
    let provider = SharedCredentialsProvider::new(provider);
    checked(config.into_builder().credentials_provider(provider).build())
}

/// Three attempts at each call, `RegisterTaskDefinition` alone excepted.
pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// The SDK sets only the first of these by itself; without the others a silent peer would hold a worker for ever. An attempt
/// at a write gets less, if the Lease under which it is made leaves less.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_mins(1))
        .build()
}

#[cfg(test)]
mod tests;
