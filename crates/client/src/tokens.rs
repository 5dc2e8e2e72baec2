//! The operations on tokens, `/v1/tokens`.

use claviger_api::{
    page::Page,
    tokens::{
        ChangedToken, IssueToken, IssuedToken, ListTokens, RegenerateToken, ReportLeak, RevokeToken,
        RevokeTokens, Revoked, RevokedTokens, Token, UpdateToken,
    },
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/tokens`. With an `idempotency_key` a repetition shows the same secret again, until its first use or for ten
    /// minutes.
    ///
    /// # Errors
    /// [`Error`]; among the problems `insufficient_scope`, `input_invalid`, `token_name_taken`, `secret_already_shown`.
    pub async fn issue_token(
        &self,
        body: &IssueToken,
        idempotency_key: Option<&str>,
    ) -> Result<IssuedToken, Error> {
        let call = self.call(Method::POST, &["v1", "tokens"]).json(body);
        call.idempotency_key(idempotency_key)?.answer().await
    }

    /// `GET /v1/tokens`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_tokens(&self, list: &ListTokens) -> Result<Page<Token>, Error> {
        self.page(list).await
    }

    /// `GET /v1/tokens/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_found`.
    pub async fn show_token(&self, id: &str) -> Result<Token, Error> {
        self.call(Method::GET, &["v1", "tokens", id::token(id)?])
            .answer()
            .await
    }

    /// `PATCH /v1/tokens/{id}`: name, description, scopes, expiry; never the secret.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_live`, `token_name_taken`, `insufficient_scope`.
    pub async fn update_token(&self, id: &str, body: &UpdateToken) -> Result<ChangedToken, Error> {
        let call = self.call(Method::PATCH, &["v1", "tokens", id::token(id)?]);
        call.json(body).answer().await
    }

    /// `POST /v1/tokens/{id}/regenerate`: the same record, a new secret; the old one stops when this returns, or after the overlap.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_live`, `secret_already_shown`, `input_invalid` (`overlap_too_long`).
    pub async fn regenerate_token(
        &self,
        id: &str,
        body: &RegenerateToken,
        idempotency_key: Option<&str>,
    ) -> Result<IssuedToken, Error> {
        let call = self.call(Method::POST, &["v1", "tokens", id::token(id)?, "regenerate"]);
        call.json(body).idempotency_key(idempotency_key)?.answer().await
    }

    /// `POST /v1/tokens/{id}/regenerate/finish`: ends an overlap now. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_found`.
    pub async fn finish_rotation(&self, id: &str) -> Result<ChangedToken, Error> {
        let path = ["v1", "tokens", id::token(id)?, "regenerate", "finish"];
        self.call(Method::POST, &path).answer().await
    }

    /// `POST /v1/tokens/{id}/revoke`. When this returns, no verifier accepts the token. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_not_found`.
    pub async fn revoke_token(&self, id: &str, body: &RevokeToken) -> Result<ChangedToken, Error> {
        let call = self.call(Method::POST, &["v1", "tokens", id::token(id)?, "revoke"]);
        call.json(body).answer().await
    }

    /// `POST /v1/tokens/revoke`: many at once, in one transaction.
    ///
    /// # Errors
    /// [`Error`]; among the problems `input_invalid`.
    pub async fn revoke_tokens(&self, body: &RevokeTokens) -> Result<RevokedTokens, Error> {
        let call = self.call(Method::POST, &["v1", "tokens", "revoke"]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/tokens/{id}`: drops a dead record from the lists; the audit trail stays.
    ///
    /// # Errors
    /// [`Error`]; among the problems `token_live`.
    pub async fn delete_token(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "tokens", id::token(id)?])
            .done()
            .await
    }

    /// `GET /v1/tokens/self`: the record of the token that this client presents.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn own_token(&self) -> Result<Token, Error> {
        self.call(Method::GET, &["v1", "tokens", "self"]).answer().await
    }

    /// `POST /v1/tokens/self/revoke`: ends the token that this client presents. It needs no scope.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn revoke_own_token(&self, body: &RevokeToken) -> Result<Revoked, Error> {
        let call = self.call(Method::POST, &["v1", "tokens", "self", "revoke"]);
        call.json(body).answer().await
    }

    /// `POST /v1/tokens/report-leak`: whoever holds a token may end it. The client's own credential is not sent.
    ///
    /// # Errors
    /// [`Error`]; `token_not_found` for everything that is not a live token there.
    pub async fn report_leak(&self, body: &ReportLeak) -> Result<Revoked, Error> {
        let call = self.call(Method::POST, &["v1", "tokens", "report-leak"]);
        call.without_credential().json(body).answer().await
    }
}
