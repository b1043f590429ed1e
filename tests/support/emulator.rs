//! An AWS emulator on 127.0.0.1. Both are lax, each in its own way: docs/aws.md#emulators, and the comments of
//! the tests. See [`super::script`] for its end.

use super::script::Script;

pub(crate) struct Emulator {
    /// The endpoint of every service.
    pub(crate) url: String,
    _script: Script,
}

impl Emulator {
    /// `ministack` (tasks run, rollouts complete, records are guarded) or `moto` (load balancers are validated).
    /// The first on a machine may have to be installed, in half a minute.
    pub(crate) fn start(name: &str) -> Self {
        let script = Script::start("emulators/run", &[name]);
        let url = std::fs::read_to_string(script.folder.join("url")).unwrap();
        Emulator {
            url: url.trim_end().into(),
            _script: script,
        }
    }
}
