//! Calendar feeds: what one shows, to whom, and what ends it.

use claviger_testkit::{Backend, TestServer, on_both_stores};
use serde_json::{Value, json};

use super::DAY;
use crate::asking::{actions_about, rows};
use crate::crowd::{newcomers, stranger};
use crate::tamper::Database;

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

on_both_stores! {
    async fn ends_to_come_are_shown_before_those_that_are_past(server: TestServer) {
        let (_, path) = feed(server.admin()).await;
        let names = async || {
            let body = server.anonymous().get(&path).await.expect_status(200).body.clone();
            values(&body, "SUMMARY")
        };
        server.token().name("template").expires_in(DAY).issue().await;
        server.token().name("to come").expires_in_days(30).issue().await;
        server.clock().advance(DAY * 2);
        copies_of(&server, "template", 5_010).await;

        let shown = names().await;

        assert_eq!(shown.len(), 5_000);
        assert_eq!(shown.last().unwrap(), "Token \"to come\" ends", "the earliest end is first");
        assert!(shown[..4_999].iter().all(|summary| summary == "Token \"template\" ends"));
    }
}

/// Copies a token so often, behind the server's back.
async fn copies_of(server: &TestServer, name: &str, many: u32) {
    let database = Database::of(server).await;
    let numbers =
        format!("WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {many})");
    let digest = match &database {
        Database::Sqlite(_) => "randomblob(32)",
        Database::Postgres(_) => "sha256(n::text::bytea)",
    };
    let same = "org_id, owner_id, type, pepper_id, hint, created_at, created_by, updated_at, expires_at, scopes, name, name_key, description, holder_id";
    let sql = format!(
        "{numbers} INSERT INTO token (id, digest, {same}) SELECT n, {digest}, {same} FROM token, number WHERE name = '{name}'"
    );
    database.execute(&sql).await;
}

#[tokio::test]
async fn who_tries_addresses_of_calendars_is_counted_as_a_stranger() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let server = TestServer::builder()
            .backend(backend)
            .setting("limits.failures", "3")
            .setting("limits.failures_per_minute", "60")
            .start()
            .await;
        let (_, path) = feed(server.admin()).await;
        let guess = async |path: &str| {
            let answer = server.anonymous().get(path).await;
            (answer.status, answer.problem_code().unwrap_or_default())
        };
        let unknown = (404, "calendar_feed_not_found".to_owned());

        assert_eq!(guess("/v1/calendar/guess.ics").await, unknown);
        assert_eq!(guess("/v1/calendar/guess").await, unknown);
        let revoked = path.replace(".ics", "x.ics");
        assert_eq!(guess(&revoked).await, unknown);
        assert_eq!(
            guess("/v1/calendar/guess.ics").await,
            (429, "too_many_failures".to_owned())
        );
        server.anonymous().get(&path).await.expect_status(200);
        let token = server.bearer("clvp_guess").get("/v1/tokens/self").await;
        assert_eq!(
            token.problem_code().as_deref(),
            Some("too_many_failures"),
            "one count for all that is presented"
        );
        server.clock().advance(std::time::Duration::from_secs(1));
        assert_eq!(guess("/v1/calendar/guess.ics").await, unknown);
    }
}
