//! Scopes: what a token can be given, and what the caller may hand on.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How far the caller may hand a scope on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grantable {
    /// To tokens of every kind, everywhere in the organization.
    Everywhere,
    /// Within the teams, services and environments that the caller reaches.
    Restricted,
    /// To the caller's own personal tokens only, for what is the caller's own.
    Own,
    /// Not at all; `reason` says why.
    No,
}

/// A scope of the catalogue, as the caller may hand it on now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scope {
    /// The name that is granted.
    #[schema(example = "deployments:write")]
    pub scope: String,
    /// What it lets a token do, in a sentence.
    pub description: String,
    /// How far the caller may hand it on.
    pub grantable: Grantable,
    /// Why it may not be handed on; `null` when it may.
    pub reason: Option<String>,
}

/// The whole catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scopes {
    /// Every scope that this version knows, in the order of the catalogue.
    pub data: Vec<Scope>,
}
