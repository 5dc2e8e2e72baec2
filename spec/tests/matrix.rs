//! Every operation as every kind of caller. A new operation without a row fails in `openapi.rs`.
//!
//! [`OPERATIONS`] is the one list: the tests of credentials, of paths, of leaks and of the document walk it too.

mod operations;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

use crate::asking::{ALL_SCOPES, unknown_token};

pub(crate) use operations::OPERATIONS;

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: a credential is not even looked at.
    Nothing,
    /// Any live token.
    AnyToken,
    /// A live token with this scope.
    Scope(&'static str),
}

/// One operation of the public API, as the document names it.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) needs: Needs,
    /// A body that is well-formed; empty for none.
    body: &'static str,
    /// Status, and code of the problem, for a caller that may.
    granted: (u16, &'static str),
}

const fn guarded(
    method: &'static str,
    path: &'static str,
    scope: &'static str,
    body: &'static str,
    granted: (u16, &'static str),
) -> Operation {
    Operation {
        method,
        path,
        needs: Needs::Scope(scope),
        body,
        granted,
    }
}

const fn any(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    granted: (u16, &'static str),
) -> Operation {
    Operation {
        method,
        path,
        needs: Needs::AnyToken,
        body,
        granted,
    }
}

const fn own(method: &'static str, path: &'static str) -> Operation {
    any(method, path, "", (200, ""))
}

const fn open(
    method: &'static str,
    path: &'static str,
    body: &'static str,
    granted: (u16, &'static str),
) -> Operation {
    Operation {
        method,
        path,
        needs: Needs::Nothing,
        body,
        granted,
    }
}

// === impl Operation ===

impl Operation {
    /// The method.
    pub(crate) fn method(&self) -> Method {
        self.method.parse().unwrap()
    }

    /// The body; null for none.
    pub(crate) fn body(&self) -> Value {
        if self.body.is_empty() {
            Value::Null
        } else {
            serde_json::from_str(self.body).unwrap()
        }
    }

    /// True when a token is needed.
    pub(crate) fn is_guarded(&self) -> bool {
        self.needs != Needs::Nothing
    }

    async fn call(&self, caller: &Caller, targets: &Targets) -> (u16, String) {
        let answer = caller
            .request(self.method(), &targets.path(self), targets.body(self))
            .await;
        assert_eq!(
            answer.problem_code().is_some(),
            answer.status >= 400,
            "every refusal is a problem: {}",
            answer.text()
        );
        (answer.status, answer.problem_code().unwrap_or_default())
    }
}

/// One thing of each noun, for operations to be about.
pub(crate) struct Targets {
    /// A live token that neither reaches further nor lives longer than any caller of the tests.
    pub(crate) token: Caller,
    pub(crate) user: String,
    invitation: String,
    pub(crate) team: String,
    pub(crate) service: String,
    pub(crate) environment: String,
    stage: String,
    webhook: String,
    pub(crate) feed: String,
}

impl Targets {
    /// Makes them. `what` makes their names unique.
    pub(crate) async fn make(server: &TestServer, what: &str) -> Self {
        Self::of(server, server.admin(), &format!("target of {what}")).await
    }

    /// Makes them in the organization of this super administrator, with this name.
    pub(crate) async fn of(server: &TestServer, admin: &Caller, name: &str) -> Self {
        let token = server
            .token()
            .issued_by(admin)
            .name(name)
            .scopes(["tokens:write"])
            .expires_in_days(7)
            .issue()
            .await;
        let made = async |path: &str, mut body: Value| {
            body["name"] = name.into();
            admin.post(path, body).await.expect_status(201).at("/id")
        };
        let team = made("/v1/teams", json!({})).await;
        let environment = made("/v1/environments", json!({})).await;
        let user = admin.get("/v1/users/self").await.expect_status(200).at("/id");
        let member = format!("/v1/teams/{team}/members/{user}");
        admin
            .put(&member, json!({ "role": "member" }))
            .await
            .expect_status(200);
        // Nothing is sent to it: no test depends on a network.
        let url = json!({ "url": "https://example.org/hooks" });
        let webhook = admin
            .post("/v1/webhooks", url)
            .await
            .expect_status(201)
            .at("/webhook/id");
        let disabled = json!({ "enabled": false });
        admin
            .patch(&format!("/v1/webhooks/{webhook}"), disabled)
            .await
            .expect_status(200);
        let email = format!("{}@example.org", name.replace(['/', ' ', '{', '}'], "-"));
        let invited = admin.post("/v1/invitations", json!({ "email": email })).await;
        Self {
            invitation: invited.expect_status(201).at("/invitation/id"),
            service: made("/v1/services", json!({ "team": team })).await,
            stage: made("/v1/stages", json!({ "environment": environment })).await,
            token,
            user,
            team,
            environment,
            webhook,
            feed: "cal_0000000000001".to_owned(),
        }
    }

    /// The path of an operation about these.
    pub(crate) fn path(&self, operation: &Operation) -> String {
        let id = match operation.path.split('/').nth(2) {
            Some("users") => &self.user,
            Some("invitations") => &self.invitation,
            Some("teams") => &self.team,
            Some("services") => &self.service,
            Some("environments") => &self.environment,
            Some("stages") => &self.stage,
            Some("webhooks") => &self.webhook,
            Some("calendar-feeds") => &self.feed,
            _ => self.token.id(),
        };
        operation
            .path
            .replace("{id}", id)
            .replace("{user_id}", &self.user)
            .replace("{name}", "some-name")
            .replace("{delivery_id}", "dlv_0000000000001")
            .replace("{feed}", "unknown.ics")
    }

    /// The body of an operation about these; null for none.
    pub(crate) fn body(&self, operation: &Operation) -> Value {
        let body = operation.body().to_string();
        let body = body
            .replace("{team}", &self.team)
            .replace("{environment}", &self.environment);
        serde_json::from_str(&body).unwrap()
    }
}

/// A caller with everything but what the operation needs.
async fn with_another_scope(server: &TestServer, needed: &str) -> Caller {
    let others: Vec<&str> = ALL_SCOPES.into_iter().filter(|scope| *scope != needed).collect();
    server.token().field("scopes", others).issue().await
}

on_both_stores! {
    async fn every_operation_as_every_kind_of_caller(server: TestServer) {
        let refused = |code: &str| (401, code.to_owned());
        let revoked = server.token().name("revoked caller").issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        let expired = server.token().name("expired caller").expires_in(Duration::from_secs(1)).issue().await;
        server.clock().advance(Duration::from_secs(1));
        crate::people::joined(&server, "gone@example.org", "member").await;
        let ended = server.signed_in("gone@example.org", crate::people::PASSWORD).await;
        ended.delete("/v1/sessions/self").await.expect_status(204);
        let bad = [
            ("no credential", server.anonymous().clone(), "credential_missing"),
            ("malformed", server.bearer("nonsense"), "token_invalid"),
            ("unknown", server.bearer(&unknown_token()), "token_invalid"),
            ("expired", expired, "token_invalid"),
            ("revoked", revoked, "token_invalid"),
            ("an ended session", ended, "session_invalid"),
        ];

        for operation in OPERATIONS {
            let what = format!("{} {}", operation.method, operation.path);
            let targets = Targets::make(&server, &what).await;
            let granted = (operation.granted.0, operation.granted.1.to_owned());
            for (kind, caller, code) in &bad {
                let expected = if operation.is_guarded() { refused(code) } else { granted.clone() };
                assert_eq!(operation.call(caller, &targets).await, expected, "{what} as {kind}");
            }
            let enough = match operation.needs {
                Needs::Scope(scope) => {
                    let wrong = with_another_scope(&server, scope).await;
                    let forbidden = (403, "insufficient_scope".to_owned());
                    assert_eq!(operation.call(&wrong, &targets).await, forbidden, "{what} without {scope}");
                    scope
                }
                Needs::AnyToken | Needs::Nothing => "deployments:read",
            };
            let right = server.token().scopes([enough]).issue().await;
            assert_eq!(operation.call(&right, &targets).await, granted, "{what} as the right one");
        }
    }
}

on_both_stores! {
    async fn a_global_token_may_read_what_its_scope_says(server: TestServer) {
        for operation in OPERATIONS.iter().filter(|operation| operation.method == "GET") {
            let Needs::Scope(scope) = operation.needs else { continue };
            let targets = Targets::make(&server, operation.path).await;

            let global = server.token().scopes([scope]).global().issue().await;
            let other = ALL_SCOPES.into_iter().filter(|other| *other != scope).collect::<Vec<_>>();
            let wrong = server.token().field("scopes", other).global().issue().await;

            assert_eq!(operation.call(&global, &targets).await, (200, String::new()), "{}", operation.path);
            assert_eq!(operation.call(&wrong, &targets).await.0, 403, "{}", operation.path);
        }
    }
}

on_both_stores! {
    async fn a_token_of_the_wrong_kind_changes_nothing(server: TestServer) {
        let targets = Targets::make(&server, "nothing").await;
        let before = (server.admin().get("/v1/tokens?q=target").await.body, server.admin().get("/v1/audit/export").await.body);
        let wrong = [server.anonymous().clone(), server.bearer("nonsense"), server.bearer(&unknown_token())];

        for operation in OPERATIONS.iter().filter(|operation| operation.is_guarded()) {
            for caller in &wrong {
                operation.call(caller, &targets).await;
            }
        }

        assert_eq!(server.admin().get("/v1/tokens?q=target").await.body, before.0);
        assert_eq!(server.admin().get("/v1/audit/export").await.body, before.1);
    }
}

#[tokio::test]
async fn every_other_method_is_answered_with_those_there_are() {
    let server = TestServer::start().await;
    let mut paths: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for operation in OPERATIONS {
        paths.entry(operation.path).or_default().insert(operation.method);
    }

    for (path, known) in paths {
        let address = path
            .replace("{id}", server.admin().id())
            .replace("{user_id}", "usr_0000000000001")
            .replace("{name}", "some-name")
            .replace("{delivery_id}", "dlv_0000000000001")
            .replace("{feed}", "unknown.ics");
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
        ]
        .into_iter()
        .filter(|method| !known.contains(method))
        {
            for caller in [server.anonymous(), server.admin()] {
                let answer = caller
                    .request(method.parse().unwrap(), &address, Value::Null)
                    .await;

                assert_eq!(
                    (answer.status, answer.problem_code().as_deref()),
                    (405, Some("method_not_allowed")),
                    "{method} {path}"
                );
                let allowed: BTreeSet<&str> = answer
                    .header("allow")
                    .unwrap_or_default()
                    .split(',')
                    .map(str::trim)
                    .filter(|method| *method != "HEAD")
                    .collect();
                assert_eq!(allowed, known, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_head_is_guarded_like_its_get() {
    let server = TestServer::start().await;
    let targets = Targets::make(&server, "heads").await;
    for operation in OPERATIONS.iter().filter(|operation| operation.method == "GET") {
        let path = targets.path(operation);
        for caller in [server.anonymous(), server.admin()] {
            let (get, head) = (
                caller.get(&path).await,
                caller.request(Method::HEAD, &path, Value::Null).await,
            );

            assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        }
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_whoever_asks() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/token",
        "/v2/tokens",
        "/v1/tokens/self/regenerate/now",
        "/admin",
        "/.env",
        "/docs/a/b",
    ] {
        for caller in [server.anonymous(), server.admin()] {
            let answer = caller.get(path).await;
            assert_eq!(
                (answer.status, answer.problem_code().as_deref()),
                (404, Some("route_not_found")),
                "{path}: {}",
                answer.text()
            );
        }
    }
}
