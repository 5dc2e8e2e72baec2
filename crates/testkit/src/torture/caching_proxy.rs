//! The negative control of R17: a door with a cache of one second in front, as other products have. It must be caught.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Result;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode, header},
};
use tokio::{net::TcpListener, task::JoinHandle};

const TTL: Duration = Duration::from_secs(1);
const BODY_LIMIT: usize = 64 * 1024;

/// A proxy that remembers each answer for a second. Ends when dropped.
pub(super) struct CachingProxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

#[derive(Clone)]
struct Cache {
    http: reqwest::Client,
    server: String,
    answers: Arc<Mutex<HashMap<Question, Remembered>>>,
}

/// What decides the answer: path, credential, body.
type Question = (String, String, Bytes);

#[derive(Clone)]
struct Remembered {
    at: Instant,
    status: StatusCode,
    body: Bytes,
}

// === impl CachingProxy ===

impl CachingProxy {
    /// A proxy before `server`.
    pub(super) async fn start(server: String) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let cache = Cache {
            http: reqwest::Client::builder().no_proxy().build()?,
            server,
            answers: Arc::default(),
        };
        let router = Router::new().fallback(answer).with_state(cache);
        let task = tokio::spawn(async move {
            // It ends by being aborted.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { address, task })
    }

    pub(super) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for CachingProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(cache): State<Cache>, request: Request) -> Response<Body> {
    let answered = match cache.remembered_or_asked(request).await {
        Ok(remembered) => (remembered.status, remembered.body),
        Err(error) => (StatusCode::BAD_GATEWAY, Bytes::from(error.to_string())),
    };
    let (status, body) = answered;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response
}

impl Cache {
    async fn remembered_or_asked(&self, request: Request) -> Result<Remembered> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT).await?;
        let credential = text(&parts.headers, header::AUTHORIZATION);
        let question = (parts.uri.path().to_owned(), credential.clone(), body.clone());
        if let Some(remembered) = self.known(&question) {
            return Ok(remembered);
        }
        let asked = self
            .http
            .request(parts.method, format!("{}{}", self.server, parts.uri.path()))
            .header(header::AUTHORIZATION, credential)
            .header(header::CONTENT_TYPE, text(&parts.headers, header::CONTENT_TYPE))
            .body(body)
            .send()
            .await?;
        let remembered = Remembered {
            at: Instant::now(),
            status: asked.status(),
            body: asked.bytes().await?,
        };
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.insert(question, remembered.clone());
        Ok(remembered)
    }

    fn known(&self, question: &Question) -> Option<Remembered> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .get(question)
            .filter(|known| known.at.elapsed() < TTL)
            .cloned()
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}
