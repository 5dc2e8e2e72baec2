//! Explain: what would be decided about a token, an action and a place, and everything that stands in the way.
//!
//! For whoever may see the token; to all others it does not exist. Nothing is used, nothing is marked.

use std::net::IpAddr;

use claviger_domain::authority::{Authority, Place};
use claviger_domain::explain::{Obstacle, OwnerStanding, obstacles};
use claviger_domain::token::{Holder, Token};
use claviger_domain::{EnvironmentId, Scope, ServiceId, TeamId, TokenId};
use claviger_store::{Tx, environments, services, teams};

use crate::error::{Error, Result};
use crate::{Context, Service, owners};

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// About which token.
    pub token: TokenId,
    /// What it wants to do.
    pub scope: Scope,
    /// At which team.
    pub team: Option<TeamId>,
    /// At which service; its team follows.
    pub service: Option<ServiceId>,
    /// In which environment.
    pub environment: Option<EnvironmentId>,
    /// Coming from which address; without one, whence it comes is not asked.
    pub address: Option<IpAddr>,
}

impl Service {
    /// Everything that keeps the token from it; empty when nothing does.
    ///
    /// # Errors
    /// `token` not found; `Invalid` for a team, service or environment that is not there, and for a service of another team.
    pub async fn explain(&self, ctx: &Context, question: Question) -> Result<Vec<Obstacle>> {
        let service = self.clone();
        let ctx = ctx.clone();
        let found = self.0.store.read(async move |tx: &mut Tx| {
            let token = service.visible(tx, &ctx, question.token).await?;
            let place = place(tx, &ctx, &question).await?;
            let owner = standing(tx, &token).await?;
            Ok::<_, Error>(obstacles(
                &token,
                &owner,
                question.scope,
                &place,
                question.address,
                ctx.now(),
            ))
        });
        found.await
    }
}

/// The place that is asked about, if all of it is there.
async fn place(tx: &mut Tx, ctx: &Context, question: &Question) -> Result<Place> {
    let unknown = |field: &str, code: &'static str| Error::field(field, code, "there is no such thing");
    let mut place = Place::ORGANIZATION;
    if let Some(id) = question.team {
        let team = teams::by_id(tx, id).await?.filter(|team| team.org == ctx.org());
        place = Place::team(team.ok_or_else(|| unknown("resource.team", "team_unknown"))?.id);
    }
    if let Some(id) = question.service {
        let found = services::by_id(tx, id)
            .await?
            .filter(|found| found.org == ctx.org())
            .ok_or_else(|| unknown("resource.service", "service_unknown"))?;
        if place.team.is_some_and(|team| team != found.team) {
            let detail = "the service belongs to another team";
            return Err(Error::field("resource.service", "service_of_other_team", detail));
        }
        place = Place::service(found.team, found.id);
    }
    if let Some(id) = question.environment {
        let found = environments::by_id(tx, id)
            .await?
            .filter(|found| found.org == ctx.org())
            .ok_or_else(|| unknown("resource.environment", "environment_unknown"))?;
        place = place.within(found.id);
    }
    Ok(place)
}

/// What whoever the token acts as may do now. A token that acts as itself is bounded by what it was given.
async fn standing(tx: &mut Tx, token: &Token) -> Result<OwnerStanding> {
    let Holder::Person(user) = token.holder else {
        return Ok(OwnerStanding {
            authority: Authority::everything(),
            active: true,
        });
    };
    let owner = owners::of(tx, user).await?;
    Ok(OwnerStanding {
        authority: (*owner.authority).clone(),
        active: owner.active,
    })
}
