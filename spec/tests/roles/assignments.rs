//! What an assignment gives, at the verify door: the whole table, the selectors, and who may hand what on.

use std::fmt::Write as _;

use claviger_testkit::{TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{decided, everywhere, made, with_roles};
use crate::asking::refusal;
use crate::people::joined;

/// The kinds of the table, with actions that some row treats unlike the others.
const KINDS: [(&str, &[&str]); 10] = [
    ("applications", &["get", "trigger", "update", "delete"]),
    ("environment", &["get", "trigger", "update"]),
    ("team", &["get", "update"]),
    ("global-environment", &["get", "update"]),
    ("helm-app", &["get", "update", "delete"]),
    ("jobs", &["get", "trigger", "update"]),
    ("chart-group", &["get", "update", "delete"]),
    ("cluster", &["get", "update", "exec"]),
    ("user", &["get", "update"]),
    ("notification", &["get", "update"]),
];

on_both_stores! {
    /// D12.
    async fn d12_the_table_of_roles_holds_cell_by_cell(server: TestServer) {
        let [payments, search] = [made(&server, "/v1/teams", json!({ "name": "payments" })).await,
            made(&server, "/v1/teams", json!({ "name": "search" })).await];
        let [dev, qa] = [made(&server, "/v1/environments", json!({ "name": "dev" })).await,
            made(&server, "/v1/environments", json!({ "name": "qa" })).await];
        let listed = server.admin().get("/v1/roles").await.expect_status(200).json();
        let roles = listed["data"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned());
        let inside = |kind: &str| json!({ "kind": kind, "team": payments, "environment": dev, "name": "checkout" });
        let elsewhere = [json!({ "team": search }), json!({ "environment": qa }), json!({ "name": "other" })];

        let mut table = String::new();
        for role in roles {
            let assigned = json!([{ "role": role, "teams": [payments], "environments": [dev], "names": ["checkout"] }]);
            let secret = with_roles(server.admin(), &role, assigned).await;
            writeln!(table, "{role}").unwrap();
            for (kind, actions) in KINDS {
                let mut cells = Vec::new();
                for action in actions {
                    if decided(&server, &secret, action, inside(kind)).await != "valid" {
                        continue;
                    }
                    let mut bounds = String::new();
                    for (letter, other) in ["t", "e", "n"].into_iter().zip(&elsewhere) {
                        let mut resource = inside(kind);
                        resource.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
                        if decided(&server, &secret, action, resource).await == "not_permitted" {
                            bounds.push_str(letter);
                        }
                    }
                    cells.push(format!("{action}[{bounds}]"));
                }
                if !cells.is_empty() {
                    writeln!(table, "  {kind}: {}", cells.join(" ")).unwrap();
                }
            }
        }

        // In brackets: the directions in which a resource beside what was assigned is refused.
        expect![[r#"
            super-admin
              applications: get[ten] trigger[ten] update[ten] delete[ten]
              environment: get[ten] trigger[ten] update[ten]
              team: get[ten] update[ten]
              global-environment: get[ten] update[ten]
              helm-app: get[ten] update[ten] delete[ten]
              jobs: get[ten] trigger[ten] update[ten]
              chart-group: get[ten] update[ten] delete[ten]
              cluster: get[ten] update[ten] exec[ten]
              user: get[ten] update[ten]
              notification: get[ten] update[ten]
            application.view
              applications: get[tn]
              environment: get[ten]
              team: get[t]
              global-environment: get[te]
            application.trigger
              applications: get[tn] trigger[tn]
              environment: get[ten] trigger[ten]
              team: get[t]
              global-environment: get[te]
            application.admin
              applications: get[tn] trigger[tn] update[tn] delete[tn]
              environment: get[ten] trigger[ten] update[ten]
              team: get[t]
              global-environment: get[te]
            application.manager
              applications: get[tn] trigger[tn] update[tn] delete[tn]
              environment: get[ten] trigger[ten] update[ten]
              team: get[t] update[t]
              global-environment: get[te] update[te]
              user: get[t] update[t]
              notification: get[t] update[t]
            helm-app.view
              helm-app: get[ten]
            helm-app.edit
              helm-app: get[ten] update[ten]
            helm-app.admin
              helm-app: get[ten] update[ten] delete[ten]
            job.view
              team: get[t]
              jobs: get[ten]
            job.trigger
              team: get[t]
              jobs: get[ten] trigger[ten]
            job.admin
              team: get[t]
              jobs: get[ten] trigger[ten] update[ten]
            chart-group.view
              chart-group: get[n]
            chart-group.update
              chart-group: get[n] update[n]
            chart-group.admin
              chart-group: get[n] update[n] delete[n]
            cluster.view
              cluster: get[n]
            cluster.edit
              cluster: get[n] update[n] exec[n]
            cluster.admin
              cluster: get[n] update[n] exec[n]
              user: get[t] update[t]
        "#]].assert_eq(&table);
    }
}

on_both_stores! {
    /// D12: trigger on (team, environment, application) passes a deploy there and nothing else.
    async fn d12_trigger_passes_a_deploy_there_and_fails_everything_else(server: TestServer) {
        let payments = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let dev = made(&server, "/v1/environments", json!({ "name": "dev" })).await;
        made(&server, "/v1/environments", json!({ "name": "qa" })).await;
        let assigned = |role: &str| json!([{ "role": role, "teams": [payments], "environments": [dev], "names": ["checkout"] }]);
        let trigger = with_roles(server.admin(), "trigger", assigned("application.trigger")).await;
        let view = with_roles(server.admin(), "view", assigned("application.view")).await;
        let all = with_roles(server.admin(), "all", json!([everywhere("super-admin")])).await;
        let deploy = |environment: &str, name: &str| {
            json!({ "kind": "environment", "team": "payments", "environment": environment, "name": name })
        };
        let application = json!({ "kind": "applications", "team": "Payments", "name": "Checkout" });

        for (secret, action, resource, code) in [
            (&trigger, "trigger", application.clone(), "valid"),
            (&trigger, "trigger", deploy("dev", "checkout"), "valid"),
            (&trigger, "trigger", deploy("qa", "checkout"), "not_permitted"),
            (&trigger, "trigger", deploy("dev", "ledger"), "not_permitted"),
            (&trigger, "update", application.clone(), "not_permitted"),
            (&trigger, "delete", application.clone(), "not_permitted"),
            (&view, "get", application.clone(), "valid"),
            (&view, "trigger", application.clone(), "not_permitted"),
            (&view, "trigger", deploy("dev", "checkout"), "not_permitted"),
            (&all, "delete", application.clone(), "valid"),
            (&all, "invented", json!({ "kind": "not-yet-known" }), "valid"),
            (&all, "write", json!({ "kind": "tokens" }), "not_permitted"),
        ] {
            assert_eq!(decided(&server, secret, action, resource.clone()).await, code, "{action} {resource}");
        }
    }
}

on_both_stores! {
    /// D13.
    async fn d13_a_star_covers_what_comes_later_a_list_does_not_and_an_empty_list_is_nothing(server: TestServer) {
        let early = made(&server, "/v1/teams", json!({ "name": "early" })).await;
        let assigned = |teams: Value, names: Value| {
            json!([{ "role": "application.view", "teams": teams, "environments": "*", "names": names }])
        };
        let star = with_roles(server.admin(), "star", assigned(json!("*"), json!("*"))).await;
        let list = with_roles(server.admin(), "list", assigned(json!([early]), json!("*"))).await;
        let none = with_roles(server.admin(), "none", assigned(json!([]), json!("*"))).await;
        let nameless = with_roles(server.admin(), "nameless", assigned(json!("*"), json!([]))).await;
        made(&server, "/v1/teams", json!({ "name": "late" })).await;
        let codes = async |team: &str| {
            let resource = json!({ "kind": "applications", "team": team, "name": "new" });
            let mut codes = Vec::new();
            for secret in [&star, &list, &none, &nameless] {
                codes.push(decided(&server, secret, "get", resource.clone()).await == "valid");
            }
            codes
        };

        assert_eq!(codes("early").await, [true, true, false, false]);
        assert_eq!(codes("late").await, [true, false, false, false]);
    }
}

on_both_stores! {
    async fn a_pattern_means_segments_of_a_name(server: TestServer) {
        let assigned = json!([{ "role": "cluster.view", "teams": "*", "environments": "*", "names": ["c1/*/apps/Deployment/*"] }]);
        let secret = with_roles(server.admin(), "watcher", assigned).await;
        let code = async |name: &str| decided(&server, &secret, "get", json!({ "kind": "cluster", "name": name })).await;

        assert_eq!(code("c1/shop/apps/Deployment/web").await, "valid");
        assert_eq!(code("C1/SHOP/apps/deployment/web").await, "valid", "names are compared in their normal form");
        assert_eq!(code("c1/shop/apps/StatefulSet/web").await, "not_permitted");
        assert_eq!(code("c2/shop/apps/Deployment/web").await, "not_permitted");
        assert_eq!(code("c1/shop").await, "not_permitted");
    }
}

on_both_stores! {
    async fn a_scope_names_actions_on_our_own_kinds_within_the_restrictions(server: TestServer) {
        let payments = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let search = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        made(&server, "/v1/services", json!({ "name": "checkout", "team": payments })).await;
        made(&server, "/v1/services", json!({ "name": "index", "team": search })).await;
        let token = server.token().scopes(["deployments:write"]).field("type", "team").field("team", payments).issue().await;
        let code = async |action: &str, resource: Value| decided(&server, token.secret(), action, resource).await;

        assert_eq!(code("write", json!({ "kind": "deployments", "service": "Checkout" })).await, "valid");
        assert_eq!(code("write", json!({ "kind": "deployments", "service": "index" })).await, "not_permitted");
        assert_eq!(code("read", json!({ "kind": "deployments", "service": "checkout" })).await, "not_permitted");
        assert_eq!(code("trigger", json!({ "kind": "deployments", "service": "checkout" })).await, "not_permitted");
    }
}

on_both_stores! {
    async fn a_name_means_what_bears_it_now(server: TestServer) {
        let team = made(&server, "/v1/teams", json!({ "name": "before" })).await;
        let assigned = json!([{ "role": "application.view", "teams": [team], "environments": "*", "names": "*" }]);
        let secret = with_roles(server.admin(), "watcher", assigned).await;
        let ask = async |team: &str| {
            let body = json!({ "token": secret, "action": "get", "resource": { "kind": "applications", "team": team, "name": "x" } });
            let answer = server.admin().post("/v1/verify", body).await;
            if answer.status == 200 { answer.at("/code") } else { refusal(&answer) }
        };

        assert_eq!(ask("before").await, "valid");
        assert_eq!(ask("after").await, "input_invalid resource.team team_unknown");
        let path = format!("/v1/teams/{team}");
        server.admin().patch(&path, json!({ "name": "after" })).await.expect_status(200);
        assert_eq!(ask("after").await, "valid");
        assert_eq!(ask(&team).await, "valid");
        assert_eq!(ask("before").await, "input_invalid resource.team team_unknown");
        made(&server, "/v1/teams", json!({ "name": "before" })).await;
        assert_eq!(ask("before").await, "not_permitted", "another team");
        server.admin().delete(&path).await.expect_status(200);
        assert_eq!(ask("after").await, "input_invalid resource.team team_unknown");
    }
}

on_both_stores! {
    async fn names_are_known_after_a_restart(mut server: TestServer) {
        let team = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let assigned = json!([{ "role": "application.view", "teams": [team], "environments": "*", "names": "*" }]);
        let secret = with_roles(server.admin(), "watcher", assigned).await;
        let resource = json!({ "kind": "applications", "team": "payments", "name": "x" });

        server.restart().await;

        assert_eq!(decided(&server, &secret, "get", resource.clone()).await, "valid");
        assert_eq!(decided(&server, &secret, "update", resource).await, "not_permitted");
    }
}

on_both_stores! {
    /// D11: nobody hands out more than they have.
    async fn d11_nobody_hands_out_a_role_beyond_their_own(server: TestServer) {
        let payments = made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let search = made(&server, "/v1/teams", json!({ "name": "search" })).await;
        let within = |team: &str| json!([{ "role": "application.view", "teams": [team], "environments": "*", "names": "*" }]);
        let all_of_payments = json!([{ "role": "super-admin", "teams": [payments], "environments": "*", "names": "*" }]);
        let strong = json!({ "name": "strong", "scopes": ["tokens:write"], "roles": all_of_payments });
        let strong = server.bearer(&server.admin().post("/v1/tokens", strong).await.expect_status(201).at("/secret"));
        let issue = async |roles: Value| {
            strong.post("/v1/tokens", json!({ "name": "child", "scopes": ["tokens:write"], "roles": roles, "expires_in_days": 7 })).await
        };

        issue(within(&payments)).await.expect_status(201);
        let beyond = issue(within(&search)).await;
        assert_eq!(refusal(&beyond), "input_invalid roles role_exceeds_caller");
        let wide = issue(json!([everywhere("application.view")])).await;
        assert_eq!(refusal(&wide), "input_invalid roles role_exceeds_caller");
        let plain = server.token().name("plain").scopes(["tokens:write"]).issue().await;
        let none = plain.post("/v1/tokens", json!({ "name": "more", "scopes": ["tokens:write"], "roles": within(&payments) })).await;
        assert_eq!(refusal(&none), "input_invalid roles role_exceeds_caller");
    }
}

on_both_stores! {
    async fn a_person_who_loses_a_role_takes_it_from_their_tokens_at_once(mut server: TestServer) {
        made(&server, "/v1/teams", json!({ "name": "payments" })).await;
        let (ada, caller) = joined(&server, "ada@example.org", "member").await;
        let user = format!("/v1/users/{}", ada["id"].as_str().unwrap());
        let roles = json!([everywhere("application.trigger")]);
        let resource = json!({ "kind": "applications", "team": "payments", "name": "checkout" });
        let raised = server.admin().patch(&user, json!({ "roles": roles })).await.expect_status(200).json();
        assert_eq!(raised["user"]["roles"], roles);
        let secret = caller.secret().to_owned();
        assert_eq!(decided(&server, &secret, "trigger", resource.clone()).await, "not_permitted", "the token was not given it");

        let own = with_own_role(&mut server, &ada, roles.clone()).await;
        assert_eq!(decided(&server, &own, "trigger", resource.clone()).await, "valid");
        let lowered = server.admin().patch(&user, json!({ "roles": [] })).await.expect_status(200).json();
        assert!(lowered["receipt"]["epoch"].as_u64() > raised["receipt"]["epoch"].as_u64());
        assert_eq!(decided(&server, &own, "trigger", resource).await, "not_permitted");
    }
}

/// A token of the person with these roles, put into the store behind the server's back.
async fn with_own_role(server: &mut TestServer, user: &Value, roles: Value) -> String {
    let issuer = server.admin();
    let body = json!({ "name": "to be theirs", "roles": roles, "scopes": ["tokens:verify"] });
    let issued = issuer.post("/v1/tokens", body).await.expect_status(201).json();
    let (id, secret) = (
        issued["token"]["id"].as_str().unwrap(),
        issued["secret"].as_str().unwrap(),
    );
    crate::roles::hand_over(server, id, user["id"].as_str().unwrap()).await;
    secret.to_owned()
}
