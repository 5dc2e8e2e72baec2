//! `POST /v1/sessions/self/confirm`, and what needs a sign-in within the last five minutes (security.md §5, ASVS 7.5.3, RFC 9470).

use std::time::Duration;

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{live, outcome, over, own, signed_in};
use crate::asking::{actions_about, text};
use crate::people::{PASSWORD, joined, path_of};

const TICK: Duration = Duration::from_micros(1);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn refused() -> (u16, String) {
    (401, "step_up_required".to_owned())
}

async fn confirm(caller: &Caller, password: &str) -> Answer {
    let body = json!({ "password": password });
    caller.post("/v1/sessions/self/confirm", body).await
}

/// Everything that is most sensitive, each with the status that it has when it is done.
async fn sensitive(server: &TestServer) -> Vec<(&'static str, &'static str, String, Value, u16)> {
    let admin = server.admin();
    let global = server
        .token()
        .name("a global one")
        .scopes(["deployments:read"])
        .global()
        .expires_in_days(7)
        .issue()
        .await;
    let global = format!("/v1/tokens/{}", global.id());
    let (member, _) = joined(server, "member@example.org", "member").await;
    let (peer, _) = joined(server, "peer@example.org", "super_admin").await;
    let (gone, _) = joined(server, "gone@example.org", "super_admin").await;
    admin
        .post(&format!("{}/deactivate", path_of(&gone)), Value::Null)
        .await
        .expect_status(200);
    let tokens = || "/v1/tokens".to_owned();
    vec![
        (
            "a global token",
            "POST",
            tokens(),
            json!({ "name": "new global", "type": "global", "scopes": ["deployments:read"] }),
            201,
        ),
        (
            "a token with every scope",
            "POST",
            tokens(),
            json!({ "name": "all of mine", "scopes": ["*"] }),
            201,
        ),
        (
            "a wider global token",
            "PATCH",
            global.clone(),
            json!({ "scopes": ["deployments:read", "deployments:write"] }),
            200,
        ),
        (
            "a longer global token",
            "PATCH",
            global.clone(),
            json!({ "expires_in_days": 30 }),
            200,
        ),
        (
            "a new secret of one",
            "POST",
            format!("{global}/regenerate"),
            Value::Null,
            200,
        ),
        (
            "an invited super administrator",
            "POST",
            "/v1/invitations".to_owned(),
            json!({ "email": "new@example.org", "role": "super_admin" }),
            201,
        ),
        (
            "a promoted one",
            "PATCH",
            path_of(&member),
            json!({ "role": "super_admin" }),
            200,
        ),
        (
            "a reset of one's password",
            "POST",
            format!("{}/password-reset", path_of(&peer)),
            Value::Null,
            201,
        ),
        (
            "a reactivated one",
            "POST",
            format!("{}/reactivate", path_of(&gone)),
            Value::Null,
            200,
        ),
    ]
}

on_both_stores! {
    async fn what_is_most_sensitive_needs_a_recent_sign_in(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let asked = sensitive(&server).await;
        server.clock().advance(FIVE_MINUTES + TICK);
        for (what, method, path, body, _) in &asked {
            let answer = grace.request(method.parse().unwrap(), path, body.clone()).await;
            assert_eq!(outcome(&answer), refused(), "{what}");
        }
        let confirmed = confirm(&grace, PASSWORD).await;
        let grace = server.anonymous().cookie(confirmed.expect_status(200).cookie().unwrap());

        server.clock().advance(FIVE_MINUTES);

        for (what, method, path, body, status) in asked {
            let answer = grace.request(method.parse().unwrap(), &path, body).await;
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
        }
    }
}

on_both_stores! {
    async fn the_refusal_says_how_recent_it_must_be(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        server.clock().advance(FIVE_MINUTES + TICK);

        let answer = grace.post("/v1/tokens", json!({ "name": "all of mine", "scopes": ["*"] })).await;

        answer.expect(expect![[r#"
            401 {
              "type": "/docs/problems#step_up_required",
              "title": "Step up required",
              "status": 401,
              "code": "step_up_required",
              "detail": "this needs a sign-in within the last 5 minutes; confirm the password first",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
        expect![[r#"Bearer realm="claviger", error="insufficient_user_authentication", error_description="a more recent sign-in is required", max_age="300""#]].assert_eq(answer.header("www-authenticate").unwrap());
    }
}

on_both_stores! {
    async fn what_is_not_so_sensitive_needs_none(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let (member, _) = joined(&server, "member@example.org", "member").await;
        let global = server.token().scopes(["deployments:read"]).global().expires_in_days(30).issue().await;
        let global = format!("/v1/tokens/{}", global.id());
        let team = grace.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        server.clock().advance(Duration::from_secs(20 * 60));

        for (method, path, body, status) in [
            ("POST", "/v1/tokens".to_owned(), json!({ "name": "a narrow one", "scopes": ["deployments:write"] }), 201),
            ("POST", "/v1/tokens".to_owned(), json!({ "name": "a team's", "type": "team", "team": team, "scopes": ["*"] }), 201),
            ("PATCH", global.clone(), json!({ "name": "renamed", "expires_in_days": 7 }), 200),
            ("POST", "/v1/invitations".to_owned(), json!({ "email": "new@example.org" }), 201),
            ("POST", format!("{}/password-reset", path_of(&member)), Value::Null, 201),
            ("POST", format!("{}/deactivate", path_of(&member)), Value::Null, 200),
            ("POST", format!("{global}/revoke"), Value::Null, 200),
        ] {
            let answer = grace.request(method.parse().unwrap(), &path, body).await;
            assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        }
        assert_eq!(text(&user, "/role"), "super_admin");
    }
}

on_both_stores! {
    async fn a_token_with_the_power_needs_no_sign_in_and_is_named_in_the_trail(server: TestServer) {
        let asked = sensitive(&server).await;
        let robot = server.token().name("automation").never_expires().issue().await;
        server.clock().advance(Duration::from_secs(24 * 60 * 60));

        for (what, method, path, body, status) in asked {
            let answer = robot.request(method.parse().unwrap(), &path, body).await;
            assert_eq!(answer.status, status, "{what}: {}", answer.text());
        }

        let events = server.admin().get("/v1/audit/events?action=user.role_changed").await.json();
        assert_eq!(events["data"][0]["via"], robot.id());
    }
}

on_both_stores! {
    async fn a_confirmation_renews_the_sign_in_and_the_secret_but_not_the_end(server: TestServer) {
        let (_, before) = signed_in(&server, "grace@example.org", "member").await;
        server.clock().advance(Duration::from_secs(600));

        let answer = confirm(&before, PASSWORD).await;

        answer.expect(expect![[r#"
            200 {
              "id": "ses_1m81b5h800006",
              "user": "usr_1m81b5h800004",
              "current": true,
              "created_at": "2026-11-22T10:00:00Z",
              "signed_in_at": "2026-11-22T10:10:00Z",
              "last_seen_at": "2026-11-22T10:10:00Z",
              "idle_ends_at": "2026-11-22T10:40:00Z",
              "ends_at": "2026-11-22T22:00:00Z",
              "address": "127.0.0.1"
            }"#]]);
        let set = answer.header("set-cookie").unwrap();
        assert!(set.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=42600"), "{set}");
        let after = server.anonymous().cookie(answer.cookie().unwrap());
        assert_eq!((own(&before).await, own(&after).await), (over(), live()), "the old secret is void");
        assert_eq!(actions_about(&server, before.id()).await, ["session.started", "session.confirmed"]);
    }
}

on_both_stores! {
    async fn a_wrong_confirmation_changes_nothing_and_is_counted(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        server.clock().advance(FIVE_MINUTES + TICK);

        for _ in 0..5 {
            assert_eq!(outcome(&confirm(&grace, "wrong horse battery").await), (403, "password_wrong".to_owned()));
        }

        let refused_now = confirm(&grace, PASSWORD).await;
        assert_eq!(outcome(&refused_now), (429, "too_many_attempts".to_owned()));
        assert_eq!(own(&grace).await, live(), "the session goes on");
        let body = json!({ "name": "all of mine", "scopes": ["*"] });
        assert_eq!(outcome(&grace.post("/v1/tokens", body).await), refused());
    }
}

on_both_stores! {
    async fn a_clock_that_was_set_back_makes_no_sign_in_recent(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;

        server.clock().set("2026-11-22T09:59:59Z".parse().unwrap());

        let body = json!({ "name": "all of mine", "scopes": ["*"] });
        assert_eq!(outcome(&grace.post("/v1/tokens", body).await), refused());
    }
}
