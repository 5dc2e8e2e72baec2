//! `PATCH` and `DELETE /v1/teams/{id}`: a new name, and the end.

use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, names, whole_list};
use crate::crowd::newcomers;

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

on_both_stores! {
    async fn a_team_gets_another_name_and_description(server: TestServer) {
        let admin = server.admin();
        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let path = format!("/v1/teams/{team}");
        server.clock().advance(std::time::Duration::from_secs(60));

        let renamed = admin.patch(&path, json!({ "name": "Billing" })).await;
        let described = admin.patch(&path, json!({ "description": "Money." })).await;

        renamed.expect(expect![[r#"
            200 {
              "id": "team_1m81b5h800003",
              "name": "Billing",
              "description": "",
              "members": 0,
              "services": 0,
              "created_at": "2026-11-22T10:00:00Z",
              "updated_at": "2026-11-22T10:01:00Z"
            }"#]]);
        assert_eq!((described.at("/name"), described.at("/description")), ("Billing".into(), "Money.".into()));
        assert_eq!(admin.get(&path).await.json(), described.json());
        let events = whole_list(admin, &format!("/v1/audit/events?subject={team}&action=team.updated")).await;
        let details: Vec<&Value> = events.iter().map(|event| &event["detail"]).collect();
        assert_eq!(details, [
            &json!({ "description": { "from": "", "to": "Money." } }),
            &json!({ "name": { "from": "payments", "to": "Billing" } }),
        ]);
    }
}

on_both_stores! {
    async fn a_team_may_change_the_spelling_of_its_name_and_take_no_others(server: TestServer) {
        let admin = server.admin();
        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        admin.post("/v1/teams", json!({ "name": "Search" })).await.expect_status(201);
        let path = format!("/v1/teams/{team}");

        admin.patch(&path, json!({ "name": "PAYMENTS" })).await.expect_status(200);
        let taken = admin.patch(&path, json!({ "name": "search" })).await;

        assert_eq!(outcome(&taken), (409, "team_name_taken".to_owned()));
        assert_eq!(names(&admin.get("/v1/teams").await), ["PAYMENTS", "Search"]);
    }
}

on_both_stores! {
    async fn a_team_that_owns_services_stays(server: TestServer) {
        let admin = server.admin();
        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let service = admin.post("/v1/services", json!({ "name": "checkout", "team": team })).await.at("/id");
        let path = format!("/v1/teams/{team}");
        assert_eq!(admin.get(&path).await.json()["services"], 1);

        let refused = admin.delete(&path).await;

        refused.expect(expect![[r#"
            409 {
              "type": "/docs/problems#team_not_empty",
              "title": "Team not empty",
              "status": 409,
              "code": "team_not_empty",
              "detail": "services belong to the team (1); move or delete them first",
              "request_id": "req_n4wyp5t3rk8ckeb8h2"
            }"#]]);
        admin.delete(&format!("/v1/services/{service}")).await.expect_status(204);
        admin.delete(&path).await.expect_status(200);
        admin.get(&path).await.expect_status(404);
    }
}

on_both_stores! {
    async fn who_belonged_to_a_dissolved_team_loses_what_it_gave_at_once(mut server: TestServer) {
        let [ada, ben] = newcomers(&mut server, ["ada@example.org", "ben@example.org"]).await;
        let admin = server.admin();
        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        for (person, role) in [(&ada, "manager"), (&ben, "member")] {
            let path = format!("/v1/teams/{team}/members/{}", person.id);
            admin.put(&path, json!({ "role": role })).await.expect_status(200);
        }
        let report = json!({ "service": "checkout", "version": "1" });
        ada.caller.patch(&format!("/v1/teams/{team}"), json!({ "description": "x" })).await.expect_status(200);

        let deleted = admin.delete(&format!("/v1/teams/{team}")).await;

        deleted.expect(expect![[r#"200 {"receipt": {"epoch": 8, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}}"#]]);
        for person in [&ada, &ben] {
            let refused = person.caller.post("/v1/deployments", report.clone()).await;
            assert_eq!(outcome(&refused), (403, "insufficient_scope".to_owned()));
            person.caller.get("/v1/teams").await.expect_status(200);
        }
        let events = whole_list(admin, &format!("/v1/audit/events?subject={team}&action=team.deleted")).await;
        assert_eq!(events[0]["detail"], json!({
            "name": "payments",
            "members": [{ "user": ada.id, "role": "manager" }, { "user": ben.id, "role": "member" }],
        }));
        server.restart().await;
        ada.caller.patch(&format!("/v1/teams/{team}"), json!({ "description": "y" })).await.expect_status(403);
    }
}

on_both_stores! {
    async fn a_manager_changes_their_own_team_and_no_other(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let admin = server.admin();
        let own = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let other = admin.post("/v1/teams", json!({ "name": "search" })).await.at("/id");
        admin.put(&format!("/v1/teams/{own}/members/{}", ada.id), json!({ "role": "manager" })).await.expect_status(200);
        let change = json!({ "description": "ours" });

        let changed = ada.caller.patch(&format!("/v1/teams/{own}"), change.clone()).await;
        let refused = ada.caller.patch(&format!("/v1/teams/{other}"), change).await;
        let deleted = ada.caller.delete(&format!("/v1/teams/{own}")).await;

        changed.expect_status(200);
        let reach = (403, "out_of_reach".to_owned());
        assert_eq!((outcome(&refused), outcome(&deleted)), (reach.clone(), reach));
        ada.caller.get(&format!("/v1/teams/{other}")).await.expect_status(200);
        assert_eq!(actions_about(&server, &other).await, ["team.created"]);
    }
}

on_both_stores! {
    async fn what_a_token_may_not_see_does_not_exist_for_it(server: TestServer) {
        let admin = server.admin();
        let own = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let other = admin.post("/v1/teams", json!({ "name": "search" })).await.at("/id");
        let token = server.token().field("restrictions", json!({ "teams": [own] })).issue().await;
        let nowhere = "/v1/teams/team_0000000000001";
        let change = json!({ "description": "x" });
        let without_id = |answer: Answer| {
            let mut problem = answer.json();
            problem["request_id"] = Value::Null;
            (answer.status, problem)
        };

        let path = format!("/v1/teams/{other}");
        for (hidden, missing) in [
            (token.get(&path).await, token.get(nowhere).await),
            (token.patch(&path, change.clone()).await, token.patch(nowhere, change.clone()).await),
            (token.delete(&path).await, token.delete(nowhere).await),
            (token.get(&format!("{path}/members")).await, token.get(&format!("{nowhere}/members")).await),
        ] {
            assert_eq!(hidden.status, 404);
            assert_eq!(without_id(hidden), without_id(missing));
        }
        token.patch(&format!("/v1/teams/{own}"), change).await.expect_status(200);
    }
}
