//! The operations on deployments, `/v1/deployments`.

use claviger_api::{
    deployments::{Deployment, ListDeployments, ReportDeployment},
    page::Page,
};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `POST /v1/deployments`. With an `idempotency_key` a repetition is answered with the first report.
    ///
    /// # Errors
    /// [`Error`]; among the problems `insufficient_scope`, `input_invalid`.
    pub async fn report_deployment(
        &self,
        body: &ReportDeployment,
        idempotency_key: Option<&str>,
    ) -> Result<Deployment, Error> {
        let call = self.call(Method::POST, &["v1", "deployments"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/deployments`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_deployments(&self, list: &ListDeployments) -> Result<Page<Deployment>, Error> {
        self.page(list).await
    }
}
