//! One call: how a request is completed, sent, and its answer told from a problem.
//!
//! Invariant: an answer is read up to [`MAX_ANSWER_BYTES`] and no further; what is not Claviger's is never taken for success.

use claviger_api::problem::{self, Problem};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Client, Error, Exchange};

/// The longest answer that is read whole: a page of 200 records is below 1 MiB.
const MAX_ANSWER_BYTES: usize = 16 << 20;
/// The longest idempotency key, in characters (the server's limit).
const MAX_KEY_CHARACTERS: usize = 255;

/// A request in the making.
pub(crate) struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    request: RequestBuilder,
    credential: Option<HeaderValue>,
}

// === impl Call ===

impl<'a> Call<'a> {
    /// A call of the operation at `url`, with the client's credential.
    pub(crate) fn new(client: &'a Client, method: Method, url: Url) -> Self {
        let path = url.path().to_owned();
        let request = client.http.request(method.clone(), url);
        Self {
            client,
            method,
            path,
            request,
            credential: client.authorization.clone(),
        }
    }

    /// Leaves the credential at home: possession of something else decides.
    pub(crate) fn without_credential(mut self) -> Self {
        self.credential = None;
        self
    }

    pub(crate) fn query(mut self, query: &impl Serialize) -> Self {
        self.request = self.request.query(query);
        self
    }

    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// Names this call, so that a repetition is answered instead of done again (draft-ietf-httpapi-idempotency-key-header).
    pub(crate) fn idempotency_key(mut self, key: Option<&str>) -> Result<Self, Error> {
        let Some(key) = key else { return Ok(self) };
        let shaped = !key.is_empty()
            && key.len() <= MAX_KEY_CHARACTERS
            && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let refused = || Error::argument("idempotency key", "is not 1–255 visible ASCII characters");
        if !shaped {
            return Err(refused());
        }
        let mut value = HeaderValue::from_str(key).map_err(|_| refused())?;
        // The key opens the sealed copy of a secret that was shown once.
        value.set_sensitive(true);
        self.request = self.request.header("idempotency-key", value);
        Ok(self)
    }

    /// Sends it and reads an answer of this type.
    pub(crate) async fn answer<T: DeserializeOwned>(self) -> Result<T, Error> {
        let timeout = self.client.timeout;
        let response = self.with_timeout(timeout).send().await?;
        let head = Head::of(&response);
        let body = read(response, &head).await?;
        serde_json::from_slice(&body)
            .map_err(|_| head.unexpected("the body is not what this operation answers"))
    }

    /// Sends it and expects no body.
    pub(crate) async fn done(self) -> Result<(), Error> {
        let timeout = self.client.timeout;
        self.with_timeout(timeout).send().await.map(drop)
    }

    /// Sends it without a limit of its whole time, for answers that stream.
    pub(crate) async fn send(self) -> Result<Response, Error> {
        let response = self.transmit().await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let head = Head::of(&response);
        if !head.is_problem {
            return Err(head.unexpected(if head.status.is_redirection() {
                "a redirect, which is not followed"
            } else {
                "the body is no problem of Claviger's; is there a proxy, or another server?"
            }));
        }
        let body = read(response, &head).await?;
        let problem = serde_json::from_slice::<Problem>(&body);
        Err(match problem {
            Ok(problem) => Error::Problem(Box::new(problem)),
            Err(_) => head.unexpected("the problem in the body cannot be read"),
        })
    }

    /// Sends it and gives the bare status, for operations whose status is the answer.
    pub(crate) async fn status(self) -> Result<StatusCode, Error> {
        let timeout = self.client.timeout;
        self.with_timeout(timeout)
            .transmit()
            .await
            .map(|response| response.status())
    }

    fn with_timeout(mut self, timeout: std::time::Duration) -> Self {
        self.request = self.request.timeout(timeout);
        self
    }

    async fn transmit(self) -> Result<Response, Error> {
        let request = match self.credential {
            Some(header) => self.request.header(AUTHORIZATION, header),
            None => self.request,
        };
        let result = request.send().await;
        self.client.observe(Exchange {
            method: self.method.as_str(),
            path: &self.path,
            status: result.as_ref().ok().map(|response| response.status().as_u16()),
        });
        result.map_err(Error::transport)
    }
}

/// What of an answer outlives its body.
pub(crate) struct Head {
    status: StatusCode,
    request_id: Option<String>,
    is_problem: bool,
}

impl Head {
    pub(crate) fn of(response: &Response) -> Self {
        let headers = response.headers();
        Self {
            status: response.status(),
            request_id: text(headers, "x-request-id").map(str::to_owned),
            is_problem: text(headers, CONTENT_TYPE.as_str())
                .is_some_and(|media_type| media_type.starts_with(problem::MEDIA_TYPE)),
        }
    }

    pub(crate) fn unexpected(&self, detail: impl Into<String>) -> Error {
        Error::Unexpected {
            status: self.status.as_u16(),
            request_id: self.request_id.clone(),
            detail: detail.into(),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

async fn read(mut response: Response, head: &Head) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(Error::transport)? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(head.unexpected("the body is longer than 16 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
