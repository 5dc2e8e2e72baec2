//! People: list, show, change, deactivate; the invitations by which they come; their passwords. One file per operation.
//!
//! People belong to the organization as a whole. Invariants: nobody hands out more than they have themselves, whatever the way
//! (a role, an invitation, a reactivation, a password reset); the organization keeps an administrator who may act; whatever
//! changes what a person may do is known to the verifier before it is answered.

mod accept;
mod attempts;
mod change;
mod hasher;
mod invite;
mod list;
mod password;
mod reset;

use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::name::{Email, Label};
use claviger_domain::owner::{Membership, Role};
use claviger_domain::person::{Invitation, Person, PersonState};
use claviger_domain::receipt::Receipt;
use claviger_domain::role::Assignment;
use claviger_domain::terms::RateLimit;
use claviger_domain::{Scope, Timestamp, UserId, session};
use claviger_store::users::UserRow;
use claviger_store::{Tx, passwords, teams, users};
use claviger_token::{Digest, Ticket, TicketKind};

use crate::error::{Error, Result};
use crate::tokens::Issued;
use crate::{Context, Service, roles};

pub(crate) use attempts::{Attempts, Target};
pub(crate) use hasher::Hasher;
pub(crate) use password::wrong;

/// Which people to list; the oldest account first.
#[derive(Debug, Clone, Default)]
pub struct PersonFilter {
    /// Only this role.
    pub role: Option<Role>,
    /// Only those in this state.
    pub state: Option<PersonState>,
    /// Only addresses or names, in any spelling, that begin so.
    pub text: Option<String>,
}

/// What to change of a person; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct PersonChanges {
    /// A new name.
    pub name: Option<Label>,
    /// Another role.
    pub role: Option<Role>,
    /// The roles on resources, all of them.
    pub roles: Option<Vec<Assignment>>,
    /// How often all of their tokens together are accepted; the inner `None` = as often as they like.
    pub rate_limit: Option<Option<RateLimit>>,
}

/// A changed person, and proof that no verifier goes by what they could do before.
#[derive(Debug, Clone)]
pub struct ChangedPerson {
    /// The person after the change.
    pub person: Person,
    /// The proof.
    pub receipt: Receipt,
}

/// Somebody to invite.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Where they are reached.
    pub email: Email,
    /// What they are to be.
    pub role: Role,
    /// The teams they are to join.
    pub teams: Vec<Membership>,
    /// Days until it ends; 7 unless said.
    pub days: Option<u32>,
}

/// An invitation with its secret, which is shown this once.
#[derive(Debug)]
pub struct Invited {
    /// The record.
    pub invitation: Invitation,
    /// For the link.
    pub secret: Ticket,
}

/// A person who has just joined, and the token to begin with.
#[derive(Debug)]
pub struct Joined {
    /// The person.
    pub person: Person,
    /// The token with its secret.
    pub issued: Issued,
}

/// The means to choose a new password, shown this once.
#[derive(Debug)]
pub struct ResetIssued {
    /// For the link.
    pub secret: Ticket,
    /// When it ends.
    pub expires_at: Timestamp,
}

impl Context {
    /// Shows that the caller has all of `authority`: whoever makes somebody do something could do it themselves. All there is, a
    /// signed-in caller hands out only after a recent sign-in.
    ///
    /// # Errors
    /// `role_exceeds_caller`; [`Unproven::Recently`](crate::Unproven).
    pub(crate) fn require_covers(&self, authority: &Authority) -> Result<()> {
        self.caller.power.covers(authority).map_err(|excess| {
            let noun = self.caller.by.noun();
            let detail = format!("that person could do more than {noun}, which lacks {excess}");
            Error::Refused {
                code: "role_exceeds_caller",
                detail,
            }
        })?;
        if session::is_all(authority) {
            self.require_recent_sign_in()?;
        }
        Ok(())
    }

    /// True when the caller may know who belongs to the organization. Whoever may change people may see them.
    pub(crate) fn may_see_people(&self) -> bool {
        [Scope::UsersRead, Scope::UsersWrite]
            .into_iter()
            .any(|scope| self.may(scope, &Place::ORGANIZATION))
    }
}

impl Service {
    /// The person `id`, if the caller may know them. Another organization's are as unknown as one that never was.
    pub(crate) async fn visible_person(&self, tx: &mut Tx, ctx: &Context, id: UserId) -> Result<UserRow> {
        let row = users::by_id(tx, id).await?;
        row.filter(|row| ctx.may_see_people() && row.org == ctx.org())
            .ok_or_else(|| Error::not_found("user"))
    }

    /// The digests that this ticket may be stored under, one for each live pepper; `None` when it is no such ticket.
    pub(crate) fn ticket_digests(&self, kind: TicketKind, text: &str) -> Option<Vec<Digest>> {
        let ticket = Ticket::parse(&self.0.prefix, kind, text.trim())?;
        let peppers = self.0.keys.peppers();
        let keys = std::iter::once(peppers.current).chain(peppers.previous);
        Some(keys.map(|key| key.pepper().digest(&ticket.hash())).collect())
    }
}

/// The person of a row, with teams and password.
async fn person(tx: &mut Tx, row: &UserRow) -> Result<Person> {
    people(tx, std::slice::from_ref(row))
        .await?
        .pop()
        .ok_or_else(|| Error::internal("a person was lost"))
}

/// The people of some rows, in their order. Cost: two statements, however many rows there are.
async fn people(tx: &mut Tx, rows: &[UserRow]) -> Result<Vec<Person>> {
    let ids: Vec<UserId> = rows.iter().map(|row| row.id).collect();
    let with_password = passwords::having(tx, &ids).await?;
    let teams = users::teams_of(tx, &ids).await?;
    let of_row = |row: &UserRow| {
        let own = teams.iter().filter(|(user, _)| *user == row.id);
        Ok(Person {
            id: row.id,
            org: row.org,
            email: row.email.clone(),
            name: row.name.clone(),
            role: role_of(row)?,
            teams: own.map(|(_, team)| team.clone()).collect(),
            roles: assignments_of(row)?,
            created_at: row.created_at,
            deactivated_at: row.deactivated_at,
            rate_limit: rate_limit_of(row)?,
            has_password: with_password.contains(&row.id),
        })
    };
    rows.iter().map(of_row).collect()
}

fn rate_limit_of(row: &UserRow) -> Result<Option<RateLimit>> {
    let limit = row.rate_limit.as_deref().map(serde_json::from_str).transpose();
    limit.map_err(|_| Error::internal(format!("user row {} has a broken rate limit", row.id)))
}

fn role_of(row: &UserRow) -> Result<Role> {
    Role::from_stored(&row.role)
        .ok_or_else(|| Error::internal(format!("user row {} has a broken role", row.id)))
}

/// All that the person of a row may do when active.
async fn authority_of(tx: &mut Tx, row: &UserRow) -> Result<Authority> {
    let memberships = teams::memberships_of(tx, row.id).await?;
    let assigned = assignments_of(row)?;
    let book = roles::book_for(tx, row.org, !assigned.is_empty()).await?;
    let everywhere = Selector::everywhere();
    let granted = book.grants(&assigned, &everywhere);
    Ok(role_of(row)?.authority(&memberships, granted))
}

fn assignments_of(row: &UserRow) -> Result<Vec<Assignment>> {
    roles::from_stored(row.roles.as_deref())
        .map_err(|_| Error::internal(format!("user row {} has broken roles", row.id)))
}
