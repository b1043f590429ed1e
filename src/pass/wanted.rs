//! What an App means to a pass, and the warnings for its developer.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::binding::{APP_FINALIZER, Binding, has_finalizer, is_leaving};
use super::keeping::keeping;
use super::memory::Memory;
use crate::api::app::{App, AppStatus};
use crate::api::event::EventReason;
use crate::desired::{self, Built, NamespaceLabels};
use crate::error::Error;
use crate::model::desired::{Adopted, Desired};
use crate::model::secret::Secrets;
use crate::observe::KnownSecrets;
use crate::status;

/// Returns the day before, of which it is certain that it has begun in every time zone.
pub fn yesterday(now: Timestamp) -> Date {
    let today = now.to_zoned(TimeZone::UTC).date();
    today.yesterday().unwrap_or(today)
}

/// Returns the desired state: nothing for an App that is being deleted, whether its resources are removed or retained. Where
/// they are to be retained and may not be, neither is done, so that nothing is lost, and nothing goes on running unseen.
pub fn wanted(
    app: &App,
    status: Option<&AppStatus>,
    (binding, namespace): (&Binding<'_>, &NamespaceLabels),
    secrets: &KnownSecrets,
    now: Timestamp,
) -> Result<Built, Error> {
    let (platform, owner) = (binding.platform, &binding.owner);
    let mut built = if is_leaving(app) {
        let (owner, place) = (owner.clone(), desired::place(platform));
        Built {
            desired: if desired::retains(app, Some(platform)) {
                desired::check_retain(app, platform, namespace)?;
                Desired::retaining(owner, place)
            } else {
                Desired::empty(owner, place)
            },
            warnings: Vec::new(),
            overridden: Vec::new(),
        }
    } else {
        let secrets = Secrets {
            read: secrets.read.clone(),
            shown: status::secrets(status),
        };
        desired::build(app, platform, owner, namespace, &secrets)?
    };
    built.desired.keeping = keeping(app, platform, namespace, now);
    let remembered = status::holdings(status, has_finalizer(&app.metadata, APP_FINALIZER));
    built.desired.adopted = Adopted {
        stays: desired::keeps_adopted(app),
        may_be_there: remembered.may_have_adopted(),
    };
    Ok(built)
}

/// Returns the warnings about the manifest that are not out yet.
pub(super) fn unsaid(
    memory: &Memory,
    app: &App,
    desired: &Desired,
    warnings: Vec<String>,
    now: Timestamp,
) -> Vec<(EventReason, String)> {
    let is_said = |warned| Some(warned) == app.metadata.generation;
    if memory.warned.map_or(!memory.is_new(app), is_said) {
        return Vec::new();
    }
    let never = desired::never_started(desired, yesterday(now));
    let shell = warnings.into_iter().map(|text| (EventReason::ShellSyntax, text));
    shell
        .chain(never.into_iter().map(|text| (EventReason::NeverStarted, text)))
        .collect()
}
