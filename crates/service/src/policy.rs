//! The policy of an organization: show, write; and the end of tokens that nobody uses.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::authority::Place;
use claviger_domain::policy::Policy;
use claviger_domain::time::DAY_SECONDS;
use claviger_domain::token::{PresentedIn, RevokeReason, TokenType};
use claviger_domain::{FieldError, OrgId, Scope, Timestamp, TokenId};
use claviger_store::{Tx, policies as rows, tokens};
use serde_json::json;

use crate::audit::{By, Record};
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::tokens::revocations;
use crate::{Context, Origin, Service};

/// Unused tokens that one transaction revokes.
const CHUNK: u32 = 500;

/// The policy that holds for the organization now.
pub(crate) async fn of(tx: &mut Tx, org: OrgId) -> Result<Policy> {
    Ok(rows::of(tx, org).await?.unwrap_or_default())
}

impl Service {
    /// The policy of the caller's organization.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn show_policy(&self, ctx: &Context) -> Result<Policy> {
        let org = ctx.org();
        self.0
            .store
            .read(async move |tx: &mut Tx| of(tx, org).await)
            .await
    }

    /// Writes the whole policy. It bounds what is issued or prolonged from now on.
    ///
    /// # Errors
    /// `out_of_reach`; `Invalid` for rules that do not fit together, each with its field.
    pub async fn put_policy(&self, ctx: &Context, policy: Policy) -> Result<Policy> {
        ctx.require(Scope::SystemWrite, &Place::ORGANIZATION)?;
        let errors: Vec<FieldError> = policy
            .types()
            .into_iter()
            .filter_map(|(token_type, rules)| rules.check(token_type.as_str()).err())
            .flatten()
            .collect();
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let service = self.clone();
        let ctx = ctx.clone();
        let put = self.0.store.write(async move |tx: &mut Tx| {
            let before = of(tx, ctx.org()).await?;
            rows::put(tx, ctx.org(), &policy, ctx.now()).await?;
            let record = Record {
                action: Action::PolicyWritten,
                subject: ctx.org().to_string(),
                detail: json!({ "from": before, "to": policy }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(policy)
        });
        put.await
    }

    /// Revokes the tokens that nobody has used for as long as their organization's policy says. Cost: the tokens of the organizations that say so.
    ///
    /// # Errors
    /// Those of the store; what was not revoked is at the next turn.
    pub async fn revoke_unused(&self) -> Result<()> {
        self.flush_uses().await?;
        let now = self.0.clock.now();
        let policies = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::all(tx).await)
            .await?;
        for (org, policy) in policies {
            for (token_type, rules) in policy.types() {
                let Some(days) = rules.revoke_unused_after_days else {
                    continue;
                };
                let since = Timestamp::from_seconds(now.seconds() - i64::from(days) * DAY_SECONDS);
                while self.revoke_unused_of(org, token_type, since, now).await? == CHUNK as usize {}
            }
        }
        Ok(())
    }

    async fn revoke_unused_of(
        &self,
        org: OrgId,
        token_type: TokenType,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<usize> {
        let service = self.clone();
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let unused = tokens::unused(tx, org, token_type.as_str(), since, now, CHUNK).await?;
            if unused.is_empty() {
                return Ok(0);
            }
            let revocation = tokens::RevocationRow {
                at: now,
                by: Actor::System.to_string(),
                reason: RevokeReason::Unused.as_str().to_owned(),
                note: None,
            };
            let revoked = tokens::revoke(tx, &unused, &revocation).await?;
            let ids: Vec<TokenId> = revoked.iter().map(|row| row.id).collect();
            let applied = revoked
                .iter()
                .flat_map(|row| revocations(row.digest, row.previous))
                .collect();
            service
                .change(tx, Kind::Revoke, &ids, now, &Visibility::default(), applied)
                .await?;
            let origin = Origin {
                request_id: String::new(),
                address: None,
                presented_in: PresentedIn::Header,
                now,
            };
            let by = By {
                org,
                actor: Actor::System,
                origin: &origin,
            };
            let records = ids.iter().map(|id| Record {
                action: Action::TokenRevoked,
                subject: id.to_string(),
                detail: json!({ "reason": RevokeReason::Unused.as_str(), "note": null }),
            });
            service.record(tx, &by, records.collect()).await?;
            Ok::<_, Error>(ids.len())
        });
        let revoked = write.await?;
        self.0.metrics.revoked.inc_by(revoked as u64);
        Ok(revoked)
    }
}
