//! Turns in the lines for AWS's request rates.

use super::*;

fn turn(turn: u32, after: u32) -> Requeue {
    Requeue::Turn {
        turn: turn * SECOND,
        after: after * SECOND,
    }
}

/// AWS keeps a token for it for half a minute, and its pass takes a moment.
#[test]
fn a_turn_in_a_line_comes_before_all_that_waits_in_its_namespace() {
    let mut story = Story::new(1);
    story.ask(Rank::Edit, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", turn(5, 5));
    story.ask(Rank::Edit, &["a/2", "a/3", "a/4", "b/1", "b/2"]);
    story.ask(Rank::Deletion, &["c/1"]);
    assert_eq!(story.start(), ["b/1"], "its time has not come");
    story.now += 5 * SECOND;
    story.finish("b/1", Requeue::Never);
    assert_eq!(story.in_order(), ["a/1", "c/1", "b/2", "a/2", "a/3", "a/4"]);
}

#[test]
fn the_turns_of_one_namespace_leave_others_theirs() {
    let mut story = Story::new(1);
    let ours = ["a/1", "a/2", "a/3"];
    story.ask(Rank::Repair, &ours);
    for app in ours {
        assert_eq!(story.start(), [app]);
        story.finish(app, turn(1, 1));
    }
    story.now += 2 * SECOND;
    story.ask(Rank::Edit, &["b/1", "b/2", "b/3"]);
    assert_eq!(story.in_order(), ["b/1", "a/1", "b/2", "a/2", "b/3", "a/3"]);
}

#[test]
fn a_turn_is_not_lost_by_an_earlier_look_that_finds_no_slot() {
    let mut story = Story::new(1);
    story.ask(Rank::Repair, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", turn(20, 10));
    story.ask(Rank::Edit, &["a/2", "a/3"]);
    assert_eq!(story.start(), ["a/2"]);
    let next = story.queue.next_due(story.now).unwrap();
    assert!(next < story.now + 10 * SECOND, "the look, not the turn");
    // It is due, and wakes as what else fails or is pending.
    story.now += 15 * SECOND;
    story.finish("a/2", Requeue::Never);
    assert_eq!(story.start(), ["a/3"]);
    story.queue.woken(&object("a/1"), story.now);
    story.ask(Rank::Edit, &["a/4"]);
    assert_eq!(story.queue.waiting(Rank::Repair, story.now).0, 1);
    story.now += 6 * SECOND;
    story.finish("a/3", Requeue::Never);
    assert_eq!(story.in_order(), ["a/1", "a/4"]);
}

#[test]
fn a_pass_that_begins_before_its_turn_says_anew_when_that_is() {
    let mut story = Story::new(1);
    story.ask(Rank::Repair, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", turn(20, 10));
    story.now += 10 * SECOND;
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", Requeue::Never);
    story.now += 60 * SECOND;
    assert!(story.start().is_empty());
    assert_eq!(story.queue.next_due(story.now), None);

    story.ask(Rank::Edit, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", turn(20, 20));
    story.queue.removed(&object("a/1"));
    story.now += 60 * SECOND;
    assert!(story.start().is_empty(), "it is gone");
}
