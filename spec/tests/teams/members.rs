//! `/v1/teams/{id}/members`: who belongs to a team. A change of membership is a change of power, in force before it is answered.

use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, rows, text, whole_list};
use crate::crowd::{flood, newcomers, stranger};
use crate::tamper::Database;

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn team(server: &TestServer) -> String {
    let made = server
        .admin()
        .post("/v1/teams", json!({ "name": "payments" }))
        .await;
    made.expect_status(201).at("/id")
}

on_both_stores! {
    async fn a_member_is_set_and_may_at_once(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["Ada@example.org"]).await;
        let team = team(&server).await;
        let path = format!("/v1/teams/{team}");
        let change = json!({ "description": "ours" });
        ada.caller.patch(&path, change.clone()).await.expect_status(403);

        let set = server.admin().put(&format!("{path}/members/{}", ada.id), json!({ "role": "manager" })).await;

        set.expect(expect![[r#"
            200 {
              "member": {
                "user": "usr_0000000000001",
                "email": "Ada@example.org",
                "role": "manager",
                "since": "2026-11-22T10:00:00Z"
              },
              "receipt": {"epoch": 4, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        ada.caller.patch(&path, change).await.expect_status(200);
        assert_eq!(rows(&ada.caller.get(&format!("{path}/members")).await), [set.json()["member"].clone()]);
        assert_eq!(server.admin().get(&path).await.json()["members"], 1);
        assert_eq!(actions_about(&server, &team).await, ["team.created", "team.member_added", "team.updated"]);
    }
}

on_both_stores! {
    async fn a_lesser_role_is_in_force_in_the_very_next_call(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = team(&server).await;
        let (path, member) = (format!("/v1/teams/{team}"), format!("/v1/teams/{team}/members/{}", ada.id));
        server.admin().put(&member, json!({ "role": "manager" })).await.expect_status(200);
        ada.caller.patch(&path, json!({ "description": "x" })).await.expect_status(200);

        server.clock().advance(std::time::Duration::from_secs(60));
        let lowered = server.admin().put(&member, json!({ "role": "member" })).await;

        assert_eq!((lowered.at("/member/role"), lowered.at("/member/since")), ("member".into(), "2026-11-22T10:00:00Z".into()));
        assert_eq!(outcome(&ada.caller.patch(&path, json!({ "description": "y" })).await), (403, "insufficient_scope".to_owned()));
        let events = whole_list(server.admin(), &format!("/v1/audit/events?subject={team}&action=team.member_changed")).await;
        assert_eq!(events[0]["detail"], json!({ "user": ada.id, "role": { "from": "manager", "to": "member" } }));
    }
}

on_both_stores! {
    async fn who_is_removed_loses_the_teams_power_in_the_very_next_call(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = team(&server).await;
        let (path, member) = (format!("/v1/teams/{team}"), format!("/v1/teams/{team}/members/{}", ada.id));
        server.admin().put(&member, json!({ "role": "manager" })).await.expect_status(200);
        let hers = server.token().name("her own").scopes(["teams:write"]).issued_by(&ada.caller).issue().await;
        hers.patch(&path, json!({ "description": "x" })).await.expect_status(200);

        let removed = server.admin().delete(&member).await;

        removed.expect(expect![[r#"200 {"receipt": {"epoch": 6, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}}"#]]);
        for caller in [&ada.caller, &hers] {
            caller.patch(&path, json!({ "description": "y" })).await.expect_status(403);
        }
        assert_eq!(outcome(&server.admin().delete(&member).await), (404, "member_not_found".to_owned()));
        assert_eq!(actions_about(&server, &team).await, [
            "team.created", "team.member_added", "team.updated", "team.member_removed",
        ]);
        server.restart().await;
        ada.caller.patch(&path, json!({ "description": "z" })).await.expect_status(403);
    }
}

on_both_stores! {
    async fn the_same_role_again_changes_nothing(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = team(&server).await;
        let member = format!("/v1/teams/{team}/members/{}", ada.id);

        let first = server.admin().put(&member, json!({ "role": "member" })).await;
        let second = server.admin().put(&member, json!({ "role": "member" })).await;

        assert_eq!(second.expect_status(200).json(), first.json(), "the receipt of the newest change");
        assert_eq!(actions_about(&server, &team).await, ["team.created", "team.member_added"]);
    }
}

on_both_stores! {
    async fn only_active_people_of_the_organization_become_members(mut server: TestServer) {
        let eve = stranger(&mut server).await;
        let [ada] = newcomers_beside(&mut server).await;
        let team = team(&server).await;
        let member = |id: &str| format!("/v1/teams/{team}/members/{id}");
        let role = json!({ "role": "member" });
        server.admin().put(&member(&ada), role.clone()).await.expect_status(200);
        Database::of(&server).await.execute("UPDATE user_account SET deactivated_at = 1 WHERE email = 'ada@example.org'").await;

        for id in [&eve.id, &ada, "usr_0000000000007", "usr_x", "nobody"] {
            let refused = server.admin().put(&member(id), role.clone()).await;
            assert_eq!(outcome(&refused), (404, "user_not_found".to_owned()), "{id}");
        }
        for id in [&eve.id, "usr_0000000000007", "usr_x"] {
            let refused = server.admin().delete(&member(id)).await;
            assert_eq!(outcome(&refused), (404, "member_not_found".to_owned()), "{id}");
        }
        server.admin().delete(&member(&ada)).await.expect_status(200);
    }
}

/// One more person, in a store with two organizations: the id alone.
async fn newcomers_beside(server: &mut TestServer) -> [String; 1] {
    let sql = "INSERT INTO user_account (id, org_id, email, email_key, role, created_at) SELECT 1, org_id, 'ada@example.org', \
               'ada@example.org', 'member', 0 FROM user_account WHERE email = 'admin@example.org'";
    Database::of(server).await.execute(sql).await;
    [claviger_domain::UserId::from_i64(1).to_string()]
}

on_both_stores! {
    async fn nobody_hands_out_a_role_that_brings_more_than_their_token_has(mut server: TestServer) {
        let [ada, ben] = newcomers(&mut server, ["ada@example.org", "ben@example.org"]).await;
        let team = team(&server).await;
        let member = |id: &str| format!("/v1/teams/{team}/members/{id}");
        server.admin().put(&member(&ada.id), json!({ "role": "manager" })).await.expect_status(200);
        let narrow = server.token().name("narrow").scopes(["teams:write"]).issued_by(&ada.caller).issue().await;

        let refused = narrow.put(&member(&ben.id), json!({ "role": "manager" })).await;

        refused.expect(expect![[r#"
            403 {
              "type": "/docs/problems#role_exceeds_caller",
              "title": "Role exceeds caller",
              "status": 403,
              "code": "role_exceeds_caller",
              "detail": "the role `manager` brings `tokens:read` everywhere, which the calling token lacks",
              "request_id": "req_ecqjdbjgcpvsjp413c"
            }"#]]);
        assert_eq!(outcome(&narrow.put(&member(&ben.id), json!({ "role": "member" })).await).0, 403);
        ada.caller.put(&member(&ben.id), json!({ "role": "manager" })).await.expect_status(200);
        narrow.put(&member(&ben.id), json!({ "role": "member" })).await.expect_status(200);
        narrow.delete(&member(&ben.id)).await.expect_status(200);
    }
}

on_both_stores! {
    async fn a_manager_manages_the_members_of_their_own_team_only(mut server: TestServer) {
        let [ada, ben] = newcomers(&mut server, ["ada@example.org", "ben@example.org"]).await;
        let own = team(&server).await;
        let other = server.admin().post("/v1/teams", json!({ "name": "search" })).await.at("/id");
        let member = |team: &str, id: &str| format!("/v1/teams/{team}/members/{id}");
        for team in [&own, &other] {
            server.admin().put(&member(team, &ben.id), json!({ "role": "member" })).await.expect_status(200);
        }
        server.admin().put(&member(&own, &ada.id), json!({ "role": "manager" })).await.expect_status(200);

        let reach = (403, "out_of_reach".to_owned());
        let role = json!({ "role": "manager" });
        assert_eq!(outcome(&ada.caller.put(&member(&other, &ada.id), role.clone()).await), reach);
        assert_eq!(outcome(&ada.caller.delete(&member(&other, &ben.id)).await), reach);
        ada.caller.put(&member(&own, &ben.id), role.clone()).await.expect_status(200);
        ada.caller.delete(&member(&own, &ben.id)).await.expect_status(200);
        assert_eq!(ben.caller.put(&member(&own, &ben.id), role).await.status, 403);
    }
}

on_both_stores! {
    async fn members_are_listed_by_address_in_pages(mut server: TestServer) {
        let people = newcomers(&mut server, ["cleo@example.org", "ada@example.org", "ben@example.org"]).await;
        let team = team(&server).await;
        for person in &people {
            let path = format!("/v1/teams/{team}/members/{}", person.id);
            server.admin().put(&path, json!({ "role": "member" })).await.expect_status(200);
        }
        let path = format!("/v1/teams/{team}/members");
        let emails = |rows: &[Value]| rows.iter().map(|row| text(row, "/email")).collect::<Vec<_>>();

        let whole = rows(&server.admin().get(&path).await);
        let first = server.admin().get(&format!("{path}?limit=2")).await;
        let rest = server.admin().get(&format!("{path}?limit=2&cursor={}", first.at("/next_cursor"))).await;

        assert_eq!(emails(&whole), ["ada@example.org", "ben@example.org", "cleo@example.org"]);
        assert_eq!([rows(&first), rows(&rest)].concat(), whole);
        assert_eq!(rest.json()["next_cursor"], Value::Null);
        server.admin().get(&format!("{path}?q=a")).await.expect_status(400);
    }
}

on_both_stores! {
    async fn a_team_has_at_most_1_000_members(mut server: TestServer) {
        let [ada, ben] = newcomers(&mut server, ["ada@example.org", "ben@example.org"]).await;
        let team = team(&server).await;
        let columns = "id, org_id, email, email_key, role, created_at";
        let values = "1000 + i, (SELECT id FROM organization), 'u' || CAST(i AS TEXT), 'u' || CAST(i AS TEXT), 'member', 0";
        server.lift_shadow().await;
        flood(&server, "user_account", columns, values, 999).await;
        flood(&server, "team_member", "team_id, user_id, role, since", "(SELECT id FROM team), 1000 + i, 'member', 0", 999).await;
        let member = |id: &str| format!("/v1/teams/{team}/members/{id}");

        server.admin().put(&member(&ada.id), json!({ "role": "member" })).await.expect_status(200);
        let refused = server.admin().put(&member(&ben.id), json!({ "role": "member" })).await;

        assert_eq!(outcome(&refused), (409, "member_limit_reached".to_owned()));
        server.admin().put(&member(&ada.id), json!({ "role": "manager" })).await.expect_status(200);
        assert_eq!(whole_list(server.admin(), &format!("/v1/teams/{team}/members")).await.len(), 1_000);
    }
}
