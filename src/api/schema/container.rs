//! Limits and rules of what a container may have.

use kube::core::Rule;
use schemars::Schema;
use serde_json::json;

use super::{NO_CONTROLS, add_rules, limit_values, rule, rule_saying};

/// A user, and a group after a colon.
pub(in crate::api) fn user() -> Rule {
    rule(
        r"self.matches('^[^\\s:]+(:[^\\s:]+)?$')",
        "must be a user, or a user and a group, by name or id, such as 1000 or app:app",
    )
}

/// A directory, by its whole path.
pub(in crate::api) fn directory() -> Rule {
    rule(
        r"self.matches('^/[^\\x00-\\x1F]*$')",
        "must be an absolute path, such as /srv/app",
    )
}

/// The memory of a task.
pub(in crate::api) fn memory() -> Rule {
    rule(
        "isQuantity(self) && quantity(self).compareTo(quantity('6Mi')) >= 0 && quantity(self).compareTo(quantity('32Ti')) <= 0",
        "must be an amount of memory from 6Mi to 32Ti, such as 512Mi or 2Gi",
    )
}

/// The disk of a task.
pub(in crate::api) fn disk() -> Rule {
    rule(
        "isQuantity(self) && quantity(self).compareTo(quantity('20Gi')) > 0 && quantity(self).compareTo(quantity('200Gi')) <= 0",
        "must be an amount of disk above 20Gi and up to 200Gi, such as 50Gi",
    )
}

/// A secret with the credentials of a registry, whose whole value they are.
pub(in crate::api) fn repository_credentials() -> Rule {
    rule(
        r"self.matches('^(arn:\\S+:secretsmanager:\\S+:secret:\\S+|secretsmanager:[^:\\s]+)$')",
        "must be the ARN of a secret in Secrets Manager, or secretsmanager: and its name",
    )
}

/// Labels of a container: at most 50, of at most 1,024 characters.
pub(in crate::api) fn labels(schema: &mut Schema) {
    limit_values(schema, 50, 1_024);
}

/// Sizes of file systems in memory, by path.
pub(in crate::api) fn tmpfs(schema: &mut Schema) {
    limit_values(schema, 10, 32);
    let valid = "(isQuantity(self[p]) && quantity(self[p]).compareTo(quantity('1Mi')) >= 0 \
                 && quantity(self[p]).compareTo(quantity('1Ti')) <= 0)";
    add_rules(
        schema,
        &[
            rule_saying(
                "self.all(p, p.startsWith('/'))",
                "'tmpfs: ' + self.filter(p, !p.startsWith('/'))[0] + ': must be an absolute path, such as /tmp'",
            ),
            rule_saying(
                format!("self.all(p, {valid})"),
                format!(
                    "'tmpfs: the size of ' + self.filter(p, !{valid})[0] + ' must be an amount of memory from 1Mi to 1Ti, such as 64Mi'"
                ),
            ),
        ],
    );
}

/// The names of volumes. ECS takes longer ones: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Volume.html>.
pub(in crate::api) fn volume_names() -> Rule {
    let valid = "n.matches('^[A-Za-z0-9_-]{1,63}$')";
    rule_saying(
        format!("self.all(n, {valid})"),
        format!(
            "'volumes: ' + self.filter(n, !{valid})[0] + ': a name has at most 63 letters, digits, hyphens and underscores'"
        ),
    )
}

/// The paths at which volumes are mounted; `desired` judges the rest of them.
pub(in crate::api) fn mount_paths() -> Rule {
    rule_saying(
        "self.all(p, p.startsWith('/'))",
        "'mounts: ' + self.filter(p, !p.startsWith('/'))[0] + ': must be an absolute path, such as /data'",
    )
}

/// Environment variables of a sidecar: fewer than those of a process, and their names are for `desired` to judge. Rules in
/// CEL for each of 900 sidecars would cost the API server too much.
pub(in crate::api) fn few_variables(schema: &mut Schema) {
    limit_values(schema, 100, 4_096);
    schema.insert(
        "additionalProperties".into(),
        json!({ "type": "string", "maxLength": 4_096, "pattern": NO_CONTROLS }),
    );
}

/// Secrets of a sidecar, likewise.
pub(in crate::api) fn few_secrets(schema: &mut Schema) {
    limit_values(schema, 100, 512);
}

/// Objects in S3, as many as ECS takes.
pub(in crate::api) fn files(schema: &mut Schema) {
    schema.insert("maxItems".into(), json!(10));
    schema.insert("items".into(), json!({ "type": "string", "maxLength": 1_024 }));
}

/// Codes that a process ends with: <https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerRestartPolicy.html>.
pub(in crate::api) fn exit_codes(schema: &mut Schema) {
    schema.insert("maxItems".into(), json!(50));
    schema.insert(
        "items".into(),
        json!({ "type": "integer", "format": "int32", "minimum": 0, "maximum": 255 }),
    );
}

/// Values of kernel parameters.
pub(in crate::api) fn kernel_parameters(schema: &mut Schema) {
    limit_values(schema, 50, 256);
}

/// IP addresses, by name.
pub(in crate::api) fn addresses(schema: &mut Schema) {
    limit_values(schema, 50, 45);
}

/// Options of a container's own log driver; a rule for each would cost the API server too much.
pub(in crate::api) fn log_options(schema: &mut Schema) {
    limit_values(schema, 50, 2_048);
}

/// Those with secret values.
pub(in crate::api) fn secret_log_options(schema: &mut Schema) {
    limit_values(schema, 50, 512);
}

/// Options of a driver of volumes.
pub(in crate::api) fn driver_options(schema: &mut Schema) {
    limit_values(schema, 20, 512);
}

/// Options of FireLens, of which there are three.
pub(in crate::api) fn router_options(schema: &mut Schema) {
    limit_values(schema, 3, 1_024);
}
