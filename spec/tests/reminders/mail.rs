//! Reminders by mail: to whom, in which words, and again when the mail server was busy.

use claviger_testkit::mail::MailServer;
use claviger_testkit::{Backend, TestServer};
use expect_test::expect;
use serde_json::json;

use super::DAY;
use crate::crowd::newcomers;

async fn start(backend: Backend, mail: &MailServer) -> TestServer {
    TestServer::builder()
        .backend(backend)
        .setting("mail.smtp_url", mail.url())
        .setting("mail.from", "Claviger <claviger@example.org>")
        .start()
        .await
}

#[tokio::test]
async fn the_owner_is_told_in_plain_words() {
    for backend in Backend::all() {
        let mail = MailServer::start().await;
        let server = start(backend, &mail).await;
        let token = server
            .token()
            .name("Größe, 100 %")
            .expires_in_days(90)
            .issue()
            .await;
        server.clock().advance(DAY * 83);

        server.settle().await;

        let taken = mail.take();
        assert_eq!(taken.len(), 1);
        let message = &taken[0];
        assert_eq!(message.to, ["admin@example.org"]);
        assert_eq!(message.header("From"), "Claviger <claviger@example.org>");
        assert_eq!(message.header("To"), "admin@example.org");
        assert_eq!(message.header("Auto-Submitted"), "auto-generated");
        assert!(message.header("Message-ID").ends_with("@example.org>"));
        assert!(!message.text.contains(token.secret()));
        let (_, body) = message.text.split_once("\n\n").unwrap();
        let said = if message.text.contains("quoted-printable") {
            body.replace("=\n", "")
                .replace("=C3=B6", "ö")
                .replace("=C3=9F", "ß")
                .replace("=E2=80=A6", "…")
        } else {
            body.to_owned()
        };
        expect![[r#"
            The personal token "Größe, 100 %" (…UqCf) ends at 2027-02-20T10:00:00Z.
            It was never used.

            Whoever uses it is refused from then on. If it is still needed, issue a new one or regenerate it in time, and put the new secret where the old one is.

            Token: tok_1m81b5h800003
            Owner: usr_1m81b5h800001

        "#]]
        .assert_eq(&said);
        server.settle().await;
        assert!(mail.take().is_empty());
    }
}

#[tokio::test]
async fn a_team_s_token_is_its_managers_affair_and_what_is_nobody_s_the_administrators() {
    for backend in Backend::all() {
        let mail = MailServer::start().await;
        let mut server = start(backend, &mail).await;
        let [ada, bob] = newcomers(&mut server, ["ada@example.org", "bob@example.org"]).await;
        let admin = server.admin();
        let teams = ["payments", "search"];
        let mut ids = Vec::new();
        for name in teams {
            ids.push(admin.post("/v1/teams", json!({ "name": name })).await.at("/id"));
        }
        for (person, role) in [(&ada, "manager"), (&bob, "member")] {
            let member = format!("/v1/teams/{}/members/{}", ids[0], person.id);
            admin
                .put(&member, json!({ "role": role }))
                .await
                .expect_status(200);
        }
        for (name, holder) in [
            ("of payments", json!({ "type": "team", "team": ids[0] })),
            ("of search", json!({ "type": "team", "team": ids[1] })),
            ("of all", json!({ "type": "global" })),
        ] {
            let mut body = json!({ "name": name, "scopes": ["deployments:write"], "expires_in_days": 7 });
            body.as_object_mut()
                .unwrap()
                .extend(holder.as_object().unwrap().clone());
            admin.post("/v1/tokens", body).await.expect_status(201);
        }
        server.clock().advance(DAY * 7);

        server.settle().await;

        let mut told: Vec<_> = mail
            .take()
            .iter()
            .map(|taken| format!("{}: {}", taken.to.join(" "), taken.header("Subject")))
            .collect();
        told.sort_unstable();
        assert_eq!(
            told,
            [
                "ada@example.org: Token \"of payments\" has ended",
                "admin@example.org: Token \"of all\" has ended",
                "admin@example.org: Token \"of search\" has ended",
            ]
        );
    }
}

#[tokio::test]
async fn a_busy_mail_server_is_asked_again_with_the_same_message_id() {
    for backend in Backend::all() {
        let mail = MailServer::start().await;
        let server = start(backend, &mail).await;
        server.token().expires_in_days(7).issue().await;
        server.clock().advance(DAY * 7);
        mail.will(["451 try later"]);

        server.settle().await;
        assert!(mail.take().is_empty());
        server.clock().advance(DAY / 8_640);
        server.settle().await;

        let taken = mail.take();
        assert_eq!(taken.len(), 1);
        server.clock().advance(DAY);
        server.settle().await;
        assert!(mail.take().is_empty());
    }
}

#[tokio::test]
async fn whoever_was_deactivated_is_not_written_to() {
    for backend in Backend::all() {
        let mail = MailServer::start().await;
        let mut server = start(backend, &mail).await;
        let [ada] = newcomers(&mut server, ["ada@example.org"]).await;
        let body = json!({ "name": "of ada", "scopes": ["tokens:read"], "expires_in_days": 7 });
        ada.caller.post("/v1/tokens", body).await.expect_status(201);
        let deactivate = format!("/v1/users/{}/deactivate", ada.id);
        server
            .admin()
            .post(&deactivate, json!(null))
            .await
            .expect_status(200);

        server.clock().advance(DAY * 7);
        server.settle().await;

        assert!(mail.take().is_empty());
    }
}
