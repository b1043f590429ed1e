//! One pass over one App of the world, and what Kubernetes does around it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use empire_controller::api::app::{AppStatus, PlatformRecord};
use empire_controller::aws::{AwsSettings, Caller, Kind, Route53Writes, calling};
use empire_controller::budget::Asker;
use empire_controller::change::{Change, PortWrite, Write};
use empire_controller::error::Error;
use empire_controller::inventory::{AskedFor, View};
use empire_controller::lists::{KnownSecrets, Lists, Live, live_secrets};
use empire_controller::model::owner::AppName;
use empire_controller::pass::{
    APP_FINALIZER, AskedSecrets, End, Facts, Finished, RECORD_ANNOTATION, Requeue, Step, Work, finish, start,
    unwritten,
};
use empire_controller::reconcile::{BeforeWrites, Outcome, Permission, Request, Scope, reconcile};
use empire_controller::write::zones::{Desk, Flight};
use empire_controller::write::{Budgeted, Door, Names, Writer};
use jiff::SignedDuration;

use super::late::Late;
use super::platform_held::HeldPlatform;
use super::shared::{buckets, time_of};
use super::{COMPANY, Pass, QUIET, SETTINGS, World, not_now, now, whole_seconds};

/// Lets a pass write as often as it wants to, or once.
#[derive(Default)]
struct Turn {
    yields: bool,
    asked: AtomicBool,
    /// The finalizer is on the App.
    held: AtomicBool,
    /// It cannot be put there.
    refuses: bool,
}

#[async_trait]
impl BeforeWrites for Turn {
    async fn before_writes(&self) -> Result<(), Error> {
        if self.refuses {
            return Err(not_now("patch the finalizers"));
        }
        self.held.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn permission(&self) -> Permission {
        let is_first = !self.asked.swap(true, Ordering::Relaxed);
        if is_first || !self.yields {
            Permission::Go
        } else {
            Permission::Yield
        }
    }
}

/// The way to AWS, of all Apps alike.
fn way() -> AwsSettings {
    AwsSettings {
        region: String::new(),
        endpoint_url: None,
        role: None,
    }
}

/// Within one pass. A list and a read by name are not the same; but tags are asked for by ARN after either. Names that were
/// listed again after a refused batch are another matter.
fn assert_nothing_is_read_twice(reads: &[String]) {
    let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
    for read in reads {
        let times = seen.entry(read).or_default();
        *times += 1;
        let limit = match read.split(' ').next().unwrap() {
            "elasticloadbalancing:DescribeTags" => 2,
            "route53:ListResourceRecordSets" if read.matches(' ').count() == 2 => usize::MAX,
            action if action.starts_with("claims:List") => usize::MAX,
            _ => 1,
        };
        assert!(*times <= limit, "read {times} times in one pass: {read}");
    }
}

/// The most rounds of names that a pass sends before the time goes on. Where the lists of two zones leave out what is there,
/// first the batch of one is refused and then that of the other, as long as nothing but such lists is asked.
const ROUNDS: usize = 8;

impl World {
    /// Goes on until the pass does not yield any more. `None` if the controller died in it, or the App is gone.
    pub(super) fn pass(&mut self, key: &str) -> Option<Pass> {
        let (mut done, mut rounds) = (Vec::new(), 0);
        loop {
            let (mut pass, requeue) = self.pass_once(key)?;
            if let Ok(outcome) = &mut pass.result {
                done.append(&mut outcome.done);
                outcome.done.clone_from(&done);
            }
            let is_unlisted = matches!(&pass.result, Err(error) if error.is_not_listed());
            // Else the list comes when it comes.
            if is_unlisted && self.dice.is_none() {
                self.sweep();
                continue;
            }
            if self.answered.remove(key) {
                continue;
            }
            if !self.gathers
                && rounds < ROUNDS
                && matches!(requeue, Requeue::After(_) | Requeue::Turn { .. })
                && self.send_names(COMPANY)
            {
                if self.aws.has_crashed() {
                    return None;
                }
                rounds += 1;
                continue;
            }
            if let Some(held) = self.apps.get_mut(key) {
                held.due = match requeue {
                    Requeue::Yielded => continue,
                    Requeue::After(after) | Requeue::Turn { after, .. } | Requeue::Resync(after) => {
                        Some(self.aws.now() + whole_seconds(after))
                    }
                    Requeue::Never => None,
                };
                held.quiet = match () {
                    () if pass.is_settled() || held.due.is_none() => QUIET,
                    () if pass.moves() => 0,
                    () => held.quiet + 1,
                };
            }
            return Some(pass);
        }
    }

    fn pass_once(&mut self, key: &str) -> Option<(Pass, Requeue)> {
        let now = self.time();
        let platforms = [self.platform.object.clone()];
        let mut facts = Facts {
            platforms: &platforms,
            installation: &self.installation,
            namespace: Some(self.namespace.clone()),
            namespace_is_live: true,
            siblings: self.siblings(key),
            secrets: None,
            stopped: None,
            settings: SETTINGS,
            details_interval: self.details_interval(),
        };
        let held = self.apps.get_mut(key)?;
        let mut step = start(&mut held.memory, &held.app, &facts, now);
        if let Step::ReadSecrets(asked) = &step {
            step = match self.secrets(key, asked) {
                Ok(known) => {
                    facts.secrets = Some(known);
                    let held = self.apps.get_mut(key)?;
                    start(&mut held.memory, &held.app, &facts, now)
                }
                Err(error) => Step::Conclude(End::Failure(None, error)),
            };
        }
        let end = match step {
            Step::Gone | Step::Release => {
                self.apps.remove(key);
                return None;
            }
            Step::ReadNamespace | Step::ReadSecrets(_) => unreachable!("it was read"),
            Step::Conclude(end) => end,
            Step::Reconcile(work, request) => {
                let record = Box::new(work.record.clone());
                let reconciled = self.reconcile(key, work, *request);
                reconciled.unwrap_or_else(|error| End::Failure(Some(record), error))
            }
        };
        if self.aws.has_crashed() {
            return None;
        }
        let result = match &end {
            End::Reconciled(_, outcome) => Ok((**outcome).clone()),
            End::Failure(_, error) => Err(error.clone()),
            End::Verdict(verdict) => Err(Error::Bug(format!("{verdict:?}"))),
        };
        let errors = end.errors();
        let jitter = self.roll();
        let held = self.apps.get_mut(key)?;
        let finished = finish(&mut held.memory, &held.app, end, SETTINGS, now, jitter);
        let is_denied = finished.record.is_some() && self.platform.memory.note_denial(key, &errors);
        if is_denied || finished.wakes.ports_changed {
            self.platform.wake(self.aws.now());
        }
        let requeue = self.conclude(key, finished);
        let app = key.into();
        Some((Pass { app, result }, requeue))
    }

    /// Finds what is known of secrets, as the controller does, or reads all of them.
    fn secrets(&self, key: &str, asked: &AskedSecrets) -> Result<KnownSecrets, Error> {
        let Some(shared) = &self.shared else {
            return Ok(now(live_secrets(&self.aws, &asked.all))?);
        };
        let metadata = &self.apps[key].app.metadata;
        let app = AppName {
            namespace: metadata.namespace.as_deref().unwrap().into(),
            name: metadata.name.as_deref().unwrap().into(),
        };
        let clock = || time_of(&self.aws);
        let asked = AskedFor {
            all: &asked.all,
            needed: &asked.needed,
            is_edited: asked.is_edited,
        };
        let reading = shared
            .inventory
            .secrets_of((&self.aws, &shared.place), &app, asked, &clock);
        Ok(now(calling(self.caller(Kind::Other), reading))?)
    }

    fn reconcile(&mut self, key: &str, mut work: Box<Work>, mut request: Request) -> Result<End, Error> {
        if let Some(ahead) = work.ahead.take() {
            self.write_status(key, ahead)?;
        }
        self.aws.act_as(Some(key));
        self.aws.let_take_names(work.desired.keeping.takes);
        self.aws.take_reads();
        if matches!(request.scope, Scope::Everything) && (self.shared.is_none() || request.looks_now) {
            self.aws.look();
        }
        self.platform.tell(&mut request.known);
        let has_finalizer = self.apps[key].app.metadata.finalizers.is_some();
        let turn = Turn {
            yields: self.yields,
            refuses: self.refuses_finalizer && !has_finalizer,
            ..Turn::default()
        };
        let door = Door {
            aws: &self.aws,
            claims: &self.aws,
        };
        let (time, begun) = (|| time_of(&self.aws), self.time());
        let AppName { namespace, name: app } = work.desired.owner.app.clone();
        let asker = Asker {
            namespace: namespace.to_string(),
            app: app.to_string(),
            rank: work.rank,
        };
        let caller = self.caller(Kind::Pass(asker));
        let door = Budgeted {
            door: &door,
            caller: &caller,
        };
        let view = self.shared.as_ref().map(|shared| View {
            inventory: &shared.inventory,
            aws: &self.aws,
            app: work.desired.owner.app.clone(),
            place: shared.place.clone(),
            resync: SETTINGS.resync_interval,
            now: request.looks_now,
            rank: work.rank,
            clock: &time,
        });
        let app = work.desired.owner.app.clone();
        let desk = Desk::open(&self.outbox, app, (way(), ()), &time);
        let live = Live(&self.aws);
        let lists: &dyn Lists = view.as_ref().map_or(&live, |view| view);
        let late = Late {
            desk: &desk,
            outbox: &self.outbox,
            flown: &self.flown,
            now: begun,
            answered: Mutex::default(),
        };
        let names: &dyn Names = if self.answers_late { &late } else { &desk };
        let writer: &dyn Writer = &door;
        let pass = reconcile(
            &self.aws,
            lists,
            &self.aws,
            (writer, Some(names)),
            &turn,
            &work.desired,
            request,
        );
        let outcome = now(calling(caller.clone(), pass));
        let answered = late.answered.into_inner().unwrap();
        drop(desk);
        self.answered.extend(answered.iter().map(AppName::to_string));
        if let (Some(view), Ok(outcome)) = (&view, &outcome) {
            view.learned(&work.desired, &outcome.observed, &outcome.done, begun);
            view.awaits(&work.desired, &outcome.plan.pending);
        }
        if outcome.as_ref().is_ok_and(Outcome::has_tried_everything) {
            caller.give_up(begun);
        }
        self.aws.act_as(None);
        if turn.held.into_inner() {
            self.hold(key, &work.record)?;
        }
        self.reads = self.aws.take_reads();
        assert_nothing_is_read_twice(&self.reads);
        let outcome = outcome?;
        for change in &outcome.done {
            if let Write::Port(PortWrite::Claim(claim)) = &change.write {
                let HeldPlatform { object, memory, .. } = &mut self.platform;
                memory.set_port_cursor(object, claim.port);
            }
        }
        Ok(End::Reconciled(work, Box::new(outcome)))
    }

    /// Makes a caller whose calls all begin now.
    pub(super) fn caller(&self, kind: Kind) -> Arc<Caller> {
        let now = self.time();
        Caller::new(self.budget.clone(), buckets(), kind, move || now)
    }

    /// Sends the DNS names that will be due in so many seconds. True if any was sent.
    pub(super) fn send_names(&mut self, seconds: i64) -> bool {
        let (now, due) = (self.time(), self.time() + SignedDuration::from_secs(seconds));
        let mut has_sent = false;
        loop {
            let flights = self.outbox.outbox().take(due, |()| true);
            if flights.is_empty() {
                return has_sent;
            }
            has_sent = true;
            for Flight { route, changes, .. } in flights {
                let sending = self.aws.change_records(&route.zone, &changes);
                let result = self::now(calling(self.caller(Kind::Other), sending));
                if self.aws.has_crashed() {
                    return true;
                }
                if self.answers_late {
                    self.flown.note(route, result);
                    continue;
                }
                let answered = self.outbox.outbox().answered(&route, &result, now);
                for app in answered.apps {
                    if let Some(held) = self.apps.get_mut(&app.to_string()) {
                        held.wake(self.aws.now());
                    }
                }
            }
        }
    }

    fn conclude(&mut self, key: &str, finished: Finished) -> Requeue {
        self.wake(Some(key), &finished.wakes.released);
        let contested = finished.contested.iter();
        self.contested
            .extend(contested.map(|(app, name)| (app.to_string(), name.clone())));
        if finished.drifted {
            self.repaired.extend(finished.done.iter().map(Change::noun));
        }
        if finished.may_go {
            self.apps.remove(key);
            self.patches.metadata += 1;
            self.platform.memory.forget_app(key);
            self.platform.wake(self.aws.now());
            return finished.requeue;
        }
        let needed = finished.record.as_ref().filter(|_| finished.needs_finalizer);
        let held = needed.map_or(Ok(()), |record| self.hold(key, record));
        let status = finished.status;
        let written = status.clone().map(|status| self.write_status(key, status));
        let (status, concluded) = match written {
            Some(Err(error)) => (status, Err(error)),
            Some(Ok(())) | None => (None, held),
        };
        match concluded {
            Err(error) => {
                let memory = &mut self.apps.get_mut(key).unwrap().memory;
                unwritten(memory, status, &error, self.jitter)
            }
            Ok(()) => finished.requeue,
        }
    }

    fn hold(&mut self, key: &str, record: &PlatformRecord) -> Result<(), Error> {
        let metadata = &mut self.apps.get_mut(key).unwrap().app.metadata;
        if self.refuses_finalizer && metadata.finalizers.is_none() {
            return Err(not_now("patch the finalizers"));
        }
        let finalizers = metadata.finalizers.replace(vec![APP_FINALIZER.into()]);
        let record = serde_json::to_string(record).unwrap();
        let annotations = metadata.annotations.get_or_insert_default();
        let before = annotations.insert(RECORD_ANNOTATION.into(), record.clone());
        self.patches.metadata += usize::from(finalizers.is_none() || before != Some(record));
        Ok(())
    }

    fn write_status(&mut self, key: &str, status: AppStatus) -> Result<(), Error> {
        self.take_status()?;
        self.patches.statuses += 1;
        let held = self.apps.get_mut(key).unwrap();
        let version = held.app.metadata.resource_version.take();
        let version = version
            .map_or(1, |version| version.parse::<u64>().unwrap() + 1)
            .to_string();
        held.memory.wrote(Some(&version), status.clone());
        held.app.metadata.resource_version = Some(version);
        held.app.status = Some(status);
        Ok(())
    }
}
