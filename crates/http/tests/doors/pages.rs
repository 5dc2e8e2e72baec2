//! The document and the pages for people.

use serde_json::Value;

use super::house::House;

#[tokio::test]
async fn the_document_is_openapi_3_1_and_every_operation_is_described() {
    let house = House::open().await;

    let document = house.call("GET", "/openapi.json", Value::Null).await.json();

    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            for part in ["summary", "description", "operationId", "security"] {
                assert!(!operation[part].is_null(), "{method} {path} lacks `{part}`");
            }
        }
    }
}

#[tokio::test]
async fn the_pages_need_no_other_host_and_no_inline_script() {
    let house = House::open().await;

    for path in ["/docs/", "/docs/start.js", "/docs/problems", "/docs/style.css"] {
        let page = house.call("GET", path, Value::Null).await;
        assert_eq!(page.status.as_u16(), 200, "{path}");
        assert!(
            !page.body.contains("http://") && !page.body.contains("https://"),
            "{path}"
        );
        assert!(!page.body.contains("<script>"), "{path}");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert!(
            !policy.contains("script-src 'self' 'unsafe-inline'"),
            "{path}: {policy}"
        );
    }
    for path in ["/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"] {
        let file = house.call("GET", path, Value::Null).await;
        assert_eq!(file.status.as_u16(), 200, "{path}");
        assert!(file.body.len() > 10_000, "{path}");
    }
    assert_eq!(
        house.call("GET", "/docs", Value::Null).await.headers["location"],
        "/docs/"
    );
    assert_eq!(
        house
            .call("GET", "/docs/index.html", Value::Null)
            .await
            .status
            .as_u16(),
        404
    );
}

#[tokio::test]
async fn the_server_says_that_it_is_there_and_ready() {
    let house = House::open().await;

    for (path, word) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let said = house.call("GET", path, Value::Null).await;
        assert_eq!((said.status.as_u16(), said.body.as_str()), (200, word));
    }
}
