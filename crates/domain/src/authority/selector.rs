//! Selectors: which places of an organization something is about.
//!
//! A place is what an action happens at: the organization, a team, a service of a team, each in an environment or in none. A selector
//! is a box: teams × services × environments, where each direction is everything (`*`, what comes later included) or a list. An empty
//! list is nothing: no list ever means "all" (Devtron's empty string did, and rights became wider than they were shown).

use std::collections::BTreeSet;
use std::fmt;

use crate::resource::Word;
use crate::{EnvironmentId, ServiceId, Sorted, TeamId};

/// Everything, or what is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Only<T: Ord> {
    /// `*`: all there is and all there will be.
    All,
    /// These and no others.
    Listed(Sorted<T>),
}

/// Where an action happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Place {
    /// The team; `None` for what belongs to the organization as a whole.
    pub team: Option<TeamId>,
    /// The service, whose team is `team`.
    pub service: Option<ServiceId>,
    /// The environment.
    pub environment: Option<EnvironmentId>,
}

/// A box of places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Which teams. Only `*` matches what belongs to no team.
    pub teams: Only<TeamId>,
    /// Which services. Only `*` matches what is no service's.
    pub services: Only<ServiceId>,
    /// Which environments. Only `*` matches what is in none.
    pub environments: Only<EnvironmentId>,
}

// === impl Only ===

impl<T: Ord + Clone> Only<T> {
    /// Exactly this one.
    pub fn one(thing: T) -> Self {
        Self::these([thing])
    }

    /// Exactly these.
    pub fn these(things: impl IntoIterator<Item = T>) -> Self {
        Self::Listed(things.into_iter().collect())
    }

    /// True when the thing is meant; a place without such a thing is meant by everything only.
    pub fn matches(&self, thing: Option<T>) -> bool {
        match self {
            Self::All => true,
            Self::Listed(listed) => thing.is_some_and(|thing| listed.contains(&thing)),
        }
    }

    /// True when nothing is meant.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Listed(listed) if listed.is_empty())
    }

    /// What both mean.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::All, both) | (both, Self::All) => both.clone(),
            (Self::Listed(left), Self::Listed(right)) => Self::Listed(left.intersection(right)),
        }
    }

    /// Everything as one part, or each listed thing as a part.
    pub(super) fn parts(&self) -> Vec<Self> {
        match self {
            Self::All => vec![Self::All],
            Self::Listed(listed) => listed.iter().cloned().map(Self::one).collect(),
        }
    }

    /// True when all that a part means is meant here too.
    pub(super) fn covers_part(&self, part: &Self) -> bool {
        match (self, part) {
            (Self::All, _) => true,
            (Self::Listed(_), Self::All) => false,
            (Self::Listed(listed), Self::Listed(part)) => part.is_subset(listed),
        }
    }

    fn first(&self) -> Option<T> {
        match self {
            Self::All => None,
            Self::Listed(listed) => listed.first().cloned(),
        }
    }
}

/// A restriction that may be absent, and then is none.
impl<T: Ord> From<Option<BTreeSet<T>>> for Only<T> {
    fn from(listed: Option<BTreeSet<T>>) -> Self {
        listed.map_or(Self::All, |listed| Self::Listed(listed.into()))
    }
}

impl Only<Word> {
    /// True when the word is meant.
    pub fn has(&self, word: &str) -> bool {
        match self {
            Self::All => true,
            Self::Listed(listed) => listed.contains(word),
        }
    }

    /// What is meant here and not there; exact but for everything without something, which stays everything.
    pub(super) fn without(&self, other: &Self) -> Self {
        match (self, other) {
            (_, Self::All) => Self::Listed(Sorted::default()),
            (Self::All, Self::Listed(_)) => Self::All,
            (Self::Listed(own), Self::Listed(theirs)) => Self::Listed(own.difference(theirs)),
        }
    }
}

// === impl Place ===

impl Place {
    /// The organization as a whole.
    pub const ORGANIZATION: Self = Self {
        team: None,
        service: None,
        environment: None,
    };

    /// A team.
    pub const fn team(team: TeamId) -> Self {
        Self {
            team: Some(team),
            ..Self::ORGANIZATION
        }
    }

    /// A service of a team.
    pub const fn service(team: TeamId, service: ServiceId) -> Self {
        Self {
            service: Some(service),
            ..Self::team(team)
        }
    }

    /// The same in an environment.
    #[must_use]
    pub const fn within(self, environment: EnvironmentId) -> Self {
        Self {
            environment: Some(environment),
            ..self
        }
    }
}

/// In words, for a refusal: `at team_…`, `at team_… in env_…`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.service, self.team) {
            (Some(service), _) => write!(f, "at {service}")?,
            (None, Some(team)) => write!(f, "at {team}")?,
            (None, None) => f.write_str("in the whole organization")?,
        }
        match self.environment {
            Some(environment) => write!(f, " in {environment}"),
            None => Ok(()),
        }
    }
}

// === impl Selector ===

impl Selector {
    /// Every place.
    pub const fn everywhere() -> Self {
        Self {
            teams: Only::All,
            services: Only::All,
            environments: Only::All,
        }
    }

    /// All that is a team's.
    pub fn team(team: TeamId) -> Self {
        Self {
            teams: Only::one(team),
            ..Self::everywhere()
        }
    }

    /// A service of a team.
    pub fn service(team: TeamId, service: ServiceId) -> Self {
        Self {
            services: Only::one(service),
            ..Self::team(team)
        }
    }

    /// True when the place is in the box.
    pub fn matches(&self, place: &Place) -> bool {
        self.teams.matches(place.team)
            && self.services.matches(place.service)
            && self.environments.matches(place.environment)
    }

    /// True when no place is.
    pub fn is_nowhere(&self) -> bool {
        self.teams.is_empty() || self.services.is_empty() || self.environments.is_empty()
    }

    /// What is in both boxes, which is a box.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self {
            teams: self.teams.intersection(&other.teams),
            services: self.services.intersection(&other.services),
            environments: self.environments.intersection(&other.environments),
        }
    }

    /// The box cut into parts that name one thing or everything in each direction.
    pub(super) fn parts(&self) -> impl Iterator<Item = Self> {
        let (services, environments) = (self.services.parts(), self.environments.parts());
        self.teams.parts().into_iter().flat_map(move |teams| {
            let environments = environments.clone();
            let within = move |services: Only<ServiceId>| {
                let teams = teams.clone();
                environments.clone().into_iter().map(move |environments| Self {
                    teams: teams.clone(),
                    services: services.clone(),
                    environments,
                })
            };
            services.clone().into_iter().flat_map(within)
        })
    }

    /// True when a part of a box is within this one.
    pub(super) fn covers_part(&self, part: &Self) -> bool {
        self.teams.covers_part(&part.teams)
            && self.services.covers_part(&part.services)
            && self.environments.covers_part(&part.environments)
    }

    /// A place of a part: what it names, and nothing where it means everything.
    pub(super) fn example(&self) -> Place {
        Place {
            team: self.teams.first(),
            service: self.services.first(),
            environment: self.environments.first(),
        }
    }
}
