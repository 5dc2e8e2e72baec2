//! First and last use: exact to the second, with the address, written in batches and never on the path of a check.

use std::time::Duration;

use claviger_testkit::{Caller, TestServer, on_both_stores};
use serde_json::{Value, json};

use crate::asking::{decision, names};

async fn use_from(server: &TestServer, token: &Caller, address: &str) {
    let asked = json!({ "token": token.secret(), "address": address });
    server.admin().post("/v1/verify", asked).await.expect_status(200);
}

async fn last_use(server: &TestServer, token: &Caller) -> (Value, Value) {
    let record = server
        .admin()
        .get(&format!("/v1/tokens/{}", token.id()))
        .await
        .json();
    (
        record["last_used_at"].clone(),
        record["last_used_address"].clone(),
    )
}

on_both_stores! {
    async fn a_use_is_shown_in_the_next_answer_to_the_second_with_its_address(server: TestServer) {
        let ci = server.token().issue().await;
        assert_eq!(last_use(&server, &ci).await, (Value::Null, Value::Null));

        server.clock().advance(Duration::from_millis(1_999));
        use_from(&server, &ci, "192.0.2.7").await;

        assert_eq!(last_use(&server, &ci).await, (json!("2026-11-22T10:00:01Z"), json!("192.0.2.7")));
    }
}

on_both_stores! {
    async fn of_many_uses_in_a_second_one_is_kept_and_the_next_second_replaces_it(server: TestServer) {
        let ci = server.token().issue().await;

        for last in 1..=100 {
            use_from(&server, &ci, &format!("192.0.2.{last}")).await;
        }
        assert_eq!(last_use(&server, &ci).await, (json!("2026-11-22T10:00:00Z"), json!("192.0.2.1")));
        server.clock().advance(Duration::from_secs(1));
        use_from(&server, &ci, "2001:db8::7").await;

        assert_eq!(last_use(&server, &ci).await, (json!("2026-11-22T10:00:01Z"), json!("2001:db8::7")));
    }
}

on_both_stores! {
    async fn a_call_of_its_own_is_a_use_from_the_callers_address(server: TestServer) {
        let ci = server.token().scopes(["deployments:read"]).issue().await;

        ci.get("/v1/deployments").await.expect_status(200);

        assert_eq!(last_use(&server, &ci).await, (json!("2026-11-22T10:00:00Z"), json!("127.0.0.1")));
    }
}

on_both_stores! {
    async fn a_refused_presentation_is_no_use(server: TestServer) {
        let ci = server.token().scopes(["deployments:read"]).issue().await;

        ci.get("/v1/audit/events").await.expect_status(403);
        let asked = json!({ "token": ci.secret(), "scopes": ["audit:read"] });
        server.admin().post("/v1/verify", asked).await.expect_status(200);

        assert_eq!(last_use(&server, &ci).await, (Value::Null, Value::Null));
    }
}

on_both_stores! {
    async fn uses_survive_a_restart(mut server: TestServer) {
        let ci = server.token().issue().await;
        use_from(&server, &ci, "192.0.2.7").await;

        server.restart().await;

        assert_eq!(last_use(&server, &ci).await, (json!("2026-11-22T10:00:00Z"), json!("192.0.2.7")));
    }
}

on_both_stores! {
    async fn lists_know_of_uses_that_are_not_written_yet(server: TestServer) {
        let first = server.token().name("first").issue().await;
        let second = server.token().name("second").issue().await;
        let admin = server.admin();

        for (token, other) in [(&first, &second), (&second, &first)] {
            server.clock().advance(Duration::from_secs(10));
            assert_eq!(decision(admin, token.secret()).await, "valid");

            let newest = admin.get("/v1/tokens?sort=-last_used_at&type=personal").await;
            let order = names(&newest);
            let place = |caller: &Caller| order.iter().position(|name| *name == caller.record()["name"]).unwrap();
            assert!(place(token) < place(other));
        }
    }
}

on_both_stores! {
    async fn a_flush_writes_each_token_once(server: TestServer) {
        let ci = server.token().issue().await;
        server.flush().await;
        let before = server.service().store().stats().operations;

        for last in 1..=50 {
            use_from(&server, &ci, &format!("192.0.2.{last}")).await;
        }
        server.flush().await;

        let writes = server.service().store().stats().operations - before;
        assert!(writes <= 3, "{writes} writes for 50 uses of one token");
        let row = stored(&server, &ci).await;
        assert_eq!(row, Some("2026-11-22T10:00:00Z".to_owned()));
    }
}

/// The last use as the store has it.
async fn stored(server: &TestServer, token: &Caller) -> Option<String> {
    let id = token.id().parse().unwrap();
    let read = server
        .service()
        .store()
        .read(async move |tx| claviger_store::tokens::by_id(tx, id).await);
    read.await.unwrap().unwrap().last_used_at.map(|at| at.to_string())
}
