//! A set of few things, in order: the keys of a [`SmallMap`].

use std::borrow::Borrow;
use std::fmt;
use std::iter::Map;
use std::vec;

use super::small_map::{Keys, SmallMap};

/// Is read, compared and printed as a `BTreeSet` is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SmallSet<T>(SmallMap<T, ()>);

impl<T> Default for SmallSet<T> {
    fn default() -> Self {
        SmallSet(SmallMap::new())
    }
}

impl<T: fmt::Debug> fmt::Debug for SmallSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<T: Ord> SmallSet<T> {
    pub fn contains<Q: Ord + ?Sized>(&self, thing: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.contains_key(thing)
    }

    pub fn is_superset(&self, other: &Self) -> bool {
        other.iter().all(|thing| self.contains(thing))
    }

    /// Returns what is in this set and not in the other.
    pub fn difference<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a T> + Clone {
        self.iter().filter(|thing| !other.contains(*thing))
    }

    /// Returns true if it was not there.
    pub fn insert(&mut self, thing: T) -> bool {
        self.0.insert(thing, ()).is_none()
    }

    /// Returns true if it was there.
    pub fn remove<Q: Ord + ?Sized>(&mut self, thing: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0.remove(thing).is_some()
    }
}

impl<T> SmallSet<T> {
    pub const fn new() -> Self {
        SmallSet(SmallMap::new())
    }

    pub fn first(&self) -> Option<&T> {
        self.iter().next()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub fn iter(&self) -> Keys<'_, T, ()> {
        self.0.keys()
    }

    pub fn retain(&mut self, is_kept: impl Fn(&T) -> bool) {
        self.0.retain(|thing, ()| is_kept(thing));
    }
}

impl<'a, T> IntoIterator for &'a SmallSet<T> {
    type Item = &'a T;
    type IntoIter = Keys<'a, T, ()>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> IntoIterator for SmallSet<T> {
    type Item = T;
    type IntoIter = Map<vec::IntoIter<(T, ())>, fn((T, ())) -> T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(thing, ())| thing)
    }
}

impl<T: Ord> FromIterator<T> for SmallSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        SmallSet(things.into_iter().map(|thing| (thing, ())).collect())
    }
}

impl<T: Ord, const N: usize> From<[T; N]> for SmallSet<T> {
    fn from(things: [T; N]) -> Self {
        things.into_iter().collect()
    }
}

impl<T: Ord> Extend<T> for SmallSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, things: I) {
        self.0.extend(things.into_iter().map(|thing| (thing, ())));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn it_is_in_order_and_holds_each_thing_once() {
        let things = ["web", "api", "web"];
        let (mut set, other) = (SmallSet::from(things), BTreeSet::from(things));
        assert_eq!(set.iter().collect::<Vec<_>>(), other.iter().collect::<Vec<_>>());
        assert_eq!(format!("{set:?} {set:#?}"), format!("{other:?} {other:#?}"));
        assert!(!set.insert("api") && set.insert("worker"));
        assert!(set.remove("web") && !set.remove("web"));
        assert!(set.contains("worker") && set.len() == 2);
        let other = SmallSet::from(["api", "clock"]);
        assert_eq!(set.difference(&other).collect::<Vec<_>>(), [&"worker"]);
        assert!(!set.is_superset(&other) && set.is_superset(&SmallSet::from(["api"])));
        assert_eq!(set.first(), Some(&"api"));
    }
}
