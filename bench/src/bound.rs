//! Tokens with everything in force: roles on resources, restricted to a team, limited, and accepted from some networks only.
//!
//! Invariant: what such a token has follows from its number. The tokens of a database are the teams' by turns, so that [`TEAMS`]
//! different policies are in use; no limit is ever reached here, and this machine is in the networks. [`seed`](crate::seed) stores
//! them, the in-process part gives them to a verifier of its own, and [`Questions`] is what is asked about them.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use claviger_domain::authority::{Authority, Place};
use claviger_domain::name::{Description, Label};
use claviger_domain::resource::{Asked, ResourceName, Word};
use claviger_domain::role::{Assignment, Listed};
use claviger_domain::team::Team;
use claviger_domain::terms::{Networks, RateLimit, Terms};
use claviger_domain::token::{Holder, Restrictions, Surroundings, given};
use claviger_domain::{FieldError, OrgId, ScopeSet, TeamId, Timestamp};
use claviger_store::tokens::TokenRow;

/// How figures name it.
pub(crate) const IN_FORCE: &str = "with roles, restrictions, limits and networks in force";
/// Teams, and so different policies.
pub(crate) const TEAMS: u32 = 1_000;

/// More than the load generator gets through in a second, of each token.
const REQUESTS_PER_SECOND: u32 = 1_000_000;
const NETWORKS: [&str; 4] = ["10.0.0.0/8", "127.0.0.0/8", "192.168.0.0/16", "::1/128"];
const KIND: &str = "applications";
const ACTION: &str = "trigger";
const NAMES: [&str; 3] = ["api", "web", "worker"];
/// What one check takes of the limit when an action is asked for.
const COST: u32 = 3;

/// What the tokens of each team have, as it is stored.
#[derive(Debug)]
pub(crate) struct Columns {
    teams: Vec<(String, String)>,
    terms: String,
}

/// What the tokens of each team have, as the verifier keeps it.
pub(crate) struct Policies {
    authorities: Vec<Arc<Authority>>,
    terms: Arc<Terms>,
}

/// What is asked about a token in this process: an action on a resource of its team.
pub(crate) struct Questions {
    name: ResourceName,
    first_team: i64,
}

/// What is asked about the tokens of one team over HTTP, behind the token.
pub(crate) fn asked_in_json(team: u32) -> String {
    format!(
        "\",\"action\":\"{ACTION}\",\"resource\":{{\"kind\":\"{KIND}\",\"team\":\"{}\",\"name\":\"{}\"}},\"cost\":{COST}}}",
        team_name(team),
        NAMES[1]
    )
}

/// Which team's the token with this number is.
pub(crate) const fn team_of(number: u32) -> u32 {
    number % TEAMS
}

/// The teams, made then, with ids from there on.
///
/// # Errors
/// Never in practice.
pub(crate) fn teams(org: OrgId, first: i64, at: Timestamp) -> Result<Vec<Team>> {
    let team = |number: u32| {
        let name = Label::parse("name", &team_name(number)).map_err(|error| refused(&[error]))?;
        Ok(Team {
            id: team_id(first, number),
            org,
            name,
            description: Description::default(),
            members: 0,
            services: 0,
            created_at: at,
            updated_at: at,
        })
    };
    (0..TEAMS).map(team).collect()
}

// === impl Columns ===

impl Columns {
    /// Those of the teams whose ids begin there.
    ///
    /// # Errors
    /// Never in practice.
    pub(crate) fn new(first: i64) -> Result<Self> {
        let texts = |number| {
            let (restrictions, roles) = had(team_id(first, number))?;
            Ok((
                serde_json::to_string(&restrictions)?,
                serde_json::to_string(&roles)?,
            ))
        };
        Ok(Self {
            teams: (0..TEAMS).map(texts).collect::<Result<_>>()?,
            terms: serde_json::to_string(&terms()?)?,
        })
    }

    /// The row of the token with this number, with everything.
    pub(crate) fn bind(&self, number: u32, row: TokenRow) -> TokenRow {
        let team = usize::try_from(team_of(number)).ok();
        let texts = team.and_then(|team| self.teams.get(team));
        TokenRow {
            restrictions: texts.map(|(restrictions, _)| restrictions.clone()),
            roles: texts.map(|(_, roles)| roles.clone()),
            terms: Some(self.terms.clone()),
            ..row
        }
    }
}

// === impl Policies ===

impl Policies {
    /// Those of the teams whose ids begin there: `scopes`, and everything.
    ///
    /// # Errors
    /// Never in practice.
    pub(crate) fn new(org: OrgId, first: i64, scopes: ScopeSet) -> Result<Self> {
        let authority = |number| {
            let (restrictions, roles) = had(team_id(first, number))?;
            let holder = Holder::Organization(org);
            Ok(Arc::new(given(
                holder,
                &restrictions,
                scopes,
                &roles,
                &Surroundings::plain(),
            )))
        };
        Ok(Self {
            authorities: (0..TEAMS).map(authority).collect::<Result<_>>()?,
            terms: Arc::new(terms()?),
        })
    }

    /// What the token with this number has.
    pub(crate) fn of(&self, number: u32) -> (Arc<Authority>, Arc<Terms>) {
        let team = usize::try_from(team_of(number)).unwrap_or_default();
        let authority = self.authorities.get(team).cloned();
        (authority.unwrap_or_default(), self.terms.clone())
    }
}

// === impl Questions ===

impl Questions {
    /// Those about the teams whose ids begin there.
    ///
    /// # Errors
    /// Never in practice.
    pub(crate) fn new(first: i64) -> Result<Self> {
        let name = ResourceName::parse("name", NAMES[1]).map_err(|error| refused(&[error]))?;
        Ok(Self {
            name,
            first_team: first,
        })
    }

    /// The one about the token with this number.
    pub(crate) fn about(&self, number: u32) -> Asked<'_> {
        let team = team_id(self.first_team, team_of(number));
        Asked::new(ACTION, KIND, Place::team(team), Some(&self.name))
    }
}

/// Two roles on what is the team's: to see all, and to trigger what is named.
fn had(team: TeamId) -> Result<(Restrictions, Vec<Assignment>)> {
    let assigned = |role: &str, names: Listed<String>| {
        let role = Word::parse("role", role).map_err(|error| refused(&[error]))?;
        Ok::<_, anyhow::Error>(Assignment {
            role,
            kinds: None,
            teams: Listed::These([team].into()),
            environments: Listed::All,
            names,
        })
    };
    let names = NAMES.map(str::to_owned).into();
    let roles = vec![
        assigned("application.view", Listed::All)?,
        assigned("application.trigger", Listed::These(names))?,
    ];
    let restrictions = Restrictions {
        teams: Some([team].into()),
        ..Restrictions::default()
    };
    Ok((restrictions, roles))
}

fn terms() -> Result<Terms> {
    let networks = Networks::parse("networks", &NETWORKS.map(str::to_owned));
    Ok(Terms {
        networks: Some(networks.map_err(|errors| refused(&errors))?),
        rate_limit: Some(rate_limit(REQUESTS_PER_SECOND, REQUESTS_PER_SECOND)?),
        ..Terms::default()
    })
}

/// So many a second, and so many at once.
///
/// # Errors
/// When it is out of range.
pub(crate) fn rate_limit(requests: u32, burst: u32) -> Result<RateLimit> {
    let limit = RateLimit::new("rate_limit", requests, 1, Some(burst));
    limit.map_err(|errors| refused(&errors))
}

/// A limit that is in force and never reached.
///
/// # Errors
/// Never in practice.
pub(crate) fn generous() -> Result<RateLimit> {
    rate_limit(REQUESTS_PER_SECOND, REQUESTS_PER_SECOND)
}

fn team_id(first: i64, number: u32) -> TeamId {
    TeamId::from_i64(first + i64::from(number))
}

/// All of one length, as the load generator's requests are.
fn team_name(number: u32) -> String {
    format!("team {number:04}")
}

fn refused(errors: &[FieldError]) -> anyhow::Error {
    let details: Vec<&str> = errors.iter().map(|error| error.detail.as_str()).collect();
    anyhow!(details.join("; ")).context("what the bench gives its tokens is refused")
}

#[cfg(test)]
mod tests {
    use claviger_domain::Scope;

    use super::*;

    const FIRST: i64 = 5_000;

    #[test]
    fn what_is_asked_about_a_token_its_own_team_allows_and_no_other() {
        let policies =
            Policies::new(OrgId::from_i64(1), FIRST, ScopeSet::only(Scope::DeploymentsWrite)).unwrap();
        let questions = Questions::new(FIRST).unwrap();
        let (authority, terms) = policies.of(1_042);

        assert!(authority.permits(&questions.about(42)));
        assert!(!authority.permits(&questions.about(43)));
        assert!(terms.networks.is_some() && terms.rate_limit.is_some());
    }

    #[test]
    fn what_is_stored_is_what_the_verifier_keeps() {
        let columns = Columns::new(FIRST).unwrap();
        let (restrictions, roles) = &columns.teams[42];
        let (wanted, assigned) = had(team_id(FIRST, 42)).unwrap();

        assert_eq!(
            serde_json::from_str::<Restrictions>(restrictions).unwrap(),
            wanted
        );
        assert_eq!(serde_json::from_str::<Vec<Assignment>>(roles).unwrap(), assigned);
        assert_eq!(
            serde_json::from_str::<Terms>(&columns.terms).unwrap(),
            terms().unwrap()
        );
    }

    #[test]
    fn the_questions_of_all_teams_are_of_one_length() {
        assert_eq!(asked_in_json(0).len(), asked_in_json(TEAMS - 1).len());
    }
}
