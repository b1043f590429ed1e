//! The rules of an App beyond the schema of each field: about names, and about several fields at once, in CEL.

use kube::core::Rule;

use crate::api::schema::{LABEL, at_root, rule, rule_saying};

/// It becomes part of ECS and DNS names, where a dot would mean something else.
pub(super) fn name_is_a_label() -> Rule {
    at_root(rule(
        format!("self.metadata.name.matches('{LABEL}')"),
        "metadata.name: an App's name has at most 63 lower case letters, digits and hyphens, and no dots",
    ))
}

/// An App does not move.
pub(super) fn platform_stays() -> Rule {
    rule(
        "!has(oldSelf.platform) || (has(self.platform) && self.platform == oldSelf.platform)",
        "platform cannot be changed once it is set: to move, make a new App",
    )
    .field_path(".platform")
}

/// The one in status is where the App's resources are.
pub(super) fn platform_is_the_recorded_one() -> Rule {
    at_root(
        rule_saying(
            "!has(self.spec.platform) || self.?status.?platform.?name.orValue(self.spec.platform) == self.spec.platform",
            "'platform cannot be changed: this App runs on Platform ' + self.status.platform.name + '; to move, make a new App'",
        )
        .field_path(".spec.platform"),
    )
}

/// `<app>-<process>` is the first label of a DNS name.
pub(super) fn exposed_names_fit() -> Rule {
    let exposed = is_exposed("self.spec.processes[n]");
    let long = "(size(self.metadata.name) + 1 + size(n) > 63)";
    at_root(
        rule_saying(
            format!("self.spec.processes.all(n, !{long} || !{exposed})"),
            format!(
                "'process ' + self.spec.processes.filter(n, {long} && {exposed})[0] + \
                 ': expose: <app>-<process> has more than 63 characters, the most that a part of a DNS name can have'"
            ),
        )
        .field_path(".spec.processes"),
    )
}

pub(super) fn process_names_are_labels() -> Rule {
    let valid = format!("n.matches('{LABEL}')");
    rule_saying(
        format!("self.all(n, {valid})"),
        format!(
            "self.filter(n, !{valid}).map(n, [n, n.lowerAscii().replace('_', '-').replace('.', '-')])\
             .map(n, 'process ' + n[0] + ': a name has at most 63 lower case letters, digits and inner hyphens' + \
             (n[1].matches('{LABEL}') ? ': write ' + n[1] : ''))[0]"
        ),
    )
}

/// YAML reads `true`, `yes` and `on` without quotes as one and the same truth value, and what arrives here is `true`.
pub(super) fn process_names_are_text() -> Rule {
    rule_saying(
        "!('true' in self) && !('false' in self)",
        "'process ' + (('true' in self) ? 'true' : 'false') + ': cannot be a name: YAML takes it, as it does yes, no, on and off, for a truth value'",
    )
}

pub(super) fn port_is_reserved(field: &str) -> Rule {
    let clash = format!(
        "(has(self[n].{field}) && 'PORT' in self[n].{field} && {})",
        is_exposed("self[n]")
    );
    rule_saying(
        format!("self.all(n, !{clash})"),
        format!(
            "'process ' + self.filter(n, {clash})[0] + ': {field}: PORT is reserved on an exposed process: set expose.containerPort instead'"
        ),
    )
}

/// CEL for whether the process `n` is exposed.
fn is_exposed(process: &str) -> String {
    format!(
        "(has({process}.expose) ? {process}.expose.?type.orValue('http') != 'none' \
         : n == 'web' && !has({process}.cron) && !{process}.?noservice.orValue(false))"
    )
}

/// One name means one thing.
pub(super) fn variables_differ() -> Rule {
    rule_saying(
        "!has(self.env) || !has(self.secrets) || self.secrets.all(n, !(n in self.env))",
        "'secrets: ' + self.secrets.filter(n, n in self.env)[0] + ': is also in env'",
    )
    .field_path(".secrets")
}

pub(super) fn cron_takes_no(field: &str, why: &str) -> Rule {
    rule(
        format!("!has(self.cron) || !has(self.{field})"),
        format!("{field}: not with cron: {why}"),
    )
    .field_path(format!(".{field}"))
}

pub(super) fn noservice_takes_no(field: &str, why: &str) -> Rule {
    rule(
        format!("!self.?noservice.orValue(false) || !has(self.{field})"),
        format!("{field}: not with noservice: {why}"),
    )
    .field_path(format!(".{field}"))
}

pub(super) fn args_follow_something() -> Rule {
    rule(
        "!has(self.args) || size(self.args) == 0 || has(self.command) || (has(self.entryPoint) && size(self.entryPoint) > 0)",
        "args: need a command or an entryPoint before them: ECS cannot add words to the image's own command",
    )
    .field_path(".args")
}

pub(super) fn shell_has_a_command() -> Rule {
    rule(
        "!has(self.shell) || !self.shell || has(self.command)",
        "shell: needs a command for it to run",
    )
    .field_path(".shell")
}

/// Text that says something; `what` ends in an example.
pub(super) fn says(what: &str) -> Rule {
    rule(r"self.matches('\\S')", format!("must not be empty: say {what}"))
}

pub(super) fn time_zone() -> Rule {
    rule(
        r"self.matches('^[A-Za-z0-9_+/-]+$')",
        "must be the IANA name of a time zone, such as Europe/Berlin",
    )
}

pub(super) fn mounts_are_of_volumes() -> Rule {
    let known = "(has(self.volumes) && self.mounts[p].volume in self.volumes)";
    rule_saying(
        format!("!has(self.mounts) || self.mounts.all(p, {known})"),
        format!(
            "self.mounts.filter(p, !{known}).map(p, 'mounts: ' + p + ': ' + self.mounts[p].volume + ' is none of the volumes')[0]"
        ),
    )
    .field_path(".mounts")
}

pub(super) fn mounts_are_no_tmpfs() -> Rule {
    rule_saying(
        "!has(self.mounts) || !has(self.tmpfs) || self.mounts.all(p, !(p in self.tmpfs))",
        "'mounts: ' + self.mounts.filter(p, p in self.tmpfs)[0] + ': is also in tmpfs'",
    )
    .field_path(".mounts")
}

pub(super) fn exec_has_a_service() -> Rule {
    rule(
        "!has(self.exec) || !has(self.cron) && !self.?noservice.orValue(false)",
        "exec: not with cron or noservice: it is turned on for a service",
    )
    .field_path(".exec")
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html>
pub(super) fn exec_writes() -> Rule {
    rule(
        "!has(self.exec) || !self.exec || !self.?readOnlyRootFilesystem.orValue(false)",
        "exec: not with readOnlyRootFilesystem: ECS runs an agent in the container, which writes there",
    )
    .field_path(".exec")
}

/// What starts later reads what there is by then.
pub(super) fn roll_on_change_has_a_service() -> Rule {
    rule(
        "!has(self.rollOnChange) || !has(self.cron) && !self.?noservice.orValue(false)",
        "rollOnChange: not with cron or noservice: each of their tasks reads its secrets as it starts",
    )
    .field_path(".rollOnChange")
}

pub(super) fn scale_has_a_service() -> Rule {
    rule(
        "!has(self.scale) || !has(self.cron) && !self.?noservice.orValue(false)",
        "scale: not with cron or noservice: there is no service whose tasks could be scaled",
    )
    .field_path(".scale")
}

pub(super) fn scale_is_no_quantity() -> Rule {
    rule(
        "!has(self.scale) || !has(self.quantity)",
        "scale: not with quantity: say one or the other",
    )
    .field_path(".scale")
}

/// The fields of an exposure, but for its type.
const EXPOSE_FIELDS: [&str; 9] = [
    "external",
    "containerPort",
    "listeners",
    "certificateArns",
    "hostnames",
    "gracePeriod",
    "idleTimeout",
    "deregistrationDelay",
    "check",
];

pub(super) fn none_takes_nothing() -> Rule {
    let any: Vec<String> = EXPOSE_FIELDS
        .iter()
        .map(|field| format!("has(self.{field})"))
        .collect();
    rule(
        format!("self.?type.orValue('http') != 'none' || !({})", any.join(" || ")),
        "expose: type none takes no other field, since the process is not exposed",
    )
}

pub(super) fn listeners_or_type() -> Rule {
    rule(
        format!("!{HAS_LISTENERS} || self.?type.orValue('') == 'none' || !(has(self.type) || has(self.containerPort))"),
        "expose: listeners are in place of type and containerPort: say it in one way or the other",
    )
    .field_path(".listeners")
}

const HAS_LISTENERS: &str = "(has(self.listeners) && size(self.listeners) > 0)";
const HAS_CERTIFICATES: &str = "(has(self.certificateArns) && size(self.certificateArns) > 0)";

/// CEL for whether an exposure uses one of two protocols.
fn speaks(one: &str, other: &str) -> String {
    format!(
        "({HAS_LISTENERS} ? self.listeners.exists(l, l.protocol == '{one}' || l.protocol == '{other}') \
         : self.?type.orValue('http') in ['{one}', '{other}'])"
    )
}

pub(super) fn certificates_for_tls() -> Rule {
    rule(
        format!("!{} || {HAS_CERTIFICATES}", speaks("https", "tls")),
        "expose: https and tls need certificateArns",
    )
}

pub(super) fn certificates_only_for_tls() -> Rule {
    rule(
        format!("!{HAS_CERTIFICATES} || {}", speaks("https", "tls")),
        "expose: certificateArns are for https and tls only",
    )
    .field_path(".certificateArns")
}

/// Refuses settings that a network load balancer does not have.
pub(super) fn only_http(given: &str, message: &str) -> Rule {
    rule(format!("!({given}) || !{}", speaks("tcp", "tls")), message)
}

pub(super) fn listeners_of_one_kind() -> Rule {
    rule(
        "self.all(l, l.protocol in ['http', 'https']) || self.all(l, l.protocol in ['tcp', 'tls'])",
        "expose: listeners: http and https are for another kind of load balancer than tcp and tls: use a process each",
    )
}

/// Between the smallest and the largest of them there is no third.
pub(super) fn two_container_ports() -> Rule {
    let ports = "self.map(m, m.?containerPort.orValue(8080))";
    rule(
        format!(
            "self.map(l, l.?containerPort.orValue(8080)).all(p, p == {ports}.min() || p == {ports}.max())"
        ),
        "expose: listeners: they may lead to two container ports at most",
    )
}
