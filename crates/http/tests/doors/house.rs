//! A small house: the door over everything that it needs, with a clock that stands still and a seeded random source.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use claviger_domain::Timestamp;
use claviger_domain::reminder::Message;
use claviger_domain::token::PresentedIn;
use claviger_http::{App, ClientRules, Door, Express, Peer, RequestLimits, Step};
use claviger_service::keys::{Key, KeyRing, KeyStore, KeyStoreError, PepperKeys};
use claviger_service::outbound::{AddressRefused, Mail, Outbound, Post, SendError, Sending};
use claviger_service::{Clock, Feed, Metrics, Origin, Parts, Service};
use claviger_store::{Location, Options, Store};
use claviger_token::{Prefix, RandomSource, RandomUnavailable};
use claviger_verify::{Peppers, Verifier};
use http::{HeaderMap, HeaderName, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::Service as _;
use prometheus_client::registry::Registry;
use serde_json::Value;
use tempfile::TempDir;

const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// A clock that stands still until it is told.
#[derive(Default)]
pub(crate) struct TestClock(AtomicU64);

impl TestClock {
    pub(crate) fn advance_a_second(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        NOW + self.monotonic()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Default)]
struct Counting(AtomicU64);

impl RandomSource for Counting {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for byte in bytes {
            let step = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            *byte = (step >> 56) as u8;
        }
        Ok(())
    }
}

struct NoKeyStore;

impl KeyStore for NoKeyStore {
    fn save_peppers(&self, _: &PepperKeys) -> Result<(), KeyStoreError> {
        Ok(())
    }

    fn save_anchor(&self, _: &str) -> Result<(), KeyStoreError> {
        Ok(())
    }

    fn load_anchor(&self) -> Result<Option<String>, KeyStoreError> {
        Ok(None)
    }
}

/// The door, and the first administrator's token.
pub(crate) struct House {
    express: Express,
    pub(crate) door: Door,
    pub(crate) admin: String,
    pub(crate) clock: Arc<TestClock>,
    _directory: TempDir,
}

/// An answer, taken apart.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl House {
    pub(crate) async fn open() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite {
            directory: directory.path().join("data"),
        };
        let store = Store::open(location, Options::new(NOW)).await.unwrap();
        let pepper = Key::new([7; 32]);
        let peppers = Peppers {
            current: pepper.pepper(),
            previous: None,
        };
        let prefix = Prefix::default();
        let mut registry = Registry::default();
        let clock = Arc::new(TestClock::default());
        let verifier = Arc::new(Verifier::new(prefix, peppers));
        let service = Service::open(Parts {
            store,
            feed: Arc::new(Feed::new(Arc::clone(&verifier))),
            verifier,
            clock: Arc::<TestClock>::clone(&clock),
            random: Arc::new(Counting::default()),
            keys: KeyRing::new(
                PepperKeys {
                    current: pepper,
                    previous: None,
                },
                Key::new([8; 32]),
            ),
            key_store: Arc::new(NoKeyStore),
            prefix,
            metrics: Metrics::register(&mut registry),
            outbound: Arc::new(Nowhere),
            journal: None,
        })
        .await
        .unwrap();
        let origin = Origin {
            request_id: "test".into(),
            address: None,
            presented_in: PresentedIn::Header,
            now: NOW,
        };
        let issued = service
            .initialize(&origin, "ada@example.org", None, None)
            .await
            .unwrap();
        let app = App::new(
            service,
            registry,
            RequestLimits::default(),
            ClientRules::default(),
        )
        .unwrap();
        Self {
            express: Express::new(app.clone()),
            door: claviger_http::service(app),
            admin: issued.secret.expose().to_owned(),
            clock,
            _directory: directory,
        }
    }

    /// Sends a request from 192.0.2.7.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Seen {
        request
            .extensions_mut()
            .insert(Peer::Tcp(([192, 0, 2, 7], 7).into()));
        let response = self.door.call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Seen {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Sends the same as bytes over the express lane; `None` when that leaves it to hyper.
    pub(crate) async fn send_express(&self, request: Request<Full<Bytes>>) -> Option<Seen> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let mut bytes = format!("{} {} HTTP/1.1\r\n", parts.method, parts.uri).into_bytes();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(format!("{name}: ").as_bytes());
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
        bytes.extend_from_slice(&body);

        let mut answer = Vec::new();
        let peer = Peer::Tcp(([192, 0, 2, 7], 7).into());
        match self.express.answer(&bytes, peer, &mut answer) {
            Step::Answered(length) => assert_eq!(length, bytes.len()),
            Step::Incomplete => panic!("the request is whole"),
            Step::Other => return None,
        }
        Some(Seen::parse(&String::from_utf8(answer).unwrap()))
    }

    /// Calls an operation as the administrator.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Seen {
        self.call_as(&self.admin, method, path, body).await
    }

    /// Calls an operation with a token.
    pub(crate) async fn call_as(&self, token: &str, method: &str, path: &str, body: Value) -> Seen {
        let request = request(method, path).header("authorization", format!("Bearer {token}"));
        let request = if body.is_null() {
            request.body(Full::default())
        } else {
            request
                .header("content-type", "application/json")
                .body(Full::from(body.to_string()))
        };
        self.send(request.unwrap()).await
    }
}

pub(crate) fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "claviger.test")
}

impl Seen {
    /// Reads an answer as it is on the wire.
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let (first, fields) = head.split_once("\r\n").unwrap();
        let mut headers = HeaderMap::new();
        for field in fields.split("\r\n") {
            let (name, value) = field.split_once(": ").unwrap();
            headers.append(HeaderName::try_from(name).unwrap(), value.parse().unwrap());
        }
        assert_eq!(headers["content-length"], body.len().to_string());
        Self {
            status: first.split(' ').nth(1).unwrap().parse().unwrap(),
            headers,
            body: body.to_owned(),
        }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The code of a problem.
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or("no code").to_owned()
    }

    /// Without what differs between any two requests.
    pub(crate) fn without_id(mut self) -> Self {
        // The connection adds it where the router did not.
        self.headers.remove("content-length");
        self.headers.remove("date");
        if let Some(id) = self.headers.remove("x-request-id") {
            self.body = self.body.replace(id.to_str().unwrap(), "ID");
        }
        self
    }
}

/// A world in which nothing is sent.
struct Nowhere;

impl Outbound for Nowhere {
    fn address(&self, url: &str) -> Result<String, AddressRefused> {
        Ok(url.to_owned())
    }

    fn render(&self, message: &Message<'_>) -> String {
        claviger_http::webhook_body(message)
    }

    fn post(&self, _: Post) -> Sending<'_, u16> {
        Box::pin(async { Err(SendError("there is no way out".to_owned())) })
    }

    fn sends_mail(&self) -> bool {
        false
    }

    fn mail(&self, _: Mail) -> Sending<'_, ()> {
        Box::pin(async { Err(SendError("there is no way out".to_owned())) })
    }
}
