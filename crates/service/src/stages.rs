//! Stages: the steps of a release, in order. Create, list, show, update, move, delete.
//!
//! Places are 1, 2, 3, … without a gap, whatever is inserted, moved or taken out: the others are shifted in the same transaction.

use claviger_domain::audit::Action;
use claviger_domain::authority::Place;
use claviger_domain::name::Label;
use claviger_domain::stage::{MAX_STAGES, NewStage, Stage, check_position};
use claviger_domain::{EnvironmentId, Scope, StageId, Timestamp};
use claviger_store::{Tx, stages as rows};
use serde_json::{Value, json};

use crate::audit::Record;
use crate::catalogue::{Difference, name_taken, refuse_full};
use crate::error::{Error, Result};
use crate::idempotency::{Once, Reply};
use crate::{Context, Service, cursor, environments};

/// What to change of a stage; `None` leaves a field as it is.
#[derive(Debug, Clone, Default)]
pub struct StageChanges {
    /// A new name.
    pub name: Option<Label>,
    /// Another environment.
    pub environment: Option<EnvironmentId>,
    /// Another place, counted from 1.
    pub position: Option<u32>,
}

impl Service {
    /// Puts a stage into the order.
    ///
    /// # Errors
    /// `out_of_reach`; `environment` not found; `Invalid` for its place; `stage_name_taken`, `stage_limit_reached`; those of an
    /// Idempotency-Key; those of the store.
    pub async fn create_stage(
        &self,
        ctx: &Context,
        new: NewStage,
        once: Option<Once<Stage>>,
    ) -> Result<Reply<Stage>> {
        ctx.require(Scope::EnvironmentsWrite, &Place::ORGANIZATION)?;
        let claim = self.claim(ctx, once)?;
        let id = StageId::from_i64(self.0.ids.next(ctx.now()));
        let service = self.clone();
        let ctx = ctx.clone();
        let reply = self.0.store.write(async move |tx: &mut Tx| {
            if let Some(claim) = &claim
                && let Some(earlier) = claim.earlier(tx, &service, ctx.now()).await?
            {
                return Ok(earlier);
            }
            let stage = insert(tx, &ctx, id, &new).await?;
            let detail = json!({
                "name": stage.name.as_str(),
                "environment": stage.environment.to_string(),
                "position": stage.position,
            });
            let record = Record {
                action: Action::StageCreated,
                subject: id.to_string(),
                detail,
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            if let Some(claim) = &claim {
                claim.keep(tx, &service, &stage, ctx.now(), None).await?;
            }
            Ok::<_, Error>(Reply::Fresh(stage))
        });
        reply.await
    }

    /// A page of the stages whose environments the caller may see, in their order, and the cursor of the next.
    ///
    /// # Errors
    /// `Invalid` for a cursor of another list; those of the store.
    pub async fn list_stages(
        &self,
        ctx: &Context,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<Stage>, Option<String>)> {
        let described = format!("stages {}", ctx.org());
        let after = match after {
            Some(text) => cursor::read(&self.0.keys, &described, text)?
                .parse()
                .map_err(Error::internal)?,
            None => 0,
        };
        let org = ctx.org();
        let mut found = self
            .0
            .store
            .read(async move |tx: &mut Tx| rows::list(tx, org, after, limit + 1).await)
            .await?;
        let next = self.cut(&described, &mut found, limit, |stage| stage.position.to_string());
        found.retain(|stage| ctx.may(Scope::EnvironmentsRead, &environments::place(stage.environment)));
        Ok((found, next))
    }

    /// One stage whose environment the caller may see.
    ///
    /// # Errors
    /// `stage` not found.
    pub async fn show_stage(&self, ctx: &Context, id: StageId) -> Result<Stage> {
        let ctx = ctx.clone();
        self.0
            .store
            .read(async move |tx: &mut Tx| {
                let found = rows::by_id(tx, id).await?.filter(|stage| {
                    let place = environments::place(stage.environment);
                    stage.org == ctx.org() && ctx.may(Scope::EnvironmentsRead, &place)
                });
                found.ok_or_else(|| Error::not_found("stage"))
            })
            .await
    }

    /// Changes name, environment and place.
    ///
    /// # Errors
    /// `stage` or `environment` not found; `out_of_reach`; `Invalid` for its place; `stage_name_taken`.
    pub async fn update_stage(&self, ctx: &Context, id: StageId, changes: StageChanges) -> Result<Stage> {
        let service = self.clone();
        let ctx = ctx.clone();
        let updated = self.0.store.write(async move |tx: &mut Tx| {
            let before = changeable(tx, &ctx, id).await?;
            let after = changed(&before, changes, ctx.now());
            if after.environment != before.environment {
                environments::known(tx, &ctx, after.environment).await?;
            }
            if after.position != before.position {
                make_way(tx, &before, after.position).await?;
            }
            rows::update(tx, &after)
                .await
                .map_err(name_taken("stage_name_taken", "stage", &after.name))?;
            let record = Record {
                action: Action::StageUpdated,
                subject: id.to_string(),
                detail: difference(&before, &after),
            };
            service.record(tx, &ctx.by(), vec![record]).await?;
            Ok::<_, Error>(after)
        });
        updated.await
    }

    /// Takes a stage out of the order.
    ///
    /// # Errors
    /// `stage` not found; `out_of_reach`.
    pub async fn delete_stage(&self, ctx: &Context, id: StageId) -> Result<()> {
        let service = self.clone();
        let ctx = ctx.clone();
        let deleted = self.0.store.write(async move |tx: &mut Tx| {
            let stage = changeable(tx, &ctx, id).await?;
            rows::delete(tx, id).await?;
            rows::close_gap(tx, stage.org, stage.position).await?;
            let detail = json!({ "name": stage.name.as_str(), "position": stage.position });
            let record = Record {
                action: Action::StageDeleted,
                subject: id.to_string(),
                detail,
            };
            service.record(tx, &ctx.by(), vec![record]).await
        });
        deleted.await
    }
}

async fn insert(tx: &mut Tx, ctx: &Context, id: StageId, new: &NewStage) -> Result<Stage> {
    environments::known(tx, ctx, new.environment).await?;
    let there_are = rows::count(tx, ctx.org()).await?;
    refuse_full(there_are, MAX_STAGES, "stage_limit_reached", "stages")?;
    let end = last(there_are + 1);
    let position = check_position(new.position.unwrap_or(end), end)?;
    let stage = Stage {
        id,
        org: ctx.org(),
        name: new.name.clone(),
        environment: new.environment,
        position,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    rows::open_gap(tx, stage.org, position).await?;
    rows::insert(tx, &stage)
        .await
        .map_err(name_taken("stage_name_taken", "stage", &stage.name))?;
    Ok(stage)
}

/// Takes a stage from its place and frees another one for it.
async fn make_way(tx: &mut Tx, stage: &Stage, position: u32) -> Result<()> {
    let end = last(rows::count(tx, stage.org).await?);
    check_position(position, end)?;
    rows::put_aside(tx, stage.id).await?;
    rows::close_gap(tx, stage.org, stage.position).await?;
    rows::open_gap(tx, stage.org, position).await?;
    Ok(())
}

/// The place of the last of so many stages.
fn last(stages: u64) -> u32 {
    u32::try_from(stages).unwrap_or(u32::MAX)
}

/// The stage `id`, if the caller may know of it; and the caller must be allowed to change the order.
async fn changeable(tx: &mut Tx, ctx: &Context, id: StageId) -> Result<Stage> {
    let found = rows::by_id(tx, id)
        .await?
        .filter(|stage| stage.org == ctx.org() && environments::is_known(ctx, stage.environment));
    let stage = found.ok_or_else(|| Error::not_found("stage"))?;
    ctx.require(Scope::EnvironmentsWrite, &Place::ORGANIZATION)?;
    Ok(stage)
}

fn changed(before: &Stage, changes: StageChanges, now: Timestamp) -> Stage {
    let mut after = before.clone();
    if let Some(name) = changes.name {
        after.name = name;
    }
    if let Some(environment) = changes.environment {
        after.environment = environment;
    }
    if let Some(position) = changes.position {
        after.position = position;
    }
    after.updated_at = now;
    after
}

fn difference(before: &Stage, after: &Stage) -> Value {
    let mut difference = Difference::default();
    difference.field("name", before.name.as_str(), after.name.as_str());
    difference.field(
        "environment",
        before.environment.to_string(),
        after.environment.to_string(),
    );
    difference.field("position", before.position, after.position);
    difference.into_value()
}
