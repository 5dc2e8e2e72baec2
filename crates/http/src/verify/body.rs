//! The body of an answer: a decision in one piece, or whatever the router made.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use hyper::body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of an answer.
    pub struct DoorBody {
        #[pin]
        kind: Kind,
    }
}

pin_project! {
    #[project = KindProjection]
    enum Kind {
        Whole { text: Bytes },
        Routed { #[pin] body: axum::body::Body },
    }
}

impl DoorBody {
    /// A decision.
    pub(super) fn whole(text: Bytes) -> Self {
        Self {
            kind: Kind::Whole { text },
        }
    }

    /// The router's.
    pub(super) fn routed(body: axum::body::Body) -> Self {
        Self {
            kind: Kind::Routed { body },
        }
    }
}

impl Body for DoorBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match self.project().kind.project() {
            KindProjection::Whole { text } if text.has_remaining() => {
                Poll::Ready(Some(Ok(Frame::data(std::mem::take(text)))))
            }
            KindProjection::Whole { .. } => Poll::Ready(None),
            KindProjection::Routed { body } => body.poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Whole { text } => text.is_empty(),
            Kind::Routed { body } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Whole { text } => SizeHint::with_exact(u64::try_from(text.len()).unwrap_or(u64::MAX)),
            Kind::Routed { body } => body.size_hint(),
        }
    }
}
