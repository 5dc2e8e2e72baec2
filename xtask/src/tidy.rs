//! `cargo xtask tidy`: the rules of CONTRIBUTING.md that a machine can hold: headers, lengths, names, links, space.
//!
//! Invariant: every finding is one line, `path:line: what is wrong`, and a rule is broken only with a reason in
//! `xtask/tidy-allow.toml`, which can but shrink. Called by hand and by `ci`.

mod allow;
mod manifests;
mod markdown;
mod rust;

use anyhow::Result;

use crate::workspace::{self, File};

/// Text files whose lines may not end in space.
const TEXT: &[&str] = &[
    "rs", "md", "toml", "json", "sql", "sh", "yml", "yaml", "html", "css", "js", "ts", "tsx", "conf", "run",
];

/// Markers of unfinished work. Split, so that this line is none.
const MARKERS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Checks every file that git knows or would add.
///
/// # Errors
/// When a rule is broken, or git fails.
pub(crate) fn run(_: &[String]) -> Result<()> {
    let files = workspace::files(TEXT)?;
    let mut problems: Vec<String> = files.iter().flat_map(check_lines).collect();
    problems.extend(rust::check(&files)?);
    problems.extend(markdown::check(&files));
    problems.extend(manifests::check(&files)?);
    workspace::conclude("tidy", &problems)
}

/// Rules for the lines of any text. An expected answer in a test may end in space.
fn check_lines(file: &File) -> Vec<String> {
    let expected = file.path.contains("tests/");
    let mut problems = Vec::new();
    for (number, line) in (1..).zip(file.text.split('\n')) {
        if line.ends_with([' ', '\t', '\r']) && !expected {
            problems.push(format!("{}:{number}: the line ends in space", file.path));
        }
        if MARKERS
            .iter()
            .any(|marker| crate::source::words(line, marker).next().is_some())
            && !names_an_issue(line)
        {
            problems.push(format!(
                "{}:{number}: unfinished work without the number of an issue",
                file.path
            ));
        }
    }
    problems
}

/// Whether `#` and a digit stand somewhere in the line.
fn names_an_issue(line: &str) -> bool {
    line.match_indices('#')
        .any(|(at, _)| line[at + 1..].starts_with(|next: char| next.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        check_lines(&File {
            path: "a.md".to_owned(),
            text: text.to_owned(),
        })
        .len()
    }

    #[test]
    fn space_at_the_end_of_a_line_is_found() {
        assert_eq!(problems("a \nb\t\nc\r\nd\n"), 3);
    }

    #[test]
    fn unfinished_work_names_its_issue() {
        assert_eq!(problems(&format!("// {}: later\n", MARKERS[0])), 1);
        assert_eq!(problems(&format!("// {}(#12): later\n", MARKERS[0])), 0);
        assert_eq!(problems("a mastodon\n"), 0);
    }
}
