//! Several controllers at once, which a test stops, continues and ends as it likes.

use std::process::Command;
use std::time::{Duration, Instant};

use super::controller::Controller;
use super::kubectl::Kubectl;

impl Controller {
    /// As [`Self::join`], under a name, which it also signs its calls to AWS with.
    pub(crate) fn join_as(name: &str, administrator: &Kubectl, arguments: &[&str]) -> Self {
        let identity = ["--identity", name];
        Controller::launch_as(name, administrator, &[&identity, arguments].concat()).ready()
    }

    /// Sends a signal, such as `STOP`, to the controller itself.
    pub(crate) fn signal(&self, signal: &str) {
        let signal = format!("-{signal}");
        let pid = self.pid().unwrap();
        let sent = Command::new("kill").args([&signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ends(&mut self) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.process.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "never ends:\n{}", self.end_of_log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first child of the shell that it runs in.
    fn pid(&self) -> Option<String> {
        let shell = self.process.id();
        let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children"));
        children.ok()?.split_whitespace().next().map(Into::into)
    }
}
