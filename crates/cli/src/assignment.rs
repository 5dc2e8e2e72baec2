//! A role assignment and a role's grant, as a person types them.
//!
//! `application.trigger teams=team_… environments=* names=search,checkout`: the role, then each direction, none of which may be left out:
//! what is not said is not given.

use std::str::FromStr;

use claviger_api::roles::{Direction, RoleAssignment, RoleGrant, Selection};

/// A role assignment.
#[derive(Debug, Clone)]
pub(crate) struct Assign(pub(crate) RoleAssignment);

/// What a role gives.
#[derive(Debug, Clone)]
pub(crate) struct Grant(pub(crate) RoleGrant);

impl FromStr for Assign {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split_whitespace();
        let role = words.next().ok_or("a role comes first")?.to_owned();
        let (mut kinds, mut teams, mut environments, mut names) = (None, None, None, None);
        for word in words {
            let (direction, value) = word
                .split_once('=')
                .ok_or_else(|| format!("`{word}` is no KEY=VALUE"))?;
            let place = match direction {
                "kinds" => &mut kinds,
                "teams" => &mut teams,
                "environments" => &mut environments,
                "names" => &mut names,
                _ => {
                    return Err(format!(
                        "`{direction}` is none of kinds, teams, environments, names"
                    ));
                }
            };
            if place.replace(selection(value)).is_some() {
                return Err(format!("`{direction}` is said twice"));
            }
        }
        let said = |direction: Option<Selection>, name: &str| {
            direction.ok_or_else(|| format!("say `{name}=*` for all, or list them"))
        };
        Ok(Self(RoleAssignment {
            role,
            kinds: match kinds {
                None | Some(Selection::All(_)) => None,
                Some(Selection::These(kinds)) => Some(kinds),
            },
            teams: said(teams, "teams")?,
            environments: said(environments, "environments")?,
            names: said(names, "names")?,
        }))
    }
}

impl FromStr for Grant {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (kind, actions, by) = match words.as_slice() {
            [kind, actions] => (kind, actions, None),
            [kind, actions, by] => {
                let by = by.strip_prefix("by=").ok_or("the third word is `by=…`")?;
                let directions: Result<_, _> = by
                    .split(',')
                    .filter(|word| !word.is_empty())
                    .map(direction)
                    .collect();
                (kind, actions, Some(directions?))
            }
            _ => return Err("a grant is `KIND ACTIONS [by=team,environment,name]`".to_owned()),
        };
        Ok(Self(RoleGrant {
            kind: (*kind).to_owned(),
            actions: selection(actions),
            by,
        }))
    }
}

fn direction(word: &str) -> Result<Direction, String> {
    match word {
        "team" => Ok(Direction::Team),
        "environment" => Ok(Direction::Environment),
        "name" => Ok(Direction::Name),
        _ => Err(format!("`{word}` is none of team, environment, name")),
    }
}

fn selection(value: &str) -> Selection {
    if value == "*" {
        return Selection::All(value.to_owned());
    }
    Selection::These(
        value
            .split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// One line of what was assigned.
pub(crate) fn line(assignment: &RoleAssignment) -> String {
    let shown = |selection: &Selection| match selection {
        Selection::All(_) => "*".to_owned(),
        Selection::These(these) if these.is_empty() => "(nothing)".to_owned(),
        Selection::These(these) => these.join(","),
    };
    let kinds = assignment
        .kinds
        .as_ref()
        .map_or_else(String::new, |kinds| format!(" kinds={}", kinds.join(",")));
    format!(
        "{}{kinds} teams={} environments={} names={}",
        assignment.role,
        shown(&assignment.teams),
        shown(&assignment.environments),
        shown(&assignment.names)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assignment_says_every_direction() {
        let said = "application.trigger teams=* environments=env_1,env_2 names=";

        let Assign(assignment) = said.parse().unwrap();

        assert_eq!(
            line(&assignment),
            "application.trigger teams=* environments=env_1,env_2 names=(nothing)"
        );
        for (wrong, why) in [
            ("", "a role comes first"),
            ("r teams=* environments=*", "say `names=*` for all, or list them"),
            (
                "r teams=* teams=a environments=* names=*",
                "`teams` is said twice",
            ),
            ("r team=*", "`team` is none of kinds, teams, environments, names"),
            ("r all", "`all` is no KEY=VALUE"),
        ] {
            assert_eq!(wrong.parse::<Assign>().unwrap_err(), why);
        }
    }

    #[test]
    fn a_grant_is_kind_actions_and_directions() {
        let Grant(grant) = "applications get,trigger by=team,name".parse().unwrap();

        assert_eq!(grant.by, Some(vec![Direction::Team, Direction::Name]));
        assert_eq!(
            grant.actions,
            Selection::These(vec!["get".to_owned(), "trigger".to_owned()])
        );
        assert!("applications".parse::<Grant>().is_err());
        assert!("applications * by=colour".parse::<Grant>().is_err());
    }
}
