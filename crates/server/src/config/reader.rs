//! From text to the typed [`Config`]: every value is read by the type it has, and every fault is kept for one report.
//!
//! Invariant: a refused value is named by key, origin and what the key takes; the value itself only when the key is no secret.

use std::{num::NonZeroU16, path::PathBuf, str::FromStr, time::Duration};

use claviger_domain::terms::Networks;
use claviger_http::{ClientRules, FailureLimit, ForwardingHeader, JsonLimits, RequestLimits, TrustedProxies};

use super::{
    Config, ConfigError, Database, DatabaseUrl, Field, GivenKeys, Limits, Log, LogFormat, Setting,
    sources::{Given, Values},
};
use crate::{
    hex,
    listener::ConnectionLimits,
    outbound::{Allowed, Mailbox},
};

/// Reads every field.
pub(super) fn read(values: &Values) -> Result<Config, ConfigError> {
    let mut reader = Reader {
        values,
        faults: Vec::new(),
    };
    let config = reader.config();
    match config {
        Some(config) if reader.faults.is_empty() => Ok(config),
        _ => Err(ConfigError {
            faults: reader.faults,
        }),
    }
}

struct Reader<'a> {
    values: &'a Values,
    faults: Vec<String>,
}

impl Reader<'_> {
    /// All fields are read before the first `?`, so that all faults are found.
    fn config(&mut self) -> Option<Config> {
        let listen = self.get("listen", |text| text.parse().ok());
        let unix_socket = self.get("unix_socket", path);
        let data_dir = self.get("data_dir", path);
        let database = self.get("database", database);
        let prefix = self.get("prefix", |text| text.parse().ok());
        let keys = self.keys();
        let keys_dir = self.get("keys_dir", path);
        let journal = self.get("journal", path);
        let worker_threads = self.get("worker_threads", |text| text.parse::<NonZeroU16>().ok());
        let log = self.log();
        let mailbox = self.mailbox();
        let allow_private = self.get("webhooks.allow_private", allowed);
        let limits = self.limits();
        let clients = self.clients();
        let unsafe_synchronous_off = self.get("unsafe_synchronous_off", |text| text.parse().ok());
        let data_dir = data_dir?;
        Some(Config {
            listen: listen?,
            unix_socket,
            keys_dir: keys_dir.unwrap_or_else(|| data_dir.join("keys")),
            journal: journal.unwrap_or_else(|| data_dir.join("revocations.journal")),
            data_dir,
            database: database?,
            prefix: prefix?,
            keys,
            log: log?,
            worker_threads,
            mailbox,
            allow_private: allow_private.unwrap_or_default(),
            limits,
            clients,
            unsafe_synchronous_off: unsafe_synchronous_off?,
            settings: settings(self.values),
        })
    }

    fn keys(&mut self) -> GivenKeys {
        let keys = GivenKeys {
            pepper: self.get("pepper", hex::key),
            previous_pepper: self.get("previous_pepper", hex::key),
            audit: self.get("audit_key", hex::key),
        };
        for key in ["pepper", "previous_pepper", "audit_key"] {
            self.refuse_weak(key);
        }
        if self.values.contains_key("previous_pepper") && !self.values.contains_key("pepper") {
            self.faults
                .push("`previous_pepper` is given without `pepper`".into());
        }
        let text = |key| {
            self.values
                .get(key)
                .map(|given: &Given| given.text.to_lowercase())
        };
        if text("pepper").is_some() && text("pepper") == text("previous_pepper") {
            self.faults
                .push("`pepper` and `previous_pepper` are the same key".into());
        }
        keys
    }

    fn refuse_weak(&mut self, key: &'static str) {
        let weak = self
            .values
            .get(key)
            .and_then(|given| hex::key(&given.text))
            .is_some_and(|key| hex::is_weak(&key));
        if weak {
            self.faults.push(format!(
                "`{key}` is no random key; make one with `openssl rand -hex 32`"
            ));
        }
    }

    fn log(&mut self) -> Option<Log> {
        let format = self.get("log.format", |text| match text {
            "json" => Some(LogFormat::Json),
            "text" => Some(LogFormat::Text),
            _ => None,
        });
        let level = self.get("log.level", |text| text.parse().ok());
        Some(Log {
            format: format?,
            level: level?,
        })
    }

    /// How mail is sent. The three settings make sense together only.
    fn mailbox(&mut self) -> Option<Mailbox> {
        let url = self.get("mail.smtp_url", Mailbox::parse_url);
        let password = self.get("mail.password_file", |text| {
            let password = std::fs::read_to_string(text).ok()?;
            Some(password.trim_end_matches(['\r', '\n']).to_owned())
        });
        let from = self.get("mail.from", |text| text.parse().ok());
        if self.values.contains_key("mail.smtp_url") != self.values.contains_key("mail.from") {
            self.faults
                .push("`mail.smtp_url` and `mail.from` are given together or not at all".into());
        }
        if self.values.contains_key("mail.password_file") && !self.values.contains_key("mail.smtp_url") {
            self.faults
                .push("`mail.password_file` is given without `mail.smtp_url`".into());
        }
        let mailbox = Mailbox {
            url: url?,
            password,
            from: from?,
        };
        if mailbox.exposes_password() {
            let fault =
                "`mail.smtp_url` would send a password without TLS; use `smtps://`, or add `?tls=required`";
            self.faults.push(fault.into());
        }
        Some(mailbox)
    }

    fn limits(&mut self) -> Limits {
        // A value that was refused is a fault, and then nothing of this is used.
        let request = RequestLimits {
            body_bytes: self.get("limits.body_bytes", size).unwrap_or_default().into(),
            body_grace: self.get("limits.body_grace", time).unwrap_or_default(),
            body_bytes_per_second: self.get("limits.body_rate", size).unwrap_or_default(),
            time: self.get("limits.request_time", time).unwrap_or_default(),
            json: JsonLimits {
                depth: self.get("limits.json_depth", count).unwrap_or_default(),
                nodes: self.get("limits.json_nodes", count).unwrap_or_default(),
                strings_per_array: self.get("limits.json_strings", count).unwrap_or_default(),
            },
        };
        let header_bytes = |text: &str| size(text).filter(|&bytes| bytes >= 8 * 1024);
        let connection = ConnectionLimits {
            connections: self.get("limits.connections", count).unwrap_or_default(),
            header_time: self.get("limits.header_time", time).unwrap_or_default(),
            header_bytes: self.get("limits.header_bytes", header_bytes).unwrap_or_default(),
            header_fields: self.get("limits.header_fields", count).unwrap_or_default(),
            idle: self.get("limits.idle", time).unwrap_or_default(),
            write: self.get("limits.write", time).unwrap_or_default(),
            streams: self.get("limits.streams", count).unwrap_or_default(),
            pending_resets: self.get("limits.pending_resets", count).unwrap_or_default(),
            error_resets: self.get("limits.error_resets", count).unwrap_or_default(),
            ping: self.get("limits.ping", time).unwrap_or_default(),
            drain: self.get("limits.drain", time).unwrap_or_default(),
            linger: self.get("limits.linger", time).unwrap_or_default(),
        };
        Limits { connection, request }
    }

    fn clients(&mut self) -> ClientRules {
        let mut proxies = self.get("trusted_proxies", proxies).unwrap_or_default();
        proxies.header = self.get("proxy_header", proxy_header).unwrap_or_default();
        let at_once = self.get("limits.failures", number).unwrap_or_default();
        let per_minute = self.get("limits.failures_per_minute", number).unwrap_or_default();
        ClientRules {
            proxies,
            failures: FailureLimit::new(at_once, per_minute),
        }
    }

    /// The value of `key`; `None` when it is not set, or refused (then the fault is kept).
    fn get<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let given = self.values.get(key)?;
        let value = parse(&given.text);
        if value.is_none() {
            self.faults.push(refusal(key, given));
        }
        value
    }
}

fn refusal(key: &str, given: &Given) -> String {
    let takes = Field::of(key).map_or("something else", |field| field.takes);
    if Field::of(key).is_none_or(|field| field.secret) {
        format!("`{key}` ({}) takes {takes}", given.origin)
    } else {
        format!("`{key}` ({}) takes {takes}, not `{}`", given.origin, given.text)
    }
}

fn settings(values: &Values) -> Vec<Setting> {
    let shown = super::FIELDS.iter().filter(|field| {
        !field.hidden
            || values
                .get(field.key)
                .is_some_and(|given| Some(given.text.as_str()) != field.default)
    });
    shown
        .map(|field| Setting::new(field, values.get(field.key)))
        .collect()
}

fn path(text: &str) -> Option<PathBuf> {
    (!text.is_empty()).then(|| PathBuf::from(text))
}

fn database(text: &str) -> Option<Database> {
    if text == "sqlite" {
        return Some(Database::Sqlite);
    }
    let url = text.starts_with("postgres://") || text.starts_with("postgresql://");
    url.then(|| Database::Postgres(DatabaseUrl::new(text)))
}

/// Networks, and `unix`, parted by commas.
fn proxies(text: &str) -> Option<TrustedProxies> {
    let mut proxies = TrustedProxies::default();
    let mut networks = Vec::new();
    for one in text.split(',').map(str::trim) {
        if one == "unix" {
            proxies.unix_socket = true;
        } else {
            networks.push(one.parse().ok()?);
        }
    }
    proxies.networks = Networks::new(networks);
    Some(proxies)
}

fn proxy_header(text: &str) -> Option<ForwardingHeader> {
    match text {
        "x-forwarded-for" => Some(ForwardingHeader::XForwardedFor),
        "forwarded" => Some(ForwardingHeader::Forwarded),
        _ => None,
    }
}

/// A whole number up to a million.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number <= 1_000_000)
}

/// A whole number above zero.
fn count<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Option<T> {
    text.parse().ok().filter(|number| *number >= T::from(1))
}

/// Networks, addresses and host names, parted by commas.
fn allowed(text: &str) -> Option<Vec<Allowed>> {
    let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    entries.map(|entry| entry.parse().ok()).collect()
}

/// A number of bytes above zero, with or without a binary unit.
fn size(text: &str) -> Option<u32> {
    let (digits, unit) = match text.find(|letter: char| !letter.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, ""),
    };
    let factor: u32 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    count::<u32>(digits)?.checked_mul(factor)
}

/// A span of time above zero and at most a day.
fn time(text: &str) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let span = text.parse::<jiff::SignedDuration>().ok()?;
    Duration::try_from(span)
        .ok()
        .filter(|span| !span.is_zero() && *span <= LONGEST)
}

#[cfg(test)]
mod tests;
