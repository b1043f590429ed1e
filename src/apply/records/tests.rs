//! What a write leaves in what was observed.

use super::fold_records;
use crate::model::load_balancer::Scheme;
use crate::model::record::{RecordChange, RecordStyle};
use crate::plan::fixtures::{INTERNAL, app, balancer, pointer, process, settled};

#[test]
fn a_load_balancer_that_loses_a_name_has_waited_for_nothing_yet() {
    let mut observed = settled(&app([process("web").internal()]));
    let name = balancer("web", Scheme::Internal);
    observed.waits_over.insert(name.clone());
    let record = pointer("acme-web.corp.example", RecordStyle::Cname { ttl: 90 }, &name);
    fold_records(&mut observed, INTERNAL, &[RecordChange::Delete(record)]);
    assert!(observed.waits_over.is_empty());
    assert_eq!(observed.replaced_ttl.get(&name), Some(&90));
}
