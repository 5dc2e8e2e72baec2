//! Update: change name, description, scopes, restrictions, terms or expiry; the secret stays.

use claviger_domain::TokenId;
use claviger_domain::audit::Action;
use claviger_domain::authority::Authority;
use claviger_domain::name::{Description, Label, Name};
use claviger_domain::policy::Policy;
use claviger_domain::role::Assignment;
use claviger_domain::session::is_sensitive;
use claviger_domain::terms::TermsChanges;
use claviger_domain::token::{Expiry, Restrictions, Token, attenuates};
use claviger_domain::{ScopeSet, Timestamp};
use claviger_store::{Tx, tokens as rows};
use claviger_verify::Change;
use serde_json::{Map, Value, json};

use super::issue::{expiry_field, refuse_query};
use super::{Changed, shown, shown_restrictions, shown_terms};
use crate::audit::Record;
use crate::changes::{Kind, Visibility};
use crate::error::{Error, Result};
use crate::{Context, Service, policy};

/// What to change; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct TokenChanges {
    /// A new name.
    pub name: Option<Name>,
    /// A new description.
    pub description: Option<Description>,
    /// Why it is there.
    pub reason: Option<Label>,
    /// The new scopes, all of them.
    pub scopes: Option<ScopeSet>,
    /// The new restrictions, all of them.
    pub restrictions: Option<Restrictions>,
    /// The new roles on resources, all of them.
    pub roles: Option<Vec<Assignment>>,
    /// The new conditions.
    pub terms: TermsChanges,
    /// A new end.
    pub expiry: Option<Expiry>,
}

impl Service {
    /// Changes a live token. What is widened must lie within the caller's own reach and life.
    ///
    /// # Errors
    /// `token` not found; `token_not_live`; `token_name_taken`; `Invalid` when the change widens beyond the caller;
    /// [`Unproven::Recently`](crate::Unproven).
    pub async fn update_token(&self, ctx: &Context, id: TokenId, changes: TokenChanges) -> Result<Changed> {
        let service = self.clone();
        let now = ctx.now();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let changed = self.0.store.write(async move |tx: &mut Tx| {
            let before = service.live(tx, &ctx, id).await?;
            let policy = policy::of(tx, ctx.org()).await?;
            let token = changed(&before, &changes, &policy, ctx.now())?;
            let (restrictions, roles) = (changes.restrictions.is_some(), changes.roles.is_some());
            let after = service.refer(tx, &ctx, &token, restrictions, roles).await?;
            let known = service.known(tx, &before).await?;
            let had = known.authority_of(&before);
            let authority = after.authority_of(&token);
            refuse_widening(&ctx, (&before, &had), (&token, &authority))?;
            if token.name.key() != before.name.key() {
                service.refuse_taken_name(tx, &token, ctx.now()).await?;
            }
            let row = super::record::to_row(&token);
            rows::update(tx, &row).await?;
            if token.expires_at != before.expires_at {
                service
                    .notice_moved_end(tx, id, before.expires_at, ctx.now())
                    .await?;
            }
            let applied = vec![Change::Upsert(super::record::entry(&token, authority))];
            let epoch = service
                .change(tx, Kind::Update, &[id], ctx.now(), &visibility, applied)
                .await?;
            let detail = difference(&before, &token);
            let record = Record {
                action: Action::TokenUpdated,
                subject: id.to_string(),
                detail,
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>((token, policy, epoch))
        });
        let (token, policy, epoch) = changed.await?;
        let token = self.with_pending_use(token);
        Ok(Changed {
            unused: policy.unused(&token, now),
            token,
            receipt: seen.receipt(epoch),
        })
    }
}

fn changed(before: &Token, changes: &TokenChanges, policy: &Policy, now: Timestamp) -> Result<Token> {
    let mut token = before.clone();
    if let Some(name) = &changes.name {
        token.name = name.clone();
    }
    if let Some(description) = &changes.description {
        token.description = description.clone();
    }
    if let Some(scopes) = changes.scopes {
        token.scopes = scopes;
    }
    if let Some(restrictions) = &changes.restrictions {
        token.restrictions = restrictions.clone();
    }
    if let Some(roles) = &changes.roles {
        token.roles.clone_from(roles);
    }
    if let Some(reason) = &changes.reason {
        token.reason = Some(reason.clone());
    }
    if let Some(expiry) = changes.expiry {
        let field = expiry_field(expiry);
        token.expires_at = expiry.resolve(field, now)?;
        if is_prolonged(before, &token) {
            let (token_type, reason) = (token.token_type(), token.reason.as_ref());
            let rules = policy.of(token_type);
            rules.allows(token_type, token.expires_at, reason, token.secret_since(), field)?;
        }
    }
    if changes.terms.allow_query == Some(true) {
        refuse_query(policy, &token.terms.changed(&changes.terms))?;
    }
    token.terms = token.terms.changed(&changes.terms);
    token.terms.permit(token.scopes)?;
    token.updated_at = now;
    Ok(token)
}

/// Only what the change adds is measured against the caller: a weaker caller may always narrow a stronger token.
fn refuse_widening(
    ctx: &Context,
    (before, had): (&Token, &Authority),
    (after, has): (&Token, &Authority),
) -> Result<()> {
    let added = has.beyond(had);
    let prolonged = is_prolonged(before, after);
    // Who is bound by the old terms is not bound as tightly by the new ones.
    let loosened = before.terms.allow(None, &after.terms).is_err();
    let is_widened = prolonged || loosened || added != Authority::nothing();
    // Longer or on looser terms, all that the token has is given anew; and whatever is added lives as long as the token.
    let given = if prolonged || loosened { has } else { &added };
    let end = if is_widened {
        after.expires_at
    } else {
        ctx.caller.expires_at
    };
    let is_sibling = after.owner == ctx.caller.owner;
    attenuates(&ctx.caller, given, is_sibling, end)?;
    if is_widened && is_sensitive(after, has) {
        ctx.require_recent_sign_in()?;
    }
    // Whatever is added, the token has on its terms: they are the caller's to give then.
    let terms = (!is_widened).then_some(&before.terms);
    Ok(ctx.caller.terms.allow(terms, &after.terms)?)
}

fn is_prolonged(before: &Token, after: &Token) -> bool {
    match (before.expires_at, after.expires_at) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(old), Some(new)) => new > old,
    }
}

/// Before and after of each field that changed, for the audit trail.
fn difference(before: &Token, after: &Token) -> Value {
    let mut fields = Map::new();
    let mut compare = |field: &str, old: Value, new: Value| {
        if old != new {
            fields.insert(field.to_owned(), json!({ "from": old, "to": new }));
        }
    };
    compare("name", before.name.as_str().into(), after.name.as_str().into());
    compare(
        "description",
        before.description.as_str().into(),
        after.description.as_str().into(),
    );
    compare(
        "reason",
        json!(before.reason.as_ref().map(Label::as_str)),
        json!(after.reason.as_ref().map(Label::as_str)),
    );
    compare("scopes", json!(before.scopes), json!(after.scopes));
    compare(
        "restrictions",
        shown_restrictions(&before.restrictions),
        shown_restrictions(&after.restrictions),
    );
    compare("roles", json!(before.roles), json!(after.roles));
    compare("terms", shown_terms(&before.terms), shown_terms(&after.terms));
    compare("expires_at", shown(before.expires_at), shown(after.expires_at));
    Value::Object(fields)
}
