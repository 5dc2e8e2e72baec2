//! List and show: where a person is signed in.

use claviger_domain::session::{KEPT, Session};
use claviger_domain::{Scope, ScopeSet, UserId};
use claviger_store::{Tx, sessions as rows};

use super::live_at;
use crate::error::{Error, Result};
use crate::{Context, Service, cursor};

impl Service {
    /// A page of the live sessions of `user`, or of the caller, the newest first, and the cursor of the next.
    ///
    /// # Errors
    /// `user` not found, also without a user for a token that acts as itself; `Forbidden`; `Invalid` for a cursor of another list;
    /// those of the store.
    pub async fn list_sessions(
        &self,
        ctx: &Context,
        user: Option<UserId>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Session>, Option<String>)> {
        let own = ctx.caller.user;
        let user = user.or(own).ok_or_else(|| Error::not_found("user"))?;
        let described = format!("sessions {user}");
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            if own != Some(user) {
                service.visible_person(tx, &ctx, user).await?;
            } else if !ctx.may_see_people() {
                require_own(&ctx, Scope::TokensRead)?;
            }
            Ok::<_, Error>(rows::live_of(tx, user, live_at(ctx.now()), before, limit + 1).await?)
        });
        let mut found = read.await?;
        let next = self.cut(&described, &mut found, limit, |last| last.id.to_string());
        Ok((found, next))
    }

    /// The session that the caller is signed in with.
    ///
    /// # Errors
    /// `session` not found for a caller who presents a token; those of the store.
    pub async fn own_session(&self, ctx: &Context) -> Result<Session> {
        let not_found = || Error::not_found("session");
        let id = ctx.caller.session().ok_or_else(not_found)?;
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::by_id(tx, id).await);
        read.await?.ok_or_else(not_found)
    }

    /// Forgets the sessions that were over long ago.
    pub(crate) async fn clear_sessions(&self) -> Result<()> {
        let before = self.0.clock.now() - KEPT;
        let write = self
            .0
            .store
            .write(async move |tx: &mut Tx| rows::purge(tx, before).await);
        write.await?;
        Ok(())
    }
}

/// Sessions are credentials of a person, as their tokens are: a token needs for them what it needs for those.
pub(super) fn require_own(ctx: &Context, scope: Scope) -> Result<()> {
    if ctx.caller.power.own().contains(scope) {
        return Ok(());
    }
    Err(Error::Forbidden {
        who: ctx.caller.by.noun(),
        missing: ScopeSet::only(scope),
    })
}
