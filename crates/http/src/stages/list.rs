//! `GET /v1/stages`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::stages::{ListStages, Stage};

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List stages
///
/// The steps of a release whose environments you may see, in their order. There are at most 100: `limit=100` has them all at once.
#[utoipa::path(
    get,
    path = "/v1/stages",
    tag = "environments",
    security(("token" = ["environments:read"])),
    params(ListStages),
    responses((status = 200, description = "A page.", body = Page<Stage>), Guarded),
)]
pub(crate) async fn list_stages(
    permit: Permit<scope::EnvironmentsRead>,
    State(app): State<App>,
    Query(query): Query<ListStages>,
) -> Result<Json<Page<Stage>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let (found, next_cursor) = app
        .service()
        .list_stages(&permit.context, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::stage).collect();
    Ok(Json(Page { data, next_cursor }))
}
