//! `/v1/users`: list, show, change, deactivate, reactivate.

use std::fmt::Write as _;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{joined, path_of, team};
use crate::asking::{
    accepted_everywhere, actions_about, at_every_door, number, refusal, refused_everywhere, rows, text,
    trimmed, whole_list,
};
use crate::crowd::stranger;

on_both_stores! {
    async fn the_administrator_is_the_first_person(server: TestServer) {
        let page = server.admin().get("/v1/users").await;

        page.expect(expect![[r#"
            200 {
              "data": [
                {
                  "id": "usr_1m81b5h800001",
                  "email": "admin@example.org",
                  "name": null,
                  "role": "super_admin",
                  "state": "active",
                  "teams": [],
                  "created_at": "2026-11-22T10:00:00Z",
                  "deactivated_at": null,
                  "rate_limit": null,
                  "has_password": false
                }
              ],
              "next_cursor": null
            }"#]]);
        let own = server.admin().get("/v1/users/self").await;
        assert_eq!(own.json(), rows(&page)[0]);
    }
}

on_both_stores! {
    async fn a_token_that_acts_as_itself_is_nobody(server: TestServer) {
        let global = server.token().global().issue().await;

        let answer = global.get("/v1/users/self").await;

        assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("user_not_found")));
    }
}

on_both_stores! {
    async fn people_are_found_by_role_state_and_the_beginning_of_a_name_or_an_address(server: TestServer) {
        let admin = server.admin();
        let (grace, _) = joined(&server, "grace@example.org", "member").await;
        let (ada, _) = joined(&server, "Ada@Example.org", "super_admin").await;
        admin.patch(&path_of(&ada), json!({ "name": "Ada Lovelace" })).await.expect_status(200);
        admin.post(&format!("{}/deactivate", path_of(&grace)), Value::Null).await.expect_status(200);
        let mut said = String::new();

        for query in ["", "role=member", "role=super_admin", "state=active", "state=deactivated", "q=ada@", "q=ADA%20L", "q=grace%20h",
            "q=lovelace", "role=super_admin&q=g", "q=%F0%90%80%80"] {
            let page = admin.get(&format!("/v1/users?{query}")).await;
            let found: Vec<String> = rows(&page).iter().map(|row| text(row, "/email")).collect();
            writeln!(said, "{query} → {}", found.join(", ")).unwrap();
            let mark = if query.is_empty() { "/v1/users".to_owned() } else { format!("/v1/users?{query}") };
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..=found.len() {
                let address = format!("{mark}{}limit=1{cursor}", if query.is_empty() { '?' } else { '&' });
                let page = admin.get(&address).await;
                paged.extend(rows(&page).iter().map(|row| text(row, "/email")));
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(paged, found, "{query} in pages of one");
        }

        expect![[r#"
             → admin@example.org, grace@example.org, Ada@Example.org
            role=member → grace@example.org
            role=super_admin → admin@example.org, Ada@Example.org
            state=active → admin@example.org, Ada@Example.org
            state=deactivated → grace@example.org
            q=ada@ → Ada@Example.org
            q=ADA%20L → Ada@Example.org
            q=grace%20h → grace@example.org
            q=lovelace →
            role=super_admin&q=g →
            q=%F0%90%80%80 →
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn a_query_is_taken_strictly(server: TestServer) {
        let mut said = String::new();

        for query in ["limit=0", "limit=201", "role=king", "state=gone", "rolle=member", "cursor=x"] {
            let answer = server.admin().get(&format!("/v1/users?{query}")).await;
            writeln!(said, "{query} → {}", refusal(&answer)).unwrap();
        }

        expect![[r#"
            limit=0 → input_invalid limit limit_out_of_range
            limit=201 → input_invalid limit limit_out_of_range
            role=king → field_invalid role field_invalid
            state=gone → field_invalid state field_invalid
            rolle=member → field_unknown rolle field_unknown
            cursor=x → input_invalid cursor cursor_invalid
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn a_member_sees_no_people_but_themselves(server: TestServer) {
        let (user, member) = joined(&server, "grace@example.org", "member").await;

        for path in ["/v1/users".to_owned(), path_of(&user)] {
            let answer = member.get(&path).await;
            assert_eq!((answer.status, answer.problem_code().as_deref()), (403, Some("insufficient_scope")), "{path}");
        }
        assert_eq!(member.get("/v1/users/self").await.json(), user);
    }
}

on_both_stores! {
    async fn a_token_of_one_team_sees_nobody(server: TestServer) {
        let team = team(&server, "payments").await;
        let own = text(&server.admin().get("/v1/users/self").await.json(), "/id");
        let narrow = server.token().global().field("restrictions", json!({ "teams": [team] })).issue().await;

        assert_eq!(rows(&narrow.get("/v1/users").await), Vec::<Value>::new());
        for (method, path, body) in [
            ("GET", format!("/v1/users/{own}"), Value::Null),
            ("PATCH", format!("/v1/users/{own}"), json!({ "name": "Eve" })),
            ("POST", format!("/v1/users/{own}/deactivate"), Value::Null),
            ("POST", format!("/v1/users/{own}/reactivate"), Value::Null),
            ("POST", format!("/v1/users/{own}/password-reset"), Value::Null),
        ] {
            let answer = narrow.request(method.parse().unwrap(), &path, body).await;
            assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("user_not_found")), "{method} {path}");
        }
    }
}

on_both_stores! {
    async fn a_person_that_there_is_not_is_not_found_on_any_verb(server: TestServer) {
        for id in ["usr_0000000000001", "tok_0000000000001", "nonsense"] {
            for (method, rest, body) in [
                ("GET", "", Value::Null),
                ("PATCH", "", json!({ "role": "member" })),
                ("POST", "/deactivate", Value::Null),
                ("POST", "/reactivate", Value::Null),
                ("POST", "/password-reset", Value::Null),
            ] {
                let answer = server.admin().request(method.parse().unwrap(), &format!("/v1/users/{id}{rest}"), body).await;
                assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("user_not_found")), "{method} {id}{rest}");
            }
        }
    }
}

on_both_stores! {
    async fn another_organizations_people_are_unknown(mut server: TestServer) {
        let eve = stranger(&mut server).await;
        let foreign = format!("/v1/users/{}", eve.id);
        let own = path_of(&server.admin().get("/v1/users/self").await.json());
        let made = server.admin().post("/v1/invitations", json!({ "email": "grace@example.org" })).await;
        let invitation = format!("/v1/invitations/{}", made.at("/invitation/id"));

        for (caller, path) in [(server.admin(), &foreign), (&eve.caller, &own)] {
            assert_eq!(whole_list(caller, "/v1/users").await.len(), 1);
            for (method, rest, body) in [
                ("GET", "", Value::Null),
                ("PATCH", "", json!({ "role": "member" })),
                ("POST", "/deactivate", Value::Null),
                ("POST", "/reactivate", Value::Null),
                ("POST", "/password-reset", Value::Null),
            ] {
                let answer = caller.request(method.parse().unwrap(), &format!("{path}{rest}"), body).await;
                assert_eq!((answer.status, answer.problem_code().as_deref()), (404, Some("user_not_found")), "{method} {path}{rest}");
            }
        }
        assert_eq!(whole_list(&eve.caller, "/v1/invitations").await, Vec::<Value>::new());
        eve.caller.delete(&invitation).await.expect_status(404);
        // An address is taken in its own organization only.
        server.admin().post("/v1/invitations", json!({ "email": "eve@example.com" })).await.expect_status(201);
    }
}

on_both_stores! {
    async fn a_name_is_said_and_the_trail_does_not_keep_it(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;

        let changed = server.admin().patch(&path_of(&user), json!({ "name": "  Admiral Hopper " })).await;

        assert_eq!(changed.at("/user/name"), "Admiral Hopper");
        let events = whole_list(server.admin(), &format!("/v1/audit/events?subject={}", text(&user, "/id"))).await;
        assert_eq!(text(&events[0], "/action"), "user.updated");
        assert_eq!(events[0]["detail"], json!({ "changed": ["name"] }));
        let trail = server.admin().get("/v1/audit/export").await.body;
        for personal in ["grace@", "Hopper"] {
            assert!(!trail.contains(personal), "{personal}");
        }
    }
}

on_both_stores! {
    async fn a_demoted_persons_token_does_less_in_the_very_next_call(server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "super_admin").await;
        grace.get("/v1/users").await.expect_status(200);

        let changed = server.admin().patch(&path_of(&user), json!({ "role": "member" })).await;

        assert_eq!(changed.expect_status(200).at("/user/role"), "member");
        assert_eq!(number(&changed.json(), "/receipt/verifiers/confirmed"), 1);
        let refused = grace.get("/v1/users").await;
        assert_eq!((refused.status, refused.problem_code().as_deref()), (403, Some("insufficient_scope")));
        let body = json!({ "token": grace.secret(), "scopes": ["users:read"] });
        assert_eq!(server.admin().post("/v1/verify", body).await.at("/code"), "insufficient_scope");
        server.admin().patch(&path_of(&user), json!({ "role": "super_admin" })).await.expect_status(200);
        grace.get("/v1/users").await.expect_status(200);
        let actions = actions_about(&server, &text(&user, "/id")).await;
        assert_eq!(actions, ["user.joined", "user.role_changed", "user.role_changed"]);
    }
}

on_both_stores! {
    async fn a_change_that_changes_nothing_is_no_event(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;

        let changed = server.admin().patch(&path_of(&user), json!({ "role": "member", "name": "Grace Hopper" })).await;

        assert_eq!(changed.expect_status(200).json()["user"], user);
        assert_eq!(actions_about(&server, &text(&user, "/id")).await, ["user.joined"]);
    }
}

on_both_stores! {
    async fn nobody_hands_out_a_role_beyond_their_own_power(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;
        let clerk = server.token().scopes(["users:read", "users:write"]).issue().await;

        let promoted = clerk.patch(&path_of(&user), json!({ "role": "super_admin" })).await;

        assert_eq!((promoted.status, promoted.problem_code().as_deref()), (403, Some("role_exceeds_caller")), "{}", promoted.text());
        clerk.patch(&path_of(&user), json!({ "name": "Grace" })).await.expect_status(200);
        // To take power away is no handing out.
        clerk.post(&format!("{}/deactivate", path_of(&user)), Value::Null).await.expect_status(200);
        let back = clerk.post(&format!("{}/reactivate", path_of(&user)), Value::Null).await;
        assert_eq!((back.status, back.problem_code().as_deref()), (403, Some("role_exceeds_caller")));
    }
}

on_both_stores! {
    async fn a_deactivated_persons_tokens_are_refused_at_every_door_until_they_are_back(server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "super_admin").await;
        let second = grace.post("/v1/tokens", json!({ "name": "second", "scopes": ["tokens:read"] })).await;
        let (second, second_id) = (second.expect_status(201).at("/secret"), second.at("/token/id"));
        let path = path_of(&user);

        let gone = server.admin().post(&format!("{path}/deactivate"), Value::Null).await;

        assert_eq!(gone.expect_status(200).at("/user/state"), "deactivated");
        assert_eq!(gone.at("/user/deactivated_at"), "2026-11-22T10:00:00Z");
        for secret in [grace.secret(), &second] {
            assert_eq!(at_every_door(&server, secret).await, refused_everywhere("revoked"));
        }
        // What ends meanwhile stays ended.
        server.admin().post(&format!("/v1/tokens/{second_id}/revoke"), Value::Null).await.expect_status(200);
        let again = server.admin().post(&format!("{path}/deactivate"), Value::Null).await;
        assert_eq!(again.json()["user"], gone.json()["user"], "repeating is harmless");
        let back = server.admin().post(&format!("{path}/reactivate"), Value::Null).await;
        assert_eq!(back.expect_status(200).json()["user"], user);
        assert_eq!(at_every_door(&server, grace.secret()).await, accepted_everywhere());
        assert_eq!(at_every_door(&server, &second).await, refused_everywhere("revoked"));
        let actions = actions_about(&server, &text(&user, "/id")).await;
        assert_eq!(actions, ["user.joined", "user.deactivated", "user.reactivated"]);
    }
}

on_both_stores! {
    async fn a_deactivated_person_stays_so_after_a_restart(mut server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "member").await;
        server.admin().post(&format!("{}/deactivate", path_of(&user)), Value::Null).await.expect_status(200);

        server.restart().await;

        assert_eq!(at_every_door(&server, grace.secret()).await, refused_everywhere("revoked"));
    }
}

on_both_stores! {
    async fn the_last_administrator_stays_one(server: TestServer) {
        let admin = server.admin();
        let own = path_of(&admin.get("/v1/users/self").await.json());
        let last = (409, Some("last_administrator".to_owned()));
        let (other, grace) = joined(&server, "grace@example.org", "super_admin").await;
        let other = path_of(&other);
        // One of two may go; a deactivated one is no administrator.
        admin.post(&format!("{other}/deactivate"), Value::Null).await.expect_status(200);

        for (what, refused) in [
            ("demoted", admin.patch(&own, json!({ "role": "member" })).await),
            ("deactivated", admin.post(&format!("{own}/deactivate"), Value::Null).await),
        ] {
            assert_eq!((refused.status, refused.problem_code()), last, "{what}");
        }

        admin.post(&format!("{other}/reactivate"), Value::Null).await.expect_status(200);
        grace.patch(&own, json!({ "role": "member" })).await.expect_status(200);
        let refused = grace.patch(&other, json!({ "role": "member" })).await;
        assert_eq!((refused.status, refused.problem_code()), last);
    }
}

on_both_stores! {
    async fn two_administrators_who_demote_each_other_at_once_leave_one(server: TestServer) {
        let admin = server.admin();
        let own = path_of(&admin.get("/v1/users/self").await.json());
        let (other, grace) = joined(&server, "grace@example.org", "super_admin").await;
        let demotion = json!({ "role": "member" });

        let other = path_of(&other);
        let (first, second) = tokio::join!(admin.patch(&other, demotion.clone()), grace.patch(&own, demotion));

        // The second is refused as the last one, or is a member by then.
        let done = [&first, &second].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(done, 1, "{}\n{}", first.text(), second.text());
    }
}
