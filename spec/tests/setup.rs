//! `POST /v1/setup` and `claviger init`: the first administrator, once, from the machine itself.

use std::time::Duration;

use claviger_testkit::{Backend, TestServer};
use expect_test::expect;
use serde_json::{Value, json};

async fn fresh(backend: Backend) -> (TestServer, String) {
    let server = TestServer::builder()
        .backend(backend)
        .without_administrator()
        .start()
        .await;
    let code = server
        .service()
        .setup_code()
        .await
        .unwrap()
        .expect("there is no administrator yet");
    (server, code)
}

fn setup(code: &str) -> Value {
    json!({ "code": code, "email": "ada@example.org", "organization": "Example" })
}

#[tokio::test]
async fn whoever_brings_the_code_is_the_administrator() {
    for backend in Backend::all() {
        let (server, code) = fresh(backend).await;

        let answer = server.anonymous().post("/v1/setup", setup(&code)).await;

        let admin = server.bearer(&answer.at("/secret"));
        admin.get("/v1/peppers").await.expect_status(200);
        assert_eq!(
            admin.get("/v1/audit/events").await.json()["data"]
                .as_array()
                .unwrap()
                .len(),
            2
        );
        if backend == Backend::Sqlite {
            answer.expect(expect![[r#"
                201 {
                  "secret": "clvp_51thF14lAfgNgURbosTeXCu28UKWiWFq0ygstc",
                  "token": {
                    "id": "tok_1m81b5h800002",
                    "type": "personal",
                    "name": "first administrator",
                    "description": "",
                    "reason": "made by the operator at the machine",
                    "scopes": [
                      "tokens:read",
                      "tokens:write",
                      "tokens:verify",
                      "deployments:read",
                      "deployments:write",
                      "audit:read",
                      "system:write",
                      "teams:read",
                      "teams:write",
                      "services:read",
                      "services:write",
                      "environments:read",
                      "environments:write",
                      "users:read",
                      "users:write",
                      "roles:read",
                      "roles:write",
                      "webhooks:read",
                      "webhooks:write"
                    ],
                    "hint": "gstc",
                    "state": "live",
                    "owner": "usr_1m81b5h800001",
                    "team": null,
                    "service": null,
                    "restrictions": null,
                    "roles": [{"role": "super-admin", "teams": "*", "environments": "*", "names": "*"}],
                    "networks": null,
                    "rate_limit": null,
                    "quota": null,
                    "allow_query": false,
                    "created_at": "2026-11-22T10:00:00Z",
                    "created_by": "usr_1m81b5h800001",
                    "updated_at": "2026-11-22T10:00:00Z",
                    "expires_at": "2027-02-20T10:00:00Z",
                    "regenerated_at": null,
                    "previous": null,
                    "last_used_at": null,
                    "last_used_address": null,
                    "last_used_in": null,
                    "revoked_at": null,
                    "revoked_by": null,
                    "revoke_reason": null,
                    "revoke_note": null
                  },
                  "receipt": {"epoch": 2, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
                }"#]]);
            admin.get("/v1/audit/events").await.expect(expect![[r#"
                200 {
                  "data": [
                    {
                      "seq": 2,
                      "at": "2026-11-22T10:00:00Z",
                      "actor": "operator",
                      "via": null,
                      "action": "token.issued",
                      "subject": "tok_1m81b5h800002",
                      "detail": {
                        "expires_at": "2027-02-20T10:00:00Z",
                        "hint": "gstc",
                        "holder": "usr_1m81b5h800001",
                        "name": "first administrator",
                        "reason": "made by the operator at the machine",
                        "restrictions": null,
                        "roles": [{"environments": "*", "names": "*", "role": "super-admin", "teams": "*"}],
                        "scopes": [
                          "tokens:read",
                          "tokens:write",
                          "tokens:verify",
                          "deployments:read",
                          "deployments:write",
                          "audit:read",
                          "system:write",
                          "teams:read",
                          "teams:write",
                          "services:read",
                          "services:write",
                          "environments:read",
                          "environments:write",
                          "users:read",
                          "users:write",
                          "roles:read",
                          "roles:write",
                          "webhooks:read",
                          "webhooks:write"
                        ],
                        "terms": null,
                        "type": "personal"
                      },
                      "request_id": "req_n4wyp61ckmtz7wvvzh",
                      "address": "127.0.0.1",
                      "hash": "1e6cee45754d4ef956ed7b0b2d629a14a1ab4c229906bf1a3be9250895396cbe"
                    },
                    {
                      "seq": 1,
                      "at": "2026-11-22T10:00:00Z",
                      "actor": "operator",
                      "via": null,
                      "action": "setup.completed",
                      "subject": "usr_1m81b5h800001",
                      "detail": {"organization": "Example", "role": "super_admin"},
                      "request_id": "req_n4wyp61ckmtz7wvvzh",
                      "address": "127.0.0.1",
                      "hash": "836385c42b806b91d0480f4bc66949196397e39d2eaf5c0427b101f2e9d82aa9"
                    }
                  ],
                  "next_cursor": null
                }"#]]);
        }
        assert!(
            !server.log_lines().concat().contains(&code),
            "the code is printed, never logged"
        );
    }
}

#[tokio::test]
async fn a_second_set_up_is_refused_for_good() {
    for backend in Backend::all() {
        let (mut server, code) = fresh(backend).await;
        server
            .anonymous()
            .post("/v1/setup", setup(&code))
            .await
            .expect_status(201);

        for body in [setup(&code), setup("anything")] {
            let again = server.anonymous().post("/v1/setup", body).await;
            assert_eq!(
                (again.status, again.problem_code().as_deref()),
                (410, Some("setup_completed"))
            );
        }

        server.restart().await;
        assert_eq!(
            server.service().setup_code().await.unwrap(),
            None,
            "and no new code is made"
        );
        server
            .anonymous()
            .post("/v1/setup", setup(&code))
            .await
            .expect_status(410);
    }
}

#[tokio::test]
async fn a_wrong_code_makes_nobody_an_administrator() {
    let (server, code) = fresh(Backend::Sqlite).await;
    let mut mistyped = code.clone();
    mistyped.replace_range(..1, if code.starts_with('0') { "1" } else { "0" });

    for wrong in [
        mistyped.as_str(),
        "",
        "0",
        &code[1..],
        &format!("{code}0"),
        &code.to_uppercase().replace(|c: char| c.is_numeric(), "x"),
    ] {
        let answer = server.anonymous().post("/v1/setup", setup(wrong)).await;
        assert_eq!(
            (answer.status, answer.problem_code().as_deref()),
            (403, Some("setup_code_invalid")),
            "{wrong}"
        );
    }

    assert!(server.service().needs_setup().await.unwrap());
    server
        .anonymous()
        .post("/v1/setup", setup(&code))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn the_code_is_good_for_15_minutes() {
    let (server, code) = fresh(Backend::Sqlite).await;
    server.clock().advance(Duration::from_secs(15 * 60));

    let late = server.anonymous().post("/v1/setup", setup(&code)).await;

    late.expect(expect![[r#"
        410 {
          "type": "/docs/problems#setup_code_expired",
          "title": "Setup code expired",
          "status": 410,
          "code": "setup_code_expired",
          "detail": "the set-up code is too old; restart the server to get a new one",
          "request_id": "req_n4wyp61ckmtz7wvvzh"
        }"#]]);
    let new = server.service().setup_code().await.unwrap().unwrap();
    server.clock().advance(Duration::from_secs(15 * 60 - 1));
    server
        .anonymous()
        .post("/v1/setup", setup(&new))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn a_clock_that_was_set_back_prolongs_no_code() {
    let (server, code) = fresh(Backend::Sqlite).await;
    server.clock().advance(Duration::from_secs(15 * 60));
    server.clock().set("2020-01-01T00:00:00Z".parse().unwrap());

    let late = server.anonymous().post("/v1/setup", setup(&code)).await;

    assert_eq!(late.problem_code().as_deref(), Some("setup_code_expired"));
}

#[tokio::test]
async fn of_16_at_once_exactly_one_wins() {
    for backend in Backend::all() {
        let (server, code) = fresh(backend).await;

        let calls: Vec<_> = (0..16)
            .map(|place| {
                let anonymous = server.anonymous().clone();
                let mut body = setup(&code);
                body["email"] = json!(format!("ada{place}@example.org"));
                tokio::spawn(async move { anonymous.post("/v1/setup", body).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for call in calls {
            outcomes.push(call.await.unwrap());
        }

        let won: Vec<_> = outcomes.iter().filter(|answer| answer.status == 201).collect();
        assert_eq!(won.len(), 1);
        let lost = outcomes.iter().filter(|answer| {
            matches!(
                answer.problem_code().as_deref(),
                Some("setup_completed" | "setup_code_expired")
            )
        });
        assert_eq!(lost.count(), 15);
        let admin = server.bearer(&won[0].at("/secret"));
        assert_eq!(
            admin.get("/v1/tokens").await.json()["data"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn a_refused_address_uses_no_code_up() {
    let (server, code) = fresh(Backend::Sqlite).await;
    let mut body = setup(&code);
    body["email"] = json!("not an address");

    let refused = server.anonymous().post("/v1/setup", body).await;

    refused.expect(expect![[r#"
        400 {
          "type": "/docs/problems#input_invalid",
          "title": "Input invalid",
          "status": 400,
          "code": "input_invalid",
          "detail": "`email`: not an e-mail address such as `ada@example.org`",
          "request_id": "req_n4wyp61ckmtz7wvvzh",
          "errors": [
            {
              "field": "email",
              "code": "email_invalid",
              "detail": "not an e-mail address such as `ada@example.org`"
            }
          ]
        }"#]]);
    server
        .anonymous()
        .post("/v1/setup", setup(&code))
        .await
        .expect_status(201);
}

#[tokio::test]
async fn before_the_set_up_nothing_else_is_open() {
    let (server, _) = fresh(Backend::Sqlite).await;

    server.anonymous().get("/v1/tokens").await.expect_status(401);
    server.anonymous().get("/healthz").await.expect_status(200);
    server.anonymous().get("/readyz").await.expect_status(200);
}

/// The same service, called by somebody at another address: no test opens a port to the world.
async fn from_address(server: &TestServer, address: &str, headers: &[(&str, &str)], code: &str) -> u16 {
    use http_body_util::{BodyExt as _, Full};
    use hyper::service::Service as _;

    let app = claviger_http::App::new(
        server.service().clone(),
        Default::default(),
        Default::default(),
        Default::default(),
    )
    .unwrap();
    let mut request = http::Request::post("/v1/setup")
        // What a caller from elsewhere may say too; it proves nothing.
        .header("host", "localhost")
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Full::from(setup(code).to_string())).unwrap();
    request
        .extensions_mut()
        .insert(claviger_http::Peer::Tcp(address.parse().unwrap()));
    let response = claviger_http::service(app).call(request).await.unwrap();
    let status = response.status().as_u16();
    let Ok(body) = response.into_body().collect().await else {
        panic!("half an answer")
    };
    if status == 403 {
        assert!(String::from_utf8_lossy(&body.to_bytes()).contains("setup_not_local"));
    }
    status
}

#[tokio::test]
async fn the_code_is_good_on_the_machine_itself_only() {
    let (server, code) = fresh(Backend::Sqlite).await;
    let spoofed = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
    ];

    for address in [
        "203.0.113.9:1",
        "10.0.0.1:1",
        "[2001:db8::1]:1",
        "[::ffff:203.0.113.9]:1",
        "0.0.0.0:1",
    ] {
        assert_eq!(from_address(&server, address, &[], &code).await, 403, "{address}");
        assert_eq!(
            from_address(&server, address, &spoofed, &code).await,
            403,
            "{address} says that it is local"
        );
    }
    for forwarded in &spoofed {
        let proxied = from_address(&server, "127.0.0.1:1", &[*forwarded], &code).await;
        assert_eq!(
            proxied, 403,
            "a proxy on this machine speaks for somebody elsewhere: {forwarded:?}"
        );
    }
    assert_eq!(
        from_address(&server, "[::ffff:127.0.0.1]:1", &[], &code).await,
        201,
        "loopback in IPv6 clothes"
    );
}

mod program {
    //! `claviger init` and `claviger serve`, as programs.

    use claviger_testkit::binary::ChildServer;
    use serde_json::json;

    #[tokio::test]
    async fn init_makes_the_administrator_and_only_once() {
        let home = tempfile::tempdir().unwrap();
        let mut server = ChildServer::new(&home.path().join("data"), &home.path().join("log")).unwrap();

        let token = server.init().unwrap();
        let again = server.init().unwrap_err().to_string();

        assert!(token.starts_with("clvp_") && token.len() == 43);
        assert!(again.contains("administrator"), "{again}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        server.start(&http).await.unwrap();
        let own = http
            .get(format!("{}/v1/tokens/self", server.base_url()))
            .bearer_auth(&token)
            .send()
            .await
            .unwrap();
        assert_eq!(own.status(), 200);
        let setup = json!({ "code": "x", "email": "eve@example.org" });
        let late = http
            .post(format!("{}/v1/setup", server.base_url()))
            .json(&setup)
            .send()
            .await
            .unwrap();
        assert_eq!(late.status(), 410);
        let beside = server.init().unwrap_err().to_string();
        assert!(
            beside.contains("use"),
            "it says that a server holds the data: {beside}"
        );
    }

    #[tokio::test]
    async fn two_installations_share_no_key_byte_for_byte() {
        let mut keys = Vec::new();
        for _ in 0..2 {
            let home = tempfile::tempdir().unwrap();
            let data = home.path().join("data");
            ChildServer::new(&data, &home.path().join("log"))
                .unwrap()
                .init()
                .unwrap();
            keys.push(std::fs::read_to_string(data.join("keys/peppers")).unwrap());
        }

        let words = |text: &str| -> Vec<String> {
            text.split_whitespace()
                .filter(|word| word.len() == 64)
                .map(str::to_owned)
                .collect()
        };
        let (first, second) = (words(&keys[0]), words(&keys[1]));
        assert!(first.len() >= 2, "a pepper and the audit key");
        for (left, right) in first.iter().zip(&second) {
            assert_ne!(left, right);
            assert_ne!(&left[..16], &right[..16]);
        }
        assert_ne!(first[0], first[1], "nor do two keys of one installation");
    }
}
