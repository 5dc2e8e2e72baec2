//! A set in one piece of memory: each thing once, in order.
//!
//! Policies are read on the path of every check, where each further piece of memory is another wait; and what a grant lists is written once
//! and seldom more than a handful.

use std::borrow::Borrow;
use std::collections::BTreeSet;

/// Things in order, none of them twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sorted<T>(Box<[T]>);

// === impl Sorted ===

impl<T: Ord> Sorted<T> {
    /// True when it is listed. Cost: logarithmic.
    pub fn contains<Q: Ord + ?Sized>(&self, thing: &Q) -> bool
    where
        T: Borrow<Q>,
    {
        self.0
            .binary_search_by(|listed| listed.borrow().cmp(thing))
            .is_ok()
    }

    /// True when nothing is listed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first in order.
    pub fn first(&self) -> Option<&T> {
        self.0.first()
    }

    /// In order.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.0.iter()
    }

    /// True when all of it is listed in `other`.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|thing| other.contains(thing))
    }
}

impl<T: Ord + Clone> Sorted<T> {
    /// What both list.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.only(|thing| other.contains(thing))
    }

    /// What is listed here and not there.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.only(|thing| !other.contains(thing))
    }

    fn only(&self, which: impl Fn(&T) -> bool) -> Self {
        Self(self.iter().filter(|thing| which(thing)).cloned().collect())
    }
}

impl<T> Default for Sorted<T> {
    /// Nothing.
    fn default() -> Self {
        Self(Box::default())
    }
}

impl<T> From<BTreeSet<T>> for Sorted<T> {
    fn from(set: BTreeSet<T>) -> Self {
        Self(set.into_iter().collect())
    }
}

impl<T: Ord> FromIterator<T> for Sorted<T> {
    fn from_iter<I: IntoIterator<Item = T>>(things: I) -> Self {
        BTreeSet::from_iter(things).into()
    }
}

impl<'a, T> IntoIterator for &'a Sorted<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::btree_set;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_says_what_the_set_says(one in btree_set(0u8..8, 0..6), other in btree_set(0u8..8, 0..6)) {
            let (left, right) = (Sorted::from(one.clone()), Sorted::from(other.clone()));

            prop_assert_eq!(left.intersection(&right), Sorted::from(&one & &other));
            prop_assert_eq!(left.difference(&right), Sorted::from(&one - &other));
            prop_assert_eq!(left.is_subset(&right), one.is_subset(&other));
            prop_assert_eq!(left.is_empty(), one.is_empty());
            prop_assert_eq!(left.first(), one.first());
            prop_assert!((0..8).all(|thing| left.contains(&thing) == one.contains(&thing)));
        }

        #[test]
        fn the_order_in_which_things_come_does_not_matter(things in prop::collection::vec(0u8..8, 0..12)) {
            let listed = things.iter().copied().collect::<Sorted<u8>>();

            prop_assert_eq!(listed, Sorted::from(BTreeSet::from_iter(things)));
        }
    }
}
