//! The queue on virtual time.

mod turns;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A queue on virtual time, whose objects are written `namespace/name` and have one version after another.
struct Story {
    queue: Queue,
    began: Instant,
    now: Instant,
    version: u64,
}

fn object(text: &str) -> Object {
    let (namespace, name) = text.split_once('/').unwrap();
    Object {
        namespace: namespace.into(),
        name: name.into(),
    }
}

impl Story {
    fn new(all: usize) -> Self {
        let now = Instant::now();
        Story {
            queue: Queue::new(Slots {
                all,
                keeps_last: true,
            }),
            began: now,
            now,
            version: 0,
        }
    }

    fn ask(&mut self, rank: Rank, objects: &[&str]) {
        for text in objects {
            self.version += 1;
            self.now += Duration::from_millis(1);
            self.queue
                .changed(&object(text), rank, Some(self.version), self.now);
        }
    }

    /// Begins what may begin, on the newest version.
    fn start(&mut self) -> Vec<String> {
        let version = self.version;
        let take = |_: &Object| Some(((), Some(version)));
        std::iter::from_fn(|| self.queue.start(self.now, Only::All, take))
            .map(|(object, ())| object.to_string())
            .collect()
    }

    fn finish(&mut self, text: &str, requeue: Requeue) {
        self.now += Duration::from_millis(1);
        self.queue.finished(&object(text), requeue, self.now);
    }

    /// Runs what is due, one pass at a time, in order.
    fn in_order(&mut self) -> Vec<String> {
        let mut order = Vec::new();
        while let Some(next) = self.start().first() {
            self.finish(next, Requeue::Never);
            order.push(next.clone());
        }
        order
    }
}

#[test]
fn namespaces_take_turns_and_within_one_the_most_urgent_goes_first() {
    let mut story = Story::new(1);
    story.ask(Rank::Resync, &["a/resync"]);
    story.ask(Rank::Repair, &["a/repair"]);
    story.ask(Rank::Deletion, &["a/deletion"]);
    story.ask(
        Rank::Edit,
        &["a/edit-1", "a/edit-2", "b/edit-1", "b/edit-2", "c/edit"],
    );
    let order = [
        "a/edit-1",
        "b/edit-1",
        "c/edit",
        "a/edit-2",
        "b/edit-2",
        "a/deletion",
        "a/repair",
        "a/resync",
    ];
    assert_eq!(story.in_order(), order);
}

#[test]
fn an_edit_does_not_wait_for_a_resync_in_each_other_namespace() {
    let mut story = Story::new(1);
    story.ask(Rank::Resync, &["a/1", "b/1", "b/2", "c/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.ask(Rank::Edit, &["a/2"]);
    story.finish("a/1", Requeue::Never);
    assert_eq!(story.in_order(), ["b/1", "a/2", "c/1", "b/2"]);
}

#[test]
fn an_edit_raises_what_waits_and_what_is_to_wait() {
    let mut story = Story::new(1);
    story.ask(Rank::Resync, &["a/1", "a/2", "a/3"]);
    story.ask(Rank::Edit, &["a/3"]);
    assert_eq!(story.start(), ["a/3"]);
    story.finish("a/3", Requeue::Resync(600 * SECOND));
    story.ask(Rank::Edit, &["a/3"]);
    assert_eq!(story.in_order(), ["a/3", "a/1", "a/2"]);
}

#[test]
fn an_edit_while_a_pass_runs_gives_one_more_and_none_if_that_saw_it() {
    let mut story = Story::new(8);
    story.ask(Rank::Edit, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    // The watch shows late what the pass has taken from the store.
    story
        .queue
        .changed(&object("a/1"), Rank::Edit, Some(story.version), story.now);
    story.finish("a/1", Requeue::Never);
    assert!(story.start().is_empty());

    story.ask(Rank::Edit, &["a/1"]);
    assert_eq!(story.start(), ["a/1"]);
    story.ask(Rank::Edit, &["a/1", "a/1", "a/1"]);
    story.queue.woken(&object("a/1"), story.now);
    assert!(story.start().is_empty(), "one pass at a time over an object");
    story.finish("a/1", Requeue::Resync(600 * SECOND));
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", Requeue::Never);
    assert!(story.start().is_empty());
}

#[test]
fn no_namespace_has_the_last_slot_beside_another_pass() {
    let mut story = Story::new(4);
    story.ask(Rank::Edit, &["a/1", "a/2", "a/3", "a/4", "a/5"]);
    assert_eq!(story.start(), ["a/1", "a/2", "a/3"]);
    assert!(story.queue.wants_slot_of(&object("a/1"), story.now), "a/4 waits");
    story.ask(Rank::Resync, &["b/1", "b/2"]);
    assert_eq!(story.start(), ["b/1"]);
    story.finish("a/1", Requeue::Never);
    assert!(story.start().is_empty(), "the last one is for a third");
    story.ask(Rank::Repair, &["c/1"]);
    assert_eq!(story.start(), ["c/1"]);

    let mut story = Story::new(1);
    story.ask(Rank::Edit, &["a/1", "a/2"]);
    assert_eq!(story.in_order(), ["a/1", "a/2"]);
}

#[test]
fn of_60_due_at_8_at_a_time_everything_has_a_pass_before_anything_has_a_second() {
    // Whatever they are due for: each fails at once, and is tried again in half a second.
    for rank in Rank::ALL {
        let mut story = Story::new(8);
        let names: Vec<String> = (0..60).map(|number| format!("shop/{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        story.ask(rank, &names);
        let (mut running, mut passes) = (Vec::new(), Vec::new());
        while passes.len() < 180 {
            running.extend(story.start());
            let first: String = running.remove(0);
            story.now += SECOND;
            story.finish(&first, Requeue::After(SECOND / 2));
            passes.push(first);
        }
        for round in passes.chunks(60) {
            let mut round = round.to_vec();
            round.sort();
            round.dedup();
            assert_eq!(round.len(), 60, "{rank:?}");
        }
    }
}

#[test]
fn edits_without_end_leave_one_start_in_ten_to_the_rest() {
    let mut story = Story::new(1);
    story.ask(Rank::Resync, &["a/resync"]);
    story.ask(Rank::Repair, &["a/repair"]);
    let mut order = Vec::new();
    for number in 0..25 {
        let (one, other) = (format!("a/{number}"), format!("a/{number}-more"));
        story.ask(Rank::Edit, &[&one, &other]);
        let next = story.start().remove(0);
        story.finish(&next, Requeue::Never);
        order.push(next);
    }
    let place = |name: &str| order.iter().position(|next| next == name);
    assert_eq!((place("a/resync"), place("a/repair")), (Some(9), Some(19)));
}

#[test]
fn a_pass_that_yields_goes_behind_what_waits_and_keeps_its_rank() {
    let mut story = Story::new(1);
    story.ask(Rank::Edit, &["a/1", "a/2"]);
    story.ask(Rank::Resync, &["a/3"]);
    assert_eq!(story.start(), ["a/1"]);
    assert!(story.queue.wants_slot_of(&object("a/1"), story.now));
    story.finish("a/1", Requeue::Yielded);
    assert_eq!(story.in_order(), ["a/2", "a/1", "a/3"]);
    story.ask(Rank::Edit, &["a/1"]);
    story.start();
    assert!(
        !story.queue.wants_slot_of(&object("a/1"), story.now),
        "nobody waits"
    );
    story.queue.woken(&object("a/1"), story.now);
    story.ask(Rank::Resync, &["a/3"]);
    story.finish("a/1", Requeue::Yielded);
    assert_eq!(story.in_order(), ["a/1", "a/3"], "being woken does not lower it");
}

#[test]
fn what_is_gone_has_no_pass() {
    let mut story = Story::new(2);
    story.ask(Rank::Edit, &["a/waits", "b/runs"]);
    story.queue.removed(&object("a/waits"));
    assert_eq!(story.start(), ["b/runs"]);
    story.queue.removed(&object("b/runs"));
    story.finish("b/runs", Requeue::After(SECOND));
    assert_eq!(story.queue.next_due(story.now), None);
    assert!(story.queue.lanes.is_empty(), "nothing of it is kept");

    // Not in the store any more, although no event has said so.
    story.ask(Rank::Edit, &["a/1", "a/2"]);
    let there = |object: &Object| (object.name == "2").then_some(((), None));
    let started = story.queue.start(story.now, Only::All, there).unwrap();
    assert_eq!(started.0, object("a/2"));

    // Another of its name came while the pass over the first one ran.
    story.queue.removed(&object("a/2"));
    story.ask(Rank::Edit, &["a/2"]);
    story.finish("a/2", Requeue::Never);
    assert_eq!(story.start(), ["a/2"]);
    story.ask(Rank::Edit, &["c/1"]);
    story.queue.retain(|object| object.namespace == "a");
    assert!(story.start().is_empty());
}

#[test]
fn what_comes_back_later_waits_from_then_on() {
    let mut story = Story::new(1);
    story.ask(Rank::Edit, &["a/1"]);
    story.start();
    story.finish("a/1", Requeue::After(20 * SECOND));
    assert_eq!(story.queue.next_due(story.now), Some(story.now + 20 * SECOND));
    assert!(story.start().is_empty());
    story.now += 23 * SECOND;
    assert_eq!(story.queue.waiting(Rank::Repair, story.now), (1, 3 * SECOND));
    assert_eq!(story.queue.waiting(Rank::Edit, story.now), (0, Duration::ZERO));
    assert_eq!(story.start(), ["a/1"]);
    story.finish("a/1", Requeue::Resync(Duration::MAX));
    assert!(story.start().is_empty());
}

/// 1,000 Apps in 100 namespaces fall due together, as after a start; one namespace is edited without end, and every other
/// second somebody edits an App of another one.
#[test]
fn beside_a_storm_99_of_100_edits_begin_within_a_second() {
    let mut story = Story::new(8);
    for number in 0..1000 {
        story.ask(Rank::Resync, &[&format!("team-{}/{number}", number % 100)]);
    }
    let mut random = fastrand::Rng::with_seed(7);
    let mut edited: BTreeMap<Object, Instant> = BTreeMap::new();
    let mut running: Vec<(Instant, String)> = Vec::new();
    let mut waits = Vec::new();
    for tenth in 0..6000 {
        story.now = story.now.max(story.began + tenth * SECOND / 10);
        let ended = running.extract_if(.., |(ends, _)| *ends <= story.now);
        for (_, name) in ended.collect::<Vec<_>>() {
            let is_storm = name.starts_with("team-0/");
            story.finish(
                &name,
                if is_storm {
                    Requeue::After(SECOND)
                } else {
                    Requeue::Resync(600 * SECOND)
                },
            );
        }
        if tenth % 2 == 0 {
            story.ask(Rank::Edit, &[&format!("team-0/{}", random.u32(0..120))]);
        }
        if tenth % 20 == 0 {
            let number = random.u32(0..990) / 99 * 100 + random.u32(1..100);
            let name = format!("team-{}/{number}", number % 100);
            edited.entry(object(&name)).or_insert(story.now);
            story.ask(Rank::Edit, &[&name]);
        }
        for name in story.start() {
            if let Some(since) = edited.remove(&object(&name)) {
                waits.push(story.now.duration_since(since));
            }
            // A pass of the storm takes long; it yields after some time.
            let takes = if name.starts_with("team-0/") {
                20
            } else {
                random.u32(5..15)
            };
            running.push((story.now + takes * SECOND / 10, name));
        }
    }
    waits.sort();
    assert!(waits.len() > 290, "{} edits began", waits.len());
    let p99 = waits[waits.len() * 99 / 100];
    assert!(p99 < SECOND, "{p99:?}, the longest {:?}", waits.last());
}

/// Many objects that all are another replica's, as a standby finds them at its start. The time is printed.
#[test]
fn a_standby_drops_all_that_it_does_not_lead_in_one_go() {
    let mut story = Story::new(8);
    let count = 10_000;
    for number in 0..count {
        let text = format!("team-{}/{number}", number % 100);
        story.ask(Rank::Resync, &[&text]);
    }
    let (began, mut looks) = (Instant::now(), 0);
    let started = story.queue.start(story.now, Only::All, |_| {
        looks += 1;
        None::<((), _)>
    });
    println!("dropped {count} objects in {:?}", began.elapsed());
    assert_eq!((started, looks), (None, count + 1));
    assert!(story.queue.lanes.is_empty());
}
