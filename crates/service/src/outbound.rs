//! What the operations ask of the world outside: to post to a webhook and to send mail. `server` has the clients; tests use the same.

use std::future::Future;
use std::pin::Pin;

use claviger_domain::reminder::Message;

/// A try to send something, until its end.
pub type Sending<'a, T> = Pin<Box<dyn Future<Output = Result<T, SendError>> + Send + 'a>>;

/// The way out. An implementation bounds the time of every try, and connects to no address that the operator does not allow.
pub trait Outbound: Send + Sync {
    /// The canonical form of a webhook's address, if it may be called as far as its text tells. What a name resolves to is looked at
    /// when it is called.
    ///
    /// # Errors
    /// Code and reason: `url_malformed`, `url_not_https`, `url_port_refused`, `url_address_refused`, `url_has_credentials`.
    fn address(&self, url: &str) -> Result<String, AddressRefused>;

    /// The body by which a webhook is told.
    fn render(&self, message: &Message<'_>) -> String;

    /// Posts to a webhook and gives the status of the answer. A redirect is an answer like any other.
    fn post(&self, post: Post) -> Sending<'_, u16>;

    /// True when mail can be sent.
    fn sends_mail(&self) -> bool;

    /// Sends a mail; done when the first server on its way has taken it.
    fn mail(&self, mail: Mail) -> Sending<'_, ()>;
}

/// A message to a webhook, in the headers and the body of Standard Webhooks 1.0.0.
#[derive(Clone)]
pub struct Post {
    /// Where to.
    pub url: String,
    /// `webhook-id`: the same at every try.
    pub id: String,
    /// `webhook-timestamp`: seconds since 1970.
    pub timestamp: i64,
    /// `webhook-signature`: one or more, parted by spaces.
    pub signature: String,
    /// The body, as it was signed.
    pub body: String,
}

/// A mail in plain text.
#[derive(Clone)]
pub struct Mail {
    /// The recipient's address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// Names the mail in the same way at every try.
    pub id: String,
}

/// Why an address may not be called.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct AddressRefused {
    /// Stable name.
    pub code: &'static str,
    /// The reason for a person.
    pub detail: String,
}

/// Why something was not sent. It names no secret and no path: people read it who may not know the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SendError(pub String);

/// The address may hold a secret of the receiver.
impl std::fmt::Debug for Post {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Post")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The address is a person's.
impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
