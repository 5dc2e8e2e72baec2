//! `GET /metrics`

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use prometheus_client::encoding::text::encode;

use crate::app::App;
use crate::problem::Problem;

const MEDIA_TYPE: HeaderValue =
    HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");

/// Figures for Prometheus
///
/// Counters, gauges and histograms in the OpenMetrics text format. There is no name, address or id in them.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    security(()),
    responses((status = 200, description = "The figures.", body = String, content_type = "application/openmetrics-text")),
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    app.gather();
    let mut text = String::with_capacity(16 * 1024);
    encode(&mut text, app.registry())
        .map_err(|_| Problem::internal("the figures cannot be written".to_owned()))?;
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}
