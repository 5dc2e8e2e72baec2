//! Roles and kinds of an organization's own: written, replaced, dropped.

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{decided, everywhere, made, outcome, with_roles};
use crate::asking::{refusal, trimmed};

on_both_stores! {
    async fn a_role_of_ones_own_is_written_replaced_and_dropped(server: TestServer) {
        let admin = server.admin();
        admin.put("/v1/kinds/feature-flag", json!({ "description": "A switch.", "actions": ["read", "toggle"] })).await
            .expect(expect![[r#"
                200 {
                  "name": "feature-flag",
                  "description": "A switch.",
                  "preset": false,
                  "actions": ["read", "toggle"],
                  "updated_at": "2026-11-22T10:00:00Z"
                }"#]]);
        let role = |actions: Value| json!({ "grants": [{ "kind": "feature-flag", "actions": actions, "by": ["name"] }] });
        admin.put("/v1/roles/flagger", role(json!(["read"]))).await.expect(expect![[r#"
            200 {
              "role": {
                "name": "flagger",
                "description": "",
                "preset": false,
                "grants": [{"kind": "feature-flag", "actions": ["read"], "by": ["name"]}],
                "updated_at": "2026-11-22T10:00:00Z"
              },
              "receipt": {"epoch": 3, "verifiers": {"confirmed": 1, "fenced": 0}, "slowest_ms": 0}
            }"#]]);
        let secret = with_roles(admin, "bot", json!([everywhere("flagger")])).await;
        let flag = json!({ "kind": "feature-flag", "name": "new-checkout" });
        assert_eq!(decided(&server, &secret, "read", flag.clone()).await, "valid");
        assert_eq!(decided(&server, &secret, "toggle", flag.clone()).await, "not_permitted");

        admin.put("/v1/roles/flagger", role(json!(["read", "toggle"]))).await.expect_status(200);
        assert_eq!(decided(&server, &secret, "toggle", flag.clone()).await, "valid", "whoever has it has it anew");
        admin.put("/v1/roles/flagger", role(json!(["toggle"]))).await.expect_status(200);
        assert_eq!(decided(&server, &secret, "read", flag).await, "not_permitted", "at once");

        assert_eq!(outcome(&admin.delete("/v1/roles/flagger").await), (409, "role_in_use".to_owned()));
        assert_eq!(outcome(&admin.delete("/v1/kinds/feature-flag").await), (409, "kind_in_use".to_owned()));
        let token = admin.get("/v1/tokens?q=bot").await.at("/data/0/id");
        admin.post(&format!("/v1/tokens/{token}/revoke"), Value::Null).await.expect_status(200);
        admin.delete("/v1/roles/flagger").await.expect_status(204);
        admin.delete("/v1/kinds/feature-flag").await.expect_status(204);
        assert_eq!(outcome(&admin.delete("/v1/roles/flagger").await), (404, "role_not_found".to_owned()));
    }
}

on_both_stores! {
    async fn what_a_role_may_not_be_is_said_with_the_field(server: TestServer) {
        let admin = server.admin();
        let grants = |grants: Value| json!({ "grants": grants });
        let mut said = String::new();
        for (path, body) in [
            ("/v1/roles/application.view", grants(json!([{ "kind": "applications", "actions": "*" }]))),
            ("/v1/roles/Loud", grants(json!([{ "kind": "applications", "actions": "*" }]))),
            ("/v1/roles/own", grants(json!([]))),
            ("/v1/roles/own", grants(json!([{ "kind": "tokens", "actions": ["write"] }]))),
            ("/v1/roles/own", grants(json!([{ "kind": "no-such", "actions": "*" }]))),
            ("/v1/roles/own", grants(json!([{ "kind": "applications", "actions": ["fly"] }]))),
            ("/v1/roles/own", grants(json!([{ "kind": "applications", "actions": [] }]))),
            ("/v1/roles/own", grants(json!([{ "kind": "applications", "actions": "all" }]))),
            ("/v1/kinds/tokens", json!({ "actions": ["read"] })),
            ("/v1/kinds/applications", json!({ "actions": ["read"] })),
            ("/v1/kinds/own", json!({ "actions": [] })),
            ("/v1/kinds/own", json!({ "actions": ["Shout"] })),
        ] {
            let answer = admin.put(path, body.clone()).await;
            let code = if answer.status == 400 { refusal(&answer) } else { answer.problem_code().unwrap_or_default() };
            said.push_str(&format!("{path} {body} → {} {code}\n", answer.status));
        }
        expect![[r#"
            /v1/roles/application.view {"grants":[{"actions":"*","kind":"applications"}]} → 409 role_is_preset
            /v1/roles/Loud {"grants":[{"actions":"*","kind":"applications"}]} → 400 input_invalid name word_malformed
            /v1/roles/own {"grants":[]} → 400 input_invalid grants grants_out_of_range
            /v1/roles/own {"grants":[{"actions":["write"],"kind":"tokens"}]} → 400 input_invalid grants[0].kind kind_reserved
            /v1/roles/own {"grants":[{"actions":"*","kind":"no-such"}]} → 400 input_invalid grants[0].kind kind_unknown
            /v1/roles/own {"grants":[{"actions":["fly"],"kind":"applications"}]} → 400 input_invalid grants[0].actions action_unknown
            /v1/roles/own {"grants":[{"actions":[],"kind":"applications"}]} → 400 input_invalid grants[0].actions actions_out_of_range
            /v1/roles/own {"grants":[{"actions":"all","kind":"applications"}]} → 400 input_invalid grants[0].actions selection_malformed
            /v1/kinds/tokens {"actions":["read"]} → 409 kind_reserved
            /v1/kinds/applications {"actions":["read"]} → 409 kind_is_preset
            /v1/kinds/own {"actions":[]} → 400 input_invalid actions actions_out_of_range
            /v1/kinds/own {"actions":["Shout"]} → 400 input_invalid actions[0] word_malformed
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn what_an_assignment_may_not_be_is_said_with_the_field(server: TestServer) {
        let admin = server.admin();
        let mut said = String::new();
        let many: Vec<String> = (0..101).map(|number| format!("name-{number}")).collect();
        let large: Vec<String> = (0..100).map(|number| format!("name-{number}")).collect();
        for roles in [
            json!([everywhere("no-such-role")]),
            json!([{ "role": "application.view", "environments": "*", "names": "*" }]),
            json!([{ "role": "application.view", "teams": "all", "environments": "*", "names": "*" }]),
            json!([{ "role": "application.view", "teams": ["nonsense"], "environments": "*", "names": "*" }]),
            json!([{ "role": "application.view", "teams": ["team_0000000000001"], "environments": "*", "names": "*" }]),
            json!([{ "role": "application.view", "teams": "*", "environments": ["env_0000000000001"], "names": "*" }]),
            json!([{ "role": "application.view", "teams": "*", "environments": "*", "names": ["a*"] }]),
            json!([{ "role": "application.view", "teams": "*", "environments": "*", "names": ["a//b"] }]),
            json!([{ "role": "application.view", "teams": "*", "environments": "*", "names": many }]),
            Value::Array(vec![everywhere("application.view"); 51]),
            Value::Array(vec![json!({ "role": "application.view", "teams": "*", "environments": "*", "names": large }); 21]),
        ] {
            let body = json!({ "name": "wrong", "type": "global", "reason": "a test", "roles": roles });
            let answer = admin.post("/v1/tokens", body).await;
            said.push_str(&refusal(&answer));
            said.push('\n');
        }
        expect![[r#"
            input_invalid roles[0].role role_unknown
            field_missing roles[0].teams field_missing
            input_invalid roles[0].teams selection_malformed
            input_invalid roles[0].teams[0] id_malformed
            input_invalid roles[0].teams team_unknown
            input_invalid roles[0].environments environment_unknown
            input_invalid roles[0].names pattern_malformed
            input_invalid roles[0].names resource_name_malformed
            input_invalid roles[0].names selector_too_long
            input_invalid roles roles_too_many
            input_invalid roles selectors_too_large
        "#]].assert_eq(&trimmed(&said));
        let limit = Value::Array(vec![everywhere("application.view"); 50]);
        with_roles(admin, "at the limit", limit).await;
    }
}

on_both_stores! {
    async fn an_action_and_a_resource_go_together(server: TestServer) {
        let admin = server.admin();
        let token = server.token().scopes(["tokens:read"]).issue().await;
        let mut said = String::new();
        for (action, resource) in [
            (json!("get"), Value::Null),
            (Value::Null, json!({ "kind": "applications" })),
            (json!("Get!"), json!({ "kind": "no kind" })),
            (json!("get"), json!({ "kind": "applications", "name": "a//b" })),
            (json!("get"), json!({ "kind": "applications", "environment": "nowhere", "service": "svc_0000000000001" })),
            (json!("get"), json!({ "kind": "applications", "colour": "red" })),
        ] {
            let mut body = json!({ "token": token.secret() });
            for (field, value) in [("action", action), ("resource", resource)] {
                if !value.is_null() {
                    body[field] = value;
                }
            }
            said.push_str(&refusal(&admin.post("/v1/verify", body).await));
            said.push('\n');
        }
        expect![[r#"
            input_invalid resource field_missing
            input_invalid action field_missing
            input_invalid action word_malformed, resource.kind word_malformed
            input_invalid resource.name resource_name_malformed
            input_invalid resource.service service_unknown
            field_unknown resource.colour field_unknown
        "#]].assert_eq(&trimmed(&said));
    }
}

on_both_stores! {
    async fn nobody_unbinds_what_a_role_gives_them(server: TestServer) {
        let admin = server.admin();
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let bounded = |by: Value| json!({ "grants": [{ "kind": "applications", "actions": "*", "by": by }] });
        admin.put("/v1/roles/deployer", bounded(json!(["team", "name"]))).await.expect_status(200);
        let assigned = json!([{ "role": "deployer", "teams": [team], "environments": "*", "names": "*" }]);
        let body = json!({ "name": "writer", "type": "global", "reason": "a test", "scopes": ["roles:write"], "roles": assigned });
        let writer = server.bearer(&admin.post("/v1/tokens", body).await.expect_status(201).at("/secret"));

        let refused = (403, "role_exceeds_caller".to_owned());
        assert_eq!(outcome(&writer.put("/v1/roles/deployer", bounded(json!([]))).await), refused);
        assert_eq!(outcome(&writer.put("/v1/roles/deployer", bounded(json!(["name"]))).await), refused);
        writer.put("/v1/roles/deployer", bounded(json!(["team", "environment", "name"]))).await.expect_status(200);
    }
}

on_both_stores! {
    async fn a_role_whose_name_is_like_another_s_is_not_in_use(server: TestServer) {
        let admin = server.admin();
        admin.put("/v1/kinds/feature-flag", json!({ "actions": ["read"] })).await.expect_status(200);
        let role = json!({ "grants": [{ "kind": "feature-flag", "actions": ["read"], "by": ["name"] }] });
        for name in ["flag_reader", "flag-reader", "flagxreader"] {
            admin.put(&format!("/v1/roles/{name}"), role.clone()).await.expect_status(200);
        }
        let secret = with_roles(admin, "bot", json!([everywhere("flag-reader")])).await;
        let user = admin.record()["owner"].as_str().unwrap().to_owned();
        admin.patch(&format!("/v1/users/{user}"), json!({ "roles": [everywhere("flagxreader")] })).await.expect_status(200);

        admin.delete("/v1/roles/flag_reader").await.expect_status(204);

        for name in ["flag-reader", "flagxreader"] {
            assert_eq!(outcome(&admin.delete(&format!("/v1/roles/{name}")).await), (409, "role_in_use".to_owned()), "{name}");
        }
        let flag = json!({ "kind": "feature-flag", "name": "new-checkout" });
        assert_eq!(decided(&server, &secret, "read", flag).await, "valid");
    }
}
