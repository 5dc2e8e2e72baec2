//! The operations on environments and stages, `/v1/environments` and `/v1/stages`.

use claviger_api::{
    environments::{CreateEnvironment, Environment, ListEnvironments, UpdateEnvironment},
    page::Page,
    stages::{CreateStage, ListStages, Stage, UpdateStage},
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/environments`. With an `idempotency_key` a repetition is answered with the first environment.
    ///
    /// # Errors
    /// [`Error`]; among the problems `environment_name_taken`, `environment_limit_reached`.
    pub async fn create_environment(
        &self,
        body: &CreateEnvironment,
        idempotency_key: Option<&str>,
    ) -> Result<Environment, Error> {
        let call = self.call(Method::POST, &["v1", "environments"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/environments`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_environments(&self, list: &ListEnvironments) -> Result<Page<Environment>, Error> {
        self.page(list).await
    }

    /// `GET /v1/environments/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `environment_not_found`.
    pub async fn show_environment(&self, id: &str) -> Result<Environment, Error> {
        self.call(Method::GET, &["v1", "environments", id::environment(id)?])
            .answer()
            .await
    }

    /// `PATCH /v1/environments/{id}`: name, description, whether it is production.
    ///
    /// # Errors
    /// [`Error`]; among the problems `environment_name_taken`.
    pub async fn update_environment(&self, id: &str, body: &UpdateEnvironment) -> Result<Environment, Error> {
        let call = self.call(Method::PATCH, &["v1", "environments", id::environment(id)?]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/environments/{id}`: one that no stage is in.
    ///
    /// # Errors
    /// [`Error`]; among the problems `environment_in_use`.
    pub async fn delete_environment(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "environments", id::environment(id)?])
            .done()
            .await
    }

    /// `POST /v1/stages`. With an `idempotency_key` a repetition is answered with the first stage.
    ///
    /// # Errors
    /// [`Error`]; among the problems `environment_not_found`, `stage_name_taken`, `stage_limit_reached`.
    pub async fn create_stage(
        &self,
        body: &CreateStage,
        idempotency_key: Option<&str>,
    ) -> Result<Stage, Error> {
        let call = self.call(Method::POST, &["v1", "stages"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/stages`: one page, in order. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_stages(&self, list: &ListStages) -> Result<Page<Stage>, Error> {
        self.page(list).await
    }

    /// `GET /v1/stages/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `stage_not_found`.
    pub async fn show_stage(&self, id: &str) -> Result<Stage, Error> {
        self.call(Method::GET, &["v1", "stages", id::stage(id)?])
            .answer()
            .await
    }

    /// `PATCH /v1/stages/{id}`: name, environment, place.
    ///
    /// # Errors
    /// [`Error`]; among the problems `stage_name_taken`, `input_invalid`.
    pub async fn update_stage(&self, id: &str, body: &UpdateStage) -> Result<Stage, Error> {
        let call = self.call(Method::PATCH, &["v1", "stages", id::stage(id)?]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/stages/{id}`: the stages after it move one place back.
    ///
    /// # Errors
    /// [`Error`]; among the problems `stage_not_found`.
    pub async fn delete_stage(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "stages", id::stage(id)?])
            .done()
            .await
    }
}
