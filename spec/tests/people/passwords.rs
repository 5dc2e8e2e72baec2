//! Passwords: change, reset, check.

use std::fmt::Write as _;
use std::time::Duration;

use claviger_testkit::{Answer, Caller, TestServer, on_both_stores};
use expect_test::expect;
use serde_json::{Value, json};

use super::{PASSWORD, acceptance, joined, path_of};
use crate::asking::{actions_about, refused_fields, text};
use crate::scan::Scanner;
use crate::secrets_at_rest::dump;
use crate::tamper::Database;

const NEW: &str = "velvet hammer 7 clouds";

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.problem_code().unwrap_or_default())
}

async fn change(caller: &Caller, current: &str, new: &str) -> Answer {
    let body = json!({ "current": current, "new": new });
    caller.post("/v1/users/self/password", body).await
}

async fn reset(server: &TestServer, secret: &str, new: &str) -> (u16, String) {
    let body = json!({ "reset": secret, "new": new });
    outcome(&server.anonymous().post("/v1/passwords/reset", body).await)
}

async fn sign_in(server: &TestServer, email: &str, password: &str) -> (u16, String) {
    let body = json!({ "email": email, "password": password });
    outcome(&server.anonymous().post("/v1/sessions", body).await)
}

async fn is_password(server: &TestServer, user: &Value, password: &str) -> bool {
    match sign_in(server, &text(user, "/email"), password).await.0 {
        201 => true,
        401 => false,
        other => panic!("a sign-in was answered {other}"),
    }
}

/// Password hashes made so far.
async fn hashes(server: &TestServer) -> u64 {
    let metrics = server.anonymous().get("/metrics").await.body;
    let line = metrics
        .lines()
        .find_map(|line| line.strip_prefix("claviger_password_hashes_total "));
    line.unwrap().parse().unwrap()
}

on_both_stores! {
    async fn a_password_is_long_and_not_tried_first_and_nothing_else(server: TestServer) {
        let (_, grace) = joined(&server, "grace.hopper@example.org", "member").await;
        let mut said = String::new();

        for new in ["", "elevenchars", &"x".repeat(129), "Password2026!", "aaaaaaaaaaaaaaa", "GRACE.hopper@example.org"] {
            let answer = change(&grace, PASSWORD, new).await;
            writeln!(said, "{}", refused_fields(&answer).join(", ")).unwrap();
            assert!(new.is_empty() || !answer.body.contains(new), "it is not repeated");
        }
        let answer = grace.post("/v1/users/self/password", json!({ "new": NEW })).await;
        writeln!(said, "{}", refused_fields(&answer).join(", ")).unwrap();

        expect![[r#"
            new password_too_short
            new password_too_short
            new password_too_long
            new password_common
            new password_common
            new password_is_email
            current password_current_missing
        "#]].assert_eq(&said);
        assert_eq!(outcome(&change(&grace, PASSWORD, "only lower case letters").await), (204, String::new()));
    }
}

on_both_stores! {
    async fn a_new_password_takes_the_place_of_the_old_one(server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "member").await;
        assert!(is_password(&server, &user, PASSWORD).await);

        let changed = change(&grace, PASSWORD, NEW).await;

        assert_eq!(outcome(&changed), (204, String::new()));
        assert!(is_password(&server, &user, NEW).await);
        assert!(!is_password(&server, &user, PASSWORD).await);
        assert_eq!(actions_about(&server, &text(&user, "/id")).await, ["user.joined", "user.password_changed"]);
    }
}

on_both_stores! {
    async fn five_wrong_guesses_within_a_quarter_of_an_hour_are_enough(server: TestServer) {
        let (_, grace) = joined(&server, "grace@example.org", "member").await;
        let (_, other) = joined(&server, "other@example.org", "member").await;
        let wrong = (403, "password_wrong".to_owned());
        for _ in 0..5 {
            assert_eq!(outcome(&change(&grace, "wrong horse battery", NEW).await), wrong);
        }
        let before = hashes(&server).await;

        server.clock().advance(Duration::from_secs(60));
        let refused = change(&grace, PASSWORD, NEW).await;

        assert_eq!(outcome(&refused), (429, "too_many_attempts".to_owned()), "even with the right one");
        assert_eq!(refused.header("retry-after"), Some("840"));
        let elsewhere = sign_in(&server, "grace@example.org", PASSWORD).await;
        assert_eq!(elsewhere, (429, "too_many_attempts".to_owned()), "nor anywhere else");
        assert_eq!(hashes(&server).await, before, "and it costs nothing");
        assert_eq!(outcome(&change(&other, "wrong horse battery", NEW).await), wrong, "others are counted for themselves");
        server.clock().advance(Duration::from_secs(840));
        assert_eq!(outcome(&change(&grace, PASSWORD, NEW).await), (204, String::new()));
    }
}

on_both_stores! {
    async fn wrong_ones_count_for_the_address_too_as_at_a_sign_in(server: TestServer) {
        let mut people = Vec::new();
        for number in 0..5 {
            people.push(joined(&server, &format!("person{number}@example.org"), "member").await.1);
        }
        for guessed in &people[..4] {
            for _ in 0..5 {
                assert_eq!(outcome(&change(guessed, "wrong horse battery", NEW).await), (403, "password_wrong".to_owned()));
            }
        }

        let refused = change(&people[4], PASSWORD, NEW).await;

        assert_eq!(outcome(&refused), (429, "too_many_attempts".to_owned()), "the twenty-first from there, though it is right");
        let elsewhere = sign_in(&server, "person4@example.org", PASSWORD).await;
        assert_eq!(elsewhere, (429, "too_many_attempts".to_owned()), "nor at a sign-in");
        server.clock().advance(Duration::from_secs(900));
        assert_eq!(outcome(&change(&people[4], PASSWORD, NEW).await), (204, String::new()));
    }
}

on_both_stores! {
    async fn a_right_password_forgives_the_wrong_ones(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;

        for _ in 0..2 {
            for _ in 0..4 {
                assert!(!is_password(&server, &user, "wrong horse battery").await);
            }
            assert!(is_password(&server, &user, PASSWORD).await);
        }
    }
}

on_both_stores! {
    async fn the_first_password_needs_a_token_that_may_do_all_its_person_may(server: TestServer) {
        let body = json!({ "new": NEW });
        let narrow = server.token().scopes(["deployments:write"]).issue().await;
        let global = server.token().global().issue().await;

        let refused = narrow.post("/v1/users/self/password", body.clone()).await;

        assert_eq!(outcome(&refused), (403, "role_exceeds_caller".to_owned()));
        let nobody = global.post("/v1/users/self/password", body.clone()).await;
        assert_eq!(outcome(&nobody), (404, "user_not_found".to_owned()));
        server.admin().post("/v1/users/self/password", body).await.expect_status(204);
        assert_eq!(server.admin().get("/v1/users/self").await.json()["has_password"], json!(true));
    }
}

on_both_stores! {
    async fn a_check_costs_one_hash_whoever_is_asked_about(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;
        let mut made = hashes(&server).await;
        let refused = (401, "sign_in_failed".to_owned());

        for (who, email, answer) in [
            ("right", "grace@example.org", (201, String::new())),
            ("without a password", "admin@example.org", refused.clone()),
            ("unknown", "nobody@example.org", refused),
        ] {
            assert_eq!(sign_in(&server, email, PASSWORD).await, answer, "{who}");
            made += 1;
            assert_eq!(hashes(&server).await, made, "{who}");
        }
        server.admin().post(&format!("{}/deactivate", path_of(&user)), Value::Null).await.expect_status(200);
        assert!(!is_password(&server, &user, PASSWORD).await, "nor does a deactivated person sign in");
        assert_eq!(hashes(&server).await, made + 1);
    }
}

on_both_stores! {
    async fn a_made_up_secret_costs_no_hash(server: TestServer) {
        let before = hashes(&server).await;

        let answer = server.anonymous().post("/v1/invitations/accept", acceptance("nonsense")).await;

        assert_eq!(outcome(&answer), (404, "invitation_not_found".to_owned()));
        assert_eq!(reset(&server, "nonsense", NEW).await, (404, "reset_not_found".to_owned()));
        assert_eq!(hashes(&server).await, before);
    }
}

on_both_stores! {
    async fn a_reset_is_good_once_for_a_quarter_of_an_hour(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "member").await;
        let issue = format!("{}/password-reset", path_of(&user));
        let gone = (410, "reset_gone".to_owned());

        let first = server.admin().post(&issue, Value::Null).await;
        first.expect(expect![[r#"201 {"secret": "clvw_v3mcGdPGPdOBENZZvCt4zan8L7ZNqo7f2dJMYe", "expires_at": "2026-11-22T10:15:00Z"}"#]]);
        let second = server.admin().post(&issue, Value::Null).await.at("/secret");

        assert_eq!(reset(&server, &first.at("/secret"), NEW).await, gone, "the second voids the first");
        assert_eq!(reset(&server, &second, "short").await, (400, "input_invalid".to_owned()), "and is not used up by a refusal");
        server.clock().advance(Duration::from_millis(15 * 60 * 1_000 - 1));
        assert_eq!(reset(&server, &second, NEW).await, (204, String::new()));
        assert_eq!(reset(&server, &second, NEW).await, gone, "it was used");
        assert!(is_password(&server, &user, NEW).await);
        let late = server.admin().post(&issue, Value::Null).await.at("/secret");
        server.clock().advance(Duration::from_secs(15 * 60));
        assert_eq!(reset(&server, &late, PASSWORD).await, gone, "it ran out");
        let actions = actions_about(&server, &text(&user, "/id")).await;
        let issued = "user.password_reset_issued";
        assert_eq!(actions, ["user.joined", issued, issued, "user.password_changed", issued]);
    }
}

on_both_stores! {
    async fn a_reset_ends_with_its_person_and_with_a_change(server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "member").await;
        let issue = format!("{}/password-reset", path_of(&user));
        let gone = (410, "reset_gone".to_owned());
        let changed = server.admin().post(&issue, Value::Null).await.at("/secret");
        change(&grace, PASSWORD, NEW).await.expect_status(204);
        assert_eq!(reset(&server, &changed, PASSWORD).await, gone);

        let deactivated = server.admin().post(&issue, Value::Null).await.at("/secret");
        server.admin().post(&format!("{}/deactivate", path_of(&user)), Value::Null).await.expect_status(200);

        assert_eq!(reset(&server, &deactivated, PASSWORD).await, gone);
        assert_eq!(outcome(&server.admin().post(&issue, Value::Null).await), (409, "user_deactivated".to_owned()));
        server.admin().post(&format!("{}/reactivate", path_of(&user)), Value::Null).await.expect_status(200);
        assert_eq!(reset(&server, &deactivated, PASSWORD).await, gone, "a reactivation revives none");
    }
}

on_both_stores! {
    async fn nobody_resets_the_password_of_somebody_stronger(server: TestServer) {
        let (user, _) = joined(&server, "grace@example.org", "super_admin").await;
        let clerk = server.token().scopes(["users:read", "users:write", "tokens:write"]).issue().await;

        let refused = clerk.post(&format!("{}/password-reset", path_of(&user)), Value::Null).await;

        assert_eq!(outcome(&refused), (403, "role_exceeds_caller".to_owned()));
    }
}

on_both_stores! {
    async fn a_password_moves_to_the_new_pepper_when_it_is_used(server: TestServer) {
        let admin = server.admin();
        let (user, _) = joined(&server, "grace@example.org", "member").await;
        let (idle, _) = joined(&server, "idle@example.org", "member").await;
        admin.post("/v1/peppers/rotate", Value::Null).await.expect_status(200);
        for secret in [admin.secret()] {
            server.bearer(secret).get("/v1/tokens/self").await.expect_status(200);
        }
        server.flush().await;
        assert!(is_password(&server, &user, PASSWORD).await);

        let refused = admin.post("/v1/peppers/retire", json!({})).await;

        assert_eq!(outcome(&refused), (409, "pepper_has_stragglers".to_owned()));
        assert!(refused.at("/detail").contains(" 1 passwords"), "{}", refused.text());
        admin.post("/v1/peppers/retire", json!({ "revoke_stragglers": true })).await.expect_status(200);
        assert!(is_password(&server, &user, PASSWORD).await);
        assert!(!is_password(&server, &idle, PASSWORD).await);
        assert_eq!(admin.get(&path_of(&idle)).await.json()["has_password"], json!(false));
    }
}

on_both_stores! {
    async fn no_password_and_no_link_is_written_anywhere(server: TestServer) {
        let (user, grace) = joined(&server, "grace@example.org", "member").await;
        let open = server.admin().post("/v1/invitations", json!({ "email": "late@example.org" })).await.at("/secret");
        let issue = format!("{}/password-reset", path_of(&user));
        let used = server.admin().post(&issue, Value::Null).await.at("/secret");
        assert_eq!(reset(&server, &used, NEW).await.0, 204);
        let unused = server.admin().post(&issue, Value::Null).await.at("/secret");
        let wrong = "canary in a coal mine";
        assert_eq!(change(&grace, wrong, "another canary 88").await.status, 403);
        let secrets = [PASSWORD, NEW, wrong, "another canary 88", &open, &used, &unused, &unused[5..37], &open[5..37]];
        let scanner = Scanner::of(secrets.iter().map(|secret| secret.as_bytes()));

        let cells = dump(&Database::of(&server).await).await;

        assert!(cells.len() > 1_000, "the dump is no empty page");
        assert_eq!(scanner.hits(&cells), Vec::<&str>::new(), "the tables");
        assert_eq!(scanner.hits(server.log_lines().join("\n").as_bytes()), Vec::<&str>::new(), "the log");
        assert_eq!(scanner.files(server.data_dir(), &[], 0), vec![]);
    }
}
