//! What a reason means and what to do about it: the runbook itself, so that the two never differ.

const PAGE: &str = include_str!("../../docs/runbook.md");

/// The runbook's entry for a reason, without its markup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub means: String,
    /// How to see more.
    pub see: String,
    /// What to do.
    pub act: String,
}

/// Returns the entry of a reason; `None` for one that this version does not know.
pub fn entry(reason: &str) -> Option<Entry> {
    let section = PAGE.split("\n### ").find_map(|section| {
        let (heading, body) = section.split_once('\n')?;
        (heading == reason).then_some(body)
    })?;
    let part = |label: &str| {
        let mark = format!("- **{label}.** ");
        let line = section.lines().find_map(|line| line.strip_prefix(mark.as_str()));
        line.map(plain)
    };
    Some(Entry {
        means: part("Means")?,
        see: part("See")?,
        act: part("Do")?,
    })
}

/// Text without backticks, and with the text of a link in its place.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(label, after)| {
            let (_, after) = after.split_once(')')?;
            Some((label, after))
        });
        text.push_str(before);
        match link {
            // The bracket of something else, such as an index, comes before it.
            Some((label, after)) if !label.contains('[') => {
                text.push_str(label);
                rest = after;
            }
            Some(_) | None => {
                text.push('[');
                rest = after;
            }
        }
    }
    text.push_str(rest);
    text.replace('`', "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::condition::Reason;
    use crate::api::event::EventReason;

    #[test]
    fn every_reason_has_an_entry_without_markup() {
        let reasons = Reason::ALL.iter().map(|reason| reason.as_str());
        let events = EventReason::ALL.iter().map(|reason| reason.as_str());
        for reason in reasons.chain(events) {
            let Some(Entry { means, see, act }) = entry(reason) else {
                panic!("{reason} has no entry in docs/runbook.md");
            };
            for text in [means, see, act] {
                assert!(
                    !text.is_empty() && !text.contains("](") && !text.contains('`'),
                    "{reason}: {text}"
                );
            }
        }
        assert_eq!(entry("NoSuchReason"), None);
    }

    #[test]
    fn a_link_is_its_text_and_another_bracket_stays() {
        assert_eq!(plain("see [A](a#x), or `b`"), "see A, or b");
        assert_eq!(plain("`x[].y` and [A](a)"), "x[].y and A");
        assert_eq!(plain("no link [here"), "no link [here");
    }
}
