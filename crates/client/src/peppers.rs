//! The operations on peppers, `/v1/peppers`.

use claviger_api::peppers::{Peppers, RetirePepper};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `GET /v1/peppers`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn peppers(&self) -> Result<Peppers, Error> {
        self.call(Method::GET, &["v1", "peppers"]).answer().await
    }

    /// `POST /v1/peppers/rotate`: a new current pepper; the old one stays for the tokens that depend on it.
    ///
    /// # Errors
    /// [`Error`]; among the problems `pepper_previous_live`.
    pub async fn rotate_pepper(&self) -> Result<Peppers, Error> {
        self.call(Method::POST, &["v1", "peppers", "rotate"])
            .answer()
            .await
    }

    /// `POST /v1/peppers/retire`: gives the previous pepper up.
    ///
    /// # Errors
    /// [`Error`]; among the problems `pepper_has_stragglers`.
    pub async fn retire_pepper(&self, body: &RetirePepper) -> Result<Peppers, Error> {
        let call = self.call(Method::POST, &["v1", "peppers", "retire"]);
        call.json(body).answer().await
    }
}
