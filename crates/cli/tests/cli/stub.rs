//! A loopback server that gives one prepared answer to every request and keeps what it was sent.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

pub(crate) struct Stub {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Starts a server that gives these answers, each a status line and a body, one per connection.
    pub(crate) fn answering<const N: usize>(answers: [(&'static str, String); N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        // The thread ends with the last answer; a test that needs fewer leaves it waiting until the process ends.
        thread::spawn(move || {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().unwrap();
                log.lock().unwrap().push(read_request(&mut stream));
                let media_type = if status.starts_with('2') {
                    "application/json"
                } else {
                    "application/problem+json"
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\ncontent-length: {length}\r\n\
                     connection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        Self { url, received }
    }

    /// The raw requests so far.
    pub(crate) fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if body.len() >= length.unwrap_or(0) {
                return text.into_owned();
            }
        }
        let read = stream.read(&mut buffer).unwrap();
        assert_ne!(read, 0, "the request ends early");
        bytes.extend_from_slice(&buffer[..read]);
    }
}
