//! The catalogue explains every code that the document names, and each once.

use std::collections::BTreeSet;

use super::*;

#[test]
fn the_catalogue_is_sorted_and_names_each_code_once() {
    assert!(CODES.is_sorted_by(|(before, ..), (after, ..)| before < after));
}

#[test]
fn every_code_that_the_document_names_is_explained() {
    let explained: BTreeSet<&str> = CODES.iter().map(|(code, ..)| *code).collect();
    let document: serde_json::Value = serde_json::from_str(&crate::openapi_json()).unwrap();

    let mut named = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                if status.starts_with('2') {
                    continue;
                }
                assert!(
                    answer["content"]["application/problem+json"].is_object(),
                    "{path} {status} is no problem"
                );
                let description = answer["description"].as_str().unwrap();
                named.extend(description.split('`').skip(1).step_by(2).map(str::to_owned));
            }
        }
    }

    let unexplained: Vec<_> = named
        .iter()
        .filter(|code| !explained.contains(code.as_str()))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");
}
