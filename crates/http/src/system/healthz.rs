//! `GET /healthz`

/// Is the process there
///
/// Answers as long as the process does. It says nothing about the store: a restart would not help it.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "system",
    security(()),
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain", example = "ok")),
)]
pub(crate) async fn healthz() -> &'static str {
    "ok"
}
