//! What a reason means and what to do about it: the runbook itself, so that the two never differ.

use std::fmt::Write;

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

/// Text without backticks, and with the text of a link and the page in its place.
fn plain(markdown: &str) -> String {
    let mut text = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        let link = after.split_once("](").and_then(|(label, after)| {
            let (target, after) = after.split_once(')')?;
            Some((label, target, after))
        });
        text.push_str(before);
        match link {
            // The bracket of something else, such as an index, comes before it.
            Some((label, target, after)) if !label.contains('[') => {
                text.push_str(label);
                let page = page(target);
                if !label.contains(&page) {
                    let _ = write!(text, " ({page})");
                }
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

/// A link of the runbook as a path from the top of the repository.
fn page(target: &str) -> String {
    match target.strip_prefix("../") {
        Some(above) => above.to_owned(),
        None if target.contains("://") => target.to_owned(),
        None => format!("docs/{target}"),
    }
}

/// Puts names in place of the words that the runbook has for them, such as `APP`.
pub(super) fn fill(text: &str, names: &[(&str, &str)]) -> String {
    let words = text.split_inclusive(|c: char| !c.is_ascii_alphabetic());
    let filled = words.map(|word| {
        let bare = word.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
        match names.iter().find(|(placeholder, _)| *placeholder == bare) {
            Some((_, name)) => word.replacen(bare, name, 1),
            None => word.to_owned(),
        }
    });
    filled.collect()
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
                // In any other namespace it finds another App, or none.
                let commands = text
                    .split("kubectl ")
                    .skip(1)
                    .filter_map(|rest| rest.split(" APP").nth(1));
                let has_place = commands.clone().all(|after| after.starts_with(" -n NAMESPACE"));
                assert!(has_place, "{reason}: {text}");
                let stands_alone = !text.contains("As for ") && text.split(' ').all(|word| word != "NAME");
                assert!(
                    !text.is_empty() && !text.contains("](") && !text.contains('`') && stands_alone,
                    "{reason}: {text}"
                );
            }
        }
        assert_eq!(entry("NoSuchReason"), None);
    }

    #[test]
    fn a_link_is_its_text_and_page_and_another_bracket_stays() {
        assert_eq!(plain("see [A](a#x), or `b`"), "see A (docs/a#x), or b");
        assert_eq!(
            plain("`x[].y` and [`deploy/p.json`](../deploy/p.json)"),
            "x[].y and deploy/p.json"
        );
        assert_eq!(plain("no link [here"), "no link [here");
    }

    #[test]
    fn placeholders_are_filled_where_they_are_words() {
        let names = [("APP", "acme"), ("NAMESPACE", "shop")];
        assert_eq!(
            fill("plan APP -n NAMESPACE, APPLY", &names),
            "plan acme -n shop, APPLY"
        );
        assert_eq!(fill("NAMESPACE_APP_PROCESS;", &names), "shop_acme_PROCESS;");
        assert_eq!(fill("APP", &names), "acme");
    }
}
