//! Lists that are answered successfully, and do not hold all that is there.

use empire_controller::aws::Result;
use empire_controller::model::owner::{APP_TAG, OWNER_TAG, Tags};

use super::{FakeAws, State};

/// The part of a list that is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Short {
    /// All of it.
    Empty,
    /// Everything of this App.
    Without(&'static str),
    /// All but the first one.
    FirstOnly,
    /// The second half: a page is missing.
    HalfOnly,
    /// The first half: another page is missing.
    OtherHalfOnly,
}

impl Short {
    /// Returns true if the n-th of so many things, which belongs to this App, is in the list all the same.
    fn leaves(self, n: usize, total: usize, app: Option<&str>) -> bool {
        match self {
            Short::Empty => false,
            Short::Without(without) => app != Some(without),
            Short::FirstOnly => n == 0,
            Short::HalfOnly => n < total.div_ceil(2),
            Short::OtherHalfOnly => n >= total.div_ceil(2),
        }
    }
}

/// A list as it was asked for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) action: &'static str,
    /// The Apps that the things in it belong to.
    apps: Vec<Option<String>>,
}

impl Asked {
    /// Returns true if such a list leaves out something.
    pub(crate) fn is_shortened(&self, short: Short) -> bool {
        let total = self.apps.len();
        let mut all = self.apps.iter().enumerate();
        !all.all(|(n, app)| short.leaves(n, total, app.as_deref()))
    }
}

/// The lists that are short.
#[derive(Clone, Debug, Default)]
pub(super) struct Lists {
    /// How many were asked for since somebody planned a short one.
    count: usize,
    /// Every list, while somebody watches.
    asked: Option<Vec<Asked>>,
    at: Option<(usize, Short)>,
    all: Option<Short>,
    /// The last list was one of things whose tags are asked for next.
    tags_follow: bool,
    /// How many lists left something out.
    shortened: usize,
}

/// Returns the App that a resource is tagged as.
pub(super) fn whose(tags: &Tags) -> Option<String> {
    tags.get(APP_TAG)
        .filter(|_| tags.contains_key(OWNER_TAG))
        .map(ToString::to_string)
}

impl FakeAws {
    /// Has the n-th list from now, counted from 0, be short, once.
    pub(crate) fn shorten_list(&self, n: usize, short: Short) {
        self.lock().lists = Lists {
            at: Some((n, short)),
            ..Lists::default()
        };
    }

    /// Has every list be short, until [`Self::lists_are_whole`].
    pub(crate) fn shorten_all_lists(&self, short: Short) {
        self.lock().lists = Lists {
            all: Some(short),
            ..Lists::default()
        };
    }

    /// Lists are whole again. Returns the number of those that were not.
    pub(crate) fn lists_are_whole(&self) -> usize {
        std::mem::take(&mut self.lock().lists).shortened
    }

    /// Keeps every list that is asked for from now on.
    pub(crate) fn watch_lists(&self) {
        self.lock().lists.asked = Some(Vec::new());
    }

    /// Returns every list that was asked for while somebody watched.
    pub(crate) fn take_lists(&self) -> Vec<Asked> {
        self.lock().lists.asked.take().unwrap_or_default()
    }

    /// One list, of things and the App that each belongs to.
    pub(super) fn list<T>(
        &self,
        action: &'static str,
        about: &str,
        call: impl FnOnce(&State) -> Result<Option<Vec<(T, Option<String>)>>>,
    ) -> Result<Option<Vec<T>>> {
        self.lock().faults.before_list(action)?;
        let found = self.read(action, about, call)?;
        Ok(found.map(|found| self.lock().shorten(action, found)))
    }
}

impl State {
    /// The tags of listed things, of which some may be left out as those things may. Those of things that were read by name
    /// are whole.
    pub(super) fn shorten_tags(&mut self, action: &'static str, found: Vec<Tags>) -> Vec<Tags> {
        if !std::mem::take(&mut self.lists.tags_follow) {
            return found;
        }
        let count = found.len();
        let found = found.into_iter().enumerate();
        let found = found.map(|(n, tags)| {
            let app = whose(&tags);
            ((n, tags), app)
        });
        let mut all = vec![Tags::new(); count];
        for (n, tags) in self.shorten(action, found.collect()) {
            all[n] = tags;
        }
        all
    }

    pub(super) fn shorten<T>(&mut self, action: &'static str, found: Vec<(T, Option<String>)>) -> Vec<T> {
        let lists = &mut self.lists;
        lists.tags_follow = action.ends_with(":DescribeTargetGroups");
        let n = lists.count;
        lists.count += 1;
        if let Some(asked) = &mut lists.asked {
            let apps = found.iter().map(|(_, app)| app.clone()).collect();
            asked.push(Asked { action, apps });
        }
        let here = lists.at.filter(|(at, _)| *at == n).map(|(_, short)| short);
        let (short, total) = (here.or(lists.all), found.len());
        let is_left = |n: usize, app: Option<&str>| short.is_none_or(|short| short.leaves(n, total, app));
        let found = found.into_iter().enumerate();
        let left = found.filter(|(n, (_, app))| is_left(*n, app.as_deref()));
        let left: Vec<T> = left.map(|(_, (thing, _))| thing).collect();
        lists.shortened += usize::from(left.len() < total);
        left
    }
}
