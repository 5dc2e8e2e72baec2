//! Password resets: somebody who may gives a person the means to choose a new password, once, within a quarter of an hour.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::authority::Place;
use claviger_domain::password::Password;
use claviger_domain::person::RESET_LIFETIME;
use claviger_domain::{Scope, Timestamp, UserId};
use claviger_store::passwords::ResetRow;
use claviger_store::users::UserRow;
use claviger_store::{Tx, passwords as rows, users};
use claviger_token::{Digest, TicketKind, generate_ticket};
use serde_json::json;

use super::{ResetIssued, authority_of};
use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::{Context, Origin, Service};

/// How long a reset that ended is remembered, so that whoever brings it is told that it did.
const REMEMBERED: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);

impl Service {
    /// Issues a reset; the one before is void.
    ///
    /// # Errors
    /// `user` not found; `out_of_reach`; `role_exceeds_caller` for a person who could do more than the caller: the caller could
    /// become that person; `user_deactivated`.
    pub async fn issue_password_reset(&self, ctx: &Context, id: UserId) -> Result<ResetIssued> {
        let secret = generate_ticket(&self.0.prefix, TicketKind::PasswordReset, &*self.0.random)?;
        let digest = self.0.keys.peppers().current.pepper().digest(&secret.hash());
        let expires_at = (ctx.now() + RESET_LIFETIME).truncated_to_millis();
        let reset = ResetRow {
            digest,
            user: id,
            created_at: ctx.now(),
            expires_at,
            ended_at: None,
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let row = service.visible_person(tx, &ctx, id).await?;
            ctx.require(Scope::UsersWrite, &Place::ORGANIZATION)?;
            ctx.require_covers(&authority_of(tx, &row).await?)?;
            if row.deactivated_at.is_some() {
                let detail = "the person is deactivated; reactivate them first";
                return Err(Error::conflict("user_deactivated", detail));
            }
            rows::end_resets(tx, id, ctx.now(), ctx.now() - REMEMBERED).await?;
            service.access_ended(tx, ctx.now()).await?;
            rows::insert_reset(tx, &reset).await?;
            let record = Record {
                action: Action::UserPasswordResetIssued,
                subject: id.to_string(),
                detail: json!({ "expires_at": reset.expires_at.to_string() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        write.await?;
        Ok(ResetIssued { secret, expires_at })
    }

    /// Gives the person a new password for whoever brings the reset, once.
    ///
    /// # Errors
    /// `reset` not found; `reset_gone` when it was used, voided or ran out, or its person was deactivated; `Invalid`; `Busy`.
    pub async fn reset_password(&self, origin: &Origin, secret: &str, new: &str) -> Result<()> {
        let digests = self
            .ticket_digests(TicketKind::PasswordReset, secret)
            .ok_or_else(|| Error::not_found("reset"))?;
        let (wanted, now) = (digests.clone(), origin.now);
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| usable(tx, &wanted, now).await);
        let row = read.await?;
        let new = Password::parse("new", new, &row.email)?;
        let hashed = self.hash_password(new).await?;

        let service = self.clone();
        let origin = origin.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let row = usable(tx, &digests, now).await?;
            let by = By {
                org: row.org,
                actor: Actor::Person(row.id),
                origin: &origin,
            };
            service.put_password(tx, &by, row.id, &hashed, None).await
        });
        write.await
    }
}

/// The person whose password may be changed with this reset, here and now.
async fn usable(tx: &mut Tx, digests: &[Digest], now: Timestamp) -> Result<UserRow> {
    let reset = rows::reset_by_digest(tx, digests)
        .await?
        .ok_or_else(|| Error::not_found("reset"))?;
    let gone = || Error::Gone {
        code: "reset_gone",
        detail: "this reset was used, voided or ran out; ask for another".to_owned(),
    };
    if reset.ended_at.is_some() || now >= reset.expires_at {
        return Err(gone());
    }
    let row = users::by_id(tx, reset.user).await?;
    row.filter(|row| row.deactivated_at.is_none()).ok_or_else(gone)
}
