//! The Kubernetes side: what is watched, what waits for a pass, and what a pass does there.

mod app;
mod context;
mod feed;
mod kubernetes;
mod memory;
mod platform;
mod preview;
mod queue;
mod run;

pub use context::{Connect, Sdk};
pub use kubernetes::reach::reach;
pub use platform::ports;
pub use preview::{Conclusion, MANIFEST_LIMIT, Preview, preview};
pub use run::run;
