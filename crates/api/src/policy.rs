//! The policy of an organization: how long tokens live, by type, and what becomes of those that nobody uses.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The rules for tokens of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypePolicy {
    /// Days that a token lives when its maker names no end.
    #[schema(example = 90)]
    pub default_days: u32,
    /// The most days that it may live with one secret; `null` = as many as there are.
    pub max_days: Option<u32>,
    /// Whether it may live without an end, for a reason.
    pub never_allowed: bool,
    /// Days without a use after which its record says that it is unused; `null` = never. At most `revoke_unused_after_days`.
    #[serde(default)]
    pub flag_unused_after_days: Option<u32>,
    /// Days without a use after which it is revoked; `null` = never.
    pub revoke_unused_after_days: Option<u32>,
}

/// The whole policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Tokens that act as a person.
    pub personal: TypePolicy,
    /// Tokens that reach the whole organization. They need a reason whatever their end.
    pub global: TypePolicy,
    /// Tokens of a team.
    pub team: TypePolicy,
    /// Tokens of a service.
    pub service: TypePolicy,
    /// Whether tokens may be made that senders put into the address as `?token=`.
    pub query_tokens: bool,
}
