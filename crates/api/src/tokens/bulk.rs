//! Revoking many at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Receipt, TokenType};

/// Which tokens to revoke: `ids`, or a `filter`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokens {
    /// At most 1,000 ids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<Vec<String>>,
    /// Every live token that matches. An empty filter matches all, so it must be said: `{}`.
    #[serde(
        default,
        deserialize_with = "an_object",
        skip_serializing_if = "Option::is_none"
    )]
    pub filter: Option<RevokeFilter>,
    /// Only show what would be revoked.
    #[serde(default)]
    pub dry_run: bool,
    /// A note for those who will wonder, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// serde takes an array for an object too, and an empty one would match everything: `"filter": []` must not.
fn an_object<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<RevokeFilter>, D::Error> {
    let fields = Option::<serde_json::Map<String, serde_json::Value>>::deserialize(deserializer)?;
    let filter = fields.map(|fields| serde_json::from_value(fields.into()));
    filter.transpose().map_err(serde::de::Error::custom)
}

/// Which live tokens a bulk revocation is about. All conditions must hold. The calling token itself is never matched.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeFilter {
    /// Only this kind.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// Only tokens that act as this principal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Only tokens of this team itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Only tokens of this service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only names that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_prefix: Option<String>,
    /// Only tokens issued before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_before: Option<String>,
    /// Only tokens not used since this instant; a token never used counts as unused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_since: Option<String>,
}

/// What a bulk revocation did, or would do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevokedTokens {
    /// True when nothing was changed.
    pub dry_run: bool,
    /// Tokens that were live and are revoked now, or would be.
    pub revoked: u64,
    /// Tokens among the given ids that had ended already.
    pub already_ended: u64,
    /// Ids that name no token you can see.
    pub not_found: Vec<String>,
    /// How many of them were used within the last hour.
    pub used_last_hour: u64,
    /// The most recently used of them, at most 100.
    pub tokens: Vec<RevokedToken>,
    /// The proof; `null` on a dry run.
    pub receipt: Option<Receipt>,
}

/// A token in a bulk revocation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevokedToken {
    /// The handle.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The principal it acts as.
    pub owner: String,
    /// When it was last accepted; `null` = never.
    pub last_used_at: Option<String>,
    /// Whence it was last accepted.
    pub last_used_address: Option<String>,
}
