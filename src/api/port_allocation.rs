//! `PortAllocation`: one host port, claimed. The object's name is the port, and creating it is atomic in the API server,
//! so no two processes can ever hold one port.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::core::Rule;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{at_root, rule};

/// A host port, and the owner that holds it.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "PortAllocation",
    derive = "PartialEq",
    category = "empire",
    doc = "A port on the container instances of a Platform's cluster, held by one exposed process. Made and deleted by the \
           controller; its name is `<platform>-<port>`, so that no port is ever held twice.",
    printcolumn(
        name = "Platform",
        type_ = "string",
        json_path = ".spec.platform",
        description = "The Platform whose port it is"
    ),
    printcolumn(name = "Port", type_ = "integer", json_path = ".spec.port", description = "The host port"),
    printcolumn(
        name = "Namespace",
        type_ = "string",
        json_path = ".spec.app.namespace",
        description = "The namespace of the App that holds it"
    ),
    printcolumn(
        name = "App",
        type_ = "string",
        json_path = ".spec.app.name",
        description = "The App that holds it"
    ),
    printcolumn(
        name = "Process",
        type_ = "string",
        json_path = ".spec.process",
        description = "The process that holds it"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    // An App's own claims are read by these.
    selectable = ".spec.platform",
    selectable = ".spec.app.namespace",
    selectable = ".spec.app.name",
    validation = name_is_the_port(),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "self.platform == oldSelf.platform && self.port == oldSelf.port && self.app == oldSelf.app && \
     self.process == oldSelf.process && self.containerPort == oldSelf.containerPort",
    "a claim cannot be changed, only freed by deleting it",
))]
pub struct PortAllocationSpec {
    /// The name of the Platform whose port it is.
    #[schemars(length(min = 1, max = 63))]
    pub platform: String,

    /// The port on the container instances, 1 to 65535.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: i32,

    /// The App that holds the port.
    pub app: AppReference,

    /// The process of the App that holds the port.
    #[schemars(length(min = 1, max = 63))]
    pub process: String,

    /// The port in the container that it leads to, 1 to 65535.
    #[schemars(range(min = 1, max = 65_535))]
    pub container_port: i32,

    /// True: its App was deleted with `deletionPolicy: Retain` and left it in use. It stays until an App of that name takes
    /// it back, or somebody deletes it. Left out: false.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained: Option<bool>,
}

/// An App, by namespace and name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppReference {
    /// Its namespace.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,

    /// Its name.
    #[schemars(length(min = 1, max = 63))]
    pub name: String,

    /// The UID that it had when it claimed the port, for information: an App that is restored or made again under its
    /// name keeps its ports.
    #[schemars(length(max = 63))]
    pub uid: String,
}

/// One port, one name: or it could be held twice. (`string(port)` would say it in fewer words, and at a cost that the API
/// server does not accept.)
fn name_is_the_port() -> Rule {
    let number = "self.metadata.name.substring(size(self.spec.platform) + 1)";
    at_root(rule(
        format!(
            "self.metadata.name.startsWith(self.spec.platform + '-') && {number}.matches('^[1-9][0-9]{{0,4}}$') && \
             int({number}) == self.spec.port"
        ),
        "metadata.name: must be <platform>-<port>, or a port could be held twice",
    ))
}
