//! What the schema of an App cannot say field by field: rules about names, and about several fields at once, in CEL.

use kube::core::Rule;

use crate::api::schema::{LABEL, at_root, rule, rule_saying};

/// It becomes part of ECS and DNS names, where a dot would mean something else.
pub(super) fn name_is_a_label() -> Rule {
    at_root(rule(
        format!("self.metadata.name.matches('{LABEL}')"),
        "metadata.name: an App's name has at most 63 lower case letters, digits and hyphens, and no dots",
    ))
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
            "'process ' + self.filter(n, !{valid})[0] + ': a name has at most 63 lower case letters, digits and inner hyphens'"
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

pub(super) fn port_is_reserved() -> Rule {
    let clash = format!(
        "(has(self[n].env) && 'PORT' in self[n].env && {})",
        is_exposed("self[n]")
    );
    rule_saying(
        format!("self.all(n, !{clash})"),
        format!(
            "'process ' + self.filter(n, {clash})[0] + ': env: PORT is reserved on an exposed process: set expose.containerPort instead'"
        ),
    )
}

/// CEL for whether the process `n` is exposed.
fn is_exposed(process: &str) -> String {
    format!("(has({process}.expose) ? {process}.expose.?type.orValue('http') != 'none' : n == 'web')")
}
