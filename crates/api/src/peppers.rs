//! Peppers: the keys under which digests are made. They live outside the database and are never shown.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::tokens::Receipt;

/// A live pepper. Its key is never shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pepper {
    /// Derived from the key; tells peppers apart.
    #[schema(example = "9f86d081")]
    pub id: String,
    /// True for the pepper under which new digests are made.
    pub current: bool,
    /// Tokens whose digest was made under it, dead records included.
    pub tokens: u64,
    /// Live tokens among them.
    pub live_tokens: u64,
}

/// The live peppers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Peppers {
    /// At most two: the current one, and the previous one until it is retired.
    pub data: Vec<Pepper>,
    /// Proof that the tokens which were revoked with a retired pepper are dead; only when there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

/// Gives the previous pepper up.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetirePepper {
    /// Also when live tokens still depend on it; they are revoked.
    #[serde(default)]
    pub revoke_stragglers: bool,
}
