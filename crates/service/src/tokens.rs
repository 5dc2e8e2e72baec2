//! Tokens: issue, list, show, update, regenerate, end an overlap, revoke, delete. One file per operation.

mod bulk;
mod compile;
mod delete;
mod holder;
mod issue;
mod list;
mod overlap;
mod possession;
mod record;
mod regenerate;
mod revoke;
mod update;

use std::collections::BTreeSet;

use claviger_domain::owner::{Membership, Role};
use claviger_domain::policy::Unused;
use claviger_domain::receipt::Receipt;
use claviger_domain::role::{Assignment, Listed};
use claviger_domain::terms::Terms;
use claviger_domain::token::{Expiry, Holder, Restrictions, Token};
use claviger_domain::{OwnerId, ScopeSet, ServiceId, TeamId, Timestamp, TokenId};
use claviger_token::Secret;

pub use bulk::{BulkOutcome, BulkSelection, Doomed, MAX_BULK_IDS};
pub use list::{Listing, Order, SortKey, TokenFilter};
pub use possession::LeakReport;
pub use regenerate::Regeneration;
pub use revoke::Revoked;
pub use update::TokenChanges;

pub(crate) use compile::{Compiler, Given};
pub(crate) use issue::Maker;
pub(crate) use record::{from_row, of_present_secret, previous_secret};
pub(crate) use revoke::revocations;

use claviger_domain::name::{Description, Label, Name};

/// A token to issue.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Whose it is to be.
    pub recipient: Recipient,
    /// Unique among the holder's live tokens.
    pub name: Name,
    /// For people.
    pub description: Description,
    /// Why it is made, where the policy asks for it.
    pub reason: Option<Label>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where, within what its holder reaches.
    pub restrictions: Restrictions,
    /// What else, on resources of the organization's own kinds.
    pub roles: Vec<Assignment>,
    /// On which conditions it is accepted.
    pub terms: Terms,
    /// When it ends; `None` = 90 days, or with the calling token when that ends sooner.
    pub expiry: Option<Expiry>,
}

/// Whose a new token is to be, as the caller names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recipient {
    /// The person who asks.
    Caller,
    /// The organization.
    Organization,
    /// This team.
    Team(TeamId),
    /// This service.
    Service(ServiceId),
}

/// A token with its secret, which is shown this once.
#[derive(Debug)]
pub struct Issued {
    /// Its record.
    pub token: Token,
    /// The string to present.
    pub secret: Secret,
    /// Proof that the verifiers know it.
    pub receipt: Receipt,
}

/// A changed token, and proof that no verifier goes by its old state.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The record after the change.
    pub token: Token,
    /// That nobody uses it, if the policy flags it.
    pub unused: Option<Unused>,
    /// The proof.
    pub receipt: Receipt,
}

/// The owner of a new token of this holder: a person, or the token itself.
fn owner_of(holder: Holder, id: TokenId) -> OwnerId {
    match holder {
        Holder::Person(user) => user.into(),
        Holder::Organization(_) | Holder::Team(_) | Holder::Service { .. } => id.into(),
    }
}

/// The roles of the first token of a person: as much as the person may do, everywhere or in their teams.
pub(crate) fn first_roles(role: Role, memberships: &[Membership]) -> Vec<Assignment> {
    let teams: BTreeSet<TeamId> = memberships.iter().map(|membership| membership.team).collect();
    match role {
        Role::SuperAdmin => vec![Assignment::super_admin()],
        Role::Member if teams.is_empty() => Vec::new(),
        Role::Member => vec![Assignment {
            teams: Listed::These(teams),
            ..Assignment::super_admin()
        }],
    }
}

/// The time as JSON shows it.
fn shown(instant: Option<Timestamp>) -> serde_json::Value {
    instant.map_or(serde_json::Value::Null, |instant| instant.to_string().into())
}

/// The holder as the audit trail shows it.
fn shown_holder(holder: Holder) -> String {
    match holder {
        Holder::Person(user) => user.to_string(),
        Holder::Organization(org) => org.to_string(),
        Holder::Team(team) => team.to_string(),
        Holder::Service { service, .. } => service.to_string(),
    }
}

/// Terms as the audit trail shows them; null = none.
fn shown_terms(terms: &Terms) -> serde_json::Value {
    if terms.is_empty() {
        return serde_json::Value::Null;
    }
    serde_json::json!(terms)
}

/// Restrictions as the audit trail shows them; null = none.
fn shown_restrictions(restrictions: &Restrictions) -> serde_json::Value {
    fn listed<T: std::fmt::Display>(list: Option<&BTreeSet<T>>) -> serde_json::Value {
        list.map_or(serde_json::Value::Null, |list| {
            list.iter().map(ToString::to_string).collect()
        })
    }

    if restrictions.is_empty() {
        return serde_json::Value::Null;
    }
    serde_json::json!({
        "teams": listed(restrictions.teams.as_ref()),
        "services": listed(restrictions.services.as_ref()),
        "environments": listed(restrictions.environments.as_ref()),
    })
}
