//! What is read by a pass, what by a sweep, and who hears of it.

use super::*;
use crate::model::secret::SecretState;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn app(name: &str) -> AppName {
    AppName {
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn db() -> SecretId {
    SecretId::Secret("shop/db".into())
}

fn token() -> SecretId {
    SecretId::Parameter("/shop/token".into())
}

fn state(version: &str) -> Reading {
    Reading::Secret(SecretState {
        arn: "arn".into(),
        current: Some(version.into()),
        is_deleted: false,
    })
}

fn unread(secrets: &Secrets, needed: &[SecretId], is_edited: bool, second: i64) -> Vec<SecretId> {
    let (all, needed) = ([db(), token()].into(), needed.iter().cloned().collect());
    let asked = AskedFor {
        all: &all,
        needed: &needed,
        is_edited,
    };
    secrets.unread(asked, at(second)).into_iter().collect()
}

#[test]
fn a_pass_reads_what_it_cannot_do_without_and_what_was_lacking() {
    let mut secrets = Secrets::default();
    assert_eq!(unread(&secrets, &[], false, 100), []);
    assert_eq!(unread(&secrets, &[db()], false, 100), [db()]);
    secrets.take(&db(), Ok(Reading::Missing), at(100));
    assert_eq!(unread(&secrets, &[db()], false, 159), []);
    assert_eq!(unread(&secrets, &[db()], true, 104), []);
    assert_eq!(unread(&secrets, &[db()], true, 105), [db()], "its user looks on");
    assert_eq!(unread(&secrets, &[], false, 160), [db()], "it may be made by now");
    secrets.take(&db(), Ok(state("1")), at(160));
    assert_eq!(unread(&secrets, &[db()], false, 1_000), []);
    assert_eq!(
        unread(&secrets, &[db()], true, 1_000),
        [db()],
        "an edit goes by nothing old"
    );
    // A parameter that is not there nobody waits for.
    secrets.take(&token(), Ok(Reading::Missing), at(160));
    assert_eq!(unread(&secrets, &[], false, 1_000), []);
}

#[test]
fn what_cannot_be_read_is_as_it_was_and_says_why() {
    let mut secrets = Secrets::default();
    assert!(secrets.take(&db(), Ok(state("1")), at(100)));
    assert!(!secrets.take(&db(), Ok(state("1")), at(110)), "no news");
    let denied = AwsError::from_code("secretsmanager:DescribeSecret", "AccessDeniedException", "no");
    assert!(secrets.take(&db(), Err(denied.clone()), at(120)));
    let known = secrets.slice(&[db()].into());
    assert_eq!(known.read.get(&db()), Some(&state("1")));
    assert_eq!(
        known.failed.map(|error| error.code),
        Some("AccessDeniedException".into())
    );
    assert!(
        !secrets.take(&db(), Ok(state("2")), at(119)),
        "it was asked for before"
    );
}

#[test]
fn those_that_name_it_hear_of_it_and_what_nobody_names_is_forgotten() {
    let mut secrets = Secrets::default();
    secrets.note(&app("acme"), &[db()].into());
    secrets.note(&app("other"), &[token()].into());
    secrets.take(&db(), Ok(state("1")), at(100));
    secrets.take(&token(), Ok(Reading::Parameter("1".into())), at(100));
    assert_eq!(secrets.askers(&[db()].into()), [app("acme")].into());
    secrets.note(&app("acme"), &BTreeSet::new());
    secrets.prune();
    assert_eq!(secrets.known.keys().collect::<Vec<_>>(), [&token()]);
}

#[test]
fn a_sweep_reads_parameters_together() {
    let parameters = (0..120).map(|n| SecretId::Parameter(format!("/p-{n}")));
    let all = parameters.chain([db()]).collect();
    let sizes: Vec<usize> = steps(all)
        .into_iter()
        .map(|step| match step {
            Step::All => 0,
            Step::These(ids) => ids.len(),
        })
        .collect();
    assert_eq!(sizes, [1, 50, 50, 20]);
}
