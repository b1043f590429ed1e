//! Passes over Runs beside the Apps of the world, and what Kubernetes does around them.

use std::sync::Arc;

use async_trait::async_trait;
use empire_controller::api::run::{Run, RunPhase, RunStatus};
use empire_controller::aws::{Kind, calling};
use empire_controller::budget::Asker;
use empire_controller::error::Error;
use empire_controller::model::rank::Rank;
use empire_controller::pass::{
    RUN_FINALIZER, Requeue, RunEnd, RunFacts, RunMemory, RunStep, RunWork, Sibling, finish_run, is_under_way,
    start_run,
};
use empire_controller::reconcile::run::reconcile;
use empire_controller::reconcile::{BeforeWrites, Permission};
use empire_controller::write::{Budgeted, Door};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};

use super::{World, now, whole_seconds};

/// A Run as the API server has it, and what the controller remembers of it.
#[derive(Clone, Debug)]
pub(crate) struct OneRun {
    pub(crate) run: Run,
    memory: RunMemory,
    pub(crate) is_gone: bool,
    /// True if the API server takes no status.
    pub(crate) refuses_status: bool,
    /// The Events about it, each as its reason.
    pub(crate) events: Vec<&'static str>,
    due: Option<u64>,
}

struct Always;

#[async_trait]
impl BeforeWrites for Always {
    async fn before_writes(&self) -> Result<(), Error> {
        Ok(())
    }

    fn permission(&self) -> Permission {
        Permission::Go
    }
}

impl OneRun {
    /// Makes a Run `shop/<name>` of this spec.
    pub(crate) fn new(world: &World, name: &str, spec: &Value) -> Self {
        let run = json!({
            "apiVersion": "empire.dev/v1alpha1", "kind": "Run",
            "metadata": { "name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "generation": 1 },
            "spec": spec,
        });
        let mut run: Run = serde_json::from_value(run).unwrap();
        run.metadata.creation_timestamp = Some(Time(world.time()));
        OneRun {
            run,
            memory: RunMemory::default(),
            is_gone: false,
            refuses_status: false,
            events: Vec::new(),
            due: Some(world.aws.now()),
        }
    }

    pub(crate) fn status(&self) -> &RunStatus {
        self.run.status.as_ref().unwrap()
    }

    /// Its phase, reason and message.
    pub(crate) fn told(&self) -> String {
        let status = self.status();
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        format!(
            "{} {}: {}",
            status.phase.map(RunPhase::as_str).unwrap_or_default(),
            part(&status.reason),
            part(&status.message)
        )
    }

    pub(crate) fn is_over(&self) -> bool {
        let phase = self.run.status.as_ref().and_then(|status| status.phase);
        self.is_gone || phase.is_some_and(RunPhase::is_over)
    }

    /// The controller is started again.
    pub(crate) fn restart(&mut self, world: &World) {
        self.memory = RunMemory::default();
        self.due = Some(world.aws.now());
    }

    pub(crate) fn delete(&mut self, world: &World) {
        self.run.metadata.deletion_timestamp = Some(Time(world.time()));
        self.due = Some(world.aws.now());
    }

    /// As the others of its namespace count it.
    pub(crate) fn sibling(&self) -> Option<Arc<Sibling>> {
        let status = self.run.status.as_ref()?;
        let (record, size) = (status.platform.as_ref()?, status.size?);
        is_under_way(Some(status)).then(|| Arc::new(Sibling::of_run(&self.run, &record.name, size)))
    }
}

impl World {
    /// Makes the next pass of a Run when it is due. False if none follows.
    pub(crate) fn step_run(&mut self, one: &mut OneRun) -> bool {
        let Some(due) = one.due.filter(|_| !one.is_gone) else {
            return false;
        };
        self.aws.advance(due.saturating_sub(self.aws.now()));
        let requeue = self.pass_run(one);
        if self.aws.has_crashed() {
            self.restart();
            one.restart(self);
            return true;
        }
        one.due = match requeue {
            Requeue::Yielded => Some(self.aws.now()),
            Requeue::After(after) | Requeue::Turn { after, .. } | Requeue::Resync(after) => {
                Some(self.aws.now() + whole_seconds(after))
            }
            Requeue::Never => None,
        };
        true
    }

    /// The same of several, each when it is due.
    pub(crate) fn finish_runs(&mut self, runs: &mut [OneRun]) {
        for _ in 0..20_000 {
            let open = runs.iter_mut().filter(|one| !one.is_over() && one.due.is_some());
            let Some(next) = open.min_by_key(|one| one.due) else {
                return;
            };
            self.step_run(next);
        }
        panic!("they do not end");
    }

    /// Makes passes over a Run until it has ended, or is gone.
    #[track_caller]
    pub(crate) fn finish_run(&mut self, one: &mut OneRun) {
        for _ in 0..20_000 {
            if one.is_over() || !self.step_run(one) {
                return;
            }
        }
        panic!("it does not end: {}", one.told());
    }

    fn pass_run(&mut self, one: &mut OneRun) -> Requeue {
        let time = self.time();
        let platforms: Vec<_> = (!self.platform.is_gone)
            .then(|| self.platform.object.clone())
            .into_iter()
            .collect();
        let app = format!("shop/{}", one.run.spec.app);
        let facts = RunFacts {
            app: self.apps.get(&app).map(|held| Ok(&held.app)),
            platforms: &platforms,
            installation: &self.installation,
            namespace: &self.namespace,
            siblings: self.siblings("shop/"),
            stopped: None,
        };
        let end = match start_run(&one.memory, &one.run, &facts, time) {
            RunStep::Gone | RunStep::Expired => {
                one.is_gone = true;
                return Requeue::Never;
            }
            RunStep::Conclude(end) => end,
            RunStep::Reconcile(work) => self.reconcile_run(one, work),
        };
        if self.aws.has_crashed() {
            return Requeue::Never;
        }
        let finished = finish_run(&mut one.memory, &one.run, &end, time, self.jitter);
        if finished.needs_hold {
            one.run.metadata.finalizers = Some(vec![RUN_FINALIZER.into()]);
        }
        if let Some(status) = finished.status {
            if one.refuses_status {
                return Requeue::After(std::time::Duration::from_secs(1));
            }
            one.run.status = Some(status);
        }
        one.events
            .extend(finished.events.iter().map(|(reason, _)| reason.as_str()));
        one.events
            .extend(finished.warnings.iter().map(|(reason, _)| reason.as_str()));
        if finished.is_released {
            one.run.metadata.finalizers = None;
            one.is_gone = one.run.metadata.deletion_timestamp.is_some();
        }
        finished.requeue
    }

    fn reconcile_run(&mut self, one: &OneRun, work: Box<RunWork>) -> RunEnd {
        self.aws.take_reads();
        let door = Door {
            aws: &self.aws,
            claims: &self.aws,
        };
        let caller = self.caller(Kind::Pass(Asker {
            namespace: "shop".into(),
            app: format!("run/{}", one.run.metadata.name.as_deref().unwrap_or_default()),
            rank: Rank::Edit,
        }));
        let door = Budgeted {
            door: &door,
            caller: &caller,
        };
        let pass = reconcile(&self.aws, &door, &Always, &work.desired, &work.request);
        let outcome = now(calling(caller.clone(), pass));
        match outcome {
            Ok(outcome) => RunEnd::Reconciled(work, Box::new(outcome)),
            Err(error) => RunEnd::Failure(error),
        }
    }
}
