//! The things that an App had, by the last look of this process, and, where there was none or it was not whole, by the
//! status and the manifest.

use super::binding::{Binding, is_leaving};
use super::memory::Memory;
use crate::api::app::{App, AppStatus};
use crate::desired;
use crate::model::desired::Desired;
use crate::model::held::Held;
use crate::model::named::Named;
use crate::model::secret::Secrets;

/// Returns the things that a status speaks of. Until a look has shown what is there, the manifest's may be there, too,
/// unless the App has never written anything.
pub(super) fn of_status(status: Option<&AppStatus>, is_new: bool) -> Held {
    let mut held = Held::nothing(!is_new);
    let Some(status) = status else {
        return held;
    };
    for process in &status.processes {
        let retiring = process.retiring.iter().map(|entry| &entry.load_balancer);
        for name in process.load_balancer.iter().chain(retiring) {
            held.hold(Named::LoadBalancer(name.clone()));
        }
        for name in &process.hostnames {
            held.hold_hostname(name);
        }
        if let Some(schedule) = &process.schedule {
            held.hold(Named::Schedule(schedule.name.clone()));
        }
        for claimed in &process.host_ports {
            if let Ok(port) = claimed.host_port.try_into() {
                held.hold(Named::Port(port));
            }
        }
    }
    let words = status.holds.iter().flatten();
    for named in words.filter_map(|word| Named::of_key(word)) {
        held.hold(named);
    }
    held
}

/// Returns the things that the App had, given those of its status.
pub(super) fn held(
    of_status: Held,
    memory: &Memory,
    app: &App,
    binding: &Binding<'_>,
    wanted: &Desired,
) -> Held {
    let mut held = match &memory.look {
        Some(look) => {
            let mut held = Held::of(&look.found.things(), &wanted.owner);
            for port in &look.found.ports {
                held.hold(Named::Port(*port));
            }
            for named in &look.unanswered {
                held.hold_perhaps(named.clone());
            }
            if look.found.unread.is_empty() && !memory.is_under_way {
                return held;
            }
            held.extend(of_status);
            held
        }
        None => of_status,
    };
    // Nothing is wanted of an App that is deleted; but what its manifest names may be there, also where it has no grant.
    if held.is_vague
        && is_leaving(app)
        && let Ok(built) =
            desired::build_unchecked(app, binding.platform, &binding.owner, &Secrets::default())
    {
        held.hold_wanted(&built.desired);
    }
    held
}
