//! `PATCH /v1/teams/{id}`

use axum::extract::State;
use claviger_api::teams::{Team, UpdateTeam};
use claviger_domain::TeamId;
use claviger_domain::name::{Description, Label};
use claviger_service::teams::TeamChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;

/// Update a team
///
/// Changes name and description; absent fields stay.
#[utoipa::path(
    patch,
    path = "/v1/teams/{id}",
    tag = "teams",
    security(("token" = ["teams:write"])),
    params(("id" = String, Path, description = "The team's handle.", example = "team_01k9zv5m3r000")),
    request_body = UpdateTeam,
    responses(
        (status = 200, description = "The team after the change.", body = Team),
        (status = 404, description = "`team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`team_name_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_team(
    permit: Permit<scope::TeamsWrite>,
    State(app): State<App>,
    PathId(id): PathId<TeamId>,
    Json(body): Json<UpdateTeam>,
) -> Result<Json<Team>, Problem> {
    let changes = parsed(&body)?;
    let team = app.service().update_team(&permit.context, id, changes).await?;
    Ok(Json(wire::team(&team)))
}

fn parsed(body: &UpdateTeam) -> Result<TeamChanges, Problem> {
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
    Ok(TeamChanges { name, description })
}
