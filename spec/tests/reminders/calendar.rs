//! Calendar feeds: what one shows, to whom, and what ends it.

use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use super::DAY;
use crate::asking::{actions_about, rows};
use crate::crowd::{newcomers, stranger};

/// The content lines of a calendar, unfolded.
fn lines(body: &str) -> Vec<String> {
    assert!(body.ends_with("\r\n") && !body.replace("\r\n", "").contains(['\r', '\n']));
    assert!(body.split("\r\n").all(|line| line.len() <= 75));
    let unfolded = body.replace("\r\n ", "");
    unfolded.split_terminator("\r\n").map(str::to_owned).collect()
}

/// The values of a property.
fn values(body: &str, name: &str) -> Vec<String> {
    let head = format!("{name}:");
    let found = lines(body);
    found
        .iter()
        .filter_map(|line| line.strip_prefix(&head))
        .map(str::to_owned)
        .collect()
}

async fn feed(caller: &claviger_testkit::Caller) -> (String, String) {
    let made = caller
        .post("/v1/calendar-feeds", json!({ "name": "Ends; and, more" }))
        .await;
    made.expect_status(201);
    (made.at("/feed/id"), made.at("/path"))
}

on_both_stores! {
    async fn a_feed_shows_the_ends_of_tokens_as_a_calendar(server: TestServer) {
        let name = "ci, staging; \\ Größenordnungsabhängiger Schlüssel für die nächtlichen Läufe";
        let token = server.token().name(name).expires_in_days(30).issue().await;
        server.token().name("never ends").never_expires().issue().await;
        let (id, path) = feed(server.admin()).await;
        assert!(path.starts_with("/v1/calendar/clvk_") && path.ends_with(".ics"), "{path}");

        let answer = server.anonymous().get(&path).await;

        answer.expect_status(200);
        assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        let all = lines(&answer.body);
        assert_eq!((all[0].as_str(), all[1].as_str()), ("BEGIN:VCALENDAR", "VERSION:2.0"));
        assert_eq!(all.last().unwrap(), "END:VCALENDAR");
        assert_eq!(values(&answer.body, "X-WR-CALNAME"), ["Ends\\; and\\, more"]);
        assert_eq!(values(&answer.body, "UID"), [format!("{}@org_1m81b5h800000", token.id())]);
        assert_eq!(values(&answer.body, "DTSTART"), ["20261222T100000Z"]);
        assert_eq!(values(&answer.body, "DTSTAMP"), ["20261122T100000Z"]);
        assert_eq!(values(&answer.body, "SUMMARY"), [format!("Token \"{}\" ends", name.replace('\\', "\\\\").replace(',', "\\,").replace(';', "\\;"))]);
        assert!(!answer.body.contains(token.secret()));
        assert_eq!(server.anonymous().get(&path).await.body, answer.body, "the same bytes");

        server.clock().advance(DAY);
        server.admin().patch(&format!("/v1/tokens/{}", token.id()), json!({ "expires_at": "2026-12-24T00:00:00Z" })).await.expect_status(200);
        let moved = server.anonymous().get(&path).await;
        assert_eq!(values(&moved.body, "UID"), values(&answer.body, "UID"));
        assert_eq!(values(&moved.body, "DTSTART"), ["20261224T000000Z"]);
        assert_eq!(values(&moved.body, "DTSTAMP"), ["20261123T100000Z"]);
        assert_eq!(actions_about(&server, &id).await, ["calendar_feed.created"]);
        assert!(!server.log_lines().iter().any(|line| line.contains(&path[13..])), "the log knows the route alone");
    }
}

on_both_stores! {
    async fn a_feed_has_its_maker_s_eyes_and_closes_with_them(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let eve = stranger(&mut server).await;
        server.token().name("of the admin").expires_in_days(30).issue().await;
        let body = json!({ "name": "of ada", "scopes": ["tokens:read"], "expires_in_days": 30 });
        ada.caller.post("/v1/tokens", body.clone()).await.expect_status(201);
        let mut foreign = body.clone();
        foreign["name"] = "of eve".into();
        eve.caller.post("/v1/tokens", foreign).await.expect_status(201);
        let (_, of_ada) = feed(&ada.caller).await;
        let (_, of_admin) = feed(server.admin()).await;
        let summaries = async |path: &str| {
            let mut found = values(&server.anonymous().get(path).await.expect_status(200).body, "SUMMARY");
            found.retain(|summary| summary.contains("\"of "));
            found.sort_unstable();
            found
        };

        assert_eq!(summaries(&of_ada).await, ["Token \"of ada\" ends"]);
        assert_eq!(summaries(&of_admin).await, ["Token \"of ada\" ends", "Token \"of the admin\" ends"]);

        let deactivate = format!("/v1/users/{}/deactivate", ada.id);
        server.admin().post(&deactivate, Value::Null).await.expect_status(200);
        let closed = server.anonymous().get(&of_ada).await;
        assert_eq!((closed.status, closed.problem_code().as_deref()), (404, Some("calendar_feed_not_found")));
    }
}

on_both_stores! {
    async fn a_feed_ends_when_it_or_its_token_is_revoked_and_outlives_an_end_by_time(server: TestServer) {
        let maker = async |name: &str| server.token().name(name).scopes(["tokens:read"]).expires_in_days(30).issue().await;
        let (expiring, leaked, narrow) = (maker("expiring").await, maker("leaked").await, maker("narrow").await);
        let [(kept, kept_path), (_, leaked_path), (_, narrow_path)] =
            [feed(&expiring).await, feed(&leaked).await, feed(&narrow).await];
        let revoke = format!("/v1/tokens/{}/revoke", leaked.id());
        server.admin().post(&revoke, Value::Null).await.expect_status(200);
        let narrower = json!({ "scopes": ["deployments:read"] });
        server.admin().patch(&format!("/v1/tokens/{}", narrow.id()), narrower).await.expect_status(200);

        assert_eq!(server.anonymous().get(&leaked_path).await.status, 404, "its token was revoked");
        assert_eq!(server.anonymous().get(&narrow_path).await.status, 404, "its token sees no tokens any more");
        server.clock().advance(DAY * 31);
        server.anonymous().get(&kept_path).await.expect_status(200);

        let another = server.token().scopes(["tokens:read"]).issue().await;
        assert_eq!(rows(&another.get("/v1/calendar-feeds").await).len(), 3, "one's own, by whichever token");
        another.delete(&format!("/v1/calendar-feeds/{kept}")).await.expect_status(204);
        server.anonymous().get(&kept_path).await.expect_status(404);
        assert_eq!(actions_about(&server, &kept).await, ["calendar_feed.created", "calendar_feed.revoked"]);
    }
}

on_both_stores! {
    async fn a_global_token_s_feed_dies_with_it(server: TestServer) {
        let global = server.token().global().scopes(["tokens:read"]).expires_in_days(7).issue().await;
        let (_, path) = feed(&global).await;
        server.anonymous().get(&path).await.expect_status(200);

        server.clock().advance(DAY * 7);

        server.anonymous().get(&path).await.expect_status(404);
    }
}

on_both_stores! {
    async fn a_feed_goes_on_after_the_pepper_was_rotated_twice_if_it_is_read(server: TestServer) {
        // Who retires a pepper answers for every organization of the installation.
        server.lift_shadow().await;
        let (_, path) = feed(server.admin()).await;
        for _ in 0..2 {
            server.admin().post("/v1/peppers/rotate", json!({})).await.expect_status(200);
            server.anonymous().get(&path).await.expect_status(200);
            server.flush().await;
        }

        server.anonymous().get(&path).await.expect_status(200);
    }
}

on_both_stores! {
    async fn an_address_of_another_form_is_no_feed(server: TestServer) {
        let (_, path) = feed(server.admin()).await;
        let secret = path.trim_start_matches("/v1/calendar/").trim_end_matches(".ics").to_owned();

        for wrong in [
            path.trim_end_matches(".ics").to_owned(),
            path.to_uppercase().replace("/V1/CALENDAR", "/v1/calendar"),
            format!("/v1/calendar/{}.ics", &secret[..secret.len() - 1]),
            format!("/v1/calendar/{}.ics", secret.replace("clvk_", "clvp_")),
            "/v1/calendar/.ics".to_owned(),
        ] {
            let answer = server.anonymous().get(&wrong).await;
            assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("calendar_feed_not_found")), "{wrong}");
        }
        assert_eq!(server.bearer(&secret).get("/v1/tokens/self").await.status, 401, "a feed's secret is no token");
    }
}

on_both_stores! {
    async fn a_principal_has_at_most_20_feeds(server: TestServer) {
        for _ in 0..20 {
            feed(server.admin()).await;
        }

        let refused = server.admin().post("/v1/calendar-feeds", json!({ "name": "one more" })).await;

        assert_eq!(refused.problem_code().as_deref(), Some("calendar_feed_limit_reached"));
    }
}
