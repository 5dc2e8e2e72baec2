//! The operations on services, `/v1/services`.

use claviger_api::{
    page::Page,
    services::{ChangedService, CreateService, ListServices, Service, UpdateService},
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/services`. With an `idempotency_key` a repetition is answered with the first service.
    ///
    /// # Errors
    /// [`Error`]; among the problems `team_not_found`, `out_of_reach`, `service_name_taken`, `service_limit_reached`.
    pub async fn create_service(
        &self,
        body: &CreateService,
        idempotency_key: Option<&str>,
    ) -> Result<Service, Error> {
        let call = self.call(Method::POST, &["v1", "services"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/services`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_services(&self, list: &ListServices) -> Result<Page<Service>, Error> {
        self.page(list).await
    }

    /// `GET /v1/services/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `service_not_found`.
    pub async fn show_service(&self, id: &str) -> Result<Service, Error> {
        self.call(Method::GET, &["v1", "services", id::service(id)?])
            .answer()
            .await
    }

    /// `PATCH /v1/services/{id}`: name, description, team.
    ///
    /// # Errors
    /// [`Error`]; among the problems `out_of_reach`, `team_not_found`, `service_name_taken`.
    pub async fn update_service(&self, id: &str, body: &UpdateService) -> Result<ChangedService, Error> {
        let call = self.call(Method::PATCH, &["v1", "services", id::service(id)?]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/services/{id}`: one without live tokens.
    ///
    /// # Errors
    /// [`Error`]; among the problems `out_of_reach`, `service_in_use`.
    pub async fn delete_service(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "services", id::service(id)?])
            .done()
            .await
    }
}
