//! The replies of Secrets Manager and of SSM.

use super::world::{World, said};
use crate::aws::SecretNames;

/// Both tell of secrets, and neither a value.
pub fn secrets(data: &[u8]) {
    let Some(world) = World::of(data) else {
        return;
    };
    let aws = &world.peer.clients;
    let names = ["/shop/db".to_owned(), "token".to_owned()];
    world.check(async {
        match world.call % 2 {
            0 => said(&aws.describe_secret("shop/db").await),
            _ => said(&aws.parameter_versions(&names).await),
        }
    });
}
