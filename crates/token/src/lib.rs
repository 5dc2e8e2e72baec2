//! The grammar of a token string: prefix, random part, checksum, digest.
