//! The Platform of the world, and the passes over it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use empire_controller::api::platform::{Platform, PlatformStatus};
use empire_controller::error::Error;
use empire_controller::inventory::ZoneLists;
use empire_controller::lists::{Live, Zones};
use empire_controller::model::owner::AppName;
use empire_controller::observe::Known;
use empire_controller::pass::{DEFAULT_ANNOTATION, Deletion, Requeue, platform};
use empire_controller::reconcile::platform as platforms;
use empire_controller::write::Door;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::{Held, QUIET, SETTINGS, World, now, reason_of};
use crate::fixtures::PlatformFixture;

#[derive(Clone, Debug)]
pub(super) struct HeldPlatform {
    pub(super) object: Platform,
    pub(super) memory: platform::Memory,
    /// When its next pass is due; `None` if only an edit helps.
    pub(super) due: Option<u64>,
    pub(super) quiet: u32,
    /// True if something came of its last pass.
    pub(super) moved: bool,
    /// It was deleted, and nothing is left of it.
    pub(super) is_gone: bool,
}

/// The Apps that are there, whoever asks.
struct There<'a>(&'a BTreeMap<String, Held>);

#[async_trait]
impl platforms::Registry for There<'_> {
    async fn is_there(&self, app: &AppName) -> Result<bool, Error> {
        Ok(self.0.contains_key(&app.to_string()))
    }
}

/// The Platform for all Apps that name none.
pub(super) fn default_platform(fixture: &PlatformFixture) -> Platform {
    let mut platform = fixture.build();
    let annotations = platform.metadata.annotations.get_or_insert_default();
    annotations.insert(DEFAULT_ANNOTATION.into(), "true".into());
    platform
}

impl HeldPlatform {
    /// A controller is started that remembers nothing.
    pub(super) fn start_anew(&mut self, now: u64) {
        self.memory = platform::Memory::default();
        self.wake(now);
    }

    pub(super) fn wake(&mut self, now: u64) {
        (self.due, self.quiet) = (Some(now), 0);
    }

    pub(super) fn tell(&self, known: &mut Known) {
        (known.port_cursor, known.ports_recovered) = (
            self.memory.port_cursor(&self.object),
            self.memory.has_recovered_ports(&self.object),
        );
    }
}

impl World {
    pub(crate) fn set_platform(&mut self, platform: &PlatformFixture) {
        let before = &self.platform.object;
        let mut object = default_platform(platform);
        object.metadata.generation = before.metadata.generation.map(|generation| generation + 1);
        object.status.clone_from(&before.status);
        self.platform.object = object;
        self.platform_pass();
        self.wake_all();
    }

    /// The same of the Platform.
    pub(crate) fn platform_reason(&self) -> String {
        let status = self.platform.object.status.as_ref().unwrap();
        reason_of(&status.conditions)
    }

    /// The number of Apps that it counts.
    pub(crate) fn platform_apps(&self) -> i32 {
        self.platform.object.status.as_ref().unwrap().apps
    }

    /// One pass over the Platform, due or not.
    pub(crate) fn platform_pass(&mut self) {
        if self.platform.is_gone {
            (self.platform.due, self.platform.moved) = (None, false);
            return;
        }
        let now = self.time();
        let object = self.platform.object.clone();
        let apps = self.apps.values().map(|held| &held.app);
        let tenants: Vec<_> = apps
            .filter(|_| !self.hides_apps)
            .map(|app| platform::Tenant::of(&app.metadata, Some(app)))
            .collect();
        let installation = self.installation.clone();
        let keeps_names = platform::may_keep_names(&object);
        let (seen, deletion) = (platform::Seen::Live, Some(&Deletion::Meant));
        let leaving = platform::leaving(&object.metadata, &tenants, keeps_names, seen, deletion).unwrap();
        if leaving == platform::Leaving::MayGo {
            self.let_platform_go();
            return;
        }
        let facts = platform::Facts {
            platforms: std::slice::from_ref(&object),
            tenants: &tenants,
            installation: &installation,
            stopped: None,
            leaving,
            old_lists: Vec::new(),
        };
        let end = match platform::start(&self.platform.memory, &object, &facts, now) {
            platform::Step::Conclude(end) => end,
            platform::Step::Reconcile(request) => {
                platform::End::Reconciled(Box::new(self.reconcile_platform(&request)))
            }
        };
        if self.aws.has_crashed() {
            return;
        }
        let (memory, resync) = (&mut self.platform.memory, SETTINGS.resync_interval);
        let finished = platform::finish(memory, &object, &facts, end, resync, now, self.jitter);
        if finished.recovered.is_some() {
            self.wake_all();
        }
        self.wake(None, &finished.released);
        if finished.may_go {
            self.let_platform_go();
            return;
        }
        self.platform.moved = finished.recovered.is_some_and(|claimed| claimed > 0)
            || !finished.released.is_empty()
            || finished.status.is_some();
        let written = finished
            .status
            .map_or(Ok(()), |status| self.write_platform_status(status));
        let requeue = match written {
            Ok(()) => finished.requeue,
            Err(error) => platform::unwritten(&mut self.platform.memory, &error, self.jitter),
        };
        let held = &mut self.platform;
        held.due = match requeue {
            Requeue::Yielded | Requeue::Turn { .. } => unreachable!("it never yields, nor waits in line"),
            Requeue::After(after) | Requeue::Resync(after) => Some(self.aws.now() + after.as_secs()),
            Requeue::Never => None,
        };
        held.quiet = match requeue {
            Requeue::Resync(_) | Requeue::Never | Requeue::Yielded | Requeue::Turn { .. } => QUIET,
            Requeue::After(_) if held.moved => 0,
            Requeue::After(_) => held.quiet + 1,
        };
    }

    fn reconcile_platform(&self, request: &platforms::Request) -> platforms::Outcome {
        let door = Door {
            aws: &self.aws,
            claims: &self.aws,
        };
        let (there, clock) = (There(&self.apps), || self.time());
        let (live, shared) = (Live(&self.aws), self.shared.as_ref());
        let shared = shared.map(|shared| ZoneLists {
            inventory: &shared.inventory,
            place: shared.place.clone(),
            resync: SETTINGS.resync_interval,
            clock: &clock,
        });
        let zones: &dyn Zones = shared.as_ref().map_or(&live, |shared| shared);
        now(platforms::reconcile(
            &self.aws, zones, &self.aws, &door, &there, request,
        ))
    }

    /// Somebody deletes the Platform.
    pub(crate) fn delete_platform(&mut self) {
        self.platform.object.metadata.deletion_timestamp = Some(Time(self.time()));
        self.platform.wake(self.aws.now());
    }

    fn let_platform_go(&mut self) {
        self.platform.is_gone = true;
        (self.platform.due, self.platform.quiet) = (None, QUIET);
    }

    /// True if it was deleted and is gone.
    pub(crate) fn is_platform_gone(&self) -> bool {
        self.platform.is_gone
    }

    /// The number of names that it says are kept.
    pub(crate) fn kept_names(&self) -> Option<i32> {
        self.platform.object.status.as_ref().unwrap().kept_names
    }

    /// Apps are woken by what they go by.
    fn write_platform_status(&mut self, status: PlatformStatus) -> Result<(), Error> {
        self.take_status()?;
        let of_apps = |status: &PlatformStatus| {
            let conditions = status.conditions.iter();
            let conditions = conditions.map(|c| (c.type_.clone(), c.status.clone(), c.reason.clone()));
            (conditions.collect::<Vec<_>>(), status.zones.clone())
        };
        self.patches.platform_statuses += 1;
        let before = self.platform.object.status.as_ref().map(of_apps);
        let is_news = before != Some(of_apps(&status));
        self.platform.object.status = Some(status);
        if is_news {
            self.wake_all();
        }
        Ok(())
    }
}
