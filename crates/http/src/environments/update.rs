//! `PATCH /v1/environments/{id}`

use axum::extract::State;
use claviger_api::environments::{Environment, UpdateEnvironment};
use claviger_domain::EnvironmentId;
use claviger_domain::name::{Description, Label};
use claviger_service::environments::EnvironmentChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Update an environment
///
/// Changes name, description and whether it is production; absent fields stay. It takes a token that reaches the whole organization.
#[utoipa::path(
    patch,
    path = "/v1/environments/{id}",
    tag = "environments",
    security(("token" = ["environments:write"])),
    params(("id" = String, Path, description = "The environment's handle.", example = "env_01k9zv5m3r000")),
    request_body = UpdateEnvironment,
    responses(
        (status = 200, description = "The environment after the change.", body = Environment),
        (status = 404, description = "`environment_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`environment_name_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_environment(
    permit: Permit<scope::EnvironmentsWrite>,
    State(app): State<App>,
    PathId(id): PathId<EnvironmentId>,
    Json(body): Json<UpdateEnvironment>,
) -> Result<Json<Environment>, Problem> {
    let changes = parsed(&body)?;
    let environment = app
        .service()
        .update_environment(&permit.context, id, changes)
        .await?;
    Ok(Json(wire::environment(&environment)))
}

fn parsed(body: &UpdateEnvironment) -> Result<EnvironmentChanges, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(optional("name", body.name.as_deref(), Label::parse));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let (Some(name), Some(description)) = (name, description) else {
        return Err(fields.refused());
    };
    Ok(EnvironmentChanges {
        name,
        is_production: body.production,
        description,
    })
}
