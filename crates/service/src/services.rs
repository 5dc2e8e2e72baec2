//! Services: create, list, show, update, move, delete.
//!
//! What may be done with a service is asked at its place, which is its team's; moving it is asked at both.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::name::{Description, Label};
use claviger_domain::receipt::Receipt;
use claviger_domain::service::{self as noun, MAX_SERVICES, NewService};
use claviger_domain::{Scope, ServiceId, TeamId, Timestamp};
use claviger_store::{Tx, services as rows};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::catalogue::{Difference, name_taken, refuse_full};
use crate::changes::Visibility;
use crate::directory::Renaming;
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service, teams};

/// Either scope lets a caller know that there is a service.
const KNOWN_BY: [Scope; 2] = [Scope::ServicesRead, Scope::ServicesWrite];
/// Either scope lets a caller name a team as the owner of a service.
const OWNER_KNOWN_BY: [Scope; 2] = [Scope::TeamsRead, Scope::ServicesWrite];

/// What to change of a service; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct ServiceChanges {
    /// A new name.
    pub name: Option<Label>,
    /// A new description.
    pub description: Option<Description>,
    /// Another team to own it.
    pub team: Option<TeamId>,
}

/// Which services to list. All conditions must hold.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only services of this team.
    pub team: Option<TeamId>,
    /// Only names that begin so, in any spelling.
    pub text: Option<String>,
}

/// A changed service, and proof that its tokens reach where it is now.
#[derive(Debug, Clone)]
pub struct ChangedService {
    /// The service after the change.
    pub service: noun::Service,
    /// The proof.
    pub receipt: Receipt,
}

impl Service {
    /// Makes a service of a team.
    ///
    /// # Errors
    /// `team` not found; `out_of_reach`; `service_name_taken`, `service_limit_reached`; those of an Idempotency-Key; those of the
    /// store.
    pub async fn create_service(
        &self,
        ctx: &Context,
        new: NewService,
        once: Option<Once<noun::Service>>,
    ) -> Result<Reply<noun::Service>> {
        let claim = self.claim(ctx, once)?;
        let made = noun::Service {
            id: ServiceId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            team: new.team,
            name: new.name,
            description: new.description,
            created_at: ctx.now(),
            updated_at: ctx.now(),
        };
        let service = self.clone();
        let ctx = ctx.clone();
        let reply = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(claim) = &claim
                && let Some(earlier) = claim.earlier(tx, &service, ctx.now()).await?
            {
                return Ok(earlier);
            }
            require_owner(tx, &ctx, made.team).await?;
            let there_are = rows::count(tx, ctx.org()).await?;
            refuse_full(there_are, MAX_SERVICES, "service_limit_reached", "services")?;
            rows::insert(tx, &made)
                .await
                .map_err(name_taken("service_name_taken", "service", &made.name))?;
            service.rename(tx, &made);
            let record = Record {
                action: Action::ServiceCreated,
                subject: made.id.to_string(),
                detail: json!({ "name": made.name.as_str(), "team": made.team.to_string() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            if let Some(claim) = &claim {
                claim.keep(tx, &service, &made, ctx.now(), None).await?;
            }
            Ok::<_, Error>(Reply::Fresh(made))
        });
        reply.await
    }

    /// A page of the services that the caller may see, in the order of their names, and the cursor of the next.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_services(
        &self,
        ctx: &Context,
        filter: &Filter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<noun::Service>, Option<String>)> {
        let described = format!("services {filter:?} {}", ctx.org());
        let query = rows::ServiceFilter {
            org: ctx.org(),
            within: ctx.caller.power.reach(Scope::ServicesRead),
            team: filter.team,
            page: self.name_page(&described, filter.text.as_deref(), limit, after)?,
        };
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, &query).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |found| {
            found.name.key().into_string()
        });
        // Reaches know nothing of environments; this is what one service alone would be answered with.
        found.retain(|found| ctx.may(Scope::ServicesRead, &place(found)));
        Ok((found, next))
    }

    /// One service that the caller may see.
    ///
    /// # Errors
    /// `service` not found.
    pub async fn show_service(&self, ctx: &Context, id: ServiceId) -> Result<noun::Service> {
        let ctx = ctx.clone();
        self.0
            .store
            .read(async move |tx: &mut Tx| visible(tx, &ctx, id, &[Scope::ServicesRead]).await)
            .await
    }

    /// Changes name and description, and moves the service to another team.
    ///
    /// # Errors
    /// `service` not found, `team` not found; `out_of_reach`; `service_name_taken`.
    pub async fn update_service(
        &self,
        ctx: &Context,
        id: ServiceId,
        changes: ServiceChanges,
    ) -> Result<ChangedService> {
        let service = self.clone();
        let ctx = ctx.clone();
        let visibility = Visibility::default();
        let seen = visibility.clone();
        let updated = self.0.store.write(async move |tx: &mut Tx| {
            let before = changeable(tx, &ctx, id).await?;
            let after = changed(&before, changes, ctx.now());
            if after.team != before.team {
                require_owner(tx, &ctx, after.team).await?;
            }
            rows::update(tx, &after).await.map_err(name_taken(
                "service_name_taken",
                "service",
                &after.name,
            ))?;
            let epoch = if after.team == before.team {
                service.epoch(tx).await?
            } else {
                // Its tokens are in the new team's reach from now on, and in the old one's no more.
                service.service_moved(tx, id, ctx.now(), &visibility).await?
            };
            service.rename(tx, &after);
            let record = Record {
                action: Action::ServiceUpdated,
                subject: id.to_string(),
                detail: difference(&before, &after),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>((after, epoch))
        });
        let (service, epoch) = updated.await?;
        Ok(ChangedService {
            service,
            receipt: seen.receipt(epoch),
        })
    }

    /// Drops a service. The deployments that were reported for it stay.
    ///
    /// # Errors
    /// `service` not found; `out_of_reach`; `service_in_use` while it has live tokens.
    pub async fn delete_service(&self, ctx: &Context, id: ServiceId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let dropped = changeable(tx, &ctx, id).await?;
            Self::refuse_live_tokens(tx, id.get(), ctx.now(), "service_in_use").await?;
            rows::delete(tx, id).await?;
            service.rename(tx, Renaming::NoService(id));
            let record = Record {
                action: Action::ServiceDeleted,
                subject: id.to_string(),
                detail: json!({ "name": dropped.name.as_str(), "team": dropped.team.to_string() }),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }
}

/// Where the service is.
fn place(service: &noun::Service) -> Place {
    Place::service(service.team, service.id)
}

/// The service `id`, if the caller has one of `scopes` there. Another organization's is as unknown as one that never was.
async fn visible(tx: &mut Tx, ctx: &Context, id: ServiceId, scopes: &[Scope]) -> Result<noun::Service> {
    let found = rows::by_id(tx, id).await?.filter(|found| {
        let place = place(found);
        found.org == ctx.org() && scopes.iter().any(|scope| ctx.may(*scope, &place))
    });
    found.ok_or_else(|| Error::not_found("service"))
}

/// The same, and the caller must be allowed to change it.
async fn changeable(tx: &mut Tx, ctx: &Context, id: ServiceId) -> Result<noun::Service> {
    let found = visible(tx, ctx, id, &KNOWN_BY).await?;
    ctx.require(Scope::ServicesWrite, &place(&found))?;
    Ok(found)
}

/// Refuses to give a service to a team unless the caller may do so there.
async fn require_owner(tx: &mut Tx, ctx: &Context, team: TeamId) -> Result<()> {
    teams::visible(tx, ctx, team, &OWNER_KNOWN_BY).await?;
    ctx.require(Scope::ServicesWrite, &Place::team(team))
}

fn changed(before: &noun::Service, changes: ServiceChanges, now: Timestamp) -> noun::Service {
    let mut after = before.clone();
    if let Some(name) = changes.name {
        after.name = name;
    }
    if let Some(description) = changes.description {
        after.description = description;
    }
    if let Some(team) = changes.team {
        after.team = team;
    }
    after.updated_at = now;
    after
}

fn difference(before: &noun::Service, after: &noun::Service) -> Value {
    let mut difference = Difference::default();
    difference.field("name", before.name.as_str(), after.name.as_str());
    difference.field(
        "description",
        before.description.as_str(),
        after.description.as_str(),
    );
    difference.field("team", before.team.to_string(), after.team.to_string());
    difference.into_value()
}
