//! Bytes on a socket, for what no HTTP client would send.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use claviger_testkit::TestServer;

/// No test waits longer for a byte that does not come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a server under test.
pub(crate) struct Raw {
    stream: TcpStream,
    /// Read already, and no part of an answer that was given.
    rest: Vec<u8>,
}

/// One answer on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    /// Connects.
    pub(crate) fn connect(server: &TestServer) -> Self {
        let address = server.base_url();
        let stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            rest: Vec::new(),
        }
    }

    /// Sends; false when the server no longer takes anything.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    /// Says that nothing more will come.
    pub(crate) fn finish(&mut self) {
        // The server may have closed before.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Everything until the server closes. Panics when it does not.
    pub(crate) fn until_closed(&mut self) -> Vec<u8> {
        let mut found = std::mem::take(&mut self.rest);
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return found,
                Ok(read) => found.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return found,
                Err(error) => panic!(
                    "the server keeps the connection ({error}) after {}",
                    String::from_utf8_lossy(&found)
                ),
            }
        }
    }

    /// The answers until the server closes.
    pub(crate) fn answers(&mut self) -> Vec<RawAnswer> {
        let bytes = self.until_closed();
        let mut rest = bytes.as_slice();
        let mut answers = Vec::new();
        while let Some((answer, after)) = RawAnswer::split(rest) {
            answers.push(answer);
            rest = after;
        }
        assert!(rest.is_empty(), "not HTTP: {}", String::from_utf8_lossy(rest));
        answers
    }

    /// The next answer, on a connection that stays open.
    pub(crate) fn answer(&mut self) -> RawAnswer {
        self.answer_within(PATIENCE).expect("an answer")
    }

    /// The next answer, if it comes in time.
    pub(crate) fn answer_within(&mut self, time: Duration) -> Option<RawAnswer> {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut buffer = [0; 16 * 1024];
        let answer = loop {
            if let Some((answer, after)) = RawAnswer::split(&self.rest) {
                let used = self.rest.len() - after.len();
                self.rest.drain(..used);
                break Some(answer);
            }
            match self.stream.read(&mut buffer) {
                Ok(read @ 1..) => self.rest.extend_from_slice(&buffer[..read]),
                _ => break None,
            }
        };
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        answer
    }
}

impl RawAnswer {
    /// The answer at the beginning of `bytes`, when it is whole, and what follows it.
    fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let rest = &bytes[end + 4..];
        let status = head.get(9..12)?.parse().ok()?;
        let announced = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length = announced.map_or(0, |length| length.trim().parse().unwrap());
        if rest.len() < length {
            return None;
        }
        let body = String::from_utf8_lossy(&rest[..length]).into_owned();
        Some((Self { status, head, body }, &rest[length..]))
    }
}
