//! Passwords: check one, change one's own.
//!
//! Wrong ones are counted in memory for each person; a restart forgets them, which gives a guesser five more tries. Counted is
//! before the hash and given back after a right one, so that guesses made at once are no more than guesses made in turn.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use claviger_domain::UserId;
use claviger_domain::audit::Action;
use claviger_domain::password::Password;
use claviger_store::passwords::PasswordRow;
use claviger_store::{Tx, passwords as rows, users};
use serde_json::json;

use super::authority_of;
use crate::audit::{By, Record};
use crate::error::{Error, Result};
use crate::{Context, Service};

/// Wrong passwords of one person within [`WINDOW`].
const MAX_WRONG: usize = 5;
/// How long a wrong password counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// When each person's wrong passwords were presented, in monotonic time.
pub(crate) type Attempts = Mutex<HashMap<UserId, VecDeque<Duration>>>;

impl Service {
    /// True when this is the password of the person, who may act. It takes the same work when there is no such person (`None`), when
    /// the person has no password, and when the password is wrong.
    ///
    /// # Errors
    /// `TooManyAttempts`; `Busy`; those of the store.
    pub async fn verify_password(&self, user: Option<UserId>, password: &str) -> Result<bool> {
        let presented = Password::presented(password);
        let Some(user) = user else {
            return self.matches_password(None, presented).await;
        };
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let row = users::by_id(tx, user).await?;
            match row.filter(|row| row.deactivated_at.is_none()) {
                Some(_) => rows::get(tx, user).await,
                None => Ok(None),
            }
        });
        let kept = read.await?;
        let is_right = self.attempt(user, kept.as_ref(), presented.clone()).await?;
        if is_right && let Some(kept) = kept {
            self.renew_hash(user, kept, presented).await;
        }
        Ok(is_right)
    }

    /// Gives the caller a new password.
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
                if !self.attempt(user, Some(kept), presented).await? {
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
            service.put_password(tx, &ctx.by(), user, &hashed).await
        });
        written.await
    }

    /// Puts a new password, ends the resets that would replace it, and says so in the audit trail.
    pub(super) async fn put_password(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        user: UserId,
        password: &PasswordRow,
    ) -> Result<()> {
        let now = by.origin.now;
        rows::put(tx, user, password, now).await?;
        rows::end_resets(tx, user, now, now).await?;
        let record = Record {
            action: Action::UserPasswordChanged,
            subject: user.to_string(),
            detail: json!({}),
        };
        self.record(tx, by, vec![record]).await
    }

    /// Checks a presented password and counts it when it is wrong.
    async fn attempt(&self, user: UserId, kept: Option<&PasswordRow>, presented: Password) -> Result<bool> {
        self.count_attempt(user)?;
        let checked = self.matches_password(kept, presented).await;
        if !matches!(checked, Ok(false)) {
            // A right one, or none at all: the server was busy.
            self.uncount_attempt(user, matches!(checked, Ok(true)));
        }
        checked
    }

    fn count_attempt(&self, user: UserId) -> Result<()> {
        let now = self.0.clock.monotonic();
        let mut attempts = Self::lock(&self.0.attempts);
        let wrong = attempts.entry(user).or_default();
        wrong.retain(|at| now.saturating_sub(*at) < WINDOW);
        if let Some(oldest) = wrong.front().filter(|_| wrong.len() >= MAX_WRONG) {
            let wait = WINDOW.saturating_sub(now.saturating_sub(*oldest));
            let retry_after_seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).max(1);
            return Err(Error::TooManyAttempts { retry_after_seconds });
        }
        wrong.push_back(now);
        Ok(())
    }

    fn uncount_attempt(&self, user: UserId, all: bool) {
        let mut attempts = Self::lock(&self.0.attempts);
        if let Some(wrong) = attempts.get_mut(&user) {
            wrong.pop_back();
            if all || wrong.is_empty() {
                attempts.remove(&user);
            }
        }
    }

    /// Moves a right password to the current pepper. When it cannot be done now, the next sign-in tries again.
    async fn renew_hash(&self, user: UserId, kept: PasswordRow, password: Password) {
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

pub(super) fn wrong() -> Error {
    Error::Refused {
        code: "password_wrong",
        detail: "this is not the present password".to_owned(),
    }
}
