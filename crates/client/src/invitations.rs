//! The operations on invitations, `/v1/invitations`.

use claviger_api::{
    invitations::{
        AcceptInvitation, CreateInvitation, CreatedInvitation, Invitation, JoinedUser, ListInvitations,
    },
    page::Page,
};
use reqwest::Method;

use crate::{Client, Error, id};

impl Client {
    /// `POST /v1/invitations`. An earlier invitation to the same address is void.
    ///
    /// # Errors
    /// [`Error`]; among the problems `role_exceeds_caller`, `email_taken`.
    pub async fn create_invitation(&self, body: &CreateInvitation) -> Result<CreatedInvitation, Error> {
        let call = self.call(Method::POST, &["v1", "invitations"]);
        call.json(body).answer().await
    }

    /// `GET /v1/invitations`: one page. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_invitations(&self, list: &ListInvitations) -> Result<Page<Invitation>, Error> {
        self.page(list).await
    }

    /// `DELETE /v1/invitations/{id}`: nobody joins by it any more.
    ///
    /// # Errors
    /// [`Error`]; among the problems `invitation_not_found`, `invitation_gone`.
    pub async fn withdraw_invitation(&self, id: &str) -> Result<(), Error> {
        self.call(Method::DELETE, &["v1", "invitations", id::invitation(id)?])
            .done()
            .await
    }

    /// `POST /v1/invitations/accept`: possession of the invitation decides; the client's own credential is not sent.
    ///
    /// # Errors
    /// [`Error`]; among the problems `invitation_not_found`, `invitation_gone`, `input_invalid`.
    pub async fn accept_invitation(&self, body: &AcceptInvitation) -> Result<JoinedUser, Error> {
        let call = self.call(Method::POST, &["v1", "invitations", "accept"]);
        call.without_credential().json(body).answer().await
    }
}
