//! The one form of every error: a problem (RFC 9457) with a stable code.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// Why a request was refused or failed (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A page about this kind of problem, relative to this server.
    #[serde(rename = "type")]
    #[schema(example = "/docs/problems#token_name_taken")]
    pub kind: String,
    /// The kind of problem in a few words.
    #[schema(example = "Token name taken")]
    pub title: String,
    /// The HTTP status.
    #[schema(example = 409)]
    pub status: u16,
    /// The stable name of the problem. Decide by it.
    #[schema(example = "token_name_taken")]
    pub code: String,
    /// What happened, and what to do next. Read it, do not parse it.
    pub detail: String,
    /// Names this request in the server's log.
    pub request_id: String,
    /// The refused fields, when the input was at fault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
}

/// One refused field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// The path of the field in your body or query.
    #[schema(example = "scopes[1]")]
    pub field: String,
    /// The stable name of the reason.
    #[schema(example = "scope_unknown")]
    pub code: String,
    /// The reason.
    pub detail: String,
}
