//! Change a person: name, role, rate limit, whether they may act.

use claviger_domain::audit::Action;
use claviger_domain::authority::{Authority, Place, Selector};
use claviger_domain::owner::Role;
use claviger_domain::person::PersonState;
use claviger_domain::role::Assignment;
use claviger_domain::session::EndReason;
use claviger_domain::{Scope, Timestamp, UserId};
use claviger_store::users::UserRow;
use claviger_store::{Tx, passwords, users as rows};
use serde_json::json;

use super::{ChangedPerson, PersonChanges, assignments_of, authority_of, person, rate_limit_of, role_of};
use crate::audit::Record;
use crate::changes::Visibility;
use crate::error::{Error, Result};
use crate::{Context, Service, roles};

impl Service {
    /// Changes a person's name, role or rate limit. Their tokens do from now on what the new role lets them.
    ///
    /// # Errors
    /// `user` not found; `out_of_reach`; `role_exceeds_caller` for a role that could do more than the caller; `last_administrator`.
    pub async fn update_person(
        &self,
        ctx: &Context,
        id: UserId,
        changes: PersonChanges,
    ) -> Result<ChangedPerson> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let changed = self.0.store.write(async move |tx: &mut Tx| {
            let before = service.visible_person(tx, &ctx, id).await?;
            ctx.require(Scope::UsersWrite, &Place::ORGANIZATION)?;
            let (after, records) = changed(&ctx, &before, &changes)?;
            if after.role != before.role {
                refuse_last_administrator(tx, &before).await?;
            }
            if let Some(roles) = &changes.roles {
                refuse_assignments(tx, &ctx, &before, roles).await?;
            }
            rows::update(tx, &after).await?;
            let bounds = |row: &UserRow| (row.role.clone(), row.roles.clone(), row.rate_limit.clone());
            let epoch = if bounds(&after) == bounds(&before) {
                service.epoch(tx).await?
            } else {
                service.owner_changed(tx, id, ctx.now(), &visibility).await?
            };
            service.record(tx, &ctx.by(), records).await?;
            Ok::<_, Error>((person(tx, &after).await?, epoch))
        });
        let (person, epoch) = changed.await?;
        let receipt = seen.receipt(epoch);
        Ok(ChangedPerson { person, receipt })
    }

    /// Ends all that a person may do; no token or session of theirs is accepted when this returns. One who is deactivated stays so.
    ///
    /// # Errors
    /// `user` not found; `out_of_reach`; `last_administrator`.
    pub async fn deactivate_person(&self, ctx: &Context, id: UserId) -> Result<ChangedPerson> {
        self.put_state(ctx, id, PersonState::Deactivated).await
    }

    /// Lets a person act again, through the tokens that did not end meanwhile. One who is active stays so.
    ///
    /// # Errors
    /// `user` not found; `out_of_reach`; `role_exceeds_caller` for a person who could do more than the caller.
    pub async fn reactivate_person(&self, ctx: &Context, id: UserId) -> Result<ChangedPerson> {
        self.put_state(ctx, id, PersonState::Active).await
    }

    async fn put_state(&self, ctx: &Context, id: UserId, state: PersonState) -> Result<ChangedPerson> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let changed = self.0.store.write(async move |tx: &mut Tx| {
            let before = service.visible_person(tx, &ctx, id).await?;
            ctx.require(Scope::UsersWrite, &Place::ORGANIZATION)?;
            let is_active = before.deactivated_at.is_none();
            if is_active == (state == PersonState::Active) {
                return Ok((person(tx, &before).await?, service.epoch(tx).await?));
            }
            let after = match state {
                PersonState::Active => reactivated(tx, &ctx, &before).await?,
                PersonState::Deactivated => deactivated(tx, &before, ctx.now()).await?,
            };
            rows::update(tx, &after).await?;
            if state == PersonState::Deactivated {
                let ended = EndReason::Deactivated;
                service.end_sessions(tx, &ctx.by(), id, None, ended).await?;
            }
            let epoch = service.owner_changed(tx, id, ctx.now(), &visibility).await?;
            let action = match state {
                PersonState::Active => Action::UserReactivated,
                PersonState::Deactivated => Action::UserDeactivated,
            };
            let record = Record {
                action,
                subject: id.to_string(),
                detail: json!({ "role": after.role }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>((person(tx, &after).await?, epoch))
        });
        let (person, epoch) = changed.await?;
        let receipt = seen.receipt(epoch);
        Ok(ChangedPerson { person, receipt })
    }
}

/// The row after the changes, and what the audit trail says of them. No name there: the trail outlives the account.
fn changed(ctx: &Context, before: &UserRow, changes: &PersonChanges) -> Result<(UserRow, Vec<Record>)> {
    let mut after = before.clone();
    let mut records = Vec::new();
    let mut record = |action, detail| {
        records.push(Record {
            action,
            subject: before.id.to_string(),
            detail,
        });
    };
    if let Some(name) = &changes.name
        && before.name.as_deref() != Some(name.as_str())
    {
        after.name = Some(name.as_str().to_owned());
        after.name_key = Some(name.key().into_string());
        record(Action::UserUpdated, json!({ "changed": ["name"] }));
    }
    if let Some(role) = changes.role
        && before.role != role.as_str()
    {
        ctx.require_covers(&role.authority(&[], []))?;
        role.as_str().clone_into(&mut after.role);
        record(
            Action::UserRoleChanged,
            json!({ "from": before.role, "to": after.role }),
        );
    }
    if let Some(roles) = &changes.roles {
        let stored = roles::to_stored(roles);
        if stored != before.roles {
            after.roles = stored;
            record(
                Action::UserRolesAssigned,
                json!({ "from": assignments_of(before)?, "to": roles }),
            );
        }
    }
    if let Some(limit) = changes.rate_limit
        && rate_limit_of(before)? != limit
    {
        after.rate_limit = limit.map(|limit| serde_json::to_string(&limit).unwrap_or_default());
        let (from, to) = (rate_limit_of(before)?, limit);
        let detail = json!({ "changed": ["rate_limit"], "rate_limit": { "from": from, "to": to } });
        record(Action::UserUpdated, detail);
    }
    Ok((after, records))
}

/// Only what the assignments add is measured against the caller: a weaker caller may always take roles away.
async fn refuse_assignments(
    tx: &mut Tx,
    ctx: &Context,
    before: &UserRow,
    roles: &[Assignment],
) -> Result<()> {
    let book = roles::book(tx, before.org).await?;
    roles::check_assignments(tx, before.org, &book, roles).await?;
    let everywhere = Selector::everywhere();
    let had = assignments_of(before)?;
    let gives = |assignments| Authority::nothing().with_roles(book.grants(assignments, &everywhere));
    ctx.require_covers(&gives(roles).beyond(&gives(&had)))
}

async fn deactivated(tx: &mut Tx, before: &UserRow, now: Timestamp) -> Result<UserRow> {
    refuse_last_administrator(tx, before).await?;
    passwords::end_resets(tx, before.id, now, now).await?;
    Ok(UserRow {
        deactivated_at: Some(now),
        ..before.clone()
    })
}

/// Power comes back, so the caller must have as much.
async fn reactivated(tx: &mut Tx, ctx: &Context, before: &UserRow) -> Result<UserRow> {
    ctx.require_covers(&authority_of(tx, before).await?)?;
    Ok(UserRow {
        deactivated_at: None,
        ..before.clone()
    })
}

/// Refuses to take the last active administrator's power. Writers are one at a time, so two cannot go at once.
async fn refuse_last_administrator(tx: &mut Tx, user: &UserRow) -> Result<()> {
    if role_of(user)? != Role::SuperAdmin || user.deactivated_at.is_some() {
        return Ok(());
    }
    if rows::others_with_role(tx, user.org, &user.role, user.id).await? > 0 {
        return Ok(());
    }
    Err(Error::conflict(
        "last_administrator",
        "this is the last super administrator who may act; make another one first",
    ))
}
