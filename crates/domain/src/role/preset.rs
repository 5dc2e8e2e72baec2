//! The roles that every organization has from the start: the super administrator, and those of delivery platforms (`devtron.md` §2).
//!
//! Written as the table that people know; one test walks it cell by cell through the verify door.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use serde::{Serialize, Serializer};

use super::{Cell, Direction};
use crate::resource::Word;

/// A role of ours.
#[derive(Debug)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// One sentence for the person who assigns it.
    pub sentence: &'static str,
    /// What it lets its bearer do.
    pub cells: Vec<Cell>,
}

/// Some of the preset roles. A word, so that a decision can bear it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presets(u32);

/// A kind of resource that every organization has from the start.
#[derive(Debug)]
pub struct PresetKind {
    /// Its name.
    pub name: &'static str,
    /// One sentence.
    pub sentence: &'static str,
    /// Its actions.
    pub actions: &'static [&'static str],
}

impl Preset {
    /// Its name as a word.
    pub fn word(&self) -> Word {
        Word::known(self.name)
    }
}

impl Presets {
    /// Those that are about that action and kind.
    pub fn holding(action: &str, kind: &str) -> Self {
        let holds = |role: &Preset| role.cells.iter().any(|cell| cell.holds(action, kind));
        let places = (0..).zip(roles()).filter(|(_, role)| holds(role));
        Self(places.fold(0, |bits, (place, _): (u32, _)| bits | 1 << place))
    }

    /// True when there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Their names, in the order in which they are listed.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let places = (0..).zip(roles());
        places
            .filter(move |(place, _): &(u32, _)| self.0 >> place & 1 == 1)
            .map(|(_, role)| role.name)
    }
}

impl Serialize for Presets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.names())
    }
}

impl PresetKind {
    /// Its name as a word.
    pub fn word(&self) -> Word {
        Word::known(self.name)
    }

    /// Its actions as words.
    pub fn words(&self) -> BTreeSet<Word> {
        self.actions.iter().copied().map(Word::known).collect()
    }
}

/// The preset roles, in the order in which they are listed.
pub fn roles() -> &'static [Preset] {
    static ROLES: LazyLock<Vec<Preset>> = LazyLock::new(|| {
        TABLE
            .iter()
            .map(|&(name, sentence, rows)| Preset {
                name,
                sentence,
                cells: rows.iter().map(cell).collect(),
            })
            .collect()
    });
    &ROLES
}

/// The preset role of this name.
pub fn role(name: &str) -> Option<&'static Preset> {
    roles().iter().find(|role| role.name == name)
}

/// The preset kinds.
pub const KINDS: &[PresetKind] = &[
    PresetKind {
        name: "applications",
        sentence: "Applications of a team, by name.",
        actions: &["get", "trigger", "create", "update", "delete"],
    },
    PresetKind {
        name: "helm-app",
        sentence: "Helm releases of a team, by environment and name.",
        actions: &["get", "update", "create", "delete"],
    },
    PresetKind {
        name: "jobs",
        sentence: "Jobs of a team, by environment and name.",
        actions: &["get", "trigger", "create", "update", "delete"],
    },
    PresetKind {
        name: "chart-group",
        sentence: "Groups of charts, by name.",
        actions: &["get", "update", "create", "delete"],
    },
    PresetKind {
        name: "cluster",
        sentence: "Cluster resources, named `cluster/namespace/group/kind/resource`.",
        actions: &["get", "create", "update", "delete", "exec"],
    },
    PresetKind {
        name: "environment",
        sentence: "Deployments of an application in an environment.",
        actions: &["get", "trigger", "create", "update", "delete"],
    },
    PresetKind {
        name: "team",
        sentence: "A team as the container of applications.",
        actions: &["get", "create", "update", "delete"],
    },
    PresetKind {
        name: "global-environment",
        sentence: "The definition of an environment.",
        actions: &["get", "create", "update", "delete"],
    },
    PresetKind {
        name: "user",
        sentence: "The people of a team.",
        actions: &["get", "create", "update", "delete"],
    },
    PresetKind {
        name: "notification",
        sentence: "The notifications of a team.",
        actions: &["get", "create", "update", "delete"],
    },
];

/// Kind (`*` = every one), actions (`*` = every one), directions: `t`eam, `e`nvironment, `n`ame.
type Row = (&'static str, &'static str, &'static str);

const TABLE: &[(&str, &str, &[Row])] = &[
    (
        "super-admin",
        "Every action on every kind of resource, those to come included.",
        &[("*", "*", "ten")],
    ),
    (
        "application.view",
        "See applications and where they run.",
        &[
            ("applications", "get", "tn"),
            ("environment", "get", "ten"),
            ("team", "get", "t"),
            ("global-environment", "get", "te"),
        ],
    ),
    (
        "application.trigger",
        "See applications, build and deploy them.",
        &[
            ("applications", "get trigger", "tn"),
            ("environment", "get trigger", "ten"),
            ("team", "get", "t"),
            ("global-environment", "get", "te"),
        ],
    ),
    (
        "application.admin",
        "Do everything with applications and their deployments.",
        &[
            ("applications", "*", "tn"),
            ("environment", "*", "ten"),
            ("team", "get", "t"),
            ("global-environment", "get", "te"),
        ],
    ),
    (
        "application.manager",
        "Do everything with applications, and manage the team, its people, notifications and environments.",
        &[
            ("applications", "*", "tn"),
            ("environment", "*", "ten"),
            ("team", "*", "t"),
            ("user", "*", "t"),
            ("notification", "*", "t"),
            ("global-environment", "*", "te"),
        ],
    ),
    (
        "helm-app.view",
        "See Helm releases.",
        &[("helm-app", "get", "ten")],
    ),
    (
        "helm-app.edit",
        "See and upgrade Helm releases.",
        &[("helm-app", "get update", "ten")],
    ),
    (
        "helm-app.admin",
        "Do everything with Helm releases.",
        &[("helm-app", "*", "ten")],
    ),
    (
        "job.view",
        "See jobs.",
        &[("jobs", "get", "ten"), ("team", "get", "t")],
    ),
    (
        "job.trigger",
        "See and run jobs.",
        &[("jobs", "get trigger", "ten"), ("team", "get", "t")],
    ),
    (
        "job.admin",
        "Do everything with jobs.",
        &[("jobs", "*", "ten"), ("team", "get", "t")],
    ),
    (
        "chart-group.view",
        "See chart groups.",
        &[("chart-group", "get", "n")],
    ),
    (
        "chart-group.update",
        "See and change chart groups.",
        &[("chart-group", "get update", "n")],
    ),
    (
        "chart-group.admin",
        "Do everything with chart groups.",
        &[("chart-group", "*", "n")],
    ),
    (
        "cluster.view",
        "See cluster resources.",
        &[("cluster", "get", "n")],
    ),
    (
        "cluster.edit",
        "Do everything with cluster resources.",
        &[("cluster", "*", "n")],
    ),
    (
        "cluster.admin",
        "Do everything with cluster resources, and manage the people of the team.",
        &[("cluster", "*", "n"), ("user", "*", "t")],
    ),
];

fn cell(&(kind, actions, directions): &Row) -> Cell {
    let direction = |letter| match letter {
        't' => Some(Direction::Team),
        'e' => Some(Direction::Environment),
        'n' => Some(Direction::Name),
        _ => None,
    };
    let words = |texts: &'static str| -> BTreeSet<Word> { texts.split(' ').map(Word::known).collect() };
    Cell {
        kind: (kind != "*").then(|| Word::known(kind)),
        actions: (actions != "*").then(|| words(actions)),
        by: directions.chars().filter_map(direction).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_speaks_of_the_preset_kinds_and_their_actions_only() {
        for role in roles() {
            for cell in &role.cells {
                let Some(kind) = &cell.kind else { continue };
                let known = KINDS.iter().find(|known| known.name == kind.as_str());
                let known = known.unwrap_or_else(|| panic!("{}: {kind}", role.name));
                for action in cell.actions.iter().flatten() {
                    assert!(
                        known.actions.contains(&action.as_str()),
                        "{}: {action}",
                        role.name
                    );
                }
            }
        }
    }

    #[test]
    fn no_preset_kind_is_one_of_our_own() {
        for kind in KINDS {
            assert!(!crate::resource::is_own_kind(kind.name), "{}", kind.name);
            assert!(Word::parse("kind", kind.name).is_ok());
        }
    }
}
