//! Record sets between the model and the SDK. What is read is what a delete repeats, so values stay as they came.

use aws_sdk_route53::types as sdk;

use crate::aws::Result;
use crate::aws::error::Call;
use crate::model::record::{RecordChange, RecordContent, RecordKind, RecordSet, normalize};

pub(super) fn read(found: &sdk::ResourceRecordSet) -> RecordSet {
    let plain = RecordSet {
        name: read_name(found.name()),
        kind: match found.r#type().as_str() {
            "A" => RecordKind::A,
            "CNAME" => RecordKind::Cname,
            "TXT" => RecordKind::Txt,
            other => RecordKind::Other(other.to_owned()),
        },
        content: content(found),
    };
    if !is_routed(found) {
        return plain;
    }
    let target = plain.target();
    RecordSet {
        content: RecordContent::Routed { target },
        ..plain
    }
}

fn content(found: &sdk::ResourceRecordSet) -> RecordContent {
    match found.alias_target() {
        Some(alias) => RecordContent::Alias {
            // Route 53 compares it without case and dot, also in a delete.
            target: read_name(alias.dns_name()),
            zone_id: alias.hosted_zone_id().to_owned(),
            evaluate_target_health: alias.evaluate_target_health(),
        },
        None => RecordContent::Values {
            ttl: found.ttl().and_then(|ttl| u32::try_from(ttl).ok()).unwrap_or(0),
            values: found
                .resource_records()
                .iter()
                .map(|record| record.value().to_owned())
                .collect(),
        },
    }
}

/// Every routing policy has an identifier; a health check or a traffic policy, too, is nothing that we could repeat.
fn is_routed(found: &sdk::ResourceRecordSet) -> bool {
    found.set_identifier().is_some()
        || found.weight().is_some()
        || found.region().is_some()
        || found.geo_location().is_some()
        || found.geo_proximity_location().is_some()
        || found.cidr_routing_config().is_some()
        || found.failover().is_some()
        || found.multi_value_answer() == Some(true)
        || found.health_check_id().is_some()
        || found.traffic_policy_instance_id().is_some()
}

/// Normalized, and with printable characters for the octal escapes that Route 53 lists: `\052` is the `*` of a
/// wildcard. An escaped dot or backslash stays escaped, since it is part of a label:
/// <https://docs.aws.amazon.com/Route53/latest/DeveloperGuide/DomainNameFormat.html>.
pub(super) fn read_name(name: &str) -> String {
    let mut parts = name.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        if let Some((character, rest)) = unescape(part) {
            plain.push(character);
            plain.push_str(rest);
        } else {
            plain.push('\\');
            plain.push_str(part);
        }
    }
    normalize(&plain)
}

fn unescape(part: &str) -> Option<(char, &str)> {
    let (digits, rest) = part.split_at_checked(3)?;
    let character = char::from(u8::from_str_radix(digits, 8).ok()?);
    let is_plain = character.is_ascii_graphic() && character != '.' && character != '\\';
    is_plain.then_some((character, rest))
}

pub(super) fn write_name(name: &str) -> String {
    format!("{name}.")
}

pub(super) fn write_change(call: Call, change: &RecordChange) -> Result<sdk::Change> {
    let action = match change {
        RecordChange::Delete(_) => sdk::ChangeAction::Delete,
        RecordChange::Create(_) => sdk::ChangeAction::Create,
    };
    sdk::Change::builder()
        .action(action)
        .resource_record_set(write(call, change.record())?)
        .build()
        .map_err(|error| call.bug(error.to_string()))
}

fn write(call: Call, record: &RecordSet) -> Result<sdk::ResourceRecordSet> {
    let kind = match &record.kind {
        RecordKind::A => sdk::RrType::A,
        RecordKind::Cname => sdk::RrType::Cname,
        RecordKind::Txt => sdk::RrType::Txt,
        RecordKind::Other(kind) => kind.as_str().into(),
    };
    let set = sdk::ResourceRecordSet::builder()
        .name(write_name(&record.name))
        .r#type(kind);
    let set = match &record.content {
        RecordContent::Values { ttl, values } => {
            let records: std::result::Result<Vec<_>, _> = values
                .iter()
                .map(|value| sdk::ResourceRecord::builder().value(value).build())
                .collect();
            let records = records.map_err(|error| call.bug(error.to_string()))?;
            set.ttl((*ttl).into()).set_resource_records(Some(records))
        }
        RecordContent::Alias {
            target,
            zone_id,
            evaluate_target_health,
        } => {
            let alias = sdk::AliasTarget::builder()
                .dns_name(write_name(target))
                .hosted_zone_id(zone_id)
                .evaluate_target_health(*evaluate_target_health)
                .build()
                .map_err(|error| call.bug(error.to_string()))?;
            set.alias_target(alias)
        }
        RecordContent::Routed { .. } => {
            let message = format!(
                "{} has a routing policy, which is never ours to change",
                record.name
            );
            return Err(call.bug(message));
        }
    };
    set.build().map_err(|error| call.bug(error.to_string()))
}
