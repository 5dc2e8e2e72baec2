//! All keys of the configuration: the one list that the reader, `claviger config check` and the reference page are made from.
//!
//! Invariant: a default stands here and nowhere else; it is read by the same code as an operator's value.

use std::fmt::Write as _;

/// One key.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name in the file; a dot stands for a table.
    pub key: &'static str,
    /// What values it takes, for a person.
    pub takes: &'static str,
    /// The value when nothing is said; `None` = not set.
    pub default: Option<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Whether it is left out of reference and help, because only tests may use it.
    pub hidden: bool,
    /// What it does.
    pub doc: &'static str,
}

const ADDRESS: &str = "IP address and port";
const PATH: &str = "path";
const KEY: &str = "64 hex digits";
const COUNT: &str = "whole number";
const NUMBER: &str = "whole number up to 1000000";
const SIZE: &str = "size, such as `1 MiB`";
const TIME: &str = "time, such as `10s` or `500ms`";

/// Every key, in the order of the reference.
pub const FIELDS: &[Field] = &[
    field(
        "listen",
        ADDRESS,
        "127.0.0.1:8620",
        "Where to listen. Beyond loopback, put a proxy that ends TLS in front: Claviger itself speaks plain HTTP.",
    ),
    unset(
        "unix_socket",
        PATH,
        "A Unix socket to listen on as well, about 1.6 times as fast as TCP. Made with mode 0660.",
    ),
    field(
        "data_dir",
        PATH,
        "./claviger-data",
        "Where the embedded database lives; made with mode 0700. One process at a time.",
    ),
    secret(
        "database",
        "`sqlite`, or a `postgres://` URL",
        Some("sqlite"),
        "Where data is kept: the embedded database in `data_dir`, or PostgreSQL 15 or later. The password of the URL is never shown.",
    ),
    field(
        "prefix",
        "2–8 of `a`–`z`, `0`–`9`, a letter first",
        "clv",
        "The head of every token, so that people and scanners know whose it is. A token with another head is malformed here.",
    ),
    secret(
        "pepper",
        KEY,
        None,
        "The key under which digests are made, when it comes from a secret manager. Without it the key file in `keys_dir` is used, \
         and made at the first start. With it, rotation through the API is refused: put the old key into `previous_pepper` and restart.",
    ),
    secret(
        "previous_pepper",
        KEY,
        None,
        "The key before `pepper`. Tokens from its time go on working, and move to the current one as they are used.",
    ),
    secret(
        "audit_key",
        KEY,
        None,
        "The key that seals the head of the audit trail. Without it the key file holds one.",
    ),
    unset(
        "keys_dir",
        PATH,
        "Where the key file `peppers` and the audit trail's anchor live; `keys` in `data_dir` unless said. Keep a copy of the key file \
         apart from copies of the database: without it no token can be verified, and with both anyone can.",
    ),
    unset(
        "journal",
        PATH,
        "The revocation journal: what has ended, outside every backup, so that no restored backup revives a revoked token; \
         `revocations.journal` in `data_dir` unless said. Better on another disk than the database, and never restored from an older copy.",
    ),
    unset(
        "trusted_proxies",
        "networks such as `10.0.0.0/8`, and `unix`, parted by commas",
        "The proxies that say for whom they speak. Only behind them is `proxy_header` read, from the right and past them only; `unix` \
         stands for whoever is on the Unix socket. The client's address is what audit trail, last uses, limits and the networks of \
         tokens see.",
    ),
    field(
        "proxy_header",
        "`x-forwarded-for` or `forwarded`",
        "x-forwarded-for",
        "The header in which the trusted proxies say it. The other one is never read: a client could have written it.",
    ),
    unset(
        "worker_threads",
        COUNT,
        "Threads that serve requests; as many as there are cores unless said.",
    ),
    field(
        "log.format",
        "`json` or `text`",
        "json",
        "The form of a log line. The log goes to the standard error.",
    ),
    field(
        "log.level",
        "`error`, `warn`, `info`, `debug`, `trace` or `off`",
        "info",
        "The least severe lines that are written.",
    ),
    secret(
        "mail.smtp_url",
        "`smtps://user:password@host`, or `smtp://host` with `?tls=required` or `?tls=opportunistic`",
        None,
        "The server that mail is sent through. Without it no reminder is mailed. Never shown.",
    ),
    unset(
        "mail.password_file",
        "file that can be read",
        "A file with the password of the mail server, when it does not stand in `mail.smtp_url`. Read once, at the start.",
    ),
    unset(
        "mail.from",
        "e-mail address, such as `Claviger <claviger@example.org>`",
        "Who mail is from. Needed with `mail.smtp_url`.",
    ),
    unset(
        "webhooks.allow_private",
        "networks, addresses and host names, parted by commas",
        "What webhooks may lead to although it is not public: `10.20.0.0/16, fd00::/8, hooks.corp`. Plain `http` and any port are \
         taken there; a named host is trusted whatever it resolves to.",
    ),
    field(
        "limits.body_bytes",
        SIZE,
        "1 MiB",
        "The largest body of a request. Above it 413.",
    ),
    field(
        "limits.body_grace",
        TIME,
        "10s",
        "The time a body is given before its rate counts.",
    ),
    field(
        "limits.body_rate",
        SIZE,
        "1 KiB",
        "What a body must bring each second after that. Below it 408.",
    ),
    field(
        "limits.request_time",
        TIME,
        "30s",
        "The longest an answer may take. Above it 503.",
    ),
    field(
        "limits.json_depth",
        COUNT,
        "64",
        "Objects and arrays within each other in a JSON body. Above it 400.",
    ),
    field(
        "limits.json_nodes",
        COUNT,
        "10000",
        "Objects, arrays, strings, numbers and literals in a JSON body. Above it 400.",
    ),
    field(
        "limits.json_strings",
        COUNT,
        "1000",
        "Strings directly in one array of a JSON body. Above it 400.",
    ),
    field(
        "limits.failures",
        NUMBER,
        "60",
        "Presentations from one address (IPv6: one /64) that may fail at once. Above it 429 instead of 401; a token that is accepted \
         is never kept out. 0 = any number.",
    ),
    field(
        "limits.failures_per_minute",
        NUMBER,
        "60",
        "How many of them are forgiven each minute. 0 = any number may fail.",
    ),
    field(
        "limits.connections",
        COUNT,
        "10000",
        "Open connections. Above it a new one waits.",
    ),
    field(
        "limits.header_time",
        TIME,
        "10s",
        "The time for a complete header; then the connection is closed.",
    ),
    field(
        "limits.header_bytes",
        SIZE,
        "16 KiB",
        "Request line and header fields together, at least 8 KiB. Above it 431.",
    ),
    field(
        "limits.header_fields",
        COUNT,
        "100",
        "Header fields of one HTTP/1 request. Above it 431.",
    ),
    field(
        "limits.idle",
        TIME,
        "60s",
        "A connection without a request in progress is closed after this.",
    ),
    field(
        "limits.write",
        TIME,
        "30s",
        "A client that takes nothing of its answer for this long loses the connection.",
    ),
    field(
        "limits.streams",
        COUNT,
        "128",
        "Requests in progress on one HTTP/2 connection.",
    ),
    field(
        "limits.pending_resets",
        COUNT,
        "20",
        "HTTP/2 requests that a client may open and reset before they are taken up. Above it the connection ends.",
    ),
    field(
        "limits.error_resets",
        COUNT,
        "128",
        "HTTP/2 requests that had to be reset for the client's errors. Above it the connection ends.",
    ),
    field(
        "limits.ping",
        TIME,
        "20s",
        "An HTTP/2 client is asked for a sign of life after this much silence.",
    ),
    field(
        "limits.drain",
        TIME,
        "10s",
        "At shutdown, the time for begun requests to finish.",
    ),
    field(
        "limits.linger",
        TIME,
        "1s",
        "After a refused body, the time a client gets to read the answer.",
    ),
    Field {
        key: "unsafe_synchronous_off",
        takes: "`true` or `false`",
        default: Some("false"),
        secret: false,
        hidden: true,
        doc: "Only for the power-cut test's negative control: acknowledged writes are lost when the machine stops.",
    },
];

const fn field(key: &'static str, takes: &'static str, default: &'static str, doc: &'static str) -> Field {
    Field {
        key,
        takes,
        default: Some(default),
        secret: false,
        hidden: false,
        doc,
    }
}

const fn unset(key: &'static str, takes: &'static str, doc: &'static str) -> Field {
    Field {
        key,
        takes,
        default: None,
        secret: false,
        hidden: false,
        doc,
    }
}

const fn secret(
    key: &'static str,
    takes: &'static str,
    default: Option<&'static str>,
    doc: &'static str,
) -> Field {
    Field {
        key,
        takes,
        default,
        secret: true,
        hidden: false,
        doc,
    }
}

// === impl Field ===

impl Field {
    /// The field of this key.
    pub fn of(key: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| field.key == key)
    }

    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("CLAVIGER_{}", self.key.replace('.', "__").to_uppercase())
    }
}

/// The page `docs/reference/configuration.md`.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    let mut table = "";
    for field in FIELDS.iter().filter(|field| !field.hidden) {
        let (head, name) = field.key.rsplit_once('.').unwrap_or(("", field.key));
        if head != table {
            table = head;
            page.push_str(&format!("\n## `[{table}]`\n"));
        }
        let default = match field.default {
            Some(default) => format!("default `{default}`"),
            None => "not set by default".to_owned(),
        };
        // Writing to a String does not fail.
        let _ = write!(
            page,
            "\n### `{name}`\n\n{doc}\n\n{takes} · {default} · `{variable}`\n",
            doc = field.doc,
            takes = field.takes,
            variable = field.variable()
        );
    }
    page
}

const INTRODUCTION: &str = "\
# Configuration

*Made from `crates/server/src/config/fields.rs`. Change it there; `UPDATE_EXPECT=1 cargo test -p claviger-server reference` rewrites
this page.*

Claviger runs without any configuration. Each setting is looked for in four places; a later one beats an earlier one:

1. the default, given below;
2. a TOML file: the one named by `--config`, else by `CLAVIGER_CONFIG`, else `claviger.toml` in the current directory if there is one;
3. the environment: `CLAVIGER_` and the key in capitals, with two underscores for a dot. An empty variable counts as not set;
4. flags of `claviger serve`.

`claviger config check` shows every setting with its value and where it came from, and starts nothing. Unknown keys and variables are
refused, so a misspelt one never goes unnoticed. Secrets are never shown. These variables belong to other parts of Claviger and are no
settings: `CLAVIGER_CONFIG`, `CLAVIGER_TOKEN`, `CLAVIGER_URL`, and all that begin with `CLAVIGER_TEST_`, as well as `CLAVIGER_BIN`.

```toml
listen = \"127.0.0.1:8620\"
data_dir = \"/var/lib/claviger\"

[log]
format = \"json\"

[limits]
body_bytes = \"1 MiB\"
```
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_page_is_this_list() {
        expect_test::expect_file!["../../../../docs/reference/configuration.md"].assert_eq(&reference());
    }

    #[test]
    fn every_key_is_listed_once_and_its_table_is_in_one_piece() {
        let mut keys: Vec<_> = FIELDS.iter().map(|field| field.key).collect();
        let mut tables: Vec<_> = FIELDS
            .iter()
            .map(|field| field.key.rsplit_once('.').map(|(table, _)| table))
            .collect();

        tables.dedup();
        keys.sort_unstable();
        let listed = keys.len();
        keys.dedup();

        assert_eq!(keys.len(), listed);
        assert_eq!(
            tables,
            [
                None,
                Some("log"),
                Some("mail"),
                Some("webhooks"),
                Some("limits"),
                None
            ],
            "the last is the hidden field"
        );
    }
}
