//! Confirm: a signed-in person shows the password again, and the sign-in is recent from then on.

use claviger_domain::audit::Action;
use claviger_domain::password::Password;
use claviger_domain::session::Session;
use claviger_store::{Tx, passwords, sessions as rows};
use serde_json::json;

use super::SignedIn;
use super::failures::Failure;
use crate::audit::Record;
use crate::error::{Error, Result, Unproven};
use crate::people::{Target, wrong};
use crate::{Context, Service};

impl Service {
    /// Makes the caller's sign-in recent. The session has a new secret from then on (ASVS 5.0 §7.2.4); its end stays where it was.
    ///
    /// # Errors
    /// `session` not found for a caller who presents a token; `password_wrong`; `TooManyAttempts`; [`Unproven::Session`] when it was
    /// ended meanwhile; `Busy`; those of the store.
    pub async fn confirm_session(&self, ctx: &Context, password: &str) -> Result<SignedIn> {
        let (Some(id), Some(user)) = (ctx.caller.session(), ctx.caller.user) else {
            return Err(Error::not_found("session"));
        };
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| passwords::get(tx, user).await);
        let kept = read.await?;
        let targets = Target::of_person(user, ctx.origin.address);
        let presented = Password::presented(password);
        let checked = self.attempt(&targets, kept.as_ref(), presented).await;
        if let Some(failure) = Failure::of(&checked) {
            self.note_failed_sign_in(Some((ctx.org(), user)), &ctx.origin, failure);
        }
        if !checked? {
            return Err(wrong());
        }
        let (secret, digest) = self.session_secret()?;
        let service = self.clone();
        let ctx = ctx.clone();
        let confirmed = self.0.store.write(async move |tx: &mut Tx| {
            // A new password or the end of the session in between wins.
            let found = rows::by_id(tx, id).await?;
            let session = found
                .filter(|found| found.is_live(ctx.now()))
                .ok_or(Unproven::Session)?;
            if passwords::get(tx, user).await? != kept {
                return Err(wrong());
            }
            rows::confirm(tx, id, &digest, ctx.now()).await?;
            let record = Record {
                action: Action::SessionConfirmed,
                subject: id.to_string(),
                detail: json!({}),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(Session {
                signed_in_at: ctx.now(),
                last_seen_at: ctx.now(),
                ..session
            })
        });
        let session = confirmed.await?;
        Ok(SignedIn { session, secret })
    }
}
