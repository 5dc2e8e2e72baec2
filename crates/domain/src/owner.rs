//! Principals: who acts, once proven, and how far their power reaches.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::authority::{Authority, Grant, Only, Place, Power, RoleGrant, Selector};
use crate::resource::Word;
use crate::terms::Terms;
use crate::{OrgId, OwnerId, Scope, ScopeSet, SessionId, TeamId, Timestamp, TokenId, UserId};

/// What a person is in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything in the organization.
    SuperAdmin,
    /// May look around, manage tokens of their own, and do what their teams let them.
    Member,
}

/// What a person is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TeamRole {
    /// Runs the team: its members, services and tokens.
    Manager,
    /// Works in it.
    Member,
}

/// A person's place in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// What the person is there.
    pub role: TeamRole,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::SuperAdmin, Self::Member];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuperAdmin => "super_admin",
            Self::Member => "member",
        }
    }

    /// Reads the stored text; `None` for a role of a later version, which then has no power.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// All that a person with this role, these memberships and these roles on resources may do now. A token of theirs never does more.
    pub fn authority(
        self,
        memberships: &[Membership],
        assigned: impl IntoIterator<Item = RoleGrant>,
    ) -> Authority {
        if self == Self::SuperAdmin {
            return Authority::everything();
        }
        let everyone = Grant {
            on: Selector::everywhere(),
            scopes: EVERYONE,
        };
        let in_team = |membership: &Membership| Grant {
            on: Selector::team(membership.team),
            scopes: membership.role.scopes(),
        };
        let grants = std::iter::once(everyone).chain(memberships.iter().map(in_team));
        let of_team = memberships
            .iter()
            .map(|membership| membership.role.on_resources(membership.team));
        Authority::new(grants, OWN).with_roles(of_team.chain(assigned))
    }
}

/// What every person of an organization may do everywhere in it.
pub(crate) const EVERYONE: ScopeSet = ScopeSet::of(&[
    Scope::TokensVerify,
    Scope::TeamsRead,
    Scope::ServicesRead,
    Scope::EnvironmentsRead,
    Scope::RolesRead,
]);
/// What every person may do with the tokens that are theirs.
pub(crate) const OWN: ScopeSet = ScopeSet::of(&[Scope::TokensRead, Scope::TokensWrite]);

impl TeamRole {
    /// Every role.
    pub const ALL: [Self; 2] = [Self::Manager, Self::Member];

    /// The stored and shown text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Member => "member",
        }
    }

    /// Reads the stored text; `None` for a role of a later version, which then has no power.
    pub fn from_stored(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// What the role may do with the team's resources of the organization's own kinds: a manager everything, a member look.
    pub fn on_resources(self, team: TeamId) -> RoleGrant {
        RoleGrant {
            on: Selector::team(team),
            actions: match self {
                Self::Manager => Only::All,
                Self::Member => Only::one(Word::known("get")),
            },
            ..RoleGrant::everything()
        }
    }

    /// What the role may do with all that is the team's.
    pub const fn scopes(self) -> ScopeSet {
        match self {
            Self::Manager => ScopeSet::of(&[
                Scope::TeamsRead,
                Scope::TeamsWrite,
                Scope::ServicesRead,
                Scope::ServicesWrite,
                Scope::TokensRead,
                Scope::TokensWrite,
                Scope::DeploymentsRead,
                Scope::DeploymentsWrite,
                Scope::WebhooksRead,
                Scope::WebhooksWrite,
            ]),
            Self::Member => ScopeSet::of(&[
                Scope::TeamsRead,
                Scope::ServicesRead,
                Scope::DeploymentsRead,
                Scope::DeploymentsWrite,
            ]),
        }
    }
}

/// Who did something: a person, or a token that acts as itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal {
    /// A person.
    User(UserId),
    /// A token that acts as itself.
    Token(TokenId),
}

/// By what a caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A token.
    Token(TokenId),
    /// A sign-in session.
    Session {
        /// Which.
        id: SessionId,
        /// When the person last showed the password.
        signed_in_at: Timestamp,
    },
}

/// Who makes a request: what they presented, the principal that acts, and what it may do now.
#[derive(Debug, Clone)]
pub struct Caller {
    /// What was presented.
    pub by: Means,
    /// The principal that acts.
    pub owner: OwnerId,
    /// The person behind a personal token or a session.
    pub user: Option<UserId>,
    /// The organization.
    pub org: OrgId,
    /// What the caller may do now: what the token was given (a session: everything), within its owner's present power.
    pub power: Power,
    /// When the presented token ends, which bounds what it makes. A session bounds nothing: the person is there after it.
    pub expires_at: Option<Timestamp>,
    /// On which terms the presented token is accepted; what it makes is bound as tightly.
    pub terms: Arc<Terms>,
}

// === impl Principal ===

impl Principal {
    /// The stored number: a person's id, or minus a token's. Ids are positive, so both kinds share one column.
    pub const fn to_stored(self) -> i64 {
        match self {
            Self::User(id) => id.get(),
            Self::Token(id) => -id.get(),
        }
    }

    /// Reads the stored number.
    pub const fn from_stored(number: i64) -> Self {
        if number < 0 {
            Self::Token(TokenId::from_i64(number.saturating_neg()))
        } else {
            Self::User(UserId::from_i64(number))
        }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => fmt::Display::fmt(id, f),
            Self::Token(id) => fmt::Display::fmt(id, f),
        }
    }
}

// === impl Means ===

impl Means {
    /// The number of the token or session: ids of all nouns come from one sequence, so no two share one.
    pub const fn number(self) -> i64 {
        match self {
            Self::Token(id) => id.get(),
            Self::Session { id, .. } => id.get(),
        }
    }

    /// How a refusal speaks of the caller.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Token(_) => "the calling token",
            Self::Session { .. } => "the calling session",
        }
    }
}

// === impl Caller ===

impl Caller {
    /// The person behind the caller, or the token itself when there is none.
    pub const fn principal(&self) -> Principal {
        match (self.user, self.by) {
            (Some(user), _) => Principal::User(user),
            (None, Means::Token(token)) => Principal::Token(token),
            // A session is a person's.
            (None, Means::Session { .. }) => Principal::User(UserId::from_i64(self.owner.get())),
        }
    }

    /// The presented token, if it was one.
    pub const fn token(&self) -> Option<TokenId> {
        match self.by {
            Means::Token(token) => Some(token),
            Means::Session { .. } => None,
        }
    }

    /// The session, if the caller is signed in.
    pub const fn session(&self) -> Option<SessionId> {
        match self.by {
            Means::Token(_) => None,
            Means::Session { id, .. } => Some(id),
        }
    }

    /// True when the caller may do `scope` at `place` now.
    pub fn may(&self, scope: Scope, place: &Place) -> bool {
        self.power.allows(scope, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manager_of_one_team_is_a_stranger_in_another() {
        let (own, other) = (TeamId::from_i64(1), TeamId::from_i64(2));
        let manager = Role::Member.authority(
            &[Membership {
                team: own,
                role: TeamRole::Manager,
            }],
            [],
        );

        assert!(manager.allows(Scope::TokensWrite, &Place::team(own)));
        assert!(!manager.allows(Scope::TokensRead, &Place::team(other)));
        assert!(!manager.allows(Scope::TokensRead, &Place::ORGANIZATION));
        assert!(manager.allows(Scope::TeamsRead, &Place::team(other)));
    }

    #[test]
    fn a_manager_may_all_that_a_member_may() {
        assert!(TeamRole::Manager.scopes().contains_all(TeamRole::Member.scopes()));
    }

    #[test]
    fn whoever_joins_a_team_loses_nothing() {
        let alone = Role::Member.authority(&[], []);
        let joined = Role::Member.authority(
            &[Membership {
                team: TeamId::from_i64(1),
                role: TeamRole::Member,
            }],
            [],
        );

        assert_eq!(joined.covers(&alone), Ok(()));
        assert_eq!(Authority::everything().covers(&joined), Ok(()));
    }

    #[test]
    fn a_stored_principal_is_read_as_what_it_was() {
        for number in [1, 1 << 40, i64::MAX] {
            for principal in [
                Principal::User(UserId::from_i64(number)),
                Principal::Token(TokenId::from_i64(number)),
            ] {
                assert_eq!(Principal::from_stored(principal.to_stored()), principal);
            }
        }
        assert!(
            Principal::Token(TokenId::from_i64(7))
                .to_string()
                .starts_with("tok_")
        );
    }
}
