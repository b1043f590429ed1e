//! The Events of a pass.

use super::{EventType, Note, NoteReason, changes, warning};
use crate::api::condition::Reason;
use crate::change::{Change, PortWrite, ServiceWrite, Tagged, TagsWrite};
use crate::model::owner::Tags;
use crate::plan::fixtures::{claim, owner};

fn release(process: &str, port: u16) -> Change {
    PortWrite::Release(claim(port, &owner(), process, 8080)).into()
}

fn take(process: &str, port: u16) -> Change {
    PortWrite::Claim(claim(port, &owner(), process, 8080)).into()
}

fn delete(process: &str) -> Change {
    Change::of(
        process,
        ServiceWrite::Delete {
            service: format!("s-{process}"),
        },
    )
}

fn tag(resource: &str) -> Change {
    TagsWrite::Add {
        resources: vec![Tagged::LoadBalancer(resource.into())],
        tags: Tags::from([("k".into(), "v".into())]),
    }
    .into()
}

#[test]
fn a_pass_that_wrote_nothing_says_nothing() {
    assert_eq!(changes(&[]), []);
}

#[test]
fn one_event_for_each_process_and_kind_of_change() {
    let done = [
        take("web", 9001),
        delete("worker"),
        tag("l-1"),
        take("web", 9002),
        release("web", 9003),
        take("api", 9004),
        tag("l-2"),
    ];
    let notes: Vec<_> = changes(&done)
        .into_iter()
        .map(|note| (note.reason.as_str(), note.text))
        .collect();
    let expected = [
        ("Updated", "tag l-1 with k=v; tag l-2 with k=v"),
        (
            "Created",
            "process api: claim host port 9004 for container port 8080",
        ),
        (
            "Created",
            "process web: claim host port 9001 for container port 8080; claim host port 9002 for container port 8080",
        ),
        (
            "Deleted",
            "process web: release host port 9003 of container port 8080",
        ),
        ("Deleted", "process worker: delete service s-worker"),
    ];
    assert_eq!(notes, expected.map(|(reason, text)| (reason, text.to_owned())));
}

#[test]
fn what_was_done_is_normal_and_what_is_wrong_a_warning() {
    assert!(
        changes(&[delete("web")])
            .iter()
            .all(|note| note.kind == EventType::Normal)
    );
    assert_eq!(
        warning(Reason::Conflict, "in the way"),
        Note {
            kind: EventType::Warning,
            reason: NoteReason::Condition(Reason::Conflict),
            action: "Reconcile",
            text: "in the way".into(),
        }
    );
}
