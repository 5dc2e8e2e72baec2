//! `/v1/invitations`: how people come.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_service::Clock as _;
use claviger_testkit::{Answer, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{acceptance, accepted, invited, joined, path_of, team};
use crate::asking::{actions_about, refused_fields, rows, text};

const DAY: Duration = Duration::from_secs(86_400);

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

on_both_stores! {
    async fn an_invitation_shows_its_secret_once(server: TestServer) {
        let made = server.admin().post("/v1/invitations", json!({ "email": "grace@example.org" })).await;

        made.expect(expect![[r#"
            201 {
              "invitation": {
                "id": "inv_1m81b5h800003",
                "email": "grace@example.org",
                "role": "member",
                "teams": [],
                "created_by": "usr_1m81b5h800001",
                "created_at": "2026-11-22T10:00:00Z",
                "expires_at": "2026-11-29T10:00:00Z",
                "state": "open"
              },
              "secret": "clvi_28UKWiWFq8ZDGpgZFzm5zttX5YfBngiI37mEJp"
            }"#]]);
        let listed = server.admin().get("/v1/invitations").await;
        assert_eq!(rows(&listed), [made.json()["invitation"].clone()]);
        assert!(!listed.body.contains(&made.at("/secret")));
        assert_eq!(actions_about(&server, &made.at("/invitation/id")).await, ["user.invited"]);
    }
}

on_both_stores! {
    async fn whoever_accepts_joins_with_role_teams_and_a_token(server: TestServer) {
        let payments = team(&server, "payments").await;
        let body = json!({ "email": "grace@example.org", "teams": [{ "team": payments, "role": "manager" }], "expires_in_days": 1 });
        let secret = server.admin().post("/v1/invitations", body).await.expect_status(201).at("/secret");

        let answer = server.anonymous().post("/v1/invitations/accept", acceptance(&secret)).await;

        answer.expect(expect![[r#"
            201 {
              "user": {
                "id": "usr_1m81b5h800005",
                "email": "grace@example.org",
                "name": "Grace Hopper",
                "role": "member",
                "state": "active",
                "teams": [{"team": "team_1m81b5h800003", "name": "payments", "role": "manager"}],
                "created_at": "2026-11-22T10:00:00Z",
                "deactivated_at": null,
                "rate_limit": null,
                "has_password": true
              },
              "token": {
                "id": "tok_1m81b5h800006",
                "type": "personal",
                "name": "first token",
                "description": "",
                "reason": null,
                "scopes": [
                  "tokens:read",
                  "tokens:write",
                  "tokens:verify",
                  "deployments:read",
                  "deployments:write",
                  "teams:read",
                  "teams:write",
                  "services:read",
                  "services:write",
                  "environments:read",
                  "roles:read",
                  "webhooks:read",
                  "webhooks:write"
                ],
                "hint": "3Uiq",
                "state": "live",
                "owner": "usr_1m81b5h800005",
                "team": null,
                "service": null,
                "restrictions": null,
                "roles": [{"role": "super-admin", "teams": ["team_1m81b5h800003"], "environments": "*", "names": "*"}],
                "networks": null,
                "rate_limit": null,
                "quota": null,
                "allow_query": false,
                "created_at": "2026-11-22T10:00:00Z",
                "created_by": "usr_1m81b5h800005",
                "updated_at": "2026-11-22T10:00:00Z",
                "expires_at": "2026-12-22T10:00:00Z",
                "regenerated_at": null,
                "previous": null,
                "last_used_at": null,
                "last_used_address": null,
                "last_used_in": null,
                "revoked_at": null,
                "revoked_by": null,
                "revoke_reason": null,
                "revoke_note": null
              },
              "secret": "clvp_n9wowKvkXu7L237I4gkbtFTs9XWf51431D3Uiq"
            }"#]]);
        let user = answer.json()["user"].clone();
        let grace = server.bearer(&answer.at("/secret"));
        assert_eq!(grace.get("/v1/users/self").await.json(), user);
        assert_eq!(server.admin().get(&path_of(&user)).await.json(), user);
        assert_eq!(actions_about(&server, &text(&user, "/id")).await, ["user.joined"]);
        let state = server.admin().get("/v1/invitations").await;
        assert_eq!(text(&rows(&state)[0], "/state"), "accepted");
        assert_eq!(rows(&server.admin().get("/v1/invitations?open=true").await), Vec::<Value>::new());
        // A manager's token runs the team.
        grace.patch(&format!("/v1/teams/{payments}"), json!({ "description": "cards" })).await.expect_status(200);
    }
}

on_both_stores! {
    async fn of_16_who_bring_the_same_invitation_one_joins(server: TestServer) {
        let secret = invited(&server, "grace@example.org", "member").await;
        let callers: Vec<_> = (0..16).map(|_| server.anonymous().clone()).collect();

        let mut racing = tokio::task::JoinSet::new();
        for caller in callers {
            let body = acceptance(&secret);
            racing.spawn(async move { caller.post("/v1/invitations/accept", body).await });
        }
        let answers = racing.join_all().await;

        let mut outcomes: Vec<_> = answers.iter().map(outcome).collect();
        outcomes.sort();
        let mut expected = vec![(201, String::new())];
        expected.extend(vec![(410, "invitation_gone".to_owned()); 15]);
        assert_eq!(outcomes, expected);
        assert_eq!(rows(&server.admin().get("/v1/users?role=member").await).len(), 1);
    }
}

on_both_stores! {
    async fn an_invitation_that_ended_is_gone_and_one_that_never_was_is_unknown(server: TestServer) {
        let gone = (410, "invitation_gone".to_owned());
        let accept = async |secret: &str| outcome(&server.anonymous().post("/v1/invitations/accept", acceptance(secret)).await);
        let withdrawn = server.admin().post("/v1/invitations", json!({ "email": "a@example.org" })).await;
        let replaced = invited(&server, "b@example.org", "member").await;
        let latest = invited(&server, "B@example.org", "member").await;
        let expired = server.admin().post("/v1/invitations", json!({ "email": "c@example.org", "expires_in_days": 1 })).await;
        let path = format!("/v1/invitations/{}", withdrawn.at("/invitation/id"));
        server.admin().delete(&path).await.expect_status(204);
        server.admin().delete(&path).await.expect_status(204);

        assert_eq!(accept(&withdrawn.at("/secret")).await, gone);
        assert_eq!(accept(&replaced).await, gone, "a later invitation to the same address");
        server.clock().advance(DAY - Duration::from_millis(1));
        assert_eq!(accept(&latest).await.0, 201);
        assert_eq!(accept(&latest).await, gone, "used");
        server.clock().advance(Duration::from_millis(1));
        assert_eq!(accept(&expired.at("/secret")).await, gone);

        let unknown = (404, "invitation_not_found".to_owned());
        for secret in ["", "nonsense", server.admin().secret(), &latest.replace("clvi_", "clvw_"), &latest[1..]] {
            assert_eq!(accept(secret).await, unknown, "{secret}");
        }
        let states: Vec<String> = rows(&server.admin().get("/v1/invitations").await).iter().map(|row| text(row, "/state")).collect();
        assert_eq!(states, ["expired", "accepted", "withdrawn", "withdrawn"]);
        assert_eq!(actions_about(&server, &withdrawn.at("/invitation/id")).await, ["user.invited", "invitation.withdrawn"]);
    }
}

on_both_stores! {
    async fn an_accepted_invitation_cannot_be_withdrawn(server: TestServer) {
        let made = server.admin().post("/v1/invitations", json!({ "email": "a@example.org" })).await;
        accepted(&server, &made.at("/secret")).await;

        let refused = server.admin().delete(&format!("/v1/invitations/{}", made.at("/invitation/id"))).await;

        assert_eq!(outcome(&refused), (410, "invitation_gone".to_owned()));
    }
}

on_both_stores! {
    async fn an_address_has_one_account_whatever_its_spelling(server: TestServer) {
        let taken = (409, "email_taken".to_owned());
        let secret = invited(&server, "grace@example.org", "member").await;
        let invite = async |email: &str| outcome(&server.admin().post("/v1/invitations", json!({ "email": email })).await);

        assert_eq!(invite("ADMIN@example.org").await, taken);
        accepted(&server, &secret).await;
        assert_eq!(invite("Grace@Example.ORG").await, taken);
    }
}

on_both_stores! {
    async fn the_input_is_measured(server: TestServer) {
        let mut said = String::new();
        let unknown = json!([{ "team": "team_0000000000001", "role": "member" }]);
        let twice = json!([{ "team": "team_0000000000001", "role": "member" }, { "team": "team_0000000000001", "role": "manager" }]);
        let many: Vec<Value> = (0..101).map(|_| json!({ "team": "team_0000000000001", "role": "member" })).collect();

        for body in [
            json!({ "email": "grace" }),
            json!({ "email": "g@example.org", "expires_in_days": 0 }),
            json!({ "email": "g@example.org", "expires_in_days": 8 }),
            json!({ "email": "g@example.org", "teams": [{ "team": "payments", "role": "member" }] }),
            json!({ "email": "g@example.org", "teams": twice }),
            json!({ "email": "g@example.org", "teams": many }),
            json!({ "email": "g@example.org", "role": "king" }),
        ] {
            let answer = server.admin().post("/v1/invitations", body).await;
            writeln!(said, "{}", refused_fields(&answer).join(", ")).unwrap();
        }
        let answer = server.admin().post("/v1/invitations", json!({ "email": "g@example.org", "teams": unknown })).await;
        assert_eq!(outcome(&answer), (404, "team_not_found".to_owned()));
        let secret = invited(&server, "grace@example.org", "member").await;
        for (name, password) in [("", "marble otter ferry 41"), ("Grace", "short"), ("Grace", "password1234"), ("Grace", "grace@example.org")] {
            let body = json!({ "invitation": secret, "name": name, "password": password });
            let answer = server.anonymous().post("/v1/invitations/accept", body).await;
            writeln!(said, "{}", refused_fields(&answer).join(", ")).unwrap();
        }

        expect![[r#"
            email email_invalid
            expires_in_days invitation_days_out_of_range
            expires_in_days invitation_days_out_of_range
            teams[0].team team_malformed
            teams[1].team team_named_twice
            teams teams_too_many
            role field_invalid
            name text_empty
            password password_too_short
            password password_common
            password password_is_email
        "#]].assert_eq(&said);
        accepted(&server, &secret).await;
    }
}

on_both_stores! {
    async fn nobody_invites_to_more_than_they_have(server: TestServer) {
        let exceeds = (403, "role_exceeds_caller".to_owned());
        let clerk = server.token().scopes(["users:read", "users:write"]).issue().await;
        let reader = server.token().scopes(["users:read"]).issue().await;

        for role in ["member", "super_admin"] {
            let body = json!({ "email": "grace@example.org", "role": role });
            assert_eq!(outcome(&clerk.post("/v1/invitations", body.clone()).await), exceeds, "{role}");
            assert_eq!(outcome(&reader.post("/v1/invitations", body).await), (403, "insufficient_scope".to_owned()), "{role}");
        }
        assert_eq!(rows(&server.admin().get("/v1/invitations").await), Vec::<Value>::new());
    }
}

on_both_stores! {
    async fn a_manager_invites_plain_members_into_their_own_team(server: TestServer) {
        let (own, other) = (team(&server, "payments").await, team(&server, "search").await);
        let body = json!({ "email": "manager@example.org", "teams": [{ "team": own, "role": "manager" }] });
        let secret = server.admin().post("/v1/invitations", body).await.expect_status(201).at("/secret");
        let (_, manager) = accepted(&server, &secret).await;
        let invite = async |role: &str, teams: Value| {
            let body = json!({ "email": "new@example.org", "role": role, "teams": teams });
            manager.post("/v1/invitations", body).await
        };
        let into = |team: &str, role: &str| json!({ "team": team, "role": role });

        let mine = invite("member", json!([into(&own, "manager")])).await;

        let refused = |code: &str| (403, code.to_owned());
        mine.expect_status(201);
        assert_eq!(outcome(&invite("member", json!([into(&other, "member")])).await), refused("out_of_reach"));
        assert_eq!(outcome(&invite("member", json!([into(&own, "member"), into(&other, "member")])).await), refused("out_of_reach"));
        assert_eq!(outcome(&invite("member", json!([])).await), refused("insufficient_scope"));
        assert_eq!(outcome(&invite("super_admin", json!([into(&own, "member")])).await), refused("insufficient_scope"));
        // What somebody else made is not replaced: both are open until one is accepted.
        let before = invited(&server, "both@example.org", "super_admin").await;
        let body = json!({ "email": "both@example.org", "teams": [into(&own, "member")] });
        let after = manager.post("/v1/invitations", body).await;
        manager.delete(&format!("/v1/invitations/{}", after.at("/invitation/id"))).await.expect_status(204);
        accepted(&server, &before).await;
        // They see and take back what they made, and nothing else.
        let foreign = server.admin().post("/v1/invitations", json!({ "email": "foreign@example.org" })).await;
        assert_eq!(rows(&manager.get("/v1/invitations?open=true").await), [mine.json()["invitation"].clone()]);
        let hidden = manager.delete(&format!("/v1/invitations/{}", foreign.at("/invitation/id"))).await;
        assert_eq!(outcome(&hidden), (404, "invitation_not_found".to_owned()));
        manager.delete(&format!("/v1/invitations/{}", mine.at("/invitation/id"))).await.expect_status(204);
    }
}

on_both_stores! {
    async fn an_invitation_is_worth_what_its_maker_is_worth_now(server: TestServer) {
        let (maker, grace) = joined(&server, "grace@example.org", "super_admin").await;
        let invite = async |email: &str, role: &str| {
            let body = json!({ "email": email, "role": role });
            grace.post("/v1/invitations", body).await.expect_status(201).at("/secret")
        };
        let high = invite("high@example.org", "super_admin").await;
        let low = invite("low@example.org", "member").await;
        let global = server.token().global().issue().await;
        let by_token = global.post("/v1/invitations", json!({ "email": "third@example.org" })).await.expect_status(201).at("/secret");
        let gone = (410, "invitation_gone".to_owned());
        let accept = async |secret: &str| outcome(&server.anonymous().post("/v1/invitations/accept", acceptance(secret)).await);

        server.admin().patch(&path_of(&maker), json!({ "role": "member" })).await.expect_status(200);
        assert_eq!(accept(&high).await, gone, "its maker was demoted");
        server.admin().post(&format!("{}/deactivate", path_of(&maker)), Value::Null).await.expect_status(200);
        assert_eq!(accept(&low).await, gone, "its maker was deactivated");
        server.admin().post(&format!("{}/reactivate", path_of(&maker)), Value::Null).await.expect_status(200);
        assert_eq!(accept(&low).await.0, 201, "a member may not invite, but has what the newcomer gets");
        server.admin().post(&format!("/v1/tokens/{}/revoke", global.id()), Value::Null).await.expect_status(200);
        assert_eq!(accept(&by_token).await, gone, "its maker was revoked");
    }
}

on_both_stores! {
    async fn a_team_that_is_gone_is_left_out(server: TestServer) {
        let team = team(&server, "payments").await;
        let body = json!({ "email": "grace@example.org", "teams": [{ "team": team, "role": "member" }] });
        let secret = server.admin().post("/v1/invitations", body).await.expect_status(201).at("/secret");
        server.admin().delete(&format!("/v1/teams/{team}")).await.expect_status(200);

        let (user, _) = accepted(&server, &secret).await;

        assert_eq!(user["teams"], json!([]));
    }
}

on_both_stores! {
    async fn a_token_s_invitation_is_worth_what_the_token_is_worth_now(server: TestServer) {
        let global = server.token().global().issue().await;
        let path = format!("/v1/tokens/{}", global.id());
        let invite = async |email: &str| {
            let body = json!({ "email": email });
            global.post("/v1/invitations", body).await.expect_status(201).at("/secret")
        };
        let (low, last) = (invite("low@example.org").await, invite("last@example.org").await);
        let accept = async |secret: &str| outcome(&server.anonymous().post("/v1/invitations/accept", acceptance(secret)).await);
        let gone = (410, "invitation_gone".to_owned());
        let of_member = ["tokens:verify", "teams:read", "services:read", "environments:read", "roles:read", "tokens:read", "tokens:write"];

        server.admin().patch(&path, json!({ "scopes": of_member })).await.expect_status(200);
        assert_eq!(accept(&low).await.0, 201, "it may not invite, but has what the newcomer gets");
        server.admin().patch(&path, json!({ "scopes": ["users:write"] })).await.expect_status(200);
        assert_eq!(accept(&last).await, gone, "and now it has not");
    }
}

on_both_stores! {
    async fn whoever_may_not_manage_tokens_invites_nobody_who_may(server: TestServer) {
        let of_member = ["users:write", "tokens:verify", "teams:read", "services:read", "environments:read", "roles:read"];
        let clerk = server.token().scopes(of_member).issue().await;
        let body = json!({ "email": "grace@example.org" });

        let refused = clerk.post("/v1/invitations", body.clone()).await;

        assert_eq!(outcome(&refused), (403, "role_exceeds_caller".to_owned()));
        assert!(refused.text().contains("tokens:"), "{}", refused.text());
        let scopes: Vec<&str> = of_member.into_iter().chain(["tokens:read", "tokens:write"]).collect();
        let able = server.token().field("scopes", scopes).issue().await;
        able.post("/v1/invitations", body).await.expect_status(201);
    }
}

on_both_stores! {
    async fn the_first_token_lives_as_long_as_the_policy_says(server: TestServer) {
        let end = async |email: &str| {
            let secret = invited(&server, email, "member").await;
            let joined = server.anonymous().post("/v1/invitations/accept", acceptance(&secret)).await;
            joined.expect_status(201).at("/token/expires_at")
        };
        let after = |days| server.clock().now().plus_days(days).to_string();

        assert_eq!(end("ada@example.org").await, after(30));
        let rules = json!({ "personal": { "default_days": 5, "max_days": 5, "never_allowed": false } });
        crate::policy::changed(&server, rules).await.expect_status(200);
        assert_eq!(end("grace@example.org").await, after(5));
        let longer = json!({ "personal": { "default_days": 60, "max_days": 90, "never_allowed": false } });
        crate::policy::changed(&server, longer).await.expect_status(200);
        assert_eq!(end("hedy@example.org").await, after(30));
    }
}
