//! The memory of a Platform. Losing any of it costs reads and waits, never correctness.

use super::denials::Denials;
use crate::api::platform::Platform;
use crate::desired;
use crate::error::Error;
use crate::pass::binding::account;

/// Belongs to the Platforms of one name.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Passes in a row in which something was in the way.
    pub(super) failures: u32,
    /// The same before the last pass.
    pub(super) failures_before: u32,
    pub(super) denials: Denials,
    ports: Ports,
}

/// Facts about the host ports of one Platform at one place: made again, or moved while nobody used it, it starts anew.
#[derive(Clone, Debug, Default)]
struct Ports {
    place: String,
    /// True if the ports in use have been claimed since the start.
    recovered: bool,
    /// The port that was handed out last.
    cursor: Option<u16>,
}

impl Memory {
    /// True if the host ports in use have been claimed, so that others may be handed out.
    pub fn has_recovered_ports(&self, platform: &Platform) -> bool {
        self.ports.place == place_of(platform) && self.ports.recovered
    }

    pub(super) fn recovered_ports(&mut self, platform: &Platform) {
        self.ports_at(platform).recovered = true;
    }

    /// The host port that was handed out last.
    pub fn port_cursor(&self, platform: &Platform) -> Option<u16> {
        self.ports
            .cursor
            .filter(|_| self.ports.place == place_of(platform))
    }

    pub fn set_port_cursor(&mut self, platform: &Platform, port: u16) {
        self.ports_at(platform).cursor = Some(port);
    }

    fn ports_at(&mut self, platform: &Platform) -> &mut Ports {
        let place = place_of(platform);
        if self.ports.place != place {
            self.ports = Ports {
                place,
                ..Ports::default()
            };
        }
        &mut self.ports
    }

    /// Takes up what went wrong in a pass over one of its Apps: what AWS denies that is a matter of the Platform. True if
    /// it is news, so that the Platform is to look again.
    pub fn note_denial(&mut self, app: &str, errors: &[Error]) -> bool {
        self.denials.note(app, errors)
    }

    pub fn forget_app(&mut self, app: &str) {
        self.denials.forget(app);
    }
}

fn place_of(platform: &Platform) -> String {
    let place = desired::place(platform);
    let uid = platform.metadata.uid.as_deref().unwrap_or_default();
    let endpoint = platform.spec.endpoint_url.as_deref().unwrap_or_default();
    let account = account(platform).unwrap_or_default();
    format!(
        "{uid} {account} {} {endpoint} {}",
        platform.spec.region, place.cluster
    )
}
