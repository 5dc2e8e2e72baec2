//! Whether the server is there.

use reqwest::{Method, StatusCode};

use crate::{Client, Error};

impl Client {
    /// `GET /readyz`: true when the server takes requests.
    ///
    /// # Errors
    /// [`Error::Transport`] when it does not answer at all.
    pub async fn ready(&self) -> Result<bool, Error> {
        let call = self.call(Method::GET, &["readyz"]).without_credential();
        Ok(call.status().await? == StatusCode::OK)
    }
}
