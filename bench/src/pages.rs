//! `docs/operate/performance.md`, made from the committed results: `cargo xtask bench --all`.
//!
//! Invariant: every number on the page is in a file of results; a figure that misses its goal stands there as it is.

use std::fs;

use anyhow::{Context as _, Result};

use crate::machine;
use crate::results::{self, Results};

/// What the figures of one goal are about, and how they are measured.
struct Section {
    goal: &'static str,
    title: &'static str,
    method: &'static str,
}

const SECTIONS: &[Section] = &[
    Section {
        goal: "P1",
        title: "A verify over HTTP",
        method: "`POST /v1/verify` beside a hyper server that answers the same bytes and does nothing else. Each request presents two \
                 tokens, the caller's and one drawn at random among all. 32 keep-alive connections, HTTP/1.1, closed loop, from a thread that \
                 never sleeps, since waking it would be paid by the server; log and limits as by default. The CPU is that of the threads that answer; with bookkeeping it is that of the whole process. With everything in \
                 force each token has two roles on resources of one of 1,000 teams, is restricted to that team, has a rate limit that is never \
                 reached and four networks, and is asked for an action on a resource at a cost of 3; its bare server answers the same bytes. \
                 Against plain tokens: the same round, another server.",
    },
    Section {
        goal: "P2",
        title: "The same over a Unix socket",
        method: "As above through the socket of `unix_socket`, beside the same hyper server over TCP.",
    },
    Section {
        goal: "P4",
        title: "A verify in the process",
        method: "`Verifier::check` on one thread, beside its floor: the token's digest, and one line of memory that depends on it. The same \
                 texts in the same order for both, and for a second verifier that knows the same tokens with everything in force. A token without \
                 limits is asked for none: its row is what it cost before there were any.",
    },
    Section {
        goal: "P5",
        title: "Growth",
        method: "CPU of a verify over HTTP with many tokens, divided by the same with few.",
    },
    Section {
        goal: "P6",
        title: "Tokens of one owner",
        method: "CPU of a verify in the process. One verifier knows 100,000 tokens of one owner, and 100,000 owners with one token each: asked \
                 about one of each side again and again, and about all of each side in a scattered order.",
    },
    Section {
        goal: "P7",
        title: "Tokens that are none",
        method: "Well-formed tokens that nobody issued, over HTTP; texts with a wrong checksum, in the process. A flood of them costs what \
                 valid ones cost, or less, and never reaches the database.",
    },
    Section {
        goal: "P10",
        title: "Changes that are on disk",
        method: "Issued and revoked tokens a second over HTTP, each in a transaction with its audit event and acknowledged after the flush, \
                 divided by what the store alone does with one client and one commit for each change. PostgreSQL with `fsync` on.",
    },
    Section {
        goal: "P11",
        title: "Revoking",
        method: "From the request to its receipt, after which no verifier accepts the token. The last figure is from \
                 `claviger_revocation_visibility_seconds`, whose buckets double.",
    },
    Section {
        goal: "P12",
        title: "Revoking many",
        method: "One `POST /v1/tokens/revoke` with a filter, from the request to its receipt. The database holds plain tokens and such with \
                 everything in force, half and half.",
    },
    Section {
        goal: "P13",
        title: "Start",
        method: "From the start of the process to the first 200 of `/readyz`, when every token is in memory. The file is in the system's \
                 cache.",
    },
    Section {
        goal: "P14",
        title: "Room",
        method: "What the verifier allocated, by its own exact account, and the file of the embedded database, divided by the tokens.",
    },
    Section {
        goal: "P15",
        title: "Bookkeeping",
        method: "CPU of the threads that write to the store, during the verifies of the first section, in which nearly every request uses \
                 a token that was not used lately: the most bookkeeping there can be.",
    },
    Section {
        goal: "P16",
        title: "What a limit lets through",
        method: "A limit that is asked far more often than it allows, for three seconds at a time: what is admitted beside its burst + its rate × \
                 the time. Over HTTP the time is the load generator's. In the process eight threads race for a limit of 10,000 a second with a burst \
                 of 1,000; the time is from the earliest to the latest instant of a check, and not one may be admitted above that. The `governor` \
                 crate runs the same race; what one decision costs is measured on one thread, with clocks that are given.",
    },
];

const HEAD: &str = "\
# Performance

*Made from `bench/results/` by `cargo xtask bench --all`; nobody edits it by hand.*

Rates of this kind of machine swing by a factor of five from hour to hour. So only ratios within one run are held to: what is compared
runs in turn, round by round, the server on one core and whoever loads it on the other, and processor time is the process's own
account. A value is the median of its rounds; the least and the greatest round stand beside it. Nothing here is a limit of a test: a
figure that misses its goal is shown as it is.
";

const TAIL: &str = "
## Measure it yourself

    cargo xtask bench verify --quick     # three minutes, fewer tokens; writes to target/bench/
    cargo xtask bench verify             # the figures above; twenty minutes, the first time some more for 14 GB of databases
    cargo xtask bench --all              # this page

Nothing else should run meanwhile. With one core, server and load share it, and ratios lose their meaning.
";

/// Writes the page.
///
/// # Errors
/// When results are not in their form, or the page cannot be written.
pub(crate) fn write<'a>(benches: impl Iterator<Item = &'a str>) -> Result<()> {
    let path = machine::root().join("docs/operate/performance.md");
    let mut all = Vec::new();
    for bench in benches {
        all.extend(results::committed(bench)?);
    }
    fs::write(&path, page(&all)).with_context(|| path.display().to_string())?;
    println!("written: {}", path.display());
    Ok(())
}

fn page(all: &[Results]) -> String {
    let mut page = HEAD.to_owned();
    if all.is_empty() {
        page += "\nNothing is committed to `bench/results/` yet.\n";
    }
    for results in all {
        page += &format!(
            "\nMeasured on {}, at commit `{}`, on: {}.\n",
            results.date, results.commit, results.machine
        );
        for section in SECTIONS {
            page += &section.render(results);
        }
    }
    page + TAIL
}

// === impl Section ===

impl Section {
    /// The section with its figures; nothing when there are none.
    fn render(&self, results: &Results) -> String {
        let rows: Vec<String> = results
            .figures
            .iter()
            .filter(|figure| figure.goal == self.goal)
            .map(|figure| {
                let quantity = |value| results::quantity(value, &figure.unit);
                format!(
                    "| {} | {} | {} {} | {} | {}–{} ({}) |\n",
                    figure.what,
                    quantity(figure.value),
                    figure.comparison.sign(),
                    quantity(figure.limit),
                    if figure.met { "met" } else { "**missed**" },
                    figure.low,
                    figure.high,
                    figure.rounds
                )
            })
            .collect();
        if rows.is_empty() {
            return String::new();
        }
        format!(
            "\n## {}\n\n{}\n\n| {} | value | goal | | low–high (rounds) |\n| --- | ---: | ---: | --- | --- |\n{}",
            self.title,
            self.method,
            self.goal,
            rows.concat()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Goal;
    use crate::machine::Machine;

    fn results() -> Results {
        let missed = Goal::at_most("P1", 1.15, "ratio").figure("CPU", &[1.3]).unwrap();
        Results {
            bench: "verify".to_owned(),
            commit: "0123456789ab".to_owned(),
            date: "2026-11-22".to_owned(),
            machine: Machine {
                cpu: "Abacus".to_owned(),
                cores: 2,
                memory_bytes: 1 << 30,
                kernel: "6.1".to_owned(),
            },
            figures: vec![missed],
        }
    }

    #[test]
    fn a_missed_goal_stands_on_the_page_as_it_is() {
        let page = page(&[results()]);

        assert!(
            page.contains("| CPU | 1.3× | ≤ 1.15× | **missed** | 1.3–1.3 (1) |"),
            "{page}"
        );
        assert!(page.contains("Abacus, 2 cores, 1 GiB, Linux 6.1"));
        assert!(!page.contains("Unix socket"), "no section without figures");
    }

    #[test]
    fn a_page_without_results_says_so() {
        assert!(page(&[]).contains("Nothing is committed"));
        assert!(!page(&[results()]).contains("Nothing is committed"));
    }

    #[test]
    fn every_line_of_the_page_ends_without_space() {
        assert!(page(&[results()]).lines().all(|line| line.trim_end() == line));
    }
}
