//! `GET /v1/webhooks`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::webhooks::{ListWebhooks, Webhook};
use claviger_domain::TeamId;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, id, limit, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List webhooks
///
/// The webhooks that you may see, a page at a time, the newest first.
#[utoipa::path(
    get,
    path = "/v1/webhooks",
    tag = "webhooks",
    security(("token" = ["webhooks:read"])),
    params(ListWebhooks),
    responses((status = 200, description = "A page.", body = Page<Webhook>), Guarded),
)]
pub(crate) async fn list_webhooks(
    permit: Permit<scope::WebhooksRead>,
    State(app): State<App>,
    Query(query): Query<ListWebhooks>,
) -> Result<Json<Page<Webhook>>, Problem> {
    let mut fields = Fields::default();
    let team = fields.take(optional("team", query.team.as_deref(), id::<TeamId>));
    let limit = fields.take(limit(query.limit));
    let (Some(team), Some(limit)) = (team, limit) else {
        return Err(fields.refused());
    };
    let (found, next_cursor) = app
        .service()
        .list_webhooks(&permit.context, team, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::webhook).collect();
    Ok(Json(Page { data, next_cursor }))
}
