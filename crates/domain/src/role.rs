//! Roles: named sets of actions on kinds of resources, and their assignment to a person or a token.
//!
//! A role is a list of cells, each saying which actions on which kind, and which directions of an assignment's selector bound it (an
//! application's team and name, an environment's name too). An assignment is a role and a selector, where `*` is said out loud and an
//! empty list is nothing. Invariant: [`Assignment::grants`] is the only place where a role becomes power. Presets: [`preset`].

pub mod preset;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::authority::{Only, RoleGrant, Selector};
use crate::resource::{Asked, Names, Pattern, Word};
use crate::{EnvironmentId, OrgId, TeamId, Timestamp};

/// The most assignments of one token or person.
pub const MAX_ASSIGNMENTS: usize = 50;
/// The most things that one direction of a selector lists.
pub const MAX_LISTED: usize = 100;
/// The most boxes that the assignments of one token or person span together: each spans the product of what its directions list.
pub const MAX_BOXES: usize = 2_000;
/// The most cells of a role.
pub const MAX_CELLS: usize = 20;
/// The most actions of a kind, and of a cell.
pub const MAX_ACTIONS: usize = 50;
/// The most roles of an organization's own.
pub const MAX_ROLES: u64 = 200;
/// The most kinds of an organization's own.
pub const MAX_KINDS: usize = 200;

/// What a role lets its bearer do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// The kind; `None` = every kind that is not Claviger's own, those to come included.
    pub kind: Option<Word>,
    /// The actions; `None` = every action, those to come included.
    pub actions: Option<BTreeSet<Word>>,
    /// Which directions of an assignment bound it.
    #[serde(default)]
    pub by: BTreeSet<Direction>,
}

/// A direction of a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The team that the resource belongs to.
    Team,
    /// The environment that it is in.
    Environment,
    /// Its name.
    Name,
}

/// A role of an organization's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The tenant.
    pub org: OrgId,
    /// Its name, which never changes.
    pub name: Word,
    /// For people.
    pub description: String,
    /// What it lets its bearer do.
    pub cells: Vec<Cell>,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// A kind of resource of an organization's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind {
    /// The tenant.
    pub org: OrgId,
    /// Its name, which never changes.
    pub name: Word,
    /// For people.
    pub description: String,
    /// What can be done to such a resource.
    pub actions: BTreeSet<Word>,
    /// When it was first written.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// A role given, and on what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The role's name.
    pub role: Word,
    /// Which kinds of the role; absent = all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<BTreeSet<Word>>,
    /// Which teams.
    pub teams: Listed<TeamId>,
    /// Which environments.
    pub environments: Listed<EnvironmentId>,
    /// Which names.
    pub names: Listed<String>,
}

/// The roles that an organization knows: the presets, and its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RoleBook {
    own: BTreeMap<Word, Vec<Cell>>,
}

/// The presets, and no role of an organization's own.
pub static PRESETS: RoleBook = RoleBook { own: BTreeMap::new() };

/// `"*"`, or a list, which may be empty and then is nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed<T: Ord> {
    /// All there is and all there will be.
    All,
    /// These.
    These(BTreeSet<T>),
}

// === impl Direction ===

impl Direction {
    /// Every direction.
    pub const ALL: [Self; 3] = [Self::Team, Self::Environment, Self::Name];
}

// === impl Cell ===

impl Cell {
    /// True when it lets its bearer do that to some resource of that kind.
    pub fn holds(&self, action: &str, kind: &str) -> bool {
        let is_kind = self.kind.as_ref().is_none_or(|own| own.as_str() == kind);
        is_kind
            && self
                .actions
                .as_ref()
                .is_none_or(|actions| actions.contains(action))
    }
}

// === impl Assignment ===

impl Assignment {
    /// True when a role with these cells, so assigned, is about that action and kind, wherever.
    pub fn holds(&self, cells: &[Cell], action: &str, kind: &str) -> bool {
        let is_meant = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(kind));
        is_meant && cells.iter().any(|cell| cell.holds(action, kind))
    }

    /// True when it allows what is asked, of a kind that roles govern.
    pub fn allows(&self, cells: &[Cell], asked: &Asked<'_>) -> bool {
        self.grants(cells, &Selector::everywhere())
            .any(|grant| grant.allows(asked))
    }

    /// What the assignment of a role with these cells allows within `reach`. Names that are no patterns are nothing.
    pub fn grants<'a>(
        &'a self,
        cells: &'a [Cell],
        reach: &'a Selector,
    ) -> impl Iterator<Item = RoleGrant> + 'a {
        let names = match &self.names {
            Listed::All => Names::All,
            Listed::These(texts) => Names::Listed(
                texts
                    .iter()
                    .filter_map(|text| Pattern::parse("names", text).ok())
                    .collect(),
            ),
        };
        let grant = move |cell: &Cell| {
            let bounded = |direction| cell.by.contains(&direction);
            let mut on = Selector::everywhere();
            if bounded(Direction::Team) {
                on.teams = self.teams.only();
            }
            if bounded(Direction::Environment) {
                on.environments = self.environments.only();
            }
            let kinds = only(cell.kind.iter().cloned(), cell.kind.is_none());
            RoleGrant {
                kinds: match &self.kinds {
                    Some(wanted) => kinds.intersection(&Only::Listed(wanted.clone().into())),
                    None => kinds,
                },
                on: on.intersection(reach),
                names: if bounded(Direction::Name) {
                    names.clone()
                } else {
                    Names::All
                },
                actions: cell.actions.clone().into(),
            }
        };
        // A direction that lists nothing makes the whole assignment nothing, also the cells that it does not bound.
        let is_nothing = self.teams.is_empty() || self.environments.is_empty() || self.names.is_empty();
        cells.iter().filter(move |_| !is_nothing).map(grant)
    }

    /// The preset super administrator, everywhere.
    pub fn super_admin() -> Self {
        Self {
            role: Word::known("super-admin"),
            kinds: None,
            teams: Listed::All,
            environments: Listed::All,
            names: Listed::All,
        }
    }

    /// How many boxes the selector spans.
    pub fn boxes(&self) -> usize {
        let kinds = self.kinds.as_ref().map_or(1, BTreeSet::len);
        [kinds, self.teams.len(), self.environments.len(), self.names.len()]
            .into_iter()
            .fold(1, usize::saturating_mul)
    }
}

// === impl RoleBook ===

impl RoleBook {
    /// The presets and these.
    pub fn new(own: impl IntoIterator<Item = (Word, Vec<Cell>)>) -> Self {
        Self {
            own: own.into_iter().collect(),
        }
    }

    /// True when there is such a role.
    pub fn knows(&self, role: &Word) -> bool {
        preset::role(role.as_str()).is_some() || self.own.contains_key(role)
    }

    /// The cells of a role; none of a role that is not known, which then is nothing.
    pub fn cells(&self, role: &Word) -> &[Cell] {
        match preset::role(role.as_str()) {
            Some(preset) => &preset.cells,
            None => self.own.get(role).map_or(&[], Vec::as_slice),
        }
    }

    /// The names of the roles that are about that action and kind: the presets, then the organization's own.
    pub fn holding(&self, action: &str, kind: &str) -> Vec<Word> {
        let holds = |cells: &[Cell]| cells.iter().any(|cell| cell.holds(action, kind));
        let presets = preset::roles().iter().filter(|role| holds(&role.cells));
        let own = self.own.iter().filter(|(_, cells)| holds(cells));
        presets
            .map(preset::Preset::word)
            .chain(own.map(|(name, _)| name.clone()))
            .collect()
    }

    /// What the assignments allow within `reach`.
    pub fn grants<'a>(
        &'a self,
        assignments: &'a [Assignment],
        reach: &'a Selector,
    ) -> impl Iterator<Item = RoleGrant> + 'a {
        assignments
            .iter()
            .flat_map(move |assignment| assignment.grants(self.cells(&assignment.role), reach))
    }
}

fn only(words: impl Iterator<Item = Word>, all: bool) -> Only<Word> {
    if all { Only::All } else { Only::these(words) }
}

// === impl Listed ===

impl<T: Ord + Clone> Listed<T> {
    fn only(&self) -> Only<T> {
        match self {
            Self::All => Only::All,
            Self::These(these) => Only::Listed(these.clone().into()),
        }
    }
}

impl<T: Ord> Listed<T> {
    /// Those that are listed; `*` lists none by name.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        match self {
            Self::All => None,
            Self::These(these) => Some(these.iter()),
        }
        .into_iter()
        .flatten()
    }

    /// How many boxes this direction makes: `*` is one.
    pub fn len(&self) -> usize {
        match self {
            Self::All => 1,
            Self::These(these) => these.len(),
        }
    }

    /// True for an empty list.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Ord + Serialize> Serialize for Listed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => serializer.serialize_str("*"),
            Self::These(these) => these.serialize(serializer),
        }
    }
}

impl<'de, T: Ord + Deserialize<'de>> Deserialize<'de> for Listed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either<T: Ord> {
            Star(String),
            These(BTreeSet<T>),
        }
        match Either::deserialize(deserializer)? {
            Either::Star(star) if star == "*" => Ok(Self::All),
            Either::Star(_) => Err(de::Error::custom("a list, or \"*\" for all")),
            Either::These(these) => Ok(Self::These(these)),
        }
    }
}
