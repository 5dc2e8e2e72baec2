//! `GET /v1/teams`: by name, a page at a time, and only those that the caller may see.

use std::fmt::Write as _;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::json;

use crate::asking::{names, refusal, trimmed};

async fn teams(admin: &Caller, names: &[&str]) -> Vec<String> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(
            admin
                .post("/v1/teams", json!({ "name": name }))
                .await
                .expect_status(201)
                .at("/id"),
        );
    }
    ids
}

on_both_stores! {
    async fn teams_are_listed_by_name_with_a_filter_and_in_pages(server: TestServer) {
        let admin = server.admin();
        teams(admin, &["search", "Payments", "platform", "Öl", "paging", "日本", "ﬁle"]).await;
        let mut said = String::new();

        for query in ["", "q=pa", "q=PAY", "q=p", "q=fi", "q=%C3%96", "q=o", "q=nothing", "q=%25"] {
            let whole = names(&admin.get(&format!("/v1/teams?{query}")).await);
            writeln!(said, "{query} → {}", whole.join(", ")).unwrap();
            let mut paged = Vec::new();
            let mut cursor = String::new();
            for _ in 0..=whole.len() {
                let page = admin.get(&format!("/v1/teams?{query}&limit=1{cursor}").replace("?&", "?")).await;
                paged.extend(names(&page));
                match page.json()["next_cursor"].as_str() {
                    Some(next) => cursor = format!("&cursor={next}"),
                    None => break,
                }
            }
            assert_eq!(paged, whole, "{query} in pages of one");
        }

        expect![[r#"
             → ﬁle, paging, Payments, platform, search, Öl, 日本
            q=pa → paging, Payments
            q=PAY → Payments
            q=p → paging, Payments, platform
            q=fi → ﬁle
            q=%C3%96 → Öl
            q=o →
            q=nothing →
            q=%25 →
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn a_restricted_token_lists_the_teams_that_it_reaches(server: TestServer) {
        let ids = teams(server.admin(), &["payments", "platform", "search"]).await;
        let two = server.token().field("restrictions", json!({ "teams": [ids[0], ids[2]] })).issue().await;
        let none = server.token().field("restrictions", json!({ "teams": [] })).issue().await;

        assert_eq!(names(&two.get("/v1/teams").await), ["payments", "search"]);
        let first = two.get("/v1/teams?limit=1").await;
        let rest = two.get(&format!("/v1/teams?limit=1&cursor={}", first.at("/next_cursor"))).await;
        assert_eq!((names(&first), names(&rest)), (vec!["payments".to_owned()], vec!["search".to_owned()]));
        two.get(&format!("/v1/teams/{}", ids[0])).await.expect_status(200);
        two.get(&format!("/v1/teams/{}", ids[1])).await.expect_status(404);
        assert!(names(&none.get("/v1/teams").await).is_empty());
    }
}

on_both_stores! {
    async fn a_token_of_one_environment_lists_no_team_that_it_may_not_see(server: TestServer) {
        let ids = teams(server.admin(), &["payments"]).await;
        let environment = server.admin().post("/v1/environments", json!({ "name": "staging" })).await.at("/id");
        let token = server.token().field("restrictions", json!({ "environments": [environment] })).issue().await;

        token.get(&format!("/v1/teams/{}", ids[0])).await.expect_status(404);
        assert!(names(&token.get("/v1/teams").await).is_empty());
        assert_eq!(names(&token.get("/v1/environments").await), ["staging"]);
    }
}

on_both_stores! {
    async fn a_query_is_taken_strictly(server: TestServer) {
        let ids = teams(server.admin(), &["payments", "search"]).await;
        let cursor = server.admin().get("/v1/teams?limit=1").await.at("/next_cursor");
        let mut said = String::new();

        for path in [
            "teams?limit=0".to_owned(),
            "teams?limit=201".to_owned(),
            "teams?name=x".to_owned(),
            "teams?cursor=x".to_owned(),
            format!("teams?q=p&limit=1&cursor={cursor}"),
            format!("services?limit=1&cursor={cursor}"),
            format!("teams/{}/members?limit=1&cursor={cursor}", ids[0]),
        ] {
            let answer = server.admin().get(&format!("/v1/{path}")).await;
            let shown = path.replace(&cursor, "CURSOR").replace(&ids[0], "TEAM");
            writeln!(said, "{shown} → {}", refusal(&answer)).unwrap();
        }

        expect![[r#"
            teams?limit=0 → input_invalid limit limit_out_of_range
            teams?limit=201 → input_invalid limit limit_out_of_range
            teams?name=x → field_unknown name field_unknown
            teams?cursor=x → input_invalid cursor cursor_invalid
            teams?q=p&limit=1&cursor=CURSOR → input_invalid cursor cursor_invalid
            services?limit=1&cursor=CURSOR → input_invalid cursor cursor_invalid
            teams/TEAM/members?limit=1&cursor=CURSOR → input_invalid cursor cursor_invalid
        "#]].assert_eq(&said);
    }
}
