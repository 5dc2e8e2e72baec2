//! Tokens: issue, list, show, update, regenerate, revoke, delete. One file per operation.

mod bulk;
mod delete;
mod issue;
mod list;
mod possession;
mod record;
mod regenerate;
mod revoke;
mod update;

use claviger_domain::receipt::Receipt;
use claviger_domain::token::{Expiry, Token, TokenType};
use claviger_domain::{OwnerId, ScopeSet, Timestamp, TokenId};
use claviger_token::Secret;

pub use bulk::{BulkOutcome, BulkSelection, Doomed, MAX_BULK_IDS};
pub use list::{Listing, Order, SortKey, TokenFilter};
pub use possession::LeakReport;
pub use revoke::Revoked;
pub use update::TokenChanges;

pub(crate) use issue::owner_power;
pub(crate) use record::{entry, from_row};

use claviger_domain::name::{Description, Name};

/// A token to issue.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What kind of principal it is to act as: personal or global.
    pub token_type: TokenType,
    /// Unique among the owner's live tokens.
    pub name: Name,
    /// For people.
    pub description: Description,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it ends; `None` = 90 days, or with the calling token when that ends sooner.
    pub expiry: Option<Expiry>,
}

/// A token with its secret, which is shown this once.
#[derive(Debug)]
pub struct Issued {
    /// Its record.
    pub token: Token,
    /// The string to present.
    pub secret: Secret,
    /// Proof that the verifiers know it.
    pub receipt: Receipt,
}

/// A changed token, and proof that no verifier goes by its old state.
#[derive(Debug, Clone)]
pub struct Changed {
    /// The record after the change.
    pub token: Token,
    /// The proof.
    pub receipt: Receipt,
}

/// The owner of a new token of this type.
fn owner_of(token_type: TokenType, id: TokenId, maker: OwnerId) -> OwnerId {
    match token_type {
        TokenType::Personal => maker,
        TokenType::Global | TokenType::Team | TokenType::Service => id.into(),
    }
}

/// The time as JSON shows it.
fn shown(instant: Option<Timestamp>) -> serde_json::Value {
    instant.map_or(serde_json::Value::Null, |instant| instant.to_string().into())
}
