//! What the person at the machine does: make the first administrator, give one a new token, back up, restore.
//!
//! Invariant: it opens the store as the server does, so it refuses to run beside one, and every change has its audit event. Only a
//! backup is taken beside a server.

use std::path::Path;

use anyhow::{Result, bail};
use claviger_domain::{
    UserId,
    token::{Expiry, PresentedIn},
};
use claviger_service::{Origin, Service, WithoutJournal, tokens::Issued};
use claviger_token::Secret;
use prometheus_client::registry::Registry;

use crate::{
    Surroundings,
    config::{Config, Database},
    run::runtime,
    wiring::open_service,
};

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

/// Writes a backup of the embedded database to a file that is not there yet; gives its bytes. A server may run.
///
/// # Errors
/// With a sentence for the operator: the store is PostgreSQL, the file is there, there is no space.
pub fn backup(config: &Config, to: &Path) -> Result<u64> {
    let Database::Sqlite = &config.database else {
        bail!("the store is PostgreSQL: back it up with `pg_dump`");
    };
    Ok(claviger_store::backup(&config.data_dir, to)?)
}

/// Puts a backup in the place of the embedded database, if one is given, and ends what has ended since by the revocation journal. Where
/// the journal is unusable it is as `without` says.
///
/// # Errors
/// With a sentence for the operator: a server runs, the file is no backup, the journal is missing, another store's or damaged.
pub fn restore(config: &Config, from: Option<&Path>, without: WithoutJournal) -> Result<()> {
    match (&config.database, from) {
        (Database::Sqlite, Some(from)) => claviger_store::restore(&config.data_dir, from)?,
        (Database::Postgres(_), Some(_)) => bail!("the store is PostgreSQL: restore it with `pg_restore`"),
        (_, None) => {}
    }
    runtime(config)?.block_on(async {
        let mut registry = Registry::default();
        let (store, service) = open_service(config, Surroundings::system(), &mut registry, without).await?;
        service.flush().await?;
        store.close().await;
        Ok(())
    })
}

fn at_the_machine(
    config: &Config,
    operation: impl AsyncFnOnce(&Service, &Origin) -> Result<Issued>,
) -> Result<Administrator> {
    runtime(config)?.block_on(async {
        let surroundings = Surroundings::system();
        let now = surroundings.clock.now();
        let (store, service) = open_service(
            config,
            surroundings,
            &mut Registry::default(),
            WithoutJournal::Refuse,
        )
        .await?;
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
