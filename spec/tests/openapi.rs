//! `GET /openapi.json`: the document says what there is, nothing is missing from it, and what is answered is what it says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use claviger_testkit::{Answer, TestServer};
use serde_json::{Value, json};

use crate::asking::ALL_SCOPES;
use crate::matrix::{Needs, OPERATIONS, Operation, Targets};

/// The document of a server, made from its code.
async fn document() -> Value {
    let server = TestServer::start().await;
    server
        .anonymous()
        .get("/openapi.json")
        .await
        .expect_status(200)
        .json()
}

/// Every operation of the document by `METHOD path`. Items of a path that are no methods are left out.
fn documented(document: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item
            .as_object()
            .unwrap()
            .iter()
            .filter(|(method, _)| !matches!(method.as_str(), "summary" | "parameters"))
        {
            found.insert(format!("{} {path}", method.to_uppercase()), operation);
        }
    }
    found
}

/// The operations of the matrix beside what the document says of them.
fn both(document: &Value) -> impl Iterator<Item = (&'static Operation, &Value)> {
    let documented = documented(document);
    OPERATIONS.iter().map(move |row| {
        let name = format!("{} {}", row.method, row.path);
        (
            row,
            *documented
                .get(&name)
                .unwrap_or_else(|| panic!("{name} is not in the document")),
        )
    })
}

#[tokio::test]
async fn the_served_document_is_the_committed_one() {
    let server = TestServer::start().await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../openapi/claviger.json");
    let committed =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));

    let served = server.anonymous().get("/openapi.json").await;

    assert_eq!(served.header("content-type"), Some("application/json"));
    assert!(served.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(
        served.json() == serde_json::from_str::<Value>(&committed).unwrap(),
        "run `cargo xtask openapi` and read the difference"
    );
}

#[tokio::test]
async fn every_operation_of_the_document_is_in_the_matrix_and_the_other_way_round() {
    let document = document().await;
    let documented: BTreeSet<String> = documented(&document).into_keys().collect();
    let tested: BTreeSet<String> = OPERATIONS
        .iter()
        .map(|row| format!("{} {}", row.method, row.path))
        .collect();

    assert_eq!(documented, tested);
}

#[tokio::test]
async fn the_document_says_which_scope_an_operation_needs() {
    let document = document().await;
    let schemes = &document["components"]["securitySchemes"];
    assert_eq!(schemes["token"]["scheme"], "bearer");
    assert_eq!(schemes["session"]["in"], "cookie");
    for (row, operation) in both(&document) {
        let name = row.path;
        match row.needs {
            Needs::Scope(scope) => assert_eq!(
                operation["security"],
                json!([{ "token": [scope] }, { "session": [] }]),
                "{name}"
            ),
            Needs::AnyToken => assert_eq!(
                operation["security"],
                json!([{ "token": [] }, { "session": [] }]),
                "{name}"
            ),
            Needs::Nothing => {
                assert_eq!(operation["security"], json!([{}]), "{name}");
                let said = operation.to_string();
                assert!(
                    !ALL_SCOPES
                        .iter()
                        .any(|scope| said.contains(&format!("`{scope}`"))),
                    "{name}: {said}"
                );
            }
        }
    }
}

#[tokio::test]
async fn every_operation_says_what_it_does_and_how_it_refuses() {
    let document = document().await;
    let mut names = BTreeSet::new();
    for (row, operation) in both(&document) {
        let name = format!("{} {}", row.method, row.path);
        assert!(
            names.insert(operation["operationId"].as_str().unwrap()),
            "{name}: its id is taken"
        );
        for field in ["summary", "description"] {
            assert!(
                operation[field].as_str().is_some_and(|text| text.len() > 5),
                "{name} has no {field}"
            );
        }
        let answers = operation["responses"].as_object().unwrap();
        let refusals: &[&str] = if row.is_guarded() {
            &["400", "401", "403", "503"]
        } else {
            &[]
        };
        for status in refusals.iter().chain(if row.body().is_null() {
            &[]
        } else {
            &["413", "415"][..]
        }) {
            assert!(answers.contains_key(*status), "{name} does not document {status}");
        }
        for (status, answer) in answers {
            assert!(
                answer["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{name} {status}"
            );
            let problem = &answer["content"]["application/problem+json"];
            assert_eq!(
                problem.is_object(),
                status.as_str() >= "400",
                "{name} {status}: every refusal is a problem, and nothing else is"
            );
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter["description"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{name}: {parameter}"
            );
        }
    }
}

#[tokio::test]
async fn every_field_of_every_type_is_described() {
    let document = document().await;
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            // A field that may be null and refers to a type is described beside the reference.
            let described = [&property["description"], &property["oneOf"][0]["description"]];
            assert!(
                described.iter().any(|text| text.is_string()),
                "{name}.{field}: {property}"
            );
        }
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_type_is_used() {
    let document = document().await;
    // What a webhook receives is the body of no operation of ours.
    let mut used = BTreeSet::from(["WebhookPayload"]);
    let mut open = vec![&document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    assert!(
                        document.pointer(reference.trim_start_matches('#')).is_some(),
                        "{reference}"
                    );
                    used.insert(reference.trim_start_matches("#/components/schemas/"));
                }
                open.extend(fields.values());
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }

    let types: BTreeSet<&str> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(types, used);
}

#[tokio::test]
async fn every_code_that_the_document_names_has_its_place_on_the_page_of_problems() {
    let server = TestServer::start().await;
    let document = server.anonymous().get("/openapi.json").await.json();
    let page = server
        .anonymous()
        .get("/docs/problems")
        .await
        .expect_status(200)
        .body
        .clone();
    let mut codes = BTreeSet::from([
        "route_not_found".to_owned(),
        "method_not_allowed".to_owned(),
        "idempotency_key_invalid".to_owned(),
    ]);

    for (_, operation) in both(&document) {
        for (_, answer) in operation["responses"]
            .as_object()
            .unwrap()
            .iter()
            .filter(|(status, _)| status.as_str() >= "400")
        {
            let named = answer["description"]
                .as_str()
                .unwrap()
                .split('`')
                .skip(1)
                .step_by(2);
            codes.extend(
                named
                    .filter(|code| code.contains('_') || *code == "busy" || *code == "internal")
                    .map(str::to_owned),
            );
        }
    }

    assert!(codes.len() > 25, "{codes:?}");
    let missing: Vec<_> = codes
        .iter()
        .filter(|code| !page.contains(&format!("id=\"{code}\"")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What of `value` contradicts `schema`; `at` is where. Every type that the document uses, and no field that it does not name.
fn contradictions(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return contradictions(
            document,
            document.pointer(&reference[1..]).unwrap(),
            value,
            at,
            found,
        );
    }
    if let Some(one_of) = schema["oneOf"].as_array() {
        let fits = |schema: &&Value| {
            let mut found = Vec::new();
            contradictions(document, schema, value, at, &mut found);
            found.is_empty()
        };
        if one_of.iter().filter(fits).count() != 1 {
            found.push(format!("{at}: {value} is not one of {one_of:?}"));
        }
        return;
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        // Anything goes, as for the detail of an audit event.
        _ => return,
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !types.contains(&is) {
        return found.push(format!("{at}: {value} is no {types:?}"));
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|words| !value.is_null() && !words.contains(value))
    {
        found.push(format!("{at}: {value} is none of {}", schema["enum"]));
    }
    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
        contradictions(document, &schema["items"], item, &format!("{at}[{place}]"), found);
    }
    for required in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if value.is_object() && value.get(required).is_none() {
            found.push(format!("{at}.{required} is missing"));
        }
    }
    for (field, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(field) {
            Some(schema) => contradictions(document, schema, value, &format!("{at}.{field}"), found),
            None => found.push(format!("{at}.{field} is not in the document")),
        }
    }
}

/// Fails when an answer is not what the document says of it.
fn check(document: &Value, row: &Operation, answer: &Answer) {
    let name = format!("{} {} answered {}", row.method, row.path, answer.text());
    let described = &documented(document)[&format!("{} {}", row.method, row.path)]["responses"]
        [answer.status.to_string()];
    assert!(described.is_object(), "not documented: {name}");
    let Some(media_type) = answer.header("content-type") else {
        return assert!(described["content"].is_null(), "{name}");
    };
    let media_type = media_type.split(';').next().unwrap();
    let content = described["content"].get(media_type);
    let content = content.unwrap_or_else(|| panic!("{media_type} is not documented: {name}"));
    // The document itself is of no type, and a stream has a document on each line.
    let documents: Vec<&str> = match media_type {
        "application/x-ndjson" => answer.body.lines().collect(),
        _ if media_type.ends_with("json") && row.path != "/openapi.json" => vec![&answer.body],
        _ => vec![],
    };
    let mut found = Vec::new();
    for text in documents {
        contradictions(
            document,
            &content["schema"],
            &serde_json::from_str(text).unwrap(),
            "body",
            &mut found,
        );
    }
    assert!(found.is_empty(), "{found:?}: {name}");
}

#[tokio::test]
async fn what_is_answered_is_what_the_document_says() {
    let server = TestServer::start().await;
    let document = server.anonymous().get("/openapi.json").await.json();
    server.token().name("spare").issue().await;

    for row in OPERATIONS {
        let targets = Targets::make(&server, &format!("{} {}", row.method, row.path)).await;
        let (target, path) = (&targets.token, targets.path(row));
        let weak = server
            .token()
            .scopes([if row.path.starts_with("/v1/deployments") {
                "tokens:read"
            } else {
                "deployments:read"
            }])
            .issue()
            .await;
        // What ends the caller is asked by one that is made for it.
        let strong = if row.path.starts_with("/v1/tokens/self") {
            target.clone()
        } else {
            server.admin().clone()
        };
        for caller in [server.anonymous(), &weak, &strong] {
            check(
                &document,
                row,
                &caller.request(row.method(), &path, targets.body(row)).await,
            );
            if !row.body().is_null() {
                check(
                    &document,
                    row,
                    &caller
                        .request(row.method(), &path, json!({ "no": "such field" }))
                        .await,
                );
                check(
                    &document,
                    row,
                    &caller.request_text(row.method(), &path, "text/plain", "x").await,
                );
            }
        }
        if row.path.contains("{id}") {
            let missing = row
                .path
                .replace("{id}", "tok_0000000000001")
                .replace("{user_id}", "usr_0000000000001")
                .replace("{name}", "some-name")
                .replace("{delivery_id}", "dlv_0000000000001");
            check(
                &document,
                row,
                &server
                    .admin()
                    .request(row.method(), &missing, targets.body(row))
                    .await,
            );
        }
        server
            .admin()
            .post(&format!("/v1/tokens/{}/revoke", target.id()), Value::Null)
            .await
            .expect_status(200);
        server
            .admin()
            .delete(&format!("/v1/tokens/{}", target.id()))
            .await
            .expect_status(204);
    }
}
