//! Addresses in every spelling (security.md T20).

use super::*;

fn code(rules: &Rules, url: &str) -> &'static str {
    rules.address(url).map_or_else(|refused| refused.code, |_| "ok")
}

/// Spellings of one address of IPv4 that parsers of URLs understand.
fn spellings([a, b, c, d]: [u8; 4]) -> Vec<String> {
    let number = u32::from_be_bytes([a, b, c, d]);
    let tail16 = u16::from_be_bytes([c, d]);
    let tail24 = number & 0xff_ffff;
    vec![
        format!("{a}.{b}.{c}.{d}"),
        format!("{a}.{b}.{c}.{d}."),
        format!("{number}"),
        format!("0x{number:x}"),
        format!("0X{number:08X}"),
        format!("0{number:o}"),
        format!("{a}.{b}.{tail16}"),
        format!("{a}.{tail24}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.{b}.0x{c:X}.{d}"),
        format!("0x{a:x}.{tail24}"),
        percent_encoded(&format!("{a}.{b}.{c}.{d}")),
        format!("{a}。{b}。{c}。{d}"),
        format!("{a}．{b}．{c}．{d}"),
        fullwidth(&format!("{a}.{b}.{c}.{d}")),
        format!("[::ffff:{a}.{b}.{c}.{d}]"),
        format!("[0:0:0:0:0:ffff:{a:x}{b:02x}:{c:x}{d:02x}]"),
        format!("[::{a}.{b}.{c}.{d}]"),
        format!("[64:ff9b::{a}.{b}.{c}.{d}]"),
        format!("[2002:{a:x}{b:02x}:{c:x}{d:02x}::1]"),
    ]
}

/// The text with its first letter in percent encoding.
fn percent_encoded(text: &str) -> String {
    let (first, rest) = text.split_at(1);
    format!("%{:02x}{rest}", first.as_bytes()[0])
}

fn fullwidth(text: &str) -> String {
    let wide = |digit: char| {
        digit
            .to_digit(10)
            .and_then(|digit| char::from_u32(0xff10 + digit))
    };
    text.chars()
        .map(|letter| wide(letter).unwrap_or(letter))
        .collect()
}

#[test]
fn no_spelling_of_an_address_that_is_not_public_is_called() {
    let rules = Rules::default();
    let mut judged = 0;
    for address in [
        [127, 0, 0, 1],
        [127, 1, 2, 3],
        [10, 0, 0, 1],
        [100, 64, 0, 1],
        [100, 100, 100, 200],
        [169, 254, 169, 254],
        [169, 254, 170, 2],
        [172, 16, 0, 1],
        [172, 31, 255, 254],
        [192, 168, 0, 1],
        [192, 0, 0, 192],
        [192, 0, 2, 1],
        [198, 18, 0, 1],
        [224, 0, 0, 1],
        [255, 255, 255, 255],
    ] {
        for host in spellings(address) {
            judged += 1;
            let said = code(&rules, &format!("https://{host}/hook"));
            // An octal in which a digit is too much is no address at all, and no name either.
            assert!(
                matches!(said, "url_address_refused" | "url_malformed"),
                "{host}: {said}"
            );
        }
    }
    assert!(judged >= 300, "{judged}");
}

#[test]
fn the_canonical_spellings_are_refused_as_addresses_and_not_as_nonsense() {
    let rules = Rules::default();
    for host in [
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "ⓛocalhost",
    ] {
        assert_eq!(
            code(&rules, &format!("https://{host}/")),
            "url_address_refused",
            "{host}"
        );
    }
}

#[test]
fn only_https_at_its_port_without_a_password_is_called() {
    let rules = Rules::default();
    for (url, expected) in [
        ("https://example.org/hooks?tenant=7", "ok"),
        ("https://example.org:443/", "ok"),
        ("https://bücher.example/", "ok"),
        ("https://[2606:4700:4700::1111]/", "ok"),
        ("https://8.8.8.8/", "ok"),
        ("http://example.org/", "url_not_https"),
        ("ftp://example.org/", "url_malformed"),
        ("file:///etc/passwd", "url_malformed"),
        ("gopher://example.org/", "url_malformed"),
        ("javascript:alert(1)", "url_malformed"),
        ("example.org", "url_malformed"),
        ("https://", "url_malformed"),
        ("https://example.org/#here", "url_malformed"),
        ("https://exa mple.org/", "url_malformed"),
        ("https://example.org:8443/", "url_port_refused"),
        ("https://example.org:22/", "url_port_refused"),
        ("https://ada@example.org/", "url_has_credentials"),
        ("https://ada:secret@example.org/", "url_has_credentials"),
        ("https://example.org@127.0.0.1/", "url_has_credentials"),
        (r"https:\\127.0.0.1\", "url_address_refused"),
    ] {
        assert_eq!(code(&rules, url), expected, "{url}");
    }
}

#[test]
fn what_the_operator_allows_may_be_called_and_nothing_beside_it() {
    let allowed = ["10.1.0.0/16", "127.0.0.1", "fd00::/8", "hooks.corp"];
    let rules = Rules::new(allowed.iter().map(|text| text.parse().unwrap()).collect());
    for (url, expected) in [
        ("http://10.1.2.3:8080/", "ok"),
        ("http://[::ffff:10.1.2.3]/", "ok"),
        ("https://10.2.0.1/", "url_address_refused"),
        ("http://127.0.0.1:9/", "ok"),
        ("https://127.0.0.2/", "url_address_refused"),
        ("https://[fd12::1]:444/", "ok"),
        ("http://hooks.corp:8080/", "ok"),
        ("http://HOOKS.corp./", "ok"),
        ("http://other.corp/", "url_not_https"),
    ] {
        assert_eq!(code(&rules, url), expected, "{url}");
    }
    for text in ["", "10.0.0.0/33", "10.0.0/8", "a b", "fd00::/129", "10.0.0.0/x"] {
        assert!(text.parse::<Allowed>().is_err(), "{text}");
    }
}
