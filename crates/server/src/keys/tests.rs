//! The key file: made once, replaced whole, refused when it is weak or open to others.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use tempfile::TempDir;

use super::*;
use crate::random::OsRandom;

struct Installation(TempDir);

impl Installation {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn directory(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    fn peppers(&self) -> PathBuf {
        self.directory().join("peppers")
    }

    fn open(&self, given: &GivenKeys, in_use: &[PepperId]) -> Result<Keys, KeysError> {
        open(given, self.directory(), in_use, &OsRandom)
    }

    fn start(&self) -> Keys {
        self.open(&GivenKeys::default(), &[]).unwrap()
    }

    fn refusal(&self, in_use: &[PepperId]) -> String {
        let refused = self.open(&GivenKeys::default(), in_use).err().unwrap();
        refused
            .to_string()
            .replace(self.0.path().to_str().unwrap(), "DIR")
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn key(seed: u8) -> Key {
    Key::new(std::array::from_fn(|place| seed ^ u8::try_from(place).unwrap()))
}

fn given(seed: u8) -> GivenKeys {
    GivenKeys {
        pepper: Some(key(seed)),
        previous_pepper: None,
        audit: Some(key(seed ^ 0x80)),
    }
}

#[test]
fn the_first_start_makes_private_keys_and_the_next_finds_them() {
    let installation = Installation::new();

    let first = installation.start().ring.peppers().current.pepper_id();

    assert_eq!(mode(&installation.directory()), 0o700);
    assert_eq!(mode(&installation.peppers()), 0o600);
    assert_eq!(installation.start().ring.peppers().current.pepper_id(), first);
    assert_ne!(
        Installation::new().start().ring.peppers().current.pepper_id(),
        first
    );
}

#[test]
fn saved_peppers_are_found_after_a_restart_and_the_audit_key_stays() {
    let installation = Installation::new();
    let keys = installation.start();
    let before = fs::read_to_string(installation.peppers()).unwrap();
    let peppers = PepperKeys {
        current: key(1),
        previous: Some(key(2)),
    };

    keys.store.save_peppers(&peppers).unwrap();
    keys.store.save_anchor("7 abc").unwrap();

    let again = installation.start();
    let audit = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("audit "))
            .map(str::to_owned)
    };
    assert_eq!(again.ring.peppers().current.pepper_id(), key(1).pepper_id());
    assert_eq!(
        again.ring.peppers().previous.map(|key| key.pepper_id()),
        Some(key(2).pepper_id())
    );
    assert_eq!(again.store.load_anchor().unwrap().as_deref(), Some("7 abc"));
    assert_eq!(
        audit(&before),
        audit(&fs::read_to_string(installation.peppers()).unwrap())
    );
    assert_eq!(mode(&installation.peppers()), 0o600);
    assert_eq!(
        fs::read_dir(installation.directory()).unwrap().count(),
        2,
        "no temporary file stays"
    );
}

#[test]
fn a_temporary_file_left_by_a_crash_is_no_obstacle() {
    let installation = Installation::new();
    let keys = installation.start();
    fs::write(installation.directory().join("peppers.new"), "half a").unwrap();

    keys.store
        .save_peppers(&PepperKeys {
            current: key(3),
            previous: None,
        })
        .unwrap();

    assert_eq!(
        installation.start().ring.peppers().current.pepper_id(),
        key(3).pepper_id()
    );
}

#[test]
fn a_lost_key_file_stops_the_start_instead_of_being_made_anew() {
    let installation = Installation::new();
    let used = installation.start().ring.peppers().current.pepper_id();
    fs::remove_file(installation.peppers()).unwrap();

    let refusal = installation.refusal(&[used]);

    assert!(
        refusal.contains(&format!(
            "no key file DIR/keys/peppers, and the database holds tokens made under pepper {used}"
        )),
        "{refusal}"
    );
    assert!(!installation.peppers().exists());
}

#[test]
fn keys_of_another_database_stop_the_start() {
    let installation = Installation::new();
    let mine = installation.start().ring.peppers().current.pepper_id();
    let (other, another) = (key(8).pepper_id(), key(9).pepper_id());

    let refusal = installation.refusal(&[other, another]);

    assert!(
        refusal.contains(&format!("made under pepper {other}, {another}")),
        "{refusal}"
    );
    assert!(
        refusal.contains(&format!("(DIR/keys/peppers) are {mine}")),
        "{refusal}"
    );
    assert!(
        installation.open(&GivenKeys::default(), &[other, mine]).is_ok(),
        "an old pepper may be gone"
    );
    assert!(matches!(
        installation.open(&given(5), &[other]),
        Err(KeysError::Foreign { .. })
    ));
}

#[test]
fn a_key_file_or_directory_open_to_others_stops_the_start() {
    let installation = Installation::new();
    installation.start();
    for open in [0o640, 0o604, 0o660] {
        fs::set_permissions(installation.peppers(), fs::Permissions::from_mode(open)).unwrap();

        assert_eq!(
            installation.refusal(&[]),
            format!(
                "DIR/keys/peppers has mode {open:03o} and must not be open to others; run `chmod 600 DIR/keys/peppers`"
            )
        );
    }
    fs::set_permissions(installation.peppers(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(installation.directory(), fs::Permissions::from_mode(0o777)).unwrap();

    assert!(installation.refusal(&[]).contains("run `chmod 700 DIR/keys`"));
}

#[test]
fn a_weak_or_damaged_key_file_stops_the_start_and_shows_no_key() {
    let installation = Installation::new();
    installation.start();
    let good = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    for (text, reason) in [
        (
            format!("current {}\n", &good[2..]),
            "line 1: the key is not 64 hex digits, 256 bits",
        ),
        (
            format!("# c\ncurrent {}\n", "ab".repeat(32)),
            "line 2: the key is no random key",
        ),
        (
            format!("current {good}\nprevious {good}\n"),
            "line 2: the same key stands in two places",
        ),
        (
            format!("current {good}\ncurrent {}\n", good.replace("00", "ff")),
            "line 2: the name stands there twice",
        ),
        (
            format!("currant {good}\n"),
            "line 1: the name is none of `current`, `previous` and `audit`",
        ),
        (
            good.to_owned(),
            "line 1: a line is a name, a space and a key of 64 hex digits",
        ),
        (format!("audit {good}\n"), "line 1: no line `current` with a key"),
        (format!("current {good}\n"), "line 1: no line `audit` with a key"),
        (String::new(), "line 0: no line `current` with a key"),
    ] {
        fs::write(installation.peppers(), text).unwrap();

        let refusal = installation.refusal(&[]);

        assert_eq!(refusal, format!("DIR/keys/peppers, {reason}"));
    }
}

#[test]
fn keys_of_the_configuration_are_never_written() {
    let installation = Installation::new();

    let keys = installation.open(&given(4), &[]).unwrap();

    assert_eq!(keys.ring.peppers().current.pepper_id(), key(4).pepper_id());
    assert!(matches!(
        keys.store.save_peppers(&keys.ring.peppers()),
        Err(KeyStoreError::ReadOnly)
    ));
    assert!(!installation.directory().exists());
    keys.store.save_anchor("1 a").unwrap();
    assert_eq!(keys.store.load_anchor().unwrap().as_deref(), Some("1 a"));
    assert!(!installation.peppers().exists());
}

#[test]
fn a_configured_pepper_without_an_audit_key_keeps_that_one_in_the_file() {
    let installation = Installation::new();
    let only_pepper = GivenKeys {
        audit: None,
        ..given(4)
    };

    installation.open(&only_pepper, &[]).unwrap();
    let kept = fs::read_to_string(installation.peppers()).unwrap();
    installation.open(&only_pepper, &[key(4).pepper_id()]).unwrap();

    assert!(kept.contains("\naudit ") && !kept.contains("\ncurrent "));
    assert_eq!(kept, fs::read_to_string(installation.peppers()).unwrap());
}
