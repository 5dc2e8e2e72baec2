//! Whence a token is accepted: networks, behind trusted proxies only.

use claviger_testkit::{Backend, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{refused_fields, text};
use crate::raw::Raw;

const BOTH: [Backend; 2] = [Backend::Sqlite, Backend::Postgres];

async fn status(caller: &Caller) -> u16 {
    caller.get("/v1/tokens/self").await.status
}

async fn verdict(server: &TestServer, token: &Caller, address: Option<&str>) -> String {
    let mut body = json!({ "token": token.secret() });
    if let Some(address) = address {
        body["address"] = address.into();
    }
    server
        .admin()
        .post("/v1/verify", body)
        .await
        .expect_status(200)
        .at("/code")
}

on_both_stores! {
    async fn a_token_is_accepted_from_its_networks_only(server: TestServer) {
        let here = server.token().field("networks", json!(["127.0.0.0/8", "::1/128"])).issue().await;
        let there = server.token().field("networks", json!(["10.0.0.0/8", "2001:db8::/32"])).issue().await;
        let nowhere = server.token().field("networks", json!([])).issue().await;

        assert_eq!([status(&here).await, status(&there).await, status(&nowhere).await], [200, 401, 401]);
        for (address, expected) in [
            (None, "restricted"),
            (Some("10.1.2.3"), "valid"),
            (Some("::ffff:10.1.2.3"), "valid"),
            (Some("2001:db8::7"), "valid"),
            (Some("11.0.0.1"), "restricted"),
            (Some("::"), "restricted"),
        ] {
            assert_eq!(verdict(&server, &there, address).await, expected, "{address:?}");
        }
        assert_eq!(verdict(&server, &nowhere, Some("10.1.2.3")).await, "restricted");
        assert_eq!(there.record()["networks"], json!(["10.0.0.0/8", "2001:db8::/32"]));
    }
}

on_both_stores! {
    async fn a_forged_header_moves_nobody(server: TestServer) {
        let there = server.token().field("networks", json!(["10.0.0.0/8"])).issue().await;

        for name in ["x-forwarded-for", "forwarded", "x-real-ip", "client-ip", "true-client-ip", "cf-connecting-ip"] {
            for value in ["10.1.2.3", "for=10.1.2.3", "127.0.0.1, 10.1.2.3"] {
                assert_eq!(status(&there.header(name, value)).await, 401, "{name}: {value}");
            }
        }
    }
}

on_both_stores! {
    async fn networks_that_make_no_sense_are_refused(server: TestServer) {
        let texts = json!(["10.0.0.0/8", "10.0.0.1/8", "10.0.0.0/33", "example.org"]);
        let refused = server.token().field("networks", texts).try_issue().await;
        let many = server.token().field("networks", vec!["10.0.0.0/8"; 101]).try_issue().await;

        expect![[r#"
            networks[1] network_host_bits
            networks[2] network_malformed
            networks[3] network_malformed"#]].assert_eq(&refused_fields(&refused).join("\n"));
        assert!(refused.at("/errors/0/detail").contains("did you mean `10.0.0.0/8`?"));
        assert_eq!(refused_fields(&many), ["networks networks_too_many"]);
    }
}

on_both_stores! {
    async fn whoever_is_bound_to_networks_makes_only_what_is(server: TestServer) {
        let bound = server.token().field("networks", json!(["127.0.0.0/9", "127.128.0.0/9"])).issue().await;
        let child = |networks: Value| server.token().issued_by(&bound).field("networks", networks);

        for networks in [Value::Null, json!(["10.0.0.0/8"]), json!(["126.0.0.0/7"]), json!(["127.0.0.1", "::1"])] {
            let refused = child(networks.clone()).try_issue().await;
            assert_eq!(refused_fields(&refused), ["networks networks_exceed_caller"], "{networks}");
        }
        child(json!(["127.0.0.0/8"])).issue().await;
        child(json!([])).issue().await;
    }
}

on_both_stores! {
    async fn networks_change_at_once_and_can_be_lifted(server: TestServer) {
        let ci = server.token().issue().await;
        let path = format!("/v1/tokens/{}", ci.id());
        let update = async |networks: Value| {
            let changed = server.admin().patch(&path, json!({ "networks": networks })).await;
            changed.expect_status(200).json()["token"]["networks"].clone()
        };

        assert_eq!(update(json!(["10.0.0.0/8"])).await, json!(["10.0.0.0/8"]));
        assert_eq!(status(&ci).await, 401);
        assert_eq!(update(Value::Null).await, Value::Null);
        assert_eq!(status(&ci).await, 200);
    }
}

on_both_stores! {
    async fn an_explanation_names_the_networks(server: TestServer) {
        let ci = server.token().field("networks", json!(["10.0.0.0/8"])).issue().await;
        let explain = async |address: Value| {
            let body = json!({ "token": ci.id(), "scopes": ["deployments:write"], "address": address });
            server.admin().post("/v1/explain", body).await.expect_status(200).json()
        };

        assert_eq!(explain(json!("10.1.2.3")).await["allowed"], true);
        let elsewhere = explain(json!("192.0.2.1")).await;
        assert_eq!(text(&elsewhere, "/obstacles/0/code"), "outside_networks");
        assert_eq!(explain(Value::Null).await["allowed"], true, "whence it comes was not asked");
    }
}

/// Everything a chain of proxies can say, by what the listener believes.
#[tokio::test]
async fn the_address_is_read_past_trusted_proxies_only() {
    // What is trusted, which header, its value, and whether the client is in 10.0.0.0/8 then.
    const CASES: [(&str, &str, &str, bool); 12] = [
        ("127.0.0.1", "x-forwarded-for", "10.1.2.3", true),
        ("127.0.0.1", "x-forwarded-for", "10.1.2.3, 192.0.2.1", false),
        ("127.0.0.1", "x-forwarded-for", "192.0.2.1, 10.1.2.3", true),
        ("127.0.0.1", "x-forwarded-for", "10.1.2.3, nonsense", false),
        ("127.0.0.1", "x-forwarded-for", "10.1.2.3,", false),
        ("127.0.0.1", "x-forwarded-for", "::ffff:10.1.2.3", true),
        ("127.0.0.1", "x-forwarded-for", "10.1.2.3:4711", true),
        ("127.0.0.1", "forwarded", "for=10.1.2.3", false),
        ("192.0.2.0/24", "x-forwarded-for", "10.1.2.3", false),
        (
            "127.0.0.1, 192.0.2.0/24",
            "x-forwarded-for",
            "10.1.2.3, 192.0.2.1",
            true,
        ),
        (
            "127.0.0.1, 192.0.2.0/24",
            "x-forwarded-for",
            "10.1.2.3, 203.0.113.1, 192.0.2.1",
            false,
        ),
        ("unix", "x-forwarded-for", "10.1.2.3", false),
    ];
    for backend in BOTH {
        for (trusted, header, value, expected) in CASES {
            let server = TestServer::builder()
                .backend(backend)
                .setting("trusted_proxies", trusted)
                .start()
                .await;
            let there = server
                .token()
                .field("networks", json!(["10.0.0.0/8"]))
                .issue()
                .await;
            let shown = format!("trusted {trusted}: {header}: {value}");

            let asked = status(&there.header(header, value)).await;
            assert_eq!(asked == 200, expected, "{shown}");
            let plain = verified_raw(&server, &there, &format!("{header}: {value}"));
            assert_eq!(
                plain == "200 valid",
                expected,
                "on the express lane: {shown}: {plain}"
            );
        }
    }
}

/// A plain question whose asker and subject are this token, with one more header field.
fn verified_raw(server: &TestServer, token: &Caller, field: &str) -> String {
    let body = json!({ "token": token.secret() }).to_string();
    let mut raw = Raw::connect(server);
    raw.send(format!(
        "POST /v1/verify HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n{field}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        token.secret(),
        body.len()
    ));
    let answer = raw.answer();
    let said: Value = serde_json::from_str(&answer.body).unwrap();
    format!("{} {}", answer.status, text(&said, "/code"))
}

#[tokio::test]
async fn audit_trail_last_use_and_failures_see_the_proven_address() {
    for backend in BOTH {
        let server = TestServer::builder()
            .backend(backend)
            .setting("trusted_proxies", "127.0.0.0/8")
            .setting("proxy_header", "forwarded")
            .setting("limits.failures", "1")
            .start()
            .await;
        let forwarded = |caller: &Caller, address: &str| {
            let spoofed = caller.header("x-forwarded-for", "1.1.1.1");
            spoofed.header("forwarded", &format!("for=9.9.9.9, for={address};proto=https"))
        };
        let ci = server.token().issue().await;

        forwarded(&ci, "203.0.113.9")
            .post("/v1/deployments", json!({ "service": "a", "version": "1" }))
            .await
            .expect_status(201);

        let record = server.admin().get(&format!("/v1/tokens/{}", ci.id())).await;
        assert_eq!(record.at("/last_used_address"), "203.0.113.9");
        let events = server
            .admin()
            .get("/v1/audit/events?action=deployment.reported")
            .await;
        assert_eq!(events.at("/data/0/address"), "203.0.113.9");
        let guess = async |address: &str| status(&forwarded(&server.bearer("nonsense"), address)).await;
        assert_eq!(
            [guess("203.0.113.9").await, guess("203.0.113.9").await],
            [401, 429]
        );
        assert_eq!(
            guess("203.0.113.10").await,
            401,
            "another client of the same proxy"
        );
    }
}
