//! Issue: a new record and its secret, which is shown once.

use claviger_domain::audit::Action;
use claviger_domain::authority::Authority;
use claviger_domain::name::Label;
use claviger_domain::owner::{Caller, Principal};
use claviger_domain::policy::Policy;
use claviger_domain::session::is_sensitive;
use claviger_domain::terms::Terms;
use claviger_domain::token::{Expiry, Holder, Token, attenuates};
use claviger_domain::{OrgId, Timestamp, TokenId};
use claviger_store::{Tx, tokens as rows};
use claviger_token::{Digest, PepperId, Secret, generate};
use claviger_verify::{Change, MAX_TOKENS};
use serde_json::json;

use super::{
    Issued, NewToken, owner_of, record::to_row, shown, shown_holder, shown_restrictions, shown_terms,
};
use crate::audit::{By, Record};
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service, policy};

/// Who makes a token, as far as its record tells.
pub(crate) struct Maker {
    /// The tenant.
    pub(crate) org: OrgId,
    /// Who.
    pub(crate) principal: Principal,
    /// When what they presented ends: the token is not to outlive it unasked.
    pub(crate) expires_at: Option<Timestamp>,
}

impl From<&Caller> for Maker {
    fn from(caller: &Caller) -> Self {
        Self {
            org: caller.org,
            principal: caller.principal(),
            expires_at: caller.expires_at,
        }
    }
}

impl Service {
    /// Issues a token to the caller, or one that acts as itself for the organization, a team or a service.
    ///
    /// # Errors
    /// `Invalid` when the token would reach further, live longer or be bound less than the caller's;
    /// [`Unproven::Recently`](crate::Unproven); `team` or `service` not found; `out_of_reach`; `token_name_taken`; those of an
    /// Idempotency-Key; those of the store.
    pub async fn issue_token(
        &self,
        ctx: &Context,
        new: NewToken,
        once: Option<Once<Issued>>,
    ) -> Result<Reply<Issued>> {
        let claim = self.claim(ctx, once)?;
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let reply = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(claim) = &claim
                && let Some(earlier) = claim.earlier(tx, &service, ctx.now()).await?
            {
                return Ok(earlier);
            }
            let holder = service.holder(tx, &ctx, new.recipient).await?;
            let policy = policy::of(tx, ctx.org()).await?;
            let (token, secret) = service.make(&new, holder, (&(&ctx.caller).into(), &policy), ctx.now())?;
            let known = service.refer(tx, &ctx, &token, true, true).await?;
            let authority = known.authority_of(&token);
            let is_sibling = token.owner == ctx.caller.owner;
            attenuates(&ctx.caller, &authority, is_sibling, token.expires_at)?;
            ctx.caller.terms.allow(None, &token.terms)?;
            if is_sensitive(&token, &authority) {
                ctx.require_recent_sign_in()?;
            }

            let receipt = service.put(tx, &ctx.by(), &token, authority, &visibility).await?;
            let issued = Issued {
                token,
                secret,
                receipt: visibility.receipt(receipt),
            };
            if let Some(claim) = &claim {
                claim
                    .keep(tx, &service, &issued, ctx.now(), Some(issued.token.id))
                    .await?;
            }
            Ok::<_, Error>(Reply::Fresh(issued))
        });
        let mut reply = reply.await?;
        if let Reply::Fresh(issued) = &mut reply {
            issued.receipt = seen.receipt(issued.receipt.epoch);
            self.0.metrics.issued.inc();
        }
        Ok(reply)
    }

    /// The record and the secret of a new token; nothing is stored yet.
    pub(crate) fn make(
        &self,
        new: &NewToken,
        holder: Holder,
        (maker, policy): (&Maker, &Policy),
        now: Timestamp,
    ) -> Result<(Token, Secret)> {
        let field = new.expiry.map_or("expires_at", expiry_field);
        let token_type = holder.token_type();
        let reason = new.reason.as_ref();
        let expires_at = policy.end(token_type, new.expiry, maker.expires_at, reason, (field, now))?;
        refuse_query(policy, &new.terms)?;
        new.terms.permit(new.scopes)?;
        let id = TokenId::from_i64(self.0.ids.next(now));
        let secret = generate(&self.0.prefix, holder.token_type(), &*self.0.random)?;
        let (digest, pepper) = self.digest(&secret);
        let token = Token {
            id,
            org: maker.org,
            owner: owner_of(holder, id),
            holder,
            name: new.name.clone(),
            description: new.description.clone(),
            reason: new.reason.clone(),
            scopes: new.scopes,
            restrictions: new.restrictions.clone(),
            roles: new.roles.clone(),
            terms: new.terms.clone(),
            hint: secret.hint(),
            digest,
            pepper,
            created_at: now,
            created_by: maker.principal,
            updated_at: now,
            expires_at,
            revocation: None,
            last_use: None,
            regenerated_at: None,
            previous: None,
            awaits_first_use: false,
        };
        Ok((token, secret))
    }

    /// Stores a new record with its place in the feed and its audit event; gives the place.
    pub(crate) async fn put(
        &self,
        tx: &mut Tx,
        by: &By<'_>,
        token: &Token,
        authority: Authority,
        visibility: &Visibility,
    ) -> Result<u64> {
        let now = by.origin.now;
        if self.0.verifier.len() >= u64::from(MAX_TOKENS) {
            let detail =
                format!("an installation holds at most {MAX_TOKENS} tokens; delete dead records first");
            return Err(Error::conflict("token_limit_reached", detail));
        }
        self.refuse_taken_name(tx, token, now).await?;
        rows::insert(tx, &to_row(token)).await?;
        let applied = vec![Change::Upsert(super::record::entry(token, authority))];
        let epoch = self
            .change(tx, Kind::Issue, &[token.id], now, visibility, applied)
            .await?;
        let detail = json!({
            "name": token.name.as_str(),
            "type": token.token_type().as_str(),
            "holder": shown_holder(token.holder),
            "scopes": token.scopes,
            "restrictions": shown_restrictions(&token.restrictions),
            "roles": token.roles,
            "reason": token.reason.as_ref().map(Label::as_str),
            "terms": shown_terms(&token.terms),
            "expires_at": shown(token.expires_at),
            "hint": token.hint.as_str(),
        });
        self.record(
            tx,
            by,
            vec![Record {
                action: Action::TokenIssued,
                subject: token.id.to_string(),
                detail,
            }],
        )
        .await?;
        Ok(epoch)
    }

    /// What is kept of a secret, under the current pepper.
    pub(crate) fn digest(&self, secret: &Secret) -> (Digest, PepperId) {
        let pepper = self.0.keys.peppers().current.pepper();
        (pepper.digest(&secret.hash()), pepper.id())
    }
}

/// The field of the caller's body that this kind of expiry came in.
pub(super) const fn expiry_field(expiry: Expiry) -> &'static str {
    match expiry {
        Expiry::Days(_) => "expires_in_days",
        Expiry::At(_) => "expires_at",
        Expiry::Never => "never_expires",
    }
}

/// A token that may come in an address is made only where the policy allows it.
pub(super) fn refuse_query(policy: &Policy, terms: &Terms) -> Result<()> {
    if terms.allow_query && !policy.query_tokens {
        let detail = "the policy of the organization allows no token in addresses";
        return Err(Error::field("allow_query", "query_not_allowed", detail));
    }
    Ok(())
}
