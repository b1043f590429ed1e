//! The Kubernetes side: what is watched, what waits for a pass, and what a pass does there.

mod app;
mod claims;
mod context;
mod definitions;
mod denials;
mod dispatch;
mod feed;
mod finalizer;
mod installation;
mod kubernetes;
mod memory;
mod namespaces;
mod platform;
pub mod ports;
mod preview;
mod queue;
mod reach;
mod report;
mod run;
mod tenants;
mod uninstall;
mod watches;

pub use context::{Connect, Sdk};
pub use preview::{Conclusion, MANIFEST_LIMIT, Preview, preview};
pub use reach::reach;
pub use run::run;
