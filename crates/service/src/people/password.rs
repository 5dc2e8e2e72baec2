//! Passwords: check one, change one's own.

use claviger_domain::audit::Action;
use claviger_domain::password::Password;
use claviger_domain::session::EndReason;
use claviger_domain::{SessionId, UserId};
use claviger_store::passwords::PasswordRow;
use claviger_store::{Tx, passwords as rows, users};
use serde_json::json;

use super::attempts::Target;
use super::authority_of;
use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::{Context, Service};

impl Service {
    /// Gives the caller a new password, and ends all other sessions of theirs.
    ///
    /// # Errors
    /// `user` not found for a token that acts as itself; `Invalid`; `password_wrong`; `TooManyAttempts`; `role_exceeds_caller` when
    /// there is none yet and the calling token may not do all that its person may: it would gain the rest.
    pub async fn change_password(&self, ctx: &Context, current: Option<&str>, new: &str) -> Result<()> {
        let user = ctx.caller.user.ok_or_else(|| Error::not_found("user"))?;
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let row = users::by_id(tx, user)
                .await?
                .ok_or_else(|| Error::not_found("user"))?;
            let authority = authority_of(tx, &row).await?;
            Ok::<_, Error>((row, authority, rows::get(tx, user).await?))
        });
        let (row, authority, kept) = read.await?;
        let new = Password::parse("new", new, &row.email)?;
        match (&kept, current) {
            (None, _) => ctx.require_covers(&authority)?,
            (Some(_), None) => {
                let detail = "say the present password too";
                return Err(Error::field("current", "password_current_missing", detail));
            }
            (Some(kept), Some(current)) => {
                let presented = Password::presented(current);
                let targets = Target::of_person(user, ctx.origin.address);
                if !self.attempt(&targets, Some(kept), presented).await? {
                    return Err(wrong());
                }
            }
        }
        let hashed = self.hash_password(new).await?;
        let service = self.clone();
        let ctx = ctx.clone();
        let written = self.0.store.write(async move |tx: &mut Tx| {
            // What was checked must be what is replaced: a reset in between wins.
            if rows::get(tx, user).await? != kept {
                return Err(wrong());
            }
            let current = ctx.caller.session();
            service.put_password(tx, &ctx.by(), user, &hashed, current).await
        });
        written.await
    }

    /// Puts a new password, ends the resets that would replace it and all sessions but one, and says so in the audit trail.
    pub(super) async fn put_password(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        user: UserId,
        password: &PasswordRow,
        except: Option<SessionId>,
    ) -> Result<()> {
        let now = by.origin.now;
        rows::put(tx, user, password, now).await?;
        rows::end_resets(tx, user, now, now).await?;
        self.access_ended(tx, now).await?;
        self.end_sessions(tx, by, user, except, EndReason::PasswordChanged)
            .await?;
        let record = Record {
            action: Action::UserPasswordChanged,
            subject: user.to_string(),
            detail: json!({}),
        };
        self.record(tx, by, vec![record]).await
    }

    /// Checks a presented password against the kept one, and counts it for `targets` when it is wrong. It takes the same work when
    /// there is none.
    ///
    /// # Errors
    /// `TooManyAttempts`, without a look at the password; `Busy`.
    pub(crate) async fn attempt(
        &self,
        targets: &[Target],
        kept: Option<&PasswordRow>,
        presented: Password,
    ) -> Result<bool> {
        self.0.attempts.count(targets, self.0.clock.monotonic())?;
        let checked = self.matches_password(kept, presented).await;
        match checked {
            Ok(true) => self.0.attempts.forgive(targets),
            Ok(false) => {}
            Err(_) => self.0.attempts.give_back(targets),
        }
        checked
    }

    /// Moves a right password to the current pepper. When it cannot be done now, the next sign-in tries again.
    pub(crate) async fn renew_hash(&self, user: UserId, kept: PasswordRow, password: Password) {
        if kept.pepper == self.0.keys.peppers().current.pepper_id() {
            return;
        }
        let moved = async {
            let made = self.hash_password(password).await?;
            let write = self
                .0
                .store
                .write(async move |tx: &mut Tx| rows::rehash(tx, user, &kept, &made).await);
            write.await.map_err(Error::from)
        };
        if let Err(error) = moved.await {
            tracing::warn!(error = ?error, "a password could not be moved to the current pepper");
        }
    }
}

/// The refusal of a password that is not the present one.
pub(crate) fn wrong() -> Error {
    Error::Refused {
        code: "password_wrong",
        detail: "this is not the present password".to_owned(),
    }
}
