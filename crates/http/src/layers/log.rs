//! The one log line of a request.
//!
//! It names the route's pattern, the outcome, the duration, the request id and, when it is known, the token's or the session's id. It never holds a
//! path, a query, a header, a body, an e-mail address or a client's address.

use std::time::Duration;

use claviger_domain::owner::Means;
use claviger_domain::{SessionId, TokenId};
use http::{Method, StatusCode};

use super::metrics::known;
use super::request_id::RequestId;
use crate::problem::Problem;

/// An answered request.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a Method,
    pub(crate) route: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) took: Duration,
    pub(crate) request_id: &'a RequestId,
    pub(crate) by: Option<Means>,
    pub(crate) problem: Option<&'a Problem>,
}

/// Writes the line at a level.
macro_rules! line {
    ($level:ident, $answered:expr, $($more:tt)*) => {{
        let answered = $answered;
        // A method that a caller made up is a text of theirs, and not logged.
        let method = known(answered.method);
        let status = answered.status.as_u16();
        let duration_ms = answered.took.as_secs_f64() * 1_000.0;
        let token = answered.token().map(tracing::field::display);
        let session = answered.session().map(tracing::field::display);
        tracing::$level!(
            target: "request",
            method,
            route = answered.route,
            status,
            duration_ms,
            request_id = answered.request_id.as_str(),
            token.id = token,
            session.id = session,
            code = answered.problem.map(Problem::code),
            $($more)*
            "{method} {} answered {status}",
            answered.route
        );
    }};
}

impl Answered<'_> {
    fn token(&self) -> Option<TokenId> {
        match self.by? {
            Means::Token(id) => Some(id),
            Means::Session { .. } => None,
        }
    }

    fn session(&self) -> Option<SessionId> {
        match self.by? {
            Means::Token(_) => None,
            Means::Session { id, .. } => Some(id),
        }
    }

    /// Writes the line; a fault of ours adds what only the log may know, at the level of an error.
    pub(crate) fn log(&self) {
        match self.problem.and_then(Problem::context) {
            Some(context) => line!(error, self, context,),
            None => line!(info, self,),
        }
    }

    /// The same where decisions are counted instead of written down (security.md §3e): a line only for who asks for details.
    pub(crate) fn log_quietly(&self) {
        if self.problem.is_some_and(|problem| problem.context().is_some()) {
            self.log();
        } else if tracing::enabled!(target: "request", tracing::Level::DEBUG) {
            line!(debug, self,);
        }
    }
}
