//! The operations on people, `/v1/users`, and on their passwords.

use claviger_api::{
    page::Page,
    users::{ChangePassword, ChangedUser, IssuedReset, ListUsers, ResetPassword, UpdateUser, User},
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `GET /v1/users`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_users(&self, list: &ListUsers) -> Result<Page<User>, Error> {
        self.page(list).await
    }

    /// `GET /v1/users/{id}`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `user_not_found`.
    pub async fn show_user(&self, id: &str) -> Result<User, Error> {
        self.call(Method::GET, &["v1", "users", id::user(id)?])
            .answer()
            .await
    }

    /// `GET /v1/users/self`: the person that this client's token acts as.
    ///
    /// # Errors
    /// [`Error`]; among the problems `user_not_found` for a token that acts as itself.
    pub async fn own_user(&self) -> Result<User, Error> {
        self.call(Method::GET, &["v1", "users", "self"]).answer().await
    }

    /// `PATCH /v1/users/{id}`: name, role. When this returns, the person's tokens do what the new role lets them.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_exceeds_caller`, `last_administrator`.
    pub async fn update_user(&self, id: &str, body: &UpdateUser) -> Result<ChangedUser, Error> {
        let call = self.call(Method::PATCH, &["v1", "users", id::user(id)?]);
        call.json(body).answer().await
    }

    /// `POST /v1/users/{id}/deactivate`. When this returns, no token of the person is accepted. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `last_administrator`.
    pub async fn deactivate_user(&self, id: &str) -> Result<ChangedUser, Error> {
        self.call(Method::POST, &["v1", "users", id::user(id)?, "deactivate"])
            .answer()
            .await
    }

    /// `POST /v1/users/{id}/reactivate`. Repeating it is harmless.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_exceeds_caller`.
    pub async fn reactivate_user(&self, id: &str) -> Result<ChangedUser, Error> {
        self.call(Method::POST, &["v1", "users", id::user(id)?, "reactivate"])
            .answer()
            .await
    }

    /// `POST /v1/users/{id}/password-reset`: what the person needs to choose a new password, shown once.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_exceeds_caller`, `user_deactivated`.
    pub async fn issue_password_reset(&self, id: &str) -> Result<IssuedReset, Error> {
        self.call(Method::POST, &["v1", "users", id::user(id)?, "password-reset"])
            .answer()
            .await
    }

    /// `POST /v1/users/self/password`.
    ///
    /// # Errors
    /// [`Error`]; among the problems `password_wrong`, `too_many_attempts`, `input_invalid`.
    pub async fn change_password(&self, body: &ChangePassword) -> Result<(), Error> {
        let call = self.call(Method::POST, &["v1", "users", "self", "password"]);
        call.json(body).done().await
    }

    /// `POST /v1/passwords/reset`: possession of the reset decides; the client's own credential is not sent.
    ///
    /// # Errors
    /// [`Error`]; among the problems `reset_not_found`, `reset_gone`, `input_invalid`.
    pub async fn reset_password(&self, body: &ResetPassword) -> Result<(), Error> {
        let call = self.call(Method::POST, &["v1", "passwords", "reset"]);
        call.without_credential().json(body).done().await
    }
}
