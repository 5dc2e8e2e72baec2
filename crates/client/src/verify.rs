//! The decision about a presented token, `/v1/verify`.

use claviger_api::verify::{Decision, Verify};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `POST /v1/verify`: may whoever presented `body.token` do what `body.scopes` name? A refusal is a [`Decision`] too.
    ///
    /// # Errors
    /// [`Error`]; a problem is about this client's own credential, never about the token in question.
    pub async fn verify(&self, body: &Verify) -> Result<Decision, Error> {
        self.call(Method::POST, &["v1", "verify"])
            .json(body)
            .answer()
            .await
    }
}
