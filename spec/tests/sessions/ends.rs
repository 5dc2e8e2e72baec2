//! How a session ends: by itself, by its person, by what happens to its person.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{live, outcome, over, own, signed_in};
use crate::asking::{text, whole_list};
use crate::busy::{Busy, until_queued};
use crate::people::{PASSWORD, path_of};
use crate::tamper::Database;

const MINUTE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_micros(1);

/// Why the session ended, as the audit trail says.
async fn reason(server: &TestServer, session: &str) -> String {
    let path = format!("/v1/audit/events?subject={session}&action=session.ended");
    let events = whole_list(server.admin(), &path).await;
    assert_eq!(events.len(), 1, "{events:?}");
    text(&events[0], "/detail/reason")
}

on_both_stores! {
    async fn a_session_ends_when_it_is_idle_for_half_an_hour(server: TestServer) {
        let (_, used) = signed_in(&server, "used@example.org", "member").await;
        let (_, idle) = signed_in(&server, "idle@example.org", "member").await;
        server.clock().advance(30 * MINUTE - TICK);
        assert_eq!(own(&used).await, live());

        server.clock().advance(TICK);

        assert_eq!(own(&idle).await, over());
        assert_eq!(own(&used).await, live());
        server.clock().set(claviger_testkit::START);
        assert_eq!(own(&idle).await, live(), "nobody ended it: time did, and went back");
    }
}

on_both_stores! {
    async fn a_last_use_is_written_once_a_minute(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        let seen = async || grace.get("/v1/sessions/self").await.at("/last_seen_at");

        server.clock().advance(MINUTE - TICK);
        assert_eq!(seen().await, "2026-11-22T10:00:00Z");
        server.clock().advance(TICK);
        assert_eq!(seen().await, "2026-11-22T10:01:00Z");
        let shown = grace.get("/v1/sessions/self").await;

        assert_eq!(shown.at("/idle_ends_at"), "2026-11-22T10:31:00Z");
        assert_eq!(shown.at("/ends_at"), "2026-11-22T22:00:00Z");
    }
}

on_both_stores! {
    async fn a_session_ends_after_twelve_hours_however_busy(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        for _ in 0..28 {
            server.clock().advance(25 * MINUTE);
            assert_eq!(own(&grace).await, live());
        }
        grace.post("/v1/sessions/self/confirm", json!({ "password": "wrong" })).await.expect_status(403);
        server.clock().advance(20 * MINUTE - TICK);
        let shown = grace.get("/v1/sessions/self").await;
        assert_eq!(shown.at("/idle_ends_at"), shown.at("/ends_at"));

        server.clock().advance(TICK);

        assert_eq!(own(&grace).await, over());
    }
}

on_both_stores! {
    async fn whoever_signs_out_is_forgotten_by_the_browser_too(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;

        let answer = grace.delete("/v1/sessions/self").await;

        answer.expect_status(204);
        expect![[r#"
            __Host-claviger-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0
            "cookies", "storage", "cache""#]].assert_eq(&format!(
            "{}\n{}",
            answer.header("set-cookie").unwrap(),
            answer.header("clear-site-data").unwrap()
        ));
        assert_eq!(own(&grace).await, over());
        assert_eq!(reason(&server, grace.id()).await, "signed_out");
        assert_eq!(outcome(&grace.delete("/v1/sessions/self").await), over());
    }
}

on_both_stores! {
    async fn unknown_ended_idle_and_expired_look_the_same(server: TestServer) {
        let (_, ended) = signed_in(&server, "ended@example.org", "member").await;
        let (_, idle) = signed_in(&server, "idle@example.org", "member").await;
        let (gone, deactivated) = signed_in(&server, "gone@example.org", "member").await;
        ended.delete("/v1/sessions/self").await.expect_status(204);
        server.admin().post(&format!("{}/deactivate", path_of(&gone)), Value::Null).await.expect_status(200);
        server.clock().advance(30 * MINUTE);
        let anonymous = server.anonymous();
        let shape = async |caller: &claviger_testkit::Caller| {
            let answer = caller.get("/v1/users/self").await;
            let mut body = answer.json();
            body.as_object_mut().unwrap().remove("request_id");
            format!("{} {body} {:?}", answer.status, answer.header("www-authenticate"))
        };
        let name = "__Host-claviger-session";
        let refused = shape(&anonymous.cookie(&format!("{name}=nonsense"))).await;

        assert!(refused.starts_with("401 ") && refused.contains("session_invalid"), "{refused}");
        let token = anonymous.cookie(&format!("{name}={}", server.admin().secret()));
        for caller in [ended, idle, deactivated, token, anonymous.cookie(&format!("{name}="))] {
            assert_eq!(shape(&caller).await, refused);
        }
    }
}

on_both_stores! {
    async fn a_new_password_ends_every_session_but_the_one_that_it_was_given_with(server: TestServer) {
        let (_, here) = signed_in(&server, "grace@example.org", "member").await;
        let elsewhere = server.signed_in("grace@example.org", PASSWORD).await;
        let body = json!({ "current": PASSWORD, "new": "velvet hammer 7 clouds" });

        here.post("/v1/users/self/password", body).await.expect_status(204);

        assert_eq!((own(&here).await, own(&elsewhere).await), (live(), over()));
        assert_eq!(reason(&server, elsewhere.id()).await, "password_changed");
    }
}

on_both_stores! {
    async fn a_reset_and_a_change_by_a_token_end_every_session(server: TestServer) {
        let (user, token) = crate::people::joined(&server, "grace@example.org", "member").await;
        let first = server.signed_in("grace@example.org", PASSWORD).await;
        let body = json!({ "current": PASSWORD, "new": "velvet hammer 7 clouds" });
        token.post("/v1/users/self/password", body).await.expect_status(204);
        assert_eq!(own(&first).await, over());

        let second = server.signed_in("grace@example.org", "velvet hammer 7 clouds").await;
        let reset = server.admin().post(&format!("{}/password-reset", path_of(&user)), Value::Null).await.at("/secret");
        assert_eq!(own(&second).await, live(), "not before it is used");
        let body = json!({ "reset": reset, "new": PASSWORD });
        server.anonymous().post("/v1/passwords/reset", body).await.expect_status(204);

        assert_eq!(own(&second).await, over());
    }
}

on_both_stores! {
    async fn a_deactivated_person_is_signed_out_and_a_reactivation_signs_nobody_in(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "member").await;

        server.admin().post(&format!("{}/deactivate", path_of(&user)), Value::Null).await.expect_status(200);

        assert_eq!(own(&grace).await, over());
        assert_eq!(reason(&server, grace.id()).await, "deactivated");
        server.admin().post(&format!("{}/reactivate", path_of(&user)), Value::Null).await.expect_status(200);
        assert_eq!(own(&grace).await, over());
    }
}

on_both_stores! {
    async fn a_request_that_was_taken_up_is_finished_when_its_session_ends_meanwhile(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let busy = Busy::begin(&server).await;
        let caller = grace.clone();
        let begun = tokio::spawn(async move { caller.post("/v1/teams", json!({ "name": "just in time" })).await });
        until_queued(&server, 1).await;
        let admin = server.admin().clone();
        let path = format!("/v1/sessions/{}", grace.id());
        let end = tokio::spawn(async move { admin.delete(&path).await });
        until_queued(&server, 2).await;

        busy.end().await;

        begun.await.unwrap().expect_status(201);
        end.await.unwrap().expect_status(204);
        let next = grace.post("/v1/teams", json!({ "name": "too late" })).await;
        assert_eq!(outcome(&next), over());
    }
}

on_both_stores! {
    async fn a_use_on_its_way_to_the_store_revives_no_ended_session(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        server.clock().advance(MINUTE);
        let busy = Busy::begin(&server).await;
        let admin = server.admin().clone();
        let path = format!("/v1/sessions/{}", grace.id());
        let end = tokio::spawn(async move { admin.delete(&path).await });
        until_queued(&server, 1).await;
        let caller = grace.clone();
        let used = tokio::spawn(async move { own(&caller).await });
        until_queued(&server, 2).await;

        busy.end().await;

        end.await.unwrap().expect_status(204);
        used.await.unwrap();
        assert_eq!(own(&grace).await, over());
    }
}

on_both_stores! {
    async fn the_record_of_a_session_is_kept_for_thirty_days(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        grace.delete("/v1/sessions/self").await.expect_status(204);
        let kept = async || {
            server.flush().await;
            Database::of(&server).await.rows("SELECT id FROM sign_in_session").await.len()
        };

        server.clock().advance(Duration::from_secs((30 * 24 + 12) * 60 * 60));
        assert_eq!(kept().await, 1);
        server.clock().advance(TICK);

        assert_eq!(kept().await, 0);
    }
}
