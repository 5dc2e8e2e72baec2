//! Tokens: issue, list, show, update, regenerate, revoke, delete.

mod bulk;

pub use bulk::{RevokeFilter, RevokeTokens, RevokedToken, RevokedTokens};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::limits::{Quota, RateLimit, stated};
use crate::roles::RoleAssignment;

/// What kind of principal a token acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenType {
    /// Acts as the person who issued it.
    Personal,
    /// Acts as itself, everywhere in the organization.
    Global,
    /// Acts as itself, on all that is one team's.
    Team,
    /// Acts as itself, on one service.
    Service,
}

/// Where a token may act, within what its holder reaches. A list that is absent restricts nothing; an empty one leaves nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restrictions {
    /// Only these teams and what is theirs, by id; at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["team_01k9zv5m3r000"]))]
    pub teams: Option<Vec<String>>,
    /// Only these services, by id; at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// Only these environments, by id; at most 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<String>>,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Accepted.
    Live,
    /// Ended by time.
    Expired,
    /// Ended by someone.
    Revoked,
}

/// A token's record. The secret is not in it: it was shown once, when the token was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// The handle for every call about this token. Not a secret.
    #[schema(example = "tok_01k9zv5m3r000")]
    pub id: String,
    /// What kind of principal it acts as.
    #[serde(rename = "type")]
    pub token_type: TokenType,
    /// Unique among the live tokens of the same person, organization, team or service.
    #[schema(example = "release pipeline")]
    pub name: String,
    /// For people; may be empty.
    pub description: String,
    /// Why it was made; `null` where nobody had to say.
    pub reason: Option<String>,
    /// What it may do.
    #[schema(example = json!(["deployments:write"]))]
    pub scopes: Vec<String>,
    /// The last four characters of the secret, to recognise it by.
    #[schema(example = "x7Qp")]
    pub hint: String,
    /// Where it stands now.
    pub state: TokenState,
    /// The principal it acts as: a user (`usr_…`) or the token itself (`tok_…`).
    pub owner: String,
    /// The team whose token it is, or whose service's; `null` for the other types.
    pub team: Option<String>,
    /// The service whose token it is; `null` for the other types.
    pub service: Option<String>,
    /// Where it may act within that; `null` = everywhere there.
    pub restrictions: Option<Restrictions>,
    /// The roles that it has on resources of the organization's own kinds, within the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleAssignment>,
    /// The networks that it is accepted from; `null` = from anywhere, an empty list = from nowhere.
    #[schema(example = json!(["10.0.0.0/8"]))]
    pub networks: Option<Vec<String>>,
    /// How often it is accepted; `null` = as often as its owner is.
    pub rate_limit: Option<RateLimit>,
    /// How much of it there is; `null` = no end.
    pub quota: Option<Quota>,
    /// True when it may be presented as `?token=` to operations that bring something in.
    #[serde(default)]
    pub allow_query: bool,
    /// When it was issued.
    pub created_at: String,
    /// The principal that issued it.
    pub created_by: String,
    /// When name, description, expiry, scopes or secret last changed.
    pub updated_at: String,
    /// When it ends; `null` = never.
    pub expires_at: Option<String>,
    /// When its secret was last replaced; `null` = never.
    pub regenerated_at: Option<String>,
    /// The secret before, while it is good too; `null` outside an overlap.
    pub previous: Option<PreviousSecret>,
    /// When it was last accepted, by either secret, to the second; `null` = never.
    pub last_used_at: Option<String>,
    /// The address it was last accepted from.
    pub last_used_address: Option<String>,
    /// Where the request bore it then: `header` or `query`.
    pub last_used_in: Option<String>,
    /// Present when it is live and nobody has used it for as long as the policy bears.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<Unused>,
    /// When it was revoked; `null` = never.
    pub revoked_at: Option<String>,
    /// Who revoked it.
    pub revoked_by: Option<String>,
    /// Why: `requested`, `by_holder`, `leaked`, `unused`, or `restored` when a restore found that it had ended.
    pub revoke_reason: Option<String>,
    /// What the revoking person wrote.
    pub revoke_note: Option<String>,
}

/// The old secret of a token during an overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreviousSecret {
    /// Its last four characters.
    #[schema(example = "b2Xw")]
    pub hint: String,
    /// When it stops, unless something ends it sooner.
    pub ends_at: String,
    /// True when the first use of the new secret ends it.
    pub until_first_use: bool,
    /// When it was last accepted, to the second; `null` = never.
    pub last_used_at: Option<String>,
    /// The address it was last accepted from: where the old secret is still in use.
    pub last_used_address: Option<String>,
}

/// How to regenerate a token. Without an overlap the old secret stops at once. Give at most one of `expires_in_days`, `expires_at` and
/// `never_expires`; with none the token's end stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegenerateToken {
    /// How long the old secret stays good, in seconds, at most 86,400 (a day). A secret from before that one stops at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(maximum = 86400, example = 3600)]
    pub overlap_seconds: Option<u32>,
    /// The old secret stops at the first accepted use of the new one; after `overlap_seconds`, or a day, at the latest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_first_use: Option<bool>,
    /// 7, 30, 60 or 90 days from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
    /// An instant in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// `true` for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
}

/// Why a token is flagged as unused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unused {
    /// When it was last used; if never since then, when it got the secret that it has.
    pub since: String,
    /// After how many days the policy flags tokens of this type (`flag_unused_after_days`).
    #[schema(example = 30)]
    pub flagged_after_days: u32,
    /// When the policy revokes it unless it is used before (`revoke_unused_after_days`); `null` = never.
    pub revoked_at: Option<String>,
}

/// A token to issue. Give at most one of `expires_in_days`, `expires_at` and `never_expires`; with none it lives 90 days.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueToken {
    /// `personal` unless you say otherwise.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub token_type: Option<TokenType>,
    /// The team whose token it is to be, for the type `team`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// The service whose token it is to be, for the type `service`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// 3–128 characters, unique among the live tokens of the same person, organization, team or service.
    #[schema(example = "release pipeline")]
    pub name: String,
    /// At most 350 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why it is made, 1–128 characters: a token that reaches the whole organization needs it, and one without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it may do; never more than the calling token. `*` stands for every scope that exists today. May be absent when there are
    /// `roles`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["deployments:write"]))]
    pub scopes: Vec<String>,
    /// Where it may act; everywhere that its type reaches unless you say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<Restrictions>,
    /// Roles on resources of the organization's own kinds; never more than the calling token has. At most 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleAssignment>,
    /// The networks that it is accepted from, at most 100, in CIDR notation; from anywhere unless you say otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["10.0.0.0/8"]))]
    pub networks: Option<Vec<String>>,
    /// How often it is accepted; never more often than the calling token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// How much of it there is; never more than of the calling token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// `true` for a token that senders may put into the address as `?token=`, where others may read it. Its only scope is then
    /// `deployments:write`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_query: Option<bool>,
    /// 7, 30, 60 or 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 30)]
    pub expires_in_days: Option<u32>,
    /// An instant in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// `true` for a token without an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
}

/// A token with its secret, which is shown this once.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct IssuedToken {
    /// The string to present. Store it now: it is shown once.
    #[schema(example = "clvp_…")]
    pub secret: String,
    /// Its record.
    pub token: Token,
    /// Proof that every verifier knows it.
    pub receipt: Receipt,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken")
            .field("token", &self.token)
            .field("receipt", &self.receipt)
            .finish_non_exhaustive()
    }
}

/// What to change of a token. Absent fields stay as they are. The secret stays too: regenerate replaces it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateToken {
    /// A new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Why it is there, 1–128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The new scopes, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// The new restrictions, all of them; `{}` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restrictions: Option<Restrictions>,
    /// The new roles, all of them; `[]` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RoleAssignment>>,
    /// The new networks, all of them; `null` for anywhere.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    pub networks: Option<Option<Vec<String>>>,
    /// The new rate limit; `null` for none.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<RateLimit>)]
    pub rate_limit: Option<Option<RateLimit>>,
    /// The new quota; `null` for none. What was spent stays spent.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Quota>)]
    pub quota: Option<Option<Quota>>,
    /// Whether it may be presented as `?token=`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_query: Option<bool>,
    /// 7, 30, 60 or 90 days from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_days: Option<u32>,
    /// An instant in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// `true` for no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub never_expires: Option<bool>,
}

/// A changed token, and proof that no verifier goes by its old state any more.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChangedToken {
    /// The record after the change.
    pub token: Token,
    /// The proof.
    pub receipt: Receipt,
}

/// Proof that a change reached every verifier before this answer was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Receipt {
    /// Place of the change in the ordered feed of changes; it only grows.
    #[schema(example = 1042)]
    pub epoch: u64,
    /// The verifiers.
    pub verifiers: Verifiers,
    /// From the durable commit until the last verifier had confirmed, in milliseconds.
    pub slowest_ms: u64,
}

/// How the verifiers learned of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Verifiers {
    /// How many confirmed it.
    #[schema(example = 1)]
    pub confirmed: u32,
    /// How many were fenced off because they did not: they answer nothing until they caught up.
    #[schema(example = 0)]
    pub fenced: u32,
}

/// Why a token is revoked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// A note for those who will wonder, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A token that somebody found where it should not be. Whoever holds a token may end it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReportLeak {
    /// The token as it was found.
    pub token: String,
    /// Where it was found; kept in the audit trail, at most 128 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found_at: Option<String>,
}

impl std::fmt::Debug for ReportLeak {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReportLeak")
            .field("found_at", &self.found_at)
            .finish_non_exhaustive()
    }
}

/// The token is dead; this is the proof.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Revoked {
    /// The handle of the token that was revoked.
    pub id: String,
    /// The proof.
    pub receipt: Receipt,
}

/// Which tokens to list, in which order.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTokens {
    /// Only tokens in this state now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub state: Option<TokenState>,
    /// Only this kind.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    #[param(inline)]
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
    /// Only names, or hints, that begin so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only tokens that end before this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_before: Option<String>,
    /// Only tokens that end after this instant, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_after: Option<String>,
    /// Only tokens last accepted before this instant, or never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_before: Option<String>,
    /// Only tokens last accepted after this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_after: Option<String>,
    /// `true`: only live tokens that nobody has used for as long as the policy bears; `false`: only the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused: Option<bool>,
    /// `created_at`, `name`, `expires_at` or `last_used_at`; a leading `-` turns the order round. `-created_at` unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Rows of a page, 1–200; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same filter and order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}
