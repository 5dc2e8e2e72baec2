//! The operations on the audit trail, `/v1/audit`.

use claviger_api::{
    audit::{AuditEvent, AuditVerdict, ListAudit},
    page::Page,
};
use reqwest::{Method, Response};

use crate::{Client, Error, call::Head};

/// The longest line of an export: an event's detail is bounded by the longest request body.
const MAX_LINE_BYTES: usize = 2 << 20;

/// The trail as it streams in: one event per line, the oldest first. Made by [`Client::export_audit`].
pub struct AuditExport {
    head: Head,
    response: Response,
    /// Bytes that came and are not given yet, from `begin`.
    buffer: Vec<u8>,
    begin: usize,
}

impl Client {
    /// `GET /v1/audit/events`: one page, the newest first. [`Client::pages`] walks all.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn list_audit(&self, list: &ListAudit) -> Result<Page<AuditEvent>, Error> {
        self.page(list).await
    }

    /// `GET /v1/audit/export`: the trail from `since` (inclusive) to `until` (exclusive), RFC 3339. It may take longer than the
    /// time-out, as long as it is never silent for that long.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn export_audit(&self, since: Option<&str>, until: Option<&str>) -> Result<AuditExport, Error> {
        let call = self.call(Method::GET, &["v1", "audit", "export"]);
        let response = call.query(&[("since", since), ("until", until)]).send().await?;
        Ok(AuditExport {
            head: Head::of(&response),
            response,
            buffer: Vec::new(),
            begin: 0,
        })
    }

    /// `POST /v1/audit/verify`: reads the whole trail on the server and says whether every link holds.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn verify_audit(&self) -> Result<AuditVerdict, Error> {
        self.call(Method::POST, &["v1", "audit", "verify"]).answer().await
    }
}

// === impl AuditExport ===

impl AuditExport {
    /// The next event; `None` at the end.
    ///
    /// # Errors
    /// As [`AuditExport::next_line`], and [`Error::Unexpected`] for a line that is no event.
    pub async fn next(&mut self) -> Result<Option<AuditEvent>, Error> {
        let Some(line) = self.next_line().await? else {
            return Ok(None);
        };
        serde_json::from_str(&line)
            .map(Some)
            .map_err(|_| self.head.unexpected("a line is no audit event"))
    }

    /// The next line as the server wrote it, without its line break; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Transport`] when the stream breaks; [`Error::Unexpected`] when it ends within a line, or a line is longer than
    /// 2 MiB or no UTF-8. What came before is then not the whole trail.
    pub async fn next_line(&mut self) -> Result<Option<String>, Error> {
        let mut searched = self.begin;
        loop {
            let found = self.buffer[searched..].iter().position(|&byte| byte == b'\n');
            if let Some(step) = found {
                let line = self.buffer[self.begin..searched + step].to_vec();
                self.begin = searched + step + 1;
                return String::from_utf8(line)
                    .map(Some)
                    .map_err(|_| self.head.unexpected("a line is no UTF-8"));
            }
            self.buffer.drain(..self.begin);
            self.begin = 0;
            searched = self.buffer.len();
            if searched > MAX_LINE_BYTES {
                return Err(self.head.unexpected("a line is longer than 2 MiB"));
            }
            match self.response.chunk().await.map_err(Error::transport)? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(self.head.unexpected("the export ends within a line")),
            }
        }
    }
}

impl std::fmt::Debug for AuditExport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuditExport(…)")
    }
}
