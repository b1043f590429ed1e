use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "App",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct AppSpec {
    pub platform: Option<String>,
    pub image: String,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub suspend: Option<bool>,
    pub processes: BTreeMap<String, Process>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Process {
    pub command: String,
    #[serde(default)]
    pub args: Vec<String>,
    pub quantity: Option<i32>,
    pub cpu: Option<i32>,
    pub memory: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub expose: Option<Expose>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Expose {
    #[serde(rename = "type")]
    pub type_: Option<ExposeType>,
    pub external: Option<bool>,
    pub container_port: Option<i32>,
    #[serde(default)]
    pub hostnames: Vec<String>,
    pub grace_period: Option<String>,
    pub check: Option<HealthCheck>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExposeType {
    Http,
    None,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthCheck {
    pub path: Option<String>,
    pub interval: Option<String>,
    pub timeout: Option<String>,
    pub healthy_threshold: Option<i32>,
    pub unhealthy_threshold: Option<i32>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AppStatus {
    pub observed_generation: i64,
    #[serde(default)]
    pub conditions: Vec<Condition>,
    pub platform: Option<PlatformRecord>,
    #[serde(default)]
    pub processes: Vec<ProcessStatus>,
    pub processes_complete: Option<String>,
    pub url: Option<String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlatformRecord {
    pub name: String,
    pub region: String,
    pub cluster: String,
    pub vpc_id: String,
    pub internal_zone_id: Option<String>,
    pub external_zone_id: Option<String>,
}
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProcessStatus {
    pub name: String,
    #[serde(default)]
    pub desired: i32,
    #[serde(default)]
    pub running: i32,
    #[serde(default)]
    pub pending: i32,
    pub rollout: Option<RolloutStatus>,
    pub task_definition: Option<String>,
    pub load_balancer: Option<String>,
    pub load_balancer_dns_name: Option<String>,
    #[serde(default)]
    pub host_ports: Vec<HostPortStatus>,
    #[serde(default)]
    pub hostnames: Vec<String>,
    pub message: Option<String>,
    #[serde(default)]
    pub retiring: Vec<Retiring>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RolloutStatus {
    InProgress,
    Completed,
    Failed,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HostPortStatus {
    pub container_port: i32,
    pub host_port: i32,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retiring {
    pub load_balancer: String,
    pub since: Time,
    pub ttl_seconds: Option<i32>,
}
