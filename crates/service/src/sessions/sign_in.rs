//! Sign in: an e-mail address and a password to a session.
//!
//! Unknown, without a password, wrong, deactivated: the same answer after the same work, and after the same number of guesses none is
//! looked at. What was checked is looked at again where the session is written: a new password or a deactivation in between wins.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::name::Email;
use claviger_domain::password::Password;
use claviger_domain::session::{EndReason, LIFETIME, MAX_LIVE, Session};
use claviger_domain::{SessionId, UserId};
use claviger_store::passwords::PasswordRow;
use claviger_store::users::UserRow;
use claviger_store::{Tx, passwords, sessions as rows, users};
use claviger_token::{Digest, TicketKind};
use serde_json::json;

use super::failures::Failure;
use super::{SignedIn, live_at};
use crate::audit::{By, Record};
use crate::error::{Error, Result, Unproven};
use crate::people::Target;
use crate::{Origin, Service};

/// An account as a sign-in finds it.
struct Account {
    row: UserRow,
    /// `None` too when the person may not act.
    password: Option<PasswordRow>,
}

impl Service {
    /// Begins a session. `before` is the secret of the session that the browser still has: it ends. So does the person's oldest when
    /// there are [`MAX_LIVE`].
    ///
    /// # Errors
    /// [`Unproven::SignIn`]; `TooManyAttempts`; `Busy`; those of the store.
    pub async fn sign_in(
        &self,
        origin: &Origin,
        email: &Email,
        password: &str,
        before: Option<&str>,
    ) -> Result<SignedIn> {
        let presented = Password::presented(password);
        let account = self.account(email).await?;
        let known = account.as_ref().map(|account| account.row.id);
        let targets = Target::of_guess(known, email, origin.address);
        let kept = account.as_ref().and_then(|account| account.password.clone());
        let checked = self.attempt(&targets, kept.as_ref(), presented.clone()).await;
        if let Some(failure) = Failure::of(&checked) {
            let who = account.as_ref().map(|account| (account.row.org, account.row.id));
            self.note_failed_sign_in(who, origin, failure);
        }
        // Only a kept password is ever right.
        let (true, Some(account), Some(kept)) = (checked?, account, kept) else {
            return Err(Unproven::SignIn.into());
        };
        let replaced = before.and_then(|secret| self.ticket_digests(TicketKind::Session, secret));
        let signed_in = self
            .begin_session(origin, &account.row, kept.clone(), replaced)
            .await?;
        self.renew_hash(account.row.id, kept, presented).await;
        Ok(signed_in)
    }

    /// The same statements whether there is such a person or not.
    async fn account(&self, email: &Email) -> Result<Option<Account>> {
        let key = email.key().into_string();
        let read = self.0.store.read(async move |tx: &mut Tx| {
            let row = users::by_email_key(tx, &key).await?;
            // No person has the number 0.
            let user = row.as_ref().map_or(UserId::from_i64(0), |row| row.id);
            let password = passwords::get(tx, user).await?;
            let account = |row: UserRow| Account {
                password: password.filter(|_| row.deactivated_at.is_none()),
                row,
            };
            Ok::<_, Error>(row.map(account))
        });
        read.await
    }

    async fn begin_session(
        &self,
        origin: &Origin,
        user: &UserRow,
        checked: PasswordRow,
        replaced: Option<Vec<Digest>>,
    ) -> Result<SignedIn> {
        let (secret, digest) = self.session_secret()?;
        let session = self.new_session(origin, user);
        let service = self.clone();
        let origin = origin.clone();
        let begun = self.0.store.write(async move |tx: &mut Tx| {
            let row = users::by_id(tx, session.user).await?;
            let may_act = row.is_some_and(|row| row.deactivated_at.is_none());
            if !may_act || passwords::get(tx, session.user).await? != Some(checked) {
                return Err(Unproven::SignIn.into());
            }
            let by = By {
                org: session.org,
                actor: Actor::Person(session.user),
                origin: &origin,
            };
            if let Some(digests) = replaced {
                service.end_replaced(tx, &by, &digests).await?;
            }
            service.end_oldest(tx, &by, session.user).await?;
            rows::insert(tx, &session, &digest).await?;
            let record = Record {
                action: Action::SessionStarted,
                subject: session.id.to_string(),
                detail: json!({ "ends_at": session.ends_at.to_string() }),
            };
            service.record(tx, &by, vec![record]).await?;
            Ok::<_, Error>(session)
        });
        let session = begun.await?;
        Ok(SignedIn { session, secret })
    }

    fn new_session(&self, origin: &Origin, user: &UserRow) -> Session {
        let now = origin.now;
        Session {
            id: SessionId::from_i64(self.0.ids.next(now)),
            org: user.org,
            user: user.id,
            created_at: now,
            signed_in_at: now,
            last_seen_at: now,
            ends_at: now + LIFETIME,
            address: origin.address.map(|address| address.to_string()),
            ended_at: None,
        }
    }

    /// Ends the session that the browser had (ASVS 5.0 §7.2.4). Another organization's trail is not written here.
    async fn end_replaced(&self, tx: &mut Tx, by: &By<'_>, digests: &[Digest]) -> Result<()> {
        let found = rows::by_digest(tx, digests).await?;
        match found.filter(|found| found.is_live(by.origin.now) && found.org == by.org) {
            Some(found) => self.end_one(tx, by, found.id, EndReason::Replaced).await,
            None => Ok(()),
        }
    }

    /// Makes room for one more.
    async fn end_oldest(&self, tx: &mut Tx, by: &By<'_>, user: UserId) -> Result<()> {
        let limit = u32::try_from(MAX_LIVE).unwrap_or(u32::MAX);
        let live = rows::live_of(tx, user, live_at(by.origin.now), None, limit).await?;
        for oldest in live.iter().skip(MAX_LIVE - 1) {
            self.end_one(tx, by, oldest.id, EndReason::TooMany).await?;
        }
        Ok(())
    }
}
