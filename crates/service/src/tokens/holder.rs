//! Whose a token is, who may see and manage it, and which places its restrictions mean.
//!
//! A caller's own tokens are theirs to see and manage; for all others the scope must hold at the holder's place. What the caller may
//! not see does not exist for it.

use std::collections::{BTreeSet, HashMap};

use claviger_domain::authority::{Authority, Place};
use claviger_domain::role::RoleBook;
use claviger_domain::token::{Holder, Restrictions, Surroundings, Token};
use claviger_domain::{FieldError, Scope, ServiceId, TeamId};
use claviger_store::tokens::Visible;
use claviger_store::{Tx, environments, services, teams};

use super::Recipient;
use crate::error::{Error, Result};
use crate::roles::{book_for, check_assignments};
use crate::{Context, Service};

/// The most services that restrict a token times its roles: each pair is worked out by itself.
const MAX_ROLE_BOXES: usize = 200;
/// The most things that one restriction lists.
const MAX_RESTRICTION: usize = 100;

/// What a token's restrictions and roles refer to.
pub(super) struct Known {
    /// The teams of the services that its restrictions list.
    teams: ServiceTeams,
    /// The roles of the organization.
    roles: RoleBook,
}

type ServiceTeams = HashMap<ServiceId, TeamId>;

impl Known {
    /// What a token with these restrictions was given.
    pub(super) fn authority_of(&self, token: &Token) -> Authority {
        token.authority(&Surroundings {
            team_of: &|service| self.teams.get(&service).copied(),
            roles: &self.roles,
        })
    }
}

impl Context {
    /// True when the caller may do `scope` to the tokens of this holder, or to this one because it is its owner's.
    fn may_with_token(&self, scope: Scope, token: &Token) -> bool {
        let is_own = token.owner == self.caller.owner && self.caller.power.own().contains(scope);
        is_own || self.may(scope, &token.holder.place())
    }

    /// True when the caller may know that there is such a token: whoever may read or manage it.
    pub(super) fn sees_token(&self, token: &Token) -> bool {
        self.may_with_token(Scope::TokensRead, token) || self.may_with_token(Scope::TokensWrite, token)
    }

    /// True when the caller may manage the token.
    pub(super) fn manages_token(&self, token: &Token) -> bool {
        self.may_with_token(Scope::TokensWrite, token)
    }

    /// Shows that the caller may manage a token that it sees.
    ///
    /// # Errors
    /// `out_of_reach`.
    pub(super) fn require_managing(&self, token: &Token) -> Result<()> {
        if self.manages_token(token) {
            return Ok(());
        }
        self.require(Scope::TokensWrite, &token.holder.place())
    }

    /// The tokens to which the caller may do `scope`, for lists.
    pub(super) fn tokens_within(&self, scope: Scope) -> Visible {
        let power = &self.caller.power;
        Visible {
            own: power.own().contains(scope).then_some(self.caller.owner),
            within: power.reach(scope),
        }
    }
}

impl Service {
    /// The holder that a caller names, if the caller may issue tokens to it.
    ///
    /// # Errors
    /// `type_needs_user`; `team` or `service` not found; `out_of_reach`.
    pub(super) async fn holder(&self, tx: &mut Tx, ctx: &Context, recipient: Recipient) -> Result<Holder> {
        let holder = match recipient {
            Recipient::Caller => {
                let Some(user) = ctx.caller.user else {
                    let detail = "a token that acts as itself is no person: it issues tokens of other types";
                    return Err(Error::field("type", "type_needs_user", detail));
                };
                // To have the scope for one's own is enough.
                return Ok(Holder::Person(user));
            }
            Recipient::Organization => Holder::Organization(ctx.org()),
            Recipient::Team(team) => {
                let row = teams::by_id(tx, team).await?.filter(|row| row.org == ctx.org());
                let team = row.ok_or_else(|| Error::not_found("team"))?.id;
                sees(ctx, Scope::TeamsRead, &Place::team(team), "team")?;
                Holder::Team(team)
            }
            Recipient::Service(service) => {
                let row = services::by_id(tx, service)
                    .await?
                    .filter(|row| row.org == ctx.org())
                    .ok_or_else(|| Error::not_found("service"))?;
                sees(
                    ctx,
                    Scope::ServicesRead,
                    &Place::service(row.team, row.id),
                    "service",
                )?;
                Holder::Service {
                    service: row.id,
                    team: row.team,
                }
            }
        };
        ctx.require(Scope::TokensWrite, &holder.place())?;
        Ok(holder)
    }

    /// Shows that all that the restrictions list is there, and gives the teams of the services.
    ///
    /// # Errors
    /// `Invalid`: `restriction_too_long`, `team_unknown`, `service_unknown`, `environment_unknown`, each with its place.
    async fn resolve(&self, tx: &mut Tx, ctx: &Context, restrictions: &Restrictions) -> Result<ServiceTeams> {
        let mut errors = Vec::new();
        let lengths = [
            (
                "teams",
                restrictions.teams.as_ref().map_or(0, |listed| listed.len()),
            ),
            (
                "services",
                restrictions.services.as_ref().map_or(0, |listed| listed.len()),
            ),
            (
                "environments",
                restrictions
                    .environments
                    .as_ref()
                    .map_or(0, |listed| listed.len()),
            ),
        ];
        for (list, _) in lengths
            .into_iter()
            .filter(|(_, length)| *length > MAX_RESTRICTION)
        {
            let detail = format!("at most {MAX_RESTRICTION} of them");
            errors.push(FieldError::new(
                format!("restrictions.{list}"),
                "restriction_too_long",
                detail,
            ));
        }
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let mut unknown = |list: &str, code: &'static str, id: &dyn std::fmt::Display| {
            let detail = format!("there is no `{id}`");
            errors.push(FieldError::new(format!("restrictions.{list}"), code, detail));
        };
        for team in restrictions.teams.iter().flatten() {
            let row = teams::by_id(tx, *team).await?;
            if row.is_none_or(|row| row.org != ctx.org()) {
                unknown("teams", "team_unknown", team);
            }
        }
        let mut service_teams = ServiceTeams::new();
        for service in restrictions.services.iter().flatten() {
            match services::by_id(tx, *service).await? {
                Some(row) if row.org == ctx.org() => {
                    service_teams.insert(row.id, row.team);
                }
                _ => unknown("services", "service_unknown", service),
            }
        }
        for environment in restrictions.environments.iter().flatten() {
            let row = environments::by_id(tx, *environment).await?;
            if row.is_none_or(|row| row.org != ctx.org()) {
                unknown("environments", "environment_unknown", environment);
            }
        }
        if errors.is_empty() {
            Ok(service_teams)
        } else {
            Err(errors.into())
        }
    }
}

impl Service {
    /// What stored restrictions and roles refer to; what is gone since is left out, and so is nothing.
    pub(super) async fn known(&self, tx: &mut Tx, token: &Token) -> Result<Known> {
        Ok(Known {
            teams: self.resolve_known(tx, &token.restrictions).await?,
            roles: book_for(tx, token.org, !token.roles.is_empty()).await?,
        })
    }

    /// Shows that all that new restrictions and roles refer to is there.
    ///
    /// # Errors
    /// `Invalid`, those of [`Self::resolve`] and of [`check_assignments`].
    pub(super) async fn refer(
        &self,
        tx: &mut Tx,
        ctx: &Context,
        token: &Token,
        restrictions: bool,
        roles: bool,
    ) -> Result<Known> {
        let teams = if restrictions {
            self.resolve(tx, ctx, &token.restrictions).await?
        } else {
            self.resolve_known(tx, &token.restrictions).await?
        };
        let book = book_for(tx, token.org, !token.roles.is_empty()).await?;
        if roles {
            check_assignments(tx, ctx.org(), &book, &token.roles).await?;
        }
        let of = token.restrictions.services.as_ref().map_or(1, BTreeSet::len);
        if of.saturating_mul(token.roles.len()) > MAX_ROLE_BOXES {
            let detail = format!("services that it is restricted to times roles: at most {MAX_ROLE_BOXES}");
            return Err(Error::field("roles", "selectors_too_large", detail));
        }
        Ok(Known { teams, roles: book })
    }

    /// The teams of the services that stored restrictions list; one that is gone since is left out, and so is nowhere.
    async fn resolve_known(&self, tx: &mut Tx, restrictions: &Restrictions) -> Result<ServiceTeams> {
        let mut service_teams = ServiceTeams::new();
        for service in restrictions.services.iter().flatten() {
            if let Some(row) = services::by_id(tx, *service).await? {
                service_teams.insert(row.id, row.team);
            }
        }
        Ok(service_teams)
    }
}

impl Service {
    /// What a stored token was given, with its services and roles as they are now.
    pub(crate) async fn authority_now(&self, tx: &mut Tx, token: &Token) -> Result<Authority> {
        Ok(self.known(tx, token).await?.authority_of(token))
    }
}

/// Whoever may not see the thing is told that there is none.
fn sees(ctx: &Context, read: Scope, place: &Place, what: &'static str) -> Result<()> {
    if ctx.may(read, place) || ctx.may(Scope::TokensWrite, place) {
        Ok(())
    } else {
        Err(Error::not_found(what))
    }
}
