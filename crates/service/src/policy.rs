//! The policy of an organization: show, write; and the end of tokens that nobody uses.

use claviger_domain::audit::{Action, Actor};
use claviger_domain::authority::Place;
use claviger_domain::policy::{Policy, TypePolicy};
use claviger_domain::token::{RevokeReason, TokenType};
use claviger_domain::{FieldError, OrgId, Scope, Timestamp, TokenId};
use claviger_store::{Tx, policies as rows, tokens};
use claviger_verify::Change;
use serde_json::json;

use crate::audit::{By, Record};
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::journal::{self, Said};
use crate::tokens::revocations;
use crate::{Context, Origin, Service};

/// Unused tokens that one transaction revokes.
const CHUNK: u32 = 500;

/// The policy that holds for the organization now.
pub(crate) async fn of(tx: &mut Tx, org: OrgId) -> Result<Policy> {
    Ok(rows::of(tx, org).await?.unwrap_or_default())
}

/// Of each type with such a rule, the instant by which a token must have been used to be unused by it.
fn since(policy: &Policy, bound: impl Fn(&TypePolicy) -> Option<Timestamp>) -> tokens::UnusedSince {
    let of_type = |(token_type, rules): (TokenType, &TypePolicy)| Some((token_type.as_str(), bound(rules)?));
    policy.types().into_iter().filter_map(of_type).collect()
}

/// The rule by which the policy flags what nobody uses.
pub(crate) fn flagged(policy: &Policy, now: Timestamp) -> tokens::UnusedSince {
    since(policy, |rules| rules.flagged_since(now))
}

/// What the verifier knows of a policy.
pub(crate) const fn query_tokens(org: OrgId, policy: &Policy) -> Change {
    Change::QueryTokens {
        org,
        allowed: policy.query_tokens,
    }
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

    /// Writes the whole policy. It bounds what is issued or prolonged from now on, and when this returns no verifier accepts a token in
    /// an address that it does not allow there.
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
            let applied = vec![query_tokens(ctx.org(), &policy)];
            let epoch = service
                .change(tx, Kind::Policy, &[], ctx.now(), &Visibility::default(), applied)
                .await?;
            Self::journal(tx, epoch, ctx.now(), Said::of_policy(ctx.org(), &policy)?)?;
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
        let read = self.0.store.read(async move |tx: &mut Tx| {
            Ok::<_, Error>((rows::all(tx).await?, journal::restored_at(tx).await?))
        });
        let (policies, restored) = read.await?;
        for (org, policy) in policies {
            // Of uses from before a restore nobody knows: they count as made until then.
            let is_known = |since: &Timestamp| restored.is_none_or(|restored| restored <= *since);
            let since = since(&policy, |rules| rules.revoked_since(now).filter(is_known));
            if since.is_empty() {
                continue;
            }
            while self.revoke_unused_of(org, since.clone(), now).await? == CHUNK as usize {}
        }
        Ok(())
    }

    async fn revoke_unused_of(
        &self,
        org: OrgId,
        since: tokens::UnusedSince,
        now: Timestamp,
    ) -> Result<usize> {
        let service = self.clone();
        let unused = tokens::TokenFilter {
            unused: Some((true, since)),
            limit: CHUNK,
            ..tokens::TokenFilter::all(org, now)
        };
        let write = self.0.store.write(async move |tx: &mut Tx| {
            let unused = tokens::ids(tx, &unused).await?;
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
            let origin = Origin::own(now);
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
