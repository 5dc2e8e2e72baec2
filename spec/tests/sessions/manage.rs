//! Where people are signed in, and how they and others end it.

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{live, outcome, over, own, signed_in};
use crate::asking::{rows, text, whole_list};
use crate::people::{PASSWORD, joined, path_of};

on_both_stores! {
    async fn a_person_sees_where_they_are_signed_in(server: TestServer) {
        let (_, here) = signed_in(&server, "grace@example.org", "member").await;
        server.clock().advance(std::time::Duration::from_secs(60));
        let elsewhere = server.signed_in("grace@example.org", PASSWORD).await;
        signed_in(&server, "other@example.org", "member").await;

        let listed = here.get("/v1/sessions").await;

        listed.expect(expect![[r#"
            200 {
              "data": [
                {
                  "id": "ses_1m81b7bv00000",
                  "user": "usr_1m81b5h800004",
                  "current": false,
                  "created_at": "2026-11-22T10:01:00Z",
                  "signed_in_at": "2026-11-22T10:01:00Z",
                  "last_seen_at": "2026-11-22T10:01:00Z",
                  "idle_ends_at": "2026-11-22T10:31:00Z",
                  "ends_at": "2026-11-22T22:01:00Z",
                  "address": "127.0.0.1"
                },
                {
                  "id": "ses_1m81b5h800006",
                  "user": "usr_1m81b5h800004",
                  "current": true,
                  "created_at": "2026-11-22T10:00:00Z",
                  "signed_in_at": "2026-11-22T10:00:00Z",
                  "last_seen_at": "2026-11-22T10:01:00Z",
                  "idle_ends_at": "2026-11-22T10:31:00Z",
                  "ends_at": "2026-11-22T22:00:00Z",
                  "address": "127.0.0.1"
                }
              ],
              "next_cursor": null
            }"#]]);
        let ids: Vec<String> = rows(&listed).iter().map(|row| text(row, "/id")).collect();
        assert_eq!(ids, [elsewhere.id(), here.id()]);
        let page = here.get("/v1/sessions?limit=1").await;
        assert_eq!(rows(&page).len(), 1);
        assert_eq!(whole_list(&here, "/v1/sessions").await.len(), 2);
        elsewhere.delete("/v1/sessions/self").await.expect_status(204);
        assert_eq!(rows(&here.get("/v1/sessions").await).len(), 1, "what is over is not listed");
    }
}

on_both_stores! {
    async fn a_person_ends_their_own_sessions_and_nobody_elses(server: TestServer) {
        let (user, here) = signed_in(&server, "grace@example.org", "member").await;
        let elsewhere = server.signed_in("grace@example.org", PASSWORD).await;
        let (other, others) = signed_in(&server, "other@example.org", "member").await;

        let ended = here.delete(&format!("/v1/sessions/{}", elsewhere.id())).await;

        assert_eq!(outcome(&ended), (204, String::new()));
        assert_eq!((own(&here).await, own(&elsewhere).await), (live(), over()));
        here.delete(&format!("/v1/sessions/{}", elsewhere.id())).await.expect_status(204);
        let unknown = (404, "session_not_found".to_owned());
        for id in [others.id(), "ses_0000000000001", "nonsense"] {
            assert_eq!(outcome(&here.delete(&format!("/v1/sessions/{id}")).await), unknown);
        }
        let nobody = (404, "user_not_found".to_owned());
        assert_eq!(outcome(&here.get(&format!("/v1/sessions?user={}", text(&other, "/id"))).await), nobody);
        assert_eq!(outcome(&here.delete(&format!("{}/sessions", path_of(&other))).await), nobody);
        assert_eq!(own(&others).await, live());
        let all = here.delete(&format!("{}/sessions", path_of(&user))).await;
        assert_eq!(all.expect_status(200).json(), json!({ "ended": 1 }));
        assert_eq!(own(&here).await, over());
    }
}

on_both_stores! {
    async fn whoever_may_change_people_ends_their_sessions(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "member").await;
        let again = server.signed_in("grace@example.org", PASSWORD).await;
        let reader = server.token().scopes(["users:read"]).issue().await;
        let clerk = server.token().scopes(["users:write"]).issue().await;
        let listed = format!("/v1/sessions?user={}", text(&user, "/id"));
        let all = format!("{}/sessions", path_of(&user));
        let out_of_reach = (403, "out_of_reach".to_owned());

        assert_eq!(rows(&reader.get(&listed).await).len(), 2);
        assert_eq!(outcome(&reader.delete(&all).await), out_of_reach);
        assert_eq!(outcome(&reader.delete(&format!("/v1/sessions/{}", grace.id())).await), out_of_reach);
        clerk.delete(&format!("/v1/sessions/{}", grace.id())).await.expect_status(204);
        assert_eq!((own(&grace).await, own(&again).await), (over(), live()));
        assert_eq!(clerk.delete(&all).await.json(), json!({ "ended": 1 }));
        assert_eq!(clerk.delete(&all).await.json(), json!({ "ended": 0 }), "harmless");
        assert_eq!(own(&again).await, over());
        let unknown = clerk.delete("/v1/users/usr_0000000000001/sessions").await;
        assert_eq!(outcome(&unknown), (404, "user_not_found".to_owned()));
    }
}

on_both_stores! {
    async fn a_token_needs_for_its_persons_sessions_what_it_needs_for_their_tokens(server: TestServer) {
        let (user, token) = joined(&server, "grace@example.org", "member").await;
        let grace = server.signed_in("grace@example.org", PASSWORD).await;
        let narrow = server.token().scopes(["tokens:verify"]).issued_by(&token).field("expires_in_days", 7).issue().await;
        let reader = server.token().scopes(["tokens:read"]).issued_by(&token).field("expires_in_days", 7).issue().await;
        let lacks = (403, "insufficient_scope".to_owned());
        let path = format!("/v1/sessions/{}", grace.id());

        assert_eq!(outcome(&narrow.get("/v1/sessions").await), lacks);
        assert_eq!(rows(&reader.get("/v1/sessions").await).len(), 1);
        assert_eq!(rows(&reader.get("/v1/sessions").await)[0]["current"], json!(false));
        for caller in [&narrow, &reader] {
            assert_eq!(outcome(&caller.delete(&path).await), lacks);
            assert_eq!(outcome(&caller.delete(&format!("{}/sessions", path_of(&user))).await), lacks);
        }
        token.delete(&path).await.expect_status(204);
        assert_eq!(own(&grace).await, over());
        let global = server.token().global().issue().await;
        assert_eq!(outcome(&global.get("/v1/sessions").await), (404, "user_not_found".to_owned()));
    }
}

on_both_stores! {
    async fn another_organizations_sessions_do_not_exist(mut server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "member").await;
        let stranger = crate::crowd::stranger(&mut server).await.caller;

        for answer in [
            stranger.delete(&format!("/v1/sessions/{}", grace.id())).await,
            stranger.delete(&format!("{}/sessions", path_of(&user))).await,
            stranger.get(&format!("/v1/sessions?user={}", text(&user, "/id"))).await,
        ] {
            assert_eq!(answer.status, 404, "{}", answer.text());
        }
        assert_eq!(own(&grace).await, live());
    }
}

on_both_stores! {
    async fn what_is_done_by_a_session_bears_its_name_in_the_audit_trail(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "super_admin").await;

        let team = grace.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");

        let events = whole_list(server.admin(), &format!("/v1/audit/events?subject={team}")).await;
        assert_eq!((&events[0]["actor"], text(&events[0], "/via").as_str()), (&user["id"], grace.id()));
        assert_eq!(server.admin().post("/v1/audit/verify", Value::Null).await.json()["intact"], json!(true));
    }
}
