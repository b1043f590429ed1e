//! Events of several log streams, by time; and those that come later, once each.

use std::collections::{BTreeSet, VecDeque};

use crate::aws::{LogEvent, LogPage};

/// So much of what was shown is looked at again, in milliseconds: AWS may show an event after others that are newer.
const OVERLAP: i64 = 60_000;

/// The events of one query as its pages come.
#[derive(Debug, Default)]
pub(super) struct Feed {
    events: VecDeque<LogEvent>,
    next: Option<String>,
    has_begun: bool,
}

impl Feed {
    /// True if the next of its events is not known before another page is read.
    pub(super) fn is_hungry(&self) -> bool {
        self.events.is_empty() && self.has_more()
    }

    /// True if there is another page.
    pub(super) fn has_more(&self) -> bool {
        !self.has_begun || self.next.is_some()
    }

    pub(super) fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// Ends here: no more of it can be read.
    pub(super) fn end(&mut self) {
        (self.has_begun, self.next) = (true, None);
    }

    /// A page that leads to itself is the last. AWS puts the streams of a page in order of time, and not all that answers in its
    /// place does.
    pub(super) fn take(&mut self, page: LogPage) {
        let LogPage { mut events, next } = page;
        events.sort_by_key(|event| event.timestamp);
        self.events.extend(events);
        self.next = next.filter(|next| self.next.as_ref() != Some(next));
        self.has_begun = true;
    }

    pub(super) fn pop(&mut self) -> Option<LogEvent> {
        self.events.pop_front()
    }
}

/// Returns the feed whose next event comes before those of all others; `None` if there is no other event.
pub(super) fn earliest(feeds: &[Feed]) -> Option<usize> {
    let heads = feeds.iter().enumerate();
    let heads = heads.filter_map(|(index, feed)| Some((feed.events.front()?, index)));
    heads.min().map(|(_, index)| index)
}

/// The knowledge of what was shown of a query.
#[derive(Debug)]
pub(super) struct Follow {
    begun: i64,
    newest: i64,
    /// The times and ids of those that may come again.
    seen: BTreeSet<(i64, String)>,
}

impl Follow {
    /// Begins at a time, in milliseconds since 1970.
    pub(super) fn from(begun: i64) -> Self {
        Follow {
            begun,
            newest: begun,
            seen: BTreeSet::new(),
        }
    }

    /// Returns from when on to ask again.
    pub(super) fn since(&self) -> i64 {
        self.begun.max(self.newest.saturating_sub(OVERLAP))
    }

    /// True for one that was not seen before. A time that is yet to come is that of a clock which is fast: what others log
    /// until then is not to be missed.
    pub(super) fn saw(&mut self, event: &LogEvent, now: i64) -> bool {
        self.newest = self.newest.max(event.timestamp.min(now));
        let since = self.since();
        // What is older does not come again.
        while self.seen.first().is_some_and(|(timestamp, _)| *timestamp < since) {
            self.seen.pop_first();
        }
        self.seen.insert((event.timestamp, event.id.clone()))
    }

    /// Returns those that were not seen before.
    pub(super) fn news(&mut self, feed: Feed, now: i64) -> Vec<LogEvent> {
        let all = feed.events.into_iter();
        all.filter(|event| self.saw(event, now)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(timestamp: i64, id: &str) -> LogEvent {
        LogEvent {
            timestamp,
            id: id.into(),
            stream: "web/web/0123".into(),
            message: format!("message {id}"),
        }
    }

    fn page(events: &[(i64, &str)], next: Option<&str>) -> LogPage {
        LogPage {
            events: events.iter().map(|(time, id)| event(*time, id)).collect(),
            next: next.map(Into::into),
        }
    }

    fn drained(mut feeds: Vec<Feed>) -> Vec<String> {
        let mut ids = Vec::new();
        while let Some(index) = earliest(&feeds) {
            ids.push(feeds[index].pop().unwrap().id);
        }
        ids
    }

    #[test]
    fn events_of_several_streams_come_by_time() {
        let mut feeds = vec![Feed::default(), Feed::default(), Feed::default()];
        feeds[0].take(page(&[(5, "b"), (1, "a")], None));
        feeds[1].take(page(&[(2, "c"), (4, "d"), (5, "e")], None));
        feeds[2].take(page(&[], None));
        assert_eq!(drained(feeds), ["a", "c", "d", "b", "e"]);
    }

    #[test]
    fn an_empty_page_may_lead_to_another_and_one_that_leads_to_itself_is_the_last() {
        let mut feed = Feed::default();
        assert!(feed.is_hungry() && feed.next().is_none());
        feed.take(page(&[], Some("1")));
        assert!(feed.is_hungry());
        assert_eq!(feed.next(), Some("1"));
        feed.take(page(&[(1, "a")], Some("2")));
        assert!(!feed.is_hungry() && feed.has_more());
        feed.take(page(&[], Some("2")));
        assert!(!feed.has_more());
    }

    #[test]
    fn what_comes_late_is_shown_and_what_was_shown_is_not() {
        let mut follow = Follow::from(1_000_000);
        let mut news = |events: &[(i64, &str)]| {
            let mut feed = Feed::default();
            feed.take(page(events, None));
            let ids: Vec<String> = follow
                .news(feed, 2_000_000)
                .into_iter()
                .map(|event| event.id)
                .collect();
            (ids.join(" "), follow.since())
        };
        assert_eq!(news(&[(1_000_100, "a")]), ("a".into(), 1_000_000));
        assert_eq!(
            news(&[(1_000_100, "a"), (1_070_000, "b")]),
            ("b".into(), 1_010_000)
        );
        // It is older than the last one, and AWS shows it only now.
        assert_eq!(
            news(&[(1_060_000, "late"), (1_070_000, "b")]),
            ("late".into(), 1_010_000)
        );
        assert_eq!(
            news(&[(1_060_000, "late"), (1_070_000, "b"), (1_070_000, "c")]),
            ("c".into(), 1_010_000)
        );
    }

    #[test]
    fn what_is_remembered_of_a_long_story_is_its_end() {
        let mut follow = Follow::from(0);
        for second in 0..10_000 {
            assert!(follow.saw(&event(second * 1_000, &second.to_string()), second * 1_000));
        }
        assert!(follow.seen.len() <= 61, "{}", follow.seen.len());
    }

    #[test]
    fn a_clock_that_is_fast_hides_nothing_that_others_log() {
        let mut follow = Follow::from(1_000_000);
        assert!(follow.saw(&event(1_900_000, "fast"), 1_100_000));
        assert_eq!(follow.since(), 1_040_000);
        assert!(follow.saw(&event(1_110_000, "right"), 1_120_000));
        assert!(!follow.saw(&event(1_900_000, "fast"), 1_200_000));
        assert_eq!(follow.since(), 1_140_000);
    }

    #[test]
    fn one_that_cannot_be_read_on_is_at_its_end() {
        let mut feed = Feed::default();
        feed.take(page(&[(1, "a")], Some("2")));
        feed.end();
        assert!(!feed.has_more());
        assert_eq!(feed.pop().unwrap().id, "a");
    }
}
