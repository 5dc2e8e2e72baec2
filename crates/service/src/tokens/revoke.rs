//! Revoke one: ended by someone, final. When this returns, no verifier accepts the token again.

use claviger_domain::TokenId;
use claviger_domain::audit::{Action, Actor};
use claviger_domain::name::Label;
use claviger_domain::receipt::Receipt;
use claviger_domain::token::{Revocation, RevokeReason, Token};
use claviger_store::{Tx, tokens as rows};
use claviger_token::Digest;
use claviger_verify::Change;
use serde_json::json;

use super::Changed;
use crate::audit::{By, Record};
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::{Context, Origin, Service};

/// A token that is dead now, and the proof.
#[derive(Debug, Clone)]
pub struct Revoked {
    /// The handle.
    pub id: TokenId,
    /// The proof.
    pub receipt: Receipt,
}

impl Service {
    /// Revokes a token. One that was revoked before stays as it was, and the receipt proves that it is dead now.
    ///
    /// # Errors
    /// `token` not found; those of the store: then the token may be live still, and the caller is told so.
    pub async fn revoke_token(&self, ctx: &Context, id: TokenId, note: Option<Label>) -> Result<Changed> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let revoked = self.0.store.write(async move |tx: &mut Tx| {
            let token = service.manageable(tx, &ctx, id).await?;
            service
                .end(tx, &ctx.by(), token, RevokeReason::Requested, note, &visibility)
                .await
        });
        let (token, epoch) = revoked.await?;
        Ok(Changed {
            token: self.with_pending_use(token),
            unused: None,
            receipt: seen.receipt(epoch),
        })
    }

    /// Revokes the token `id` for whoever holds it.
    pub(super) async fn revoke_held(
        &self,
        origin: &Origin,
        id: TokenId,
        reason: RevokeReason,
        note: Option<Label>,
    ) -> Result<Revoked> {
        let service = self.clone();
        let origin = origin.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let revoked = self.0.store.write(async move |tx: &mut Tx| {
            let row = rows::by_id(tx, id)
                .await?
                .ok_or_else(|| Error::not_found("token"))?;
            let token = super::from_row(&row)?;
            let by = By {
                org: token.org,
                actor: Actor::Holder(id),
                origin: &origin,
            };
            service.end(tx, &by, token, reason, note, &visibility).await
        });
        let (_, epoch) = revoked.await?;
        Ok(Revoked {
            id,
            receipt: seen.receipt(epoch),
        })
    }

    /// Ends a token in this transaction; gives the record after it and the place in the feed. An ended one stays as it is.
    async fn end(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        mut token: Token,
        reason: RevokeReason,
        note: Option<Label>,
        visibility: &Visibility,
    ) -> Result<(Token, u64)> {
        if token.revocation.is_some() {
            let epoch = self.epoch(tx).await?;
            return Ok((token, epoch));
        }
        let revocation = Revocation {
            at: by.origin.now,
            by: by.actor.to_string(),
            reason,
            note,
        };
        rows::revoke(tx, &[token.id], &row_of(&revocation)).await?;
        let applied = revocations(token.digest, token.previous.as_ref().map(|old| old.digest)).collect();
        let epoch = self
            .change(tx, Kind::Revoke, &[token.id], by.origin.now, visibility, applied)
            .await?;
        self.record(tx, by, vec![record_of(token.id, &revocation)])
            .await?;
        token.revocation = Some(revocation);
        let metrics = self.0.metrics.clone();
        tx.after_commit(Box::new(move || {
            metrics.revoked.inc();
        }));
        Ok((token, epoch))
    }
}

/// What ends every secret of a token.
pub(crate) fn revocations(digest: Digest, previous: Option<Digest>) -> impl Iterator<Item = Change> {
    std::iter::once(digest).chain(previous).map(Change::Revoke)
}

/// The columns of a revocation.
pub(super) fn row_of(revocation: &Revocation) -> rows::RevocationRow {
    rows::RevocationRow {
        at: revocation.at,
        by: revocation.by.clone(),
        reason: revocation.reason.as_str().to_owned(),
        note: revocation.note.as_ref().map(|note| note.as_str().to_owned()),
    }
}

/// The audit event of a revocation.
pub(super) fn record_of(id: TokenId, revocation: &Revocation) -> Record {
    let note = revocation.note.as_ref().map(Label::as_str);
    let detail = json!({ "reason": revocation.reason.as_str(), "note": note });
    Record {
        action: Action::TokenRevoked,
        subject: id.to_string(),
        detail,
    }
}
