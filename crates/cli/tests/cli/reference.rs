//! `docs/reference/cli.md` is what the program says about itself.

use std::{env, fs, path::Path};

use crate::{claviger, run};

#[test]
fn the_reference_page_is_what_the_program_says() {
    let made = run(&mut claviger(&["help-markdown"]), b"").stdout;
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&page, &made).unwrap();
    }

    let kept = fs::read_to_string(&page).unwrap_or_default();

    assert!(
        made == kept,
        "docs/reference/cli.md is old; UPDATE_EXPECT=1 cargo test -p claviger writes it"
    );
}
