//! The operations on webhooks, `/v1/webhooks`.

use claviger_api::{
    page::Page,
    webhooks::{
        CreateWebhook, Delivery, ListDeliveries, ListWebhooks, UpdateWebhook, Webhook, WebhookWithSecret,
    },
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/webhooks`: the secret is shown this once.
    ///
    /// # Errors
    /// [`Error`]; among the problems `input_invalid`, `webhook_limit_reached`, `out_of_reach`.
    pub async fn create_webhook(&self, body: &CreateWebhook) -> Result<WebhookWithSecret, Error> {
        let call = self.call(Method::POST, &["v1", "webhooks"]);
        call.json(body).answer().await
    }

    /// `GET /v1/webhooks`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_webhooks(&self, list: &ListWebhooks) -> Result<Page<Webhook>, Error> {
        self.page(list).await
    }

    /// `GET /v1/webhooks/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`.
    pub async fn show_webhook(&self, id: &str) -> Result<Webhook, Error> {
        let call = self.call(Method::GET, &["v1", "webhooks", id::webhook(id)?]);
        call.answer().await
    }

    /// `PATCH /v1/webhooks/{id}`: address, description, events, whether it is told anything.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`, `input_invalid`.
    pub async fn update_webhook(&self, id: &str, body: &UpdateWebhook) -> Result<Webhook, Error> {
        let call = self.call(Method::PATCH, &["v1", "webhooks", id::webhook(id)?]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/webhooks/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`.
    pub async fn delete_webhook(&self, id: &str) -> Result<(), Error> {
        let call = self.call(Method::DELETE, &["v1", "webhooks", id::webhook(id)?]);
        call.done().await
    }

    /// `POST /v1/webhooks/{id}/rotate-secret`: the new secret is shown this once; the old one signs beside it for a day.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`.
    pub async fn rotate_webhook_secret(&self, id: &str) -> Result<WebhookWithSecret, Error> {
        let call = self.call(
            Method::POST,
            &["v1", "webhooks", id::webhook(id)?, "rotate-secret"],
        );
        call.answer().await
    }

    /// `POST /v1/webhooks/{id}/test`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`, `webhook_disabled`.
    pub async fn test_webhook(&self, id: &str) -> Result<Delivery, Error> {
        let call = self.call(Method::POST, &["v1", "webhooks", id::webhook(id)?, "test"]);
        call.answer().await
    }

    /// `GET /v1/webhooks/{id}/deliveries`: one page, the newest first.
    ///
    /// # Errors
    /// [`Error`]; among the problems `webhook_not_found`.
    pub async fn list_deliveries(&self, id: &str, list: &ListDeliveries) -> Result<Page<Delivery>, Error> {
        let call = self.call(Method::GET, &["v1", "webhooks", id::webhook(id)?, "deliveries"]);
        call.query(list).answer().await
    }

    /// `POST /v1/webhooks/{id}/deliveries/{delivery_id}/retry`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `delivery_not_found`, `webhook_disabled`.
    pub async fn retry_delivery(&self, id: &str, delivery: &str) -> Result<Delivery, Error> {
        let (id, delivery) = (id::webhook(id)?, id::delivery(delivery)?);
        let path = ["v1", "webhooks", id, "deliveries", delivery, "retry"];
        self.call(Method::POST, &path).answer().await
    }
}
