//! `GET /openapi.json`

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::CONTENT_TYPE;

use crate::openapi::DOCUMENT;

/// This document
///
/// The API in OpenAPI 3.1, made from the server itself.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "system",
    security(()),
    responses((status = 200, description = "The document.", body = serde_json::Value, content_type = "application/json")),
)]
pub(crate) async fn openapi() -> Response {
    let media_type = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, media_type)], DOCUMENT.clone()).into_response()
}
