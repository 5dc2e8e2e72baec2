//! `GET /v1/webhooks/{id}/deliveries`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::webhooks::{Delivery, ListDeliveries};
use claviger_domain::WebhookId;

use super::wire;
use crate::app::App;
use crate::fields::limit;
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::{PathId, Query};

/// List a webhook's deliveries
///
/// What it was told, is being told and could not be told, the newest first. Kept for 30 days.
#[utoipa::path(
    get,
    path = "/v1/webhooks/{id}/deliveries",
    tag = "webhooks",
    security(("token" = ["webhooks:read"])),
    params(("id" = String, Path, description = "The webhook's handle.", example = "whk_01k9zv5m3r000"), ListDeliveries),
    responses(
        (status = 200, description = "A page.", body = Page<Delivery>),
        (status = 404, description = "`webhook_not_found`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        Guarded,
    ),
)]
pub(crate) async fn list_deliveries(
    permit: Permit<scope::WebhooksRead>,
    State(app): State<App>,
    PathId(id): PathId<WebhookId>,
    Query(query): Query<ListDeliveries>,
) -> Result<Json<Page<Delivery>>, Problem> {
    let limit = limit(query.limit).map_err(claviger_service::Error::from)?;
    let state = query.state.map(wire::parsed_state);
    let (found, next_cursor) = app
        .service()
        .list_deliveries(&permit.context, id, state, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::delivery).collect();
    Ok(Json(Page { data, next_cursor }))
}
