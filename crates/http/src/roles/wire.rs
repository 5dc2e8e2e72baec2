//! Between the wire types of roles and the domain's.

use std::collections::BTreeSet;

use claviger_api::roles as api;
use claviger_domain::FieldError;
use claviger_domain::resource::Word;
use claviger_domain::role::{Assignment, Cell, Direction, Listed};
use claviger_service::roles::{ShownKind, ShownRole};

use crate::fields::id;

/// A role.
pub(crate) fn role(role: &ShownRole) -> api::Role {
    api::Role {
        name: role.name.to_string(),
        description: role.description.clone(),
        preset: role.updated_at.is_none(),
        grants: role.cells.iter().map(grant).collect(),
        updated_at: role.updated_at.map(|at| at.to_string()),
    }
}

/// A kind.
pub(crate) fn kind(kind: &ShownKind) -> api::Kind {
    api::Kind {
        name: kind.name.to_string(),
        description: kind.description.clone(),
        preset: kind.updated_at.is_none(),
        actions: kind.actions.iter().map(ToString::to_string).collect(),
        updated_at: kind.updated_at.map(|at| at.to_string()),
    }
}

fn grant(cell: &Cell) -> api::RoleGrant {
    api::RoleGrant {
        kind: cell.kind.as_ref().map_or_else(|| "*".to_owned(), Word::to_string),
        actions: match &cell.actions {
            None => all(),
            Some(actions) => api::Selection::These(actions.iter().map(Word::to_string).collect()),
        },
        by: Some(cell.by.iter().copied().map(direction).collect()),
    }
}

fn all() -> api::Selection {
    api::Selection::All("*".to_owned())
}

const fn direction(direction: Direction) -> api::Direction {
    match direction {
        Direction::Team => api::Direction::Team,
        Direction::Environment => api::Direction::Environment,
        Direction::Name => api::Direction::Name,
    }
}

const fn parsed_direction(direction: api::Direction) -> Direction {
    match direction {
        api::Direction::Team => Direction::Team,
        api::Direction::Environment => Direction::Environment,
        api::Direction::Name => Direction::Name,
    }
}

/// The named grants of a role.
///
/// # Errors
/// `word_malformed`, `selection_malformed`, each with its place.
pub(crate) fn parsed_grants(grants: &[api::RoleGrant]) -> Result<Vec<Cell>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut cells = Vec::with_capacity(grants.len());
    for (place, grant) in grants.iter().enumerate() {
        let field = format!("grants[{place}]");
        let kind = match grant.kind.as_str() {
            "*" => Ok(None),
            text => Word::parse(&format!("{field}.kind"), text).map(Some),
        };
        let actions = selected(&format!("{field}.actions"), &grant.actions, Word::parse);
        let by = match &grant.by {
            None => BTreeSet::from(Direction::ALL),
            Some(by) => by.iter().copied().map(parsed_direction).collect(),
        };
        match (kind, actions) {
            (Ok(kind), Ok(actions)) => cells.push(Cell {
                kind,
                actions: match actions {
                    Listed::All => None,
                    Listed::These(actions) => Some(actions),
                },
                by,
            }),
            (kind, actions) => {
                errors.extend(kind.err());
                errors.extend(actions.err());
            }
        }
    }
    if errors.is_empty() { Ok(cells) } else { Err(errors) }
}

/// The shown assignments.
pub(crate) fn assignments(assignments: &[Assignment]) -> Vec<api::RoleAssignment> {
    fn shown<T: Ord + ToString>(listed: &Listed<T>) -> api::Selection {
        match listed {
            Listed::All => all(),
            Listed::These(these) => api::Selection::These(these.iter().map(ToString::to_string).collect()),
        }
    }

    let one = |assignment: &Assignment| api::RoleAssignment {
        role: assignment.role.to_string(),
        kinds: assignment
            .kinds
            .as_ref()
            .map(|kinds| kinds.iter().map(Word::to_string).collect()),
        teams: shown(&assignment.teams),
        environments: shown(&assignment.environments),
        names: shown(&assignment.names),
    };
    assignments.iter().map(one).collect()
}

/// The named assignments.
///
/// # Errors
/// `word_malformed`, `id_malformed`, `selection_malformed`, each with its place.
pub(crate) fn parsed_assignments(body: &[api::RoleAssignment]) -> Result<Vec<Assignment>, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut assignments = Vec::with_capacity(body.len());
    for (place, assignment) in body.iter().enumerate() {
        match parsed_assignment(&format!("roles[{place}]"), assignment) {
            Ok(assignment) => assignments.push(assignment),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(assignments)
    } else {
        Err(errors)
    }
}

fn parsed_assignment(field: &str, body: &api::RoleAssignment) -> Result<Assignment, FieldError> {
    let kinds = body.kinds.as_ref().map(|kinds| {
        let words = kinds
            .iter()
            .map(|text| Word::parse(&format!("{field}.kinds"), text));
        words.collect::<Result<_, _>>()
    });
    Ok(Assignment {
        role: Word::parse(&format!("{field}.role"), &body.role)?,
        kinds: kinds.transpose()?,
        teams: selected(&format!("{field}.teams"), &body.teams, id)?,
        environments: selected(&format!("{field}.environments"), &body.environments, id)?,
        names: selected(&format!("{field}.names"), &body.names, |_, text| {
            Ok(text.to_owned())
        })?,
    })
}

/// `*`, or each text parsed.
fn selected<T: Ord>(
    field: &str,
    selection: &api::Selection,
    parse: impl Fn(&str, &str) -> Result<T, FieldError>,
) -> Result<Listed<T>, FieldError> {
    match selection {
        api::Selection::All(star) if star == "*" => Ok(Listed::All),
        api::Selection::All(_) => {
            let detail = "a list, or \"*\" for all";
            Err(FieldError::new(field, "selection_malformed", detail))
        }
        api::Selection::These(texts) => {
            let parsed = texts
                .iter()
                .enumerate()
                .map(|(place, text)| parse(&format!("{field}[{place}]"), text));
            parsed.collect::<Result<_, _>>().map(Listed::These)
        }
    }
}
