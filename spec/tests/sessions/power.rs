//! A session is a credential beside a token: it may what its person may now, and exactly one of the two is presented.

use claviger_testkit::{TestServer, on_both_stores};
use serde_json::{Value, json};

use super::{live, outcome, own, signed_in};
use crate::asking::{rows, text, verified};
use crate::matrix::{Needs, OPERATIONS, Targets};
use crate::people::path_of;

on_both_stores! {
    async fn a_session_and_a_token_in_one_request_are_refused(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let secret = server.admin().secret().to_owned();
        let refused = (400, "multiple_credentials".to_owned());

        for caller in [grace.bearer(&secret), grace.header("x-api-key", &secret), grace.bearer("nonsense"), grace.header("authorization", "Basic x")] {
            assert_eq!(outcome(&caller.get("/v1/tokens").await), refused);
            assert_eq!(outcome(&caller.post("/v1/verify", json!({ "token": "x" })).await), refused, "nor is there a short way");
        }
        let two = grace.header("cookie", "__Host-claviger-session=a; __Host-claviger-session=b");
        assert_eq!(outcome(&two.get("/v1/tokens").await), refused);
        let others = server.admin().header("cookie", "theme=dark; session=abc");
        others.get("/v1/tokens").await.expect_status(200);
        others.post("/v1/verify", json!({ "token": "x" })).await.expect_status(200);
    }
}

on_both_stores! {
    async fn a_session_may_what_its_person_may_and_no_more(server: TestServer) {
        let (_, member) = signed_in(&server, "member@example.org", "member").await;
        let may = ["tokens:read", "tokens:write", "tokens:verify", "teams:read", "services:read", "environments:read"];
        let targets = Targets::make(&server, "a session").await;

        for operation in OPERATIONS {
            let Needs::Scope(scope) = operation.needs else { continue };
            let answer = member.request(operation.method(), &targets.path(operation), targets.body(operation)).await;
            let lacks = outcome(&answer) == (403, "insufficient_scope".to_owned());
            assert_eq!(lacks, !may.contains(&scope), "{} {}: {}", operation.method, operation.path, answer.text());
        }
        assert_eq!(own(&member).await, live());
    }
}

on_both_stores! {
    async fn a_change_of_role_or_team_is_in_force_at_the_next_request(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "member").await;
        let admin = server.admin();
        let body = |name: &str| json!({ "name": name, "scopes": ["deployments:write"] });
        assert_eq!(grace.post("/v1/tokens", body("none")).await.status, 400);

        let team = admin.post("/v1/teams", json!({ "name": "payments" })).await.at("/id");
        let membership = format!("/v1/teams/{team}/members/{}", text(&user, "/id"));
        admin.put(&membership, json!({ "role": "member" })).await.expect_status(200);
        let issued = grace.post("/v1/tokens", body("mine")).await;

        assert_eq!(issued.expect_status(201).at("/token/created_by"), text(&user, "/id"));
        assert_eq!(issued.at("/token/expires_at"), "2027-02-20T10:00:00Z", "it outlives the session");
        admin.patch(&path_of(&user), json!({ "role": "super_admin" })).await.expect_status(200);
        grace.post("/v1/stages", json!({})).await.expect_status(400);
        grace.get("/v1/audit/events").await.expect_status(200);
        admin.patch(&path_of(&user), json!({ "role": "member" })).await.expect_status(200);
        assert_eq!(outcome(&grace.get("/v1/audit/events").await), (403, "insufficient_scope".to_owned()));
    }
}

on_both_stores! {
    async fn a_session_asks_about_tokens_and_is_none(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;
        let secret = server.admin().secret().to_owned();

        assert_eq!(text(&verified(&grace, &secret).await, "/code"), "valid");
        let own = crate::sessions::try_sign_in(&server, "grace@example.org", crate::people::PASSWORD).await;
        let cookie = own.cookie().unwrap().to_owned();
        let session = cookie.split_once('=').unwrap().1;
        assert_eq!(text(&verified(server.admin(), session).await, "/code"), "malformed");
        assert_eq!(outcome(&server.bearer(session).get("/v1/users/self").await), (401, "token_invalid".to_owned()));
        assert_eq!(outcome(&grace.get("/v1/tokens/self").await), (404, "token_not_found".to_owned()));
        assert_eq!(outcome(&grace.post("/v1/tokens/self/revoke", Value::Null).await), (404, "token_not_found".to_owned()));
    }
}

on_both_stores! {
    async fn answers_to_a_session_are_kept_from_caches(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "member").await;

        let (by_session, by_token) = (grace.get("/v1/users/self").await, server.admin().get("/v1/users/self").await);

        assert_eq!((by_session.header("cache-control"), by_session.header("vary")), (Some("no-store"), Some("Cookie")));
        assert_eq!((by_token.header("cache-control"), by_token.header("vary")), (Some("no-store"), None));
    }
}

on_both_stores! {
    async fn a_signed_in_person_reports_a_deployment_as_themselves(server: TestServer) {
        let (user, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let report = json!({ "service": "search", "version": "1" });

        let by_session = grace.post("/v1/deployments", report.clone()).await;
        let by_token = server.admin().post("/v1/deployments", report).await;

        assert_eq!(by_session.expect_status(201).at("/reported_by"), text(&user, "/id"));
        assert_eq!(by_token.expect_status(201).at("/reported_by"), server.admin().id());
        let listed: Vec<String> = rows(&grace.get("/v1/deployments").await).iter().map(|row| text(row, "/reported_by")).collect();
        assert_eq!(listed, [server.admin().id(), &text(&user, "/id")]);
    }
}

on_both_stores! {
    async fn an_idempotency_key_of_a_session_is_its_own(server: TestServer) {
        let (_, grace) = signed_in(&server, "grace@example.org", "super_admin").await;
        let other = server.signed_in("grace@example.org", crate::people::PASSWORD).await;
        let body = |name: &str| json!({ "service": name, "version": "1" });
        let keyed = |caller: &claviger_testkit::Caller| caller.header("idempotency-key", "release-42");

        let first = keyed(&grace).post("/v1/deployments", body("search")).await;
        let again = keyed(&grace).post("/v1/deployments", body("search")).await;
        let others = keyed(&other).post("/v1/deployments", body("pay")).await;

        assert_eq!((first.body.clone(), again.header("idempotency-replayed")), (again.body.clone(), Some("true")));
        assert_eq!(others.expect_status(201).header("idempotency-replayed"), None);
    }
}
