//! `GET /v1/deployments`

use axum::extract::State;
use claviger_api::deployments::{Deployment, ListDeployments};
use claviger_api::page::Page;
use claviger_domain::name::Label;
use claviger_service::deployments::Filter;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, limit, optional};
use crate::guard::{Permit, scope};
use crate::json::Json;
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// List deployments
///
/// Reported deployments, a page at a time, the newest report first.
#[utoipa::path(
    get,
    path = "/v1/deployments",
    tag = "deployments",
    security(("token" = ["deployments:read"])),
    params(ListDeployments),
    responses((status = 200, description = "A page.", body = Page<Deployment>), Guarded),
)]
pub(crate) async fn list_deployments(
    permit: Permit<scope::DeploymentsRead>,
    State(app): State<App>,
    Query(query): Query<ListDeployments>,
) -> Result<Json<Page<Deployment>>, Problem> {
    let (filter, limit) = parsed(&query)?;
    let (found, next_cursor) = app
        .service()
        .list_deployments(&permit.context, &filter, limit, query.cursor.as_deref())
        .await?;
    let data = found.iter().map(wire::deployment).collect();
    Ok(Json(Page { data, next_cursor }))
}

fn parsed(query: &ListDeployments) -> Result<(Filter, u32), Problem> {
    let mut fields = Fields::default();
    let service = fields.take(optional("service", query.service.as_deref(), Label::parse));
    let environment = fields.take(optional(
        "environment",
        query.environment.as_deref(),
        Label::parse,
    ));
    let limit = fields.take(limit(query.limit));
    let (Some(service), Some(environment), Some(limit)) = (service, environment, limit) else {
        return Err(fields.refused());
    };
    let filter = Filter {
        service,
        environment,
        result: query.result.map(wire::result),
    };
    Ok((filter, limit))
}
