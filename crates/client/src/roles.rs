//! The operations on roles and kinds of resources, `/v1/roles` and `/v1/kinds`.

use claviger_api::roles::{Kind, Kinds, PutKind, PutRole, Roles, WrittenRole};
use reqwest::Method;

use crate::{Client, Error};

impl Client {
    /// `GET /v1/roles`: the presets and the organization's own.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn roles(&self) -> Result<Roles, Error> {
        self.call(Method::GET, &["v1", "roles"]).answer().await
    }

    /// `PUT /v1/roles/{name}`: makes or replaces a role.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_is_preset`, `role_exceeds_caller`, `role_limit_reached`.
    pub async fn put_role(&self, name: &str, body: &PutRole) -> Result<WrittenRole, Error> {
        let call = self.call(Method::PUT, &["v1", "roles", name]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/roles/{name}`: one that nobody has.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_not_found`, `role_in_use`.
    pub async fn delete_role(&self, name: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "roles", name]).done().await
    }

    /// `GET /v1/kinds`: the presets and the organization's own.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn kinds(&self) -> Result<Kinds, Error> {
        self.call(Method::GET, &["v1", "kinds"]).answer().await
    }

    /// `PUT /v1/kinds/{name}`: makes or replaces a kind.
    ///
    /// # Errors
    /// [`Error`]; among the problems `kind_is_preset`, `kind_reserved`, `kind_in_use`.
    pub async fn put_kind(&self, name: &str, body: &PutKind) -> Result<Kind, Error> {
        let call = self.call(Method::PUT, &["v1", "kinds", name]);
        call.json(body).answer().await
    }

    /// `DELETE /v1/kinds/{name}`: one that no role names.
    ///
    /// # Errors
    /// [`Error`]; among the problems `kind_not_found`, `kind_in_use`.
    pub async fn delete_kind(&self, name: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "kinds", name]).done().await
    }
}
