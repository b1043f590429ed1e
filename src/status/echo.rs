//! The echoes in a status: settings that AWS reports otherwise than they were sent.

use crate::api::app::{AppStatus, EchoStatus};
use crate::model::echo::{Echo, EchoMemory, Echoes};

/// Returns the echoes that a status remembers. A setting that was sent and not confirmed yet is forgotten with the process
/// that sent it.
pub fn echoes(status: Option<&AppStatus>) -> EchoMemory {
    let all = status.into_iter().flat_map(|status| &status.echoes);
    let known = all.map(|known| {
        let echo = Echo {
            sent: known.sent.clone(),
            reported: known.reported.clone(),
        };
        (known.setting.clone(), echo)
    });
    EchoMemory::of(known.collect(), Echoes::new())
}

/// The other way round.
pub(super) fn remembered(known: &Echoes) -> Vec<EchoStatus> {
    let status = |(setting, echo): (&String, &Echo)| EchoStatus {
        setting: setting.clone(),
        sent: echo.sent.clone(),
        reported: echo.reported.clone(),
    };
    known.iter().map(status).collect()
}
