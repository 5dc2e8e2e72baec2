//! Check: the secret of a cookie to a caller, at every request that a browser makes.

use std::sync::Arc;

use claviger_domain::authority::{Authority, Power};
use claviger_domain::owner::{Caller, Means};
use claviger_domain::session::Session;
use claviger_domain::{ScopeSet, SessionId, Timestamp};
use claviger_store::{Tx, sessions as rows};
use claviger_token::{Digest, TicketKind};
use claviger_verify::Owner;

use crate::error::{Error, Result, Unproven};
use crate::{Origin, Service, owners};

impl Service {
    /// The person who is signed in with this secret, if they have all the scopes somewhere. Cost: three indexed reads, and once a
    /// minute a write.
    ///
    /// # Errors
    /// [`Unproven::Session`]; `Forbidden`; those of the store.
    pub async fn check_session(&self, origin: &Origin, secret: &str, required: ScopeSet) -> Result<Caller> {
        let digests = self
            .ticket_digests(TicketKind::Session, secret)
            .ok_or(Unproven::Session)?;
        let now = origin.now;
        let read = self
            .0
            .store
            .read(async move |tx: &mut Tx| standing(tx, &digests, now).await);
        let (session, owner) = read.await?.ok_or(Unproven::Session)?;
        if session.is_due(now) {
            self.note_seen(session.id, now).await;
        }
        let caller = caller(&session, owner);
        let missing = required.difference(caller.power.scopes());
        if !missing.is_empty() {
            let who = caller.by.noun();
            return Err(Error::Forbidden { who, missing });
        }
        Ok(caller)
    }

    /// A request does not fail because its time could not be noted; the session ends sooner, that is all.
    async fn note_seen(&self, id: SessionId, now: Timestamp) {
        let write = self
            .0
            .store
            .write(async move |tx: &mut Tx| rows::touch(tx, id, now).await);
        if let Err(error) = write.await {
            tracing::warn!(error = ?error, session.id = %id, "the last use of a session could not be noted");
        }
    }
}

/// The live session and what its person may do, as of one snapshot of the store.
async fn standing(tx: &mut Tx, digests: &[Digest], now: Timestamp) -> Result<Option<(Session, Owner)>> {
    let found = rows::by_digest(tx, digests).await?;
    let Some(session) = found.filter(|session| session.is_live(now)) else {
        return Ok(None);
    };
    let owner = owners::of(tx, session.user).await?;
    Ok(owner.active.then_some((session, owner)))
}

/// A session was given everything: its person alone bounds it.
fn caller(session: &Session, owner: Owner) -> Caller {
    Caller {
        by: Means::Session {
            id: session.id,
            signed_in_at: session.signed_in_at,
        },
        owner: session.user.into(),
        user: Some(session.user),
        org: session.org,
        power: Power::new(Arc::new(Authority::everything()), owner.authority),
        expires_at: None,
        terms: Arc::default(),
    }
}
