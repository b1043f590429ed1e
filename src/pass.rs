//! One pass over an App, without Kubernetes: what it reads, defers and remembers, and when the next one comes. A Platform
//! has passes of its own, in [`platform`].
//!
//! ```text
//!  Memory + App + Facts ──start──▶ Step ··reconcile··▶ End ──finish──▶ Memory′, status, Requeue, Wakes
//! ```
//!
//! Both are pure functions. The controller is Kubernetes around them; so is the tests' world, in memory.

mod backoff;
mod binding;
mod deletion;
mod finish;
mod found;
mod held;
mod installation;
mod keeping;
mod memory;
mod met_by;
pub mod platform;
mod requeue;
mod run;
mod secrets;
mod siblings;
mod start;
mod wakes;
mod wanted;

pub use backoff::{delay, pending, spread};
pub use binding::{
    APP_FINALIZER, Binding, DEFAULT_ANNOTATION, RECORD_ANNOTATION, account, annotated, bind, has_finalizer,
    is_leaving, platform_of, recorded, reports_holdings,
};
pub use deletion::{Deletion, deletion};
pub use finish::{Finished, finish, unwritten};
pub use installation::Installation;
pub use memory::{LOOK_ANNOTATION, Memory, is_recent, version};
pub use requeue::Requeue;
pub use run::{
    RUN_FINALIZER, RunEnd, RunFacts, RunFinished, RunMemory, RunStep, RunWork, finish_run, is_under_way,
    start_run,
};
pub use secrets::{AskedSecrets, asked_secrets};
pub use siblings::{Sibling, check_room, check_room_of_run};
pub use start::{End, Facts, Settings, Step, Work, not_taken, request, start};
pub use wakes::Wakes;
pub use wanted::{wanted, yesterday};
