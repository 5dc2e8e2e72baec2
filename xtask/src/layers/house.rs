//! The house as data: every room, whom it may use, and the words that may not stand in it.
//!
//! Invariant: this is the table of ARCHITECTURE.md; whoever changes one changes the other. Read by `layers` alone.

/// A package of the workspace, where it lives and the packages of the workspace that it may use.
pub(super) struct Room {
    pub(super) package: &'static str,
    pub(super) folder: &'static str,
    pub(super) may_use: &'static [&'static str],
    /// Crates from outside that would break the room's wall, whatever they are used for.
    pub(super) never: &'static [&'static str],
}

/// Crates that belong to a protocol's door.
const DOORS: &[&str] = &[
    "axum",
    "hyper",
    "hyper-util",
    "http",
    "tower",
    "tower-http",
    "reqwest",
    "tonic",
];

/// Crates that make a pure room impure.
const IMPURE: &[&str] = &[
    "tokio",
    "async-trait",
    "axum",
    "hyper",
    "http",
    "reqwest",
    "rusqlite",
    "tokio-postgres",
    "getrandom",
    "rand",
];

pub(super) const ROOMS: &[Room] = &[
    Room {
        package: "claviger",
        folder: "crates/cli",
        may_use: &[
            "claviger-server",
            "claviger-client",
            "claviger-api",
            "claviger-token",
        ],
        never: &["rusqlite", "tokio-postgres", "axum"],
    },
    Room {
        package: "claviger-server",
        folder: "crates/server",
        may_use: &[
            "claviger-http",
            "claviger-service",
            "claviger-store",
            "claviger-verify",
            "claviger-domain",
            "claviger-token",
        ],
        never: &[],
    },
    Room {
        package: "claviger-http",
        folder: "crates/http",
        may_use: &[
            "claviger-service",
            "claviger-verify",
            "claviger-api",
            "claviger-domain",
            "claviger-token",
        ],
        never: &[
            "rusqlite",
            "tokio-postgres",
            "deadpool-postgres",
            "getrandom",
            "rand",
        ],
    },
    Room {
        package: "claviger-service",
        folder: "crates/service",
        may_use: &[
            "claviger-store",
            "claviger-verify",
            "claviger-domain",
            "claviger-token",
        ],
        never: DOORS,
    },
    Room {
        package: "claviger-store",
        folder: "crates/store",
        may_use: &["claviger-domain", "claviger-token"],
        never: DOORS,
    },
    Room {
        package: "claviger-verify",
        folder: "crates/verify",
        may_use: &["claviger-domain", "claviger-token"],
        never: IMPURE,
    },
    Room {
        package: "claviger-domain",
        folder: "crates/domain",
        may_use: &["claviger-token"],
        never: IMPURE,
    },
    Room {
        package: "claviger-token",
        folder: "crates/token",
        may_use: &[],
        never: IMPURE,
    },
    Room {
        package: "claviger-client",
        folder: "crates/client",
        may_use: &["claviger-api"],
        never: &["axum"],
    },
    Room {
        package: "claviger-api",
        folder: "crates/api",
        may_use: &[],
        never: IMPURE,
    },
    Room {
        package: "claviger-testkit",
        folder: "crates/testkit",
        may_use: SHIPPED,
        never: &[],
    },
    Room {
        package: "claviger-spec",
        folder: "spec",
        may_use: WITH_TESTKIT,
        never: &[],
    },
    Room {
        package: "claviger-bench",
        folder: "bench",
        may_use: WITH_TESTKIT,
        never: &[],
    },
    Room {
        package: "xtask",
        folder: "xtask",
        may_use: &[],
        never: IMPURE,
    },
];

/// The libraries of what ships.
const SHIPPED: &[&str] = &[
    "claviger-server",
    "claviger-http",
    "claviger-service",
    "claviger-store",
    "claviger-verify",
    "claviger-domain",
    "claviger-token",
    "claviger-client",
    "claviger-api",
];

/// The same and the test kit, for the packages that ship nowhere.
const WITH_TESTKIT: &[&str] = &[
    "claviger-testkit",
    "claviger-server",
    "claviger-http",
    "claviger-service",
    "claviger-store",
    "claviger-verify",
    "claviger-domain",
    "claviger-token",
    "claviger-client",
    "claviger-api",
];

/// Where a word may not stand.
pub(super) enum Rooms {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

/// Words that may not stand in the code of some rooms, outside tests.
pub(super) struct Wall {
    pub(super) rooms: Rooms,
    pub(super) words: &'static [&'static str],
    pub(super) reason: &'static str,
}

/// The packages that may read the machine: the server by its office, the others because a person or a test runs them.
const READERS: &[&str] = &[
    "claviger-server",
    "claviger",
    "claviger-testkit",
    "claviger-spec",
    "claviger-bench",
    "xtask",
];

pub(super) const WALLS: &[Wall] = &[
    Wall {
        rooms: Rooms::Only(&["claviger-verify"]),
        words: &[".await", "async fn", "async move", "tokio", "claviger_store"],
        reason: "a verification waits for nothing",
    },
    Wall {
        rooms: Rooms::Only(&["claviger-token", "claviger-domain", "claviger-api"]),
        words: &[
            ".await",
            "async fn",
            "tokio",
            "std::fs",
            "std::net",
            "std::thread",
        ],
        reason: "this room is pure",
    },
    Wall {
        rooms: Rooms::AllBut(READERS),
        words: &[
            "SystemTime::now",
            "Instant::now",
            "Timestamp::now",
            "Zoned::now",
            "UNIX_EPOCH.elapsed",
        ],
        reason: "time is an argument; only `server` reads the clock",
    },
    Wall {
        rooms: Rooms::AllBut(READERS),
        words: &["std::env", "env::var", "env::var_os", "env::vars", "env::args"],
        reason: "only `server` reads the environment",
    },
    Wall {
        rooms: Rooms::AllBut(READERS),
        words: &["getrandom", "rand::", "OsRng", "SystemRandom"],
        reason: "randomness is an argument; only `server` has a source",
    },
    Wall {
        rooms: Rooms::Only(&["claviger-http"]),
        words: &["rusqlite", "tokio_postgres", "claviger_store"],
        reason: "a door converts; the store is behind `service`",
    },
    Wall {
        rooms: Rooms::Only(&["claviger-service"]),
        words: &["axum", "hyper", "http::", "StatusCode", "claviger_api"],
        reason: "an operation knows no protocol",
    },
    Wall {
        rooms: Rooms::Only(&["claviger-store"]),
        words: &["axum", "hyper", "http::", "StatusCode", "claviger_api"],
        reason: "the store knows no protocol",
    },
];

/// Beginnings of SQL statements, as they stand in strings.
pub(super) const SQL: &[&str] = &[
    "SELECT ",
    "INSERT INTO ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
];

/// Rooms whose strings may hold SQL.
pub(super) const SQL_ROOMS: &[&str] = &[
    "claviger-store",
    "claviger-testkit",
    "claviger-spec",
    "claviger-bench",
    "xtask",
];

impl Rooms {
    /// Whether the wall stands in this package.
    pub(super) fn include(&self, package: &str) -> bool {
        match self {
            Self::Only(packages) => packages.contains(&package),
            Self::AllBut(packages) => !packages.contains(&package),
        }
    }
}
