//! A token's record: its states, and the rules of its life.
//!
//! The secret is not here, only the digest under which it is found and the four characters by which a person recognises it.
//! States are `live`, then `revoked` (ended by someone, final) or `expired` (ended by time, final); a dead record stays listed
//! until it is deleted. The rules here are pure; `service` calls them inside its transactions.

mod expiry;
mod holder;
mod overlap;
mod presented;

pub use claviger_token::TokenType;
use claviger_token::{Digest, Hint, PepperId};
pub use expiry::{DEFAULT_DAYS, Expiry, MAX_DAYS, PRESET_DAYS};
pub use holder::{Holder, Restrictions, Surroundings, given};
pub use overlap::{MAX_OVERLAP_SECONDS, Overlap, PreviousSecret};
pub use presented::PresentedIn;
use serde::{Deserialize, Serialize};

use crate::authority::{Authority, Excess};
use crate::name::{Description, Label, Name};
use crate::owner::{Caller, Principal};
use crate::role::Assignment;
use crate::terms::Terms;
use crate::{FieldError, OrgId, OwnerId, Scope, ScopeSet, Timestamp, TokenId};

/// Everything that is kept of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The handle.
    pub id: TokenId,
    /// The tenant.
    pub org: OrgId,
    /// The principal it acts as.
    pub owner: OwnerId,
    /// Whose it is: a person's, the organization's, a team's or a service's.
    pub holder: Holder,
    /// Unique among the holder's live tokens.
    pub name: Name,
    /// For people.
    pub description: Description,
    /// Why it was made; said where the policy asks for it.
    pub reason: Option<Label>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Where it may do that, within what its holder reaches.
    pub restrictions: Restrictions,
    /// What else it may do, to which resources of the organization's own kinds, within the same.
    pub roles: Vec<Assignment>,
    /// On which conditions it is accepted.
    pub terms: Terms,
    /// The last four characters of the secret.
    pub hint: Hint,
    /// What is looked up.
    pub digest: Digest,
    /// The pepper under which the digest was made.
    pub pepper: PepperId,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The principal that issued it.
    pub created_by: Principal,
    /// When name, description, expiry, scopes or secret last changed.
    pub updated_at: Timestamp,
    /// When it ends; `None` = never.
    pub expires_at: Option<Timestamp>,
    /// Who ended it, when and why.
    pub revocation: Option<Revocation>,
    /// When and whence it was last accepted.
    pub last_use: Option<LastUse>,
    /// When its secret was last replaced.
    pub regenerated_at: Option<Timestamp>,
    /// The secret before, since a regeneration with an overlap.
    pub previous: Option<PreviousSecret>,
    /// The present secret came with a regeneration and was not used yet, as far as the store knows.
    pub awaits_first_use: bool,
}

/// How a token was ended by someone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// By whom, in the form of the audit trail (`usr_…`, `tok_…`, `holder`).
    pub by: String,
    /// Why.
    pub reason: RevokeReason,
    /// What the revoking person wrote, if anything.
    pub note: Option<Label>,
}

/// Why a token was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// Someone who may manage it ended it.
    Requested,
    /// Its bearer ended it by presenting it.
    ByHolder,
    /// Someone who found it reported the leak by presenting it.
    Leaked,
    /// Nobody used it for as long as the policy says.
    Unused,
    /// It had ended, and an older copy of the store was put in the place of the one that knew.
    Restored,
}

/// When and whence a token was last accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastUse {
    /// To the second.
    pub at: Timestamp,
    /// The client's address; unknown when the table of pending addresses was full.
    pub address: Option<String>,
    /// Where the request bore it; known when the address is.
    pub presented_in: Option<PresentedIn>,
}

/// Where a token stands at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Accepted.
    Live,
    /// Ended by time.
    Expired,
    /// Ended by someone.
    Revoked,
}

// === impl RevokeReason ===

impl RevokeReason {
    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::ByHolder => "by_holder",
            Self::Leaked => "leaked",
            Self::Unused => "unused",
            Self::Restored => "restored",
        }
    }

    /// Reads the stored text.
    pub fn from_stored(text: &str) -> Option<Self> {
        [
            Self::Requested,
            Self::ByHolder,
            Self::Leaked,
            Self::Unused,
            Self::Restored,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == text)
    }
}

// === impl TokenState ===

impl TokenState {
    /// The shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

// === impl Token ===

impl Token {
    /// What kind of principal it acts as.
    pub const fn token_type(&self) -> TokenType {
        self.holder.token_type()
    }

    /// What it was given.
    pub fn authority(&self, around: &Surroundings<'_>) -> Authority {
        given(self.holder, &self.restrictions, self.scopes, &self.roles, around)
    }

    /// Where the token stands at `now`. Expired means `now >= expires_at`; revoked is said first.
    pub fn state(&self, now: Timestamp) -> TokenState {
        if self.revocation.is_some() {
            TokenState::Revoked
        } else if self.expires_at.is_some_and(|end| now >= end) {
            TokenState::Expired
        } else {
            TokenState::Live
        }
    }

    /// Since when nobody used it: its last use, or when it got the secret that it has. The store compares by the same rule
    /// (`claviger_store::tokens`).
    pub fn unused_since(&self) -> Timestamp {
        let since = self.secret_since();
        self.last_use.as_ref().map_or(since, |used| used.at.max(since))
    }

    /// When it got the secret that it has.
    pub fn secret_since(&self) -> Timestamp {
        self.regenerated_at.unwrap_or(self.created_at)
    }

    /// True when the token is accepted at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.state(now) == TokenState::Live
    }
}

/// Reads the scopes that a caller names. `*` stands for all that this version knows.
///
/// # Errors
/// `scope_unknown` with the nearest match, for each text that is no scope; `scopes_empty` when there is none.
pub fn parse_scopes(field: &str, texts: &[String]) -> Result<ScopeSet, Vec<FieldError>> {
    if texts.is_empty() {
        return Err(vec![FieldError::new(
            field,
            "scopes_empty",
            "a token needs at least one scope",
        )]);
    }
    let mut set = ScopeSet::EMPTY;
    let mut errors = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        match text.parse::<Scope>() {
            Ok(scope) => set = set.with(scope),
            Err(_) if text == "*" => set = ScopeSet::all(),
            Err(unknown) => errors.push(FieldError::new(
                format!("{field}[{place}]"),
                "scope_unknown",
                unknown.to_string(),
            )),
        }
    }
    if errors.is_empty() { Ok(set) } else { Err(errors) }
}

/// The attenuation law: what a caller makes never reaches further than the caller does now, and never outlives it.
///
/// `is_sibling` says that the token acts as the caller's own owner, who bounds both alike.
///
/// # Errors
/// `scope_exceeds_caller`, `reach_exceeds_caller`, `role_exceeds_caller`, `expiry_exceeds_caller`.
pub fn attenuates(
    caller: &Caller,
    authority: &Authority,
    is_sibling: bool,
    expires_at: Option<Timestamp>,
) -> Result<(), Vec<FieldError>> {
    let mut errors = Vec::new();
    let beyond = authority.scopes().difference(caller.power.scopes());
    let covered = if is_sibling {
        caller.power.covers_sibling(authority)
    } else {
        caller.power.covers(authority)
    };
    if !beyond.is_empty() {
        let detail = format!("{} does not have `{beyond}` itself", caller.by.noun());
        errors.push(FieldError::new("scopes", "scope_exceeds_caller", detail));
    } else if let Err(excess) = covered {
        let (field, code) = match excess {
            Excess::Scope { .. } => ("restrictions", "reach_exceeds_caller"),
            Excess::Role(_) => ("roles", "role_exceeds_caller"),
        };
        let detail = format!("{} does not have {excess}", caller.by.noun());
        errors.push(FieldError::new(field, code, detail));
    }
    let outlives = match (caller.expires_at, expires_at) {
        (None, _) => None,
        (Some(own), Some(end)) if end <= own => None,
        (Some(own), _) => Some(own),
    };
    if let Some(own) = outlives {
        let detail = format!("the calling token ends at `{own}`, and nothing that it makes may outlive it");
        errors.push(FieldError::new("expires_at", "expiry_exceeds_caller", detail));
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// A live token that reports deployments, for tests.
#[cfg(test)]
pub(crate) fn sample(holder: Holder, restrictions: Restrictions) -> Token {
    let id = TokenId::from_i64(1);
    Token {
        id,
        org: OrgId::from_i64(1),
        owner: id.into(),
        holder,
        name: Name::parse("name", "ci bot").unwrap(),
        description: Description::default(),
        reason: None,
        scopes: ScopeSet::only(Scope::DeploymentsWrite),
        restrictions,
        roles: Vec::new(),
        terms: Terms::default(),
        hint: "abcd".parse().unwrap(),
        digest: Digest::from_slice(&[0; 32]).unwrap(),
        pepper: PepperId::from_u32(1),
        created_at: Timestamp::from_millis(1_780_000_000_000),
        created_by: Principal::Token(id),
        updated_at: Timestamp::from_millis(1_780_000_000_000),
        expires_at: None,
        revocation: None,
        last_use: None,
        regenerated_at: None,
        previous: None,
        awaits_first_use: false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::authority::{Power, Selector};
    use crate::owner::Means;
    use crate::role::RoleBook;
    use crate::{ServiceId, TeamId};

    fn caller(scopes: ScopeSet, expires_at: Option<Timestamp>) -> Caller {
        let token = TokenId::from_i64(1);
        Caller {
            by: Means::Token(token),
            owner: token.into(),
            user: None,
            org: OrgId::from_i64(1),
            power: Power::new(plain(scopes).into(), Authority::everything().into()),
            expires_at,
            terms: Arc::default(),
        }
    }

    fn plain(scopes: ScopeSet) -> Authority {
        Authority::of_token(scopes, Selector::everywhere())
    }

    const TEAM: TeamId = TeamId::from_i64(11);

    /// Service 21 is the team's, all others another's.
    fn team_of(service: ServiceId) -> Option<TeamId> {
        let is_own = service == ServiceId::from_i64(21);
        Some(if is_own { TEAM } else { TeamId::from_i64(12) })
    }

    #[test]
    fn whoever_has_the_team_may_hand_out_its_services() {
        let manager = Caller {
            power: Power::new(
                Authority::of_token(ScopeSet::all(), Selector::team(TEAM)).into(),
                Authority::everything().into(),
            ),
            ..caller(ScopeSet::EMPTY, None)
        };
        let restricted = |service| {
            let restrictions = Restrictions {
                services: Some([service].into()),
                ..Restrictions::default()
            };
            let around = Surroundings {
                team_of: &team_of,
                roles: &RoleBook::default(),
            };
            sample(Holder::Organization(OrgId::from_i64(1)), restrictions).authority(&around)
        };

        assert_eq!(
            attenuates(&manager, &restricted(ServiceId::from_i64(21)), false, None),
            Ok(())
        );
        let refused = attenuates(&manager, &restricted(ServiceId::from_i64(22)), false, None).unwrap_err();
        assert_eq!(refused[0].code, "reach_exceeds_caller");
    }

    #[test]
    fn every_unknown_scope_is_named_with_its_place() {
        let texts = ["tokens:read".to_owned(), "token:write".to_owned()];
        let errors = parse_scopes("scopes", &texts).unwrap_err();

        assert_eq!(errors[0].field, "scopes[1]");
        assert_eq!(errors[0].detail, "unknown scope, did you mean `tokens:write`?");
    }

    #[test]
    fn a_wildcard_is_the_set_that_is_known_now() {
        assert_eq!(parse_scopes("scopes", &["*".to_owned()]), Ok(ScopeSet::all()));
    }

    proptest! {
        #[test]
        fn nothing_made_reaches_further_or_lives_longer_than_its_maker(
            own in any::<u64>(), given in any::<u64>(),
            own_end in proptest::option::of(1i64..1_000), end in proptest::option::of(1i64..1_000),
        ) {
            let own_end = own_end.map(Timestamp::from_micros);
            let end = end.map(Timestamp::from_micros);
            let (own, given) = (ScopeSet::from_bits(own), ScopeSet::from_bits(given));

            let allowed = attenuates(&caller(own, own_end), &plain(given), false, end).is_ok();

            let within = own.contains_all(given);
            let dies_first = own_end.is_none_or(|own_end| end.is_some_and(|end| end <= own_end));
            prop_assert_eq!(allowed, within && dies_first);
        }
    }
}
