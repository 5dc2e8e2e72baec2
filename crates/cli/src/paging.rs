//! How much of a list is shown.

use clap::Args;
use claviger_api::page::Page;
use claviger_client::{Client, Listed};
use serde::Serialize;

use crate::{exit::Outcome, output, progress::Progress};

/// One page, or all of them.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// Rows to show, at most 200.
    #[arg(long, value_name = "ROWS", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    limit: u32,
    /// Read on where a list ended: the cursor that was shown there.
    #[arg(long, value_name = "CURSOR", conflicts_with = "all")]
    cursor: Option<String>,
    /// Show every row, however many requests it takes.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
}

/// Rows in one request when all are wanted.
const WIDEST: u32 = claviger_api::page::MAX_LIMIT;

// === impl Paging ===

impl Paging {
    /// Reads the rows: `start` makes the query from the rows of a page and the place where it begins.
    pub(crate) async fn read<L: Listed>(
        self,
        client: &Client,
        start: impl FnOnce(u32, Option<String>) -> L,
    ) -> Outcome<Page<L::Row>> {
        let mut pages = client.pages(start(if self.all { WIDEST } else { self.limit }, self.cursor));
        let mut rows = Page {
            data: Vec::new(),
            next_cursor: None,
        };
        let progress = self.all.then(|| Progress::counting("reading rows:"));
        while let Some(page) = pages.next().await {
            let mut page = page?;
            if let Some(progress) = &progress {
                progress.advance(u64::try_from(page.data.len()).unwrap_or(u64::MAX));
            }
            rows.data.append(&mut page.data);
            if !self.all {
                rows.next_cursor = page.next_cursor;
                break;
            }
        }
        Ok(rows)
    }
}

/// Prints a page: as JSON, or as a table with a word about the rest.
pub(crate) fn show<T: Serialize>(
    page: &Page<T>,
    json: bool,
    headings: &[&str],
    row: impl Fn(&T) -> Vec<String>,
) -> Outcome<()> {
    if json {
        return output::json(page);
    }
    let rows: Vec<_> = page.data.iter().map(row).collect();
    output::table(output::Stream::Result, headings, &rows)?;
    if let Some(cursor) = &page.next_cursor {
        output::note(&format!(
            "more rows: repeat with --cursor {cursor}, or with --all"
        ));
    }
    Ok(())
}
