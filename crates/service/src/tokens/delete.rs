//! Delete: drop a dead record from the lists. Its audit events stay.

use claviger_domain::TokenId;
use claviger_domain::audit::Action;
use claviger_store::{Tx, tokens as rows};
use claviger_verify::Change;
use serde_json::json;

use crate::audit::Record;
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::{Context, Service};

impl Service {
    /// Deletes a revoked or expired record.
    ///
    /// # Errors
    /// `token` not found; `token_live` for one that is still accepted.
    pub async fn delete_token(&self, ctx: &Context, id: TokenId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let token = service.manageable(tx, &ctx, id).await?;
            if token.is_live(ctx.now()) {
                return Err(Error::conflict(
                    "token_live",
                    "the token is live; revoke it before deleting its record",
                ));
            }
            rows::delete(tx, id).await?;
            let visibility = Visibility::default();
            let mut applied = Vec::with_capacity(2);
            if let Some(old) = &token.previous {
                applied.push(Change::EndOverlap {
                    id,
                    current: token.digest,
                    previous: old.digest,
                });
            }
            applied.push(Change::Remove(token.digest));
            service
                .change(tx, Kind::Delete, &[id], ctx.now(), &visibility, applied)
                .await?;
            let detail = json!({ "name": token.name.as_str(), "state": token.state(ctx.now()) });
            let record = Record {
                action: Action::TokenDeleted,
                subject: id.to_string(),
                detail,
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }
}
