//! Verify: may whoever presented this token do that?

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::limits::LimitLevel;
use crate::tokens::TokenType;

/// A presented token, and what its bearer wants to do.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// The token as it was presented to you.
    #[schema(example = "clvp_…")]
    pub token: String,
    /// The scopes that are needed, all of them; none = any live token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["deployments:write"]))]
    pub scopes: Vec<String>,
    /// An action that is to be done to `resource`; the two go together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "trigger")]
    pub action: Option<String>,
    /// What it is to be done to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<AskedResource>,
    /// The address of the client that presented it to you, for `last_used_address` and for tokens that are bound to networks; yours unless
    /// said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "192.0.2.7")]
    pub address: Option<String>,
    /// What it takes from the token's limits when it is valid, 1–10,000; 1 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub cost: Option<u32>,
}

/// A resource. What is absent of it is matched by `*` only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedResource {
    /// Its kind: one of your own (`applications`), or one that scopes govern (`deployments`).
    #[schema(example = "applications")]
    pub kind: String,
    /// The team that it belongs to, by id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service that it belongs to, by id or name; its team follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The environment that it is in, by id or name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Its name: 1–8 segments between slashes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "search")]
    pub name: Option<String>,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verify")
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// True exactly when `code` is `valid`.
    pub valid: bool,
    /// `valid`, `unknown`, `malformed`, `expired`, `revoked`, `insufficient_scope`, `restricted`, `not_permitted`, `rate_limited` or
    /// `quota_exhausted`.
    #[schema(example = "valid")]
    pub code: String,
    /// The token, when it is known to your organization.
    pub token: Option<VerifiedToken>,
    /// The scopes that were needed and that it has nowhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_scopes: Vec<String>,
    /// The preset roles any of which would let it do the action to the resource, when it was given none that is about that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["application.trigger"]))]
    pub missing_roles: Vec<String>,
    /// After how many seconds the same would be accepted, when a limit refused it; absent when it never would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
    /// What is left of the limit of the token that has the least left; absent when nothing limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<LimitLevel>,
}

/// What a verifier may know of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifiedToken {
    /// The handle.
    #[schema(example = "tok_01k9zv5m3r000")]
    pub id: String,
    /// What kind of principal it acts as.
    #[serde(rename = "type")]
    pub token_type: TokenType,
    /// The principal it acts as.
    pub owner: String,
    /// The organization it belongs to.
    pub organization: String,
    /// What it may do now: what it was given, within its owner's present power.
    pub scopes: Vec<String>,
    /// When it ends; `null` = never.
    pub expires_at: Option<String>,
}
