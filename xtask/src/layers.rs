//! `cargo xtask layers`: the rooms of the house, which of them may use which, and the words that a room may not hold.
//!
//! Invariant: an arrow or a room that is not in [`ROOMS`] is refused, so a new one is a deliberate change of
//! `layers/house.rs` and of ARCHITECTURE.md. Cargo itself refuses cycles. Called by hand and by `ci`.

mod house;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{
    source::{Source, line_of, words},
    workspace::{self, File},
};
use house::{ROOMS, Room, SQL, SQL_ROOMS, WALLS};

/// Checks every dependency and every source file of the workspace.
///
/// # Errors
/// When something is refused, or cargo or git fails.
pub(crate) fn run(_: &[String]) -> Result<()> {
    let metadata = workspace::metadata(&["--no-deps"])?;
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let mut problems: Vec<String> = packages.iter().flat_map(check_dependencies).collect();
    for file in workspace::files(&["rs"])? {
        problems.extend(check_file(&file));
    }
    workspace::conclude("layers", &problems)
}

fn check_dependencies(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    let Some(room) = ROOMS.iter().find(|room| room.package == name) else {
        return vec![format!(
            "{name}: no room of the house; add it to xtask/src/layers/house.rs and ARCHITECTURE.md"
        )];
    };
    let dependencies = package["dependencies"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    dependencies
        .iter()
        .filter_map(|dependency| check_dependency(room, dependency))
        .collect()
}

fn check_dependency(room: &Room, dependency: &Value) -> Option<String> {
    let name = dependency["name"].as_str().unwrap_or_default();
    let for_tests = dependency["kind"] == "dev";
    let is_room = ROOMS.iter().any(|other| other.package == name);
    let allowed = if is_room {
        room.may_use.contains(&name) || (for_tests && (name == "claviger-testkit" || is_below(room, name)))
    } else {
        for_tests || !room.never.contains(&name)
    };
    (!allowed).then(|| {
        format!(
            "{}/Cargo.toml: `{}` may not use `{name}`",
            room.folder, room.package
        )
    })
}

/// True when `name` is somewhere below the room: its tests may build what it stands on.
fn is_below(room: &Room, name: &str) -> bool {
    let below = ROOMS.iter().filter(|other| room.may_use.contains(&other.package));
    below
        .into_iter()
        .any(|other| other.package == name || is_below(other, name))
}

/// Checks the words of a file that ships in a room; tests, examples and benches may hold any.
fn check_file(file: &File) -> Vec<String> {
    let room = ROOMS
        .iter()
        .find(|room| file.path.starts_with(&format!("{}/src/", room.folder)));
    let Some(room) = room else { return Vec::new() };
    if file.path.ends_with("/tests.rs") || file.path.contains("/tests/") {
        return Vec::new();
    }
    let source = Source::without_tests(&file.text);
    let mut problems = Vec::new();
    for wall in WALLS.iter().filter(|wall| wall.rooms.include(room.package)) {
        for word in wall.words {
            problems.extend(words(&source.code, word).map(|at| {
                let line = line_of(&source.code, at);
                format!(
                    "{}:{line}: `{word}` in `{}`: {}",
                    file.path, room.package, wall.reason
                )
            }));
        }
    }
    if !SQL_ROOMS.contains(&room.package) {
        problems.extend(sql(&source).map(|at| {
            let line = line_of(&source.strings, at);
            format!(
                "{}:{line}: SQL in `{}`: statements live in `store`",
                file.path, room.package
            )
        }));
    }
    problems
}

/// Strings that begin like a statement.
fn sql(source: &Source) -> impl Iterator<Item = usize> {
    SQL.iter()
        .flat_map(|&statement| words(&source.strings, statement))
        .filter(|&at| {
            // The nearest code before it is the string's opening quote, and nothing but space is between.
            let quote = source.code[..at].trim_end().len();
            source.code[..quote].ends_with('"') && source.strings[quote..at].trim().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(name: &str, kind: Option<&str>) -> Value {
        serde_json::json!({ "name": name, "kind": kind })
    }

    fn package(name: &str, dependencies: &[Value]) -> Value {
        serde_json::json!({ "name": name, "dependencies": dependencies })
    }

    fn file(path: &str, text: &str) -> File {
        File {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_arrow_that_is_not_in_the_table_is_refused() {
        let door_to_store = package("claviger-http", &[dependency("claviger-store", None)]);
        let door_to_service = package("claviger-http", &[dependency("claviger-service", None)]);
        let unknown = package("claviger-cellar", &[]);

        assert_eq!(check_dependencies(&door_to_store).len(), 1);
        assert_eq!(check_dependencies(&door_to_service), Vec::<String>::new());
        assert_eq!(check_dependencies(&unknown).len(), 1);
    }

    #[test]
    fn tests_may_use_the_test_kit_and_what_ships_may_not() {
        let in_tests = package("claviger-store", &[dependency("claviger-testkit", Some("dev"))]);
        let shipped = package("claviger-store", &[dependency("claviger-testkit", None)]);
        let built = package("claviger-store", &[dependency("claviger-testkit", Some("build"))]);

        assert_eq!(check_dependencies(&in_tests).len(), 0);
        assert_eq!(check_dependencies(&shipped).len(), 1);
        assert_eq!(check_dependencies(&built).len(), 1);
    }

    #[test]
    fn a_room_keeps_its_walls() {
        let waits = "fn f() { g().await; } // .await\n";
        let clock = "fn f() { std::time::SystemTime::now(); }\n";
        let in_tests = "#[cfg(test)]\nmod tests { fn f() { SystemTime::now(); } }\n";
        let sql = "fn f() { q(\"SELECT 1\"); say(\"please UPDATE soon\") }\n";

        assert_eq!(check_file(&file("crates/verify/src/lib.rs", waits)).len(), 1);
        assert_eq!(check_file(&file("crates/service/src/lib.rs", waits)).len(), 0);
        assert_eq!(check_file(&file("crates/service/src/lib.rs", clock)).len(), 1);
        assert_eq!(check_file(&file("crates/server/src/lib.rs", clock)).len(), 0);
        assert_eq!(check_file(&file("crates/service/src/lib.rs", in_tests)).len(), 0);
        assert_eq!(check_file(&file("crates/http/src/lib.rs", sql)).len(), 1);
        assert_eq!(check_file(&file("crates/store/src/lib.rs", sql)).len(), 0);
    }
}
