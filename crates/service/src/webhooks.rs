//! Webhooks: create, list, show, update, delete; their secrets, their deliveries.
//!
//! Whoever has the scope where a webhook is may manage it: the organization's in the organization as a whole, a team's in the team.
//! A webhook's secret is shown when it is made and never again; what it is told of is decided in `reminders`.

mod deliveries;
mod secret;

use std::collections::BTreeSet;

use claviger_domain::audit::Action;
use claviger_domain::name::Description;
use claviger_domain::webhook::{
    Disabled, DisabledReason, MAX_WEBHOOKS, SECRET_OVERLAP_HOURS, URL_MAX_BYTES, Webhook, WebhookEvent,
    place_of,
};
use claviger_domain::{FieldError, Scope, TeamId, Timestamp, WebhookId};
use claviger_store::{Tx, deliveries as delivery_rows, webhooks as rows};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::catalogue::{Difference, refuse_full};
use crate::error::{Error, Result};
use crate::{Context, Service, cursor, seal, teams};

pub use secret::SigningSecret;
pub(crate) use secret::signatures;

/// A webhook to make.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// The team whose tokens it is to hear of; `None` = all of the organization.
    pub team: Option<TeamId>,
    /// Where events are to be posted.
    pub url: String,
    /// For people.
    pub description: Description,
    /// Which events it is to hear of.
    pub events: BTreeSet<WebhookEvent>,
}

/// What to change of a webhook; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookChanges {
    /// Another address.
    pub url: Option<String>,
    /// A new description.
    pub description: Option<Description>,
    /// Other events.
    pub events: Option<BTreeSet<WebhookEvent>>,
    /// Whether it is told anything.
    pub enabled: Option<bool>,
}

/// A webhook with a new secret, which is shown this once.
#[derive(Debug)]
pub struct WithSecret {
    /// The record.
    pub webhook: Webhook,
    /// What signs from now on.
    pub secret: SigningSecret,
}

impl Service {
    /// Makes a webhook.
    ///
    /// # Errors
    /// `team` not found; `out_of_reach`; those of an address; `webhook_limit_reached`; those of the store.
    pub async fn create_webhook(&self, ctx: &Context, new: NewWebhook) -> Result<WithSecret> {
        let url = self.callable(&new.url)?;
        let id = WebhookId::from_i64(self.0.ids.next(ctx.now()));
        let (secret, sealed) = self.new_secret(id)?;
        let webhook = Webhook {
            id,
            org: ctx.org(),
            team: new.team,
            url,
            description: new.description,
            events: new.events,
            created_at: ctx.now(),
            created_by: ctx.caller.principal(),
            updated_at: ctx.now(),
            disabled: None,
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let made = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(team) = webhook.team {
                teams::visible(tx, &ctx, team, &[Scope::TeamsRead, Scope::WebhooksWrite]).await?;
            }
            ctx.require(Scope::WebhooksWrite, &webhook.place())?;
            let there_are = rows::count(tx, ctx.org()).await?;
            refuse_full(there_are, MAX_WEBHOOKS, "webhook_limit_reached", "webhooks")?;
            rows::insert(tx, &webhook, &sealed).await?;
            let detail = json!({
                "team": webhook.team.map(|team| team.to_string()),
                "host": host(&webhook.url),
                "events": shown_events(&webhook.events),
            });
            service
                .record(tx, &ctx.by(), vec![record(Action::WebhookCreated, id, detail)])
                .await?;
            Ok::<_, Error>(webhook)
        });
        let webhook = made.await?;
        Ok(WithSecret { webhook, secret })
    }

    /// A page of the webhooks that the caller may see, the newest first, and the cursor of the next; only a team's, if one is named.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_webhooks(
        &self,
        ctx: &Context,
        team: Option<TeamId>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Webhook>, Option<String>)> {
        let described = format!("webhooks {team:?} {}", ctx.org());
        let before = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let filter = rows::WebhookFilter {
            org: ctx.org(),
            within: ctx.caller.power.reach(Scope::WebhooksRead),
            team,
            before,
            limit: limit + 1,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &filter).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |last| last.id.to_string());
        Ok((found, next))
    }

    /// One webhook that the caller may see.
    ///
    /// # Errors
    /// `webhook` not found.
    pub async fn show_webhook(&self, ctx: &Context, id: WebhookId) -> Result<Webhook> {
        let ctx = ctx.clone();
        self.0
            .store
            .read(async move |tx: &mut Tx| readable(tx, &ctx, id).await)
            .await
    }

    /// Changes address, description, events and whether it is told anything. One that is disabled gives up what it was still to be told.
    ///
    /// # Errors
    /// `webhook` not found; `out_of_reach`; those of an address; those of the store.
    pub async fn update_webhook(
        &self,
        ctx: &Context,
        id: WebhookId,
        mut changes: WebhookChanges,
    ) -> Result<Webhook> {
        if let Some(url) = &mut changes.url {
            *url = self.callable(url)?;
        }
        let service = self.clone();
        let ctx = ctx.clone();
        let updated = self.0.store.write(async move |tx: &mut Tx| {
            let before = changeable(tx, &ctx, id).await?;
            let after = changed(&before, changes, ctx.now());
            rows::update(tx, &after).await?;
            if before.disabled.is_none() && after.disabled.is_some() {
                delivery_rows::give_up(tx, id, "the webhook was disabled").await?;
            }
            let detail = difference(&before, &after);
            service
                .record(tx, &ctx.by(), vec![record(Action::WebhookUpdated, id, detail)])
                .await?;
            Ok::<_, Error>(after)
        });
        updated.await
    }

    /// Drops a webhook with all that it was told.
    ///
    /// # Errors
    /// `webhook` not found; `out_of_reach`; those of the store.
    pub async fn delete_webhook(&self, ctx: &Context, id: WebhookId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let dropped = changeable(tx, &ctx, id).await?;
            rows::delete(tx, id).await?;
            let detail = json!({ "host": host(&dropped.url) });
            service
                .record(tx, &ctx.by(), vec![record(Action::WebhookDeleted, id, detail)])
                .await
        });
        deleted.await
    }

    /// Gives a webhook a new secret. The one before signs beside it for a day, so that the receiver can change over.
    ///
    /// # Errors
    /// `webhook` not found; `out_of_reach`; those of the store.
    pub async fn rotate_webhook_secret(&self, ctx: &Context, id: WebhookId) -> Result<WithSecret> {
        let (secret, sealed) = self.new_secret(id)?;
        let service = self.clone();
        let ctx = ctx.clone();
        let rotated = self.0.store.write(async move |tx: &mut Tx| {
            let mut webhook = changeable(tx, &ctx, id).await?;
            let until = ctx.now() + std::time::Duration::from_secs(u64::from(SECRET_OVERLAP_HOURS) * 3_600);
            rows::rotate(tx, id, &sealed, until).await?;
            webhook.updated_at = ctx.now();
            rows::update(tx, &webhook).await?;
            let detail = json!({ "previous_signs_until": until.to_string() });
            service
                .record(
                    tx,
                    &ctx.by(),
                    vec![record(Action::WebhookSecretRotated, id, detail)],
                )
                .await?;
            Ok::<_, Error>(webhook)
        });
        let webhook = rotated.await?;
        Ok(WithSecret { webhook, secret })
    }

    /// The canonical form of an address that may be called.
    fn callable(&self, url: &str) -> Result<String> {
        if url.len() > URL_MAX_BYTES {
            let detail = format!("at most {URL_MAX_BYTES} bytes");
            return Err(Error::field("url", "url_too_long", detail));
        }
        self.0
            .outbound
            .address(url)
            .map_err(|refused| Error::from(FieldError::new("url", refused.code, refused.detail)))
    }

    /// A new secret for a webhook, and its sealed form.
    fn new_secret(&self, id: WebhookId) -> Result<(SigningSecret, Vec<u8>)> {
        let secret = SigningSecret::generate(&*self.0.random)?;
        let sealed = seal::keep(&self.0.keys, &*self.0.random, &id.to_string(), secret.bytes())?;
        Ok((secret, sealed))
    }

    /// The secrets that sign for a webhook at `now`, the current one first.
    pub(crate) async fn signing_secrets(
        &self,
        tx: &mut Tx,
        id: WebhookId,
        now: Timestamp,
    ) -> Result<Vec<SigningSecret>> {
        let row = rows::secrets(tx, id)
            .await?
            .ok_or_else(|| Error::not_found("webhook"))?;
        let previous = row.previous.filter(|(_, until)| now < *until);
        let sealed = std::iter::once(row.current).chain(previous.map(|(secret, _)| secret));
        let opened = sealed.map(|sealed| {
            seal::reveal(&self.0.keys, &id.to_string(), &sealed)
                .and_then(|bytes| SigningSecret::from_bytes(&bytes))
                .ok_or_else(|| Error::internal(format!("the secret of webhook {id} cannot be opened")))
        });
        opened.collect()
    }

    /// Drops the webhooks of a team that is dissolved in this transaction.
    pub(crate) async fn drop_webhooks_of_team(&self, tx: &mut Tx, ctx: &Context, team: TeamId) -> Result<()> {
        let dropped = rows::of_team(tx, team).await?;
        for &id in &dropped {
            rows::delete(tx, id).await?;
        }
        let records = dropped
            .into_iter()
            .map(|id| record(Action::WebhookDeleted, id, json!({ "team": team.to_string() })));
        let records: Vec<_> = records.collect();
        if records.is_empty() {
            return Ok(());
        }
        self.record(tx, &ctx.by(), records).await
    }
}

/// The webhook `id`, if the caller may see it.
async fn readable(tx: &mut Tx, ctx: &Context, id: WebhookId) -> Result<Webhook> {
    let found = rows::by_id(tx, id).await?;
    found
        .filter(|found| found.org == ctx.org() && ctx.may(Scope::WebhooksRead, &found.place()))
        .ok_or_else(|| Error::not_found("webhook"))
}

/// The webhook `id`, if the caller may change it. Whoever may see it and not change it is told so.
async fn changeable(tx: &mut Tx, ctx: &Context, id: WebhookId) -> Result<Webhook> {
    let found = rows::by_id(tx, id).await?;
    let is_known = |found: &Webhook| {
        let scopes = [Scope::WebhooksRead, Scope::WebhooksWrite];
        found.org == ctx.org() && scopes.iter().any(|scope| ctx.may(*scope, &found.place()))
    };
    let found = found
        .filter(is_known)
        .ok_or_else(|| Error::not_found("webhook"))?;
    ctx.require(Scope::WebhooksWrite, &place_of(found.team))?;
    Ok(found)
}

fn changed(before: &Webhook, changes: WebhookChanges, now: Timestamp) -> Webhook {
    let mut after = before.clone();
    if let Some(url) = changes.url {
        after.url = url;
    }
    if let Some(description) = changes.description {
        after.description = description;
    }
    if let Some(events) = changes.events {
        after.events = events;
    }
    after.disabled = match changes.enabled {
        Some(true) => None,
        Some(false) => before.disabled.or(Some(Disabled {
            at: now,
            reason: DisabledReason::Requested,
        })),
        None => before.disabled,
    };
    after.updated_at = now;
    after
}

fn difference(before: &Webhook, after: &Webhook) -> Value {
    let mut difference = Difference::default();
    difference.field("host", host(&before.url), host(&after.url));
    // The rest of an address may hold a secret of the receiver, and the trail outlives it.
    difference.field("url_changed", false, before.url != after.url);
    difference.field(
        "description",
        before.description.as_str(),
        after.description.as_str(),
    );
    difference.field(
        "events",
        shown_events(&before.events),
        shown_events(&after.events),
    );
    difference.field("enabled", before.disabled.is_none(), after.disabled.is_none());
    difference.into_value()
}

/// The host of a canonical address.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

fn shown_events(events: &BTreeSet<WebhookEvent>) -> Value {
    events.iter().map(|event| event.as_str()).collect()
}

fn record(action: Action, id: WebhookId, detail: Value) -> Record {
    Record {
        action,
        subject: id.to_string(),
        detail,
    }
}
