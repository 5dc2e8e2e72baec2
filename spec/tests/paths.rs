//! Spellings of a path never reach a handler with other permissions than the path itself has (security.md I13, I20).
//!
//! Each path of the API is mutated in every way that proxies, gateways and frameworks are known to read differently: dots, encoded and
//! doubled slashes, double encoding, case, parameters, NUL. Whoever asks, a mutation gets what the path itself gets, or a refusal.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use claviger_testkit::TestServer;

use crate::asking::{ALL_SCOPES, whole_list};
use crate::matrix::{Needs, OPERATIONS, Targets};
use crate::raw::Raw;

const PATIENCE: Duration = Duration::from_secs(20);

const SEPARATORS: [&str; 19] = [
    "//",
    "/./",
    "/../",
    "/.//",
    "%2f",
    "%2F",
    "%252f",
    "%255c",
    "%5c",
    "\\",
    "/%2e/",
    "/%2e%2e/",
    "/x/../",
    "/x/%2e%2e/",
    "/;/",
    "/.;/",
    "%c0%af",
    "/%00/",
    "/%20/",
];

const HEADS: [&str; 24] = [
    "/.",
    "/..",
    "/%2e",
    "/%2e%2e",
    "/;",
    "/%2f",
    "/api",
    "/v2",
    "/v1",
    "/v1/..",
    "//h",
    "/healthz",
    "/healthz/..",
    "/healthz/%2e%2e",
    "/healthz/%252e%252e",
    "/healthz%2f..",
    "/healthz;",
    "/healthz/..;",
    "/healthz%23",
    "/healthz%3f",
    "/docs/..",
    "/docs/%2e%2e",
    "/openapi.json/..",
    "/v1/tokens/report-leak/..",
];

const TAILS: [&str; 28] = [
    "/",
    "//",
    "/.",
    "/..",
    "/./",
    "%2f",
    "%2e",
    "%00",
    "%20",
    "%09",
    "%0a",
    "%0d%0aX:y",
    ";",
    ";a=b",
    ";/",
    "/;",
    "..;/",
    ".json",
    ";.json",
    "/.json",
    "~",
    "*",
    "/*",
    "%3f",
    "%23",
    "#",
    "/healthz",
    "/../healthz",
];

/// Every mutation of `path`, none of them the path itself.
fn mutations(path: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (place, _) in path.match_indices('/') {
        let (before, after) = (&path[..place], &path[place + 1..]);
        found.extend(
            SEPARATORS
                .iter()
                .map(|separator| format!("{before}{separator}{after}")),
        );
    }
    found.extend(HEADS.iter().map(|head| format!("{head}{path}")));
    found.extend(TAILS.iter().map(|tail| format!("{path}{tail}")));
    for (place, letter) in path
        .char_indices()
        .filter(|(_, letter)| letter.is_ascii_alphanumeric())
    {
        let (before, code, after) = (&path[..place], u32::from(letter), &path[place + 1..]);
        found.insert(format!("{before}%{code:02x}{after}"));
        found.insert(format!("{before}%25{code:02x}{after}"));
        found.insert(format!("{before}%00{letter}{after}"));
        found.insert(format!("{before}{}{after}", letter.to_ascii_uppercase()));
    }
    found.extend([
        path.to_ascii_uppercase(),
        path.replace('/', ""),
        path.trim_start_matches("/v1").to_owned(),
    ]);
    // Full-width letters, which compatibility forms fold, and overlong UTF-8.
    found.extend([
        path.replace('t', "%ef%bd%94"),
        path.replace('e', "%c1%a5"),
        path.replace("v1", "v1%ef%b8%8e"),
        path.replace("v1", "v01"),
    ]);
    found.remove(path);
    // No target at all, or no line of HTTP: the corpus of raw requests has those.
    found.retain(|path| !path.is_empty() && !path.contains(' '));
    found
}

/// One connection on which the exact bytes of a path are asked for, again and again.
struct Asker<'a> {
    server: &'a TestServer,
    raw: Raw,
}

impl<'a> Asker<'a> {
    fn new(server: &'a TestServer) -> Self {
        Self {
            server,
            raw: Raw::connect(server),
        }
    }

    fn status(&mut self, method: &str, path: &str, secret: Option<&str>) -> u16 {
        let credential = secret
            .map(|secret| format!("Authorization: Bearer {secret}\r\n"))
            .unwrap_or_default();
        self.raw.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n{credential}\r\n"
        ));
        let answer = self
            .raw
            .answer_within(PATIENCE)
            .unwrap_or_else(|| panic!("no answer to {method} {path}"));
        // A target that is none ends the connection; a stream is not read to its end.
        if answer.status == 400
            || answer.head.contains("connection: close")
            || answer.head.contains("transfer-encoding: chunked")
        {
            self.raw = Raw::connect(self.server);
        }
        answer.status
    }
}

/// A token for each scope: with it alone, or with all the others.
async fn by_scope(server: &TestServer, alone: bool) -> BTreeMap<&'static str, String> {
    let mut tokens = BTreeMap::new();
    for scope in ALL_SCOPES {
        let scopes: Vec<&str> = ALL_SCOPES
            .into_iter()
            .filter(|other| (*other == scope) == alone)
            .collect();
        let token = server.token().field("scopes", scopes).issue().await;
        tokens.insert(scope, token.secret().to_owned());
    }
    tokens
}

#[tokio::test]
async fn a_spelling_of_a_path_gets_what_the_path_gets_or_nothing() {
    let server = TestServer::start().await;
    let targets = Targets::make(&server, "mutations").await;
    let (right, wrong) = (by_scope(&server, true).await, by_scope(&server, false).await);
    let before = [
        whole_list(server.admin(), "/v1/tokens").await,
        whole_list(server.admin(), "/v1/audit/events").await,
    ];
    let mut asker = Asker::new(&server);
    let mut asked = 0;

    for operation in OPERATIONS {
        let path = targets.path(operation);
        let mut callers = vec![None];
        if let Needs::Scope(scope) = operation.needs {
            callers.push(Some(wrong[scope].as_str()));
            // Those who may, read only: what they change would change what the next mutation finds.
            if operation.method == "GET" {
                callers.push(Some(right[scope].as_str()));
            }
        }
        for caller in callers {
            let itself = asker.status(operation.method, &path, caller);
            for mutation in mutations(&path) {
                let status = asker.status(operation.method, &mutation, caller);

                let is_refused = matches!(status, 400 | 401 | 403 | 404 | 405);
                assert!(
                    is_refused || status == itself,
                    "{} {mutation}: {status}, but {path}: {itself}",
                    operation.method
                );
                asked += 1;
            }
        }
    }

    assert!(asked > 5_000, "{asked}");
    assert_eq!(
        whole_list(server.admin(), "/v1/audit/events").await,
        before[1],
        "nothing was changed"
    );
    assert_eq!(
        whole_list(server.admin(), "/v1/tokens?state=live").await.len(),
        before[0].len()
    );
}

#[test]
fn a_path_has_many_spellings() {
    let found = mutations("/v1/tokens");

    assert!(found.len() > 100, "{}", found.len());
    for spelling in [
        "/v1%2ftokens",
        "/v1//tokens",
        "/healthz/../v1/tokens",
        "/v1/tokens;a=b",
        "/v1/%74okens",
        "/v1/%2574okens",
        "/V1/TOKENS",
    ] {
        assert!(found.contains(spelling), "{spelling}");
    }
}
