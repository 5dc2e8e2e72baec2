//! `/v1/deployments`: what was put where, and how it went.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use crate::asking::{actions_about, refusal, refused_fields, rows, text, trimmed};

on_both_stores! {
    async fn a_report_needs_a_service_and_a_version(server: TestServer) {
        let ci = server.token().name("ci bot").scopes(["deployments:write"]).issue().await;

        let answer = ci.post("/v1/deployments", json!({ "service": "search", "version": "1.4.2" })).await;

        answer.expect(expect![[r#"
            201 {
              "id": "dep_1m81b5h800004",
              "service": "search",
              "version": "1.4.2",
              "ref": null,
              "environment": "production",
              "started_at": null,
              "finished_at": "2026-11-22T10:00:00Z",
              "result": "succeeded",
              "reported_by": "tok_1m81b5h800003",
              "created_at": "2026-11-22T10:00:00Z"
            }"#]]);
        let id = answer.at("/id");
        assert_eq!(actions_about(&server, &id).await, ["deployment.reported"]);
    }
}

on_both_stores! {
    async fn a_report_may_say_everything(server: TestServer) {
        let report = json!({
            "service": "search",
            "version": "1.4.2",
            "ref": "v1.4.2",
            "environment": "staging",
            "started_at": "2026-11-22T09:50:00.5Z",
            "finished_at": "2026-11-22T10:59:00+01:00",
            "result": "rolled_back",
        });

        let answer = server.admin().post("/v1/deployments", report).await;

        answer.expect(expect![[r#"
            201 {
              "id": "dep_1m81b5h800003",
              "service": "search",
              "version": "1.4.2",
              "ref": "v1.4.2",
              "environment": "staging",
              "started_at": "2026-11-22T09:50:00.5Z",
              "finished_at": "2026-11-22T09:59:00Z",
              "result": "rolled_back",
              "reported_by": "tok_1m81b5h800002",
              "created_at": "2026-11-22T10:00:00Z"
            }"#]]);
    }
}

on_both_stores! {
    async fn a_report_that_makes_no_sense_is_refused(server: TestServer) {
        let mut said = String::new();

        for report in [
            json!({}),
            json!({ "service": "search" }),
            json!({ "service": "", "version": "1" }),
            json!({ "service": "x".repeat(129), "version": "1" }),
            json!({ "service": "search\u{202e}", "version": "1\n2" }),
            json!({ "service": "search", "version": "1", "result": "fine" }),
            json!({ "service": "search", "version": "1", "team": "payments" }),
            json!({ "service": "search", "version": "1", "finished_at": "2026-11-22T10:05:00.001Z" }),
            json!({ "service": "search", "version": "1", "started_at": "2026-11-22T10:00:00.001Z" }),
            json!({ "service": "search", "version": "1", "finished_at": "today" }),
        ] {
            let shown: String = report.to_string().replace('\u{202e}', "\\u{202e}").chars().take(80).collect();
            let answer = server.admin().post("/v1/deployments", report).await;
            writeln!(said, "{shown} → {}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            {} → service field_missing
            {"service":"search"} → version field_missing
            {"service":"","version":"1"} → service text_empty
            {"service":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx → service text_too_long
            {"service":"search\u{202e}","version":"1\n2"} → service text_bidirectional_character, version text_control_character
            {"result":"fine","service":"search","version":"1"} → result field_invalid
            {"service":"search","team":"payments","version":"1"} → team field_unknown
            {"finished_at":"2026-11-22T10:05:00.001Z","service":"search","version":"1"} → finished_at deployment_in_future
            {"service":"search","started_at":"2026-11-22T10:00:00.001Z","version":"1"} → started_at deployment_ends_before_start
            {"finished_at":"today","service":"search","version":"1"} → finished_at instant_malformed
        "#]].assert_eq(&said);
        assert!(rows(&server.admin().get("/v1/deployments").await).is_empty());
    }
}

on_both_stores! {
    async fn a_senders_clock_may_be_five_minutes_ahead(server: TestServer) {
        let report = json!({ "service": "search", "version": "1", "finished_at": "2026-11-22T10:05:00Z" });

        server.admin().post("/v1/deployments", report).await.expect_status(201);
    }
}

on_both_stores! {
    async fn the_list_is_newest_first_with_filters_and_pages(server: TestServer) {
        let admin = server.admin();
        for (service, environment, result) in [
            ("search", "production", "succeeded"),
            ("search", "staging", "failed"),
            ("shop", "production", "failed"),
            ("shop", "production", "canceled"),
            ("search", "production", "rolled_back"),
        ] {
            let report =
                json!({ "service": service, "version": result, "environment": environment, "result": result });
            admin.post("/v1/deployments", report).await.expect_status(201);
            server.clock().advance(Duration::from_secs(1));
        }
        let mut said = String::new();

        for query in [
            "",
            "service=search",
            "service=Search",
            "environment=production",
            "result=failed",
            "service=shop&result=failed",
            "service=search&environment=production&result=rolled_back",
            "service=nothing",
        ] {
            let page = admin.get(&format!("/v1/deployments?{query}")).await;
            let whole: Vec<String> = rows(&page).iter().map(label).collect();
            writeln!(said, "{query} → {}", whole.join(", ")).unwrap();
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..=whole.len() {
                let page = admin.get(&format!("/v1/deployments?{query}&limit=1{cursor}").replace("?&", "?")).await;
                paged.extend(rows(&page).iter().map(label));
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(paged, whole, "{query} in pages of one");
        }

        expect![[r#"
             → search production rolled_back, shop production canceled, shop production failed, search staging failed, search production succeeded
            service=search → search production rolled_back, search staging failed, search production succeeded
            service=Search →
            environment=production → search production rolled_back, shop production canceled, shop production failed, search production succeeded
            result=failed → shop production failed, search staging failed
            service=shop&result=failed → shop production failed
            service=search&environment=production&result=rolled_back → search production rolled_back
            service=nothing →
        "#]].assert_eq(&trimmed(&said));
    }
}

fn label(row: &Value) -> String {
    format!(
        "{} {} {}",
        text(row, "/service"),
        text(row, "/environment"),
        text(row, "/result")
    )
}

on_both_stores! {
    async fn a_query_is_taken_strictly(server: TestServer) {
        let mut said = String::new();

        for query in ["limit=0", "limit=201", "result=fine", "servise=search", "cursor=x", "service="] {
            let answer = server.admin().get(&format!("/v1/deployments?{query}")).await;
            writeln!(said, "{query} → {}", refusal(&answer)).unwrap();
        }

        expect![[r#"
            limit=0 → input_invalid limit limit_out_of_range
            limit=201 → input_invalid limit limit_out_of_range
            result=fine → field_invalid result field_invalid
            servise=search → field_unknown servise field_unknown
            cursor=x → input_invalid cursor cursor_invalid
            service= → input_invalid service text_empty
        "#]].assert_eq(&said);
    }
}

on_both_stores! {
    async fn reports_survive_a_restart(mut server: TestServer) {
        let report = json!({ "service": "search", "version": "1" });
        let reported = server.admin().post("/v1/deployments", report).await.json();

        server.restart().await;

        assert_eq!(rows(&server.admin().get("/v1/deployments").await), [reported]);
    }
}
