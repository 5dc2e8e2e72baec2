//! The policy of an organization, `/v1/policy`.

use claviger_api::policy::Policy;
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `GET /v1/policy`.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn policy(&self) -> Result<Policy, Error> {
        self.call(Method::GET, &["v1", "policy"]).answer().await
    }

    /// `PUT /v1/policy`: the whole of it.
    ///
    /// # Errors
    /// [`Error`]; among the problems `input_invalid` for rules that do not fit together.
    pub async fn put_policy(&self, policy: &Policy) -> Result<Policy, Error> {
        let call = self.call(Method::PUT, &["v1", "policy"]);
        call.json(policy).answer().await
    }
}
