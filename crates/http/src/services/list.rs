//! `GET /v1/services`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::services::{ListServices, Service};
use claviger_service::services::Filter;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, limit, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List services
///
/// The services that you may see, a page at a time, in the order of their names.
#[utoipa::path(
    get,
    path = "/v1/services",
    tag = "services",
    security(("token" = ["services:read"])),
    params(ListServices),
    responses((status = 200, description = "A page.", body = Page<Service>), Guarded),
)]
pub(crate) async fn list_services(
    permit: Permit<scope::ServicesRead>,
    State(app): State<App>,
    Query(query): Query<ListServices>,
) -> Result<Json<Page<Service>>, Problem> {
    let (filter, limit) = parsed(&query)?;
    let (found, next_cursor) = app
        .service()
        .list_services(&permit.context, &filter, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::service).collect();
    Ok(Json(Page { data, next_cursor }))
}

fn parsed(query: &ListServices) -> Result<(Filter, u32), Problem> {
    let mut fields = Fields::default();
    let team = fields.take(optional("team", query.team.as_deref(), id));
    let limit = fields.take(limit(query.limit));
    let (Some(team), Some(limit)) = (team, limit) else {
        return Err(fields.refused());
    };
    let text = query.q.clone();
    Ok((Filter { team, text }, limit))
}
