//! `/v1/environments`: where services run.

use std::fmt::Write as _;

use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, names, refused_fields, rows, trimmed, whole_list};
use crate::crowd::{flood, newcomers};

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn environment(server: &TestServer, name: &str) -> String {
    let made = server
        .admin()
        .post("/v1/environments", json!({ "name": name }))
        .await;
    made.expect_status(201).at("/id")
}

on_both_stores! {
    async fn an_environment_begins_with_a_name(server: TestServer) {
        let made = server.admin().post("/v1/environments", json!({ "name": "staging", "description": "Like production." })).await;

        made.expect(expect![[r#"
            201 {
              "id": "env_1m81b5h800003",
              "name": "staging",
              "production": false,
              "description": "Like production.",
              "created_at": "2026-11-22T10:00:00Z",
              "updated_at": "2026-11-22T10:00:00Z"
            }"#]]);
        let id = made.at("/id");
        assert_eq!(server.admin().get(&format!("/v1/environments/{id}")).await.expect_status(200).json(), made.json());
        assert_eq!(actions_about(&server, &id).await, ["environment.created"]);
    }
}

on_both_stores! {
    async fn a_production_name_makes_production_unless_somebody_says_otherwise(server: TestServer) {
        let mut made = Vec::new();

        for body in [
            json!({ "name": "Production" }),
            json!({ "name": "PROD" }),
            json!({ "name": "staging" }),
            json!({ "name": "eu", "production": true }),
        ] {
            made.push(server.admin().post("/v1/environments", body).await.expect_status(201).json()["production"].clone());
        }

        assert_eq!(made, [true, true, false, true].map(Value::from));
        let id = whole_list(server.admin(), "/v1/environments?q=production").await[0]["id"].clone();
        let path = format!("/v1/environments/{}", id.as_str().unwrap());
        let unsaid = server.admin().patch(&path, json!({ "name": "old" })).await;
        assert_eq!(unsaid.json()["production"], true, "a name says so only at the beginning");
        let said = server.admin().patch(&path, json!({ "production": false })).await;
        assert_eq!(said.json()["production"], false);
    }
}

on_both_stores! {
    async fn an_environment_that_makes_no_sense_is_refused(server: TestServer) {
        let mut said = String::new();

        for body in [
            json!({}),
            json!({ "name": "" }),
            json!({ "name": "a\tb", "description": "x".repeat(351) }),
            json!({ "name": "staging", "production": "yes" }),
            json!({ "name": "staging", "kind": "x" }),
        ] {
            let shown: String = body.to_string().chars().take(60).collect();
            let answer = server.admin().post("/v1/environments", body).await;
            writeln!(said, "{shown} → {}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            {} → name field_missing
            {"name":""} → name text_empty
            {"description":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → name text_control_character, description description_too_long
            {"name":"staging","production":"yes"} → production field_invalid
            {"kind":"x","name":"staging"} → kind field_unknown
        "#]].assert_eq(&trimmed(&said));
        assert!(rows(&server.admin().get("/v1/environments").await).is_empty());
    }
}

on_both_stores! {
    async fn a_name_is_unique_whatever_the_spelling(server: TestServer) {
        environment(&server, "Staging").await;
        let other = environment(&server, "test").await;

        let made = server.admin().post("/v1/environments", json!({ "name": "staging" })).await;
        let renamed = server.admin().patch(&format!("/v1/environments/{other}"), json!({ "name": "STAGING" })).await;

        made.expect(expect![[r#"
            409 {
              "type": "/docs/problems#environment_name_taken",
              "title": "Environment name taken",
              "status": 409,
              "code": "environment_name_taken",
              "detail": "another environment is called `staging`; choose another name",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);
        assert_eq!(outcome(&renamed), (409, "environment_name_taken".to_owned()));
        assert_eq!(names(&server.admin().get("/v1/environments").await), ["Staging", "test"]);
    }
}

on_both_stores! {
    async fn environments_are_listed_by_name_in_pages(server: TestServer) {
        for name in ["test", "Staging", "production", "stress"] {
            environment(&server, name).await;
        }
        let admin = server.admin();

        let first = admin.get("/v1/environments?limit=3").await;
        let rest = admin.get(&format!("/v1/environments?limit=3&cursor={}", first.at("/next_cursor"))).await;

        assert_eq!(names(&first), ["production", "Staging", "stress"]);
        assert_eq!((names(&rest), &rest.json()["next_cursor"]), (vec!["test".to_owned()], &Value::Null));
        assert_eq!(names(&admin.get("/v1/environments?q=ST").await), ["Staging", "stress"]);
    }
}

on_both_stores! {
    async fn a_restricted_token_sees_its_environments_and_changes_none(server: TestServer) {
        let (staging, production) = (environment(&server, "staging").await, environment(&server, "production").await);
        let stage = json!({ "name": "try", "environment": staging });
        let stage = server.admin().post("/v1/stages", stage).await.at("/id");
        let token = server.token().field("restrictions", json!({ "environments": [production] })).issue().await;
        let change = json!({ "description": "x" });

        assert_eq!(names(&token.get("/v1/environments").await), ["production"]);
        for path in [format!("/v1/environments/{staging}"), format!("/v1/stages/{stage}")] {
            for answer in [token.get(&path).await, token.patch(&path, json!({ "name": "x" })).await, token.delete(&path).await] {
                assert_eq!(answer.status, 404, "{path}");
            }
        }
        assert!(names(&token.get("/v1/stages").await).is_empty());
        let own = format!("/v1/environments/{production}");
        token.get(&own).await.expect_status(200);
        let reach = (403, "out_of_reach".to_owned());
        assert_eq!(outcome(&token.patch(&own, change).await), reach);
        assert_eq!(outcome(&token.delete(&own).await), reach);
        assert_eq!(outcome(&token.post("/v1/environments", json!({ "name": "new" })).await), reach);
    }
}

on_both_stores! {
    async fn everybody_sees_environments_and_administrators_change_them(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let id = environment(&server, "staging").await;

        assert_eq!(names(&ada.caller.get("/v1/environments").await), ["staging"]);
        for answer in [
            ada.caller.post("/v1/environments", json!({ "name": "new" })).await,
            ada.caller.patch(&format!("/v1/environments/{id}"), json!({ "name": "new" })).await,
            ada.caller.delete(&format!("/v1/environments/{id}")).await,
        ] {
            assert_eq!(outcome(&answer), (403, "insufficient_scope".to_owned()));
        }
    }
}

on_both_stores! {
    async fn an_environment_that_a_stage_is_in_stays(server: TestServer) {
        let admin = server.admin();
        let id = environment(&server, "staging").await;
        let path = format!("/v1/environments/{id}");
        let stage = admin.post("/v1/stages", json!({ "name": "try", "environment": id })).await.at("/id");

        let refused = admin.delete(&path).await;

        refused.expect(expect![[r#"
            409 {
              "type": "/docs/problems#environment_in_use",
              "title": "Environment in use",
              "status": 409,
              "code": "environment_in_use",
              "detail": "stages are in this environment (1); move or delete them first",
              "request_id": "req_n4wyp071pawyd70xs5"
            }"#]]);
        admin.delete(&format!("/v1/stages/{stage}")).await.expect_status(204);
        admin.delete(&path).await.expect_status(204);
        admin.get(&path).await.expect_status(404);
        assert_eq!(actions_about(&server, &id).await, ["environment.created", "environment.deleted"]);
    }
}

on_both_stores! {
    async fn an_organization_has_at_most_100_environments(server: TestServer) {
        let columns = "id, org_id, name, name_key, is_production, description, created_at, updated_at";
        let values = "1000 + i, (SELECT id FROM organization), 'e' || CAST(i AS TEXT), 'e' || CAST(i AS TEXT), FALSE, '', 0, 0";
        server.lift_shadow().await;
        flood(&server, "environment", columns, values, 99).await;

        environment(&server, "the last").await;
        let refused = server.admin().post("/v1/environments", json!({ "name": "one too many" })).await;

        assert_eq!(outcome(&refused), (409, "environment_limit_reached".to_owned()));
    }
}
