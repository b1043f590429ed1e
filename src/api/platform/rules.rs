//! The rules of a Platform beyond the schema of each field: about launch types, and about fields that cannot change, in CEL.

use kube::core::Rule;

use crate::api::schema::{LABEL, at_root, rule, rule_saying};

/// Claims are named after their Platform, and found by a label that carries its name.
pub(super) fn name_is_a_label() -> Rule {
    at_root(rule(
        format!("self.metadata.name.matches('{LABEL}')"),
        "metadata.name: a Platform's name has at most 63 lower case letters, digits and hyphens, and no dots",
    ))
}

/// Asks for `tenancy`. A Platform that was stored without stays as it is, and can be edited; one that has it keeps it, since
/// an old manifest that is applied again would open it.
pub(super) fn names_tenants() -> Rule {
    rule(
        "has(self.tenancy) || (oldSelf.hasValue() && !has(oldSelf.value().tenancy))",
        "tenancy: a Platform says whose Apps it takes; for those of any namespace, write tenancy: {namespaceSelector: {}}",
    )
    .optional_old_self(true)
    .field_path(".tenancy")
}

/// Refuses a new time for which names are kept where none are. One that is there already stays where grants are taken away.
pub(super) fn keeps_what_it_grants() -> Rule {
    rule(
        "!has(self.keepNamesFor) || has(self.grants) || (oldSelf.hasValue() && has(oldSelf.value().keepNamesFor))",
        "tenancy.keepNamesFor: names are kept where there are grants only",
    )
    .optional_old_self(true)
    .field_path(".keepNamesFor")
}

/// A field that cannot change while Apps are here: `value` makes CEL for it, with what it is when left out, from CEL for
/// the spec. An update that leaves the spec alone passes by itself.
pub(super) fn fixed(field: &str, value: impl Fn(&str) -> String) -> Rule {
    unchanged(field, field, &same(value))
}

/// The account of the role, or there being none.
pub(super) fn fixed_account() -> Rule {
    unchanged(
        "roleArn",
        "the account of roleArn",
        &same(|spec| format!("(has({spec}.roleArn) ? {spec}.roleArn.split(':')[4] : '')")),
    )
}

/// The launch type, or there being capacity providers, of Fargate or others.
pub(super) fn fixed_kind_of_capacity() -> Rule {
    let kind = |spec: &str| {
        let capacity = format!("{spec}.capacity");
        format!(
            "(!has({capacity}) ? 'EC2' : has({capacity}.launchType) ? {capacity}.launchType \
             : !has({capacity}.capacityProviders) || size({capacity}.capacityProviders) == 0 ? 'EC2' \
             : {capacity}.capacityProviders.exists(p, p.name.startsWith('FARGATE')) ? 'providers of FARGATE' : 'providers')"
        )
    };
    unchanged("capacity", "the kind of capacity", &same(kind))
}

fn same(value: impl Fn(&str) -> String) -> String {
    format!("{} == {}", value("self.spec"), value("oldSelf.spec"))
}

/// A zone, which may be added.
pub(super) fn fixed_zone(side: &str) -> Rule {
    let present = |spec: &str| format!("has({spec}.dns) && has({spec}.dns.{side})");
    let (before, after) = (present("oldSelf.spec"), present("self.spec"));
    let field = format!("dns.{side}");
    unchanged(
        &field,
        &field,
        &format!(
            "!({before}) || ({after} && self.spec.dns.{side}.hostedZoneId == oldSelf.spec.dns.{side}.hostedZoneId)"
        ),
    )
}

fn unchanged(field: &str, what: &str, condition: &str) -> Rule {
    rule(
        format!("oldSelf.?status.?apps.orValue(0) == 0 || {condition}"),
        format!(
            "{what} cannot be changed while Apps run here (status.apps counts them): make a new Platform and new Apps"
        ),
    )
    .field_path(format!(".spec.{field}"))
}

/// CEL for whether the tasks of a spec run on Fargate, by launch type or by capacity provider.
pub(super) const IS_FARGATE: &str = "(has(self.capacity) && (has(self.capacity.launchType) ? self.capacity.launchType == 'FARGATE' \
     : has(self.capacity.capacityProviders) && self.capacity.capacityProviders.exists(p, p.name.startsWith('FARGATE'))))";

pub(super) fn on_fargate(condition: &str, message: &str) -> Rule {
    rule(format!("!{IS_FARGATE} || ({condition})"), message)
}

/// Newer than what is stored: a spec that is as it was is left alone.
pub(super) fn places_nothing_on_fargate() -> Rule {
    let rule = on_fargate(
        "size(self.?placement.?constraints.orValue([])) == 0",
        "placement.constraints: Fargate has no container instances to choose from",
    );
    Rule {
        rule: format!("(oldSelf.hasValue() && oldSelf.value() == self) || {}", rule.rule),
        ..rule
    }
    .optional_old_self(true)
    .field_path(".placement")
}

pub(super) fn on_external(condition: &str, message: &str) -> Rule {
    rule(
        format!("self.?capacity.?launchType.orValue('EC2') != 'EXTERNAL' || ({condition})"),
        message,
    )
}

/// Asks an endpoint of another host to be https. One that is stored may stay.
pub(super) fn https_elsewhere() -> Rule {
    rule(
        "oldSelf.orValue('') == self || !self.lowerAscii().startsWith('http:') || \
         self.matches('^http://(localhost|127([.][0-9]+){3}|[[]::1])(:[0-9]+)?(/|$)')",
        "must be https, or of the controller's own host, such as http://127.0.0.1:4566",
    )
    .optional_old_self(true)
}

/// Names of containers, as those of an App's sidecars are.
pub(super) fn sidecars_have_names() -> Rule {
    let valid = "n.matches('^[A-Za-z0-9_-]{1,63}$')";
    rule_saying(
        format!("self.all(n, {valid})"),
        format!(
            "'tasks.sidecars: ' + self.filter(n, !{valid})[0] + ': a name has at most 63 letters, digits, hyphens and underscores'"
        ),
    )
}

/// Volumes are those of a process.
pub(super) fn sidecars_have_no_mounts() -> Rule {
    rule_saying(
        "self.all(n, !has(self[n].mounts))",
        "'tasks.sidecars: ' + self.filter(n, has(self[n].mounts))[0] + ': no mounts: a Platform has no volumes'",
    )
}

pub(super) fn sidecars_route_to_one() -> Rule {
    rule(
        "self.filter(n, has(self[n].logRouter)).size() <= 1",
        "tasks.sidecars: one may be a logRouter",
    )
}

/// All tasks would be refused without.
pub(super) fn a_log_router_is_there() -> Rule {
    rule(
        "!has(self.logRouting) || (has(self.sidecars) && self.sidecars.exists(n, has(self.sidecars[n].logRouter)))",
        "tasks.logRouting: needs one of tasks.sidecars with a logRouter",
    )
    .field_path(".logRouting")
}
