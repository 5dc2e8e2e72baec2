//! First start, `/v1/setup`.

use claviger_api::{setup::Setup, tokens::IssuedToken};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `POST /v1/setup`: makes the first administrator and gives its token. Only from the machine itself, only once.
    ///
    /// # Errors
    /// [`Error`]; among the problems `setup_completed`, `setup_code_expired`, `setup_code_invalid`, `setup_not_local`.
    pub async fn setup(&self, body: &Setup) -> Result<IssuedToken, Error> {
        let call = self.call(Method::POST, &["v1", "setup"]);
        call.without_credential().json(body).answer().await
    }
}
