//! Idempotency-Key on creating calls: the same key and body get the same answer, and the effect happens once.
//!
//! The answer is kept in the same transaction as the effect, sealed so that only the client's own key opens it. It is kept 24
//! hours; one that shows a secret is given up when that secret is first used or replaced, or ten minutes have passed (security.md T25).

use std::time::Duration;

use claviger_domain::owner::Means;
use claviger_domain::{OwnerId, Timestamp, TokenId};
use claviger_store::{Tx, idempotency as rows, tokens};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::tokens::of_present_secret;
use crate::{Context, Service, seal};

/// How long an answer is repeated.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long an answer that shows a secret is repeated.
pub const SECRET_KEPT: Duration = Duration::from_secs(10 * 60);
/// The longest key, in bytes.
pub const MAX_KEY_BYTES: usize = 255;

/// The client's key: 1–255 visible ASCII characters. Kept only as a hash.
#[derive(Clone)]
pub struct IdempotencyKey(Zeroizing<String>);

/// What makes a creating call idempotent.
pub struct Once<T> {
    /// The client's key.
    pub key: IdempotencyKey,
    /// SHA-256 over method, path and body: a key that comes again with another one is refused.
    pub fingerprint: [u8; 32],
    /// Writes the answer that is to be repeated.
    pub render: fn(&T) -> Vec<u8>,
}

/// The outcome of a creating call.
#[derive(Debug)]
pub enum Reply<T> {
    /// It was done now.
    Fresh(T),
    /// It was done before: the answer of then.
    Repeated(Zeroizing<Vec<u8>>),
}

/// Keeps a key marked as "being answered" until it goes.
pub(crate) struct InFlight {
    service: Service,
    key_hash: [u8; 32],
}

/// A key that this transaction is about, with what its record needs.
pub(crate) struct Claim<T> {
    once: Once<T>,
    key_hash: [u8; 32],
    _mark: InFlight,
}

impl IdempotencyKey {
    /// Parses the header's value.
    ///
    /// # Errors
    /// `None` when it is empty, longer than [`MAX_KEY_BYTES`], or holds anything but visible ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let visible = !text.is_empty()
            && text.len() <= MAX_KEY_BYTES
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        visible.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// What is kept of the key: it is the caller's own, so another caller's equal key is another record.
    fn hash(&self, owner: OwnerId, by: Means) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(b"claviger idempotency v1\0");
        hash.update(owner.get().to_be_bytes());
        hash.update(by.number().to_be_bytes());
        hash.update(self.0.as_bytes());
        hash.finalize().into()
    }
}

impl<T> Claim<T> {
    /// The answer of the first time, if there was one.
    ///
    /// # Errors
    /// `idempotency_key_reused` for another body; `secret_already_shown` when the answer is no longer kept.
    pub(crate) async fn earlier(
        &self,
        tx: &mut Tx,
        service: &Service,
        now: Timestamp,
    ) -> Result<Option<Reply<T>>> {
        let Some(row) = rows::get(tx, &self.key_hash)
            .await?
            .filter(|row| row.expires_at > now)
        else {
            return Ok(None);
        };
        if row.request_hash != self.once.fingerprint {
            return Err(Error::Unprocessable {
                code: "idempotency_key_reused",
                detail: "this Idempotency-Key was used with another request; choose a new one".into(),
            });
        }
        let shown = || {
            Error::conflict(
                "secret_already_shown",
                "the secret was shown once and is gone; regenerate the token to get a new one",
            )
        };
        if let Some(token) = row.token_id
            && (now.since(row.created_at) >= SECRET_KEPT
                || service.is_spent(tx, token, (row.created_at, now)).await?)
        {
            return Err(shown());
        }
        let sealed = row.sealed.ok_or_else(shown)?;
        let body = seal::open(&service.0.keys, &self.once.key.0, &sealed).ok_or_else(shown)?;
        service.0.metrics.replayed.inc();
        Ok(Some(Reply::Repeated(body)))
    }

    /// Keeps the answer in the transaction of the effect. `secret_of` is the token whose secret the answer shows.
    pub(crate) async fn keep(
        &self,
        tx: &mut Tx,
        service: &Service,
        value: &T,
        now: Timestamp,
        secret_of: Option<TokenId>,
    ) -> Result<()> {
        let body = Zeroizing::new((self.once.render)(value));
        let sealed = seal::seal(&service.0.keys, &*service.0.random, &self.once.key.0, &body)?;
        let row = rows::IdempotencyRow {
            key_hash: self.key_hash.to_vec(),
            request_hash: self.once.fingerprint.to_vec(),
            token_id: secret_of,
            sealed: Some(sealed),
            created_at: now,
            expires_at: now + KEPT,
        };
        Ok(rows::put(tx, &row).await?)
    }
}

impl Service {
    /// Marks the key of `once` as being answered.
    ///
    /// # Errors
    /// `idempotency_in_flight` when its first request has no answer yet.
    pub(crate) fn claim<T>(&self, ctx: &Context, once: Option<Once<T>>) -> Result<Option<Claim<T>>> {
        let Some(once) = once else { return Ok(None) };
        let key_hash = once.key.hash(ctx.caller.owner, ctx.caller.by);
        if !Self::lock(&self.0.in_flight).insert(key_hash) {
            return Err(Error::conflict(
                "idempotency_in_flight",
                "the first request with this Idempotency-Key has no answer yet; wait for it",
            ));
        }
        Ok(Some(Claim {
            once,
            key_hash,
            _mark: InFlight {
                service: self.clone(),
                key_hash,
            },
        }))
    }
}

impl Service {
    /// True when the secret that the token was given at `given` was accepted since, also when the store does not know yet, or is good no
    /// more because another replaced it: a dead secret is shown to nobody. What the token's other secrets were used for does not count.
    async fn is_spent(
        &self,
        tx: &mut Tx,
        token: TokenId,
        (given, now): (Timestamp, Timestamp),
    ) -> Result<bool> {
        let Some(row) = tokens::by_id(tx, token).await? else {
            return Ok(true);
        };
        if row.regenerated_at.unwrap_or(row.created_at) == given {
            let stored = of_present_secret(row.last_used_at, row.awaits_first_use);
            return Ok(stored.or(self.0.verifier.last_used(&row.digest)).is_some());
        }
        // Answers that show an older one than the previous were given up when that was replaced.
        let over = self.0.verifier.overlap_ended(token);
        Ok(match row.previous.filter(|old| old.ends_at > now && !over) {
            Some(old) => old
                .last_used_at
                .or(self.0.verifier.last_used(&old.digest))
                .is_some(),
            None => true,
        })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        Service::lock(&self.service.0.in_flight).remove(&self.key_hash);
    }
}
