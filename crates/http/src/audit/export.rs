//! `GET /v1/audit/export`
//!
//! The trail is read in steps while the client takes it: memory holds two steps, however long the trail is. A failure in the middle
//! breaks the connection off, so that a part is never taken for the whole.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use claviger_domain::Timestamp;
use claviger_service::Error;
use claviger_service::audit::{EXPORT_STEP, Entry};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use hyper::body::Frame;
use tokio::sync::mpsc;

use super::wire::{self, ExportAudit};
use crate::app::App;
use crate::fields::{Fields, instant, optional};
use crate::guard::{Permit, scope};
use crate::openapi::Guarded;
use crate::problem::Problem;
use crate::query::Query;

/// Export the audit trail
///
/// All events, one JSON object per line, the oldest first, as they are read. A complete export ends with a complete line and an orderly
/// end of the answer. Costs 50 of the calling token's limits.
#[utoipa::path(
    get,
    path = "/v1/audit/export",
    tag = "audit",
    security(("token" = ["audit:read"])),
    params(ExportAudit),
    responses(
        (status = 200, description = "One `AuditEvent` per line.", body = claviger_api::audit::AuditEvent, content_type = "application/x-ndjson"),
        Guarded,
    ),
)]
pub(crate) async fn export_audit(
    permit: Permit<scope::AuditRead>,
    State(app): State<App>,
    Query(query): Query<ExportAudit>,
) -> Result<Response, Problem> {
    let mut fields = Fields::default();
    let since = fields.take(optional("since", query.since.as_deref(), instant));
    let until = fields.take(optional("until", query.until.as_deref(), instant));
    let (Some(since), Some(until)) = (since, until) else {
        return Err(fields.refused());
    };
    let export = Export {
        app,
        permit,
        since,
        until,
    };
    // The first step is read before the answer begins: what fails at once is a problem, not a broken stream.
    let first = export.step(0).await?;
    let (sender, lines) = mpsc::channel(1);
    tokio::spawn(export.send(first, sender));
    let media_type = HeaderValue::from_static("application/x-ndjson");
    Ok(([(CONTENT_TYPE, media_type)], Body::new(Lines(lines))).into_response())
}

struct Export {
    app: App,
    permit: Permit<scope::AuditRead>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Export {
    async fn step(&self, after: u64) -> Result<Vec<Entry>, Error> {
        self.app
            .service()
            .export_audit(&self.permit.context, self.since, self.until, after)
            .await
    }

    /// Sends step after step; ends when the trail does, or the client.
    async fn send(self, first: Vec<Entry>, sender: mpsc::Sender<Result<Bytes, Error>>) {
        let mut step = Ok(first);
        while let Ok(entries) = step {
            let last = entries.last().map(|entry| entry.event.seq);
            let is_full = u32::try_from(entries.len()).is_ok_and(|events| events >= EXPORT_STEP);
            if !entries.is_empty() && sender.send(Ok(lines(&entries))).await.is_err() {
                return;
            }
            let (Some(last), true) = (last, is_full) else {
                return;
            };
            step = self.step(last).await;
        }
        if let Err(error) = step {
            tracing::error!(%error, "an export of the audit trail broke off");
            // The client may be gone already.
            let _ = sender.send(Err(error)).await;
        }
    }
}

fn lines(entries: &[Entry]) -> Bytes {
    let mut text = Vec::with_capacity(512 * entries.len());
    for entry in entries {
        text.extend(crate::idempotency::render(&wire::event(entry)));
        text.push(b'\n');
    }
    text.into()
}

/// A body of steps.
struct Lines(mpsc::Receiver<Result<Bytes, Error>>);

impl hyper::body::Body for Lines {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        self.0
            .poll_recv(cx)
            .map(|step| step.map(|lines| lines.map(Frame::data)))
    }
}
