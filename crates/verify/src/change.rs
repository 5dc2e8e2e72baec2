//! What the writer tells the verifier after each commit, and before it answers whoever asked for the change.
//!
//! Invariant: every change is applied whole, in one step for readers, at a cost that does not depend on how many tokens there
//! are. Made by `service` from what it wrote; applied by [`crate::Verifier::apply`] in the order of the commits.

use std::sync::Arc;

use claviger_domain::authority::Authority;
use claviger_domain::terms::{RateLimit, Terms};
use claviger_domain::{OrgId, OwnerId, Timestamp, TokenId};
use claviger_token::{Digest, TokenType};

use crate::Peppers;

/// All that the verifier knows of one token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What is stored of the secret, under either live pepper.
    pub digest: Digest,
    /// The handle.
    pub id: TokenId,
    /// The tenant.
    pub org: OrgId,
    /// The principal it acts as; the token's own number when it acts as itself.
    pub owner: OwnerId,
    /// What the owner may do, taken only when the verifier does not know the owner yet; afterwards [`Change::Owner`] alone changes
    /// it. A token that is its own owner is bounded by nothing but what it was given.
    pub owner_authority: Arc<Authority>,
    /// What kind of principal it acts as.
    pub token_type: TokenType,
    /// What it was given.
    pub authority: Arc<Authority>,
    /// On which conditions it is accepted; `None` = on none. What is left of its limits stays when they change.
    pub terms: Option<Arc<Terms>>,
    /// When it ends; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// True when it was ended by someone. Final: an entry that says false revives nothing.
    pub revoked: bool,
    /// When its present secret was last accepted, as stored. A later use that the verifier knows of is kept.
    pub last_used: Option<Timestamp>,
    /// The present secret came with a regeneration, and the store knows of no use of it yet: its uses are told as a
    /// [successor's](crate::SecretRole::Successor).
    pub awaits_first_use: bool,
    /// The secret before, while it is good too. The token's end, its owner and what it was given hold for both secrets.
    pub previous: Option<PreviousSecret>,
}

/// A secret that a regeneration replaced with an overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    /// What is stored of it.
    pub digest: Digest,
    /// When it stops being good, unless the token ends sooner. From then on it is unknown.
    pub ends_at: Timestamp,
    /// It stops sooner, at the first accepted use of the present secret.
    pub until_first_use: bool,
    /// When it was last accepted, as stored.
    pub last_used: Option<Timestamp>,
}

/// A principal that tokens act as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its number. Tokens that are their own owner have none of these: narrow such a token by [`Change::Upsert`].
    pub id: OwnerId,
    /// The tenant.
    pub org: OrgId,
    /// All that it may do now. No token of the owner does more.
    pub authority: Arc<Authority>,
    /// False: none of its tokens is accepted, and the reason is `revoked`.
    pub active: bool,
    /// How often all of its tokens together are accepted.
    pub rate_limit: Option<RateLimit>,
}

/// One committed change.
#[derive(Debug)]
pub enum Change {
    /// A token was issued or updated (name and the like do not matter here).
    Upsert(Entry),
    /// A token got a new secret. Without an overlap the old digest is refused before the new one is accepted; with one, both are good
    /// when this is in force. The uses of the two are known apart, and what the old one was last used is told all the same.
    Replace {
        /// The digest of the secret that was the present one.
        old: Digest,
        /// The digest of the secret before that one, when the token was in an overlap: it stops now.
        older: Option<Digest>,
        /// The token with its new digest; `previous` is the old one during an overlap.
        new: Entry,
    },
    /// An overlap is over: the previous secret is forgotten.
    EndOverlap {
        /// The token.
        id: TokenId,
        /// The digest of its present secret.
        current: Digest,
        /// The digest of the one that stops.
        previous: Digest,
    },
    /// A secret was ended by someone. It stays known, so that its owner's log can tell. A token in an overlap has two.
    Revoke(Digest),
    /// A deleted token's secret is forgotten. An overlap is ended before.
    Remove(Digest),
    /// A [`Redigest`](crate::Redigest) was stored. The token is accepted at every moment of the change.
    Rekey {
        /// The digest under the previous pepper.
        from: Digest,
        /// The digest under the current one.
        to: Digest,
    },
    /// A principal came, got more or less power, or was deactivated or reactivated.
    Owner(Owner),
    /// An organization allows tokens in addresses, or does so no more; none does until it is told. See
    /// [`Terms::allow_query`](claviger_domain::terms::Terms::allow_query), which a token needs besides.
    QueryTokens {
        /// Which.
        org: OrgId,
        /// Whether.
        allowed: bool,
    },
    /// A rotation of the pepper began (with a previous one) or ended (without).
    Peppers(Peppers),
}

/// Whether a change found what it was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is in force: every check that starts from now on sees it.
    InForce,
    /// The token was not in the index, so there was nothing to change; whoever sent the change and the index disagree.
    Absent,
}
