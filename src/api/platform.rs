//! `Platform`: an operator's description of where Apps run, and what was found there.
//!
//! What would orphan every resource if it changed cannot change while Apps are there: `status.apps` counts them, and the
//! rules at the root compare old and new.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod capacity;
mod log_group;
mod rules;
mod status;
mod tasks;
mod tenancy;

pub use capacity::{Capacity, LaunchType, Placement};
pub use log_group::LogGroups;
pub use status::{CapacityProviderKind, HostPortCounts, Openness, PlatformStatus, SecurityGroups, ZoneNames};
pub use tasks::{LogRouting, Logging, Tasks};
pub use tenancy::{Grant, LabelSelector, Limits, Tenancy};

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::rules::{
    IS_FARGATE, fixed, fixed_account, fixed_kind_of_capacity, fixed_zone, https_elsewhere, name_is_a_label,
    names_tenants, on_external, on_fargate, places_nothing_on_fargate,
};
use super::app::DeletionPolicy;
use super::schema::patterns::name_templates;
use super::schema::{id, ids, role, rule, tags};

/// A place where Apps run: an AWS region, an ECS cluster and a network.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "Platform",
    status = "PlatformStatus",
    derive = "PartialEq",
    category = "empire",
    doc = "Where Apps run: an ECS cluster, the network around it and the DNS zones for its names. Annotated \
           `empire.dev/is-default-platform: \"true\"`, it is for the Apps that name none.",
    printcolumn(name = "Region", type_ = "string", json_path = ".spec.region", description = "The AWS region"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True if Apps can use it"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "The reason of Ready"
    ),
    printcolumn(
        name = "Apps",
        type_ = "integer",
        json_path = ".status.apps",
        description = "The number of Apps that hold anything here"
    ),
    printcolumn(
        name = "Free Ports",
        type_ = "integer",
        json_path = ".status.hostPorts.available",
        description = "The number of host ports that can still be claimed, if it allocates them"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        description = "The message of Ready",
        priority = 1
    ),
    printcolumn(
        name = "Tenancy",
        type_ = "string",
        json_path = ".status.tenancy",
        description = "Open without tenancy.grants, else Granted",
        priority = 1
    ),
    selectable = ".spec.region",
    selectable = ".spec.cluster",
    validation = name_is_a_label(),
    validation = fixed("region", |spec| format!("{spec}.region")),
    validation = fixed("cluster", |spec| format!("(has({spec}.cluster) ? {spec}.cluster : 'default')")),
    validation = fixed_account(),
    validation = fixed_kind_of_capacity(),
    validation = fixed("network.mode", |spec| format!("{spec}.network.mode")),
    validation = fixed("network.vpcId", |spec| format!("{spec}.network.vpcId")),
    validation = fixed("network.hostPorts", |spec| format!("has({spec}.network.hostPorts)")),
    validation = fixed("loadBalancing.provider", |spec| format!(
        "(has({spec}.loadBalancing) && has({spec}.loadBalancing.provider) ? {spec}.loadBalancing.provider : 'ELBv2')"
    )),
    validation = fixed_zone("internal"),
    validation = fixed_zone("external"),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = names_tenants())]
#[x_kube(validation = on_fargate(
    "self.network.mode == 'awsvpc'",
    "network.mode: Fargate needs awsvpc",
).field_path(".network.mode"))]
#[x_kube(validation = places_nothing_on_fargate())]
#[x_kube(validation = on_fargate(
    "self.?tasks.?logging.?driver.orValue('awslogs') in ['awslogs', 'splunk']",
    "tasks.logging.driver: Fargate has awslogs and splunk only",
).field_path(".tasks"))]
#[x_kube(validation = on_fargate(
    "self.?tasks.?logging.?driver.orValue('') != 'awslogs' || has(self.tasks.executionRoleArn)",
    "tasks.executionRoleArn: Fargate needs one for awslogs",
).field_path(".tasks"))]
#[x_kube(validation = rule(
    format!("{IS_FARGATE} || !self.network.?tasks.?assignPublicIp.orValue(false)"),
    "network.tasks.assignPublicIp: only Fargate gives tasks public addresses",
).field_path(".network.tasks"))]
#[x_kube(validation = on_external(
    "self.?loadBalancing.?provider.orValue('ELBv2') == 'None'",
    "loadBalancing.provider: launch type EXTERNAL has no load balancing: set it to None",
).field_path(".loadBalancing"))]
#[x_kube(validation = on_external(
    "self.network.mode == 'bridge'",
    "network.mode: launch type EXTERNAL needs bridge",
).field_path(".network.mode"))]
#[x_kube(validation = rule(
    "!has(self.externalId) || has(self.roleArn)",
    "externalId: is for the role in roleArn, which is missing",
).field_path(".externalId"))]
#[x_kube(validation = log_group::key_is_here())]
pub struct PlatformSpec {
    /// The AWS region, such as `us-east-1`. Cannot be changed while Apps are here.
    #[schemars(length(max = 32))]
    #[x_kube(validation = rule(
        "self.matches('^[a-z]+(-[a-z]+)+-[0-9]+$')",
        "must be the name of an AWS region, such as us-east-1",
    ))]
    pub region: String,

    /// The ARN of an IAM role that the controller assumes through STS for everything it does here. Left out: it uses its own
    /// credentials. The role's account cannot be changed while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = role())]
    pub role_arn: Option<String>,

    /// The external id that the role's trust policy asks for, 2 to 1,224 characters. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_224))]
    #[x_kube(validation = rule(
        "self.matches('^[a-zA-Z0-9_+=,.@:/-]{2,}$')",
        "must have 2 to 1,224 letters, digits and _ + = , . @ : / -",
    ))]
    pub external_id: Option<String>,

    /// The endpoint to call instead of AWS's own, such as `https://vpce-1.example.com` or `http://127.0.0.1:4566`: a VPC
    /// endpoint, or an emulator. One with `http` only on the controller's own host: credentials and environment variables would
    /// else travel in the clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule(
        "isURL(self) && url(self).getScheme() in ['http', 'https'] && url(self).getHostname() != ''",
        "must be an http or https URL, such as http://127.0.0.1:4566",
    ))]
    #[x_kube(validation = https_elsewhere())]
    pub endpoint_url: Option<String>,

    /// The ECS cluster, by name or ARN; it must exist. Left out: `default`. Cannot be changed while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = rule(
        "self.matches('^(arn:aws[a-z-]*:ecs:[a-z0-9-]+:[0-9]{12}:cluster/)?[a-zA-Z0-9_-]+$')",
        "must be the name or the ARN of an ECS cluster",
    ))]
    pub cluster: Option<String>,

    /// The compute that tasks run on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,

    /// The container instances that tasks may run on. Not on Fargate, which has none. Left out: all of the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,

    /// The network that tasks and load balancers are in.
    pub network: Network,

    /// The way in which exposed processes are reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancing: Option<LoadBalancing>,

    /// The zones of Route 53 in which exposed processes get names. Left out: they get none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,

    /// The settings that all tasks share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Tasks>,

    /// The namespaces whose Apps may run here, and what they may ask for. A new Platform needs it; `{namespaceSelector: {}}` says
    /// what leaving it out did: Apps of any namespace, without `taskRoleArn` and `secrets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenancy: Option<Tenancy>,

    /// The fate of an App's resources in AWS when the App is deleted, for Apps without a `deletionPolicy` of their own:
    /// `Delete` or `Retain`, as there. Left out: `Delete`. A service or schedule that an App has adopted is retained whatever
    /// this says: only the App's own field decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// Tags on every service, task definition and task, load balancer, target group, log group and scalable target, besides our own
    /// three. At most 47. A key that is taken out here stays on what already has it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = tags)]
    pub tags: BTreeMap<String, String>,
}

/// The network that tasks and load balancers are in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "!has(self.hostPorts) || self.mode == 'bridge'",
    "network.hostPorts: are for mode bridge: with awsvpc tasks have addresses of their own, and with host they have their containers' ports",
).field_path(".hostPorts"))]
#[x_kube(validation = rule(
    "has(self.tasks) == (self.mode == 'awsvpc')",
    "network.tasks: needed with mode awsvpc, and with that only",
).field_path(".tasks"))]
pub struct Network {
    /// The id of the VPC that load balancers serve. Cannot be changed while Apps are here.
    #[schemars(length(max = 64))]
    #[x_kube(validation = id("vpc-"))]
    pub vpc_id: String,

    /// `bridge`: tasks share their instance's address and have ports of it. `awsvpc`: each task has an address of its own;
    /// needs `tasks`. `host`: tasks have the network of their instance, and each port of a container is a port of it, so that it
    /// has room for one task with that port. Cannot be changed while Apps are here.
    pub mode: NetworkMode,

    /// With mode `bridge`, the range from which each exposed process gets one port that is the same on all instances, as
    /// fixed firewall rules may need. Left out: ECS picks a free port for each task, which we recommend. The range may be
    /// changed, and keeps the ports already held; whether there is one cannot be changed while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_ports: Option<HostPorts>,

    /// The subnets and security groups of tasks; with mode `awsvpc`, and only with that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<TaskNetwork>,

    /// The subnets and security groups of internal load balancers. Left out: a process that wants one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<Side>,

    /// The subnets and security groups of internet-facing load balancers. Left out: a process that wants one is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<Side>,
}

/// ECS's network modes, as far as we use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NetworkMode {
    Bridge,
    Awsvpc,
    Host,
}

/// A range of host ports. It ends before the ports that Linux and ECS give out on their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = rule(
    "self.first <= self.last",
    "network.hostPorts: first must not be greater than last",
).field_path(".first"))]
pub struct HostPorts {
    /// The first port of the range, 1024 to 32767.
    #[schemars(range(min = 1_024, max = 32_767))]
    pub first: i32,

    /// The last port of the range, 1024 to 32767.
    #[schemars(range(min = 1_024, max = 32_767))]
    pub last: i32,
}

/// The subnets and security groups of tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TaskNetwork {
    /// The ids of their subnets, 1 to 16.
    #[schemars(transform = ids("subnet-", 1, 16))]
    pub subnets: Vec<String>,

    /// The ids of their security groups, at most 5. Left out: the VPC's default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = ids("sg-", 0, 5))]
    pub security_groups: Vec<String>,

    /// True: tasks get public addresses too; launch type FARGATE only. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<bool>,
}

/// The subnets and security groups of the load balancers of one scheme.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    /// The ids of their subnets, 2 to 16, each in another availability zone: an application load balancer needs two.
    #[schemars(transform = ids("subnet-", 2, 16))]
    pub subnets: Vec<String>,

    /// The ids of their security groups, at most 16. Left out: the VPC's default one, which lets nobody else in. Once some
    /// were named, others can be named instead, but not none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = ids("sg-", 0, 16))]
    pub security_groups: Vec<String>,
}

/// The way in which exposed processes are reached.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadBalancing {
    /// `ELBv2`: each exposed process has a load balancer. `None`: exposed processes have their ports, but no load
    /// balancers, no names and no grace period. Left out: `ELBv2`. Cannot be changed while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<Provider>,
}

/// The maker of load balancers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Provider {
    ELBv2,
    None,
}

/// The zones and records of the names of exposed processes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    "has(self.internal) || has(self.external)",
    "dns: needs internal, external or both; to have no names, leave dns out",
))]
pub struct Dns {
    /// The zone for the names of every exposed process. Left out: internal ones get no names. May be added, but neither
    /// changed nor taken out while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub internal: Option<Zone>,

    /// The zone for the names of external processes, which they have besides those in the internal zone; with the same
    /// zone name, the private zone hides the public one inside its VPC. May be added, but neither changed nor taken out
    /// while Apps are here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<Zone>,

    /// The type of the records that lead to load balancers: `CNAME`; or `Alias`, an A record that Route 53 follows by itself, which
    /// the zone's own name needs. Left out: `CNAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record_type: Option<RecordType>,

    /// The time that resolvers may remember a CNAME record, in seconds, 0 to 604800 (a week). Left out: 60. An alias always
    /// has 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 604_800))]
    pub ttl_seconds: Option<i32>,

    /// The names that exposed processes get by themselves, without the zone's, 1 to 4, such as `{app}-{process}.{namespace}`.
    /// `{app}`, which each needs, `{process}` and `{namespace}` stand for the names of the App's own; one without `{process}` is
    /// for the process `web` alone. Another list renames: the names are made anew, and the old ones go. Two Apps for which it
    /// comes to the same name are in `Conflict` about it. Left out: `{app}-{process}` and `{app}`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = name_templates)]
    pub name_templates: Vec<String>,
}

/// A hosted zone of Route 53, which must exist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Zone {
    /// Its id, such as `Z0123456789ABCDEFGHIJ`, without `/hostedzone/`.
    #[schemars(length(max = 32))]
    #[x_kube(validation = rule(
        "self.matches('^[A-Z0-9]+$')",
        "must be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, without /hostedzone/",
    ))]
    pub hosted_zone_id: String,
}

/// The type of the records that lead to load balancers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum RecordType {
    #[serde(rename = "CNAME")]
    Cname,
    Alias,
}
