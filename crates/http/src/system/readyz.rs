//! `GET /readyz`

use axum::extract::State;
use http::StatusCode;

use crate::app::App;
use crate::problem::Problem;

/// Does the server take requests
///
/// 200 when the verifier knows every token and the store takes changes. While it is 503, checks are still answered from memory.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "system",
    security(()),
    responses(
        (status = 200, description = "It does.", body = String, content_type = "text/plain", example = "ready"),
        (status = 503, description = "`writer_stopped`, `store_unavailable`", body = claviger_api::problem::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn readyz(State(app): State<App>) -> Result<&'static str, Problem> {
    // The index needs no question: no socket is bound before it is loaded.
    let store = app.service().store().stats();
    let unready = |code, detail| Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail));
    if store.writer_stopped {
        return unready(
            "writer_stopped",
            "a commit failed; the server takes no changes until it is restarted",
        );
    }
    if store.disconnected {
        return unready(
            "store_unavailable",
            "the store cannot be reached; no change is taken until it can",
        );
    }
    Ok("ready")
}
