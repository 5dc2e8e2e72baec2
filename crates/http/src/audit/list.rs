//! `GET /v1/audit/events`

use axum::extract::State;
use claviger_api::audit::{AuditEvent, ListAudit};
use claviger_api::page::Page;
use claviger_service::audit::Filter;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, instant, limit, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List audit events
///
/// Who changed what, a page at a time, the newest first.
#[utoipa::path(
    get,
    path = "/v1/audit/events",
    tag = "audit",
    security(("token" = ["audit:read"])),
    params(ListAudit),
    responses((status = 200, description = "A page.", body = Page<AuditEvent>), Guarded),
)]
pub(crate) async fn list_audit(
    permit: Permit<scope::AuditRead>,
    State(app): State<App>,
    Query(query): Query<ListAudit>,
) -> Result<Json<Page<AuditEvent>>, Problem> {
    let (filter, limit) = parsed(&query)?;
    let (found, next_cursor) = app
        .service()
        .list_audit(&permit.context, &filter, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::event).collect();
    Ok(Json(Page { data, next_cursor }))
}

fn parsed(query: &ListAudit) -> Result<(Filter, u32), Problem> {
    let mut fields = Fields::default();
    let since = fields.take(optional("since", query.since.as_deref(), instant));
    let until = fields.take(optional("until", query.until.as_deref(), instant));
    let limit = fields.take(limit(query.limit));
    let (Some(since), Some(until), Some(limit)) = (since, until, limit) else {
        return Err(fields.refused());
    };
    let filter = Filter {
        action: query.action.clone(),
        subject: query.subject.clone(),
        actor: query.actor.clone(),
        since,
        until,
    };
    Ok((filter, limit))
}
