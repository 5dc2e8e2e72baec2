//! `PATCH /v1/stages/{id}`

use axum::extract::State;
use claviger_api::stages::{Stage, UpdateStage};
use claviger_domain::StageId;
use claviger_domain::name::Label;
use claviger_service::stages::StageChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Update a stage
///
/// Changes name, environment and place; absent fields stay. The stages between its old and its new place make way in the same
/// transaction. It takes a token that reaches the whole organization.
#[utoipa::path(
    patch,
    path = "/v1/stages/{id}",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(("id" = String, Path, description = "The stage's handle.", example = "stg_01k9zv5m3r000")),
    request_body = UpdateStage,
    responses(
        (status = 200, description = "The stage after the change.", body = Stage),
        (status = 404, description = "`stage_not_found`, `environment_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`stage_name_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_stage(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    PathId(id): PathId<StageId>,
    Json(body): Json<UpdateStage>,
) -> Result<Json<Stage>, Problem> {
    let changes = parsed(&body)?;
    let stage = app.service().update_stage(&permit.context, id, changes).await?;
    Ok(Json(wire::stage(&stage)))
}

fn parsed(body: &UpdateStage) -> Result<StageChanges, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(optional("name", body.name.as_deref(), Label::parse));
    let environment = fields.take(optional("environment", body.environment.as_deref(), id));
    let (Some(name), Some(environment)) = (name, environment) else {
        return Err(fields.refused());
    };
    Ok(StageChanges {
        name,
        environment,
        position: body.position,
    })
}
