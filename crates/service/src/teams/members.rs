//! Members: who belongs to a team, and as what.
//!
//! A membership is power, so nobody hands out one that brings more than they have, and a change is in force before it is answered.

use claviger_domain::audit::Action;
use claviger_domain::authority::{Authority, Grant, Place, Selector};
use claviger_domain::name::NameKey;
use claviger_domain::owner::TeamRole;
use claviger_domain::receipt::Receipt;
use claviger_domain::team::{MAX_MEMBERS, Member};
use claviger_domain::{Scope, ScopeSet, TeamId, UserId};
use claviger_store::users::UserRow;
use claviger_store::{Tx, teams as rows, users};
use serde_json::json;

use super::{changeable, visible};
use crate::audit::Record;
use crate::catalogue::refuse_full;
use crate::changes::Visibility;
use crate::error::{Error, Result};
use crate::{Context, Service, cursor};

/// A member after a change, and proof that no verifier goes by the old state.
#[derive(Debug, Clone)]
pub struct ChangedMember {
    /// The member.
    pub member: Member,
    /// The proof.
    pub receipt: Receipt,
}

impl Service {
    /// A page of a team's members, in the order of their addresses, and the cursor of the next. Cost: all members of the team.
    ///
    /// # Errors
    /// `team` not found; `Invalid` for a cursor of another list.
    pub async fn list_members(
        &self,
        ctx: &Context,
        team: TeamId,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Member>, Option<String>)> {
        let described = format!("members of {team}");
        let after = match after {
            Some(text) => Some(cursor::read(&self.0.keys, &described, text)?),
            None => None,
        };
        let ctx = ctx.clone();
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| {
                visible(tx, &ctx, team, &[Scope::TeamsRead]).await?;
                Ok::<_, Error>(rows::members(tx, team).await?)
            })
            .await?;
        found.retain(|member| after.as_ref().is_none_or(|after| place(member) > *after));
        let next = self.cut(&described, &mut found, limit, place);
        Ok((found, next))
    }

    /// Makes a person a member of the team, or changes what they are in it.
    ///
    /// # Errors
    /// `team` or `user` not found; `out_of_reach`; `role_exceeds_caller`; `member_limit_reached`.
    pub async fn set_member(
        &self,
        ctx: &Context,
        team: TeamId,
        user: UserId,
        role: TeamRole,
    ) -> Result<ChangedMember> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let set = self.0.store.write(async move |tx: &mut Tx| {
            let members = changeable(tx, &ctx, team, &Place::team(team)).await?.members;
            let person = active(tx, &ctx, user).await?;
            let before = rows::member(tx, team, user).await?;
            let (had, since) = before.unzip();
            let member = Member {
                user,
                email: person.email,
                role,
                since: since.unwrap_or(ctx.now()),
            };
            if had == Some(role) {
                return Ok((member, service.epoch(tx).await?));
            }
            refuse_excess(&ctx, team, had, role)?;
            if had.is_none() {
                refuse_full(members, MAX_MEMBERS, "member_limit_reached", "members")?;
            }
            rows::put_member(tx, team, user, role, ctx.now()).await?;
            let epoch = service.owner_changed(tx, user, ctx.now(), &visibility).await?;
            service
                .record(tx, &ctx.by(), vec![event(team, user, had, Some(role))])
                .await?;
            Ok::<_, Error>((member, epoch))
        });
        let (member, epoch) = set.await?;
        Ok(ChangedMember {
            member,
            receipt: seen.receipt(epoch),
        })
    }

    /// Ends a membership, also that of a deactivated person.
    ///
    /// # Errors
    /// `team` or `member` not found; `out_of_reach`.
    pub async fn remove_member(&self, ctx: &Context, team: TeamId, user: UserId) -> Result<Receipt> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let removed = self.0.store.write(async move |tx: &mut Tx| {
            changeable(tx, &ctx, team, &Place::team(team)).await?;
            let had = rows::member(tx, team, user).await?;
            let (had, _) = had.ok_or_else(|| Error::not_found("member"))?;
            rows::remove_member(tx, team, user).await?;
            let epoch = service.owner_changed(tx, user, ctx.now(), &visibility).await?;
            service
                .record(tx, &ctx.by(), vec![event(team, user, Some(had), None)])
                .await?;
            Ok::<_, Error>(epoch)
        });
        Ok(seen.receipt(removed.await?))
    }
}

/// A member's place in the list.
fn place(member: &Member) -> String {
    NameKey::of(&member.email).into_string()
}

/// A person of the caller's organization who is not deactivated.
async fn active(tx: &mut Tx, ctx: &Context, user: UserId) -> Result<UserRow> {
    let person = users::by_id(tx, user).await?;
    let active = |person: &UserRow| person.org == ctx.org() && person.deactivated_at.is_none();
    person.filter(active).ok_or_else(|| Error::not_found("user"))
}

/// Only what the change adds is measured against the caller: a weaker caller may always narrow what somebody may do.
fn refuse_excess(ctx: &Context, team: TeamId, had: Option<TeamRole>, role: TeamRole) -> Result<()> {
    let has = had.map_or(ScopeSet::EMPTY, TeamRole::scopes);
    let added = Grant {
        on: Selector::team(team),
        scopes: role.scopes().difference(has),
    };
    let resources = (had != Some(role)).then(|| role.on_resources(team));
    let had_resources = had.map(|had| had.on_resources(team));
    let added = Authority::new([added], ScopeSet::EMPTY)
        .with_roles(resources)
        .beyond(&Authority::nothing().with_roles(had_resources));
    ctx.caller.power.covers(&added).map_err(|excess| Error::Refused {
        code: "role_exceeds_caller",
        detail: format!(
            "the role `{}` brings {excess}, which {} lacks",
            role.as_str(),
            ctx.caller.by.noun(),
        ),
    })
}

fn event(team: TeamId, user: UserId, had: Option<TeamRole>, has: Option<TeamRole>) -> Record {
    let action = match (had, has) {
        (None, _) => Action::TeamMemberAdded,
        (Some(_), Some(_)) => Action::TeamMemberChanged,
        (Some(_), None) => Action::TeamMemberRemoved,
    };
    let role = |role: Option<TeamRole>| role.map(TeamRole::as_str);
    Record {
        action,
        subject: team.to_string(),
        detail: json!({ "user": user.to_string(), "role": { "from": role(had), "to": role(has) } }),
    }
}
