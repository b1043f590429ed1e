//! One pass over an App without Kubernetes: what to read, what to hold back, when to come back, and what to remember.
//! Pure functions; the controller makes the calls around them.

mod requeue;

pub use requeue::Requeue;
