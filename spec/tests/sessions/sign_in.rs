//! `POST /v1/sessions`: who gets in, what they get, and what others learn.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{live, outcome, over, own, signed_in, try_sign_in};
use crate::asking::{actions_about, rows, text, whole_list};
use crate::people::{PASSWORD, joined, path_of};
use crate::scan::Scanner;
use crate::secrets_at_rest::dump;
use crate::tamper::Database;

on_both_stores! {
    async fn a_person_signs_in_and_gets_a_cookie_that_scripts_and_other_sites_do_not_get(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;

        let answer = try_sign_in(&server, "GRACE@example.org", PASSWORD).await;

        answer.expect(expect![[r#"
            201 {
              "id": "ses_1m81b5h800006",
              "user": "usr_1m81b5h800004",
              "current": true,
              "created_at": "2026-11-22T10:00:00Z",
              "signed_in_at": "2026-11-22T10:00:00Z",
              "last_seen_at": "2026-11-22T10:00:00Z",
              "idle_ends_at": "2026-11-22T10:30:00Z",
              "ends_at": "2026-11-22T22:00:00Z",
              "address": "127.0.0.1"
            }"#]]);
        assert_eq!(answer.at("/user"), text(&user, "/id"));
        let header = |name| answer.header(name).unwrap();
        expect!["__Host-claviger-session=clvb_v3mcGdPGPdOBENZZvCt4zan8L7ZNqo7f0Wp5q5; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=43200"].assert_eq(header("set-cookie"));
        assert_eq!(header("cache-control"), "no-store");
        assert!(!answer.body.contains("clvb_"), "the secret is in the cookie alone");
        assert_eq!(actions_about(&server, &answer.at("/id")).await, ["session.started"]);
    }
}

on_both_stores! {
    async fn nobody_learns_from_a_refusal_whether_there_is_an_account(server: TestServer) {
        joined(&server, "grace@example.org", "member").await;
        let (gone, _) = joined(&server, "gone@example.org", "member").await;
        server.admin().post(&format!("{}/deactivate", path_of(&gone)), Value::Null).await.expect_status(200);
        let shape = |answer: &claviger_testkit::Answer| {
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("request_id");
            let mut headers = answer.headers.clone();
            for changing in ["x-request-id", "date"] {
                headers.remove(changing);
            }
            format!("{} {body} {headers:?}", answer.status)
        };
        let refused = try_sign_in(&server, "nobody@example.org", PASSWORD).await;

        assert_eq!(outcome(&refused), (401, "sign_in_failed".to_owned()));
        assert_eq!(refused.header("www-authenticate"), Some(r#"Bearer realm="claviger""#));
        for (email, password) in [
            ("grace@example.org", "wrong horse battery"),
            ("grace@example.org", ""),
            ("grace@example.org", &"x".repeat(10_000)),
            ("gone@example.org", PASSWORD),
            ("admin@example.org", PASSWORD),
        ] {
            let answer = try_sign_in(&server, email, password).await;
            assert_eq!(shape(&answer), shape(&refused), "{email}");
        }
    }
}

on_both_stores! {
    async fn after_five_wrong_ones_a_known_and_an_unknown_account_wait_alike(server: TestServer) {
        joined(&server, "grace@example.org", "member").await;
        let mut said = String::new();

        for email in ["grace@example.org", "nobody@example.org"] {
            for _ in 0..5 {
                assert_eq!(try_sign_in(&server, email, "wrong horse battery").await.status, 401);
            }
            server.clock().advance(Duration::from_secs(60));
            let answer = try_sign_in(&server, email, PASSWORD).await;
            writeln!(said, "{} {}", answer.status, answer.header("retry-after").unwrap_or_default()).unwrap();
        }

        assert_eq!(said, "429 840\n429 840\n");
        server.clock().advance(Duration::from_secs(839));
        assert_eq!(try_sign_in(&server, "nobody@example.org", PASSWORD).await.status, 429);
        assert_eq!(try_sign_in(&server, "grace@example.org", PASSWORD).await.status, 201, "hers began a minute before");
    }
}

on_both_stores! {
    async fn an_address_guesses_at_twenty_and_no_more(server: TestServer) {
        joined(&server, "grace@example.org", "member").await;
        for number in 0..20 {
            let answer = try_sign_in(&server, &format!("nobody{number}@example.org"), PASSWORD).await;
            assert_eq!(answer.status, 401);
        }

        let refused = try_sign_in(&server, "grace@example.org", PASSWORD).await;

        assert_eq!(outcome(&refused), (429, "too_many_attempts".to_owned()), "even with the right one");
        assert_eq!(refused.header("retry-after"), Some("900"));
        server.clock().advance(Duration::from_secs(900));
        assert_eq!(try_sign_in(&server, "grace@example.org", PASSWORD).await.status, 201);
    }
}

on_both_stores! {
    async fn failed_sign_ins_are_in_the_audit_trail_once_however_many(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "member").await;
        for _ in 0..4 {
            try_sign_in(&server, "grace@example.org", "wrong horse battery").await.expect_status(401);
        }
        grace.post("/v1/sessions/self/confirm", json!({ "password": "wrong" })).await.expect_status(403);
        try_sign_in(&server, "grace@example.org", PASSWORD).await.expect_status(429);
        try_sign_in(&server, "nobody@example.org", PASSWORD).await.expect_status(401);

        server.flush().await;
        server.flush().await;

        let path = "/v1/audit/events?action=user.sign_in_failed";
        let events = whole_list(server.admin(), path).await;
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!(events[0]["subject"], user["id"]);
        assert_eq!(events[0]["actor"], "system");
        assert_eq!(events[0]["address"], "127.0.0.1");
        assert_eq!(events[0]["detail"], json!({ "wrong": 5, "throttled": 1 }));
        let metrics = server.anonymous().get("/metrics").await.body;
        assert!(metrics.contains("claviger_failed_sign_ins_total 7"), "{metrics}");
    }
}

on_both_stores! {
    async fn whoever_signs_in_again_with_the_same_browser_leaves_the_session_before(server: TestServer) {
        let (_, before) = signed_in(&server, "grace@example.org", "member").await;
        let elsewhere = server.signed_in("grace@example.org", PASSWORD).await;
        let body = json!({ "email": "grace@example.org", "password": PASSWORD });

        before.post("/v1/sessions", json!({ "email": "grace@example.org", "password": "wrong" })).await.expect_status(401);
        assert_eq!(own(&before).await, live(), "a failed sign-in ends nothing");
        let again = before.post("/v1/sessions", body).await;

        again.expect_status(201);
        assert_ne!(again.at("/id"), before.id());
        assert_eq!(own(&before).await, over());
        assert_eq!(own(&server.anonymous().cookie(again.cookie().unwrap())).await, live());
        assert_eq!(own(&elsewhere).await, live(), "another browser's stays");
        let ended = whole_list(server.admin(), &format!("/v1/audit/events?subject={}&action=session.ended", before.id())).await;
        assert_eq!(ended[0]["detail"], json!({ "reason": "replaced" }));
    }
}

on_both_stores! {
    async fn with_the_fifty_first_session_the_oldest_ends(server: TestServer) {
        let (user, first) = signed_in(&server, "grace@example.org", "member").await;
        let second = server.signed_in("grace@example.org", PASSWORD).await;
        for _ in 2..50 {
            server.signed_in("grace@example.org", PASSWORD).await;
        }
        assert_eq!(own(&first).await, live(), "there are fifty");

        let last = server.signed_in("grace@example.org", PASSWORD).await;

        assert_eq!((own(&first).await, own(&second).await, own(&last).await), (over(), live(), live()));
        assert_eq!(rows(&last.get("/v1/sessions?limit=200").await).len(), 50);
        assert_eq!(text(&user, "/id"), last.record()["user"]);
    }
}

on_both_stores! {
    async fn no_secret_of_a_session_is_written_anywhere(mut server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        let answer = grace.post("/v1/sessions/self/confirm", json!({ "password": PASSWORD })).await;
        let cookie = answer.expect_status(200).cookie().unwrap().to_owned();
        let secret = cookie.split_once('=').unwrap().1.to_owned();
        let other = server.anonymous().cookie(&cookie);
        other.get(&format!("/v1/sessions?user={secret}")).await.expect_status(400);
        server.bearer(&secret).get("/v1/tokens/self").await.expect_status(401);
        other.get("/v1/users/self").await.expect_status(200);
        server.flush().await;
        let scanner = Scanner::of([secret.as_bytes(), &secret.as_bytes()[5..37], PASSWORD.as_bytes()]);

        let cells = dump(&Database::of(&server).await).await;

        assert_eq!(scanner.hits(&cells), Vec::<&str>::new(), "the tables");
        assert_eq!(scanner.hits(server.log_lines().join("\n").as_bytes()), Vec::<&str>::new(), "the log");
        assert!(server.log_lines().concat().contains(grace.id()), "the log names the session by its id");
        server.restart().await;
        assert_eq!(own(&other).await, live(), "a restart signs nobody out");
    }
}

on_both_stores! {
    async fn a_session_survives_one_rotation_of_the_pepper(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        server.admin().post("/v1/peppers/rotate", Value::Null).await.expect_status(200);
        assert_eq!(own(&grace).await, live());

        server.flush().await;
        server.admin().post("/v1/peppers/retire", json!({ "revoke_stragglers": true })).await.expect_status(200);

        assert_eq!(own(&grace).await, over(), "and goes with its pepper");
    }
}
