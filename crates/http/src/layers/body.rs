//! Request bodies: how many bytes, how fast.
//!
//! A body that announces too much is refused unread; one that turns out too long is read no further than the limit. A body has a
//! time of grace, and every second after it must be bought with bytes at the rate; else it ends with 408. The fault travels as the body's error; [`collect`] turns it into
//! its problem.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::{Buf, Bytes};
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};

use crate::json::shape::JsonLimits;
use crate::problem::Problem;

/// What one request may take (security.md §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimits {
    /// Bytes of a body. Above it 413. Default 1 MiB.
    pub body_bytes: u64,
    /// The slowest average rate of a body, in bytes per second. Below it 408. Default 1,024.
    pub body_bytes_per_second: u32,
    /// The time that a body may lag behind the rate. Default 10 s.
    pub body_grace: Duration,
    /// The time from the header to the answer's header. Above it 503. Default 30 s.
    pub time: Duration,
    /// The shape of a JSON body.
    pub json: JsonLimits,
}

impl Default for RequestLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            body_bytes_per_second: 1024,
            body_grace: Duration::from_secs(10),
            time: Duration::from_secs(30),
            json: JsonLimits::default(),
        }
    }
}

/// Why a body was not read to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyFault {
    TooLarge,
    TooSlow,
    /// The client went away, or broke the framing.
    Broken,
}

impl fmt::Display for BodyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "the body is too large",
            Self::TooSlow => "the body comes too slowly",
            Self::Broken => "the body ended early",
        })
    }
}

impl std::error::Error for BodyFault {}

impl From<BodyFault> for Problem {
    fn from(fault: BodyFault) -> Self {
        let (status, code, detail) = match fault {
            BodyFault::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body is larger than this server takes",
            ),
            BodyFault::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "body_too_slow",
                "the body came too slowly",
            ),
            BodyFault::Broken => (
                StatusCode::BAD_REQUEST,
                "body_incomplete",
                "the body ended before its announced end",
            ),
        };
        Self::new(status, code, detail)
    }
}

/// Refuses what announces too much, and bounds the rest.
pub(super) async fn limit(State(limits): State<RequestLimits>, request: Request, next: Next) -> Response {
    if let Err(fault) = announced(request.headers(), &limits) {
        return Problem::from(fault).into_response();
    }
    let mut request = request.map(|body| axum::body::Body::new(LimitedBody::new(body, &limits)));
    request.extensions_mut().insert(limits);
    next.run(request).await
}

/// Checks `Content-Length` before a byte of the body is read.
pub(crate) fn announced(headers: &HeaderMap, limits: &RequestLimits) -> Result<(), BodyFault> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<u64>().ok());
    if length.is_some_and(|length| length > limits.body_bytes) {
        return Err(BodyFault::TooLarge);
    }
    Ok(())
}

/// Reads a [`LimitedBody`] to its end.
///
/// # Errors
/// 413, 408, or 400 when it broke off.
pub(crate) async fn collect<B>(body: B) -> Result<Bytes, Problem>
where
    B: Body,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match body.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) => Err(fault_within(error.into().as_ref()).into()),
    }
}

/// Finds the fault below the wrappers of the body types.
fn fault_within(error: &(dyn std::error::Error + 'static)) -> BodyFault {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(fault) = error.downcast_ref::<BodyFault>() {
            return *fault;
        }
        cause = error.source();
    }
    BodyFault::Broken
}

/// After an answer that left the body unread the connection is of no more use (RFC 9112 §9.6).
pub(crate) fn close_after(status: StatusCode, version: http::Version, headers: &mut HeaderMap) {
    let unread = matches!(
        status,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT
    );
    if unread && version <= http::Version::HTTP_11 {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

pin_project! {
    /// A body that errs when it exceeds the limit or falls below the rate.
    pub(crate) struct LimitedBody<B> {
        #[pin]
        body: B,
        limit: u64,
        received: u64,
        rate: u64,
        grace: Duration,
        // Exists only once the client is waited for.
        pace: Option<Pace>,
    }
}

impl<B> LimitedBody<B> {
    pub(crate) fn new(body: B, limits: &RequestLimits) -> Self {
        Self {
            body,
            limit: limits.body_bytes,
            received: 0,
            rate: u64::from(limits.body_bytes_per_second.max(1)),
            grace: limits.body_grace,
            pace: None,
        }
    }
}

impl<B: Body> Body for LimitedBody<B> {
    type Data = B::Data;
    type Error = BodyFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BodyFault>>> {
        let this = self.project();
        match this.body.poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Buf::remaining);
                *this.received = this
                    .received
                    .saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
                if *this.received > *this.limit {
                    return Poll::Ready(Some(Err(BodyFault::TooLarge)));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_))) => Poll::Ready(Some(Err(BodyFault::Broken))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let pace = this.pace.get_or_insert_with(|| Pace::start(*this.grace));
                let allowed = Duration::from_secs(*this.received / *this.rate);
                pace.poll_too_slow(*this.grace + allowed, cx)
                    .map(|()| Some(Err(BodyFault::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The clock of a body that is waited for.
struct Pace {
    start: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Pace {
    fn start(grace: Duration) -> Self {
        let timer = Box::pin(sleep(grace));
        Self {
            start: timer.deadline() - grace,
            timer,
        }
    }

    /// Ready once more than `allowed` has passed since the start; `allowed` grows with the bytes that came.
    fn poll_too_slow(&mut self, allowed: Duration, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.start + allowed;
        while self.timer.as_mut().poll(cx).is_ready() {
            if due <= self.timer.deadline() {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `chunk` after every `pause`, `times` times.
    struct Drip {
        chunk: &'static [u8],
        pause: Duration,
        times: u32,
        timer: Pin<Box<Sleep>>,
    }

    fn drip(chunk: &'static [u8], pause: Duration, times: u32) -> Drip {
        Drip {
            chunk,
            pause,
            times,
            timer: Box::pin(sleep(pause)),
        }
    }

    impl Body for Drip {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
            if self.times == 0 {
                return Poll::Ready(None);
            }
            if self.timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.times -= 1;
            let next = self.timer.deadline() + self.pause;
            self.timer.as_mut().reset(next);
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(self.chunk)))))
        }
    }

    async fn read(body: Drip, limits: RequestLimits) -> Result<usize, StatusCode> {
        let read = collect(LimitedBody::new(body, &limits)).await;
        read.map(|bytes| bytes.len()).map_err(|problem| problem.status())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_taken_up_to_the_limit_and_not_a_byte_further() {
        let limits = RequestLimits {
            body_bytes: 100,
            ..RequestLimits::default()
        };

        let at_the_limit = read(drip(&[7; 50], Duration::ZERO, 2), limits).await;
        let above = read(drip(&[7; 101], Duration::ZERO, 1), limits).await;

        assert_eq!(at_the_limit, Ok(100));
        assert_eq!(above, Err(StatusCode::PAYLOAD_TOO_LARGE));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_keeps_the_rate_may_take_its_time() {
        let slow_but_fine = drip(&[7; 1024], Duration::from_millis(990), 60);

        assert_eq!(read(slow_but_fine, RequestLimits::default()).await, Ok(60 * 1024));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_below_the_rate_uses_its_grace_up_and_is_refused() {
        let start = Instant::now();

        let too_slow = read(
            drip(&[7; 512], Duration::from_secs(1), 1_000),
            RequestLimits::default(),
        )
        .await;

        assert_eq!(too_slow, Err(StatusCode::REQUEST_TIMEOUT));
        // Half the rate: ten seconds of grace and ten bought ones.
        assert!((18..=20).contains(&start.elapsed().as_secs()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_body_is_refused_after_the_grace() {
        let silent = drip(b"", Duration::from_secs(3_600), 1);
        let start = Instant::now();

        assert_eq!(
            read(silent, RequestLimits::default()).await,
            Err(StatusCode::REQUEST_TIMEOUT)
        );
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[test]
    fn a_length_above_the_limit_is_refused_unread() {
        let limits = RequestLimits::default();
        let mut headers = HeaderMap::new();

        headers.insert(CONTENT_LENGTH, HeaderValue::from(limits.body_bytes));
        assert_eq!(announced(&headers, &limits), Ok(()));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(limits.body_bytes + 1));
        assert_eq!(announced(&headers, &limits), Err(BodyFault::TooLarge));
    }
}
