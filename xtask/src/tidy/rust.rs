//! Rules for Rust files: a header, lengths, module layout, and names that the glossary has struck out.
//!
//! Invariant: what clippy and rustfmt already hold is not held twice. Called by `tidy`.

use anyhow::Result;

use super::allow::Allowed;
use crate::{
    source::{Source, line_of, words},
    workspace::File,
};

/// A file beyond this is two files.
const MAX_FILE_LINES: usize = 500;

/// A function beyond this is several.
const MAX_FUNCTION_LINES: usize = 70;

/// A test holds whole answers and tables, and reads from top to bottom: it may be longer, not endless.
const MAX_TEST_FILE_LINES: usize = 700;
const MAX_TEST_FUNCTION_LINES: usize = 200;

/// Identifiers that the glossary replaces, and by what.
const STRUCK: &[(&str, &str)] = &[
    ("api_key", "token"),
    ("api_keys", "tokens"),
    ("ApiKey", "Token"),
    ("apikey", "token"),
    ("is_revoked", "revoked_at"),
    ("is_deleted", "a state with its time"),
    ("is_expired", "expires_at and now"),
    ("create_token", "issue"),
    ("rotate_token", "regenerate"),
    ("disable_token", "revoke"),
    ("validate_token", "verify"),
    ("tenant_id", "org_id"),
    ("mod utils", "a name that says what for"),
    ("mod helpers", "a name that says what for"),
    ("mod prelude", "the names themselves"),
];

/// Checks every Rust file.
///
/// # Errors
/// When the list of exceptions cannot be read.
pub(super) fn check(files: &[File]) -> Result<Vec<String>> {
    let allowed = Allowed::read()?;
    let mut problems = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        problems.extend(check_file(file, &allowed));
    }
    problems.extend(allowed.unused());
    Ok(problems)
}

fn check_file(file: &File, allowed: &Allowed) -> Vec<String> {
    let File { path, text } = file;
    let source = Source::of(text);
    let mut problems = Vec::new();
    if !text.starts_with("//! ") {
        problems.push(format!(
            "{path}:1: the file does not begin with its header, `//! what it is for`"
        ));
    }
    if path.ends_with("/mod.rs") {
        problems.push(format!("{path}: modules are `name.rs` + `name/`"));
    }
    let (max_file, max_function) = limits(path);
    let lines = text.lines().count();
    if lines > max_file {
        let problem = format!("{path}: {lines} lines, above {max_file}");
        problems.push(allowed.excuse(path, None, lines).unwrap_or(problem));
    }
    for function in source
        .functions()
        .into_iter()
        .filter(|function| function.lines > max_function)
    {
        let (name, line, lines) = (function.name, function.line, function.lines);
        let problem = format!("{path}:{line}: `{name}` has {lines} lines, above {max_function}");
        problems.push(allowed.excuse(path, Some(&name), lines).unwrap_or(problem));
    }
    for (struck, instead) in STRUCK {
        problems.extend(words(&source.code, struck).map(|at| {
            format!(
                "{path}:{}: `{struck}`: the glossary says {instead}",
                line_of(&source.code, at)
            )
        }));
    }
    problems.retain(|problem| !problem.is_empty());
    problems
}

/// The longest file and the longest function of this path, in lines.
fn limits(path: &str) -> (usize, usize) {
    if path.contains("tests/") || path.ends_with("/tests.rs") {
        (MAX_TEST_FILE_LINES, MAX_TEST_FUNCTION_LINES)
    } else {
        (MAX_FILE_LINES, MAX_FUNCTION_LINES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let file = File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        // The list of this repository excuses nothing of these invented paths.
        check_file(&file, &Allowed::read().unwrap())
    }

    #[test]
    fn a_file_begins_with_its_header() {
        assert_eq!(problems("a.rs", "//! What for.\n"), Vec::<String>::new());
        assert_eq!(problems("a.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(problems("a/mod.rs", "//! What for.\n").len(), 1);
    }

    #[test]
    fn lengths_are_held_at_their_limits() {
        let file = |lines: usize| format!("//! What for.\n{}", "\n".repeat(lines - 1));
        let function = |lines: usize| format!("//! What for.\nfn f() {{\n{}}}\n", "\n".repeat(lines - 2));

        assert_eq!(problems("a.rs", &file(500)).len(), 0);
        assert_eq!(problems("a.rs", &file(501)).len(), 1);
        assert_eq!(problems("spec/tests/a.rs", &function(200)).len(), 0);
        assert_eq!(problems("spec/tests/a.rs", &function(201)).len(), 1);
        assert_eq!(problems("a.rs", &function(70)).len(), 0);
        assert_eq!(problems("a.rs", &function(71)).len(), 1);
    }

    #[test]
    fn struck_names_are_found_in_code_only() {
        assert_eq!(
            problems("a.rs", "//! No api_key.\nfn f() { g(\"api_key\") }\n").len(),
            0
        );
        assert_eq!(problems("a.rs", "//! What for.\nfn f(api_key: u8) {}\n").len(), 1);
        assert_eq!(
            problems("a.rs", "//! What for.\nuse proptest::prelude::*;\n").len(),
            0
        );
        assert_eq!(problems("a.rs", "//! What for.\nmod prelude;\n").len(), 1);
    }
}
