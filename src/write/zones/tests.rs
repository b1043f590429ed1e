//! What travels when, and who hears of it.

use super::*;
use crate::model::record::{RecordContent, RecordKind, RecordSet};

const ZONE: &str = "Z1";

fn way(role: Option<&str>, region: &str) -> AwsSettings {
    let role = role.map(|arn| crate::aws::Role {
        arn: arn.into(),
        external_id: None,
    });
    AwsSettings {
        region: region.into(),
        endpoint_url: None,
        role,
    }
}

fn route() -> Route {
    Route::new(&way(None, "eu-west-1"), ZONE)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + seconds).unwrap()
}

fn app(number: usize) -> AppName {
    AppName {
        namespace: "shop".into(),
        name: format!("app-{number:03}").into(),
    }
}

fn name(number: usize) -> String {
    format!("n{number:03}.example.com")
}

fn record(name: &str) -> RecordSet {
    RecordSet {
        name: name.into(),
        kind: RecordKind::Cname,
        content: RecordContent::Values {
            ttl: 60,
            values: vec!["lb.example.net".into()],
        },
    }
}

fn create(number: usize) -> Vec<RecordChange> {
    vec![RecordChange::Create(record(&name(number)))]
}

fn put(outbox: &mut Outbox<()>, number: usize, now: Timestamp) {
    plan(outbox, number, number, now);
}

/// One pass over an App, which plans the name and the changes of these numbers, and no others.
fn plan(outbox: &mut Outbox<()>, of: usize, number: usize, now: Timestamp) {
    outbox.hold(&app(of));
    let id = (app(of), name(of));
    outbox.put(route(), id.clone(), &create(number), now, ());
    outbox.keep(&route(), &id, &create(number));
    outbox.release(&app(of));
}

/// An outbox in which so many Apps have put a name each at the same time.
fn filled(apps: usize) -> Outbox<()> {
    let mut outbox = Outbox::default();
    for number in 0..apps {
        put(&mut outbox, number, at(0));
    }
    outbox
}

fn take(outbox: &mut Outbox<()>, seconds: i64) -> Option<Flight<()>> {
    let mut flights = outbox.take(at(seconds), |()| true);
    let flight = flights.pop();
    assert!(flights.is_empty(), "one batch a zone at a time");
    flight
}

fn refusal(message: &str) -> Result<(), AwsError> {
    Err(AwsError::from_code(
        "route53:ChangeResourceRecordSets",
        "InvalidChangeBatch",
        message,
    ))
}

/// Sends until nothing is left, to a Route 53 that refuses batches with any of these names, and says why by `message`.
/// Returns the number of calls, and the numbers of the Apps that heard of a refusal.
fn send(
    outbox: &mut Outbox<()>,
    culprits: &[usize],
    message: impl Fn(&[usize]) -> String,
) -> (usize, Vec<usize>) {
    let (mut calls, mut told) = (0, Vec::new());
    let mut now = 100;
    while let Some(flight) = take(outbox, now) {
        calls += 1;
        let is_in = |number: &&usize| {
            let name = name(**number);
            flight.changes.iter().any(|change| change.record().name == name)
        };
        let found: Vec<usize> = culprits.iter().filter(is_in).copied().collect();
        let result = if found.is_empty() {
            Ok(())
        } else {
            refusal(&message(&found))
        };
        outbox.answered(&flight.route, &result, at(now));
        now += 1;
    }
    for number in 0..1_000 {
        let answers = outbox.answers(&app(number), at(now));
        let mut refused = answers.iter().filter_map(|answer| answer.result.as_ref().err());
        if let Some(error) = refused.next() {
            told.push(number);
            for other in culprits.iter().filter(|other| **other != number) {
                assert!(!error.message.contains(&name(*other)), "{error}");
            }
        }
    }
    (calls, told)
}

#[test]
fn names_wait_two_seconds_for_each_other_and_travel_together() {
    let mut outbox = Outbox::default();
    put(&mut outbox, 1, at(0));
    put(&mut outbox, 2, at(1));
    assert_eq!(outbox.due(), Some(at(2)));
    assert!(take(&mut outbox, 1).is_none());
    let flight = take(&mut outbox, 2).unwrap();
    assert_eq!(flight.changes, [create(1), create(2)].concat());
    assert_eq!(outbox.len(), 2);

    let answered = outbox.answered(&flight.route, &Ok(()), at(3));
    assert_eq!(answered.apps, [app(1), app(2)].into());
    assert_eq!(answered.waited, [Duration::from_secs(3), Duration::from_secs(2)]);
    assert!(outbox.is_empty() && outbox.due().is_none());
    let [answer] = outbox.answers(&app(1), at(3)).try_into().unwrap();
    assert_eq!((answer.key.name, answer.changes), (name(1), create(1)));
    assert!(answer.result.is_ok());
    outbox.forget_answers(&app(1), 1);
    assert!(outbox.answers(&app(1), at(3)).is_empty() && !outbox.answers(&app(2), at(3)).is_empty());
}

#[test]
fn names_that_come_while_a_batch_is_in_flight_travel_in_the_next_one() {
    let mut outbox = filled(1);
    let flight = take(&mut outbox, 2).unwrap();
    put(&mut outbox, 1, at(2));
    put(&mut outbox, 2, at(5));
    assert!(take(&mut outbox, 60).is_none());
    outbox.answered(&flight.route, &Ok(()), at(60));
    let flight = take(&mut outbox, 60).unwrap();
    assert_eq!(flight.changes, [create(1), create(2)].concat());
}

#[test]
fn a_name_in_flight_is_answered_before_it_is_put_again() {
    let mut outbox = filled(1);
    let flight = take(&mut outbox, 2).unwrap();
    let key = RecordKey {
        zone: ZONE.into(),
        name: name(0),
    };
    assert_eq!(outbox.flying(&app(0)), [key].into());
    assert!(outbox.flying(&app(1)).is_empty());
    put(&mut outbox, 0, at(3));
    assert_eq!(outbox.len(), 1);
    outbox.answered(&flight.route, &Ok(()), at(4));
    assert!(outbox.is_empty());
}

#[test]
fn what_a_pass_does_not_plan_again_is_withdrawn_and_nothing_of_its_app_is_sent_meanwhile() {
    let mut outbox = filled(3);
    outbox.hold(&app(0));
    outbox.hold(&app(1));
    let flight = take(&mut outbox, 2).unwrap();
    assert_eq!(flight.changes, create(2));
    outbox.answered(&flight.route, &Ok(()), at(2));
    assert_eq!(outbox.due(), None);

    assert!(!outbox.keep(&route(), &(app(1), name(1)), &create(2)));
    assert!(outbox.keep(&route(), &(app(1), name(1)), &create(1)));
    outbox.release(&app(0));
    outbox.release(&app(1));
    let flight = take(&mut outbox, 2).unwrap();
    assert_eq!(flight.changes, create(1));
}

#[test]
fn changes_put_again_keep_their_time_and_others_take_their_place() {
    let mut outbox = filled(1);
    put(&mut outbox, 0, at(1));
    assert_eq!(outbox.due(), Some(at(2)));
    plan(&mut outbox, 0, 7, at(1));
    assert_eq!(outbox.due(), Some(at(3)));
    assert_eq!(take(&mut outbox, 3).unwrap().changes, create(7));
}

#[test]
fn regions_share_a_batch_and_roles_do_not() {
    let mut outbox = Outbox::default();
    let ways = [
        way(Some("arn:aws:iam::123456789012:role/a"), "eu-west-1"),
        way(Some("arn:aws:iam::123456789012:role/a"), "us-east-1"),
        way(Some("arn:aws:iam::123456789012:role/b"), "us-east-1"),
    ];
    for (number, way) in ways.iter().enumerate() {
        let id = (app(number), name(number));
        outbox.put(Route::new(way, ZONE), id, &create(number), at(0), ());
    }
    let flights = outbox.take(at(2), |()| true);
    let sizes: Vec<usize> = flights.iter().map(|flight| flight.changes.len()).collect();
    assert_eq!(sizes, [2, 1]);
}

#[test]
fn of_two_apps_that_want_one_name_the_second_travels_in_the_next_batch() {
    let mut outbox = Outbox::default();
    for number in 0..2 {
        outbox.put(route(), (app(number), name(7)), &create(7), at(0), ());
    }
    let flight = take(&mut outbox, 2).unwrap();
    assert_eq!(flight.changes, create(7));
    outbox.answered(&flight.route, &Ok(()), at(2));
    assert_eq!(take(&mut outbox, 2).unwrap().changes, create(7));
}

#[test]
fn a_batch_is_no_larger_than_route_53_takes() {
    let mut outbox = filled(1_500);
    let flight = take(&mut outbox, 2).unwrap();
    assert_eq!(flight.changes.len(), 1_000);
    outbox.answered(&flight.route, &Ok(()), at(2));
    assert_eq!(take(&mut outbox, 2).unwrap().changes.len(), 500);
}

#[test]
fn a_hundred_names_are_one_call_and_one_that_is_refused_costs_two_more() {
    let named = |found: &[usize]| format!("[Tried to create [name='{}.'] but]", name(found[0]));
    assert_eq!(send(&mut filled(100), &[], named), (1, vec![]));
    assert_eq!(send(&mut filled(100), &[42], named), (3, vec![42]));
}

#[test]
fn a_culprit_that_no_message_names_is_found_by_halves() {
    let unnamed = |_: &[usize]| "Invalid request".to_owned();
    for culprit in 0..100 {
        let (calls, told) = send(&mut filled(100), &[culprit], unnamed);
        assert_eq!(told, [culprit]);
        assert!(calls <= 10, "{calls} calls for {culprit}");
    }
    let (calls, told) = send(&mut filled(100), &[3, 50, 99], unnamed);
    assert_eq!(told, [3, 50, 99]);
    assert!(calls <= 30, "{calls} calls");
}

/// `send` asserts that no message shows the name of another App.
#[test]
fn a_message_about_names_of_several_apps_is_shown_to_none_of_them() {
    let all = |found: &[usize]| {
        found
            .iter()
            .map(|number| name(*number))
            .collect::<Vec<_>>()
            .join(", ")
    };
    assert_eq!(send(&mut filled(100), &[3, 50], all), (4, vec![3, 50]));
}

#[test]
fn a_failure_of_the_whole_batch_is_told_to_all_at_once() {
    let mut outbox = filled(3);
    let flight = take(&mut outbox, 2).unwrap();
    let failed = AwsError::from_code("route53:ChangeResourceRecordSets", "ServiceUnavailable", "");
    let answered = outbox.answered(&flight.route, &Err(failed.clone()), at(2));
    assert_eq!(answered.apps.len(), 3);
    assert!(answered.waited.is_empty() && outbox.is_empty());
    assert_eq!(outbox.answers(&app(1), at(2))[0].result, Err(failed));
}

/// AWS takes a batch that only takes away also from a zone that is gone: the names are gone with it.
#[test]
fn what_goes_from_a_zone_that_is_gone_travels_without_what_is_to_come() {
    let mut outbox = filled(2);
    let goes = [RecordChange::Delete(record(&name(9)))];
    outbox.put(route(), (app(9), name(9)), &goes, at(0), ());
    let flight = take(&mut outbox, 2).unwrap();
    let gone = AwsError::from_code("route53:ChangeResourceRecordSets", "NoSuchHostedZone", "Z1");
    let answered = outbox.answered(&flight.route, &Err(gone), at(2));
    assert_eq!(answered.apps, [app(0), app(1)].into());
    assert_eq!(take(&mut outbox, 2).unwrap().changes, goes);
}

#[test]
fn what_was_not_begun_is_put_again_by_whoever_leads() {
    let mut outbox = filled(1);
    let flight = take(&mut outbox, 2).unwrap();
    let mut fenced = AwsError::from_code("route53:ChangeResourceRecordSets", "Fenced", "");
    fenced.fault = Fault::Fenced;
    let answered = outbox.answered(&flight.route, &Err(fenced), at(2));
    assert_eq!(answered.apps, [app(0)].into());
    assert!(outbox.is_empty() && outbox.answers(&app(0), at(3)).is_empty());

    let mut outbox = filled(1);
    assert!(outbox.take(at(2), |()| false).is_empty());
    assert!(outbox.is_empty());
}

/// It may withdraw its names; the search goes on among the others, and blames nobody.
#[test]
fn an_app_whose_pass_runs_leaves_the_search_for_a_culprit() {
    let mut outbox = filled(4);
    let flight = take(&mut outbox, 2).unwrap();
    outbox.answered(&flight.route, &refusal("Invalid request"), at(2));
    outbox.hold(&app(0));
    for number in 1..4 {
        let flight = take(&mut outbox, 3).unwrap();
        assert_eq!(flight.changes, create(number));
        outbox.answered(&flight.route, &Ok(()), at(3));
    }
    outbox.release(&app(0));
    assert!(outbox.is_empty());
}

/// Told of it, each App would come back by itself, and one batch would be a hundred.
#[test]
fn after_a_throttle_the_zone_waits_and_its_names_stay_together() {
    let mut outbox = filled(3);
    let throttled = || AwsError::from_code("route53:ChangeResourceRecordSets", "Throttling", "Rate exceeded");
    for (sent, next) in [(2, 7), (7, 17), (17, 37)] {
        let flight = take(&mut outbox, sent).unwrap();
        assert_eq!(flight.changes.len(), 3);
        let answered = outbox.answered(&flight.route, &Err(throttled()), at(sent));
        assert_eq!(answered, Answered::default());
        assert_eq!(outbox.due(), Some(at(next)));
    }
    let flight = take(&mut outbox, 37).unwrap();
    outbox.answered(&flight.route, &Ok(()), at(37));
    assert!(outbox.is_empty());
}

/// IAM may deny single names, and a quota leave room for some.
#[test]
fn what_may_be_about_one_name_is_tried_app_by_app() {
    let mut outbox = filled(3);
    let denied = || AwsError::from_code("route53:ChangeResourceRecordSets", "AccessDenied", "not you");
    let flight = take(&mut outbox, 2).unwrap();
    let answered = outbox.answered(&flight.route, &Err(denied()), at(2));
    assert_eq!(answered, Answered::default());
    for number in 0..3 {
        let flight = take(&mut outbox, 3).unwrap();
        assert_eq!(flight.changes, create(number));
        let result = if number == 1 { Err(denied()) } else { Ok(()) };
        let answered = outbox.answered(&flight.route, &result, at(3));
        assert_eq!(answered.apps, [app(number)].into());
    }
    assert!(outbox.is_empty());
}

/// A flight that is refused for another App's name comes back while a pass runs that does not want it any more.
#[test]
fn names_that_come_back_are_withdrawn_by_a_pass_that_does_not_plan_them() {
    let mut outbox = filled(2);
    let flight = take(&mut outbox, 2).unwrap();
    outbox.hold(&app(0));
    outbox.answered(&flight.route, &refusal("Invalid request"), at(2));
    outbox.release(&app(0));
    assert_eq!(take(&mut outbox, 3).unwrap().changes, create(1));
}

#[test]
fn an_old_answer_is_not_believed() {
    let mut outbox = filled(1);
    let flight = take(&mut outbox, 2).unwrap();
    outbox.answered(&flight.route, &Ok(()), at(2));
    assert_eq!(outbox.answers(&app(0), at(300)).len(), 1);
    assert!(outbox.answers(&app(0), at(400)).is_empty());
}

#[test]
fn an_app_that_is_gone_leaves_nothing_behind() {
    let mut outbox = filled(1);
    let flight = take(&mut outbox, 2).unwrap();
    outbox.answered(&flight.route, &Ok(()), at(2));
    put(&mut outbox, 0, at(3));
    outbox.forget(&app(0));
    assert!(outbox.is_empty() && outbox.answers(&app(0), at(3)).is_empty() && outbox.held.is_empty());

    put(&mut outbox, 0, at(3));
    let flight = take(&mut outbox, 5).unwrap();
    outbox.forget(&app(0));
    put(&mut outbox, 1, at(5));
    assert_eq!(outbox.due(), None);
    outbox.answered(&flight.route, &Ok(()), at(9));
    assert!(outbox.answers(&app(0), at(3)).is_empty());
    assert_eq!(outbox.due(), Some(at(7)));
}
