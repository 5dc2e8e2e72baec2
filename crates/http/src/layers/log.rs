//! The one log line of a request.
//!
//! It names the route's pattern, the outcome, the duration, the request id and, when it is known, the token's id. It never holds a
//! path, a query, a header, a body, an e-mail address or a client's address.

use std::time::Duration;

use claviger_domain::TokenId;
use http::{Method, StatusCode};
use tracing::{error, info};

use super::metrics::known;
use super::request_id::RequestId;
use crate::problem::Problem;

/// An answered request.
pub(super) struct Answered<'a> {
    pub(super) method: &'a Method,
    pub(super) route: &'a str,
    pub(super) status: StatusCode,
    pub(super) took: Duration,
    pub(super) request_id: &'a RequestId,
    pub(super) token: Option<TokenId>,
    pub(super) problem: Option<&'a Problem>,
}

impl Answered<'_> {
    /// Writes the line; a fault of ours adds what only the log may know, at the level of an error.
    pub(super) fn log(&self) {
        let duration_ms = self.took.as_secs_f64() * 1_000.0;
        // A method that a caller made up is a text of theirs, and not logged.
        let method = known(self.method);
        let status = self.status.as_u16();
        let request_id = self.request_id.as_str();
        let token = self.token.map(tracing::field::display);
        let code = self.problem.map(Problem::code);
        match self.problem.and_then(Problem::context) {
            Some(context) => error!(
                target: "request", method, route = self.route, status, duration_ms, request_id, token.id = token,
                code, context, "{method} {} failed with {status}", self.route
            ),
            None => info!(
                target: "request", method, route = self.route, status, duration_ms, request_id, token.id = token,
                code, "{method} {} answered {status}", self.route
            ),
        }
    }
}
