use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "PortAllocation",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct PortAllocationSpec {
    pub platform: String,
    pub port: i32,
    pub app: AppReference,
    pub process: String,
    pub container_port: i32,
}
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppReference {
    pub namespace: String,
    pub name: String,
    pub uid: String,
}
