//! A process of an App: its command, what its container gets, and how it is run, placed, scaled and exposed.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use super::rules::{
    args_follow_something, cron_takes_no, exec_has_a_service, exec_writes, mounts_are_no_tmpfs,
    mounts_are_of_volumes, noservice_takes_no, roll_on_change_has_a_service, says, scale_has_a_service,
    scale_is_no_quantity, shell_has_a_command, time_zone, variables_differ,
};
use super::{
    Architecture, ContainerCheck, DependencyCondition, Deploy, Expose, Extras, Mount, Override, Placement,
    ProcessCapacity, Scale, Sidecar, Ulimits, Volume,
};
use crate::api::schema::container::{
    directory, disk, labels, memory, mount_paths, repository_credentials, tmpfs, user, volume_names,
};
use crate::api::schema::{between, environment, ids, image, no_controls, rule, secrets, words};

/// One line of the Procfile, extended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = cron_takes_no("expose", "nobody can reach a task that comes and goes"))]
#[x_kube(validation = cron_takes_no("quantity", "each time, one task is started"))]
#[x_kube(validation = cron_takes_no("deploy", "the next task started is of the new release"))]
#[x_kube(validation = noservice_takes_no("cron", "one or the other"))]
#[x_kube(validation = noservice_takes_no("expose", "nothing runs that could be reached"))]
#[x_kube(validation = noservice_takes_no("quantity", "nothing runs"))]
#[x_kube(validation = noservice_takes_no("deploy", "nothing runs that could be replaced"))]
#[x_kube(validation = exec_has_a_service())]
#[x_kube(validation = exec_writes())]
#[x_kube(validation = roll_on_change_has_a_service())]
#[x_kube(validation = scale_has_a_service())]
#[x_kube(validation = scale_is_no_quantity())]
#[x_kube(validation = noservice_takes_no("placement", "nothing runs that could be placed"))]
#[x_kube(validation = rule("!has(self.timezone) || has(self.cron)", "timezone: is for cron only").field_path(".timezone"))]
#[x_kube(validation = variables_differ())]
#[x_kube(validation = args_follow_something())]
#[x_kube(validation = shell_has_a_command())]
#[x_kube(validation = mounts_are_of_volumes())]
#[x_kube(validation = mounts_are_no_tmpfs())]
pub struct Process {
    /// The command line, such as `./bin/web --verbose --port $(PORT)`. Split into words like a shell does, but not run by one,
    /// unless `shell` is true. In a word, `$(NAME)` is the value of a variable of the process, `PORT` and the like among them,
    /// and `$$(` is `$(`; what names no variable stays, and a secret's name is refused. An App that was stored before this
    /// was so keeps its text until its spec is edited. At most 4,096 characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4_096))]
    #[x_kube(validation = says("what the process runs, such as ./bin/web"))]
    #[x_kube(validation = no_controls())]
    pub command: Option<String>,

    /// Further words of the command line, only with `command` or `entryPoint`: appended as they are but for `$(NAME)`, or where
    /// `shell` is true its `$1`, `$2` and so on. At most 100, of at most 4,096 characters each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = words)]
    pub args: Vec<String>,

    /// True: the image's `sh -c` runs the command, so that `$NAME`, `&&`, `|` and the like do what they do there. `exec` is put
    /// before the program where the shell has nothing to do after it, so that ECS's signals reach the program. An image that
    /// has an ENTRYPOINT gets `sh -c …` as arguments of that: give it an `entryPoint`, such as `["/usr/bin/env"]`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shell: Option<bool>,

    /// The image of this process, if it is another than the App's. At most 255 characters. A grant must give it likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = image())]
    pub image: Option<String>,

    /// The times at which to start a task, instead of running a service: six fields as EventBridge Scheduler takes them (minute, hour,
    /// day of month, month, day of week, year), such as `0 3 * * ? *`, or five as in a crontab, such as `0 3 * * 1-5`. At
    /// most 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = says("when, such as 0 3 * * ? *"))]
    pub cron: Option<String>,

    /// The time zone that `cron` is read in, by its IANA name, such as `Europe/Berlin`. Left out: UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(validation = time_zone())]
    pub timezone: Option<String>,

    /// True: a task definition and nothing else, for tasks that are started by hand, such as a console. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noservice: Option<bool>,

    /// The number of tasks, 0 to 10,000, enforced: a count changed in AWS is set back. Left out: the service starts with
    /// 1, and is then left to whoever scales it; or see `scale`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 10_000))]
    pub quantity: Option<i32>,

    /// The scaling between two numbers of tasks, by Application Auto Scaling, in place of `quantity`. The count is AWS's then, and
    /// set back only where it is outside of the range. The controller's role needs `deploy/iam/autoscaling.json` for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,

    /// CPU units per task, 2 to 262,144; 1,024 are one vCPU. Left out: 256. Fargate takes certain sizes only, each with
    /// certain amounts of memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 262_144))]
    pub cpu: Option<i32>,

    /// Memory per task, as a Kubernetes quantity of bytes such as `512Mi` or `2Gi`, 6Mi to 32Ti: a hard limit, at which
    /// the container is killed. Rounded up to whole MiB. Left out: 512Mi.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = memory())]
    pub memory: Option<String>,

    /// Environment variables of this process, which come before those of the App. At most 250, of at most 32,768
    /// characters each. `SOURCE`, names that begin with `EMPIRE_` and, if the process is exposed, `PORT` are reserved.
    /// Not for secrets: whoever may read ECS task definitions can read them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = environment)]
    pub env: BTreeMap<String, String>,

    /// The exposure of the process to its clients. Left out: a process named `web` is exposed as `http`, internally; any other is not
    /// exposed. `{}` is the same as `{type: http}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expose: Option<Expose>,

    /// Secrets of this process, which come before those of the App. At most 250. A name cannot be in both `env` and
    /// `secrets`, and those that are reserved there are reserved here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = secrets)]
    pub secrets: BTreeMap<String, String>,

    /// True: its tasks are replaced when a secret that they read at their start has another value: another version in Secrets Manager
    /// is `AWSCURRENT`, or a parameter has another version. What has a version id or a label of your own, or is in another region
    /// or account, is not watched. Only for processes with a service. Left out: the App's, or else false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roll_on_change: Option<bool>,

    /// Limits that the kernel sets for each process in the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ulimits: Option<Ulimits>,

    /// The time that a task has to stop before it is killed, `2s` to `1h`, in whole seconds; on Fargate at most `120s`.
    /// Left out: as the container instances are set up, on Fargate 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "1h"))]
    pub stop_timeout: Option<String>,

    /// True: the program cannot write to its root file system. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_root_filesystem: Option<bool>,

    /// True: who may have ECS do it in AWS can run commands in the containers of its tasks, with the App's `taskRoleArn`, which
    /// must be there and let the task use Systems Manager. Only for processes with a service, and without
    /// `readOnlyRootFilesystem`. The Platform's `tenancy` must allow it. Tasks that run lack it until their next rollout; to turn
    /// it off ends no command. Left out: as it is, but off where this field has turned it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exec: Option<bool>,

    /// The container instances that tasks run on. Left out: on EC2, spread over availability zones and then over instances.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub placement: Option<Placement>,

    /// The shares of its tasks, and of those of a release, on the Platform's `capacityProviders`, in place of the Platform's own. Another
    /// share replaces all tasks. Where the Platform has `tenancy.grants`, one must give `capacity`. Left out: the Platform's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<ProcessCapacity>,

    /// The ids of security groups that its tasks have besides those of the Platform, which must name some; at most 5 together, with
    /// network mode `awsvpc` only. The Platform's `tenancy` must allow each. Other groups replace all tasks. Left out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = ids("sg-", 0, 5))]
    pub security_groups: Vec<String>,

    /// The way in which a new release replaces the old one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deploy: Option<Deploy>,

    /// The entry point, word by word, in place of the image's own, such as `["/usr/bin/tini", "--"]`; `command` and `args` follow it,
    /// and the image's own command (CMD) is not run. For a shell, use `shell`: of what follows `sh -c`, only the first word is run.
    /// At most 100 words, of at most 4,096 characters each. Left out: the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = words)]
    pub entry_point: Vec<String>,

    /// The check that ECS runs inside the container: a task that fails it after `expose.gracePeriod` is replaced, and a rollout waits
    /// until it passes. For that of a load balancer, see `expose.check`. Left out: none; one in the image is not heeded by ECS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check: Option<ContainerCheck>,

    /// The user that the program runs as, such as `1000` or `app:app`. At most 128 characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = user())]
    pub user: Option<String>,

    /// The directory that the program starts in, such as `/srv/app`. At most 1,024 characters. Left out: the image's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    #[x_kube(validation = directory())]
    pub working_directory: Option<String>,

    /// True: an init process reaps the container's processes that end, and passes signals on. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub init: Option<bool>,

    /// Labels of the container, as Docker has them; agents on container instances read them. At most 50, of at most 1,024
    /// characters each. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = labels)]
    pub docker_labels: BTreeMap<String, String>,

    /// The secret in Secrets Manager with the user name and password of the image's registry, by ARN or as `secretsmanager:` and its
    /// name, which ECS reads with the Platform's `tasks.executionRoleArn`. The Platform's `tenancy` must allow it as one of
    /// `secretArns`. Left out: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = repository_credentials())]
    pub repository_credentials: Option<String>,

    /// File systems in memory: by the path at which one is mounted its size, as a Kubernetes quantity of bytes, 1Mi to 1Ti,
    /// such as `/tmp: 64Mi`. No `/` at its end, no `//`, `.` or `..` in it. At most 10, as memory of the container. Not on Fargate.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(transform = tmpfs)]
    pub tmpfs: BTreeMap<String, String>,

    /// The disk of a task, all containers together, as a Kubernetes quantity of bytes above 20Gi and up to 200Gi, rounded
    /// up to whole GiB. On Fargate only, which gives 20 GiB if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = disk())]
    pub ephemeral_storage: Option<String>,

    /// Sidecars for which the process waits before it starts, by name. Outside a rollout, a task that waits for what never comes
    /// is ended by ECS after three hours. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 9))]
    pub depends_on: BTreeMap<String, DependencyCondition>,

    /// Containers that run beside the process in each of its tasks, by name, at most 9. They share the task's `cpu` and
    /// `memory`. The Platform's `tenancy` must allow them. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 9))]
    pub sidecars: BTreeMap<String, Sidecar>,

    /// The processor architecture that the images are built for: on Fargate and Managed Instances, tasks run on such. Not on
    /// ECS Anywhere. Left out: ECS's own, on Fargate `x86_64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Architecture>,

    /// Volumes of each task, by name, at most 10: `{}` is one on the task's disk, empty at its start and gone with it. A name
    /// has at most 63 letters, digits, hyphens and underscores. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    #[x_kube(validation = volume_names())]
    pub volumes: BTreeMap<String, Volume>,

    /// Volumes in the container, by the absolute path of each, such as `/data: {volume: shared}`. No `/` at its end, no `//`, `.`
    /// or `..` in it. At most 10. Left out: none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 10))]
    #[x_kube(validation = mount_paths())]
    pub mounts: BTreeMap<String, Mount>,

    /// Members of ECS's task definition that have no field here, by AWS's names: for each container of the process, or for the task
    /// definition, what is `set` and what is to be without, at most 11. The Platform's `tenancy` must allow each by its path. Left
    /// out: none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 11))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["on".into()]))]
    pub overrides: Vec<Override>,

    #[serde(flatten)]
    pub extras: Extras,
}
