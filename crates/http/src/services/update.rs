//! `PATCH /v1/services/{id}`

use axum::extract::State;
use claviger_api::services::{ChangedService, UpdateService};
use claviger_domain::ServiceId;
use claviger_domain::name::{Description, Label};
use claviger_service::services::ServiceChanges;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::GuardedBody;
use crate::problem::Problem;
use crate::query::PathId;
use crate::tokens::wire::receipt;

/// Update a service
///
/// Changes name and description, and moves it to another team; absent fields stay. To move it takes `services:write` in both teams.
#[utoipa::path(
    patch,
    path = "/v1/services/{id}",
    tag = "services",
    security(("token" = ["services:write"])),
    params(("id" = String, Path, description = "The service's handle.", example = "svc_01k9zv5m3r000")),
    request_body = UpdateService,
    responses(
        (status = 200, description = "The service after the change, and the proof.", body = ChangedService),
        (status = 404, description = "`service_not_found`, `team_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        (status = 409, description = "`service_name_taken`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        GuardedBody,
    ),
)]
pub(crate) async fn update_service(
    permit: Permit<scope::ServicesWrite>,
    State(app): State<App>,
    PathId(id): PathId<ServiceId>,
    Json(body): Json<UpdateService>,
) -> Result<Json<ChangedService>, Problem> {
    let changes = parsed(&body)?;
    let changed = app.service().update_service(&permit.context, id, changes).await?;
    Ok(Json(ChangedService {
        service: wire::service(&changed.service),
        receipt: receipt(&changed.receipt),
    }))
}

fn parsed(body: &UpdateService) -> Result<ServiceChanges, Problem> {
    let mut fields = Fields::default();
    let name = fields.take(optional("name", body.name.as_deref(), Label::parse));
    let team = fields.take(optional("team", body.team.as_deref(), id));
    let description = fields.take(optional(
        "description",
        body.description.as_deref(),
        Description::parse,
    ));
    let (Some(name), Some(team), Some(description)) = (name, team, description) else {
        return Err(fields.refused());
    };
    Ok(ServiceChanges {
        name,
        description,
        team,
    })
}
