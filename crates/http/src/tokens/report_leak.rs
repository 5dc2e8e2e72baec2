//! `POST /v1/tokens/report-leak`

use axum::extract::State;
use claviger_api::tokens::{ReportLeak, Revoked};
use claviger_domain::name::Label;
use claviger_service::Error;
use claviger_service::tokens::LeakReport;

use super::wire;
use crate::app::App;
use crate::fields::{Fields, optional};
use crate::guard::Visit;
use crate::json::Json;
use crate::limits;
use crate::openapi::PublicBody;
use crate::problem::Problem;

/// Report a leaked token
///
/// Whoever finds a token may end it by sending it here; no other credential is needed. Everything that is no live token gets one and the
/// same answer. The report does not count as a use of the token.
#[utoipa::path(
    post,
    path = "/v1/tokens/report-leak",
    tag = "tokens",
    security(()),
    request_body = ReportLeak,
    responses(
        (status = 200, description = "It is dead, and this is the proof.", body = Revoked),
        (status = 404, description = "`token_not_found`: no live token here, whatever the reason.", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
        PublicBody,
    ),
)]
pub(crate) async fn report_leak(
    Visit { origin, .. }: Visit,
    State(app): State<App>,
    Json(body): Json<ReportLeak>,
) -> Result<Json<Revoked>, Problem> {
    let mut fields = Fields::default();
    let Some(found_at) = fields.take(optional("found_at", body.found_at.as_deref(), Label::parse)) else {
        return Err(fields.refused());
    };
    let report = LeakReport {
        token: body.token.trim(),
        found_at,
    };
    match app.service().report_leak(&origin, report).await {
        Ok(revoked) => Ok(Json(wire::revoked(&revoked))),
        Err(error @ Error::NotFound { .. }) => {
            // It tells what is a token as a failed presentation does, and is counted with those.
            let counted = app.edge().clients.strangers.failed(origin.address, origin.now);
            Err(counted.map_or_else(limits::too_many_failures, |()| error.into()))
        }
        Err(error) => Err(error.into()),
    }
}
