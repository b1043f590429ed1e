//! What people read of an App, on one screen: its status, and why it is not Ready.
//!
//! A pure function of the objects as the API server has them and of the time. First to plain data, which is what `-o json`
//! prints and whose fields only ever grow; then to text. Colours are always in the text: who prints it where there is no
//! terminal strips them.

mod explain;
mod layout;
mod orphans;
mod overview;
mod runbook;
mod runs;
mod status;

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;

use crate::api::app::App;
use crate::api::platform::Platform;
use crate::api::run::Run;
pub use explain::{Cause, Explanation, explain};
pub use layout::{Width, painted_name};
pub use orphans::{Orphan, Orphans};
pub use runbook::{Entry, entry};
pub use status::{Status, status};

/// Everything that is known of an App.
#[derive(Clone, Debug)]
pub struct Facts {
    pub app: App,
    pub platform: Sight,
    /// Those about the App; `None` if they may not be read.
    pub events: Option<Vec<Event>>,
    /// Those of its namespace; `None` if they may not be read, or are not defined.
    pub runs: Option<Vec<Run>>,
}

/// The App's Platform, as far as the reader may see it.
#[derive(Clone, Debug)]
pub enum Sight {
    Seen(Box<Platform>),
    /// There is none of the name, or the App has none yet.
    Missing,
    /// The reader has no right to look: Platforms belong to no namespace.
    Hidden,
}

impl Sight {
    fn platform(&self) -> Option<&Platform> {
        match self {
            Sight::Seen(platform) => Some(platform),
            Sight::Missing | Sight::Hidden => None,
        }
    }
}

/// The name of the Platform that an App runs on, or is to run on.
pub fn platform_of(app: &App) -> Option<&str> {
    let record = app.status.as_ref().and_then(|status| status.platform.as_ref());
    let recorded = record.map(|record| record.name.as_str());
    recorded.or(app.spec.platform.as_deref())
}

/// The time of an Event: of its last occurrence, where it tells.
fn time_of(event: &Event) -> Option<Timestamp> {
    let series = event
        .series
        .as_ref()
        .and_then(|series| series.last_observed_time.as_ref());
    series
        .map(|time| time.0)
        .or(event.last_timestamp.as_ref().map(|time| time.0))
        .or(event.event_time.as_ref().map(|time| time.0))
        .or(event.metadata.creation_timestamp.as_ref().map(|time| time.0))
}
