//! The exposure of a process: listeners, certificates, names, and the health check.

#![expect(unreachable_pub, reason = "KubeSchema repeats each type inside a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules;
use crate::api::schema::{between, hostnames, rule, shorter};

/// The exposure of a process to its clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rules::none_takes_nothing())]
#[x_kube(validation = rules::listeners_or_type())]
#[x_kube(validation = rules::certificates_for_tls())]
#[x_kube(validation = rules::certificates_only_for_tls())]
#[x_kube(validation = rules::only_http("has(self.idleTimeout)", "expose: idleTimeout is for http and https only").field_path(".idleTimeout"))]
#[x_kube(validation = rules::only_http("has(self.check) && has(self.check.path)", "expose: check: path is for http and https only: tcp and tls check that the port answers").field_path(".check"))]
#[x_kube(validation = rules::only_http("has(self.check) && has(self.check.successCodes)", "expose: check: successCodes are for http and https only: tcp and tls check that the port answers").field_path(".check"))]
pub struct Expose {
    /// `http`: an application load balancer that listens on port 80. `https`: one that listens on port 443, with the
    /// certificates, and whose port 80 redirects there. `tcp`: a network load balancer that listens on the container port.
    /// `tls`: one that listens on port 443, with the certificates, and hands on plain TCP. `none`: not exposed, for a
    /// process named `web`; takes no other field. Left out: `http`, unless there are `listeners`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<ExposeType>,

    /// True: an internet-facing load balancer, with names in both DNS zones. False: an internal one, with names in the
    /// internal zone only. Where the Platform has `tenancy.grants`, one must give `external`. Left out: false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external: Option<bool>,

    /// The port that the program listens on in its container, 1 to 65535, which it is told in the environment variable
    /// `PORT`. Left out: 8080.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub container_port: Option<i32>,

    /// The ports of the load balancer, in place of `type` and `containerPort`: 1 to 20, all of them `http` and
    /// `https` or all `tcp` and `tls`, leading to one or two container ports. The environment variable `PORT` is the first
    /// one's container port.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["port".into()]))]
    #[x_kube(validation = rules::listeners_of_one_kind())]
    #[x_kube(validation = rules::two_container_ports())]
    pub listeners: Vec<Listener>,

    /// The ARNs of the certificates of `https` and `tls`, at most 25, in the load balancer's region. The first is for
    /// clients that name no host, or one that is in none of them. Where the Platform has `tenancy.grants`, one must give each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = crate::api::schema::certificates)]
    pub certificate_arns: Vec<String>,

    /// Further DNS names of the process, at most 10, in full and without wildcards, such as `www.example.com`. Each is
    /// made in the Platform's zone that it lies in. Besides them, every exposed process has `<app>-<process>.<zone>`, and
    /// `web` also `<app>.<zone>`, unless the Platform has `dns.nameTemplates`. Where the Platform has `tenancy.grants`, one must
    /// give each name, those too that it gets by itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = hostnames)]
    pub hostnames: Vec<String>,

    /// The time for which a task that has just started may fail its health checks without being replaced, that of the load
    /// balancer and that inside the container (`healthCheck`), `0s` to `24h`, in whole seconds. Left out: 60s, and 300s with
    /// `tcp` and `tls`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "24h"))]
    pub grace_period: Option<String>,

    /// The time that a connection may be idle before the load balancer closes it, `1s` to `4000s`, in whole seconds; `http` and
    /// `https` only. Left out: 60s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("1s", "4000s"))]
    pub idle_timeout: Option<String>,

    /// The time that a task which is taken out of the load balancer has to finish its requests, `0s` to `1h`, in whole
    /// seconds. Left out: 30s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("0s", "1h"))]
    pub deregistration_delay: Option<String>,

    /// The load balancer's health check. Every field has a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<HealthCheck>,
}

/// A protocol by which a process is exposed, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExposeType {
    Http,
    Https,
    Tcp,
    Tls,
    None,
}

/// One port that a load balancer listens on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listener {
    /// The port that clients connect to, 1 to 65535.
    #[schemars(range(min = 1, max = 65_535))]
    pub port: i32,

    /// The protocol of clients: `http`, `https`, `tcp` or `tls`.
    pub protocol: ListenerProtocol,

    /// The port in the container that it leads to, 1 to 65535. Left out: 8080.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65_535))]
    pub container_port: Option<i32>,
}

/// The protocol between clients and a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListenerProtocol {
    Http,
    Https,
    Tcp,
    Tls,
}

/// The check by which a load balancer finds out whether a task works: `http` and `https` request a path, `tcp` and `tls`
/// connect to the port.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = rule(
    format!(
        "!has(self.timeout) || (has(self.interval) ? {} : {})",
        shorter("self.timeout", "self.interval"),
        shorter("self.timeout", "'10s'"),
    ),
    "check: timeout must be shorter than interval, which is 10s if left out",
).field_path(".timeout"))]
pub struct HealthCheck {
    /// The path that is requested, such as `/health`; may have a query. At most 1,024 printable ASCII characters. Left
    /// out: `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1_024))]
    #[x_kube(validation = rule(
        "self.matches('^/[!-~]*$')",
        "must begin with / and have printable ASCII characters only, without spaces",
    ))]
    pub path: Option<String>,

    /// The time from one check of a task to the next, `5s` to `300s`, in whole seconds. Left out: 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("5s", "300s"))]
    pub interval: Option<String>,

    /// The time that one check may take, `2s` to `120s`, in whole seconds and less than the interval. Left out: the lesser of
    /// 5s and the interval less 1s; for `tcp` and `tls` 10s, or the interval less 1s where that is shorter than 10s.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(validation = between("2s", "120s"))]
    pub timeout: Option<String>,

    /// The number of passed checks in a row after which a task counts as healthy, 2 to 10. Left out: 2; for `tcp` and
    /// `tls` 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub healthy_threshold: Option<i32>,

    /// The number of failed checks in a row after which a task counts as unhealthy, 2 to 10. Left out: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 10))]
    pub unhealthy_threshold: Option<i32>,

    /// The HTTP statuses that pass, 200 to 499, single or in ranges, such as `200-299,404`; `http` and `https` only. Left
    /// out: `200-399`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = rule(
        "self.matches('^[2-4][0-9]{2}(-[2-4][0-9]{2})?(,[2-4][0-9]{2}(-[2-4][0-9]{2})?)*$')",
        "must be HTTP statuses from 200 to 499, such as 200, 200-299 or 200,404",
    ))]
    pub success_codes: Option<String>,
}
