//! What roles allow: actions on resources of the kinds that an organization has of its own.

use std::fmt;

use super::{Only, Selector};
use crate::resource::{Asked, Names, Word};

/// Actions on resources: a box of kinds × places × names, and what may be done to all in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleGrant {
    /// Which kinds. Claviger's own kinds are never meant: scopes govern them.
    pub kinds: Only<Word>,
    /// Where.
    pub on: Selector,
    /// Which names.
    pub names: Names,
    /// What.
    pub actions: Only<Word>,
}

impl RoleGrant {
    /// Every action on every resource there is and will be.
    pub const fn everything() -> Self {
        Self {
            kinds: Only::All,
            on: Selector::everywhere(),
            names: Names::All,
            actions: Only::All,
        }
    }

    /// True when it allows what is asked, of a kind that roles govern. What tells the grants of one token apart soonest is asked first.
    pub fn allows(&self, asked: &Asked<'_>) -> bool {
        self.actions.has(asked.action)
            && self.kinds.has(asked.kind)
            && self.on.matches(&asked.place)
            && self.names.matches(asked.name)
    }

    /// True when it allows nothing.
    pub(super) fn is_nothing(&self) -> bool {
        self.kinds.is_empty() || self.on.is_nowhere() || self.names.is_empty() || self.actions.is_empty()
    }

    /// The box cut into parts that name one thing or everything in each direction; each with all the actions.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> + '_ {
        self.kinds.parts().into_iter().flat_map(move |kinds| {
            self.on.parts().flat_map(move |on| {
                let kinds = kinds.clone();
                self.names.parts().into_iter().map(move |names| Self {
                    kinds: kinds.clone(),
                    on: on.clone(),
                    names,
                    actions: self.actions.clone(),
                })
            })
        })
    }

    /// The actions of `part` that none of `grants` allows on all of it.
    pub(super) fn left_of<'a>(part: &Self, grants: impl Iterator<Item = &'a Self>) -> Only<Word> {
        let reaching = grants.filter(|grant| grant.reaches(part));
        reaching.fold(part.actions.clone(), |left, grant| left.without(&grant.actions))
    }

    /// True when one grant of `grants` alone allows all that this one does: the quick answer for most.
    pub(super) fn is_within_one<'a>(&self, mut grants: impl Iterator<Item = &'a Self>) -> bool {
        grants.any(|grant| grant.reaches(self) && self.actions.without(&grant.actions).is_empty())
    }

    /// True when all of the other's box is in this one's.
    fn reaches(&self, other: &Self) -> bool {
        self.kinds.covers_part(&other.kinds)
            && self.on.covers_part(&other.on)
            && self.names.covers_part(&other.names)
    }
}

/// In words, for a refusal: `trigger` on `applications`.
impl fmt::Display for RoleGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |f: &mut fmt::Formatter<'_>, words: &Only<Word>, all: &str| match words {
            Only::All => f.write_str(all),
            Only::Listed(words) => {
                for (place, word) in words.iter().enumerate() {
                    let before = if place == 0 { "`" } else { ", `" };
                    write!(f, "{before}{word}`")?;
                }
                Ok(())
            }
        };
        said(f, &self.actions, "every action")?;
        f.write_str(" on ")?;
        said(f, &self.kinds, "every kind")
    }
}
