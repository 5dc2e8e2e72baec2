//! What the lines of the revocation journal say, and how it is done again to an older store.
//!
//! Invariant: a line says how things stood after its change, so to do lines again, in their order and from any place on, ends where they end.

use claviger_domain::audit::Actor;
use claviger_domain::owner::TeamRole;
use claviger_domain::policy::Policy;
use claviger_domain::role::Role;
use claviger_domain::token::RevokeReason;
use claviger_domain::{OrgId, ServiceId, TeamId, Timestamp, TokenId, UserId};
use claviger_store::journal::JournalLine;
use claviger_store::tokens::RevocationRow;
use claviger_store::{
    StoreError, Tx, calendar_feeds, changes, invitations, organizations, passwords, policies, roles,
    services, sessions, teams, tokens, users,
};
use serde::{Deserialize, Serialize};

use crate::changes::Kind;
use crate::error::{Error, Result};

/// What became of something, as a line says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// These tokens were revoked, deleted, or got a new secret.
    Ended(Vec<i64>),
    /// The old secrets of these tokens stopped.
    OverlapsEnded(Vec<i64>),
    /// What these tokens may do, and how long.
    Tokens(Vec<TokenState>),
    /// What this person may do.
    Person(PersonState),
    /// The team that this service came to.
    Service {
        /// The service.
        id: i64,
        /// The team.
        team: i64,
    },
    /// What a role of an organization gives, as JSON.
    Role {
        /// The organization.
        org: i64,
        /// The role.
        name: String,
        /// Its cells.
        cells: serde_json::Value,
    },
    /// The policy of an organization, as JSON.
    Policy {
        /// The organization.
        org: i64,
        /// All of it.
        policy: serde_json::Value,
    },
    /// Nothing ended up to here: the next start need not look for it again.
    Level,
    /// A store was brought up to the journal.
    Restored,
}

/// A token after an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenState {
    id: i64,
    scopes: String,
    expires_at: Option<i64>,
    restrictions: Option<String>,
    roles: Option<String>,
    terms: Option<String>,
}

/// A person after a change of their power.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PersonState {
    id: i64,
    role: String,
    deactivated_at: Option<i64>,
    teams: Vec<(i64, String)>,
    roles: Option<String>,
    rate_limit: Option<String>,
}

/// One line.
#[derive(Serialize, Deserialize)]
pub(super) struct Line {
    at: i64,
    said: Said,
}

impl Said {
    /// What a change of tokens says; `None` when it ends and narrows nothing.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn of_tokens(
        tx: &mut Tx,
        kind: Kind,
        ids: &[TokenId],
    ) -> Result<Option<Self>, StoreError> {
        Ok(match kind {
            Kind::Revoke | Kind::Delete | Kind::Regenerate => Some(Self::Ended(numbers(ids))),
            Kind::EndOverlap => Some(Self::OverlapsEnded(numbers(ids))),
            Kind::Update => {
                let rows = tokens::by_ids(tx, ids).await?;
                Some(Self::Tokens(rows.into_iter().map(token_state).collect()))
            }
            // The callers of these know whom they are about.
            Kind::Owner | Kind::Move | Kind::Role | Kind::Policy => None,
            Kind::Access => Some(Self::Level),
            Kind::Issue | Kind::Redigest => None,
        })
    }

    /// What is to be said of a person now; nothing of one who is not there.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn of_person(tx: &mut Tx, id: UserId) -> Result<Option<Self>, StoreError> {
        let Some(user) = users::by_id(tx, id).await? else {
            return Ok(None);
        };
        let memberships = teams::memberships_of(tx, id).await?;
        Ok(Some(Self::Person(PersonState {
            id: id.get(),
            role: user.role,
            roles: user.roles,
            rate_limit: user.rate_limit,
            deactivated_at: user.deactivated_at.map(Timestamp::micros),
            teams: memberships
                .into_iter()
                .map(|membership| (membership.team.get(), membership.role.as_str().to_owned()))
                .collect(),
        })))
    }

    /// What is to be said of a role that was written.
    ///
    /// # Errors
    /// Never in practice: cells are texts and lists.
    pub(crate) fn of_role(role: &Role) -> Result<Self> {
        Ok(Self::Role {
            org: role.org.get(),
            name: role.name.to_string(),
            cells: serde_json::to_value(&role.cells).map_err(Error::internal)?,
        })
    }

    /// What is to be said of a policy that was written.
    ///
    /// # Errors
    /// Never in practice: rules are numbers and switches.
    pub(crate) fn of_policy(org: OrgId, policy: &Policy) -> Result<Self> {
        Ok(Self::Policy {
            org: org.get(),
            policy: serde_json::to_value(policy).map_err(Error::internal)?,
        })
    }

    /// What is to be said of a service now.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn of_service(tx: &mut Tx, id: ServiceId) -> Result<Option<Self>, StoreError> {
        let service = services::by_id(tx, id).await?;
        Ok(service.map(|service| Self::Service {
            id: id.get(),
            team: service.team.get(),
        }))
    }
}

impl Line {
    /// When the change was made.
    pub(super) const fn at(&self) -> Timestamp {
        Timestamp::from_micros(self.at)
    }

    /// Reads what [`line()`] wrote.
    ///
    /// # Errors
    /// A fault of ours: a sound journal holds no other lines.
    pub(super) fn parse(line: &JournalLine) -> Result<Self> {
        serde_json::from_str(&line.text).map_err(Error::internal)
    }
}

/// Does to the store what a line says.
pub(super) async fn apply(tx: &mut Tx, line: &Line) -> Result<()> {
    let at = Timestamp::from_micros(line.at);
    match &line.said {
        Said::Ended(ids) => {
            let ids: Vec<TokenId> = ids.iter().copied().map(TokenId::from_i64).collect();
            end(tx, &ids, at).await?;
        }
        Said::OverlapsEnded(ids) => {
            for id in ids {
                tokens::end_overlap(tx, TokenId::from_i64(*id)).await?;
            }
        }
        Said::Tokens(states) => {
            for state in states {
                let end = state.expires_at.map(Timestamp::from_micros);
                let given = tokens::Given {
                    scopes: &state.scopes,
                    restrictions: state.restrictions.as_deref(),
                    roles: state.roles.as_deref(),
                    terms: state.terms.as_deref(),
                };
                tokens::put_authority(tx, TokenId::from_i64(state.id), &given, end).await?;
            }
        }
        Said::Person(state) => put_person(tx, state, at).await?,
        Said::Service { id, team } => {
            put_service(tx, ServiceId::from_i64(*id), TeamId::from_i64(*team)).await?;
        }
        Said::Role { org, name, cells } => put_role(tx, OrgId::from_i64(*org), name, cells).await?,
        Said::Policy { org, policy } => put_policy(tx, OrgId::from_i64(*org), policy, at).await?,
        Said::Level | Said::Restored => {}
    }
    Ok(())
}

/// Revokes tokens that had ended by `at`.
pub(super) async fn end(tx: &mut Tx, ids: &[TokenId], at: Timestamp) -> Result<()> {
    let revocation = RevocationRow {
        at,
        by: Actor::System.to_string(),
        reason: RevokeReason::Restored.as_str().to_owned(),
        note: None,
    };
    tokens::revoke(tx, ids, &revocation).await?;
    Ok(())
}

/// Ends what has no lines and may have ended since: sessions, invitations, resets of passwords, calendar feeds. All of it is made again
/// by whoever needs it.
pub(super) async fn end_unlisted(tx: &mut Tx, now: Timestamp) -> Result<()> {
    sessions::end_everywhere(tx, now).await?;
    invitations::withdraw_all(tx, now).await?;
    passwords::end_all_resets(tx, now).await?;
    calendar_feeds::delete_all(tx).await?;
    Ok(())
}

/// A role that the store does not know nobody there has.
async fn put_role(tx: &mut Tx, org: OrgId, name: &str, cells: &serde_json::Value) -> Result<()> {
    for mut role in roles::of(tx, org).await? {
        if role.name.as_str() == name {
            role.cells = serde_json::from_value(cells.clone()).map_err(Error::internal)?;
            roles::put(tx, &role).await?;
        }
    }
    Ok(())
}

/// An organization that the store does not know has no policy there.
async fn put_policy(tx: &mut Tx, org: OrgId, policy: &serde_json::Value, at: Timestamp) -> Result<()> {
    if organizations::ids(tx).await?.contains(&org) {
        let policy = serde_json::from_value(policy.clone()).map_err(Error::internal)?;
        policies::put(tx, org, &policy, at).await?;
    }
    Ok(())
}

/// A person of a store that is older than they are has no power there to take.
async fn put_person(tx: &mut Tx, state: &PersonState, at: Timestamp) -> Result<()> {
    let id = UserId::from_i64(state.id);
    let Some(mut user) = users::by_id(tx, id).await? else {
        return Ok(());
    };
    user.role.clone_from(&state.role);
    user.roles.clone_from(&state.roles);
    user.rate_limit.clone_from(&state.rate_limit);
    user.deactivated_at = state.deactivated_at.map(Timestamp::from_micros);
    users::update(tx, &user).await?;
    for membership in teams::memberships_of(tx, id).await? {
        let kept = state
            .teams
            .iter()
            .find(|(team, _)| *team == membership.team.get());
        match kept.and_then(|(_, role)| TeamRole::from_stored(role)) {
            Some(role) => teams::put_member(tx, membership.team, id, role, at).await?,
            None => teams::remove_member(tx, membership.team, id).await?,
        }
    }
    Ok(())
}

/// Where the team is younger than the store, the service's own tokens end: nobody there may have them.
async fn put_service(tx: &mut Tx, id: ServiceId, team: TeamId) -> Result<()> {
    let Some(mut service) = services::by_id(tx, id).await? else {
        return Ok(());
    };
    if teams::by_id(tx, team).await?.is_some() {
        service.team = team;
        return Ok(services::update(tx, &service).await?);
    }
    let mut ids = Vec::new();
    tokens::for_each_about_service(tx, id, |row| {
        ids.push(row.id);
        Ok::<_, StoreError>(())
    })
    .await?;
    end(tx, &ids, service.updated_at).await
}

/// What a place of the feed about tokens is to say in the journal, from how things stand now.
pub(super) async fn said_of_tokens(tx: &mut Tx, row: &changes::ChangeRow) -> Result<Option<Said>> {
    let ids: Vec<i64> = serde_json::from_str(&row.ids).map_err(Error::internal)?;
    let ids: Vec<TokenId> = ids.into_iter().map(TokenId::from_i64).collect();
    match Kind::from_stored(&row.kind) {
        Some(kind) => Ok(Said::of_tokens(tx, kind, &ids).await?),
        None => Ok(None),
    }
}

/// What there is to say of everything else that these places are about. The feed does not name people, roles, services and organizations:
/// where it is about one, all are said, once.
pub(super) async fn said_of_all(tx: &mut Tx, rows: &[changes::ChangeRow]) -> Result<Vec<Said>> {
    let about = |kind: Kind| rows.iter().any(|row| row.kind == kind.as_str());
    let mut said = Vec::new();
    if about(Kind::Owner) {
        for user in users::all(tx).await? {
            said.extend(Said::of_person(tx, user.id).await?);
        }
    }
    if about(Kind::Role) {
        for role in roles::all(tx).await? {
            said.push(Said::of_role(&role)?);
        }
    }
    if about(Kind::Policy) {
        for (org, policy) in policies::all(tx).await? {
            said.push(Said::of_policy(org, &policy)?);
        }
    }
    if about(Kind::Move) {
        for (service, _) in services::teams_of_all(tx).await? {
            said.extend(Said::of_service(tx, service).await?);
        }
    }
    Ok(said)
}

fn token_state(row: tokens::TokenRow) -> TokenState {
    TokenState {
        id: row.id.get(),
        scopes: row.scopes,
        expires_at: row.expires_at.map(Timestamp::micros),
        restrictions: row.restrictions,
        roles: row.roles,
        terms: row.terms,
    }
}

/// Ids as a line writes them.
pub(super) fn numbers(ids: &[TokenId]) -> Vec<i64> {
    ids.iter().map(|id| id.get()).collect()
}

/// The line of a change.
pub(super) fn line(epoch: u64, at: Timestamp, said: Said) -> Result<JournalLine> {
    let line = Line {
        at: at.micros(),
        said,
    };
    Ok(JournalLine {
        epoch,
        text: serde_json::to_string(&line).map_err(Error::internal)?,
    })
}
