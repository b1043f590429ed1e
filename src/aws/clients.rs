//! The SDK's clients: one set per region and endpoint, with retries and timeouts set in one place. Who calls what is
//! in the file of each service.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

/// Where a Platform's AWS is. Credentials come from the SDK's default chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AwsSettings {
    pub region: String,
    /// Another endpoint than AWS's own, for all services: an emulator, say.
    pub endpoint_url: Option<String>,
}

/// Implements all the AWS traits. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AwsClients {
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) elbv2: aws_sdk_elasticloadbalancingv2::Client,
    pub(super) route53: aws_sdk_route53::Client,
    zones: Arc<Mutex<HashMap<String, Arc<Turn>>>>,
}

/// Whose turn it is to change a zone.
type Turn = futures::lock::Mutex<()>;

impl AwsClients {
    /// Reads the environment and the profile files; connects, and asks for credentials, only in the first call.
    pub async fn connect(settings: &AwsSettings) -> Self {
        let AwsSettings { region, endpoint_url } = settings;
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .retry_config(retries())
            .timeout_config(timeouts());
        if let Some(endpoint_url) = endpoint_url {
            loader = loader.endpoint_url(endpoint_url);
        }
        if let Ok(name) = AppName::new(env!("CARGO_PKG_NAME")) {
            loader = loader.app_name(name);
        }
        Self::new(&loader.load().await)
    }

    /// Route 53 refuses a second change to a zone while one is in flight, so that Apps take turns:
    /// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DNSLimitations.html>.
    pub(super) fn turn(&self, zone_id: &str) -> Arc<Turn> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let id = zone_id.rsplit('/').next().unwrap_or(zone_id);
        zones.entry(id.to_owned()).or_default().clone()
    }

    pub(super) fn new(config: &SdkConfig) -> Self {
        AwsClients {
            ecs: aws_sdk_ecs::Client::new(config),
            elbv2: aws_sdk_elasticloadbalancingv2::Client::new(config),
            route53: aws_sdk_route53::Client::new(config),
            zones: Arc::default(),
        }
    }
}

/// Three attempts at each call, `RegisterTaskDefinition` alone excepted.
pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3)
}

/// The SDK sets only the first of these by itself; without the others a silent peer would hold a worker for ever.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(5))
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_mins(1))
        .build()
}
