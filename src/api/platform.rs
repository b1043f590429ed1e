use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "Platform",
    status = "PlatformStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct PlatformSpec {
    pub region: String,
    pub endpoint_url: Option<String>,
    pub cluster: Option<String>,
    pub capacity: Option<Capacity>,
    pub network: Network,
    pub load_balancing: Option<LoadBalancing>,
    pub dns: Option<Dns>,
    pub tasks: Option<Tasks>,
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capacity {
    pub launch_type: Option<LaunchType>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum LaunchType {
    Ec2,
    Fargate,
    External,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    pub vpc_id: String,
    pub mode: NetworkMode,
    pub host_ports: Option<HostPorts>,
    pub tasks: Option<TaskNetwork>,
    pub internal: Option<Side>,
    pub external: Option<Side>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    Bridge,
    Awsvpc,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostPorts {
    pub first: i32,
    pub last: i32,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskNetwork {
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
    pub assign_public_ip: Option<bool>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    pub subnets: Vec<String>,
    #[serde(default)]
    pub security_groups: Vec<String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancing {
    pub provider: Option<Provider>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provider {
    ELBv2,
    None,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dns {
    pub internal: Option<Zone>,
    pub external: Option<Zone>,
    pub record_type: Option<RecordType>,
    pub ttl_seconds: Option<i32>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Zone {
    pub hosted_zone_id: String,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    #[serde(rename = "CNAME")]
    Cname,
    Alias,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tasks {
    pub execution_role_arn: Option<String>,
    pub logging: Option<Logging>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Logging {
    pub driver: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformStatus {
    pub observed_generation: i64,
    #[serde(default)]
    pub conditions: Vec<Condition>,
    pub zones: Option<ZoneNames>,
    pub host_ports: Option<HostPortCounts>,
    #[serde(default)]
    pub apps: i32,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ZoneNames {
    pub internal: Option<String>,
    pub external: Option<String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostPortCounts {
    pub allocated: i32,
    pub available: i32,
}
