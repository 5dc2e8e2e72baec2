//! `GET /v1/users`

use axum::extract::State;
use claviger_api::page::Page;
use claviger_api::users::{ListUsers, User};
use claviger_service::people::PersonFilter;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, limit};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List people
///
/// The people of the organization, a page at a time, the oldest account first. A token that reaches only some teams sees nobody here: people
/// belong to the organization.
#[utoipa::path(
    get,
    path = "/v1/users",
    tag = "users",
    security(("token" = ["users:read"])),
    params(ListUsers),
    responses((status = 200, description = "A page.", body = Page<User>), Guarded),
)]
pub(crate) async fn list_users(
    permit: Permit<scope::UsersRead>,
    State(app): State<App>,
    Query(query): Query<ListUsers>,
) -> Result<Json<Page<User>>, Problem> {
    let mut fields = Fields::default();
    let Some(limit) = fields.take(limit(query.limit)) else {
        return Err(fields.refused());
    };
    let filter = PersonFilter {
        role: query.role.map(wire::parsed_role),
        state: query.state.map(wire::parsed_state),
        text: query.q.clone(),
    };
    let (found, next_cursor) = app
        .service()
        .list_people(&permit.context, &filter, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::user).collect();
    Ok(Json(Page { data, next_cursor }))
}
