//! Webhooks and calendar feeds.

use expect_test::expect;

use crate::{Ran, claviger, run, stub::Stub};

const WEBHOOK: &str = "whk_01k9zv5m3r000";

fn call(stub: &Stub, arguments: &[&str]) -> Ran {
    run(
        claviger(arguments)
            .args(["--server", &stub.url])
            .env("CLAVIGER_TOKEN", "clvp_caller"),
        b"",
    )
}

fn webhook(disabled: &str) -> String {
    format!(
        r#"{{"id":"{WEBHOOK}","url":"https://example.org/hooks","description":"","events":["token.expired"],"team":null,
        "enabled":true,"disabled_at":null,"disabled_reason":{disabled},"created_at":"2026-11-22T10:00:00Z",
        "created_by":"usr_01k9zv5m3r000","updated_at":"2026-11-22T10:00:00Z"}}"#
    )
}

/// The line and the body of the first request.
fn asked(stub: &Stub) -> String {
    let received = stub.received();
    let (head, body) = received[0].split_once("\r\n\r\n").unwrap();
    format!("{}\n{body}", head.lines().next().unwrap())
}

#[test]
fn a_webhook_s_secret_goes_alone_to_the_output() {
    let made = format!(r#"{{"webhook":{},"secret":"whsec_c2VjcmV0"}}"#, webhook("null"));
    let stub = Stub::answering([("201 Created", made)]);
    let create = [
        "webhook",
        "create",
        "https://example.org/hooks",
        "--event",
        "token.expired",
    ];

    let Ran {
        code, stdout, stderr, ..
    } = call(&stub, &create);

    assert_eq!((code, stdout.as_str()), (0, "whsec_c2VjcmV0\n"));
    assert!(stderr.contains("shown this once") && !stderr.contains("whsec_"));
    expect![[r#"
        POST /v1/webhooks HTTP/1.1
        {"url":"https://example.org/hooks","events":["token.expired"]}"#]]
    .assert_eq(&asked(&stub));
}

#[test]
fn a_disabled_webhook_says_why() {
    let stub = Stub::answering([("200 OK", webhook(r#""gone""#))]);

    let Ran { code, stdout, .. } = call(&stub, &["webhook", "show", WEBHOOK]);

    assert_eq!(code, 0);
    assert!(stdout.contains("disabled (gone)"), "{stdout}");
}

#[test]
fn what_could_not_be_delivered_is_listed_and_tried_again() {
    let delivery = r#"{"id":"dlv_01k9zv5m3r000","event":"webhook.test","token":null,"state":"failed","attempts":10,
        "created_at":"2026-11-22T10:00:00Z","next_attempt_at":null,"last_attempt_at":"2026-11-25T10:00:00Z",
        "last_status":500,"last_error":"the receiver answered 500"}"#;
    let page = format!(r#"{{"data":[{delivery}],"next_cursor":null}}"#);
    let stub = Stub::answering([("200 OK", page)]);
    let Ran { stdout, .. } = call(&stub, &["webhook", "deliveries", WEBHOOK, "--state", "failed"]);
    assert!(stdout.contains("the receiver answered 500"), "{stdout}");
    assert!(
        asked(&stub)
            .starts_with("GET /v1/webhooks/whk_01k9zv5m3r000/deliveries?state=failed&limit=50 HTTP/1.1")
    );

    let stub = Stub::answering([("202 Accepted", delivery.to_owned())]);
    let Ran { code, .. } = call(&stub, &["webhook", "retry", WEBHOOK, "dlv_01k9zv5m3r000"]);
    assert_eq!(code, 0);
    assert!(
        asked(&stub)
            .starts_with("POST /v1/webhooks/whk_01k9zv5m3r000/deliveries/dlv_01k9zv5m3r000/retry HTTP/1.1")
    );
}

#[test]
fn a_calendar_s_whole_address_goes_alone_to_the_output() {
    let made = r#"{"feed":{"id":"cal_01k9zv5m3r000","name":"Tokens","created_by":"usr_01k9zv5m3r000","token":"tok_01k9zv5m3r000",
        "created_at":"2026-11-22T10:00:00Z"},"path":"/v1/calendar/clvk_x.ics"}"#;
    let stub = Stub::answering([("201 Created", made.to_owned())]);

    let Ran { code, stdout, .. } = call(&stub, &["calendar", "create"]);

    assert_eq!(
        (code, stdout),
        (0, format!("{}/v1/calendar/clvk_x.ics\n", stub.url))
    );
}
