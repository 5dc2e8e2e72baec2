//! Precedence, unknown keys and refused values, as an operator meets them.

use std::ffi::OsString;

use expect_test::{Expect, expect};

use super::*;
use crate::config::{Environment, FIELDS, Overrides, Report};

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_KEY: &str = "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

fn environment(variables: &[(&str, &str)]) -> Environment {
    let owned = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Environment::from_variables(owned).unwrap()
}

/// Loads a file of this text under these variables and overrides, never the current directory's file.
fn load(toml: &str, variables: &[(&str, &str)], mut overrides: Overrides) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("claviger.toml");
    std::fs::write(&file, toml).unwrap();
    overrides.config = Some(file.clone());
    let loaded = Config::load_from(&overrides, &environment(variables));
    loaded.map_err(|error| error.to_string().replace(&file.display().to_string(), "FILE"))
}

fn refused(toml: &str, variables: &[(&str, &str)], expected: &Expect) {
    expected.assert_eq(&load(toml, variables, Overrides::new()).unwrap_err());
}

fn report(toml: &str, variables: &[(&str, &str)]) -> Report {
    load(toml, variables, Overrides::new()).unwrap().check()
}

#[test]
fn the_defaults_are_those_of_the_listener_and_the_layers() {
    let config = load("", &[], Overrides::new()).unwrap();

    assert_eq!(config.limits.connection, ConnectionLimits::default());
    assert_eq!(config.limits.request, RequestLimits::default());
    assert_eq!(config.listen.to_string(), "127.0.0.1:8620");
    assert_eq!(config.keys_dir, PathBuf::from("./claviger-data/keys"));
    assert_eq!(config.database, Database::Sqlite);
    assert!(!config.unsafe_synchronous_off);
}

#[test]
fn each_source_beats_the_one_before() {
    let flags = Overrides::new().set("log.level", "--log-level", Some("debug".into()));
    let file = "data_dir = '/file'\nprefix = 'file'\n[log]\nlevel = 'warn'\n";
    let variables = [("CLAVIGER_PREFIX", "env"), ("CLAVIGER_LOG__LEVEL", "error")];

    let report = load(file, &variables, flags).unwrap().check();

    let from = |key| {
        let setting = report.settings.iter().find(|setting| setting.key == key).unwrap();
        format!(
            "{} from {}",
            setting.value.as_deref().unwrap_or("-"),
            setting.source
        )
    };
    assert_eq!(from("listen"), "127.0.0.1:8620 from default");
    assert!(from("data_dir").starts_with("/file from file "));
    assert_eq!(from("prefix"), "env from environment CLAVIGER_PREFIX");
    assert_eq!(from("log.level"), "debug from flag --log-level");
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest() {
    refused(
        "listne = '127.0.0.1:1'\nspeed = 9\n[limits]\nidel = '1s'\n",
        &[("CLAVIGER_DATADIR", "/x")],
        &expect![[r#"
            the configuration was refused:
              unknown key `limits.idel` (file FILE), did you mean `limits.idle`?
              unknown key `listne` (file FILE), did you mean `listen`?
              unknown key `speed` (file FILE)
              unknown key `datadir` (environment CLAVIGER_DATADIR), did you mean `data_dir`?"#]],
    );
}

#[test]
fn every_refused_value_is_named_with_its_source() {
    refused(
        "listen = 'localhost'\nprefix = 'X'\ndata_dir = ['a']\n",
        &[],
        &expect![[r#"
            the configuration was refused:
              `data_dir` (file FILE) takes path, not a list or table"#]],
    );
    refused(
        "listen = 'localhost'\nprefix = 'X'\n[limits]\nbody_bytes = '1 MB'\nidle = '10'\nconnections = 0\nheader_bytes = '4 KiB'\n",
        &[
            ("CLAVIGER_LIMITS__DRAIN", "2 days"),
            ("CLAVIGER_WORKER_THREADS", "many"),
        ],
        &expect![[r#"
            the configuration was refused:
              `listen` (file FILE) takes IP address and port, not `localhost`
              `prefix` (file FILE) takes 2–8 of `a`–`z`, `0`–`9`, a letter first, not `X`
              `worker_threads` (environment CLAVIGER_WORKER_THREADS) takes whole number, not `many`
              `limits.body_bytes` (file FILE) takes size, such as `1 MiB`, not `1 MB`
              `limits.connections` (file FILE) takes whole number, not `0`
              `limits.header_bytes` (file FILE) takes size, such as `1 MiB`, not `4 KiB`
              `limits.idle` (file FILE) takes time, such as `10s` or `500ms`, not `10`
              `limits.drain` (environment CLAVIGER_LIMITS__DRAIN) takes time, such as `10s` or `500ms`, not `2 days`"#]],
    );
}

#[test]
fn a_refused_secret_is_not_shown() {
    refused(
        "pepper = 'c0ffee'\ndatabase = 'mysql://root:hunter2@db'\n",
        &[("CLAVIGER_AUDIT_KEY", "hunter3")],
        &expect![[r#"
            the configuration was refused:
              `database` (file FILE) takes `sqlite`, or a `postgres://` URL
              `pepper` (file FILE) takes 64 hex digits
              `audit_key` (environment CLAVIGER_AUDIT_KEY) takes 64 hex digits"#]],
    );
    refused(
        "pepper = 'hunter2\n",
        &[],
        &expect![[r#"
            the configuration was refused:
              FILE is no TOML: TOML parse error at line 1, column 18: invalid literal string, expected `'`"#]],
    );
}

#[test]
fn weak_or_equal_keys_stop_the_start() {
    refused(
        &format!(
            "pepper = '{KEY}'\nprevious_pepper = '{}'\naudit_key = '{}'",
            KEY.to_uppercase(),
            "0".repeat(64)
        ),
        &[],
        &expect![[r#"
            the configuration was refused:
              `audit_key` is no random key; make one with `openssl rand -hex 32`
              `pepper` and `previous_pepper` are the same key"#]],
    );
    refused(
        &format!("previous_pepper = '{KEY}'"),
        &[],
        &expect![[r#"
            the configuration was refused:
              `previous_pepper` is given without `pepper`"#]],
    );
}

#[test]
fn neither_report_nor_debug_shows_a_secret() {
    let url = "postgres://claviger:hunter2@db.example:5432/claviger?sslmode=require&sslpassword=hunter3";
    let toml = format!(
        "pepper = '{KEY}'\nprevious_pepper = '{OTHER_KEY}'\ndatabase = '{url}'\nlisten = '0.0.0.0:80'"
    );
    let config = load(&toml, &[], Overrides::new()).unwrap();

    let shown = format!("{}\n{config:?}", config.check());

    for secret in [KEY, OTHER_KEY, "hunter"] {
        assert!(!shown.contains(secret), "{secret} is shown");
    }
    assert!(shown.contains("postgres://claviger:…@db.example:5432/claviger?sslmode=require&sslpassword=…"));
    assert!(shown.contains("pepper                      (set, not shown)"));
    assert!(shown.contains("note: `listen` reaches beyond this machine"));
}

#[test]
fn the_hidden_setting_is_reported_only_when_it_is_used() {
    assert!(
        report("", &[])
            .settings
            .iter()
            .all(|setting| setting.key != "unsafe_synchronous_off")
    );

    let unsafe_report = report("", &[("CLAVIGER_UNSAFE_SYNCHRONOUS_OFF", "true")]);

    assert!(
        unsafe_report
            .settings
            .iter()
            .any(|setting| setting.key == "unsafe_synchronous_off")
    );
    assert!(unsafe_report.to_string().contains("acknowledged writes are lost"));
}

#[test]
fn variables_of_the_client_and_empty_ones_are_no_settings() {
    let variables = [
        ("CLAVIGER_TOKEN", "clvp_x"),
        ("CLAVIGER_URL", "http://x"),
        ("CLAVIGER_TEST_POSTGRES", "postgres://x"),
        ("CLAVIGER_PEPPER", ""),
        ("HOME", "/root"),
    ];

    let config = load("", &variables, Overrides::new()).unwrap();

    assert!(config.keys.pepper.is_none());
    assert_eq!(
        format!("{:?}", environment(&[("CLAVIGER_PEPPER", KEY)])),
        r#"{"CLAVIGER_PEPPER"}"#
    );
}

#[test]
fn a_named_file_must_exist() {
    let named = environment(&[("CLAVIGER_CONFIG", "/nonexistent/claviger.toml")]);

    let error = Config::load_from(&Overrides::new(), &named).unwrap_err();

    assert!(
        error
            .to_string()
            .contains("/nonexistent/claviger.toml cannot be read"),
        "{error}"
    );
}

#[test]
fn every_field_is_read_and_every_default_is_accepted() {
    // A key that the reader forgets would accept anything.
    for field in FIELDS {
        let table = match field.key.rsplit_once('.') {
            Some((table, name)) => format!("[{table}]\n{name} = \"\\u0000\""),
            None => format!("{} = \"\\u0000\"", field.key),
        };

        let refused = load(&table, &[], Overrides::new()).is_err();

        let is_path = field.takes == "path";
        assert_eq!(refused, !is_path, "{}", field.key);
    }
}
