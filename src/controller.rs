//! The Kubernetes side: what is watched, what waits for a pass, and what a pass does there.

mod app;
mod cached;
mod carrier;
mod clock;
mod context;
mod feed;
mod known_run;
mod kubernetes;
mod last_applied;
mod leadership;
mod lines;
mod lost;
mod memory;
mod one_off;
mod packed;
mod platform;
mod queue;
mod readers;
mod run;
mod shown;
mod siblings;
mod sweeper;
mod zones;

pub(crate) use context::settings_of;
pub use context::{Connect, Sdk};
pub(crate) use kubernetes::claims::{ClaimCache, KubeClaims};
pub(crate) use kubernetes::installation::{in_use as owner_in_use, is_recorded as owner_is_recorded};
pub(crate) use kubernetes::message_of;
pub(crate) use kubernetes::namespaces::Namespaces;
pub use kubernetes::reach::{reach, reach_at_last};
pub use run::run;
