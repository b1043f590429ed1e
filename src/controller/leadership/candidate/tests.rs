//! Candidates over a store with compare-and-swap, on clocks of their own, with pauses, delays and lost replies at random.

use super::*;

const LEASE: Duration = Duration::from_secs(15);
const PACE: Pace = Pace { duration: LEASE };
const NONE: Duration = Duration::ZERO;

fn at(millis: u64) -> Moment {
    let time = Duration::from_millis(millis);
    Moment {
        boot: time,
        wall: time,
    }
}

fn candidate(name: &str) -> Candidate {
    Candidate::new(name.into(), PACE, Fence::new("empire".into(), LEASE), at(0))
}

/// The API server: one Lease.
#[derive(Default)]
struct Store {
    record: Option<Record>,
    version: u64,
}

impl Store {
    fn put(&mut self, put: &Put) -> Result<Record, Refused> {
        let version = self.record.as_ref().map(|record| record.version.clone());
        if put.replaces != version {
            return Err(Refused::Conflict);
        }
        self.version += 1;
        let record = Record {
            holder: Some(put.holder.clone()).filter(|holder| !holder.is_empty()),
            duration: put.duration,
            transitions: put.transitions,
            acquired: put.acquired,
            renewed: put.renewed,
            wanted_by: put.wanted_by.clone(),
            version: self.version.to_string(),
        };
        self.record = Some(record.clone());
        Ok(record)
    }

    fn give_back(&mut self) {
        let put = self.record.as_ref().unwrap().given_back();
        self.put(&put).unwrap();
    }
}

/// Sends what the candidate wants to write at that time, if anything.
fn step(candidate: &mut Candidate, store: &mut Store, now: Moment) -> Result<(), String> {
    if candidate.is_blind() {
        candidate.observe(store.record.clone(), now)?;
    }
    if let Next::Put(put) = candidate.next(NONE, now) {
        let answer = store.put(&put);
        candidate.answered(now, answer, now);
    }
    Ok(())
}

#[test]
fn a_free_lease_is_taken_at_once_and_renewed_every_fifth_of_it() {
    let (mut one, mut store) = (candidate("one"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    assert!(one.is_leading());
    assert_eq!(one.next(NONE, at(0)), Next::Wait(Duration::from_secs(3)));
    step(&mut one, &mut store, at(3000)).unwrap();
    assert_eq!(one.fence.left(at(3000)), LEASE);
    assert_eq!(store.record.unwrap().transitions, 0);
}

#[test]
fn a_standby_waits_for_the_lease_and_a_margin_since_it_saw_a_change() {
    let (mut one, mut two, mut store) = (candidate("one"), candidate("two"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    // It sees it late, and does not know since when it has been so.
    step(&mut two, &mut store, at(9000)).unwrap();
    assert_eq!(two.next(NONE, at(9000)), Next::Wait(Duration::from_secs(16)));
    step(&mut two, &mut store, at(24_999)).unwrap();
    assert!(!two.is_leading());
    step(&mut two, &mut store, at(25_000)).unwrap();
    assert!(two.is_leading());
    assert_eq!(store.record.as_ref().unwrap().transitions, 1);
    assert_eq!(one.fence.left(at(25_000)), Duration::ZERO);
    // The one that lost it finds out by its next renewal.
    step(&mut one, &mut store, at(25_100)).unwrap();
    assert_eq!(one.next(NONE, at(25_100)), Next::Look);
    assert_eq!(step(&mut one, &mut store, at(25_200)), Err("two".into()));
    assert!(!one.is_leading() && !one.fence.is_held());
}

/// Writes the Lease past all candidates.
fn by_hand(store: &mut Store, change: impl FnOnce(&mut Record)) {
    let record = store.record.as_mut().unwrap();
    change(record);
    store.version += 1;
    record.version = store.version.to_string();
}

#[test]
fn a_lease_that_was_edited_is_never_taken_before_its_holder_gives_up() {
    let check = |name: &str, edit: fn(&mut Record), free_after: u64| {
        let (mut one, mut two, mut store) = (candidate("one"), candidate("two"), Store::default());
        step(&mut one, &mut store, at(0)).unwrap();
        step(&mut two, &mut store, at(100)).unwrap();
        by_hand(&mut store, edit);
        step(&mut two, &mut store, at(200)).unwrap();
        assert_eq!(
            two.next(NONE, at(200)),
            Next::Wait(Duration::from_secs(free_after)),
            "{name}"
        );
        assert!(!two.is_leading(), "{name}");
    };
    check("emptied", |record| record.holder = None, 16);
    check("shortened", |record| record.duration = Duration::from_secs(1), 16);
    check(
        "lengthened",
        |record| record.duration = Duration::from_mins(1),
        61,
    );
    check("given by hand", |record| record.holder = Some("two".into()), 16);
    check(
        "renewed in the future",
        |record| record.renewed = Some(Timestamp::MAX),
        16,
    );
    check("asked for", |record| record.wanted_by = Some("two".into()), 16);
}

#[test]
fn a_holder_whose_name_was_taken_off_its_lease_ends() {
    let (mut one, mut store) = (candidate("one"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    by_hand(&mut store, |record| record.holder = None);
    step(&mut one, &mut store, at(3000)).unwrap();
    assert_eq!(step(&mut one, &mut store, at(3100)), Err("nobody".into()));
    assert!(!one.fence.is_held());
}

#[test]
fn a_request_changes_nothing_of_the_lease_and_is_seen_at_the_next_renewal() {
    let (mut one, mut two, mut store) = (candidate("one"), candidate("two"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    step(&mut two, &mut store, at(100)).unwrap();
    let held = store.record.clone().unwrap();
    let asked = store.put(&two.request().unwrap()).unwrap();
    let expected = Record {
        wanted_by: Some("two".into()),
        version: "2".into(),
        ..held
    };
    assert_eq!(asked, expected);
    assert_eq!(one.wanted_by(), None);
    step(&mut one, &mut store, at(3000)).unwrap();
    one.observe(store.record.clone(), at(3100)).unwrap();
    assert_eq!(one.wanted_by(), Some("two"));
    // One that does not give it renews it.
    step(&mut one, &mut store, at(3100)).unwrap();
    assert_eq!(
        (one.is_leading(), one.wanted_by(), store.record.unwrap().wanted_by),
        (true, None, None)
    );
}

#[test]
fn what_is_given_goes_to_the_one_that_asked_and_comes_back_where_that_is_gone() {
    let (mut one, mut two, mut three) = (candidate("one"), candidate("two"), candidate("three"));
    let mut store = Store::default();
    step(&mut one, &mut store, at(0)).unwrap();
    let before = one.fence.clone();
    let put = one.give("two", Fence::new("empire".into(), LEASE)).unwrap();
    assert!(!before.is_held() && !one.is_leading(), "before it is sent");
    one.gave(store.put(&put), at(1000));
    for other in [&mut one, &mut three] {
        step(other, &mut store, at(1100)).unwrap();
        assert!(!other.is_leading());
    }
    assert_eq!(three.next(NONE, at(1100)), Next::Wait(Duration::from_secs(4)));
    let given = (store.record.clone(), store.version);
    step(&mut two, &mut store, at(1200)).unwrap();
    assert!(two.is_leading());
    let taken = store.record.unwrap();
    assert_eq!(
        (taken.holder.as_deref(), taken.wanted_by, taken.transitions),
        (Some("two"), None, 1)
    );

    let mut store = Store {
        record: given.0,
        version: given.1,
    };
    step(&mut one, &mut store, at(5200)).unwrap();
    assert!(one.is_leading() && one.fence.is_held());
    assert!(!before.is_held(), "what was begun before stays ended");
}

#[test]
fn what_was_not_given_after_all_is_led_again() {
    for arrives in [false, true] {
        let (mut one, mut store) = (candidate("one"), Store::default());
        step(&mut one, &mut store, at(0)).unwrap();
        let put = one.give("two", Fence::new("empire".into(), LEASE)).unwrap();
        if arrives {
            store.put(&put).unwrap();
        }
        one.gave(Err(Refused::Failed("reset".into())), at(2000));
        step(&mut one, &mut store, at(2100)).unwrap();
        assert_eq!(one.is_leading(), !arrives);
    }
}

#[test]
fn what_was_given_back_is_taken_at_once_by_who_leads_least() {
    let (mut one, mut two, mut store) = (candidate("one"), candidate("two"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    step(&mut two, &mut store, at(100)).unwrap();
    store.give_back();
    two.observe(store.record.clone(), at(200)).unwrap();
    let courtesy = Duration::from_millis(300);
    assert_eq!(two.next(courtesy, at(200)), Next::Wait(courtesy));
    assert!(matches!(two.next(NONE, at(200)), Next::Put(_)));
}

#[test]
fn nobody_takes_a_lease_that_is_gone_before_its_holder_must_have_noticed() {
    let (mut one, mut two, mut store) = (candidate("one"), candidate("two"), Store::default());
    step(&mut one, &mut store, at(0)).unwrap();
    step(&mut two, &mut store, at(100)).unwrap();
    store.record = None;
    step(&mut two, &mut store, at(200)).unwrap();
    assert!(!two.is_leading());
    // The holder makes it again.
    step(&mut one, &mut store, at(3000)).unwrap();
    step(&mut one, &mut store, at(3100)).unwrap();
    assert_eq!(one.fence.left(at(3100)), LEASE);
    assert_eq!(store.record.unwrap().holder.as_deref(), Some("one"));
}

#[test]
fn a_write_whose_reply_was_lost_is_recognized() {
    let (mut one, mut store) = (candidate("one"), Store::default());
    one.observe(None, at(0)).unwrap();
    let Next::Put(put) = one.next(NONE, at(0)) else {
        panic!("it is free");
    };
    store.put(&put).unwrap();
    one.answered(at(0), Err(Refused::Failed("reset".into())), at(5000));
    assert_eq!(one.fence.left(at(5000)), Duration::ZERO);
    step(&mut one, &mut store, at(5000)).unwrap();
    assert!(one.is_leading());
    // And likewise of a renewal.
    let Next::Put(put) = one.next(NONE, at(8000)) else {
        panic!("it is due");
    };
    store.put(&put).unwrap();
    one.answered(at(8000), Err(Refused::Failed("reset".into())), at(9000));
    step(&mut one, &mut store, at(9100)).unwrap();
    step(&mut one, &mut store, at(9200)).unwrap();
    assert_eq!((one.is_leading(), one.fence.left(at(9200))), (true, LEASE));
}

/// A process with a candidate, which the test stops and lets go on.
struct Process {
    candidate: Candidate,
    /// Its clocks are not those of others.
    boot: u64,
    wall: u64,
    stopped_until: u64,
    /// A write under way: when it was sent, when it reaches the store, what it came to, and when that is known.
    flight: Option<Flight>,
}

struct Flight {
    sent: Moment,
    put: Put,
    gives: bool,
    arrives: u64,
    /// `None` until it has arrived.
    answer: Option<Result<Record, Refused>>,
    known: u64,
}

impl Process {
    fn new(name: &str, random: &mut fastrand::Rng) -> Self {
        let (boot, wall) = (random.u64(0..1_000_000), random.u64(0..1_000_000));
        let now = Moment {
            boot: Duration::from_millis(boot),
            wall: Duration::from_millis(wall),
        };
        let fence = Fence::new("empire".into(), LEASE);
        Process {
            candidate: Candidate::new(name.into(), PACE, fence, now),
            boot,
            wall,
            stopped_until: 0,
            flight: None,
        }
    }

    fn now(&self, time: u64) -> Moment {
        Moment {
            boot: Duration::from_millis(self.boot + time),
            wall: Duration::from_millis(self.wall + time),
        }
    }

    fn go(&mut self, store: &mut Store, time: u64, random: &mut fastrand::Rng) -> Result<bool, String> {
        let now = self.now(time);
        if let Some(flight) = self.flight.take_if(|flight| flight.known <= time) {
            let lost = Err(Refused::Failed("time-out".into()));
            let answer = flight
                .answer
                .filter(|_| flight.arrives < u64::MAX && random.u8(..) > 20);
            let answer = answer.unwrap_or(lost);
            if flight.gives {
                self.candidate.gave(answer, now);
                return Ok(false);
            }
            return Ok(self.candidate.answered(flight.sent, answer, now));
        }
        if self.flight.is_some() {
            return Ok(false);
        }
        if self.candidate.is_blind() {
            self.candidate.observe(store.record.clone(), now)?;
        }
        let wanted_by = self.candidate.wanted_by().map(ToOwned::to_owned);
        let put = wanted_by
            .filter(|_| self.candidate.is_leading() && random.bool())
            .and_then(|to| self.candidate.give(&to, Fence::new("empire".into(), LEASE)));
        let (gives, next) = match put {
            Some(put) => (true, Next::Put(put)),
            None => (false, self.candidate.next(NONE, now)),
        };
        if let Next::Put(put) = next {
            let arrives = time + random.u64(1..3000);
            self.flight = Some(Flight {
                sent: now,
                put,
                gives,
                arrives,
                answer: None,
                // It may be given up before it arrives.
                known: time + random.u64(1..4000),
            });
        }
        Ok(false)
    }

    /// Asks another for the Lease; that may arrive late.
    fn ask(&self, late: &mut Vec<(u64, Put)>, time: u64, random: &mut fastrand::Rng) {
        if !self.candidate.is_leading() && random.u32(..100) == 0 {
            late.extend(
                self.candidate
                    .request()
                    .map(|put| (time + random.u64(1..1000), put)),
            );
        }
    }
}

#[test]
fn never_may_two_write_at_once_however_they_are_paused() {
    let (mut took, mut lost, mut gave) = (0, 0, 0);
    for seed in 0..200 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut store = Store::default();
        let mut processes: Vec<Process> = ["one", "two", "three"]
            .iter()
            .map(|name| Process::new(name, &mut random))
            .collect();
        // Writes that their senders have given up, and that may arrive all the same.
        let mut late: Vec<(u64, Put)> = Vec::new();
        for time in (0..300_000).step_by(100) {
            late.retain(|(arrives, put)| {
                if *arrives <= time {
                    let _ = store.put(put);
                }
                *arrives > time
            });
            for process in &mut processes {
                if let Some(flight) = &mut process.flight {
                    if flight.answer.is_none() && flight.arrives <= time {
                        flight.answer = Some(store.put(&flight.put));
                    } else if flight.answer.is_none() && flight.known <= time {
                        // The next look finds it, if it arrives.
                        late.push((flight.arrives, flight.put.clone()));
                        (flight.arrives, flight.answer) = (u64::MAX, Some(Err(Refused::Conflict)));
                    }
                }
                if process.stopped_until > time {
                    continue;
                }
                if random.u32(..400) == 0 {
                    process.stopped_until = time + random.u64(0..60_000);
                    continue;
                }
                process.ask(&mut late, time, &mut random);
                let was_leading = process.candidate.is_leading();
                if let Ok(new) = process.go(&mut store, time, &mut random) {
                    took += u32::from(new);
                    gave += u32::from(was_leading && !process.candidate.is_leading());
                } else {
                    // It exits, and the kubelet starts it anew, under an identity that no process had.
                    lost += 1;
                    *process = Process::new(&format!("again-{lost}"), &mut random);
                    (process.boot, process.wall) = (process.boot + time, process.wall + time);
                }
            }
            let writers = processes
                .iter()
                .filter(|process| process.candidate.fence.may_write(process.now(time)).is_ok());
            assert!(writers.count() <= 1, "seed {seed}, at {time} ms");
        }
    }
    assert!(
        took > 500 && lost > 50 && gave > 50,
        "{took} took it, {lost} lost it, {gave} gave it"
    );
}
