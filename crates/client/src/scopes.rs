//! The catalogue of scopes, `/v1/scopes`.

use claviger_api::scopes::Scopes;
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `GET /v1/scopes`: every scope, and how far the caller may hand it on.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn scopes(&self) -> Result<Scopes, Error> {
        self.call(Method::GET, &["v1", "scopes"]).answer().await
    }
}
