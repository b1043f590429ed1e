//! Route 53 through the SDK: what each call sends. How records are read and written is in `record.rs`.

mod record;

use async_trait::async_trait;
use aws_sdk_route53::types as sdk;

use super::answer::Answering;
use super::clients::AwsClients;
use super::error::Call;
use super::wire::unless_absent;
use super::{RecordPages, Result, Route53, Route53Writes};
use crate::model::record::{RecordChange, RecordSet, normalize, ownership_name};

const GET_HOSTED_ZONE: Call = Call::read("route53:GetHostedZone");
const LIST_RECORDS: Call = Call::read("route53:ListResourceRecordSets");
const CHANGE_RECORDS: Call = Call::modify("route53:ChangeResourceRecordSets");
/// A batch that only takes away succeeds on a zone that is gone.
const DELETE_RECORDS: Call = Call::delete("route53:ChangeResourceRecordSets");

const PAGE: i32 = 300;
/// Enough for every type of record at one name, and nearly always for what sorts between it and its ownership name.
const NAME_PAGE: i32 = 10;

const NO_SUCH_ZONE: &str = "NoSuchHostedZone";

// A zone id may come as `/hostedzone/Z…`, as AWS reports it: the SDK takes the prefix away.
#[async_trait]
impl Route53 for AwsClients {
    async fn zone_name(&self, zone_id: &str) -> Result<Option<String>> {
        let reply = self
            .route53
            .get_hosted_zone()
            .id(zone_id)
            .send()
            .answering(GET_HOSTED_ZONE)
            .await;
        match reply {
            Ok(reply) => Ok(reply.hosted_zone().map(|zone| record::read_name(zone.name()))),
            Err(error) if error.code == NO_SUCH_ZONE => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn list_more_records(&self, zone_id: &str, pages: &mut RecordPages) -> Result<Option<bool>> {
        let (name, kind, identifier) = pages.next().cloned().unwrap_or_default();
        let page = self
            .route53
            .list_resource_record_sets()
            .hosted_zone_id(zone_id)
            .max_items(PAGE)
            .set_start_record_name(name)
            .set_start_record_type(kind.as_deref().map(Into::into))
            .set_start_record_identifier(identifier)
            .send()
            .answering(LIST_RECORDS)
            .await;
        let page = match page {
            Ok(page) => page,
            Err(error) if error.code == NO_SUCH_ZONE => return Ok(None),
            Err(error) => return Err(error),
        };
        let next = page.is_truncated.then_some((
            page.next_record_name,
            page.next_record_type.map(|kind| kind.as_str().to_owned()),
            page.next_record_identifier,
        ));
        let records = page.resource_record_sets.iter().map(record::read).collect();
        pages.add(LIST_RECORDS.action(), records, next).map(Some)
    }

    async fn list_name(&self, zone_id: &str, name: &str) -> Result<Vec<RecordSet>> {
        let name = normalize(name);
        let ownership = ownership_name(&name);
        let (mut records, next) = self.list_from(zone_id, &name).await?;
        // Subdomains that begin with a digit, a hyphen or an asterisk sort before the ownership name.
        let ends_before = next.is_some_and(|next| next.ends_with(&name));
        if ends_before && !records.iter().any(|record| record.name == ownership) {
            records.extend(self.list_from(zone_id, &ownership).await?.0);
        }
        records.retain(|record| record.name == name || record.name == ownership);
        Ok(records)
    }
}

#[async_trait]
impl Route53Writes for AwsClients {
    async fn change_records(&self, zone_id: &str, changes: &[RecordChange]) -> Result<()> {
        let only_deletes = changes
            .iter()
            .all(|change| matches!(change, RecordChange::Delete(_)));
        let call = if only_deletes {
            DELETE_RECORDS
        } else {
            CHANGE_RECORDS
        };
        let changes: Result<Vec<sdk::Change>> = changes
            .iter()
            .map(|change| record::write_change(call, change))
            .collect();
        let batch = sdk::ChangeBatch::builder()
            .set_changes(Some(changes?))
            .build()
            .map_err(|error| call.bug(error.to_string()))?;
        let turn = self.zones.turn(zone_id);
        let _taken = turn.lock().await;
        let reply = self
            .route53
            .change_resource_record_sets()
            .hosted_zone_id(zone_id)
            .change_batch(batch)
            .send()
            .answering(call)
            .await;
        unless_absent(reply).map(|_| ())
    }
}

impl AwsClients {
    /// A few record sets from a name on, and the name that the next page would begin with.
    async fn list_from(&self, zone_id: &str, name: &str) -> Result<(Vec<RecordSet>, Option<String>)> {
        let page = self
            .route53
            .list_resource_record_sets()
            .hosted_zone_id(zone_id)
            .start_record_name(record::write_name(name))
            .max_items(NAME_PAGE)
            .send()
            .answering(LIST_RECORDS)
            .await?;
        let records = page.resource_record_sets().iter().map(record::read).collect();
        Ok((records, page.next_record_name().map(record::read_name)))
    }
}

#[cfg(test)]
mod tests;
