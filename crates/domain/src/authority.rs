//! Authority: what a principal may do, and where.
//!
//! An [`Authority`] is a union of [`Grant`]s, each a set of scopes on the places that its [`Selector`] matches, and of [`RoleGrant`]s, each
//! a set of actions on an organization's own kinds of resources. What a token was given is one, what its owner may do now is another; an
//! action is allowed when both allow it, so the power of a token is never more than its owner's, whatever either was when the token was
//! made. Invariant: [`Authority::covers`] is exact, so what is refused as an excess is one. Compiled by `service`, interned by `verify`, asked by both.
//!
//! Why unions of boxes and not rules with exceptions: `docs/decisions/0009-authority.md`.

mod granted;
mod selector;

use std::fmt;
use std::sync::Arc;

pub use granted::RoleGrant;
pub use selector::{Only, Place, Selector};

use crate::resource::{Asked, Governed};
use crate::{Scope, ScopeSet, ServiceId, TeamId};

/// Scopes on places.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// Where.
    pub on: Selector,
    /// What.
    pub scopes: ScopeSet,
}

/// All that a principal or a token may do: what any of the grants allows, and what it may do with its own.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Authority {
    /// In canonical order, none of them empty, no two on the same places.
    grants: Box<[Grant]>,
    /// In canonical order, none of them empty.
    roles: Box<[RoleGrant]>,
    /// What it may do with the tokens that it owns, wherever those reach.
    own: ScopeSet,
}

/// The scopes that mean something for the tokens that a principal owns, wherever those reach.
const OF_OWN_TOKENS: ScopeSet = ScopeSet::of(&[Scope::TokensRead, Scope::TokensWrite]);

/// What both of two authorities allow: a token's and its owner's. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Power {
    token: Arc<Authority>,
    owner: Arc<Authority>,
}

/// A part of what was asked for that its maker does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Excess {
    /// A scope.
    Scope {
        /// Which.
        scope: Scope,
        /// One place where the maker lacks it; `None` when the maker lacks it everywhere.
        at: Option<Place>,
    },
    /// Actions on resources: a part of what was asked for.
    Role(Box<RoleGrant>),
}

/// How far a caller may hand a scope on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handing {
    /// Everywhere.
    Everywhere,
    /// Within what it reaches.
    Restricted,
    /// For what is its own only.
    Own,
    /// Not at all.
    No(Lack),
}

/// Who lacks a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The owner, whatever the token was given.
    Owner,
    /// The token.
    Token,
}

/// Where a scope reaches, for lists: the union of these parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Every place of the organization, future ones too.
    Everything,
    /// The places of these teams, and these services. Both empty = nothing.
    Parts {
        /// Whole teams.
        teams: Vec<TeamId>,
        /// Services by themselves.
        services: Vec<ServiceId>,
    },
}

// === impl Authority ===

impl Authority {
    /// May do nothing.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// May do everything everywhere, with scopes that this version knows.
    pub fn everything() -> Self {
        Self::new(
            [Grant {
                on: Selector::everywhere(),
                scopes: ScopeSet::all(),
            }],
            ScopeSet::all(),
        )
        .with_roles([RoleGrant::everything()])
    }

    /// The union of `grants`, and `own` for the tokens that the principal owns. Equal unions of equal boxes come out equal.
    pub fn new(grants: impl IntoIterator<Item = Grant>, own: ScopeSet) -> Self {
        let mut grants: Vec<Grant> = grants
            .into_iter()
            .filter(|grant| !grant.scopes.is_empty() && !grant.on.is_nowhere())
            .collect();
        grants.sort_unstable();
        grants.dedup_by(|later, earlier| {
            let same = later.on == earlier.on;
            if same {
                earlier.scopes = earlier.scopes.union(later.scopes);
            }
            same
        });
        Self {
            grants: grants.into(),
            roles: Box::default(),
            own,
        }
    }

    /// The same, and what these role grants allow.
    #[must_use]
    pub fn with_roles(mut self, roles: impl IntoIterator<Item = RoleGrant>) -> Self {
        let mut all: Vec<RoleGrant> = self.roles.into_vec();
        all.extend(roles);
        all.retain(|grant| !grant.is_nothing());
        all.sort_unstable();
        all.dedup();
        self.roles = all.into();
        self
    }

    /// What a token was given: `scopes` on the places of `reach`.
    pub fn of_token(scopes: ScopeSet, reach: Selector) -> Self {
        Self::new([Grant { on: reach, scopes }], scopes)
    }

    /// The grants, in canonical order.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// What roles allow, in canonical order.
    pub fn roles(&self) -> &[RoleGrant] {
        &self.roles
    }

    /// What it may do with the tokens that it owns.
    pub const fn own(&self) -> ScopeSet {
        self.own
    }

    /// True when it may do what is asked: a scope names the action and reaches the place, or a role holds it there. Cost: the grants.
    pub fn permits(&self, asked: &Asked<'_>) -> bool {
        match asked.governed() {
            Governed::ByScope(scope) => self.allows(scope, &asked.place),
            Governed::ByNothing => false,
            Governed::ByRoles => self.roles.iter().any(|grant| grant.allows(asked)),
        }
    }

    /// Every scope that it has somewhere.
    pub fn scopes(&self) -> ScopeSet {
        self.grants
            .iter()
            .fold(self.own, |all, grant| all.union(grant.scopes))
    }

    /// True when it may do `scope` at `place`. Cost: the grants.
    pub fn allows(&self, scope: Scope, place: &Place) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.scopes.contains(scope) && grant.on.matches(place))
    }

    /// True when it may do all of `scopes` at `place`; for one grant that is one test of bits. Cost: the grants.
    pub fn allows_all(&self, scopes: ScopeSet, place: &Place) -> bool {
        let mut missing = scopes;
        for grant in &self.grants {
            if missing.is_empty() {
                break;
            }
            if grant.on.matches(place) {
                missing = missing.difference(grant.scopes);
            }
        }
        missing.is_empty()
    }

    /// Shows that everything `other` allows on places, this one allows too.
    ///
    /// Each grant of `other` is cut into parts that name one thing or everything in each direction. A part that names everything
    /// is only covered by a grant that names everything there, since there is always one thing more than those listed; so a part
    /// is covered by the union exactly when one grant covers it. Cost: the parts times the grants.
    ///
    /// # Errors
    /// The first part that is not covered.
    pub fn covers(&self, other: &Self) -> Result<(), Excess> {
        let has = self.scopes();
        for grant in &other.grants {
            for scope in grant.scopes.iter() {
                if !has.contains(scope) {
                    return Err(Excess::Scope { scope, at: None });
                }
                let covers = |part: &Selector| {
                    self.grants
                        .iter()
                        .any(|own| own.scopes.contains(scope) && own.on.covers_part(part))
                };
                if let Some(part) = grant.on.parts().find(|part| !covers(part)) {
                    let at = Some(part.example());
                    return Err(Excess::Scope { scope, at });
                }
            }
        }
        self.covers_roles(other)
    }

    /// The same for what roles allow.
    fn covers_roles(&self, other: &Self) -> Result<(), Excess> {
        match other.roles_beyond(self).next() {
            Some(grant) => Err(Excess::Role(Box::new(grant))),
            None => Ok(()),
        }
    }

    /// The parts of the role grants that `before` did not allow.
    fn roles_beyond<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = RoleGrant> + 'a {
        let known = || before.roles.iter();
        self.roles
            .iter()
            .filter(move |grant| !grant.is_within_one(known()))
            .flat_map(move |grant| {
                grant.parts().filter_map(move |part| {
                    let actions = RoleGrant::left_of(&part, known());
                    (!actions.is_empty()).then_some(RoleGrant { actions, ..part })
                })
            })
    }

    /// What this one allows and `before` did not, as parts. For a change: only what it adds is measured against its maker.
    #[must_use]
    pub fn beyond(&self, before: &Self) -> Self {
        let added = self.grants.iter().flat_map(|grant| {
            grant.on.parts().filter_map(move |on| {
                let known = before.grants.iter().filter(|known| known.on.covers_part(&on));
                let scopes = known.fold(grant.scopes, |left, known| left.difference(known.scopes));
                (!scopes.is_empty()).then_some(Grant { on, scopes })
            })
        });
        Self::new(added, self.own.difference(before.own)).with_roles(self.roles_beyond(before))
    }

    /// Where `scope` reaches, without regard to environments.
    pub fn reach(&self, scope: Scope) -> Reach {
        let (mut teams, mut services) = (Vec::new(), Vec::new());
        for grant in self.grants.iter().filter(|grant| grant.scopes.contains(scope)) {
            match (&grant.on.teams, &grant.on.services) {
                (Only::All, Only::All) => return Reach::Everything,
                (Only::Listed(listed), Only::All) => teams.extend(listed),
                (_, Only::Listed(listed)) => services.extend(listed),
            }
        }
        teams.sort_unstable();
        teams.dedup();
        services.sort_unstable();
        services.dedup();
        Reach::Parts { teams, services }
    }
}

// === impl Power ===

impl Power {
    /// What a token may do whose owner may do so much.
    pub const fn new(token: Arc<Authority>, owner: Arc<Authority>) -> Self {
        Self { token, owner }
    }

    /// True when both have some role that is about that action and kind, wherever.
    pub fn has_role_for(&self, action: &str, kind: &str) -> bool {
        let about = |authority: &Authority| {
            let mut roles = authority.roles.iter();
            roles.any(|grant| grant.kinds.has(kind) && grant.actions.has(action))
        };
        about(&self.token) && about(&self.owner)
    }

    /// Every scope that it may have somewhere. Whether it has one at a place, [`Self::allows`] tells.
    pub fn scopes(&self) -> ScopeSet {
        self.token.scopes().intersection(self.owner.scopes())
    }

    /// What it may do with the tokens that its owner owns.
    pub fn own(&self) -> ScopeSet {
        self.token.own().intersection(self.owner.own())
    }

    /// True when it may do `scope` at `place`.
    pub fn allows(&self, scope: Scope, place: &Place) -> bool {
        self.token.allows(scope, place) && self.owner.allows(scope, place)
    }

    /// Shows that a principal of its own with this authority gets nothing that this power lacks, with its own tokens neither.
    ///
    /// # Errors
    /// The first part that is in excess.
    pub fn covers(&self, other: &Authority) -> Result<(), Excess> {
        self.token.covers(other)?;
        self.owner.covers(other)?;
        // What else a token has somewhere is in `own` too, and means nothing there.
        let own = other.own().intersection(OF_OWN_TOKENS).difference(self.own());
        match own.iter().next() {
            Some(scope) => Err(Excess::Scope { scope, at: None }),
            None => Ok(()),
        }
    }

    /// Shows that another token of the same owner, with this authority, does nothing that this one may not. The owner bounds both
    /// alike, now and later, so only what the two tokens were given is compared, and that the owner has the scopes at all.
    ///
    /// # Errors
    /// The first part that is in excess.
    pub fn covers_sibling(&self, other: &Authority) -> Result<(), Excess> {
        let lacks = |missing: ScopeSet| {
            missing
                .iter()
                .next()
                .map(|scope| Excess::Scope { scope, at: None })
        };
        if let Some(excess) = lacks(other.scopes().difference(self.owner.scopes()))
            .or_else(|| lacks(other.own().difference(self.token.own())))
        {
            return Err(excess);
        }
        self.token.covers(other)
    }

    /// How far `scope` may be handed on.
    pub fn handing(&self, scope: Scope) -> Handing {
        if !self.owner.scopes().contains(scope) {
            return Handing::No(Lack::Owner);
        }
        if !self.token.scopes().contains(scope) {
            return Handing::No(Lack::Token);
        }
        let both = [&self.token, &self.owner];
        let all = Authority::of_token(ScopeSet::only(scope), Selector::everywhere());
        let somewhere =
            |authority: &Authority| authority.grants.iter().any(|grant| grant.scopes.contains(scope));
        if both.iter().all(|authority| authority.covers(&all).is_ok()) {
            Handing::Everywhere
        } else if both.iter().all(|authority| somewhere(authority)) {
            Handing::Restricted
        } else {
            Handing::Own
        }
    }

    /// Where `scope` reaches: the places that are in both.
    pub fn reach(&self, scope: Scope) -> [Reach; 2] {
        [self.token.reach(scope), self.owner.reach(scope)]
    }
}

// === impl Excess ===

/// In words: `deployments:write` in the whole organization.
impl fmt::Display for Excess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scope { scope, at: Some(at) } => write!(f, "`{scope}` {at}"),
            Self::Scope { scope, at: None } => write!(f, "`{scope}` everywhere"),
            Self::Role(grant) => write!(f, "{grant}"),
        }
    }
}

// === impl Reach ===

impl Reach {
    /// True when the team is in it.
    pub fn has_team(&self, team: TeamId) -> bool {
        match self {
            Self::Everything => true,
            Self::Parts { teams, .. } => teams.binary_search(&team).is_ok(),
        }
    }

    /// True when the service, of that team, is in it.
    pub fn has_service(&self, team: TeamId, service: ServiceId) -> bool {
        match self {
            Self::Everything => true,
            Self::Parts { services, .. } => self.has_team(team) || services.binary_search(&service).is_ok(),
        }
    }
}

#[cfg(test)]
mod tests;
