//! Calls that fail on purpose, and a controller that dies in the middle of one.

use empire_controller::aws::{AwsError, Fault, Result};
use empire_controller::model::class::Class;

use super::console::Act;

/// On which side of its effect a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Before,
    /// It took effect, and the reply was lost.
    After,
}

/// A disturbance of one write, or of all writes of one kind.
#[derive(Clone, Debug)]
pub(crate) enum Disturbance {
    /// The controller dies: from here on every call fails, until it is started again.
    Crash(When),
    /// No reply within the time that we wait for one.
    Timeout(When),
    /// AWS answers with this code and message, and does nothing.
    Refusal(&'static str, &'static str),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    /// Every write that was tried since somebody last looked.
    attempts: Vec<String>,
    at_write: Option<(usize, Disturbance)>,
    /// Every write of this action whose description contains the text.
    on: Vec<(&'static str, String, Disturbance)>,
    /// Every read whose action begins so.
    on_read: Vec<(&'static str, Disturbance)>,
    /// The same of lists: what is asked for by name is answered.
    on_list: Vec<(&'static str, Disturbance)>,
    /// An act by hand just before the next write of an action.
    pub(super) interloper: Option<(&'static str, Act)>,
    crashed: bool,
    after: Option<Disturbance>,
    struck: usize,
}

impl super::FakeAws {
    /// Disturbs the n-th write from now, counted from 0, once. Writes that are refused count, too.
    pub(crate) fn disturb_write(&self, n: usize, disturbance: Disturbance) {
        let faults = &mut self.lock().faults;
        faults.attempts.clear();
        faults.struck = 0;
        faults.at_write = Some((n, disturbance));
    }

    /// Disturbs every write of this action that is about something containing the text, until [`Self::calm`].
    pub(crate) fn disturb(&self, action: &'static str, about: &str, disturbance: Disturbance) {
        self.lock().faults.on.push((action, about.into(), disturbance));
    }

    /// Disturbs every read whose action begins so, until [`Self::calm`].
    pub(crate) fn disturb_read(&self, action: &'static str, disturbance: Disturbance) {
        self.lock().faults.on_read.push((action, disturbance));
    }

    /// Disturbs every list whose action begins so, and nothing that is asked for by name, until [`Self::calm`].
    pub(crate) fn disturb_list(&self, action: &'static str, disturbance: Disturbance) {
        self.lock().faults.on_list.push((action, disturbance));
    }

    /// Nothing more is disturbed, and a controller that died can make calls again.
    pub(crate) fn calm(&self) {
        let faults = &mut self.lock().faults;
        let struck = faults.struck;
        *faults = Faults {
            struck,
            ..Faults::default()
        };
    }

    pub(crate) fn has_crashed(&self) -> bool {
        self.lock().faults.crashed
    }

    /// Every write that was tried since this was last asked, or a disturbance planned.
    pub(crate) fn take_attempts(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().faults.attempts)
    }

    /// Returns the number of calls that were disturbed.
    pub(crate) fn disturbed(&self) -> usize {
        self.lock().faults.struck
    }
}

impl Faults {
    pub(super) fn before_read(&mut self, action: &'static str) -> Result<()> {
        if self.crashed {
            return Err(dead(action));
        }
        let standing = self.on_read.iter().find(|(on, _)| action.starts_with(on));
        match standing.cloned() {
            Some((_, disturbance)) => self.strike(action, &disturbance),
            None => Ok(()),
        }
    }

    pub(super) fn before_list(&mut self, action: &'static str) -> Result<()> {
        let standing = self.on_list.iter().find(|(on, _)| action.starts_with(on));
        match standing.cloned() {
            Some((_, disturbance)) => self.strike(action, &disturbance),
            None => Ok(()),
        }
    }

    pub(super) fn before_write(&mut self, action: &'static str, about: &str) -> Result<()> {
        if self.crashed {
            return Err(dead(action));
        }
        let n = self.attempts.len();
        self.attempts.push(format!("{action} {about}"));
        let standing = self
            .on
            .iter()
            .find(|(on, text, _)| *on == action && about.contains(text.as_str()));
        let disturbance = match (&self.at_write, standing) {
            (Some((at, disturbance)), _) if *at == n => Some(disturbance.clone()),
            (_, Some((.., disturbance))) => Some(disturbance.clone()),
            (_, None) => None,
        };
        disturbance.map_or(Ok(()), |disturbance| self.strike(action, &disturbance))
    }

    fn strike(&mut self, action: &'static str, disturbance: &Disturbance) -> Result<()> {
        self.struck += 1;
        match disturbance {
            Disturbance::Crash(When::Before) => {
                self.crashed = true;
                Err(dead(action))
            }
            Disturbance::Timeout(When::Before) => Err(timeout(action)),
            Disturbance::Refusal(code, message) => super::refuse(action, code, message),
            Disturbance::Crash(When::After) | Disturbance::Timeout(When::After) => {
                self.after = Some(disturbance.clone());
                Ok(())
            }
        }
    }

    /// Also after a refusal, whose reply is lost like any other.
    pub(super) fn after_write(&mut self, action: &'static str) -> Result<()> {
        match self.after.take() {
            Some(Disturbance::Crash(_)) => {
                self.crashed = true;
                Err(dead(action))
            }
            Some(Disturbance::Timeout(_)) => Err(timeout(action)),
            Some(Disturbance::Refusal(..)) | None => Ok(()),
        }
    }
}

fn dead(action: &'static str) -> AwsError {
    AwsError {
        action,
        code: "ConnectionFailure".into(),
        message: "the controller is dead".into(),
        fault: Fault::Failed(Class::Transient),
        request_id: None,
    }
}

fn timeout(action: &'static str) -> AwsError {
    AwsError {
        action,
        code: "Timeout".into(),
        message: "no reply".into(),
        fault: Fault::Failed(Class::Transient),
        request_id: None,
    }
}
