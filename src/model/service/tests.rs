//! The text of an update, which statuses hold hashes of.

use super::ServiceUpdate;

/// The text is hashed into statuses. With another, an upgrade would send once more what AWS reports otherwise.
#[test]
fn an_update_is_written_as_it_was_before_there_was_exec() {
    let update = ServiceUpdate {
        desired_count: Some(2),
        ..ServiceUpdate::default()
    };
    assert_eq!(
        format!("{update:?}"),
        "ServiceUpdate { desired_count: Some(2), deployment: None, zone_rebalancing: None, placement: None, constraints: None, \
         grace_period: None, network: None, capacity_providers: None, rolling: false, redeploy: None, again: false }"
    );
    let exec = ServiceUpdate {
        exec: Some(false),
        ..update
    };
    assert!(format!("{exec:?}").ends_with("again: false, exec: false }"));
}
