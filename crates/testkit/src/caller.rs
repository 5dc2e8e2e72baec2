//! Someone who calls a server over HTTP, with or without a token.

use std::{
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::Answer;

/// Where a server is; a restart may move it.
pub(crate) type Address = Arc<RwLock<SocketAddr>>;

/// Calls one server, with a token, a session or neither. Every request is a real one over loopback. Cheap to clone.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    address: Address,
    headers: HeaderMap,
    secret: Option<String>,
    record: Value,
    forbidden: Forbidden,
}

/// What no answer may contain: the marks of an organization that is not the caller's.
pub(crate) type Forbidden = Arc<RwLock<Vec<String>>>;

// === impl Caller ===

impl Caller {
    /// Someone without a credential.
    pub(crate) fn anonymous(http: reqwest::Client, address: Address, forbidden: Forbidden) -> Self {
        Self {
            forbidden,
            http,
            address,
            headers: HeaderMap::new(),
            secret: None,
            record: Value::Null,
        }
    }

    /// Someone who presents `secret` as a bearer; `record` is the token's record as it was shown at issue.
    pub(crate) fn with_token(&self, secret: &str, record: Value) -> Self {
        let mut caller = self.without_credential().bearer(secret);
        caller.secret = Some(secret.to_owned());
        caller.record = record;
        caller
    }

    /// Someone who signed in and got this cookie, `name=value`, with a page of the server's own in their browser; `record` is the session as
    /// it was shown.
    pub(crate) fn with_session(&self, cookie: &str, record: Value) -> Self {
        let mut caller = self.without_credential().cookie(cookie);
        caller.record = record;
        caller
    }

    /// The same caller with this cookie, on a page of the server's own.
    pub fn cookie(&self, cookie: &str) -> Self {
        self.header("cookie", cookie)
            .header("sec-fetch-site", "same-origin")
    }

    fn without_credential(&self) -> Self {
        Self::anonymous(
            self.http.clone(),
            Arc::clone(&self.address),
            Arc::clone(&self.forbidden),
        )
    }

    /// The same caller with `Authorization: Bearer <credential>` instead of what it presented.
    pub fn bearer(&self, credential: &str) -> Self {
        self.header("authorization", &format!("Bearer {credential}"))
    }

    /// The same caller with this header on every request, instead of one of the same name.
    ///
    /// # Panics
    /// When it is no header.
    #[track_caller]
    pub fn header(&self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name);
        let value = HeaderValue::try_from(value);
        let (Ok(name), Ok(value)) = (name, value) else {
            panic!("not a header");
        };
        let mut caller = self.clone();
        caller.headers.insert(name, value);
        caller
    }

    /// The same caller without that header.
    pub fn without_header(&self, name: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.remove(name);
        caller
    }

    /// The same caller, whose answers may contain whatever they do: somebody of the organization whose marks others may not see.
    pub fn unwatched(&self) -> Self {
        Self {
            forbidden: Forbidden::default(),
            ..self.clone()
        }
    }

    /// Fails when the answer contains what the caller may not see.
    fn watch(&self, what: &str, answer: &Answer) {
        let forbidden = self.forbidden.read().unwrap_or_else(PoisonError::into_inner);
        if forbidden.is_empty() {
            return;
        }
        let headers = format!("{:?}", answer.headers);
        for mark in forbidden.iter() {
            assert!(
                !answer.body.contains(mark) && !headers.contains(mark),
                "{what} shows `{mark}` of another organization: {headers} {}",
                answer.text()
            );
        }
    }

    /// The token's plaintext.
    ///
    /// # Panics
    /// When the caller has none.
    #[track_caller]
    pub fn secret(&self) -> &str {
        match &self.secret {
            Some(secret) => secret,
            None => panic!("this caller has no token"),
        }
    }

    /// The token's or the session's id.
    ///
    /// # Panics
    /// When the caller has neither.
    #[track_caller]
    pub fn id(&self) -> &str {
        match self.record.get("id").and_then(Value::as_str) {
            Some(id) => id,
            None => panic!("this caller has neither token nor session"),
        }
    }

    /// The token's or the session's record as it was shown at issue.
    pub fn record(&self) -> &Value {
        &self.record
    }

    /// The address of the server, `http://127.0.0.1:port`.
    pub fn base_url(&self) -> String {
        format!(
            "http://{}",
            self.address.read().unwrap_or_else(PoisonError::into_inner)
        )
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Answer {
        self.request(Method::GET, path, Value::Null).await
    }

    /// POST. `null` sends no body.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(Method::POST, path, body).await
    }

    /// PUT.
    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PUT, path, body).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(Method::PATCH, path, body).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Answer {
        self.request(Method::DELETE, path, Value::Null).await
    }

    /// Any method. `null` sends no body.
    pub async fn request(&self, method: Method, path: &str, body: Value) -> Answer {
        match body {
            Value::Null => self.send(method, path, None).await,
            body => {
                self.send(method, path, Some(("application/json", body.to_string())))
                    .await
            }
        }
    }

    /// Any body, as it is.
    pub async fn request_text(&self, method: Method, path: &str, content_type: &str, body: &str) -> Answer {
        self.send(method, path, Some((content_type, body.to_owned())))
            .await
    }

    async fn send(&self, method: Method, path: &str, body: Option<(&str, String)>) -> Answer {
        let what = format!("{method} {path}");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base_url()))
            .headers(self.headers.clone());
        if let Some((content_type, body)) = body {
            request = request.header("content-type", content_type).body(body);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => panic!("{what} got no answer: {error:?}"),
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let answer = match response.text().await {
            Ok(body) => Answer {
                status,
                headers,
                body,
            },
            Err(error) => panic!("{what} got half an answer: {error:?}"),
        };
        self.watch(&what, &answer);
        answer
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller")
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
