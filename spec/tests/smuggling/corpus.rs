//! Requests that two parsers could read in two ways, and the one that hides behind each of them.
//!
//! A lone LF ends a line here, as RFC 9112 §2.2 allows and the proxies do that let one pass; a lone CR, and an LF within a chunk's
//! framing, end the connection.

/// The request that must never be answered. 55 bytes, which many lengths of the corpus are.
pub(super) const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: h\r\nX-Request-Id: hidden\r\n\r\n";

/// Framing that is ambiguous or malformed: header fields, the empty line, and the body as one of two readers sees it.
pub(super) const FRAMING: &[(&str, &str)] = &[
    // Both lengths (§6.1).
    (
        "length, then chunked",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked, then length",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked, then length of all",
        "Transfer-Encoding: chunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n",
    ),
    (
        "length of nothing, then chunked",
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    // Several lengths (§6.3).
    ("two lengths", "Content-Length: 0\r\nContent-Length: 55\r\n\r\n"),
    (
        "two lengths, the other way",
        "Content-Length: 55\r\nContent-Length: 0\r\n\r\n",
    ),
    ("a list of lengths", "Content-Length: 0, 55\r\n\r\n"),
    ("a list of one length", "Content-Length: 55, 55\r\n\r\n"),
    // Lengths that are read in several ways.
    ("a length with a sign", "Content-Length: +55\r\n\r\n"),
    ("a negative length", "Content-Length: -1\r\n\r\n"),
    ("a length in hex", "Content-Length: 0x37\r\n\r\n"),
    ("a length with an underscore", "Content-Length: 5_5\r\n\r\n"),
    ("a length with a space", "Content-Length: 5 5\r\n\r\n"),
    ("a length with a fraction", "Content-Length: 55.0\r\n\r\n"),
    ("a length of 2^64", "Content-Length: 18446744073709551616\r\n\r\n"),
    (
        "a length of 2^64 + 55",
        "Content-Length: 18446744073709551671\r\n\r\n",
    ),
    ("an empty length", "Content-Length: \r\n\r\n"),
    ("a length with a vertical tab", "Content-Length: \x0b55\r\n\r\n"),
    ("a length in other digits", "Content-Length: ٥٥\r\n\r\n"),
    // Encodings that are read in several ways.
    (
        "chunked is not last",
        "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    ("identity", "Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    (
        "identity with a length",
        "Transfer-Encoding: identity\r\nContent-Length: 0\r\n\r\n",
    ),
    (
        "an unknown encoding",
        "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    ),
    ("gzip alone", "Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n"),
    ("an empty encoding", "Transfer-Encoding: \r\n\r\n0\r\n\r\n"),
    (
        "chunked in quotes",
        "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked in capitals, with a length",
        "Transfer-Encoding: CHUNKED\r\nContent-Length: 60\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked after a tab, with a length",
        "Transfer-Encoding:\tchunked\r\nContent-Length: 60\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked after a vertical tab",
        "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked, then identity, in two fields",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "a space before the colon",
        "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
    ),
    ("a tab before the colon", "Content-Length\t: 55\r\n\r\n"),
    (
        "an underscore for a hyphen",
        "Transfer_Encoding: chunked\r\nContent-Length: 55\r\n\r\n",
    ),
    // Chunks (§7.1).
    (
        "a chunk size with a sign",
        "Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n",
    ),
    (
        "a negative chunk size",
        "Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    ),
    (
        "a chunk size with 0x",
        "Transfer-Encoding: chunked\r\n\r\n0x0\r\n\r\n",
    ),
    (
        "a chunk size above 2^64",
        "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n\r\n",
    ),
    (
        "a chunk size of nothing",
        "Transfer-Encoding: chunked\r\n\r\n\r\n\r\n",
    ),
    (
        "a chunk size with a bare LF",
        "Transfer-Encoding: chunked\r\n\r\n0\n\r\n",
    ),
    (
        "a chunk that ends in a bare LF",
        "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\n0\r\n\r\n",
    ),
    (
        "a chunk without its end",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nZ0\r\n\r\n",
    ),
    (
        "a chunk that is longer than its size",
        "Transfer-Encoding: chunked\r\n\r\n1\r\nZZ\r\n0\r\n\r\n",
    ),
    (
        "a bare LF in a chunk extension",
        "Transfer-Encoding: chunked\r\n\r\n0;a\nb\r\n\r\n",
    ),
    (
        "a bare LF after the last chunk",
        "Transfer-Encoding: chunked\r\n\r\n0\r\n\n",
    ),
    (
        "a trailer that folds",
        "Transfer-Encoding: chunked\r\n\r\n0\r\nX: a\r\n b\r\n\r\n",
    ),
    // Lines and fields (§2.2, §5.1, §5.2).
    ("a folded field", "X-A: b\r\n Content-Length: 55\r\n\r\n"),
    ("a folded length", "Content-Length:\r\n 55\r\n\r\n"),
    (
        "a folded encoding",
        "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    ),
    ("a first field that folds", " X-A: b\r\n\r\n"),
    ("a bare CR in a value", "X-A: b\rContent-Length: 55\r\n\r\n"),
    ("a bare CR before the end", "X-A: b\r\r\n\r\n"),
    ("a bare LF between fields", "X-A: b\nContent-Length: 55\r\n\r\n"),
    ("a bare LF at the end", "Content-Length: 55\r\n\n"),
    ("a NUL in a value", "X-A: b\0c\r\n\r\n"),
    ("a NUL in a name", "X-\0A: b\r\n\r\n"),
    ("no colon", "X-A\r\n\r\n"),
    ("an empty name", ": b\r\n\r\n"),
    ("a space in a name", "Content Length: 55\r\n\r\n"),
    ("an escape in a value", "X-A: \x1b[2J\r\n\r\n"),
];

/// Whole requests whose first line is odd.
pub(super) const LINES: &[(&str, &str)] = &[
    ("no version", "GET /healthz\r\n\r\n"),
    (
        "a version before all others",
        "GET /healthz HTTP/0.9\r\nHost: h\r\n\r\n",
    ),
    ("the older version", "GET /healthz HTTP/1.0\r\nHost: h\r\n\r\n"),
    (
        "the older version with chunks",
        "POST /healthz HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a version that may come",
        "GET /healthz HTTP/1.2\r\nHost: h\r\n\r\n",
    ),
    (
        "a version of two digits",
        "GET /healthz HTTP/1.10\r\nHost: h\r\n\r\n",
    ),
    (
        "a version of another protocol",
        "GET /healthz HTTP/2.0\r\nHost: h\r\n\r\n",
    ),
    (
        "a version in lower case",
        "GET /healthz http/1.1\r\nHost: h\r\n\r\n",
    ),
    ("two spaces", "GET  /healthz HTTP/1.1\r\nHost: h\r\n\r\n"),
    ("a tab", "GET\t/healthz HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "a space in the target",
        "GET /health z HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "a target with a bare LF",
        "GET /healthz\nX: HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "a target with a NUL",
        "GET /healthz\0 HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "a target without a slash",
        "GET healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "a method with a colon",
        "GET: /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    ("a method that is empty", " /healthz HTTP/1.1\r\nHost: h\r\n\r\n"),
    (
        "a space before the method",
        " GET /healthz HTTP/1.1\r\nHost: h\r\n\r\n",
    ),
    (
        "lines that end in a bare LF",
        "GET /healthz HTTP/1.1\nHost: h\nConnection: close\n\n",
    ),
    ("nothing but spaces", "   \r\n\r\n"),
    ("TLS", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n"),
];
