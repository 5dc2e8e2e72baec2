//! Between the store's rows, the domain's records and the verifier's entries.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_domain::name::{Description, Label, Name};
use claviger_domain::owner::Principal;
use claviger_domain::token::{LastUse, PresentedIn, PreviousSecret, Revocation, RevokeReason, Token};
use claviger_domain::{OwnerId, ScopeSet, Timestamp};
use claviger_store::tokens::{IndexRow, PreviousRow, TokenRow};
use claviger_store::{Tx, tokens as rows};
use claviger_verify::{self as verify, Entry};

use super::compile::{holder_of, restrictions_of, terms_of};
use crate::error::{Error, Result};
use crate::{Context, Service, roles};
use claviger_domain::TokenId;

/// The record of a row. A row that the rules would refuse is a fault of ours, not of the caller.
pub(crate) fn from_row(row: &TokenRow) -> Result<Token> {
    let broken = |what: &str| Error::internal(format!("token row {} has a broken {what}", row.id));
    let revocation = match (row.revoked_at, row.revoke_reason.as_deref()) {
        (None, _) => None,
        (Some(at), reason) => Some(Revocation {
            at,
            by: row.revoked_by.clone().unwrap_or_default(),
            reason: reason
                .and_then(RevokeReason::from_stored)
                .ok_or_else(|| broken("revoke reason"))?,
            note: row
                .revoke_note
                .as_deref()
                .map(|note| Label::parse("note", note))
                .transpose()
                .map_err(|_| broken("note"))?,
        }),
    };
    let token_type = row.token_type.parse().map_err(|_| broken("type"))?;
    Ok(Token {
        id: row.id,
        org: row.org,
        owner: row.owner,
        holder: holder_of(token_type, row.holder, row.service_team),
        restrictions: restrictions_of(row.restrictions.as_deref()).map_err(|_| broken("restriction"))?,
        roles: roles::from_stored(row.roles.as_deref()).map_err(|_| broken("role"))?,
        terms: terms_of(row.terms.as_deref()).map_err(|_| broken("condition"))?,
        name: Name::parse("name", &row.name).map_err(|_| broken("name"))?,
        description: Description::parse("description", &row.description)
            .map_err(|_| broken("description"))?,
        reason: row
            .reason
            .as_deref()
            .map(|reason| Label::parse("reason", reason))
            .transpose()
            .map_err(|_| broken("reason"))?,
        scopes: ScopeSet::from_stored(&row.scopes),
        hint: row.hint.parse().map_err(|_| broken("hint"))?,
        digest: row.digest,
        pepper: row.pepper,
        created_at: row.created_at,
        created_by: Principal::from_stored(row.created_by.get()),
        updated_at: row.updated_at,
        expires_at: row.expires_at,
        revocation,
        last_use: last_use(
            row.last_used_at,
            row.last_used_address.as_ref(),
            row.last_used_in.as_deref(),
        ),
        regenerated_at: row.regenerated_at,
        previous: row
            .previous
            .as_ref()
            .map(|old| {
                Ok::<_, Error>(PreviousSecret {
                    digest: old.digest,
                    pepper: old.pepper,
                    hint: old.hint.parse().map_err(|_| broken("previous hint"))?,
                    ends_at: old.ends_at,
                    until_first_use: old.until_first_use,
                    last_use: last_use(old.last_used_at, old.last_used_address.as_ref(), None),
                })
            })
            .transpose()?,
        awaits_first_use: row.awaits_first_use,
    })
}

fn last_use(at: Option<Timestamp>, address: Option<&String>, presented_in: Option<&str>) -> Option<LastUse> {
    at.map(|at| LastUse {
        at,
        address: address.cloned(),
        presented_in: presented_in.and_then(PresentedIn::from_stored),
    })
}

/// The row of a record, but for its revocation.
pub(crate) fn to_row(token: &Token) -> TokenRow {
    TokenRow {
        id: token.id,
        org: token.org,
        owner: token.owner,
        token_type: token.token_type().as_str().to_owned(),
        holder: token.holder.number(),
        service_team: None,
        restrictions: (!token.restrictions.is_empty())
            .then(|| serde_json::to_string(&token.restrictions).unwrap_or_default()),
        roles: roles::to_stored(&token.roles),
        reason: token.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        terms: (!token.terms.is_empty()).then(|| serde_json::to_string(&token.terms).unwrap_or_default()),
        name: token.name.as_str().to_owned(),
        name_key: token.name.key().into_string(),
        description: token.description.as_str().to_owned(),
        scopes: token.scopes.to_string(),
        hint: token.hint.as_str().to_owned(),
        digest: token.digest,
        pepper: token.pepper,
        created_at: token.created_at,
        created_by: OwnerId::from_i64(token.created_by.to_stored()),
        updated_at: token.updated_at,
        expires_at: token.expires_at,
        revoked_at: None,
        revoked_by: None,
        revoke_reason: None,
        revoke_note: None,
        last_used_at: token.last_use.as_ref().map(|used| used.at),
        last_used_address: token.last_use.as_ref().and_then(|used| used.address.clone()),
        last_used_in: token
            .last_use
            .as_ref()
            .and_then(|used| used.presented_in)
            .map(|presented_in| presented_in.as_str().to_owned()),
        regenerated_at: token.regenerated_at,
        awaits_first_use: token.awaits_first_use,
        previous: token.previous.as_ref().map(|old| PreviousRow {
            digest: old.digest,
            pepper: old.pepper,
            hint: old.hint.as_str().to_owned(),
            ends_at: old.ends_at,
            until_first_use: old.until_first_use,
            last_used_at: old.last_use.as_ref().map(|used| used.at),
            last_used_address: old.last_use.as_ref().and_then(|used| used.address.clone()),
        }),
    }
}

/// What the verifier keeps of a record that was given this. Its owner is known there before it.
pub(super) fn entry(token: &Token, authority: Authority) -> Entry {
    Entry {
        digest: token.digest,
        id: token.id,
        org: token.org,
        owner: token.owner,
        owner_authority: Arc::default(),
        token_type: token.token_type(),
        authority: Arc::new(authority),
        terms: (!token.terms.is_empty()).then(|| Arc::new(token.terms.clone())),
        expires_at: token.expires_at,
        revoked: token.revocation.is_some(),
        last_used: of_present_secret(
            token.last_use.as_ref().map(|used| used.at),
            token.awaits_first_use,
        ),
        awaits_first_use: token.awaits_first_use,
        previous: token
            .previous
            .as_ref()
            .filter(|old| token.awaits_first_use || !old.until_first_use)
            .map(|old| verify::PreviousSecret {
                digest: old.digest,
                ends_at: old.ends_at,
                until_first_use: old.until_first_use,
                last_used: old.last_use.as_ref().map(|used| used.at),
            }),
    }
}

/// What the verifier keeps of the stored previous secret, as long as it may be good. What the first use of the new secret ends has ended
/// when that use is stored, whether or not its end is.
pub(crate) fn previous_secret(row: &IndexRow<'_>) -> Option<verify::PreviousSecret> {
    let old = row.previous?;
    let may_be_good = row.awaits_first_use || !old.until_first_use;
    may_be_good.then_some(verify::PreviousSecret {
        digest: old.digest,
        ends_at: old.ends_at,
        until_first_use: old.until_first_use,
        last_used: old.last_used_at,
    })
}

/// When a token's present secret was last used: never, while it waits for its first use, whatever the old one does.
pub(crate) fn of_present_secret(last_used: Option<Timestamp>, awaits_first_use: bool) -> Option<Timestamp> {
    last_used.filter(|_| !awaits_first_use)
}

impl Service {
    /// The record `id`, if it is the caller's to see: its own, the one that it presents, or one within its reach. Another
    /// organization's is as unknown as one that never was.
    pub(crate) async fn visible(&self, tx: &mut Tx, ctx: &Context, id: TokenId) -> Result<Token> {
        let row = rows::by_id(tx, id).await?.filter(|row| row.org == ctx.org());
        let token = from_row(&row.ok_or_else(|| Error::not_found("token"))?)?;
        if Some(token.id) == ctx.caller.token() || ctx.sees_token(&token) {
            Ok(token)
        } else {
            Err(Error::not_found("token"))
        }
    }

    /// The same, and it must be the caller's to manage.
    pub(super) async fn manageable(&self, tx: &mut Tx, ctx: &Context, id: TokenId) -> Result<Token> {
        let token = self.visible(tx, ctx, id).await?;
        ctx.require_managing(&token)?;
        Ok(token)
    }

    /// The same, and it must be live to be changed.
    pub(super) async fn live(&self, tx: &mut Tx, ctx: &Context, id: TokenId) -> Result<Token> {
        let token = self.manageable(tx, ctx, id).await?;
        if token.is_live(ctx.now()) {
            return Ok(token);
        }
        let state = token.state(ctx.now()).as_str();
        Err(Error::conflict(
            "token_not_live",
            format!("the token is {state}, and that is final; issue a new one"),
        ))
    }

    /// Refuses a name that another live token of the owner bears.
    pub(super) async fn refuse_taken_name(&self, tx: &mut Tx, token: &Token, now: Timestamp) -> Result<()> {
        let key = token.name.key();
        if rows::live_name_exists(tx, token.holder.number(), key.as_str(), now, token.id).await? {
            let detail = format!(
                "another live token of this holder is called `{}`; choose another name or revoke that one",
                token.name
            );
            return Err(Error::conflict("token_name_taken", detail));
        }
        Ok(())
    }
}
