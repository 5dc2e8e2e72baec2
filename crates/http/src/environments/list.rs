//! `GET /v1/environments`

use axum::extract::State;
use claviger_api::environments::{Environment, ListEnvironments};
use claviger_api::page::Page;

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List environments
///
/// The environments that you may see, a page at a time, in the order of their names.
#[utoipa::path(
    get,
    path = "/v1/environments",
    tag = "environments",
    security(("token" = ["environments:read"])),
    params(ListEnvironments),
    responses((status = 200, description = "A page.", body = Page<Environment>), Guarded),
)]
pub(crate) async fn list_environments(
    permit: Permit<scope::EnvironmentsRead>,
    State(app): State<App>,
    Query(query): Query<ListEnvironments>,
) -> Result<Json<Page<Environment>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let (found, next_cursor) = app
        .service()
        .list_environments(
            &permit.context,
            query.q.as_deref(),
            limit,
            query.cursor.as_deref(),
        )
        .await?;
    let data = found.iter().map(wire::environment).collect();
    Ok(Json(Page { data, next_cursor }))
}
