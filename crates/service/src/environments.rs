//! Environments: create, list, show, update, delete.
//!
//! They are the organization's: whoever changes one may do so in the organization as a whole. Seeing one is asked at its own place, so
//! that a token restricted to some environments sees those.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::environment::{Environment, MAX_ENVIRONMENTS, NewEnvironment};
use claviger_domain::name::{Description, Label};
use claviger_domain::{EnvironmentId, Scope, Timestamp};
use claviger_store::{Tx, environments as rows, stages};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::catalogue::{Difference, name_taken, refuse_full};
use crate::directory::Renaming;
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service};

/// What to change of an environment; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct EnvironmentChanges {
    /// A new name.
    pub name: Option<Label>,
    /// Whether it is production.
    pub is_production: Option<bool>,
    /// A new description.
    pub description: Option<Description>,
}

impl Service {
    /// Makes an environment.
    ///
    /// # Errors
    /// `out_of_reach`; `environment_name_taken`, `environment_limit_reached`; those of an Idempotency-Key; those of the store.
    pub async fn create_environment(
        &self,
        ctx: &Context,
        new: NewEnvironment,
        once: Option<Once<Environment>>,
    ) -> Result<Reply<Environment>> {
        ctx.require(Scope::EnvironmentsWrite, &Place::ORGANIZATION)?;
        let claim = self.claim(ctx, once)?;
        let made = Environment {
            id: EnvironmentId::from_i64(self.0.ids.next(ctx.now())),
            org: ctx.org(),
            name: new.name,
            is_production: new.is_production,
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
            let there_are = rows::count(tx, ctx.org()).await?;
            refuse_full(
                there_are,
                MAX_ENVIRONMENTS,
                "environment_limit_reached",
                "environments",
            )?;
            rows::insert(tx, &made).await.map_err(name_taken(
                "environment_name_taken",
                "environment",
                &made.name,
            ))?;
            service.rename(tx, &made);
            let record = Record {
                action: Action::EnvironmentCreated,
                subject: made.id.to_string(),
                detail: json!({ "name": made.name.as_str(), "production": made.is_production }),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            if let Some(claim) = &claim {
                claim.keep(tx, &service, &made, ctx.now(), None).await?;
            }
            Ok::<_, Error>(Reply::Fresh(made))
        });
        reply.await
    }

    /// A page of the environments that the caller may see, in the order of their names, and the cursor of the next. `text` begins
    /// the names, in any spelling.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_environments(
        &self,
        ctx: &Context,
        text: Option<&str>,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Environment>, Option<String>)> {
        let described = format!("environments {text:?} {}", ctx.org());
        let page = self.name_page(&described, text, limit, after)?;
        let org = ctx.org();
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, org, &page).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |found| {
            found.name.key().into_string()
        });
        found.retain(|found| ctx.may(Scope::EnvironmentsRead, &place(found.id)));
        Ok((found, next))
    }

    /// One environment that the caller may see.
    ///
    /// # Errors
    /// `environment` not found.
    pub async fn show_environment(&self, ctx: &Context, id: EnvironmentId) -> Result<Environment> {
        let ctx = ctx.clone();
        self.0
            .store
            .read(async move |tx: &mut Tx| {
                let found = rows::by_id(tx, id).await?.filter(|found| {
                    found.org == ctx.org() && ctx.may(Scope::EnvironmentsRead, &place(found.id))
                });
                found.ok_or_else(|| Error::not_found("environment"))
            })
            .await
    }

    /// Changes name, description and whether it is production.
    ///
    /// # Errors
    /// `environment` not found; `out_of_reach`; `environment_name_taken`.
    pub async fn update_environment(
        &self,
        ctx: &Context,
        id: EnvironmentId,
        changes: EnvironmentChanges,
    ) -> Result<Environment> {
        let service = self.clone();
        let ctx = ctx.clone();
        let updated = self.0.store.write(async move |tx: &mut Tx| {
            let before = known(tx, &ctx, id).await?;
            ctx.require(Scope::EnvironmentsWrite, &Place::ORGANIZATION)?;
            let after = changed(&before, changes, ctx.now());
            rows::update(tx, &after).await.map_err(name_taken(
                "environment_name_taken",
                "environment",
                &after.name,
            ))?;
            service.rename(tx, &after);
            let record = Record {
                action: Action::EnvironmentUpdated,
                subject: id.to_string(),
                detail: difference(&before, &after),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(after)
        });
        updated.await
    }

    /// Drops an environment that no stage is in.
    ///
    /// # Errors
    /// `environment` not found; `out_of_reach`; `environment_in_use`.
    pub async fn delete_environment(&self, ctx: &Context, id: EnvironmentId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let dropped = known(tx, &ctx, id).await?;
            ctx.require(Scope::EnvironmentsWrite, &Place::ORGANIZATION)?;
            let stages = stages::count_in(tx, id).await?;
            if stages > 0 {
                let detail = format!("stages are in this environment ({stages}); move or delete them first");
                return Err(Error::conflict("environment_in_use", detail));
            }
            rows::delete(tx, id).await?;
            service.rename(tx, Renaming::NoEnvironment(id));
            let record = Record {
                action: Action::EnvironmentDeleted,
                subject: id.to_string(),
                detail: json!({ "name": dropped.name.as_str(), "production": dropped.is_production }),
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }
}

/// Where an environment is.
pub(crate) const fn place(id: EnvironmentId) -> Place {
    Place::ORGANIZATION.within(id)
}

/// The environment `id`, if the caller may know that there is one: seeing it or changing environments is enough.
pub(crate) async fn known(tx: &mut Tx, ctx: &Context, id: EnvironmentId) -> Result<Environment> {
    let found = rows::by_id(tx, id).await?;
    let known = |found: &Environment| found.org == ctx.org() && is_known(ctx, found.id);
    found.filter(known).ok_or_else(|| Error::not_found("environment"))
}

/// True when the caller may know of what is in the environment.
pub(crate) fn is_known(ctx: &Context, id: EnvironmentId) -> bool {
    ctx.may(Scope::EnvironmentsRead, &place(id)) || ctx.may(Scope::EnvironmentsWrite, &Place::ORGANIZATION)
}

fn changed(before: &Environment, changes: EnvironmentChanges, now: Timestamp) -> Environment {
    let mut after = before.clone();
    if let Some(name) = changes.name {
        after.name = name;
    }
    if let Some(is_production) = changes.is_production {
        after.is_production = is_production;
    }
    if let Some(description) = changes.description {
        after.description = description;
    }
    after.updated_at = now;
    after
}

fn difference(before: &Environment, after: &Environment) -> Value {
    let mut difference = Difference::default();
    difference.field("name", before.name.as_str(), after.name.as_str());
    difference.field("production", before.is_production, after.is_production);
    difference.field(
        "description",
        before.description.as_str(),
        after.description.as_str(),
    );
    difference.into_value()
}
