//! The client: a server, a credential, a time-out.
//!
//! Invariant: one transport per client, with redirects, retries, referrers and the proxy environment off.

use std::{fmt, sync::Arc, time::Duration};

use reqwest::{Method, Url, header::HeaderValue, redirect};

use crate::{Credential, Error, call::Call};

/// How long a whole call may take, and how long a stream may be silent, unless said otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client of one installation. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    base: Url,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) timeout: Duration,
    observer: Option<Observer>,
}

/// What a [`Client`] is made of.
#[derive(Clone)]
pub struct ClientBuilder {
    base_url: String,
    credential: Option<Credential>,
    timeout: Duration,
    observer: Option<Observer>,
}

/// One request and what became of it, for a log. Never a token, a query or a body.
#[derive(Debug, Clone, Copy)]
pub struct Exchange<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path, without the query.
    pub path: &'a str,
    /// The status of the answer; `None` when none came.
    pub status: Option<u16>,
}

type Observer = Arc<dyn Fn(Exchange<'_>) + Send + Sync>;

// === impl Client ===

impl Client {
    /// A client that presents `credential` to the server at `base_url`, with the [`DEFAULT_TIMEOUT`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn new(base_url: &str, credential: Credential) -> Result<Self, Error> {
        Self::builder(base_url).credential(credential).build()
    }

    /// A client that presents nothing, for [`Client::setup`], [`Client::report_leak`] and [`Client::ready`].
    ///
    /// # Errors
    /// As [`ClientBuilder::build`].
    pub fn anonymous(base_url: &str) -> Result<Self, Error> {
        Self::builder(base_url).build()
    }

    /// Begins a client of the server at `base_url` (`https://claviger.example.org`, also with a path).
    pub fn builder(base_url: &str) -> ClientBuilder {
        ClientBuilder {
            base_url: base_url.to_owned(),
            credential: None,
            timeout: DEFAULT_TIMEOUT,
            observer: None,
        }
    }

    /// The server that is called, without a trailing slash.
    pub fn base_url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Begins a call of the operation at these segments of the path, which are escaped.
    pub(crate) fn call(&self, method: Method, segments: &[&str]) -> Call<'_> {
        let mut url = self.base.clone();
        // `build` refused every URL that cannot have a path.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        Call::new(self, method, url)
    }

    pub(crate) fn observe(&self, exchange: Exchange<'_>) {
        if let Some(observer) = &self.observer {
            observer(exchange);
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.base_url())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

// === impl ClientBuilder ===

impl ClientBuilder {
    /// Presents this credential with every call but those that need none.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Gives a whole call, and every silence of a stream, this long.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Is told of every exchange, on the task that made it.
    #[must_use]
    pub fn observer(mut self, observer: impl Fn(Exchange<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Makes the client. For an `https` server this reads the system's certificates, some milliseconds.
    ///
    /// # Errors
    /// [`Error::Argument`] when the URL is none, is not `http` or `https`, or holds a user, a query or a fragment;
    /// [`Error::Transport`] when the system has no certificates.
    pub fn build(self) -> Result<Client, Error> {
        let base = parse_base(&self.base_url)?;
        let http = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(reqwest::retry::never())
            .connect_timeout(self.timeout)
            .read_timeout(self.timeout)
            .user_agent(concat!("claviger-client/", env!("CARGO_PKG_VERSION")));
        // A plain connection needs no certificates, and a small container may have none.
        let http = if base.scheme() == "http" {
            http.tls_certs_only([])
        } else {
            http
        };
        Ok(Client {
            http: http.build().map_err(Error::transport)?,
            base,
            authorization: self.credential.as_ref().map(Credential::header),
            timeout: self.timeout,
            observer: self.observer,
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

fn parse_base(text: &str) -> Result<Url, Error> {
    let refused = |detail| Err(Error::argument("server URL", detail));
    let Ok(base) = Url::parse(text) else {
        return refused("is not a URL such as `https://claviger.example.org`");
    };
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return refused("begins neither with `http://` nor with `https://`");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refused("holds a user or a password; present a token instead");
    }
    if base.query().is_some() || base.fragment().is_some() {
        return refused("holds a query or a fragment");
    }
    Ok(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_does_not_print_its_token() {
        let credential = Credential::new("clvp_canary").unwrap();
        let builder = Client::builder("http://127.0.0.1:8620/").credential(credential);

        let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());

        assert!(!shown.contains("canary"), "{shown}");
        assert!(shown.contains("http://127.0.0.1:8620"), "{shown}");
    }

    #[test]
    fn a_server_is_named_by_a_plain_url() {
        for text in [
            "",
            "127.0.0.1:8620",
            "ftp://x",
            "http://ada:pw@x",
            "http://x?token=y",
            "http://x#y",
        ] {
            let error = Client::anonymous(text).unwrap_err();

            assert!(
                matches!(
                    error,
                    Error::Argument {
                        argument: "server URL",
                        ..
                    }
                ),
                "{text}"
            );
        }
        assert_eq!(
            Client::anonymous("http://x/claviger/").unwrap().base_url(),
            "http://x/claviger"
        );
    }
}
