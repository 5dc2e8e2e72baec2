//! `/docs`: the OpenAPI document as a page, and `/docs/problems`: every problem code.
//!
//! The pages work without any other host and under a policy that allows scripts from this server only; none is inline. Swagger UI's files
//! are compiled in.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};

use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::HeaderValue;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use utoipa_swagger_ui::Config;

use crate::problem::{Problem, catalogue};

/// Swagger UI sets `style` attributes and shows icons from `data:` addresses; everything else comes from here.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
const PROBLEMS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// The files change with the server's version only; an hour is short enough for an upgrade.
const KEEP: HeaderValue = HeaderValue::from_static("public, max-age=3600");

const PAGE: &str = include_str!("docs/page.html");
const START: &str = include_str!("docs/start.js");
const STYLE: &str = include_str!("docs/style.css");

/// The files of Swagger UI that the page uses.
const SWAGGER_FILES: [&str; 3] = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/// `GET /docs`: the page's files are relative to `/docs/`.
pub(crate) async fn to_page() -> Redirect {
    Redirect::permanent("/docs/")
}

/// `GET /docs/`
pub(crate) async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE)
}

/// `GET /docs/{file}`
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, Problem> {
    match name.as_str() {
        "start.js" => Ok(answer("text/javascript; charset=utf-8", START)),
        "style.css" => Ok(answer("text/css; charset=utf-8", STYLE)),
        name if SWAGGER_FILES.contains(&name) => swagger(name),
        _ => Err(Problem::not_found("page")),
    }
}

fn swagger(name: &str) -> Result<Response, Problem> {
    let config = Arc::new(Config::default());
    let file = utoipa_swagger_ui::serve(name, config)
        .map_err(|error| Problem::internal(format!("a file of Swagger UI cannot be read: {error}")))?
        .ok_or_else(|| Problem::not_found("page"))?;
    let media_type =
        HeaderValue::from_str(&file.content_type).map_err(|error| Problem::internal(error.to_string()))?;
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, KEEP),
    ];
    Ok((headers, file.bytes.into_owned()).into_response())
}

fn answer(media_type: &'static str, text: &'static str) -> Response {
    let media_type = HeaderValue::from_static(media_type);
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, KEEP),
    ];
    (headers, text).into_response()
}

/// `GET /docs/problems`: where the `type` of every problem points.
pub(crate) async fn problems() -> Response {
    static TEXT: LazyLock<Bytes> = LazyLock::new(|| problems_page().into());
    let media_type = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_SECURITY_POLICY, PROBLEMS_POLICY),
        (CACHE_CONTROL, KEEP),
    ];
    (headers, TEXT.clone()).into_response()
}

/// The catalogue as a table. Its texts are ours and hold no markup.
fn problems_page() -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Claviger problems</title>\
         <link rel=\"stylesheet\" href=\"style.css\"></head>\n<body>\n<h1>Problems</h1>\n\
         <p>Every refusal is <code>application/problem+json</code> (RFC 9457). Decide by its <code>code</code>; a code keeps its \
         meaning.</p>\n<table>\n<tr><th>code</th><th>status</th><th>what it means, and what to do</th></tr>\n",
    );
    for (code, status, meaning) in catalogue::CODES {
        // Writing to a string does not fail.
        let _ = writeln!(
            page,
            "<tr id=\"{code}\"><td><code>{code}</code></td><td>{status}</td><td>{meaning}</td></tr>"
        );
    }
    page.push_str("</table>\n</body>\n</html>\n");
    page
}
