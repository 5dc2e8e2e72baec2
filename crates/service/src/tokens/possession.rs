//! What the bearer of a token may do to it: see it, end it, report that it leaked. Holding it is enough.

use claviger_domain::TokenId;
use claviger_domain::name::Label;
use claviger_domain::policy::Policy;
use claviger_domain::token::{RevokeReason, Token};
use claviger_verify::Decision;

use super::Revoked;
use crate::error::{Error, Result};
use crate::{Context, Origin, Service};

/// A token that somebody found.
pub struct LeakReport<'a> {
    /// The text as it was found.
    pub token: &'a str,
    /// Where.
    pub found_at: Option<Label>,
}

impl Service {
    /// The record of the token that the caller presented, as [`Self::show_token`] gives it.
    ///
    /// # Errors
    /// `token` not found for a caller who is signed in instead; those of the store.
    pub async fn own_token(&self, ctx: &Context) -> Result<(Token, Policy)> {
        self.show_token(ctx, presented(ctx)?).await
    }

    /// Revokes the token that the caller presented.
    ///
    /// # Errors
    /// `token` not found for a caller who is signed in instead; those of the store.
    pub async fn revoke_own_token(&self, ctx: &Context, note: Option<Label>) -> Result<Revoked> {
        self.revoke_held(&ctx.origin, presented(ctx)?, RevokeReason::ByHolder, note)
            .await
    }

    /// Revokes a live token for whoever found it. It marks no use.
    ///
    /// # Errors
    /// `token` not found for everything that is no live token here, whatever the reason: a finder learns nothing.
    pub async fn report_leak(&self, origin: &Origin, report: LeakReport<'_>) -> Result<Revoked> {
        match self.0.verifier.inspect(report.token, origin.now) {
            Decision::Allow(verified) => {
                self.revoke_held(origin, verified.id, RevokeReason::Leaked, report.found_at)
                    .await
            }
            Decision::Deny(_) => Err(Error::not_found("token")),
        }
    }
}

/// The token that the caller presented.
fn presented(ctx: &Context) -> Result<TokenId> {
    ctx.caller.token().ok_or_else(|| Error::not_found("token"))
}
