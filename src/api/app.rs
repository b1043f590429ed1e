//! `App`: an extended Procfile as a resource, and what became of it.
//!
//! Descriptions are what `kubectl explain` shows. A default is named in words only: one in the schema would be written
//! into the user's object, and GitOps tools would see drift.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

mod capacity;
mod container;
mod deletion;
mod deploy;
mod expose;
mod extras;
mod logging;
mod overrides;
mod process;
mod release;
mod rules;
mod scale;
mod status;
mod volumes;

pub use capacity::{CapacityProvider, ProcessCapacity};
pub(super) use capacity::{one_has_a_base, one_has_a_weight};
pub use container::{Architecture, ContainerCheck, DependencyCondition, Sidecar, Ulimits};
pub use deletion::DeletionPolicy;
pub use deploy::{CircuitBreaker, Constraint, ConstraintType, Deploy, Placement, Strategy, StrategyType};
pub use expose::{Expose, ExposeType, HealthCheck, Listener, ListenerProtocol};
pub use extras::{Extras, Restart, SidecarPort, Transport};
pub use logging::{ContainerLogging, LogRouter, LogRouterType};
pub use overrides::{
    CONTAINER_MEMBERS, Capabilities, ContainerMembers, Device, DevicePermission, DockerVolume,
    DockerVolumeScope, HostVolume, IpcMode, LinuxParameters, Members, NO_CONTAINER, NO_TASK, Override, PATHS,
    PidMode, Removed, TASK_DEFINITION, TASK_MEMBERS, TaskConstraint, TaskMembers, Tmpfs, Ulimit,
    VersionConsistency, VolumeFrom, VolumeMembers,
};
pub use process::Process;
pub use release::{
    Release, ReleaseAttempt, ReleaseCapacity, ReleaseNetwork, ReleasePhase, ReleaseRequest, ReleaseStatus,
    released_content,
};
pub use scale::{Scale, ScaleSchedule};
pub use status::{
    AppStatus, Counted, EchoStatus, ExecStatus, HostPortStatus, LogsStatus, PlatformRecord, ProcessStatus,
    RejectedRollout, Retiring, RevisionStatus, RolloutProgress, RolloutStatus, ScaleStatus, ScheduleStatus,
    SecretChangeStatus, SecretStatus, SubmittedRollout, TaskSize,
};
pub use volumes::{Efs, Mount, Volume};

use std::collections::BTreeMap;

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use self::release::{release_is_of_a_process, release_is_of_a_process_of_nobody};
use self::rules::{
    exposed_names_fit, name_is_a_label, platform_is_the_recorded_one, platform_stays, port_is_reserved,
    process_names_are_labels, process_names_are_text, variables_differ,
};
use super::schema::{LABEL, environment, image, role, rule, secrets};

/// An application: its processes, and the Platform that they run on.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "empire.dev",
    version = "v1alpha1",
    kind = "App",
    namespaced,
    status = "AppStatus",
    derive = "PartialEq",
    category = "empire",
    doc = "An application described as an extended Procfile: named processes, each with a command, a size, and how it is \
           exposed. Each process runs as a service on the ECS cluster of a Platform; an exposed one also gets a load \
           balancer and DNS names.",
    printcolumn(
        name = "Platform",
        type_ = "string",
        json_path = ".status.platform.name",
        description = "The Platform that the App runs on"
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#,
        description = "True if AWS is as the manifest wants it"
    ),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#,
        description = "The reason of Ready"
    ),
    printcolumn(
        name = "Processes",
        type_ = "string",
        json_path = ".status.processesComplete",
        description = "The number of processes that are complete, of those with a service"
    ),
    printcolumn(
        name = "URL",
        type_ = "string",
        json_path = ".status.url",
        description = "The address of web, or else of the first exposed process"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Image",
        type_ = "string",
        json_path = ".spec.image",
        description = "The image of the processes that name none of their own",
        priority = 1
    ),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].message"#,
        description = "The message of Ready",
        priority = 1
    ),
    selectable = ".spec.platform",
    selectable = ".status.platform.name",
    validation = name_is_a_label(),
    validation = platform_is_the_recorded_one(),
    validation = exposed_names_fit(),
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = platform_stays())]
#[x_kube(validation = release_is_of_a_process())]
#[x_kube(validation = release_is_of_a_process_of_nobody())]
#[x_kube(validation = variables_differ())]
pub struct AppSpec {
    /// The Platform to run on. Left out: the one annotated `empire.dev/is-default-platform: "true"`. Cannot be changed
    /// once it is set; an App stays on the Platform that it started on, even if the default moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    #[x_kube(validation = rule(
        format!("self.matches('{LABEL}')"),
        "must be the name of a Platform: at most 63 lower case letters, digits and hyphens",
    ))]
    pub platform: Option<String>,

    /// The container image that every process runs, such as `registry.example.com/acme:v42`. At most 255 characters. Where the
    /// Platform has `tenancy.grants`, one must give it.
    #[schemars(length(max = 512))]
    #[x_kube(validation = image())]
    pub image: String,

    /// Environment variables of every process; a process's own come before them. At most 250, of at most 32,768
    /// characters each, and 65,536 bytes for all that a task definition holds. `PORT`, `SOURCE` and names that begin with
    /// `EMPIRE_` are reserved. Not for secrets: whoever may read ECS task definitions can read them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = environment)]
    #[x_kube(validation = rule(
        "!('PORT' in self)",
        "env: PORT is reserved: each exposed process gets its own, set by expose.containerPort",
    ))]
    pub env: BTreeMap<String, String>,

    /// Secrets of every process: environment variables whose values ECS reads from AWS when a task starts. By name, a secret in
    /// Secrets Manager: its ARN, or `secretsmanager:` and its name, to both of which `:<json key>:<version stage>:<version id>` may
    /// be added; or a parameter of SSM: its ARN, or `/shop/db`, or `ssm:` and its name. A name is one in the Platform's region and
    /// account; for those of Secrets Manager, the controller's role needs `deploy/iam/secrets.json`. The values never pass through
    /// the controller. At most 250; the Platform's `tenancy` must allow them, by the ARN that a name stands for, and a process's
    /// own come before them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = secrets)]
    #[x_kube(validation = rule(
        "!('PORT' in self)",
        "secrets: PORT is reserved: each exposed process gets its own, set by expose.containerPort",
    ))]
    pub secrets: BTreeMap<String, String>,

    /// True: the tasks of services are replaced when a secret that they read at their start has another value, as after a rotation.
    /// A process's own comes before it. The controller's role needs `deploy/iam/secrets.json` for it. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll_on_change: Option<bool>,

    /// The ARN of the IAM role that the program itself has in AWS. The Platform's `tenancy` must allow it. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = role())]
    pub task_role_arn: Option<String>,

    /// The fate of the App's resources in AWS when the App is deleted. `Delete`: they are removed. `Retain`: they go on
    /// running, with their names and without the tag of an owner, and host ports stay claimed; their other tags say which App
    /// has left them behind, and an App of the same name that is annotated `empire.dev/adopt: "true"` takes them over. Where the Platform has `tenancy.grants`, one must give `retain`, or the deletion waits. Left out: the
    /// Platform's `deletionPolicy`, or else `Delete`; but a service or schedule that the App has adopted is retained when
    /// its process or the App goes, with what it needs, unless this field itself says `Delete`. That asks for no grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_policy: Option<DeletionPolicy>,

    /// The task that runs once for each new content of the App, such as one that migrates a database. Until it has succeeded, no
    /// service and no schedule is changed but for the number of tasks; if it fails, the old release goes on. Content is what the
    /// App says that its processes run: `image`, `command`, `env` and the like of all of them, all of the task's own process, and
    /// `taskRoleArn`. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<Release>,

    /// True: observe and report, but change nothing in AWS. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,

    /// The processes by name, 1 to 100: the Procfile. A name consists of at most 63 lower case letters, digits and
    /// hyphens; with an exposed process, `<app>-<process>` has at most 63 characters. A process named `web` that says
    /// nothing about exposure is exposed as `http`, internally.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 100))]
    #[x_kube(validation = process_names_are_labels())]
    #[x_kube(validation = process_names_are_text())]
    #[x_kube(validation = port_is_reserved("env"))]
    #[x_kube(validation = port_is_reserved("secrets"))]
    pub processes: BTreeMap<String, Process>,
}
