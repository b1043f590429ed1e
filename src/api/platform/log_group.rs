//! The log groups of Apps: where a Platform has one made for each.

use kube::core::Rule;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::api::schema::rule;

/// The log groups that the containers of Apps log to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LogGroups {
    // A doc comment here would take the place of the field's description in the schema.
    PerApp,
}

/// The numbers of days that CloudWatch Logs takes:
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html>.
pub(super) const RETENTION_DAYS: [i32; 22] = [
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

pub(super) fn group_is_of_awslogs() -> Rule {
    rule(
        "!has(self.group) || self.driver == 'awslogs'",
        "tasks.logging.group: PerApp is for the driver awslogs",
    )
    .field_path(".group")
}

/// What would lead elsewhere, or ask ECS to make a group without tags and retention.
pub(super) fn group_is_named_by_the_controller(field: &str) -> Rule {
    rule(
        format!(
            "!has(self.group) || !has(self.{field}) || \
             ['awslogs-group', 'awslogs-region', 'awslogs-create-group'].all(o, !(o in self.{field}))"
        ),
        format!(
            "tasks.logging.{field}: with group: PerApp, the controller itself sets awslogs-group and awslogs-region, and makes \
             the group in place of awslogs-create-group: leave them out"
        ),
    )
    .field_path(format!(".{field}"))
}

/// A group takes a key of its own region.
pub(super) fn key_is_here() -> Rule {
    rule(
        "!has(self.tasks) || !has(self.tasks.logging) || !has(self.tasks.logging.kmsKeyArn) || \
         !self.tasks.logging.kmsKeyArn.startsWith('arn:') || self.tasks.logging.kmsKeyArn.contains(':kms:' + self.region + ':')",
        "tasks.logging.kmsKeyArn: must be a key in the region of the Platform, since its log groups are there",
    )
    .field_path(".tasks.logging.kmsKeyArn")
}

/// Refuses a setting of groups where none are made.
pub(super) fn needs_a_group(field: &str) -> Rule {
    rule(
        format!("!has(self.{field}) || has(self.group)"),
        format!("tasks.logging.{field}: is for group: PerApp, which is missing"),
    )
    .field_path(format!(".{field}"))
}

/// The ARN of a key, since CloudWatch Logs takes no alias.
pub(super) fn key() -> Rule {
    rule(
        r"self.matches('^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$')",
        "must be the ARN of a KMS key, such as arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    )
}
