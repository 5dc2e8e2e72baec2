//! The way out: posts to webhooks and mail, for the operations that ask for it.
//!
//! Invariants: a webhook leads to no address that is not public unless the operator allows it, whatever its name resolves to and however
//! it is spelt (`rules`, `address`, `resolver`); no redirect is followed and no proxy of the environment is asked; every try has an end.

mod address;
mod mail;
mod post;
mod resolver;
mod rules;

use std::sync::Arc;

use anyhow::Result;
use claviger_domain::reminder::Message;
use claviger_service::outbound::{AddressRefused, Mail, Outbound, Post, SendError, Sending};

pub use mail::Mailbox;
pub use rules::{Allowed, Rules};

use mail::Mailer;
use post::Poster;
use resolver::SystemResolver;

/// The clients of the world outside.
pub(crate) struct World {
    rules: Arc<Rules>,
    poster: Poster,
    mailer: Option<Mailer>,
}

impl World {
    /// Clients that keep to these rules; mail is sent through `mailbox`, if there is one.
    ///
    /// # Errors
    /// When the machine has no certificates to trust, or the mail server's address makes no sense.
    pub(crate) fn new(rules: Rules, mailbox: Option<&Mailbox>) -> Result<Self> {
        let rules = Arc::new(rules);
        Ok(Self {
            poster: Poster::new(Arc::clone(&rules), Arc::new(SystemResolver))?,
            rules,
            mailer: mailbox.map(Mailer::new).transpose()?,
        })
    }
}

impl Outbound for World {
    fn address(&self, url: &str) -> Result<String, AddressRefused> {
        self.rules.address(url).map(String::from)
    }

    fn render(&self, message: &Message<'_>) -> String {
        claviger_http::webhook_body(message)
    }

    fn post(&self, post: Post) -> Sending<'_, u16> {
        Box::pin(self.poster.post(post))
    }

    fn sends_mail(&self) -> bool {
        self.mailer.is_some()
    }

    fn mail(&self, mail: Mail) -> Sending<'_, ()> {
        Box::pin(async move {
            match &self.mailer {
                Some(mailer) => mailer.send(mail).await,
                None => Err(SendError("no mail server is configured".to_owned())),
            }
        })
    }
}
