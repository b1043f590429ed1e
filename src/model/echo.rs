//! Echoes: settings that AWS reports otherwise than they were sent.
//!
//! A setting is remembered by two digests: of what was sent, and of what AWS reported then. While both are the same, the
//! difference is AWS's way to write it, and sending it again would change nothing. A change by hand
//! changes the second, and a new manifest the first: both are drift.

use std::collections::BTreeSet;
use std::fmt::Debug;

use super::rollout::digest;
use super::small_map::SmallMap;

/// By setting, such as `service shop_acme_web network`.
pub type Echoes = SmallMap<String, Echo>;

/// The prefix of the settings that ECS shows in its reply to a write.
const BY_REPLY: &str = "service ";

/// Two digests. Another release of the controller may make others, at the price of sending the setting once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    pub sent: String,
    pub reported: String,
}

impl Echo {
    pub fn new(sent: &[&dyn Debug], reported: &[&dyn Debug]) -> Self {
        Echo {
            sent: digest(sent),
            reported: digest(reported),
        }
    }
}

/// The echoes of earlier passes, and those that this one has learned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EchoMemory {
    /// The settings that are not sent again.
    pub known: Echoes,
    /// Sent once, with what was there before. Most writes have no reply that shows what became of them.
    pub sent: Echoes,
    /// The settings that the replies of this pass show otherwise.
    replies: Echoes,
    /// The settings that this pass has sent: they are known as they were sent, and not as AWS reports them.
    written: BTreeSet<String>,
}

impl EchoMemory {
    /// Returns the memory of a pass that begins.
    pub fn of(known: Echoes, sent: Echoes) -> Self {
        EchoMemory {
            known,
            sent,
            ..EchoMemory::default()
        }
    }

    /// Nothing is known to be reported otherwise.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty() && self.replies.is_empty()
    }

    /// Sending it again would change nothing.
    pub fn explains(&self, setting: &str, echo: &Echo) -> bool {
        self.known.get(setting) == Some(echo) || self.replies.get(setting) == Some(echo)
    }

    /// The reply to a write shows how AWS reports what was sent.
    pub fn replied(&mut self, setting: String, echo: Echo) {
        self.replies.insert(setting, echo);
    }

    /// Something was sent, and this was there before it. If that is there again, it is sent once more, since a hand may have
    /// been at it; if it is still there then, it is how AWS reports it.
    pub fn wrote(&mut self, setting: String, echo: Echo) {
        let known = self.known.get(&setting);
        if known.is_none_or(|known| known.sent != echo.sent) {
            self.known.remove(&setting);
            match self.sent.insert(setting.clone(), echo.clone()) {
                Some(before) if before == echo => drop(self.known.insert(setting.clone(), echo)),
                Some(_) | None => {}
            }
        }
        self.written.insert(setting);
    }

    /// For a new manifest, what no reply has shown is not known.
    #[must_use]
    pub fn anew(mut self) -> Self {
        self.known.retain(|setting, _| setting.starts_with(BY_REPLY));
        self.sent.clear();
        self
    }

    /// Returns what the next pass has to know, if these were needed in this one. A setting that was sent before is forgotten
    /// once a whole read finds it as it was sent.
    #[must_use]
    pub fn kept(&self, explained: &Echoes, is_whole: bool) -> Self {
        let stays = |setting: &String| !is_whole || self.written.contains(setting);
        let mut kept = EchoMemory::of(self.known.clone(), self.sent.clone());
        kept.known.retain(|setting, _| stays(setting));
        kept.known.extend(explained.clone());
        kept.sent.retain(|setting, _| stays(setting));
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echo(sent: &str, reported: &str) -> Echo {
        Echo::new(&[&sent], &[&reported])
    }

    #[test]
    fn a_reply_that_reads_otherwise_explains_the_difference_at_once_and_no_other() {
        let mut memory = EchoMemory::default();
        memory.replied("network".into(), echo("A", "a"));
        assert!(memory.explains("network", &echo("A", "a")));
        for other in [echo("A", "b"), echo("B", "a")] {
            assert!(!memory.explains("network", &other));
        }
        assert!(!memory.explains("placement", &echo("A", "a")));
        // It is remembered if it was needed, and else forgotten.
        assert_eq!(
            memory.kept(&Echoes::new(), true),
            EchoMemory::of(Echoes::new(), Echoes::new())
        );
        let explained = Echoes::from([("network".into(), echo("A", "a"))]);
        let kept = memory.kept(&explained, true);
        assert_eq!(kept, EchoMemory::of(explained, Echoes::new()));
    }

    #[test]
    fn what_is_there_after_it_was_sent_twice_is_how_it_is_reported() {
        let nothing = Echoes::new();
        let mut memory = EchoMemory::default();
        memory.wrote("check".into(), echo("A", "a"));
        assert!(!memory.explains("check", &echo("A", "a")));
        memory = memory.kept(&nothing, true);
        memory.wrote("check".into(), echo("A", "a"));
        memory = memory.kept(&nothing, true);
        assert!(memory.explains("check", &echo("A", "a")));
        // A hand's change is set back, and what AWS reports then needs no other attempt.
        assert!(!memory.explains("check", &echo("A", "hand")));
        memory.wrote("check".into(), echo("A", "hand"));
        memory = memory.kept(&nothing, true);
        assert!(memory.explains("check", &echo("A", "a")));
        // Another wish is another matter.
        memory.wrote("check".into(), echo("B", "a"));
        assert!(!memory.explains("check", &echo("A", "a")));
    }

    #[test]
    fn what_is_read_as_it_was_sent_is_forgotten() {
        let nothing = Echoes::new();
        let mut memory = EchoMemory::default();
        memory.wrote("check".into(), echo("A", "hand"));
        memory = memory.kept(&nothing, true);
        // A pass that reads nothing of it knows nothing of it.
        memory = memory.kept(&nothing, false);
        assert_eq!(memory.sent.len(), 1);
        memory = memory.kept(&nothing, true);
        memory.wrote("check".into(), echo("A", "hand"));
        assert!(!memory.explains("check", &echo("A", "hand")));
    }
}
