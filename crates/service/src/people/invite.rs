//! Invitations: invite, list, withdraw. Accepting one is in `accept`.
//!
//! An invitation is worth what its maker is worth when it is accepted, not when it was made: whoever was demoted or deactivated
//! meanwhile left no way in.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::owner::Role;
use claviger_domain::person::{Invitation, InvitationState, invitation_end};
use claviger_domain::{InvitationId, Scope, ScopeSet};
use claviger_store::{Tx, invitations as rows, teams, users};
use claviger_token::{TicketKind, generate_ticket};
use serde_json::json;

use super::{Invited, NewInvitation};
use crate::audit::Record;
use crate::error::{Error, Result};
use crate::{Context, Service, cursor};

impl Service {
    /// Invites somebody. An earlier invitation to the same address that the caller may take back is, so that a repeated call leaves one.
    ///
    /// # Errors
    /// `Forbidden`, `out_of_reach`; `team` not found; `role_exceeds_caller`; `email_taken`; those of the store.
    pub async fn invite(&self, ctx: &Context, new: NewInvitation) -> Result<Invited> {
        let expires_at = invitation_end(new.days, ctx.now())?;
        refuse_without_scope(ctx, &new)?;
        let secret = generate_ticket(&self.0.prefix, TicketKind::Invitation, &*self.0.random)?;
        let digest = self.0.keys.peppers().current.pepper().digest(&secret.hash());
        let invitation = Invitation {
            id: InvitationId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            email: new.email.as_str().to_owned(),
            role: new.role,
            teams: new.teams.clone(),
            created_by: ctx.caller.principal(),
            created_at: ctx.now(),
            expires_at,
            accepted_at: None,
            withdrawn_at: None,
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let invited = self.0.store.write(async move |tx: &mut Tx| {
            refuse_out_of_reach(tx, &ctx, &new).await?;
            ctx.require_covers(&new.role.authority(&new.teams, []))?;
            let key = new.email.key();
            if users::email_is_taken(tx, ctx.org(), key.as_str()).await? {
                let detail = "the organization has a person with this address";
                return Err(Error::conflict("email_taken", detail));
            }
            // Somebody else's is replaced only by whoever could take it back.
            let of_maker =
                (!ctx.may(Scope::UsersWrite, &Place::ORGANIZATION)).then(|| ctx.caller.principal());
            let earlier = rows::withdraw_of_address(tx, ctx.org(), key.as_str(), of_maker, ctx.now()).await?;
            if !earlier.is_empty() {
                service.access_ended(tx, ctx.now()).await?;
            }
            rows::insert(tx, &invitation, key.as_str(), &digest).await?;
            let mut records: Vec<Record> = earlier.into_iter().map(withdrawn).collect();
            records.push(invited(&invitation));
            service.record(tx, &ctx.by(), records).await?;
            Ok::<_, Error>(invitation)
        });
        let invitation = invited.await?;
        Ok(Invited { invitation, secret })
    }

    /// A page of invitations, the newest first, and the cursor of the next: all of them for a caller who may see people, otherwise
    /// those that the caller made.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_invitations(
        &self,
        ctx: &Context,
        only_open: bool,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Invitation>, Option<String>)> {
        let created_by = (!ctx.may_see_people()).then(|| ctx.caller.principal());
        let described = format!("{only_open}{created_by:?}{}", ctx.org());
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let query = rows::InvitationFilter {
            org: ctx.org(),
            created_by,
            open_at: only_open.then(|| ctx.now()),
            before,
            limit: limit + 1,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &query).await)
            .await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| cursor::write(&self.0.keys, &described, &last.id.to_string()));
        Ok((found, next))
    }

    /// Takes an invitation back. Whoever made it may; so may whoever may change people. One that ended before stays as it was.
    ///
    /// # Errors
    /// `invitation` not found; `out_of_reach`; `invitation_gone` when it was accepted.
    pub async fn withdraw_invitation(&self, ctx: &Context, id: InvitationId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let done = self.0.store.write(async move |tx: &mut Tx| {
            let is_own = |invitation: &Invitation| invitation.created_by == ctx.caller.principal();
            let invitation = rows::by_id(tx, id)
                .await?
                .filter(|found| found.org == ctx.org() && (is_own(found) || ctx.may_see_people()))
                .ok_or_else(|| Error::not_found("invitation"))?;
            if !is_own(&invitation) {
                ctx.require(Scope::UsersWrite, &Place::ORGANIZATION)?;
            }
            match invitation.state(ctx.now()) {
                InvitationState::Accepted => return Err(gone("the invitation was accepted")),
                InvitationState::Withdrawn | InvitationState::Expired => return Ok(()),
                InvitationState::Open => {}
            }
            rows::withdraw(tx, id, ctx.now()).await?;
            service.access_ended(tx, ctx.now()).await?;
            service.record(tx, &ctx.by(), vec![withdrawn(id)]).await
        });
        done.await
    }
}

/// Whoever may change people may invite; whoever runs a team may invite plain members into it.
fn refuse_without_scope(ctx: &Context, new: &NewInvitation) -> Result<()> {
    let has = ctx.caller.power.scopes();
    let would_do = if new.role == Role::Member && !new.teams.is_empty() {
        ScopeSet::of(&[Scope::UsersWrite, Scope::TeamsWrite])
    } else {
        ScopeSet::only(Scope::UsersWrite)
    };
    if has.intersection(would_do).is_empty() {
        let missing = ScopeSet::only(Scope::UsersWrite);
        let who = ctx.caller.by.noun();
        return Err(Error::Forbidden { who, missing });
    }
    Ok(())
}

/// The teams must be there, and the caller must run them all unless they may change people.
async fn refuse_out_of_reach(tx: &mut Tx, ctx: &Context, new: &NewInvitation) -> Result<()> {
    for membership in &new.teams {
        let team = teams::by_id(tx, membership.team).await?;
        if team.is_none_or(|team| team.org != ctx.org()) {
            return Err(Error::not_found("team"));
        }
    }
    if ctx.may(Scope::UsersWrite, &Place::ORGANIZATION) {
        return Ok(());
    }
    if new.role != Role::Member || new.teams.is_empty() {
        return ctx.require(Scope::UsersWrite, &Place::ORGANIZATION);
    }
    let mut places = new.teams.iter().map(|membership| Place::team(membership.team));
    places.try_for_each(|place| ctx.require(Scope::TeamsWrite, &place))
}

pub(super) fn gone(detail: &str) -> Error {
    Error::Gone {
        code: "invitation_gone",
        detail: detail.to_owned(),
    }
}

/// No e-mail address here: the trail outlives the account.
fn invited(invitation: &Invitation) -> Record {
    Record {
        action: Action::UserInvited,
        subject: invitation.id.to_string(),
        detail: json!({
            "role": invitation.role.as_str(),
            "teams": shown_teams(invitation),
            "expires_at": invitation.expires_at.to_string(),
        }),
    }
}

fn withdrawn(id: InvitationId) -> Record {
    Record {
        action: Action::InvitationWithdrawn,
        subject: id.to_string(),
        detail: json!({}),
    }
}

/// The teams of an invitation as the audit trail shows them.
pub(super) fn shown_teams(invitation: &Invitation) -> serde_json::Value {
    let teams = invitation.teams.iter();
    teams
        .map(|membership| json!({ "team": membership.team.to_string(), "role": membership.role.as_str() }))
        .collect()
}
