//! What the person at the machine does without a server: make the first administrator, or give one a new token.
//!
//! Invariant: it opens the store as the server does, so it refuses to run beside one, and every change has its audit event.

use anyhow::Result;
use claviger_domain::{
    UserId,
    token::{Expiry, PresentedIn},
};
use claviger_service::{Origin, Service, tokens::Issued};
use claviger_token::Secret;
use prometheus_client::registry::Registry;

use crate::{Surroundings, config::Config, run::runtime, wiring::open_service};

/// The request id of what is done at the machine, in the audit trail.
const REQUEST_ID: &str = "claviger-init";

/// An administrator's token.
#[derive(Debug)]
pub struct Administrator {
    /// The string to present. It is shown once.
    pub secret: Secret,
    /// The token's id, `tok_…`.
    pub token_id: String,
    /// The administrator, `usr_…`.
    pub user_id: String,
    /// When the token ends, RFC 3339; `None` = never.
    pub expires_at: Option<String>,
}

/// Makes the first administrator and their token.
///
/// # Errors
/// With a sentence for the operator: there is one already, the address is none, or the store cannot be opened (a server runs).
pub fn init(config: &Config, email: &str, organization: Option<&str>) -> Result<Administrator> {
    at_the_machine(config, async |service, origin| {
        Ok(service
            .initialize(origin, email, organization, None::<Expiry>)
            .await?)
    })
}

/// Issues a new token for an administrator who lost theirs. Their other tokens stay as they are.
///
/// # Errors
/// With a sentence for the operator: there is no such administrator, or the store cannot be opened (a server runs).
pub fn reissue(config: &Config, email: &str) -> Result<Administrator> {
    at_the_machine(config, async |service, origin| {
        Ok(service.reissue(origin, email, None::<Expiry>).await?)
    })
}

fn at_the_machine(
    config: &Config,
    operation: impl AsyncFnOnce(&Service, &Origin) -> Result<Issued>,
) -> Result<Administrator> {
    runtime(config)?.block_on(async {
        let surroundings = Surroundings::system();
        let now = surroundings.clock.now();
        let (store, service) = open_service(config, surroundings, &mut Registry::default()).await?;
        let origin = Origin {
            request_id: REQUEST_ID.to_owned(),
            address: None,
            presented_in: PresentedIn::Header,
            now,
        };
        let issued = operation(&service, &origin).await?;
        service.flush().await?;
        store.close().await;
        Ok(Administrator {
            token_id: issued.token.id.to_string(),
            // Administrators are persons, so the owner of their token is one.
            user_id: UserId::from_i64(issued.token.owner.get()).to_string(),
            expires_at: issued.token.expires_at.map(|at| at.to_string()),
            secret: issued.secret,
        })
    })
}
