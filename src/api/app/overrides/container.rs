//! Members of a container definition.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Members of a container definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ContainerMembers {
    /// True: the container has no network. Network mode `bridge` only. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_networking: Option<bool>,

    /// Domains in which names are looked up, at most 10. Network mode `bridge` only. Left out: those of the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = texts(10, 253))]
    pub dns_search_domains: Vec<String>,

    /// IP addresses of DNS servers, in their order, at most 10. Network mode `bridge` only. Left out: those of the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = texts(10, 45))]
    pub dns_servers: Vec<String>,

    /// Options of SELinux and AppArmor: `no-new-privileges`, `label:…`, `apparmor:…`, at most 10. Not on Fargate. Left out: those
    /// of the instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = texts(10, 255))]
    pub docker_security_options: Vec<String>,

    /// The host name of the container. Network mode `bridge` only. Left out: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub hostname: Option<String>,

    /// True: standard input stays open. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interactive: Option<bool>,

    /// Containers of the process that can be reached by their names, or by another as in `db:database`, at most 9. Network mode
    /// `bridge` only. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = texts(9, 127))]
    pub links: Vec<String>,

    /// Settings of the Linux kernel.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub linux_parameters: Option<LinuxParameters>,

    /// True: the container has nearly all rights of `root` on the instance. Not on Fargate. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub privileged: Option<bool>,

    /// True: it has a terminal. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pseudo_terminal: Option<bool>,

    /// Limits of the kernel for each process in it, by name, at most 15; one of `ulimits` is replaced. On Fargate `nofile` only.
    /// Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 15))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub ulimits: Vec<Ulimit>,

    /// `disabled`: ECS does not look up the digest of the image's tag, so that tasks of one rollout may run different images.
    /// Left out: `enabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version_consistency: Option<VersionConsistency>,

    /// Other containers of the process whose volumes it has, too, at most 9. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 9))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub volumes_from: Vec<VolumeFrom>,
}

/// Settings of the Linux kernel for a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinuxParameters {
    /// Parts of the rights of `root`. Left out: those that Docker gives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,

    /// Devices of the instance in the container, at most 20. Not on Fargate. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub devices: Vec<Device>,

    /// MiB of swap, 0 or more. Not on Fargate. Left out: as the instance has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub max_swap: Option<i32>,

    /// The readiness to swap, 0 to 100; only with `maxSwap`. Not on Fargate, nor on Amazon Linux 2023. Left out: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub swappiness: Option<i32>,

    /// File systems in memory, at most 10: mount options for one of the process's `tmpfs`, or one of a sidecar. Not on Fargate.
    /// Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 10))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub tmpfs: Vec<Tmpfs>,
}

/// Parts of the rights of `root`, as Linux names them, without `CAP_`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Those besides Docker's, at most 40; on Fargate `SYS_PTRACE` only. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = capabilities)]
    pub add: Vec<String>,

    /// Those of Docker's that it is to be without, at most 40. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = capabilities)]
    pub drop: Vec<String>,
}

/// A device of the instance in a container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// Its path on the instance, such as `/dev/fuse`; each once.
    #[schemars(length(max = 255))]
    pub host_path: String,

    /// Its path in the container. Left out: the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub container_path: Option<String>,

    /// The rights to it: `read`, `write`, `mknod`. Left out: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub permissions: Vec<DevicePermission>,
}

/// A right to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DevicePermission {
    Mknod,
    Read,
    Write,
}

/// A file system in memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tmpfs {
    /// The path at which it is mounted; each once.
    #[schemars(length(max = 255))]
    pub container_path: String,

    /// MiB, 1 or more. Left out: that of `tmpfs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub size: Option<i32>,

    /// Options of the mount, such as `noexec` or `mode=1777`, at most 20. Left out: Docker's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = texts(20, 64))]
    pub mount_options: Vec<String>,
}

/// A limit of the kernel; -1 is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ulimit {
    /// The resource, such as `memlock`; each once.
    #[schemars(extend("enum" = [
        "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio", "rttime",
        "sigpending", "stack"
    ]))]
    pub name: String,

    /// The limit that holds, and that the program may raise up to the hard one.
    #[schemars(range(min = -1))]
    pub soft_limit: i32,

    /// The limit up to which it may.
    #[schemars(range(min = -1))]
    pub hard_limit: i32,
}

/// The use of an image's digest by ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VersionConsistency {
    Disabled,
    Enabled,
}

/// A container whose volumes another has, too.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct VolumeFrom {
    /// Its name; each once.
    #[schemars(length(max = 63))]
    pub source_container: String,

    /// True: the volumes cannot be written to here. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only: Option<bool>,
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_KernelCapabilities.html>
const CAPABILITIES: [&str; 38] = [
    "ALL",
    "AUDIT_CONTROL",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "SYSLOG",
    "WAKE_ALARM",
];

fn capabilities(schema: &mut Schema) {
    schema.insert("maxItems".into(), json!(40));
    schema.insert(
        "items".into(),
        json!({ "type": "string", "enum": &CAPABILITIES[..] }),
    );
    schema.insert("x-kubernetes-list-type".into(), json!("atomic"));
}

fn texts(most: usize, length: usize) -> impl Fn(&mut Schema) {
    move |schema| {
        schema.insert("maxItems".into(), json!(most));
        schema.insert("items".into(), json!({ "type": "string", "maxLength": length }));
        schema.insert("x-kubernetes-list-type".into(), json!("atomic"));
    }
}
