//! The audit trail: one event per change, each bound to the one before it by a hash.
//!
//! This room knows what an event is and which bytes are hashed; `service::audit` computes the chain and keeps its head.

use crate::{OrgId, Timestamp, TokenId, UserId};

/// What happened. The text is stable once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The installation was set up.
    SetupCompleted,
    /// A token was issued.
    TokenIssued,
    /// Name, description, expiry or scopes changed.
    TokenUpdated,
    /// The secret was replaced.
    TokenRegenerated,
    /// A token was ended by someone.
    TokenRevoked,
    /// A dead record was dropped.
    TokenDeleted,
    /// A deployment was reported.
    DeploymentReported,
    /// A new pepper took over.
    PepperRotated,
    /// The previous pepper was given up.
    PepperRetired,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::SetupCompleted,
        Self::TokenIssued,
        Self::TokenUpdated,
        Self::TokenRegenerated,
        Self::TokenRevoked,
        Self::TokenDeleted,
        Self::DeploymentReported,
        Self::PepperRotated,
        Self::PepperRetired,
    ];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SetupCompleted => "setup.completed",
            Self::TokenIssued => "token.issued",
            Self::TokenUpdated => "token.updated",
            Self::TokenRegenerated => "token.regenerated",
            Self::TokenRevoked => "token.revoked",
            Self::TokenDeleted => "token.deleted",
            Self::DeploymentReported => "deployment.reported",
            Self::PepperRotated => "pepper.rotated",
            Self::PepperRetired => "pepper.retired",
        }
    }
}

/// Who did it, in the form of the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A person, through this token.
    User(UserId, TokenId),
    /// A token that acts as itself.
    Token(TokenId),
    /// Whoever held the token and nothing else: the finder of a leak.
    Holder(TokenId),
    /// The person at the machine, before there is any account.
    Operator,
    /// The server itself.
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user, _) => write!(f, "{user}"),
            Self::Token(token) => write!(f, "{token}"),
            Self::Holder(token) => write!(f, "holder:{token}"),
            Self::Operator => f.write_str("operator"),
            Self::System => f.write_str("system"),
        }
    }
}

/// One event as it is hashed, stored, listed and exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Place in the chain: 1, 2, 3, … without a gap.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The tenant.
    pub org: OrgId,
    /// Who, as [`Actor`] writes it.
    pub actor: String,
    /// The token that the actor presented, if any.
    pub via: Option<String>,
    /// What, as [`Action`] writes it.
    pub action: String,
    /// The thing that changed, by its id.
    pub subject: String,
    /// What changed, as a JSON object. Never a secret, never a digest.
    pub detail: String,
    /// The request that caused it.
    pub request_id: String,
    /// Whence the request came.
    pub address: Option<String>,
}

impl Event {
    /// The bytes whose hash, after the hash of the event before, is this event's link in the chain.
    ///
    /// Every field is written as its length (eight bytes, big endian) and its bytes, so that no two events have the same
    /// bytes. An absent field is the length `u64::MAX`.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"claviger audit v1\0");
        bytes.extend_from_slice(&self.seq.to_be_bytes());
        bytes.extend_from_slice(&self.at.micros().to_be_bytes());
        bytes.extend_from_slice(&self.org.get().to_be_bytes());
        let fields = [
            Some(&self.actor),
            self.via.as_ref(),
            Some(&self.action),
            Some(&self.subject),
            Some(&self.detail),
            Some(&self.request_id),
            self.address.as_ref(),
        ];
        for field in fields {
            match field {
                Some(text) => {
                    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                }
                None => bytes.extend_from_slice(&u64::MAX.to_be_bytes()),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_character_between_two_fields_changes_the_bytes() {
        let event = |actor: &str, via: Option<&str>| Event {
            seq: 1,
            at: Timestamp::from_micros(5),
            org: OrgId::from_i64(1),
            actor: actor.into(),
            via: via.map(str::to_owned),
            action: "token.issued".into(),
            subject: String::new(),
            detail: "{}".into(),
            request_id: String::new(),
            address: None,
        };

        assert_ne!(
            event("ab", Some("c")).canonical_bytes(),
            event("a", Some("bc")).canonical_bytes()
        );
        assert_ne!(
            event("ab", Some("")).canonical_bytes(),
            event("ab", None).canonical_bytes()
        );
    }

    #[test]
    fn every_action_has_its_own_text() {
        let texts: std::collections::HashSet<_> = Action::ALL.iter().map(|action| action.as_str()).collect();

        assert_eq!(texts.len(), Action::ALL.len());
    }
}
