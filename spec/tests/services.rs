//! `/v1/services`: things that are deployed and break, and the team that each belongs to.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::json;

use crate::asking::{actions_about, names, refusal, refused_fields, rows, trimmed, whole_list};
use crate::crowd::{flood, newcomers};

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn team(server: &TestServer, name: &str) -> String {
    let made = server.admin().post("/v1/teams", json!({ "name": name })).await;
    made.expect_status(201).at("/id")
}

async fn service(server: &TestServer, name: &str, team: &str) -> String {
    let made = server
        .admin()
        .post("/v1/services", json!({ "name": name, "team": team }))
        .await;
    made.expect_status(201).at("/id")
}

on_both_stores! {
    async fn a_service_belongs_to_a_team(server: TestServer) {
        let team = team(&server, "payments").await;

        let made = server.admin().post("/v1/services", json!({ "name": "checkout", "team": team, "description": "Takes money." })).await;

        made.expect(expect![[r#"
            201 {
              "id": "svc_1m81b5h800004",
              "name": "checkout",
              "team": "team_1m81b5h800003",
              "description": "Takes money.",
              "created_at": "2026-11-22T10:00:00Z",
              "updated_at": "2026-11-22T10:00:00Z"
            }"#]]);
        let id = made.at("/id");
        assert_eq!(server.admin().get(&format!("/v1/services/{id}")).await.expect_status(200).json(), made.json());
        assert_eq!(actions_about(&server, &id).await, ["service.created"]);
        assert_eq!(server.admin().get(&format!("/v1/teams/{team}")).await.json()["services"], 1);
    }
}

on_both_stores! {
    async fn a_service_that_makes_no_sense_is_refused(server: TestServer) {
        let team = team(&server, "payments").await;
        let mut said = String::new();

        for body in [
            json!({ "name": "checkout" }),
            json!({ "name": "", "team": team }),
            json!({ "name": "x".repeat(129), "team": "payments" }),
            json!({ "name": "check\nout", "team": "svc_0000000000001", "description": "x".repeat(351) }),
            json!({ "name": "checkout", "team": team, "environment": "production" }),
        ] {
            let shown: String = body.to_string().replace(&team, "TEAM").chars().take(60).collect();
            let answer = server.admin().post("/v1/services", body).await;
            writeln!(said, "{shown} → {}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            {"name":"checkout"} → team field_missing
            {"name":"","team":"TEAM"} → name text_empty
            {"name":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → name text_too_long, team id_malformed
            {"description":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → name text_control_character, team id_malformed, description description_too_long
            {"environment":"production","name":"checkout","team":"TEAM"} → environment field_unknown
        "#]].assert_eq(&trimmed(&said));
        let unknown = server.admin().post("/v1/services", json!({ "name": "checkout", "team": "team_0000000000001" })).await;
        assert_eq!(outcome(&unknown), (404, "team_not_found".to_owned()));
        assert!(rows(&server.admin().get("/v1/services").await).is_empty());
    }
}

on_both_stores! {
    async fn a_name_is_unique_in_the_organization_whatever_the_team(server: TestServer) {
        let (payments, search) = (team(&server, "payments").await, team(&server, "search").await);
        service(&server, "Checkout", &payments).await;
        let other = service(&server, "index", &search).await;

        let made = server.admin().post("/v1/services", json!({ "name": "CHECKOUT", "team": search })).await;
        let renamed = server.admin().patch(&format!("/v1/services/{other}"), json!({ "name": "checkout" })).await;

        made.expect(expect![[r#"
            409 {
              "type": "/docs/problems#service_name_taken",
              "title": "Service name taken",
              "status": 409,
              "code": "service_name_taken",
              "detail": "another service is called `CHECKOUT`; choose another name",
              "request_id": "req_n4wyp7x3dyn8yqv8s5"
            }"#]]);
        assert_eq!(outcome(&renamed), (409, "service_name_taken".to_owned()));
        assert_eq!(names(&server.admin().get("/v1/services").await), ["Checkout", "index"]);
    }
}

on_both_stores! {
    async fn services_are_listed_by_name_with_filters_and_in_pages(server: TestServer) {
        let (payments, search) = (team(&server, "payments").await, team(&server, "search").await);
        for (name, team) in [("index", &search), ("Checkout", &payments), ("crawler", &search), ("ledger", &payments)] {
            service(&server, name, team).await;
        }
        let admin = server.admin();
        let mut said = String::new();

        for query in ["", "q=c", "q=C", "team=PAYMENTS", "team=SEARCH&q=c", "team=team_0000000000001"] {
            let asked = query.replace("PAYMENTS", &payments).replace("SEARCH", &search);
            let whole = names(&admin.get(&format!("/v1/services?{asked}")).await);
            writeln!(said, "{query} → {}", whole.join(", ")).unwrap();
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..=whole.len() {
                let page = admin.get(&format!("/v1/services?{asked}&limit=1{cursor}").replace("?&", "?")).await;
                paged.extend(names(&page));
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(paged, whole, "{query} in pages of one");
        }
        for query in ["team=payments", "limit=0", "name=x", "cursor=x"] {
            writeln!(said, "{query} → {}", refusal(&admin.get(&format!("/v1/services?{query}")).await)).unwrap();
        }

        expect![[r#"
             → Checkout, crawler, index, ledger
            q=c → Checkout, crawler
            q=C → Checkout, crawler
            team=PAYMENTS → Checkout, ledger
            team=SEARCH&q=c → crawler
            team=team_0000000000001 →
            team=payments → input_invalid team id_malformed
            limit=0 → input_invalid limit limit_out_of_range
            name=x → field_unknown name field_unknown
            cursor=x → input_invalid cursor cursor_invalid
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn a_restricted_token_reaches_its_services_and_no_others(server: TestServer) {
        let (payments, search) = (team(&server, "payments").await, team(&server, "search").await);
        let (checkout, index) = (service(&server, "checkout", &payments).await, service(&server, "index", &search).await);
        let ledger = service(&server, "ledger", &payments).await;
        let of_team = server.token().field("restrictions", json!({ "teams": [payments] })).issue().await;
        let of_service = server.token().field("restrictions", json!({ "services": [checkout] })).issue().await;
        let change = json!({ "description": "x" });
        let path = |id: &str| format!("/v1/services/{id}");

        assert_eq!(names(&of_team.get("/v1/services").await), ["checkout", "ledger"]);
        assert_eq!(names(&of_service.get("/v1/services").await), ["checkout"]);
        for (caller, hidden) in [(&of_team, &index), (&of_service, &index), (&of_service, &ledger)] {
            for answer in [
                caller.get(&path(hidden)).await,
                caller.patch(&path(hidden), change.clone()).await,
                caller.delete(&path(hidden)).await,
            ] {
                assert_eq!(outcome(&answer), (404, "service_not_found".to_owned()));
            }
        }
        of_team.patch(&path(&ledger), change.clone()).await.expect_status(200);
        of_service.patch(&path(&checkout), change).await.expect_status(200);
        let made = of_service.post("/v1/services", json!({ "name": "new", "team": payments })).await;
        assert_eq!(outcome(&made), (404, "team_not_found".to_owned()));
    }
}

on_both_stores! {
    async fn absent_fields_stay_as_they_are(server: TestServer) {
        let team = team(&server, "payments").await;
        let id = service(&server, "checkout", &team).await;
        let before = server.admin().get(&format!("/v1/services/{id}")).await.json();

        server.clock().advance(Duration::from_secs(60));
        let after = server.admin().patch(&format!("/v1/services/{id}"), json!({ "description": "new" })).await.json()["service"].clone();

        for field in ["id", "name", "team", "created_at"] {
            assert_eq!(after[field], before[field], "{field}");
        }
        assert_eq!((&after["description"], &after["updated_at"]), (&json!("new"), &json!("2026-11-22T10:01:00Z")));
    }
}

on_both_stores! {
    async fn moving_a_service_takes_the_right_in_both_teams(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let (payments, search, platform) =
            (team(&server, "payments").await, team(&server, "search").await, team(&server, "platform").await);
        let (checkout, index) = (service(&server, "checkout", &payments).await, service(&server, "index", &search).await);
        for team in [&payments, &platform] {
            let path = format!("/v1/teams/{team}/members/{}", ada.id);
            server.admin().put(&path, json!({ "role": "manager" })).await.expect_status(200);
        }
        let path = |id: &str| format!("/v1/services/{id}");
        let reach = (403, "out_of_reach".to_owned());

        assert_eq!(outcome(&ada.caller.patch(&path(&checkout), json!({ "team": search })).await), reach);
        assert_eq!(outcome(&ada.caller.patch(&path(&index), json!({ "team": platform })).await), reach);
        let unknown = ada.caller.patch(&path(&checkout), json!({ "team": "team_0000000000001" })).await;
        assert_eq!(outcome(&unknown), (404, "team_not_found".to_owned()));
        let moved = ada.caller.patch(&path(&checkout), json!({ "team": platform })).await;

        assert_eq!(moved.expect_status(200).at("/service/team"), platform);
        assert_eq!(moved.json()["receipt"]["verifiers"], json!({ "confirmed": 1, "fenced": 0 }));
        let events = whole_list(server.admin(), &format!("/v1/audit/events?subject={checkout}&action=service.updated")).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["detail"], json!({ "team": { "from": payments, "to": platform } }));
        let restricted = server.token().field("restrictions", json!({ "teams": [payments] })).issue().await;
        restricted.get(&path(&checkout)).await.expect_status(404);
    }
}

on_both_stores! {
    async fn a_team_member_without_the_right_sees_services_and_changes_none(mut server: TestServer) {
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let team = team(&server, "payments").await;
        let id = service(&server, "checkout", &team).await;
        server.admin().put(&format!("/v1/teams/{team}/members/{}", ada.id), json!({ "role": "member" })).await.expect_status(200);
        let path = format!("/v1/services/{id}");

        ada.caller.get(&path).await.expect_status(200);
        for answer in [
            ada.caller.patch(&path, json!({ "description": "x" })).await,
            ada.caller.delete(&path).await,
            ada.caller.post("/v1/services", json!({ "name": "new", "team": team })).await,
        ] {
            assert_eq!(outcome(&answer), (403, "insufficient_scope".to_owned()));
        }
    }
}

on_both_stores! {
    async fn a_deleted_service_is_gone_and_its_name_is_free(server: TestServer) {
        let team = team(&server, "payments").await;
        let id = service(&server, "checkout", &team).await;
        let report = json!({ "service": "checkout", "version": "1" });
        server.admin().post("/v1/deployments", report).await.expect_status(201);

        server.admin().delete(&format!("/v1/services/{id}")).await.expect_status(204);

        server.admin().get(&format!("/v1/services/{id}")).await.expect_status(404);
        server.admin().delete(&format!("/v1/services/{id}")).await.expect_status(404);
        assert_eq!(actions_about(&server, &id).await, ["service.created", "service.deleted"]);
        assert_eq!(rows(&server.admin().get("/v1/deployments?service=checkout").await).len(), 1);
        service(&server, "checkout", &team).await;
    }
}

on_both_stores! {
    async fn an_organization_has_at_most_100_000_services(server: TestServer) {
        let team = team(&server, "payments").await;
        let columns = "id, org_id, team_id, name, name_key, description, created_at, updated_at";
        let values = "1000 + i, (SELECT id FROM organization), (SELECT id FROM team), 's' || CAST(i AS TEXT), \
                      's' || CAST(i AS TEXT), '', 0, 0";
        server.lift_shadow().await;
        flood(&server, "service", columns, values, 99_999).await;

        service(&server, "the last", &team).await;
        let refused = server.admin().post("/v1/services", json!({ "name": "one too many", "team": team })).await;

        assert_eq!(outcome(&refused), (409, "service_limit_reached".to_owned()));
    }
}
