//! The operations on sign-in sessions, `/v1/sessions`, that a program with a token has a use for. Signing in, confirming and signing out
//! are the browser's: the secret is a cookie, and this client presents tokens.

use claviger_api::{
    page::Page,
    sessions::{EndedSessions, ListSessions, Session},
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `GET /v1/sessions`: one page of the live sessions of a person. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`]; among the problems `user_not_found`.
    pub async fn list_sessions(&self, list: &ListSessions) -> Result<Page<Session>, Error> {
        self.page(list).await
    }

    /// `DELETE /v1/sessions/{id}`. When this returns, the session's next request is refused. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `session_not_found`.
    pub async fn end_session(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "sessions", id::session(id)?])
            .done()
            .await
    }

    /// `DELETE /v1/users/{id}/sessions`: signs a person out everywhere. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `user_not_found`.
    pub async fn end_user_sessions(&self, id: &str) -> Result<EndedSessions, Error> {
        self.call(Method::DELETE, &["v1", "users", id::user(id)?, "sessions"])
            .answer()
            .await
    }
}
