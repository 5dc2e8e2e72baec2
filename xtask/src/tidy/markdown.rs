//! Dead links in Markdown: relative targets that do not exist, and headings that no file has.
//!
//! Invariant: no network; links to other hosts are not followed. Called by `tidy`.

use std::{collections::BTreeMap, path::Path};

use crate::workspace::{self, File};

/// Checks every link of every Markdown file.
pub(super) fn check(files: &[File]) -> Vec<String> {
    let pages: BTreeMap<&str, &str> = files
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let exists = |path: &str| workspace::root().join(path).exists();
    pages
        .iter()
        .flat_map(|(path, text)| check_page(path, text, &pages, &exists))
        .collect()
}

fn check_page(
    path: &str,
    text: &str,
    pages: &BTreeMap<&str, &str>,
    exists: &dyn Fn(&str) -> bool,
) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in prose(text) {
        for target in targets(&line).filter(|target| !leads_outside(target)) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let resolved = if file.is_empty() {
                path.to_owned()
            } else {
                resolve(path, file)
            };
            if !exists(&resolved) {
                problems.push(format!("{path}:{number}: dead link `{target}`"));
            } else if !heading.is_empty()
                && pages
                    .get(resolved.as_str())
                    .is_some_and(|page| !has_heading(page, heading))
            {
                problems.push(format!("{path}:{number}: `{target}`: no such heading"));
            }
        }
    }
    problems
}

/// The lines outside fenced code, numbered from 1, with inline code taken out.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fenced = false;
    (1..).zip(text.lines()).filter_map(move |(number, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then(|| (number, line.split('`').step_by(2).collect()))
    })
}

/// What stands in `](…)`, without a title.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let inside = rest.split_once(')')?.0;
        Some(inside.split_whitespace().next().unwrap_or_default())
    })
}

fn leads_outside(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

/// The path from the root that a link in `page` means; a leading `/` means the root.
fn resolve(page: &str, target: &str) -> String {
    let folder = Path::new(page)
        .parent()
        .and_then(Path::to_str)
        .unwrap_or_default();
    let full = match target.strip_prefix('/') {
        Some(from_root) => from_root.to_owned(),
        None => format!("{folder}/{target}"),
    };
    let mut parts = Vec::new();
    for part in full.split('/') {
        match part {
            "" | "." => {}
            // Above the root nothing of ours exists.
            ".." if parts.pop().is_none() => return "..".to_owned() + "/" + target,
            ".." => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a heading of the page has this anchor: lower case, punctuation dropped, spaces as hyphens.
fn has_heading(page: &str, anchor: &str) -> bool {
    let anchor_of = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        let kept = kept
            .chars()
            .filter(|&c| c.is_alphanumeric() || c == ' ' || c == '-' || c == '_');
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    page.lines()
        .filter(|line| line.starts_with('#'))
        .any(|line| anchor_of(line.trim_start_matches('#')) == anchor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> usize {
        let pages = BTreeMap::from([("docs/a.md", text), ("docs/b.md", "# The `first` part\n")]);
        check_page("docs/a.md", text, &pages, &|path| {
            ["docs/a.md", "docs/b.md", "README.md"].contains(&path)
        })
        .len()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        assert_eq!(
            problems("[b](b.md) [r](../README.md) [r](/README.md) ![x](b.md \"title\")\n"),
            0
        );
        assert_eq!(
            problems("[web](https://example.org/x) [mail](mailto:a@example.org)\n"),
            0
        );
        assert_eq!(
            problems("[part](b.md#the-first-part) [here](#here)\n## Here\n"),
            0
        );
    }

    #[test]
    fn dead_links_are_found() {
        assert_eq!(problems("[c](c.md) and [up](../../x.md)\n"), 2);
        assert_eq!(problems("[part](b.md#second) [here](#nowhere)\n"), 2);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(problems("`[c](c.md)`\n```\n[c](c.md)\n```\n"), 0);
    }
}
