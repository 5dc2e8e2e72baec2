//! What was delivered to a webhook: list, try again, send a test.

use claviger_domain::audit::Action;
use claviger_domain::reminder::Message;
use claviger_domain::webhook::{
    Delivery, DeliveryState, MAX_PENDING_TESTS, Recipient, Webhook, WebhookEvent,
};
use claviger_domain::{DeliveryId, WebhookId};
use claviger_store::{Tx, deliveries as rows};
use serde_json::json;

use super::{changeable, readable, record};
use crate::audit::Record;
use crate::error::{Error, Result};
use crate::{Context, Service, cursor};

impl Service {
    /// A page of a webhook's deliveries, the newest first, and the cursor of the next; only those in a state, if one is named.
    ///
    /// # Errors
    /// `webhook` not found; `Invalid` for a cursor of another list; those of the store.
    pub async fn list_deliveries(
        &self,
        ctx: &Context,
        id: WebhookId,
        state: Option<DeliveryState>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Delivery>, Option<String>)> {
        let described = format!("deliveries {id} {state:?} {}", ctx.org());
        let before: Option<DeliveryId> = match after {
            Some(text) => Some(
                cursor::read(&self.0.keys, &described, text)?
                    .parse()
                    .map_err(Error::internal)?,
            ),
            None => None,
        };
        let ctx = ctx.clone();
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| {
                readable(tx, &ctx, id).await?;
                Ok::<_, Error>(rows::of_webhook(tx, id, state, before, limit + 1).await?)
            })
            .await?;
        let next = self.cut(&described, &mut found, limit, |last| last.id.to_string());
        Ok((found, next))
    }

    /// Sends a webhook an event that means nothing, to see whether it arrives.
    ///
    /// # Errors
    /// `webhook` not found; `out_of_reach`; `webhook_disabled`, `webhook_tests_pending`; those of the store.
    pub async fn test_webhook(&self, ctx: &Context, id: WebhookId) -> Result<Delivery> {
        let message = Message::Test {
            at: ctx.now(),
            webhook: id,
        };
        let body = self.0.outbound.render(&message);
        let delivery = Delivery {
            id: DeliveryId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            to: Recipient::Webhook(id),
            token: None,
            event: WebhookEvent::Test,
            state: DeliveryState::Pending,
            attempts: 0,
            created_at: ctx.now(),
            next_attempt_at: Some(ctx.now()),
            last_attempt_at: None,
            last_status: None,
            last_error: None,
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let sent = self.0.store.write(async move |tx: &mut Tx| {
            refuse_disabled(&changeable(tx, &ctx, id).await?)?;
            if rows::count_pending(tx, id, WebhookEvent::Test).await? >= MAX_PENDING_TESTS {
                let detail = format!("{MAX_PENDING_TESTS} tests are on their way; see how they went first");
                return Err(Error::conflict("webhook_tests_pending", detail));
            }
            rows::insert(tx, &delivery, &body).await?;
            let detail = json!({ "delivery": delivery.id.to_string() });
            service
                .record(tx, &ctx.by(), vec![record(Action::WebhookTested, id, detail)])
                .await?;
            Ok::<_, Error>(delivery)
        });
        sent.await
    }

    /// Delivers once more what was delivered or given up, at once and with all tries before it. It keeps its `webhook-id`.
    ///
    /// # Errors
    /// `webhook` or `delivery` not found; `out_of_reach`; `webhook_disabled`; those of the store.
    pub async fn retry_delivery(
        &self,
        ctx: &Context,
        id: WebhookId,
        delivery: DeliveryId,
    ) -> Result<Delivery> {
        let service = self.clone();
        let ctx = ctx.clone();
        let retried = self.0.store.write(async move |tx: &mut Tx| {
            let webhook = changeable(tx, &ctx, id).await?;
            let missing = || Error::not_found("delivery");
            let found = rows::by_id(tx, delivery).await?;
            found
                .filter(|found| found.to == Recipient::Webhook(id))
                .ok_or_else(missing)?;
            refuse_disabled(&webhook)?;
            rows::restart(tx, delivery, ctx.now()).await?;
            let record = Record {
                action: Action::DeliveryRetried,
                subject: delivery.to_string(),
                detail: json!({ "webhook": id.to_string() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            rows::by_id(tx, delivery).await?.ok_or_else(missing)
        });
        retried.await
    }
}

fn refuse_disabled(webhook: &Webhook) -> Result<()> {
    if webhook.disabled.is_none() {
        return Ok(());
    }
    Err(Error::conflict(
        "webhook_disabled",
        "the webhook is disabled and told nothing; enable it first",
    ))
}
