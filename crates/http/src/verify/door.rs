//! The door that every request comes through, and its short way for `POST /v1/verify`.
//!
//! [`Door`] is the hyper service that the listener calls. A verify request is answered here, without the router: name it, authorize the
//! asker, read the body, decide, write. Everything else goes to the router. Invariant: the short way uses the guard, the limits, the parser
//! and the problems of the long one, and answers the same (`tests/verify_doors.rs` compares them).

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::future::RouteFuture;
use bytes::{Bytes, BytesMut};
use claviger_domain::owner::Means;
use claviger_domain::{OrgId, TokenId};
use claviger_service::NamedPlace;
use claviger_verify::{Allowance, Presentation, Required};
use http::header::{CONTENT_TYPE, COOKIE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, Version};
use hyper::body::{Body, Frame};
use pin_project_lite::pin_project;
use serde::Deserialize;
use tower::Service as _;

use super::body::DoorBody;
use super::{Question, Resource, decide};
use crate::app::App;
use crate::credentials::presented;
use crate::guard::{RequiredScope, address_or_unknown, authorize, scope};
use crate::json::{self, shape::JsonLimits};
use crate::layers::body::{BodyFault, LimitedBody, announced};
use crate::layers::log::Answered;
use crate::layers::request_id::RequestId;
use crate::layers::{finish, host, write_problem};
use crate::limits;
use crate::peer::Peer;
use crate::problem::Problem;

/// The path that has a short way.
pub(crate) const PATH: &str = "/v1/verify";

/// The service that the listener calls. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    app: App,
    router: Router,
}

impl Door {
    pub(crate) fn new(app: App) -> Self {
        let router = crate::router::router(&app);
        Self { app, router }
    }
}

impl<B> hyper::service::Service<Request<B>> for Door
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<DoorBody>;
    type Error = Infallible;
    type Future = Answer<B>;

    fn call(&self, request: Request<B>) -> Answer<B> {
        let is_short = request.uri().path() == PATH
            && request.method() == Method::POST
            && request.uri().query().is_none()
            // A signed-in person may ask too, and is looked up in the store.
            && !request.headers().contains_key(COOKIE);
        let way = if is_short {
            Way::Short {
                verify: Verify::begin(&self.app, request),
            }
        } else {
            let route = self.router.clone().call(request.map(axum::body::Body::new));
            Way::Long { route }
        };
        Answer { way }
    }
}

pin_project! {
    /// The answer in the making.
    pub struct Answer<B> {
        #[pin]
        way: Way<B>,
    }
}

pin_project! {
    #[project = WayProjection]
    enum Way<B> {
        Short { #[pin] verify: Verify<B> },
        Long { #[pin] route: RouteFuture<Infallible> },
    }
}

impl<B> Future for Answer<B>
where
    B: Body<Data = Bytes>,
{
    type Output = Result<Response<DoorBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().way.project() {
            WayProjection::Short { verify } => verify.poll(cx).map(Ok),
            WayProjection::Long { route } => {
                let response = match ready!(route.poll(cx)) {
                    Ok(response) => response,
                    Err(never) => match never {},
                };
                Poll::Ready(Ok(response.map(DoorBody::routed)))
            }
        }
    }
}

pin_project! {
    /// A verify request on its short way.
    struct Verify<B> {
        #[pin]
        body: LimitedBody<B>,
        received: Received,
        app: App,
        asker: Result<Asker, Option<Problem>>,
        id: RequestId,
        version: Version,
        address: Option<IpAddr>,
        began: Duration,
    }
}

/// Who asks, once proven.
pub(super) struct Asker {
    pub(super) token: TokenId,
    pub(super) org: OrgId,
    /// What is left of its own limits.
    pub(super) allowance: Allowance,
}

/// A body as it comes: nearly always in one piece, which is then not copied.
#[derive(Default)]
struct Received {
    first: Bytes,
    rest: BytesMut,
}

impl<B: Body<Data = Bytes>> Verify<B> {
    fn begin(app: &App, request: Request<B>) -> Self {
        let edge = app.edge();
        let began = edge.clock.monotonic();
        let (parts, body) = request.into_parts();
        let peer = parts.extensions.get::<Peer>().copied();
        let address = edge.clients.address(peer, &parts.headers);
        Self {
            asker: asker(app, &parts, address).map_err(Some),
            body: LimitedBody::new(body, &edge.limits),
            received: Received::default(),
            app: app.clone(),
            id: edge.ids.of(&parts.headers),
            version: parts.version,
            address,
            began,
        }
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Response<DoorBody>> {
        let mut this = self.project();
        let outcome = match this.asker {
            Err(refusal) => Err(refusal.take().unwrap_or_else(Problem::token_invalid)),
            Ok(asker) => match ready!(this.received.poll_all(this.body.as_mut(), cx)) {
                Ok(()) => decided(this.app, asker, *this.address, &this.received.whole()),
                Err(fault) => Err(fault.into()),
            },
        };
        let token = this.asker.as_ref().ok().map(|asker| asker.token);
        let (mut response, problem) = match outcome {
            Ok(text) => (answer(text.into()), None),
            Err(problem) => {
                let mut response = problem.into_response();
                let problem = write_problem(&mut response, this.id);
                (response.map(DoorBody::routed), problem)
            }
        };
        finish(&mut response, *this.version, this.id);
        if let Ok(asker) = this.asker {
            limits::tell(response.headers_mut(), &asker.allowance.into());
        }
        let took = this.app.edge().clock.monotonic().saturating_sub(*this.began);
        this.app.verify_figures().count(response.status(), took);
        Answered {
            method: &Method::POST,
            route: PATH,
            status: response.status(),
            took,
            request_id: this.id,
            by: token.map(Means::Token),
            problem: problem.as_ref(),
        }
        .log_quietly();
        Poll::Ready(response)
    }
}

/// Proves the asker, before a byte of the body is read.
fn asker(app: &App, parts: &Parts, address: Option<IpAddr>) -> Result<Asker, Problem> {
    if let Some(problem) = host::refused(parts.version, &parts.headers) {
        return Err(problem);
    }
    announced(&parts.headers, &app.edge().limits)?;
    let required = Required::scopes(scope::TokensVerify::SCOPES);
    let at = Presentation::new(app.now(), address_or_unknown(address));
    let verified = authorize(app, presented(&parts.headers), &required, &at)?;
    json::require_json(&parts.headers)?;
    Ok(Asker {
        token: verified.id,
        org: verified.org,
        allowance: app.verifier().allowance(&verified),
    })
}

/// The body of a verify request, borrowed from its bytes where it can be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Borrowed<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
    #[serde(default, borrow)]
    scopes: Vec<Cow<'a, str>>,
    #[serde(default, borrow)]
    action: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    resource: Option<BorrowedResource<'a>>,
    #[serde(default, borrow)]
    address: Option<Cow<'a, str>>,
    #[serde(default)]
    cost: Option<u32>,
}

/// A resource, borrowed likewise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BorrowedResource<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(default, borrow)]
    team: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    service: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    environment: Option<Cow<'a, str>>,
    #[serde(default, borrow)]
    name: Option<Cow<'a, str>>,
}

impl BorrowedResource<'_> {
    fn named(&self) -> Resource<'_> {
        Resource {
            kind: &self.kind,
            place: NamedPlace {
                team: self.team.as_deref(),
                service: self.service.as_deref(),
                environment: self.environment.as_deref(),
            },
            name: self.name.as_deref(),
        }
    }
}

/// Decides, and writes the decision. A panic is a fault of ours, and of this request alone.
pub(super) fn decided(
    app: &App,
    asker: &Asker,
    asking: Option<IpAddr>,
    body: &[u8],
) -> Result<Vec<u8>, Problem> {
    catch_unwind(AssertUnwindSafe(|| written(app, asker, asking, body)))
        .unwrap_or_else(|_| Err(Problem::internal("the verify door panicked".to_owned())))
}

fn written(app: &App, asker: &Asker, asking: Option<IpAddr>, body: &[u8]) -> Result<Vec<u8>, Problem> {
    let limits = &app.edge().limits.json;
    // The type bounds depth and nodes, and refuses unknown and repeated keys; only the array's length is left to check.
    let borrowed = match serde_json::from_slice::<Borrowed<'_>>(body) {
        Ok(borrowed)
            if borrowed.scopes.len() <= limits.strings_per_array as usize && !json::is_array(body) =>
        {
            borrowed
        }
        _ => return Err(refusal(body, limits)),
    };
    let scopes = borrowed.scopes.iter().map(AsRef::as_ref);
    let question = Question::parse(
        &borrowed.token,
        scopes,
        borrowed.address.as_deref(),
        borrowed.cost,
    )?;
    let resource = borrowed.resource.as_ref().map(BorrowedResource::named);
    let directory = app.service().directory();
    let question = question.about(directory, asker.org, borrowed.action.as_deref(), resource)?;
    let shown = decide(app.verifier(), asker.org, &question, asking, app.now());
    let mut text = Vec::with_capacity(512);
    serde_json::to_writer(&mut text, &shown).map_err(|error| Problem::internal(error.to_string()))?;
    Ok(text)
}

/// What is wrong with a body, in the words of the long way's parser.
fn refusal(body: &[u8], limits: &JsonLimits) -> Problem {
    match json::parse::<claviger_api::verify::Verify>(body, limits) {
        Err(problem) => problem,
        Ok(_) => Problem::internal("the two parsers of a verify body disagree".to_owned()),
    }
}

fn answer(text: Bytes) -> Response<DoorBody> {
    let mut response = Response::new(DoorBody::whole(text));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl Received {
    fn poll_all<B: Body<Data = Bytes>>(
        &mut self,
        mut body: Pin<&mut LimitedBody<B>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), BodyFault>> {
        while !body.is_end_stream() {
            match ready!(body.as_mut().poll_frame(cx)) {
                None => break,
                Some(Err(fault)) => return Poll::Ready(Err(fault)),
                Some(Ok(frame)) => self.take(frame),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Trailers say nothing here.
    fn take(&mut self, frame: Frame<Bytes>) {
        if let Ok(bytes) = frame.into_data() {
            if self.first.is_empty() {
                self.first = bytes;
            } else {
                self.rest.extend_from_slice(&bytes);
            }
        }
    }

    fn whole(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.rest.is_empty() {
            return first;
        }
        let mut whole = BytesMut::with_capacity(first.len() + self.rest.len());
        whole.extend_from_slice(&first);
        whole.extend_from_slice(&self.rest);
        whole.freeze()
    }
}
