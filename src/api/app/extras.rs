//! What the container of a process and a sidecar may have alike, beyond what most have.
//!
//! A schema of its own limits each field; what it leaves, `desired` judges, since rules in CEL for each of hundreds of sidecars
//! would cost the API server too much.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::logging::ContainerLogging;
use crate::api::schema::between;
use crate::api::schema::container::{addresses, exit_codes, files, kernel_parameters};

/// What the container of a process and a sidecar may have alike.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extras {
    /// The time that containers which wait for this one give it to become what they wait for, `2s` to `1h`, in whole seconds; on
    /// Fargate at most `120s`. After that, the task is stopped. Left out: as ECS has it, up to three hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "1h"))]
    pub start_timeout: Option<String>,

    /// If it is there, ECS starts the container anew where it ends, and leaves the task and its other containers alone. Left out:
    /// a task ends with a container that is essential.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,

    /// Memory that an instance must have left for the container, as a Kubernetes quantity of bytes, 6Mi or more, below its
    /// `memory`, which stays the hard limit. Left out: all of `memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub memory_reservation: Option<String>,

    /// The size of `/dev/shm`, as a Kubernetes quantity of bytes, 1Mi or more. Not on Fargate. Left out: 64 MiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    pub shared_memory: Option<String>,

    /// The number of GPUs of the instance that are the container's alone, 1 to 16. Not on Fargate. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 16))]
    pub gpus: Option<i32>,

    /// Files of environment variables: the ARNs of objects in S3 that end with `.env`, such as
    /// `arn:aws:s3:::config.example.com/shop/acme.env`, at most 10 in a task. ECS reads them with the Platform's
    /// `tasks.executionRoleArn` when a task starts; `env` and `secrets` come before them. The Platform's `tenancy` must allow
    /// them as `fileArns`. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = files)]
    pub environment_files: Vec<String>,

    /// Parameters of the kernel, as sysctl names them, such as `net.core.somaxconn: "1024"`; with network mode `awsvpc`, those of
    /// the network are the whole task's. At most 50. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = kernel_parameters)]
    pub system_controls: BTreeMap<String, String>,

    /// Names that `/etc/hosts` of the container has besides, each with its IP address. At most 50. Not with network mode
    /// `awsvpc`. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = addresses)]
    pub extra_hosts: BTreeMap<String, String>,

    /// The log driver, in place of the Platform's `tasks.logging`. The Platform's `tenancy` must allow it. Left out: the Platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logging: Option<ContainerLogging>,
}

/// ECS's own start of a container that has ended, in the same task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restart {
    /// The time that the container must have run for it to be started anew, `60s` to `1800s`, in whole seconds. Left out: 300s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("60s", "1800s"))]
    pub attempt_period: Option<String>,

    /// Exit codes, 0 to 255, after which it is not started anew. At most 50. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = exit_codes)]
    pub ignored_exit_codes: Vec<i32>,
}

/// A port of a sidecar.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SidecarPort {
    /// The port in the container, 1 to 65535.
    #[schemars(range(min = 1, max = 65_535))]
    pub container_port: i32,

    /// `tcp` or `udp`. Left out: `tcp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Transport>,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Tcp,
    Udp,
}
