//! `POST /v1/teams`: a team begins with a name.

use std::fmt::Write as _;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::json;

use crate::asking::{actions_about, refused_fields, rows, trimmed};
use crate::crowd::{flood, newcomers};

on_both_stores! {
    async fn a_team_begins_without_members_and_services(server: TestServer) {
        let made = server.admin().post("/v1/teams", json!({ "name": " Payments ", "description": "Money in\nand out." })).await;

        made.expect(expect![[r#"
            201 {
              "id": "team_1m81b5h800003",
              "name": "Payments",
              "description": "Money in\nand out.",
              "members": 0,
              "services": 0,
              "created_at": "2026-11-22T10:00:00Z",
              "updated_at": "2026-11-22T10:00:00Z"
            }"#]]);
        let id = made.at("/id");
        assert_eq!(server.admin().get(&format!("/v1/teams/{id}")).await.expect_status(200).json(), made.json());
        assert_eq!(actions_about(&server, &id).await, ["team.created"]);
    }
}

on_both_stores! {
    async fn a_name_is_unique_whatever_the_spelling(server: TestServer) {
        let admin = server.admin();
        admin.post("/v1/teams", json!({ "name": "Café" })).await.expect_status(201);

        let taken = admin.post("/v1/teams", json!({ "name": "CAFE\u{301}" })).await;

        taken.expect(expect![[r#"
            409 {
              "type": "/docs/problems#team_name_taken",
              "title": "Team name taken",
              "status": 409,
              "code": "team_name_taken",
              "detail": "another team is called `CAFÉ`; choose another name",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
        assert_eq!(rows(&admin.get("/v1/teams").await).len(), 1);
        admin.post("/v1/teams", json!({ "name": "Cafe" })).await.expect_status(201);
    }
}

on_both_stores! {
    async fn of_many_who_want_a_name_at_once_one_gets_it(server: TestServer) {
        let callers: Vec<_> = (0..16).map(|_| server.admin().clone()).collect();
        let asked = callers.into_iter().map(|caller| {
            tokio::spawn(async move { caller.post("/v1/teams", json!({ "name": "payments" })).await.status })
        });

        let mut statuses = Vec::new();
        for answer in asked.collect::<Vec<_>>() {
            statuses.push(answer.await.unwrap());
        }

        statuses.sort_unstable();
        assert_eq!((statuses[0], &statuses[1..]), (201, &[409; 15][..]));
    }
}

on_both_stores! {
    async fn a_team_that_makes_no_sense_is_refused(server: TestServer) {
        let mut said = String::new();

        for body in [
            json!({}),
            json!({ "name": "" }),
            json!({ "name": "  " }),
            json!({ "name": "x".repeat(129) }),
            json!({ "name": "pay\u{202e}ments", "description": "a\u{0}b" }),
            json!({ "name": "payments", "description": "x".repeat(351) }),
            json!({ "name": "payments", "members": [] }),
        ] {
            let shown: String = body.to_string().replace('\u{202e}', "\\u{202e}").chars().take(60).collect();
            let answer = server.admin().post("/v1/teams", body).await;
            writeln!(said, "{shown} → {}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            {} → name field_missing
            {"name":""} → name text_empty
            {"name":"  "} → name text_empty
            {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → name text_too_long
            {"description":"a\u0000b","name":"pay\u{202e}ments"} → name text_bidirectional_character, description text_control_character
            {"description":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → description description_too_long
            {"members":[],"name":"payments"} → members field_unknown
        "#]].assert_eq(&trimmed(&said));
        assert!(rows(&server.admin().get("/v1/teams").await).is_empty());
        server.admin().post("/v1/teams", json!({ "name": "x" })).await.expect_status(201);
        server.admin().post("/v1/teams", json!({ "name": "y".repeat(128) })).await.expect_status(201);
    }
}

on_both_stores! {
    async fn only_who_reaches_the_whole_organization_makes_teams(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = server.admin().post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let member = format!("/v1/teams/{team}/members/{}", ada.id);
        server.admin().put(&member, json!({ "role": "manager" })).await.expect_status(200);
        let restricted = server.token().field("restrictions", json!({ "teams": [team] })).issue().await;

        for caller in [&ada.caller, &restricted] {
            let refused = caller.post("/v1/teams", json!({ "name": "search" })).await;

            assert_eq!((refused.status, refused.problem_code().as_deref()), (403, Some("out_of_reach")));
        }
        assert_eq!(rows(&server.admin().get("/v1/teams").await).len(), 1);
    }
}

on_both_stores! {
    async fn an_organization_has_at_most_10_000_teams(server: TestServer) {
        let columns = "id, org_id, name, name_key, description, created_at, updated_at";
        let values = "1000 + i, (SELECT id FROM organization), 'team ' || CAST(i AS TEXT), 'team ' || CAST(i AS TEXT), '', 0, 0";
        server.lift_shadow().await;
        flood(&server, "team", columns, values, 9_999).await;

        server.admin().post("/v1/teams", json!({ "name": "the last" })).await.expect_status(201);
        let refused = server.admin().post("/v1/teams", json!({ "name": "one too many" })).await;

        refused.expect(expect![[r#"
            409 {
              "type": "/docs/problems#team_limit_reached",
              "title": "Team limit reached",
              "status": 409,
              "code": "team_limit_reached",
              "detail": "there are 10000 teams, and no more fit; delete one first",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
    }
}
