//! The peppers under which digests are made: one, or two while a rotation lasts.
//!
//! Invariant: at most two are live. Read on every check, swapped whole by [`crate::Change::Peppers`].

use claviger_domain::TokenId;
use claviger_token::{Digest, Pepper};

/// The live peppers.
#[derive(Debug)]
pub struct Peppers {
    /// New digests are made under it.
    pub current: Pepper,
    /// Tokens that were not used since the rotation began are still known under it.
    pub previous: Option<Pepper>,
}

/// A token was accepted under the previous pepper; this is its digest under the current one, to be stored. The verifier goes on
/// accepting both until [`crate::Change::Rekey`] says that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redigest {
    /// The token.
    pub id: TokenId,
    /// What is stored.
    pub from: Digest,
    /// What to store instead.
    pub to: Digest,
}
