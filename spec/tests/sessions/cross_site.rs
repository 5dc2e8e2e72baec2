//! A browser sends the cookie whoever makes it ask; what a foreign page asks for changes nothing (security.md T21).

use claviger_testkit::{Caller, TestServer, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

use super::{live, outcome, own, signed_in};
use crate::matrix::{OPERATIONS, Targets};
use crate::people::{PASSWORD, joined};

/// What a browser says of the page: `Sec-Fetch-Site`, `Origin`, and whether the page is our own (`None`: it says nothing).
fn pages(server: &TestServer) -> Vec<(Option<&'static str>, Option<String>, Option<bool>)> {
    let own = server.base_url();
    let foreign = || Some("https://evil.example".to_owned());
    let mut pages = vec![(None, None, None)];
    for origin in [None, Some(own.clone()), foreign(), Some("null".to_owned())] {
        for (site, is_own) in [
            ("same-origin", true),
            ("none", true),
            ("same-site", false),
            ("cross-site", false),
            ("x", false),
        ] {
            pages.push((Some(site), origin.clone(), Some(is_own)));
        }
    }
    pages.push((None, Some(own.clone()), Some(true)));
    pages.push((None, Some(own.replace("http://", "https://")), Some(true)));
    pages.push((None, Some(format!("{own}1")), Some(false)));
    pages.push((None, foreign(), Some(false)));
    pages.push((None, Some("null".to_owned()), Some(false)));
    pages
}

fn on_page(caller: &Caller, site: Option<&str>, origin: Option<&str>) -> Caller {
    let caller = caller.without_header("sec-fetch-site");
    let caller = site.map_or(caller.clone(), |site| caller.header("sec-fetch-site", site));
    origin.map_or(caller.clone(), |origin| caller.header("origin", origin))
}

on_both_stores! {
    async fn a_cookie_changes_something_from_our_own_pages_only(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let refused = (403, "cross_site_request".to_owned());

        for (site, origin, is_own) in pages(&server) {
            let caller = on_page(&grace, site, origin.as_deref());
            let page = format!("{site:?} {origin:?}");
            for (method, body, granted) in [
                (Method::POST, json!({ "name": format!("team of {page}") }), 201),
                (Method::GET, Value::Null, 200),
                (Method::HEAD, Value::Null, 200),
            ] {
                let answer = caller.request(method.clone(), "/v1/teams", body).await;
                let may = is_own == Some(true) || method != Method::POST;
                if may {
                    assert_eq!(answer.status, granted, "{method} from {page}: {}", answer.text());
                } else {
                    assert_eq!(outcome(&answer), refused, "{method} from {page}");
                }
            }
        }
    }
}

on_both_stores! {
    async fn no_operation_is_done_for_a_foreign_page(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let targets = Targets::make(&server, "nothing").await;
        let foreign = on_page(&grace, Some("cross-site"), Some("https://evil.example"));
        let silent = grace.without_header("sec-fetch-site");
        let before = server.admin().get("/v1/audit/export").await.body;

        for operation in OPERATIONS.iter().filter(|operation| operation.is_guarded() && operation.method != "GET") {
            for caller in [&foreign, &silent] {
                let answer = caller.request(operation.method(), &targets.path(operation), targets.body(operation)).await;
                assert_eq!(outcome(&answer), (403, "cross_site_request".to_owned()), "{} {}", operation.method, operation.path);
            }
        }

        assert_eq!(server.admin().get("/v1/audit/export").await.body, before);
        assert_eq!(own(&grace).await, live());
    }
}

on_both_stores! {
    async fn nobody_is_signed_in_by_a_foreign_page(server: TestServer) {
        joined(&server, "grace@example.org", "member").await;
        let body = json!({ "email": "grace@example.org", "password": PASSWORD });

        for (site, origin, is_own) in pages(&server) {
            let caller = on_page(server.anonymous(), site, origin.as_deref());
            let answer = caller.post("/v1/sessions", body.clone()).await;
            // A program, which says nothing, may sign in.
            let expected = match is_own {
                Some(false) => (403, "cross_site_request".to_owned()),
                Some(true) | None => (201, String::new()),
            };
            assert_eq!(outcome(&answer), expected, "{site:?} {origin:?}");
        }
    }
}

on_both_stores! {
    async fn a_token_needs_no_page(server: TestServer) {
        for (site, origin, _) in pages(&server) {
            let caller = on_page(server.admin(), site, origin.as_deref());
            caller.post("/v1/verify", json!({ "token": "x" })).await.expect_status(200);
            caller.patch(&format!("/v1/tokens/{}", caller.id()), json!({ "description": "changed" })).await.expect_status(200);
        }
    }
}

on_both_stores! {
    async fn a_form_changes_nothing_whatever_it_says(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;

        for media_type in ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"] {
            let answer = grace.request_text(Method::POST, "/v1/teams", media_type, r#"{"name":"forged"}"#).await;
            assert_eq!(outcome(&answer), (415, "media_type_unsupported".to_owned()), "{media_type}");
        }
    }
}
