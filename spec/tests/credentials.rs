//! How a caller presents its token, and what one that is not accepted learns (RFC 6750): nothing.

use std::time::Duration;

use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::unknown_token;

use crate::matrix::OPERATIONS;

/// Status, challenge and problem code: what a client decides by.
fn shape(answer: &Answer) -> String {
    let challenge = answer.header("www-authenticate").unwrap_or("–");
    format!(
        "{} {} {challenge}",
        answer.status,
        answer.problem_code().unwrap_or_default()
    )
}

on_both_stores! {
    async fn three_ways_to_present_a_token(server: TestServer) {
        let secret = server.token().issue().await.secret().to_owned();
        let mut said = String::new();

        for (name, value) in [
            ("authorization", format!("Bearer {secret}")),
            ("authorization", format!("bearer {secret}")),
            ("authorization", format!("BEARER   {secret}")),
            ("authorization", secret.clone()),
            ("x-api-key", secret.clone()),
            ("authorization", format!("Bearer secret-token:{secret}")),
            ("x-api-key", format!("secret-token:{secret}")),
            ("authorization", format!("Basic {secret}")),
            ("authorization", format!("Digest {secret}")),
            ("authorization", format!("Token {secret}")),
            ("authorization", format!("Bearer {secret} {secret}")),
            ("authorization", "Bearer".to_owned()),
            ("authorization", String::new()),
            ("x-api-key", String::new()),
            ("cookie", format!("token={secret}")),
            ("x-auth-token", secret.clone()),
            ("proxy-authorization", format!("Bearer {secret}")),
        ] {
            let answer = server.anonymous().header(name, &value).get("/v1/tokens/self").await;
            said.push_str(&format!("{name}: {} → {}\n", value.replace(&secret, "TOKEN"), shape(&answer)));
        }

        expect![[r#"
            authorization: Bearer TOKEN → 200  –
            authorization: bearer TOKEN → 200  –
            authorization: BEARER   TOKEN → 200  –
            authorization: TOKEN → 200  –
            x-api-key: TOKEN → 200  –
            authorization: Bearer secret-token:TOKEN → 200  –
            x-api-key: secret-token:TOKEN → 200  –
            authorization: Basic TOKEN → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            authorization: Digest TOKEN → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            authorization: Token TOKEN → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            authorization: Bearer TOKEN TOKEN → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            authorization: Bearer → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            authorization:  → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            x-api-key:  → 401 token_invalid Bearer realm="claviger", error="invalid_token"
            cookie: token=TOKEN → 401 credential_missing Bearer realm="claviger"
            x-auth-token: TOKEN → 401 credential_missing Bearer realm="claviger"
            proxy-authorization: Bearer TOKEN → 401 credential_missing Bearer realm="claviger"
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn the_same_token_twice_is_one_and_two_different_ones_are_refused(server: TestServer) {
        let first = server.token().name("first").issue().await;
        let second = server.token().name("second").issue().await;

        let twice = first.header("x-api-key", first.secret()).get("/v1/tokens/self").await;
        let two = first.header("x-api-key", second.secret()).get("/v1/tokens/self").await;
        let one_of_them_bad = first.header("x-api-key", "nonsense").get("/v1/tokens/self").await;

        assert_eq!(twice.at("/id"), first.id());
        two.expect(expect![[r#"
            400 {
              "type": "/docs/problems#multiple_credentials",
              "title": "Multiple credentials",
              "status": 400,
              "code": "multiple_credentials",
              "detail": "the request presents two different credentials; send one",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
        assert_eq!(shape(&two), shape(&one_of_them_bad));
        expect![[r#"400 multiple_credentials Bearer realm="claviger", error="invalid_request""#]].assert_eq(&shape(&two));
    }
}

on_both_stores! {
    async fn unknown_malformed_expired_and_revoked_get_one_and_the_same_answer(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        server.clock().advance(Duration::from_secs(1));
        let unknown = unknown_token();

        let mut answers = Vec::new();
        let credentials = [&unknown, revoked.secret(), expired.secret(), "nonsense", "clvp_", &unknown[..42]];
        for credential in credentials {
            for path in ["/v1/tokens", "/v1/tokens/self", "/v1/tokens/tok_0000000000001"] {
                let answer = server.anonymous().header("x-request-id", "the-same").bearer(credential).get(path).await;
                let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}"));
                let mut headers: Vec<String> = headers.collect();
                headers.retain(|header| !header.starts_with("date"));
                answers.push(format!("{}\n{}", answer.text(), headers.join("\n")));
            }
        }

        expect![[r#"
            401 {
              "type": "/docs/problems#token_invalid",
              "title": "Token invalid",
              "status": 401,
              "code": "token_invalid",
              "detail": "the presented token is not accepted",
              "request_id": "the-same"
            }
            content-type: "application/problem+json"
            www-authenticate: "Bearer realm=\"claviger\", error=\"invalid_token\""
            x-content-type-options: "nosniff"
            referrer-policy: "no-referrer"
            content-security-policy: "default-src 'none'; frame-ancestors 'none'"
            cache-control: "no-store"
            x-request-id: "the-same"
            content-length: "170""#]].assert_eq(&answers[0]);
        for answer in &answers {
            assert_eq!(answer, &answers[0]);
        }
    }
}

on_both_stores! {
    async fn without_a_credential_there_is_a_bare_challenge(server: TestServer) {
        let answer = server.anonymous().get("/v1/tokens").await;

        answer.expect(expect![[r#"
            401 {
              "type": "/docs/problems#credential_missing",
              "title": "Credential missing",
              "status": 401,
              "code": "credential_missing",
              "detail": "present a token: `Authorization: Bearer …`",
              "request_id": "req_n4wyp0w8rac7neymhn"
            }"#]]);
        expect![[r#"401 credential_missing Bearer realm="claviger""#]].assert_eq(&shape(&answer));
    }
}

on_both_stores! {
    async fn a_missing_scope_is_in_the_challenge(server: TestServer) {
        let reader = server.token().scopes(["tokens:read"]).issue().await;

        let answer = reader.post("/v1/peppers/rotate", Value::Null).await;

        answer.expect(expect![[r#"
            403 {
              "type": "/docs/problems#insufficient_scope",
              "title": "Insufficient scope",
              "status": 403,
              "code": "insufficient_scope",
              "detail": "the presented token lacks `system:write`",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
        expect![[r#"403 insufficient_scope Bearer realm="claviger", error="insufficient_scope", scope="system:write""#]].assert_eq(&shape(&answer));
    }
}

on_both_stores! {
    async fn another_products_name_for_a_credential_in_the_query_is_refused_on_every_route(server: TestServer) {
        let admin = server.admin();

        for operation in OPERATIONS {
            let path = operation.path.replace("{id}", admin.id());
            for parameter in ["access_token", "api_key", "API_KEY", "%61pi_key"] {
                let address = format!("{path}?{parameter}={}", admin.secret());
                for caller in [server.anonymous(), admin] {
                    let answer = caller.request(operation.method(), &address, operation.body()).await;
                    let code = answer.problem_code();
                    assert_eq!(code.as_deref(), Some("token_in_query"), "{} {path} {parameter}", operation.method);
                    assert!(!answer.body.contains(admin.secret()));
                }
            }
        }
        let shown = server.anonymous().get(&format!("/v1/tokens?api_key={}", admin.secret())).await;
        shown.expect(expect![[r#"
            400 {
              "type": "/docs/problems#token_in_query",
              "title": "Token in query",
              "status": 400,
              "code": "token_in_query",
              "detail": "the query parameter `api_key` is not accepted; send the token in the header `Authorization: Bearer …`, and revoke it if the address was logged on the way",
              "request_id": "req_n4wyp8gxkk585xbm2v"
            }"#]]);
        assert!(server.log_lines().iter().all(|line| !line.contains(admin.secret())), "nor is it logged");
    }
}

on_both_stores! {
    async fn a_mutation_without_a_credential_changes_nothing(server: TestServer) {
        let admin = server.admin();
        let before = admin.get("/v1/audit/events?limit=1").await.json();

        for operation in OPERATIONS.iter().filter(|operation| operation.is_guarded()) {
            let path = operation.path.replace("{id}", admin.id());
            let mut body = operation.body();
            if let Some(fields) = body.as_object_mut() {
                fields.insert("user_id".into(), admin.record()["owner"].clone());
            }
            let answer = server.anonymous().request(operation.method(), &path, body).await;
            assert_eq!(answer.status, 401, "{} {path}: {}", operation.method, answer.text());
        }

        assert_eq!(admin.get("/v1/audit/events?limit=1").await.json(), before, "no event, so no change");
        admin.get("/v1/tokens/self").await.expect_status(200);
    }
}

on_both_stores! {
    async fn every_answer_tells_a_browser_to_do_nothing_with_it(server: TestServer) {
        let admin = server.admin();
        let answers = [
            admin.get("/v1/tokens").await,
            admin.post("/v1/tokens", json!({ "name": "ci bot", "scopes": ["tokens:read"] })).await,
            admin.post("/v1/verify", json!({ "token": "x" })).await,
            admin.get("/v1/tokens/tok_0000000000001").await,
            server.anonymous().get("/v1/tokens").await,
            server.anonymous().get("/nowhere").await,
            server.anonymous().get("/v1/tokens?token=x").await,
            server.anonymous().delete("/v1/verify").await,
            server.anonymous().get("/healthz").await,
            server.anonymous().get("/metrics").await,
        ];

        for answer in answers {
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{}", answer.text());
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
            assert_eq!(answer.header("content-security-policy"), Some("default-src 'none'; frame-ancestors 'none'"));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert!(answer.header("x-request-id").is_some());
            assert_eq!(answer.header("access-control-allow-origin"), None, "no other origin reads an answer");
        }
    }
}
