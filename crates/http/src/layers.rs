//! What happens to every request around its handler, in the order of the house: name it, refuse a doubtful `Host` and a credential in
//! the query, bound its time and its body, catch a panic; then write the problem, the headers, the count and the one log line.
//!
//! [`wrap`] puts the layers around a router. The verify door calls the same functions by hand. Invariant: no answer of the router
//! leaves without them, unknown routes and wrong methods included.

pub(crate) mod body;
mod headers;
pub(crate) mod host;
pub(crate) mod log;
pub(crate) mod metrics;
pub(crate) mod query_credential;
pub(crate) mod request_id;

use std::any::Any;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use claviger_domain::Timestamp;
use claviger_domain::owner::{Caller, Means};
use claviger_domain::reminder::ANSWERS_WARN_WITHIN;
use claviger_service::Clock;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;

use crate::clients::Clients;
use crate::credentials::{Credential, presented};
use crate::peer::Peer;
use crate::problem::Problem;
use crate::{guard, limits, limits::Charged};
use body::RequestLimits;
use log::Answered;
use metrics::RequestMetrics;
use request_id::{RequestId, RequestIds, X_REQUEST_ID};

/// When the calling token ends, in answers to a token that ends within 14 days. No standard has such a field: `Sunset` (RFC 8594) is about
/// the resource, and `Authentication-Info` (RFC 9110 §11.6.3) has no parameters for bearer tokens.
const TOKEN_EXPIRES: HeaderName = HeaderName::from_static("claviger-token-expires");
/// The route of a request that matched none, in log and metrics.
const UNMATCHED: &str = "unmatched";

/// What the layers and the verify door need.
pub(crate) struct Edge {
    pub(crate) ids: RequestIds,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: RequestMetrics,
    pub(crate) limits: RequestLimits,
    pub(crate) clients: Clients,
}

/// What a request presented, once the guard knows: the log line tells whose it is, the answer its end when that is near and what is left
/// of its limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Presented(Arc<OnceLock<Noted>>);

#[derive(Debug, Clone)]
struct Noted {
    by: Means,
    /// When the token ends, if that is near.
    near_end: Option<Timestamp>,
    /// What is left of its limits, and what the call took.
    charged: Charged,
}

impl Presented {
    /// Notes a caller who was accepted at `now`.
    pub(crate) fn note(&self, caller: &Caller, charged: Charged, now: Timestamp) {
        let near_end = caller.expires_at.filter(|end| *end <= now + ANSWERS_WARN_WITHIN);
        // A request has one caller; were there two, the first would stay.
        let _ = self.0.set(Noted {
            by: caller.by,
            near_end,
            charged,
        });
    }

    fn by(&self) -> Option<Means> {
        self.0.get().map(|noted| noted.by)
    }

    /// Tells the caller that their token ends soon, and what is left of its limits.
    fn tell(&self, headers: &mut HeaderMap) {
        let Some(noted) = self.0.get() else { return };
        // An instant in RFC 3339 is visible ASCII.
        let near_end = noted
            .near_end
            .and_then(|end| HeaderValue::try_from(end.to_string()).ok());
        headers.extend(near_end.map(|value| (TOKEN_EXPIRES, value)));
        limits::tell(headers, &noted.charged);
    }
}

/// Puts all layers around `router`, and answers what it does not know.
pub(crate) fn wrap(router: Router, edge: Arc<Edge>) -> Router {
    // The last layer added is the outermost.
    router
        .fallback(unknown_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(edge.limits, body::limit))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(edge.limits.time, within_time))
        .layer(from_fn_with_state(edge, around))
}

/// The outermost layer.
async fn around(State(edge): State<Arc<Edge>>, mut request: Request, next: Next) -> Response {
    let began = edge.clock.monotonic();
    let id = edge.ids.of(request.headers());
    let presented = Presented::default();
    let method = request.method().clone();
    let version = request.version();
    let route = request.extensions().get::<MatchedPath>().cloned();

    let refused = match host::refused(version, request.headers()) {
        Some(problem) => Err(problem),
        None => take_query_credential(&edge, &mut request, route.as_ref()),
    };
    let mut response = match refused {
        Err(problem) => problem.into_response(),
        Ok(()) => {
            request.extensions_mut().insert(id.clone());
            request.extensions_mut().insert(presented.clone());
            next.run(request).await
        }
    };

    let problem = write_problem(&mut response, &id);
    let by = presented.by();
    if matches!(by, Some(Means::Session { .. })) {
        headers::keep_from_caches(response.headers_mut());
    }
    finish(&mut response, version, &id);
    presented.tell(response.headers_mut());
    let answered = Answered {
        method: &method,
        route: route.as_ref().map_or(UNMATCHED, MatchedPath::as_str),
        status: response.status(),
        took: edge.clock.monotonic().saturating_sub(began),
        request_id: &id,
        by,
        problem: problem.as_ref(),
    };
    edge.metrics
        .count(answered.method, answered.route, answered.status, answered.took);
    answered.log();
    response
}

/// Takes a credential out of the address, for the guard of an operation that looks at it.
///
/// # Errors
/// 400 together with another credential; 401 where no operation looks at it, as for a token that is not known.
fn take_query_credential(
    edge: &Edge,
    request: &mut Request,
    route: Option<&MatchedPath>,
) -> Result<(), Problem> {
    let Some(credential) = query_credential::take(request.uri_mut())? else {
        return Ok(());
    };
    if presented(request.headers()) != Credential::Absent {
        return Err(Problem::credentials_differ());
    }
    let operation = (
        request.method().as_str(),
        route.map_or(UNMATCHED, MatchedPath::as_str),
    );
    if query_credential::INGEST.contains(&operation) {
        request.extensions_mut().insert(credential);
        return Ok(());
    }
    let peer = request.extensions().get::<Peer>().copied();
    let address = edge.clients.address(peer, request.headers());
    Err(guard::not_accepted(&edge.clients, address, edge.clock.now()))
}

/// Writes the body of a problem, now that the request id is known. Gives the problem back for the log.
pub(crate) fn write_problem(response: &mut Response, id: &RequestId) -> Option<Problem> {
    let problem = response.extensions_mut().remove::<Problem>()?;
    // A struct of strings and numbers: writing it does not fail.
    let body = serde_json::to_vec(&problem.body(id)).unwrap_or_default();
    *response.body_mut() = Body::from(body);
    Some(problem)
}

/// The headers of every answer.
pub(crate) fn finish<B>(response: &mut http::Response<B>, version: Version, id: &RequestId) {
    let status = response.status();
    let headers = response.headers_mut();
    headers::secure(headers);
    headers.insert(X_REQUEST_ID, id.header());
    body::close_after(status, version, headers);
}

/// Answers 503 when the handler takes too long. What the handler began may still be done: the answer says so.
async fn within_time(State(allowed): State<Duration>, request: Request, next: Next) -> Response {
    match timeout(allowed, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "request_timeout",
            "the request took too long; whether it was done is unknown, so look before you repeat it",
        )
        .into_response(),
    }
}

/// Answers 500 for a panic, and tells the log what it said.
#[expect(clippy::needless_pass_by_value, reason = "the signature is tower-http's")]
fn panicked(payload: Box<dyn Any + Send>) -> Response {
    let said = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no text".to_owned());
    Problem::internal(format!("a handler panicked: {said}")).into_response()
}

async fn unknown_route() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "route_not_found",
        "there is nothing at this path; `/openapi.json` lists what there is",
    )
}

/// The router adds `Allow`.
async fn wrong_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "this path has other methods; the header `Allow` lists them",
    )
}

#[cfg(test)]
mod tests;
