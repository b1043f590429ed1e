//! The names in a refusal.

use std::collections::BTreeSet;

use super::named_in;
use crate::model::load_balancer::Scheme;
use crate::model::record::{RecordChange, RecordStyle};
use crate::plan::fixtures::{app, balancer, pointer, process, settled};

/// Messages of Route 53, in the forms that its reference and its users report.
#[test]
fn a_message_names_the_records_that_it_is_about() {
    let observed = settled(&app([process("web").internal()]));
    let balancer = balancer("web", Scheme::Internal);
    let host = observed.load_balancers[&balancer].host();
    let style = RecordStyle::Cname { ttl: 60 };
    let create = |name: &str, balancer: &str| RecordChange::Create(pointer(name, style, balancer));
    let changes = [
        create("a.example.com", &balancer),
        create("aa.example.com", &balancer),
        create("b.a.example.com", "other"),
        create("example.com", "other"),
    ];
    let check = |message: &str, expected: &[&str]| {
        let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(named_in(message, &changes), expected, "{message}");
    };
    check(
        "[Tried to create resource record set [name='a.example.com.', type='CNAME'] but it already exists]",
        &["a.example.com"],
    );
    check(
        "[RRSet of type CNAME with DNS name B.A.EXAMPLE.COM. is not permitted as it conflicts with other records with the \
         same DNS name in zone corp.example.]",
        &["b.a.example.com"],
    );
    check(
        "[Tried to delete resource record set [name='_empire.a.example.com.', type='TXT'] but it was not found, \
         RRSet of type CNAME with DNS name example.com. is not permitted at apex in zone example.com.]",
        &["a.example.com", "example.com"],
    );
    let target = format!(
        "[Tried to create an alias that targets {host}., type A in zone Z2, but the alias target name was not found]"
    );
    check(&target, &["a.example.com", "aa.example.com"]);
    check("Invalid request", &[]);
}
