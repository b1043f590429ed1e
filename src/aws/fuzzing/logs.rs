//! The replies of CloudWatch Logs.

use super::samples::arn;
use super::world::{World, said};
use crate::aws::{Logs, LogsWrites};
use crate::model::owner::Tags;

/// The replies of CloudWatch Logs about log groups.
pub fn logs(data: &[u8]) {
    const GROUP: &str = "/empire/staging/shop/acme";
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let arn = arn("arn:aws:logs:us-east-1:123456789012:log-group:/empire/staging/shop/acme");
    world.check(async {
        match world.call % 7 {
            0 => said(&aws.log_group(GROUP).await),
            1 => said(&aws.create_log_group(GROUP, None, &Tags::new()).await),
            2 => said(&aws.put_retention_policy(GROUP, 30).await),
            3 => said(&aws.delete_log_group(GROUP).await),
            4 => said(&aws.tag_log_group(&arn, &Tags::new()).await),
            5 => said(&aws.log_group_names("/empire/staging/").await),
            _ => said(&aws.associate_kms_key(GROUP, "arn").await),
        }
    });
}
