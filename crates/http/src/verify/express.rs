//! The express lane: plain verify calls answered from the bytes that came, without a general HTTP parser's machinery around them.
//!
//! [`Express::answer`] looks at what a connection has received. A whole `POST /v1/verify HTTP/1.1` with nothing unusual about it is
//! decided and its answer written; anything else is left untouched for hyper, which then has the connection for good. So the lane
//! never reads a request in another way than hyper would: what is optional, repeated, malformed or unknown to it, it does not read.
//! Invariants: the guard, the parser, the decision and the problems are those of the [`door`](super::door); `spec`'s smuggling
//! corpus and its comparison of the lanes go through here. Why: `docs/decisions/0007-express-lane.md`.

use std::cell::Cell;
use std::io::Write as _;
use std::net::IpAddr;

use axum::response::IntoResponse;
use claviger_domain::Timestamp;
use claviger_domain::owner::Means;
use claviger_verify::{Allowance, Presentation, Required};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};

use super::door::{Asker, PATH, decided};
use crate::app::App;
use crate::credentials::in_authorization;
use crate::guard::{RequiredScope as _, address_or_unknown, authorize, scope};
use crate::layers::finish;
use crate::layers::log::Answered;
use crate::layers::request_id::{MADE_ID_BYTES, RequestId, is_well_formed};
use crate::limits;
use crate::peer::Peer;
use crate::problem::Problem;

/// The bytes of a request that the lane holds at most; a longer one is hyper's.
pub const MAX_EXPRESS_BYTES: usize = 4_096;

/// What the received bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A request was answered; it took so many bytes.
    Answered(usize),
    /// It may become a request of the lane when more has come.
    Incomplete,
    /// Not for the lane.
    Other,
}

/// The lane, as the listener sees it. One for all connections.
pub struct Express {
    app: App,
}

/// The only first line that the lane takes.
const FIRST_LINE: &[u8] = b"POST /v1/verify HTTP/1.1\r\n";
/// More fields than any client of an API sends; a request with more is hyper's.
const MAX_FIELDS: usize = 24;

/// A request of the lane, before its body is looked at.
struct Head<'a> {
    authorization: &'a str,
    request_id: Option<&'a [u8]>,
    x_forwarded_for: Option<&'a [u8]>,
    /// Bytes of the first line and the fields.
    bytes: usize,
    /// Bytes of the body.
    body: usize,
}

// === impl Express ===

impl Express {
    /// The lane of this router.
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    /// Answers the first request of `received` into `answer`, if it is one of the lane's. Cost: the decision's and a few copies.
    pub fn answer(&self, received: &[u8], peer: Peer, answer: &mut Vec<u8>) -> Step {
        let head = match Head::parse(received) {
            Ok(Some(head)) => head,
            Ok(None) => return incomplete(received),
            Err(NotOurs) => return Step::Other,
        };
        let whole = head.bytes + head.body;
        let too_large = u64::try_from(head.body).is_ok_and(|body| body > self.app.edge().limits.body_bytes);
        if whole > MAX_EXPRESS_BYTES || too_large {
            return Step::Other;
        }
        let Some(body) = received.get(head.bytes..whole) else {
            return incomplete(received);
        };
        self.decide(&head, body, peer, answer);
        Step::Answered(whole)
    }

    fn decide(&self, head: &Head<'_>, body: &[u8], peer: Peer, answer: &mut Vec<u8>) {
        let edge = self.app.edge();
        let began = edge.clock.monotonic();
        let now = self.app.now();
        let mut made = [0; MADE_ID_BYTES];
        let id = head.request_id.unwrap_or_else(|| {
            made = edge.ids.made();
            &made
        });
        let address = edge.clients.address_of(peer, head.x_forwarded_for);
        let asker = self.asker(head.authorization, address, now);
        let (token, allowance) = asker.as_ref().map_or((None, Allowance::default()), |asker| {
            (Some(asker.token), asker.allowance)
        });
        let outcome = asker.and_then(|asker| decided(&self.app, &asker, address, body));

        let (status, problem) = match &outcome {
            Ok(text) => {
                write_decision(answer, id, now, &allowance, text);
                (StatusCode::OK, None)
            }
            Err(problem) => {
                let status = write_problem(answer, id, now, &allowance, problem);
                (status, Some(problem))
            }
        };
        let took = edge.clock.monotonic().saturating_sub(began);
        self.app.verify_figures().count(status, took);
        if problem.is_some() || tracing::enabled!(target: "request", tracing::Level::DEBUG) {
            Answered {
                method: &Method::POST,
                route: PATH,
                status,
                took,
                request_id: &RequestId::from_checked(id),
                by: token.map(Means::Token),
                problem,
            }
            .log_quietly();
        }
    }

    /// Proves the asker.
    fn asker(&self, authorization: &str, address: Option<IpAddr>, now: Timestamp) -> Result<Asker, Problem> {
        let required = Required::scopes(scope::TokensVerify::SCOPES);
        let at = Presentation::new(now, address_or_unknown(address));
        let credential = in_authorization(authorization);
        let verified = authorize(&self.app, credential, &required, &at)?;
        Ok(Asker {
            token: verified.id,
            org: verified.org,
            allowance: self.app.verifier().allowance(&verified),
        })
    }
}

/// More may come, unless it is too much already.
const fn incomplete(received: &[u8]) -> Step {
    if received.len() < MAX_EXPRESS_BYTES {
        Step::Incomplete
    } else {
        Step::Other
    }
}

/// The request is hyper's.
struct NotOurs;

// === impl Head ===

impl<'a> Head<'a> {
    /// Reads the head of a request of the lane; `None` while it is not complete.
    fn parse(received: &'a [u8]) -> Result<Option<Self>, NotOurs> {
        let Some(rest) = received.strip_prefix(FIRST_LINE) else {
            return if FIRST_LINE.starts_with(received) {
                Ok(None)
            } else {
                Err(NotOurs)
            };
        };
        let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
        let (length, fields) = match httparse::parse_headers(rest, &mut fields) {
            Ok(httparse::Status::Complete(parsed)) => parsed,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NotOurs),
        };
        let (head, _) = rest.split_at_checked(length).ok_or(NotOurs)?;
        if !has_only_crlf(head) {
            return Err(NotOurs);
        }
        Self::of(fields, FIRST_LINE.len() + length).map(Some)
    }

    fn of(fields: &[httparse::Header<'a>], bytes: usize) -> Result<Self, NotOurs> {
        let (mut authorization, mut request_id, mut x_forwarded_for) = (None, None, None);
        let (mut length, mut media_type, mut host) = (None, None, None);
        for field in fields {
            let name = field.name;
            let value = field.value;
            if name.eq_ignore_ascii_case("host") {
                once(&mut host, value)?;
            } else if name.eq_ignore_ascii_case("content-length") {
                once(&mut length, value)?;
            } else if name.eq_ignore_ascii_case("content-type") {
                once(&mut media_type, value)?;
            } else if name.eq_ignore_ascii_case("authorization") {
                once(&mut authorization, value)?;
            } else if name.eq_ignore_ascii_case("x-request-id") {
                once(&mut request_id, value)?;
            } else if name.eq_ignore_ascii_case("x-forwarded-for") {
                once(&mut x_forwarded_for, value)?;
            } else if name.eq_ignore_ascii_case("connection") {
                if !value.eq_ignore_ascii_case(b"keep-alive") {
                    return Err(NotOurs);
                }
            } else if !is_harmless(name) {
                return Err(NotOurs);
            }
        }
        let is_json = media_type.is_some_and(|value| value.eq_ignore_ascii_case(b"application/json"));
        let is_named = request_id.is_none_or(is_well_formed);
        if host.is_none() || !is_json || !is_named {
            return Err(NotOurs);
        }
        // What is not text of visible ASCII is refused by hyper's way, which says so.
        let authorization = authorization.ok_or(NotOurs)?;
        let is_visible = authorization
            .iter()
            .all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let authorization = std::str::from_utf8(authorization).map_err(|_| NotOurs)?;
        if !is_visible {
            return Err(NotOurs);
        }
        Ok(Self {
            authorization,
            request_id,
            x_forwarded_for,
            bytes,
            body: digits(length.ok_or(NotOurs)?).ok_or(NotOurs)?,
        })
    }
}

/// Keeps the value of a field that may come once.
fn once<'a>(kept: &mut Option<&'a [u8]>, value: &'a [u8]) -> Result<(), NotOurs> {
    if kept.replace(value).is_some() {
        return Err(NotOurs);
    }
    Ok(())
}

/// Fields that change nothing about how a request is read, whom it is from, or what is answered.
fn is_harmless(name: &str) -> bool {
    const HARMLESS: [&str; 9] = [
        "accept",
        "user-agent",
        "accept-encoding",
        "accept-language",
        "traceparent",
        "tracestate",
        "baggage",
        "origin",
        "referer",
    ];
    HARMLESS
        .iter()
        .any(|harmless| name.eq_ignore_ascii_case(harmless))
}

/// One to four digits.
fn digits(text: &[u8]) -> Option<usize> {
    if !matches!(text.len(), 1..=4) {
        return None;
    }
    text.iter().try_fold(0, |sum, byte| match byte {
        b'0'..=b'9' => Some(sum * 10 + usize::from(byte - b'0')),
        _ => None,
    })
}

/// True when every line ends in CR LF: a lone LF ends one for some readers and not for others.
fn has_only_crlf(head: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', head).all(|place| place > 0 && head[place - 1] == b'\r')
}

/// A 200 with the fields that [`finish`] gives every answer, and `Date`.
fn write_decision(answer: &mut Vec<u8>, id: &[u8], now: Timestamp, allowance: &Allowance, text: &[u8]) {
    answer.extend_from_slice(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n");
    FIELDS.with(|fields| answer.extend_from_slice(fields));
    for (name, value) in limits::fields(&(*allowance).into()) {
        write_field(answer, &name, &value);
    }
    write_rest(answer, id, now, text);
}

/// A refusal, with whatever fields it bears.
fn write_problem(
    answer: &mut Vec<u8>,
    id: &[u8],
    now: Timestamp,
    allowance: &Allowance,
    problem: &Problem,
) -> StatusCode {
    let id_text = RequestId::from_checked(id);
    let mut response = problem.clone().into_response();
    let status = response.status();
    finish(&mut response, Version::HTTP_11, &id_text);
    limits::tell(response.headers_mut(), &(*allowance).into());
    let reason = status.canonical_reason().unwrap_or("Refused");
    // Writing to memory does not fail, here and below.
    let _ = write!(answer, "HTTP/1.1 {} {reason}\r\n", status.as_str());
    write_fields(answer, response.headers());
    let body = serde_json::to_vec(&problem.body(&id_text)).unwrap_or_default();
    write_rest(answer, id, now, &body);
    status
}

/// All fields but those that [`write_rest`] writes.
fn write_fields(answer: &mut Vec<u8>, fields: &HeaderMap) {
    for (name, value) in fields {
        if name != "x-request-id" && name != "content-length" {
            write_field(answer, name, value);
        }
    }
}

fn write_field(answer: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    answer.extend_from_slice(name.as_str().as_bytes());
    answer.extend_from_slice(b": ");
    answer.extend_from_slice(value.as_bytes());
    answer.extend_from_slice(b"\r\n");
}

/// The fields that differ from answer to answer, and the body.
fn write_rest(answer: &mut Vec<u8>, id: &[u8], now: Timestamp, body: &[u8]) {
    answer.extend_from_slice(b"x-request-id: ");
    answer.extend_from_slice(id);
    let _ = write!(answer, "\r\ncontent-length: {}\r\ndate: ", body.len());
    answer.extend_from_slice(&date(now));
    answer.extend_from_slice(b"\r\n\r\n");
    answer.extend_from_slice(body);
}

thread_local! {
    /// The fields of every answer, written out once.
    static FIELDS: Vec<u8> = {
        let mut response = http::Response::new(());
        let id = RequestId::from_checked(b"-");
        finish(&mut response, Version::HTTP_11, &id);
        let mut fields = Vec::new();
        write_fields(&mut fields, response.headers());
        fields
    };
    /// The last second that was written as a date, and the date.
    static DATE: Cell<(i64, [u8; DATE_BYTES])> = const { Cell::new((i64::MIN, [b' '; DATE_BYTES])) };
}

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
const DATE_BYTES: usize = 29;

fn date(now: Timestamp) -> [u8; DATE_BYTES] {
    let second = now.seconds();
    let (known, text) = DATE.get();
    if known == second {
        return text;
    }
    let since = std::time::Duration::from_secs(u64::try_from(second).unwrap_or(0));
    let written = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since);
    let mut text = [b' '; DATE_BYTES];
    let length = written.len().min(DATE_BYTES);
    text[..length].copy_from_slice(&written.as_bytes()[..length]);
    DATE.set((second, text));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(String, usize, usize)>, ()> {
        match Head::parse(text.as_bytes()) {
            Ok(head) => Ok(head.map(|head| (head.authorization.to_owned(), head.bytes, head.body))),
            Err(NotOurs) => Err(()),
        }
    }

    fn request(fields: &str) -> String {
        format!(
            "POST /v1/verify HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\n{fields}\r\n"
        )
    }

    #[test]
    fn a_plain_request_is_taken() {
        let text = request("Accept: */*\r\nX-Request-Id: abc\r\nConnection: keep-alive\r\n");

        assert_eq!(head(&text), Ok(Some(("Bearer x".to_owned(), text.len(), 2))));
    }

    #[test]
    fn every_beginning_of_a_plain_request_waits_for_more() {
        let text = request("");

        for length in 0..text.len() {
            assert_eq!(head(&text[..length]), Ok(None), "{length}");
        }
    }

    #[test]
    fn whatever_is_unusual_is_left_alone() {
        for fields in [
            "Host: b\r\n",
            "Content-Length: 2\r\n",
            "Authorization: Bearer x\r\n",
            "X-Api-Key: x\r\n",
            "Transfer-Encoding: chunked\r\n",
            "Expect: 100-continue\r\n",
            "Connection: close\r\n",
            "Upgrade: h2c\r\n",
            "Content-Encoding: gzip\r\n",
            "X-Unknown: 1\r\n",
            "Cookie: a=b\r\n",
            "X-Request-Id: two words\r\n",
            "Accept: a\n",
        ] {
            assert_eq!(head(&request(fields)), Err(()), "{fields:?}");
        }
        let plain = request("");
        for (from, to) in [
            ("POST", "GET"),
            ("POST", "post"),
            ("/v1/verify", "/v1/verify?a=b"),
            ("HTTP/1.1", "HTTP/1.0"),
            ("application/json", "text/plain"),
            ("Length: 2", "Length: +2"),
            ("Length: 2", "Length: 2, 2"),
            ("Length: 2", "Length: 12345"),
            ("Length: 2", "Length: "),
            ("Host: a\r\n", ""),
            ("Bearer x", "Bearer \tx"),
        ] {
            assert_eq!(head(&plain.replace(from, to)), Err(()), "{from} → {to}");
        }
    }

    #[test]
    fn a_date_is_written_as_the_standard_says() {
        let text = |second| String::from_utf8(date(Timestamp::from_seconds(second)).to_vec()).unwrap();

        assert_eq!(text(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(text(784_111_778), "Sun, 06 Nov 1994 08:49:38 GMT");
    }
}
