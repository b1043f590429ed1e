//! One pass over a Platform, without Kubernetes: can it be reached, what are its zones called, who lives here, which ports
//! are taken.
//!
//! ```text
//!  Memory + Platform + Facts ──start──▶ Step ··reconcile··▶ End ──finish──▶ Memory′, status, Requeue, Apps to wake
//! ```
//!
//! As for Apps, all of it is pure functions, of which the controller and the tests' world are two users.

mod denials;
mod finish;
mod leaving;
mod lists;
mod memory;
mod start;
mod tenant;

pub use finish::{Finished, failed, finish, unwritten};
pub use leaving::{Leaving, Question, Seen, leaving};
pub use lists::OldList;
pub use memory::Memory;
pub use start::{End, Facts, Step, may_keep_names, start};
pub use tenant::Tenant;
