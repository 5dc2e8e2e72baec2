//! Where secrets come from: the environment, a file, the standard input, a prompt. Never an argument, which every process of
//! the machine can read.
//!
//! Invariant: no error and no warning quotes what was read.

use std::{
    env,
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use crate::{
    exit::{Failure, Outcome},
    output, prompt,
};

/// The variable that holds the token to call with.
const TOKEN_VARIABLE: &str = "CLAVIGER_TOKEN";
/// The longest secret that is read, in bytes: ten times any token.
const MAX_BYTES: u16 = 512;
/// The permission bits of a file that group and others have.
const OTHERS: u32 = 0o077;

/// The token to call with: from `file`, else from the environment, else from a prompt.
pub(crate) fn caller(file: Option<&Path>) -> Outcome<String> {
    if let Some(path) = file {
        return from_file(path);
    }
    match env::var(TOKEN_VARIABLE) {
        Ok(token) if !token.trim().is_empty() => Ok(token.trim().to_owned()),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::usage("CLAVIGER_TOKEN is not text")),
        Ok(_) | Err(env::VarError::NotPresent) if prompt::possible() => {
            prompt::secret("Token to call with:").map(|token| token.trim().to_owned())
        }
        Ok(_) | Err(env::VarError::NotPresent) => Err(Failure::usage(
            "no token to call with: set CLAVIGER_TOKEN, or give --token-file",
        )),
    }
}

/// The token that a command is about: from `file`, else from a prompt or, when there is nobody, from the standard input.
pub(crate) fn subject(file: Option<&Path>) -> Outcome<String> {
    match file {
        Some(path) if path != Path::new("-") => from_file(path),
        None if prompt::possible() => {
            prompt::secret("Token in question:").map(|token| token.trim().to_owned())
        }
        Some(_) | None => one_line(&mut io::stdin().lock(), "the standard input"),
    }
}

/// A file's only line. Says so when others than its owner may read it.
fn from_file(path: &Path) -> Outcome<String> {
    let shown = path.display();
    let refused = |error: io::Error| Failure::usage(format!("{shown} cannot be read: {error}"));
    let mut file = File::open(path).map_err(refused)?;
    let metadata = file.metadata().map_err(refused)?;
    if metadata.is_file() && metadata.permissions().mode() & OTHERS != 0 {
        output::note(&format!("warning: others can read {shown}; `chmod 600` it"));
    }
    one_line(&mut file, &shown.to_string())
}

fn one_line(source: &mut impl Read, name: &str) -> Outcome<String> {
    let mut text = String::new();
    let read = source.take(u64::from(MAX_BYTES) + 1).read_to_string(&mut text);
    if read.is_err() || text.len() > usize::from(MAX_BYTES) || text.trim().lines().count() > 1 {
        return Err(Failure::usage(format!("{name} does not hold a single token")));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!("{name} is empty")));
    }
    // RFC 8959 §2: the URI form of a token names the same token.
    Ok(text.strip_prefix("secret-token:").unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Outcome<String> {
        one_line(&mut text.as_bytes(), "it")
    }

    #[test]
    fn a_secret_is_one_line_with_space_around_it() {
        assert_eq!(read(" clvp_x\r\n").unwrap(), "clvp_x");
        assert_eq!(read("secret-token:clvp_x").unwrap(), "clvp_x");
    }

    #[test]
    fn what_is_no_single_token_is_refused_unquoted() {
        for text in ["", "\n", "canary\ncanary\n", &"canary".repeat(100)] {
            let failure = read(text).unwrap_err();

            assert!(matches!(failure, Failure::Usage(_)));
            assert!(!failure.to_string().contains("canary"));
        }
        assert!(one_line(&mut [0xff_u8].as_slice(), "it").is_err());
    }
}
