//! Explanations: what lets a token do something, and everything that stands in the way. Pure; for people who may know, never for the bearer.
//!
//! The verifier says the first reason and says it fast, from what was compiled; here the same is worked out from the records, and every
//! obstacle is named. Invariant: there is none exactly when the verifier would allow it, the token's limits apart, which only it knows.

use core::net::IpAddr;
use std::collections::BTreeSet;

use crate::authority::{Authority, Only, Place};
use crate::owner::{EVERYONE, Membership, OWN, Role};
use crate::resource::{Asked, Governed, Word};
use crate::role::{Assignment, RoleBook};
use crate::token::{Token, TokenState};
use crate::{Scope, ScopeSet, Timestamp};

/// What a token wants to do.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The scopes that are needed, all of them, somewhere.
    pub scopes: ScopeSet,
    /// An action on a resource.
    pub asked: Option<Asked<'a>>,
    /// Coming from which address; without one, whence it comes is not asked.
    pub address: Option<IpAddr>,
}

/// Whom a token acts as, and why they may what they may.
#[derive(Debug, Clone)]
pub enum Owner {
    /// Itself: it is bounded by what it was given alone.
    Itself,
    /// A person.
    Person(Standing),
}

/// What a person is in the organization.
#[derive(Debug, Clone)]
pub struct Standing {
    /// They were not deactivated.
    pub active: bool,
    /// Their role in the organization; `None` for one of a later version, which has no power.
    pub role: Option<Role>,
    /// Their teams.
    pub memberships: Vec<Membership>,
    /// Their roles on resources.
    pub roles: Vec<Assignment>,
}

/// All that there is to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Explanation {
    /// Everything that stands in the way, in the order in which a verifier looks.
    pub obstacles: Vec<Obstacle>,
    /// What lets it, of the token and of whom it acts as; empty when something stands in the way.
    pub reasons: Vec<(Side, Reason)>,
}

/// Of whose power something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What the token was given.
    Token,
    /// What whoever it acts as may do now.
    Owner,
}

/// One thing that lets a token do what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// The token was given the scope.
    Scope(Scope),
    /// A role on resources, so assigned.
    Assignment(Assignment),
    /// A super administrator may do everything.
    SuperAdmin,
    /// Every person of the organization may do that.
    EveryPerson,
    /// A member or manager of the team may do that there.
    Membership(Membership),
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Somebody ended the token.
    Revoked,
    /// Time ended the token.
    Expired,
    /// Whom it acts as was deactivated.
    OwnerInactive,
    /// The token was not given the scope.
    ScopeNotGiven(Scope),
    /// Whom it acts as does not have the scope anywhere.
    OwnerLacksScope(Scope),
    /// The token is bound to other networks.
    OutsideNetworks,
    /// Claviger's own kind of resource has no such action.
    NoSuchAction,
    /// The token was given no role that is about the action. These are.
    RoleNotGiven(Vec<Word>),
    /// The token was given these roles that are about the action, and none of them there.
    OutsideRoles(Vec<Word>),
    /// A token of this type, and of this team or service, does not reach the place.
    OutsideHolder,
    /// The token is restricted to other teams.
    OutsideTeams,
    /// The token is restricted to other services.
    OutsideServices,
    /// The token is restricted to other environments.
    OutsideEnvironments,
    /// Whom it acts as has no role that is about the action. These are.
    OwnerLacksRole(Vec<Word>),
    /// Whom it acts as has the scope, or a role that is about the action, and not there.
    OutsideOwner,
}

/// Why `token` may or may not do what is wanted now.
pub fn explain(
    token: &Token,
    owner: &Owner,
    book: &RoleBook,
    wanted: &Wanted<'_>,
    now: Timestamp,
) -> Explanation {
    let mut told = Explanation::default();
    let state = token.state(now);
    told.hinder(state == TokenState::Revoked, Obstacle::Revoked);
    told.hinder(state == TokenState::Expired, Obstacle::Expired);
    if let Owner::Person(person) = owner {
        told.hinder(!person.active, Obstacle::OwnerInactive);
    }
    for scope in wanted.scopes.iter() {
        told.token_scope(token, scope);
        if let Owner::Person(person) = owner {
            told.owner_scope(person, scope);
        }
    }
    told.hinder(
        wanted.address.is_some_and(|address| is_elsewhere(token, address)),
        Obstacle::OutsideNetworks,
    );
    if let Some(asked) = &wanted.asked {
        told.action(token, owner, book, asked);
    }
    if !told.obstacles.is_empty() {
        told.reasons.clear();
    }
    told
}

// === impl Explanation ===

impl Explanation {
    fn hinder(&mut self, stands: bool, obstacle: Obstacle) {
        if stands && !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }

    fn because(&mut self, side: Side, reason: Reason) {
        if !self.reasons.contains(&(side, reason.clone())) {
            self.reasons.push((side, reason));
        }
    }

    fn token_scope(&mut self, token: &Token, scope: Scope) {
        if token.scopes.contains(scope) {
            self.because(Side::Token, Reason::Scope(scope));
        } else {
            self.hinder(true, Obstacle::ScopeNotGiven(scope));
        }
    }

    /// The scope somewhere, be it on the person's own tokens only.
    fn owner_scope(&mut self, person: &Standing, scope: Scope) {
        let reasons = person.reasons_of_scope(scope, OWN.union(EVERYONE), |_| true);
        self.hinder(reasons.is_empty(), Obstacle::OwnerLacksScope(scope));
        for reason in reasons {
            self.because(Side::Owner, reason);
        }
    }

    fn action(&mut self, token: &Token, owner: &Owner, book: &RoleBook, asked: &Asked<'_>) {
        match asked.governed() {
            Governed::ByNothing => self.hinder(true, Obstacle::NoSuchAction),
            Governed::ByScope(scope) => {
                self.token_scope(token, scope);
                if token.scopes.contains(scope) {
                    self.reach(token, &asked.place);
                }
                if let Owner::Person(person) = owner {
                    self.owner_scope_at(person, scope, &asked.place);
                }
            }
            Governed::ByRoles => {
                self.token_role(token, book, asked);
                if let Owner::Person(person) = owner {
                    self.owner_role(person, book, asked);
                }
            }
        }
    }

    /// Where the token may act at all.
    fn reach(&mut self, token: &Token, place: &Place) {
        let restrictions = &token.restrictions;
        let is_in_reach = token.holder.reach().matches(place);
        self.hinder(!is_in_reach, Obstacle::OutsideHolder);
        let is_team = Only::from(restrictions.teams.clone()).matches(place.team);
        self.hinder(!is_team, Obstacle::OutsideTeams);
        let is_service = Only::from(restrictions.services.clone()).matches(place.service);
        self.hinder(!is_service, Obstacle::OutsideServices);
        let is_environment = Only::from(restrictions.environments.clone()).matches(place.environment);
        self.hinder(!is_environment, Obstacle::OutsideEnvironments);
    }

    fn owner_scope_at(&mut self, person: &Standing, scope: Scope, place: &Place) {
        let is_there = |membership: &Membership| place.team == Some(membership.team);
        let reasons = person.reasons_of_scope(scope, EVERYONE, is_there);
        let has_elsewhere = !person.reasons_of_scope(scope, EVERYONE, |_| true).is_empty();
        if reasons.is_empty() && has_elsewhere {
            self.hinder(true, Obstacle::OutsideOwner);
        } else if reasons.is_empty() {
            self.hinder(true, Obstacle::OwnerLacksScope(scope));
        }
        for reason in reasons {
            self.because(Side::Owner, reason);
        }
    }

    fn token_role(&mut self, token: &Token, book: &RoleBook, asked: &Asked<'_>) {
        let about = about(&token.roles, book, asked);
        if about.is_empty() {
            let which = book.holding(asked.action, asked.kind);
            self.hinder(true, Obstacle::RoleNotGiven(which));
            return;
        }
        let allowing = allowing(&about, book, asked);
        let names: BTreeSet<Word> = about.iter().map(|assignment| assignment.role.clone()).collect();
        self.hinder(
            allowing.is_empty(),
            Obstacle::OutsideRoles(names.into_iter().collect()),
        );
        self.reach(token, &asked.place);
        for assignment in allowing {
            self.because(Side::Token, Reason::Assignment(assignment.clone()));
        }
    }

    fn owner_role(&mut self, person: &Standing, book: &RoleBook, asked: &Asked<'_>) {
        let by_role = match person.role {
            None => false,
            Some(Role::SuperAdmin) => return self.because(Side::Owner, Reason::SuperAdmin),
            Some(Role::Member) => true,
        };
        let held = if by_role { person.roles.as_slice() } else { &[] };
        let about = about(held, book, asked);
        let in_teams = person.memberships.iter().filter(|membership| {
            let on = membership.role.on_resources(membership.team);
            by_role && on.actions.has(asked.action)
        });
        let in_teams: Vec<&Membership> = in_teams.collect();
        let allowing = allowing(&about, book, asked);
        let there: Vec<&&Membership> = in_teams
            .iter()
            .filter(|membership| asked.place.team == Some(membership.team))
            .collect();
        if allowing.is_empty() && there.is_empty() {
            if about.is_empty() && in_teams.is_empty() {
                let which = book.holding(asked.action, asked.kind);
                self.hinder(true, Obstacle::OwnerLacksRole(which));
            } else {
                self.hinder(true, Obstacle::OutsideOwner);
            }
        }
        for membership in there {
            self.because(Side::Owner, Reason::Membership(**membership));
        }
        for assignment in allowing {
            self.because(Side::Owner, Reason::Assignment(assignment.clone()));
        }
    }
}

/// The assignments of roles that are about what is asked, wherever.
fn about<'a>(held: &'a [Assignment], book: &RoleBook, asked: &Asked<'_>) -> Vec<&'a Assignment> {
    let is_about =
        |assignment: &&Assignment| assignment.holds(book.cells(&assignment.role), asked.action, asked.kind);
    held.iter().filter(is_about).collect()
}

/// Those that allow it there.
fn allowing<'a>(about: &[&'a Assignment], book: &RoleBook, asked: &Asked<'_>) -> Vec<&'a Assignment> {
    let allows = |assignment: &&Assignment| assignment.allows(book.cells(&assignment.role), asked);
    about.iter().copied().filter(allows).collect()
}

fn is_elsewhere(token: &Token, address: IpAddr) -> bool {
    let networks = token.terms.networks.as_ref();
    networks.is_some_and(|networks| !networks.contain(address))
}

// === impl Standing ===

impl Standing {
    /// What gives the person a scope, with the memberships that count.
    fn reasons_of_scope(
        &self,
        scope: Scope,
        of_everyone: ScopeSet,
        counts: impl Fn(&Membership) -> bool,
    ) -> Vec<Reason> {
        match self.role {
            None => return Vec::new(),
            Some(Role::SuperAdmin) => return vec![Reason::SuperAdmin],
            Some(Role::Member) => {}
        }
        let everyone = of_everyone.contains(scope).then_some(Reason::EveryPerson);
        let in_teams = self
            .memberships
            .iter()
            .filter(|membership| membership.role.scopes().contains(scope) && counts(membership));
        everyone
            .into_iter()
            .chain(in_teams.copied().map(Reason::Membership))
            .collect()
    }

    /// All that the person may do, as the verifier compiles it.
    pub fn authority(&self, book: &RoleBook) -> Authority {
        let everywhere = crate::authority::Selector::everywhere();
        self.role
            .map(|role| role.authority(&self.memberships, book.grants(&self.roles, &everywhere)))
            .unwrap_or_default()
    }
}

// === impl Reason ===

impl Reason {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Scope(_) => "scope",
            Self::Assignment(_) => "role",
            Self::SuperAdmin => "super_admin",
            Self::EveryPerson => "every_person",
            Self::Membership(_) => "membership",
        }
    }
}

// === impl Obstacle ===

impl Obstacle {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::OwnerInactive => "owner_inactive",
            Self::ScopeNotGiven(_) => "scope_not_given",
            Self::OwnerLacksScope(_) => "owner_lacks_scope",
            Self::OutsideNetworks => "outside_networks",
            Self::NoSuchAction => "no_such_action",
            Self::RoleNotGiven(_) => "role_not_given",
            Self::OutsideRoles(_) => "outside_roles",
            Self::OutsideHolder => "outside_holder",
            Self::OutsideTeams => "outside_teams",
            Self::OutsideServices => "outside_services",
            Self::OutsideEnvironments => "outside_environments",
            Self::OwnerLacksRole(_) => "owner_lacks_role",
            Self::OutsideOwner => "outside_owner",
        }
    }

    /// The scope that is missing.
    pub const fn scope(&self) -> Option<Scope> {
        match self {
            Self::ScopeNotGiven(scope) | Self::OwnerLacksScope(scope) => Some(*scope),
            _ => None,
        }
    }

    /// The roles any of which would do, if it were given there.
    pub fn roles(&self) -> &[Word] {
        match self {
            Self::RoleNotGiven(roles) | Self::OutsideRoles(roles) | Self::OwnerLacksRole(roles) => roles,
            _ => &[],
        }
    }

    /// The sentence for a person: what stands in the way, and what would remove it.
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::Revoked => "the token was revoked, which is final; issue a new one",
            Self::Expired => "the token's time is over; regenerate nothing, issue a new one",
            Self::OwnerInactive => {
                "whom the token acts as was deactivated; reactivate them or issue a token to someone else"
            }
            Self::ScopeNotGiven(_) => "the token was not given the scope; update its scopes",
            Self::OwnerLacksScope(_) => {
                "whom the token acts as does not have the scope now; change their role or membership"
            }
            Self::OutsideNetworks => {
                "the token is bound to other networks; update its networks, or ask from one of them"
            }
            Self::NoSuchAction => "scopes govern this kind of resource, and none of them is about the action",
            Self::RoleNotGiven(_) => "the token was given no role that is about the action; update its roles",
            Self::OutsideRoles(_) => {
                "the token was given a role that is about the action, and not there; update its roles"
            }
            Self::OutsideHolder => "the token belongs to another team or service; issue one for this",
            Self::OutsideTeams => "the token is restricted to other teams; update its restrictions",
            Self::OutsideServices => "the token is restricted to other services; update its restrictions",
            Self::OutsideEnvironments => {
                "the token is restricted to other environments; update its restrictions"
            }
            Self::OwnerLacksRole(_) => {
                "whom the token acts as has no role that is about the action; change their roles or memberships"
            }
            Self::OutsideOwner => {
                "whom the token acts as may do that, and not there; change their roles or memberships"
            }
        }
    }
}

#[cfg(test)]
mod tests;
