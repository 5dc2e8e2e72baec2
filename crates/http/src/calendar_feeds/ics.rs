//! A calendar as text: iCalendar, RFC 5545.
//!
//! One event for each token, at the instant of its end and without a length; its UID is the token's and its DTSTAMP the token's last
//! change, so that programs see the same event move when an end moves. Lines end in CRLF and are folded at 75 octets, never within a
//! character; what people wrote is escaped (§3.3.11), so no name ends a line or a field.

use std::fmt::Write as _;

use claviger_domain::Timestamp;
use claviger_domain::token::{Holder, Token};
use claviger_service::calendar::Calendar;

/// The longest line, in octets and without its end (§3.1).
const LINE_MAX: usize = 75;
/// How often a program is asked to read again (RFC 7986 §5.7).
const REFRESH: &str = "PT1H";

/// The whole calendar.
pub(super) fn text(calendar: &Calendar) -> String {
    let mut lines = Lines::default();
    lines.add("BEGIN", "VCALENDAR");
    lines.add("VERSION", "2.0");
    lines.add("PRODID", "-//Claviger//Token ends//EN");
    lines.add("CALSCALE", "GREGORIAN");
    lines.add("METHOD", "PUBLISH");
    lines.add("NAME", &escaped(calendar.feed.name.as_str()));
    lines.add("X-WR-CALNAME", &escaped(calendar.feed.name.as_str()));
    lines.add("REFRESH-INTERVAL;VALUE=DURATION", REFRESH);
    for token in &calendar.tokens {
        event(&mut lines, token);
    }
    lines.add("END", "VCALENDAR");
    lines.0
}

fn event(lines: &mut Lines, token: &Token) {
    // The feed holds only tokens that end.
    let Some(end) = token.expires_at else { return };
    let name = token.name.as_str();
    lines.add("BEGIN", "VEVENT");
    lines.add("UID", &format!("{}@{}", token.id, token.org));
    lines.add("DTSTAMP", &instant(token.updated_at));
    lines.add("LAST-MODIFIED", &instant(token.updated_at));
    lines.add("DTSTART", &instant(end));
    lines.add("SUMMARY", &escaped(&format!("Token \"{name}\" ends")));
    let described = format!(
        "Token {} (…{})\nType: {}\n{}",
        token.id,
        token.hint.as_str(),
        token.token_type(),
        holder(token.holder)
    );
    lines.add("DESCRIPTION", &escaped(&described));
    lines.add("TRANSP", "TRANSPARENT");
    lines.add("BEGIN", "VALARM");
    lines.add("ACTION", "DISPLAY");
    lines.add(
        "DESCRIPTION",
        &escaped(&format!("Token \"{name}\" ends in a day")),
    );
    lines.add("TRIGGER", "-P1D");
    lines.add("END", "VALARM");
    lines.add("END", "VEVENT");
}

fn holder(holder: Holder) -> String {
    match holder {
        Holder::Person(user) => format!("Owner: {user}"),
        Holder::Organization(org) => format!("Organization: {org}"),
        Holder::Team(team) => format!("Team: {team}"),
        Holder::Service { service, .. } => format!("Service: {service}"),
    }
}

/// `20261122T100000Z`: RFC 3339 without its marks and without a fraction.
fn instant(at: Timestamp) -> String {
    let whole = Timestamp::from_seconds(at.seconds()).to_string();
    whole.replace(['-', ':'], "")
}

/// A text value (§3.3.11).
fn escaped(text: &str) -> String {
    let mut written = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\\' | ';' | ',' => {
                written.push('\\');
                written.push(letter);
            }
            '\n' => written.push_str("\\n"),
            letter if letter.is_control() => {}
            letter => written.push(letter),
        }
    }
    written
}

/// Content lines, folded and ended.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: &str, value: &str) {
        let mut used = 0;
        let mut folded = String::with_capacity(name.len() + value.len() + 8);
        for letter in name.chars().chain([':']).chain(value.chars()) {
            if used + letter.len_utf8() > LINE_MAX {
                folded.push_str("\r\n ");
                used = 1;
            }
            folded.push(letter);
            used += letter.len_utf8();
        }
        // Writing to a String does not fail.
        let _ = write!(self.0, "{folded}\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_folded_between_characters_and_no_longer_than_allowed() {
        let mut lines = Lines::default();
        let value = "Ünïcödé 日本語 ".repeat(20);
        lines.add("SUMMARY", &value);

        for line in lines.0.split_terminator("\r\n") {
            assert!(line.len() <= LINE_MAX, "{} octets", line.len());
        }
        assert_eq!(lines.0.replace("\r\n ", ""), format!("SUMMARY:{value}\r\n"));
    }

    #[test]
    fn a_name_ends_neither_line_nor_field() {
        assert_eq!(escaped("a,b;c\\d\ne\rEND:VEVENT"), "a\\,b\\;c\\\\d\\neEND:VEVENT");
    }

    #[test]
    fn an_instant_is_written_in_utc_and_whole_seconds() {
        assert_eq!(
            instant(Timestamp::from_micros(1_795_341_600_500_000)),
            "20261122T100000Z"
        );
    }
}
