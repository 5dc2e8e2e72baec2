//! `cargo xtask openapi [--check]`: the committed API document, made from the code.
//!
//! Invariant: `openapi/claviger.json` is byte for byte what `claviger openapi` prints, so a change of the public API
//! shows in review. Called by hand after a change and by `ci` with `--check`.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, bail, ensure};

use crate::workspace::{output, root, server};

const PATH: &str = "openapi/claviger.json";

/// Writes the document, or with `--check` compares it.
///
/// # Errors
/// When the program fails, prints no JSON, or the committed document is another.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let check = match arguments {
        [] => false,
        [only] if only == "--check" => true,
        _ => bail!("usage: cargo xtask openapi [--check]"),
    };
    let printed = output(Command::new(server()?).arg("openapi"))?;
    let made = format!("{}\n", printed.trim_end());
    let document: serde_json::Value =
        serde_json::from_str(&made).context("`claviger openapi` printed no JSON")?;
    ensure!(
        document["openapi"].is_string(),
        "`claviger openapi` printed no OpenAPI document"
    );
    let path = root().join(PATH);
    if !check {
        return fs::write(&path, made).with_context(|| format!("cannot write {PATH}"));
    }
    let committed = fs::read_to_string(&path).with_context(|| format!("cannot read {PATH}"))?;
    match difference(&committed, &made) {
        None => Ok(()),
        Some(at) => bail!("{PATH} is not what the code says; run `cargo xtask openapi` and review it\n{at}"),
    }
}

/// The first line that differs, both ways.
fn difference(committed: &str, made: &str) -> Option<String> {
    if committed == made {
        return None;
    }
    let (mut old, mut new) = (committed.lines(), made.lines());
    for number in 1.. {
        let (before, after) = (old.next(), new.next());
        if before != after || before.is_none() {
            let line = |line: Option<&str>| line.unwrap_or("(end of the document)").to_owned();
            return Some(format!("{PATH}:{number}\n- {}\n+ {}", line(before), line(after)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_difference_is_shown() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
        assert!(difference("a\nb\n", "a\nc\n").unwrap().ends_with(":2\n- b\n+ c"));
        assert!(
            difference("a\n", "a\nc\n")
                .unwrap()
                .ends_with(":2\n- (end of the document)\n+ c")
        );
        assert!(difference("a\n", "a").is_some());
    }
}
