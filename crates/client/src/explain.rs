//! Explanations, `/v1/explain`.

use claviger_api::explain::{Explain, Explanation};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `POST /v1/explain`: may this token do that, what lets it, and what stands in the way?
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_found`, `input_invalid`.
    pub async fn explain(&self, body: &Explain) -> Result<Explanation, Error> {
        self.call(Method::POST, &["v1", "explain"])
            .json(body)
            .answer()
            .await
    }
}
