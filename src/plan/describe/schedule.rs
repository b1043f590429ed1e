//! Schedules in words: when, and what they start.

use std::collections::BTreeSet;
use std::fmt;

use super::Content;
use crate::model::schedule::{Schedule, SchedulePart, Timing};
use crate::model::service::TaskDefinition;

pub(super) fn create(
    f: &mut fmt::Formatter<'_>,
    schedule: &Schedule,
    starts: &TaskDefinition,
) -> fmt::Result {
    let (timing, content) = (Times(&schedule.timing), Content(starts));
    write!(
        f,
        "create schedule {} at {timing}, starting {content}",
        schedule.name
    )
}

pub(super) fn update(
    f: &mut fmt::Formatter<'_>,
    schedule: &Schedule,
    starts: &TaskDefinition,
    differing: &BTreeSet<SchedulePart>,
) -> fmt::Result {
    let part = |part: &SchedulePart| match part {
        SchedulePart::Timing => format!("at {}", Times(&schedule.timing)),
        SchedulePart::TaskDefinition => format!("starting {}", Content(starts)),
        SchedulePart::Switch => "enabled".into(),
        SchedulePart::Role => format!("as role {}", schedule.role_arn),
        SchedulePart::Cluster => "in its Platform's cluster".into(),
        SchedulePart::Capacity => "capacity".into(),
        SchedulePart::Placement => "placement".into(),
        SchedulePart::Network => "task network".into(),
        SchedulePart::Owner => "taken over".into(),
        SchedulePart::Rest => "as ours are: one task at each time, at once, with our retries".into(),
    };
    let parts: Vec<String> = differing.iter().map(part).collect();
    write!(f, "update schedule {}: {}", schedule.name, parts.join(", "))
}

struct Times<'a>(&'a Timing);

impl fmt::Display for Times<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Timing {
            expression,
            time_zone,
        } = self.0;
        write!(f, "{expression} {time_zone}")
    }
}
