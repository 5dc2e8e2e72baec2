//! Ids, checked before they become part of a URL: a secret pasted in the place of one must not reach a log.

use crate::Error;

/// Digits of an id after its prefix.
const CHARACTERS: usize = 13;

macro_rules! ids {
    ($($name:ident = $prefix:literal, $noun:literal;)+) => {$(
        #[doc = concat!("The id of a ", $noun, ", if it has the form of one.")]
        pub(crate) fn $name(id: &str) -> Result<&str, Error> {
            if is_shaped(id, $prefix) {
                return Ok(id);
            }
            Err(Error::argument(
                concat!($noun, " id"),
                concat!("is not `", $prefix, "` and 13 digits or lower-case letters"),
            ))
        }
    )+};
}

ids! {
    token = "tok_", "token";
    user = "usr_", "user";
    team = "team_", "team";
    service = "svc_", "service";
    environment = "env_", "environment";
    stage = "stg_", "stage";
    invitation = "inv_", "invitation";
    session = "ses_", "session";
    webhook = "whk_", "webhook";
    delivery = "dlv_", "delivery";
    calendar_feed = "cal_", "calendar feed";
}

fn is_shaped(id: &str, prefix: &str) -> bool {
    id.strip_prefix(prefix).is_some_and(|digits| {
        digits.len() == CHARACTERS
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_another_noun_or_a_secret_is_refused() {
        assert_eq!(team("team_01k9zv5m3r000").unwrap(), "team_01k9zv5m3r000");
        for wrong in [
            "tok_01k9zv5m3r000",
            "team_01k9zv5m3r00",
            "team_01K9ZV5M3R000",
            "clvp_secret",
            "",
        ] {
            let refused = team(wrong).unwrap_err().to_string();

            assert_eq!(
                refused,
                "team id is not `team_` and 13 digits or lower-case letters"
            );
        }
    }
}
