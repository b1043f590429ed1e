//! The names in a refusal.

use std::collections::BTreeSet;

use super::super::Id;
use super::{Trial, named_in, of_batch};
use crate::model::load_balancer::Scheme;
use crate::model::owner::AppName;
use crate::model::record::{RecordChange, RecordStyle};
use crate::plan::fixtures::{app, balancer, pointer, process, settled};

fn id(app: &str, name: &str) -> Id {
    let app = AppName {
        namespace: "shop".into(),
        name: app.into(),
    };
    (app, name.into())
}

fn ids<const N: usize>(all: [(&str, &str); N]) -> BTreeSet<Id> {
    all.into_iter().map(|(app, name)| id(app, name)).collect()
}

/// Messages of Route 53, in the forms that its reference and its users report.
#[test]
fn a_message_names_the_records_that_it_is_about() {
    let observed = settled(&app([process("web").internal()]));
    let balancer = balancer("web", Scheme::Internal);
    let host = observed.load_balancers[&balancer].host();
    let style = RecordStyle::Cname { ttl: 60 };
    let create = |name: &str, balancer: &str| {
        let change = RecordChange::Create(pointer(name, style, balancer));
        (id("acme", name), [change])
    };
    let changes = [
        create("a.example.com", &balancer),
        create("aa.example.com", &balancer),
        create("b.a.example.com", "other"),
        create("example.com", "other"),
        create("*.example.com", "other"),
    ];
    let check = |message: &str, expected: &[&str]| {
        let expected: BTreeSet<Id> = expected.iter().map(|name| id("acme", name)).collect();
        let names = changes.iter().map(|(id, changes)| (id, changes.as_slice()));
        assert_eq!(named_in(message, names), expected, "{message}");
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
    check(
        "[Tried to create resource record set [name='\\052.example.com.', type='CNAME'] but it already exists]",
        &["*.example.com"],
    );
    let target = format!(
        "[Tried to create an alias that targets {host}., type A in zone Z2, but the alias target name was not found]"
    );
    check(&target, &["a.example.com", "aa.example.com"]);
    check("Invalid request", &[]);
}

#[test]
fn an_app_hears_of_its_own_names_and_of_no_others() {
    let all = ids([("a", "1"), ("a", "2"), ("b", "3"), ("c", "4")]);
    let alone = |names| Trial::alone(names).unwrap();
    let of_two = ids([("a", "1"), ("b", "3")]);
    let (told, trials) = of_batch(&all, &of_two);
    assert_eq!(told, BTreeSet::new());
    assert_eq!(trials, [alone(ids([("a", "1")])), alone(ids([("b", "3")]))]);

    // By itself, it hears.
    let its = ids([("a", "1"), ("a", "2")]);
    assert_eq!(
        of_batch(&its, &ids([("a", "1")])),
        (ids([("a", "1")]), Vec::new())
    );
}

#[test]
fn a_message_that_names_nobody_has_the_batch_cut_in_half() {
    let all = ids([("a", "1"), ("a", "2"), ("b", "3")]);
    let (told, trials) = of_batch(&all, &BTreeSet::new());
    assert_eq!(told, BTreeSet::new());
    let halves = Trial {
        first: ids([("a", "1"), ("a", "2")]),
        second: ids([("b", "3")]),
    };
    assert_eq!(trials, [halves]);
    assert_eq!(Trial::halves(BTreeSet::new()), None);
}
