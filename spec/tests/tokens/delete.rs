//! `DELETE /v1/tokens/{id}`: a dead record leaves the lists; its audit events stay.

use std::time::Duration;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::Value;

use crate::asking::{accepted_everywhere, actions_about, at_every_door, names, refused_everywhere};

on_both_stores! {
    async fn a_live_token_is_not_deleted(server: TestServer) {
        let ci = server.token().name("ci bot").issue().await;

        let answer = server.admin().delete(&format!("/v1/tokens/{}", ci.id())).await;

        answer.expect(expect![[r#"
            409 {
              "type": "/docs/problems#token_live",
              "title": "Token live",
              "status": 409,
              "code": "token_live",
              "detail": "the token is live; revoke it before deleting its record",
              "request_id": "req_n4wyp3bbxn91qc1qpd"
            }"#]]);
        assert_eq!(at_every_door(&server, ci.secret()).await, accepted_everywhere());
    }
}

on_both_stores! {
    async fn a_dead_record_leaves_the_lists_and_its_events_stay(server: TestServer) {
        let admin = server.admin();
        let revoked = server.token().name("revoked one").issue().await;
        let expired = server.token().name("expired one").expires_in(Duration::from_secs(1)).issue().await;
        admin.post(&format!("/v1/tokens/{}/revoke", revoked.id()), Value::Null).await.expect_status(200);
        server.clock().advance(Duration::from_secs(1));

        for dead in [&revoked, &expired] {
            let path = format!("/v1/tokens/{}", dead.id());
            let deleted = admin.delete(&path).await;
            assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
            admin.get(&path).await.expect_status(404);
            admin.delete(&path).await.expect_status(404);
            assert_eq!(at_every_door(&server, dead.secret()).await, refused_everywhere("unknown"));
        }

        assert_eq!(names(&admin.get("/v1/tokens").await), ["first administrator"]);
        assert_eq!(actions_about(&server, revoked.id()).await, ["token.issued", "token.revoked", "token.deleted"]);
        assert_eq!(actions_about(&server, expired.id()).await, ["token.issued", "token.deleted"]);
    }
}

on_both_stores! {
    async fn a_deleted_token_stays_dead_after_a_restart(mut server: TestServer) {
        let ci = server.token().issue().await;
        server.admin().post(&format!("/v1/tokens/{}/revoke", ci.id()), Value::Null).await.expect_status(200);
        server.admin().delete(&format!("/v1/tokens/{}", ci.id())).await.expect_status(204);

        server.restart().await;

        assert_eq!(at_every_door(&server, ci.secret()).await, refused_everywhere("unknown"));
    }
}
