//! `/v1/stages`: the steps of a release, in order, without a gap whatever happens.

use std::fmt::Write as _;

use claviger_testkit::{Answer, TestRandom, TestServer, on_both_stores};
use claviger_token::RandomSource as _;
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, names, refusal, refused_fields, rows, text, trimmed, whole_list};
use crate::crowd::flood;

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn environment(server: &TestServer) -> String {
    let made = server
        .admin()
        .post("/v1/environments", json!({ "name": "staging" }))
        .await;
    made.expect_status(201).at("/id")
}

async fn stage(server: &TestServer, name: &str, environment: &str, position: Option<u32>) -> String {
    let mut body = json!({ "name": name, "environment": environment });
    if let Some(position) = position {
        body["position"] = position.into();
    }
    server
        .admin()
        .post("/v1/stages", body)
        .await
        .expect_status(201)
        .at("/id")
}

/// The names in their order, whose places are 1, 2, 3, ….
async fn order(server: &TestServer) -> Vec<String> {
    let rows = whole_list(server.admin(), "/v1/stages").await;
    for (place, row) in (1..).zip(&rows) {
        assert_eq!(row["position"], place, "{row}");
    }
    rows.iter().map(|row| text(row, "/name")).collect()
}

on_both_stores! {
    async fn a_stage_comes_last_unless_said(server: TestServer) {
        let environment = environment(&server).await;
        stage(&server, "build", &environment, None).await;

        let made = server.admin().post("/v1/stages", json!({ "name": "canary", "environment": environment })).await;

        made.expect(expect![[r#"
            201 {
              "id": "stg_1m81b5h800005",
              "name": "canary",
              "environment": "env_1m81b5h800003",
              "position": 2,
              "created_at": "2026-11-22T10:00:00Z",
              "updated_at": "2026-11-22T10:00:00Z"
            }"#]]);
        let id = made.at("/id");
        assert_eq!(server.admin().get(&format!("/v1/stages/{id}")).await.expect_status(200).json(), made.json());
        assert_eq!(order(&server).await, ["build", "canary"]);
        assert_eq!(actions_about(&server, &id).await, ["stage.created"]);
    }
}

on_both_stores! {
    async fn an_inserted_stage_moves_those_after_it_one_place_on(server: TestServer) {
        let environment = environment(&server).await;
        for (name, position) in [("c", None), ("a", Some(1)), ("b", Some(2)), ("d", Some(4)), ("0", Some(1))] {
            stage(&server, name, &environment, position).await;
        }

        assert_eq!(order(&server).await, ["0", "a", "b", "c", "d"]);
    }
}

on_both_stores! {
    async fn a_moved_stage_lets_the_others_make_way(server: TestServer) {
        let environment = environment(&server).await;
        let mut ids = Vec::new();
        for name in ["a", "b", "c", "d"] {
            ids.push(stage(&server, name, &environment, None).await);
        }
        let mut said = String::new();

        for (place, position) in [(0, 4), (3, 1), (1, 2), (2, 1), (2, 1)] {
            let path = format!("/v1/stages/{}", ids[place]);
            let moved = server.admin().patch(&path, json!({ "position": position })).await;
            writeln!(said, "{} → {position}: {}", moved.at("/name"), order(&server).await.join(" ")).unwrap();
        }

        expect![[r#"
            a → 4: b c d a
            d → 1: d b c a
            b → 2: d b c a
            c → 1: c d b a
            c → 1: c d b a
        "#]].assert_eq(&said);
        let events = whole_list(server.admin(), &format!("/v1/audit/events?subject={}&action=stage.updated", ids[0])).await;
        assert_eq!(events[0]["detail"], json!({ "position": { "from": 1, "to": 4 } }));
    }
}

on_both_stores! {
    async fn whatever_is_done_in_whatever_order_leaves_no_gap(server: TestServer) {
        let environment = environment(&server).await;
        let random = TestRandom::new(7);
        let mut model: Vec<(String, String)> = Vec::new();

        for step in 0..60 {
            let mut bytes = [0; 3];
            random.fill(&mut bytes).unwrap();
            let [what, from, to] = bytes.map(usize::from);
            if model.is_empty() || what % 3 == 0 {
                let place = to % (model.len() + 1);
                let name = format!("s{step}");
                let position = u32::try_from(place + 1).unwrap();
                let id = stage(&server, &name, &environment, Some(position)).await;
                model.insert(place, (id, name));
            } else {
                let from = from % model.len();
                let (id, name) = model.remove(from);
                let path = format!("/v1/stages/{id}");
                if what % 3 == 1 {
                    server.admin().delete(&path).await.expect_status(204);
                } else {
                    let place = to % (model.len() + 1);
                    server.admin().patch(&path, json!({ "position": place + 1 })).await.expect_status(200);
                    model.insert(place, (id, name));
                }
            }
            let expected: Vec<&str> = model.iter().map(|(_, name)| name.as_str()).collect();
            assert_eq!(order(&server).await, expected, "after step {step}");
        }
    }
}

on_both_stores! {
    async fn a_stage_that_makes_no_sense_is_refused_and_moves_nothing(server: TestServer) {
        let environment = environment(&server).await;
        stage(&server, "build", &environment, None).await;
        let second = stage(&server, "Canary", &environment, None).await;
        let mut said = String::new();

        for body in [
            json!({ "name": "x" }),
            json!({ "name": "", "environment": "staging" }),
            json!({ "name": "x", "environment": environment, "position": 0 }),
            json!({ "name": "x", "environment": environment, "position": 4 }),
            json!({ "name": "x", "environment": environment, "position": -1 }),
            json!({ "name": "x", "environment": environment, "before": "build" }),
        ] {
            let shown = body.to_string().replace(&environment, "ENV");
            let answer = server.admin().post("/v1/stages", body).await;
            writeln!(said, "{shown} → {}", refused_fields(&answer).join(", ")).unwrap();
        }
        for body in [json!({ "position": 3 }), json!({ "position": 0 }), json!({ "environment": "staging" })] {
            let answer = server.admin().patch(&format!("/v1/stages/{second}"), body.clone()).await;
            writeln!(said, "PATCH {body} → {}", refused_fields(&answer).join(", ")).unwrap();
        }
        for query in ["limit=0", "q=x", "cursor=x"] {
            writeln!(said, "{query} → {}", refusal(&server.admin().get(&format!("/v1/stages?{query}")).await)).unwrap();
        }

        expect![[r#"
            {"name":"x"} → environment field_missing
            {"environment":"staging","name":""} → name text_empty, environment id_malformed
            {"environment":"ENV","name":"x","position":0} → position position_out_of_range
            {"environment":"ENV","name":"x","position":4} → position position_out_of_range
            {"environment":"ENV","name":"x","position":-1} → position field_invalid
            {"before":"build","environment":"ENV","name":"x"} → before field_unknown
            PATCH {"position":3} → position position_out_of_range
            PATCH {"position":0} → position position_out_of_range
            PATCH {"environment":"staging"} → environment id_malformed
            limit=0 → input_invalid limit limit_out_of_range
            q=x → field_unknown q field_unknown
            cursor=x → input_invalid cursor cursor_invalid
        "#]].assert_eq(&trimmed(&said));
        let taken = json!({ "name": "canary", "environment": environment, "position": 1 });
        server.admin().post("/v1/stages", taken).await.expect(expect![[r#"
            409 {
              "type": "/docs/problems#stage_name_taken",
              "title": "Stage name taken",
              "status": 409,
              "code": "stage_name_taken",
              "detail": "another stage is called `canary`; choose another name",
              "request_id": "req_n4wyp1a46vn93bw5e8"
            }"#]]);
        let taken = server.admin().patch(&format!("/v1/stages/{second}"), json!({ "name": "BUILD", "position": 1 })).await;
        assert_eq!(outcome(&taken), (409, "stage_name_taken".to_owned()));
        let unknown = json!({ "name": "x", "environment": "env_0000000000001" });
        let unknown = server.admin().post("/v1/stages", unknown).await;
        assert_eq!(outcome(&unknown), (404, "environment_not_found".to_owned()));
        assert_eq!(order(&server).await, ["build", "Canary"]);
    }
}

on_both_stores! {
    async fn a_deleted_stage_leaves_no_gap(server: TestServer) {
        let environment = environment(&server).await;
        let mut ids = Vec::new();
        for name in ["a", "b", "c"] {
            ids.push(stage(&server, name, &environment, None).await);
        }

        server.admin().delete(&format!("/v1/stages/{}", ids[1])).await.expect_status(204);

        assert_eq!(order(&server).await, ["a", "c"]);
        server.admin().get(&format!("/v1/stages/{}", ids[1])).await.expect_status(404);
        assert_eq!(actions_about(&server, &ids[1]).await, ["stage.created", "stage.deleted"]);
    }
}

on_both_stores! {
    async fn stages_are_read_in_pages(server: TestServer) {
        let environment = environment(&server).await;
        for name in ["z", "y", "x"] {
            stage(&server, name, &environment, None).await;
        }

        let first = server.admin().get("/v1/stages?limit=2").await;
        let rest = server.admin().get(&format!("/v1/stages?limit=2&cursor={}", first.at("/next_cursor"))).await;

        assert_eq!((names(&first), names(&rest)), (vec!["z".to_owned(), "y".to_owned()], vec!["x".to_owned()]));
        assert_eq!(rest.json()["next_cursor"], Value::Null);
    }
}

on_both_stores! {
    async fn an_organization_has_at_most_100_stages(server: TestServer) {
        let environment = environment(&server).await;
        let columns = "id, org_id, environment_id, position, name, name_key, created_at, updated_at";
        let values = "1000 + i, (SELECT id FROM organization), (SELECT id FROM environment), i, 's' || CAST(i AS TEXT), \
                      's' || CAST(i AS TEXT), 0, 0";
        server.lift_shadow().await;
        flood(&server, "stage", columns, values, 99).await;

        stage(&server, "the first", &environment, Some(1)).await;
        let refused = server.admin().post("/v1/stages", json!({ "name": "one too many", "environment": environment })).await;

        assert_eq!(outcome(&refused), (409, "stage_limit_reached".to_owned()));
        assert_eq!(rows(&server.admin().get("/v1/stages?limit=100").await).len(), 100);
        assert_eq!(order(&server).await[..2], ["the first".to_owned(), "s1".to_owned()]);
    }
}
