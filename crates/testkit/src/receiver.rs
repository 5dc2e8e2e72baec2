//! A receiver of webhooks on loopback: it keeps what comes and answers what the test says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::LOCATION};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// Something that was received.
#[derive(Debug, Clone)]
pub struct Received {
    /// The header fields, by their lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body as it came.
    pub body: String,
}

/// How a receiver answers.
#[derive(Debug, Clone)]
pub enum Reply {
    /// With this status.
    Status(u16),
    /// With a redirect to there.
    Redirect(String),
    /// Not at all: the connection stays open.
    Silence,
}

/// A receiver. Dropping it stops it.
pub struct Receiver {
    url: String,
    state: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    received: Mutex<Vec<Received>>,
    replies: Mutex<VecDeque<Reply>>,
    arrived: Notify,
}

// === impl Received ===

impl Received {
    /// A header field.
    ///
    /// # Panics
    /// When it did not come.
    #[track_caller]
    pub fn header(&self, name: &str) -> &str {
        match self.headers.get(name) {
            Some(value) => value,
            None => panic!("no `{name}` among {:?}", self.headers),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {}", self.body),
        }
    }
}

// === impl Receiver ===

impl Receiver {
    /// A receiver at a free port of 127.0.0.1, which answers 204.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start() -> Self {
        let listener = match TcpListener::bind("127.0.0.1:0").await {
            Ok(listener) => listener,
            Err(error) => panic!("no port for a receiver: {error}"),
        };
        let url = match listener.local_addr() {
            Ok(address) => format!("http://{address}/hook"),
            Err(error) => panic!("no address: {error}"),
        };
        let state = Arc::new(Shared::default());
        let router = Router::new().fallback(receive).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move {
            // It ends with the task.
            let _ = axum::serve(listener, router).await;
        });
        Self { url, state, serving }
    }

    /// Where it receives.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Answers the next calls so, one after the other; after them 204 again.
    pub fn will(&self, replies: impl IntoIterator<Item = Reply>) {
        lock(&self.state.replies).extend(replies);
    }

    /// All that was received so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state.received).clone()
    }

    /// Returns when something has come since the last call of this method.
    pub async fn arrival(&self) {
        self.state.arrived.notified().await;
    }

    /// What was received since the last call of this method.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut lock(&self.state.received))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn receive(State(state): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pair = |(name, value): (&HeaderName, &HeaderValue)| (name.as_str().to_owned(), text(value));
    lock(&state.received).push(Received {
        headers: headers.iter().map(pair).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    state.arrived.notify_one();
    let reply = lock(&state.replies).pop_front();
    match reply.unwrap_or(Reply::Status(204)) {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap_or_default().into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [(LOCATION, to)]).into_response(),
        Reply::Silence => std::future::pending().await,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
