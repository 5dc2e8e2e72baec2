//! End: sign out, end one, end all of a person. When it is answered, the next request with such a cookie is refused.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::session::EndReason;
use claviger_domain::{Scope, SessionId, UserId};
use claviger_store::{Tx, sessions as rows};
use serde_json::json;

use super::list::require_own;
use super::live_at;
use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::{Context, Service};

impl Service {
    /// Ends the session that the caller is signed in with.
    ///
    /// # Errors
    /// `session` not found for a caller who presents a token; those of the store.
    pub async fn sign_out(&self, ctx: &Context) -> Result<()> {
        let id = ctx.caller.session().ok_or_else(|| Error::not_found("session"))?;
        let service = self.clone();
        let ctx = ctx.clone();
        let write = self
            .0
            .store
            .write(async move |tx: &mut Tx| service.end_one(tx, &ctx.by(), id, EndReason::SignedOut).await);
        write.await
    }

    /// Ends a session: one's own, or anybody's by whoever may change people. One that is over stays as it was.
    ///
    /// # Errors
    /// `session` not found; `Forbidden`, `out_of_reach`; those of the store.
    pub async fn end_session(&self, ctx: &Context, id: SessionId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let is_own = |user| ctx.caller.user == Some(user);
            let session = rows::by_id(tx, id)
                .await?
                .filter(|found| found.org == ctx.org() && (is_own(found.user) || ctx.may_see_people()))
                .ok_or_else(|| Error::not_found("session"))?;
            may_end(&ctx, session.user)?;
            if !session.is_live(ctx.now()) {
                return Ok(());
            }
            service.end_one(tx, &ctx.by(), id, EndReason::Requested).await
        });
        write.await
    }

    /// Ends every session of a person, the caller's own included; gives how many there were.
    ///
    /// # Errors
    /// `user` not found; `Forbidden`, `out_of_reach`; those of the store.
    pub async fn end_sessions_of(&self, ctx: &Context, user: UserId) -> Result<u64> {
        let service = self.clone();
        let ctx = ctx.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            if ctx.caller.user != Some(user) {
                service.visible_person(tx, &ctx, user).await?;
            }
            may_end(&ctx, user)?;
            service
                .end_sessions(tx, &ctx.by(), user, None, EndReason::Requested)
                .await
        });
        write.await
    }

    /// Ends the person's live sessions, `except` one, in this transaction; gives how many.
    pub(crate) async fn end_sessions(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        user: UserId,
        except: Option<SessionId>,
        reason: EndReason,
    ) -> Result<u64> {
        let ended = rows::end_all(tx, user, except, live_at(by.origin.now)).await?;
        let records: Vec<Record> = ended.iter().map(|id| record_of(*id, reason)).collect();
        if !records.is_empty() {
            self.record(tx, by, records).await?;
            self.access_ended(tx, by.origin.now).await?;
        }
        Ok(ended.len() as u64)
    }

    /// Ends a live session in this transaction.
    pub(super) async fn end_one(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        id: SessionId,
        reason: EndReason,
    ) -> Result<()> {
        rows::end(tx, id, by.origin.now).await?;
        self.access_ended(tx, by.origin.now).await?;
        self.record(tx, by, vec![record_of(id, reason)]).await
    }
}

/// Whoever may change people may end anybody's; one's own needs no more than what one's own tokens need.
fn may_end(ctx: &Context, user: UserId) -> Result<()> {
    if ctx.caller.user == Some(user) && !ctx.may(Scope::UsersWrite, &Place::ORGANIZATION) {
        return require_own(ctx, Scope::TokensWrite);
    }
    ctx.require(Scope::UsersWrite, &Place::ORGANIZATION)
}

fn record_of(id: SessionId, reason: EndReason) -> Record {
    Record {
        action: Action::SessionEnded,
        subject: id.to_string(),
        detail: json!({ "reason": reason.as_str() }),
    }
}
