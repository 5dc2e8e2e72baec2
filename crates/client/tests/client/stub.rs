//! A loopback server that answers each connection from a script and keeps what it was sent.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// The server. Every connection carries one request.
pub(crate) struct Stub {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    /// Starts a server that gives these raw answers, one per connection, and then refuses connections.
    pub(crate) async fn answering<const N: usize>(answers: [String; N]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&received);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                log.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { url, received }
    }

    /// What was sent: per request its line, the headers that matter, and the body.
    pub(crate) fn received(&self) -> String {
        self.received.lock().unwrap().join("\n")
    }
}

/// An answer with a body.
pub(crate) fn answer(status: &str, media_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {media_type}\r\nx-request-id: req-7\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
}

/// A JSON answer with status 200.
pub(crate) fn json(body: &str) -> String {
    answer("200 OK", "application/json", body)
}

/// The record of a token, as the API writes it.
pub(crate) fn token() -> String {
    r#"{"id":"tok_01k9zv5m3r000","type":"personal","name":"ci","description":"","scopes":["tokens:read"],
        "hint":"x7Qp","state":"live","owner":"usr_01k9zv5m3r000","created_at":"2026-11-22T10:00:00Z",
        "created_by":"usr_01k9zv5m3r000","updated_at":"2026-11-22T10:00:00Z","expires_at":null,
        "regenerated_at":null,"previous":null,"last_used_at":null,"last_used_address":null,"revoked_at":null,
        "revoked_by":null,"revoke_reason":null,"revoke_note":null}"#
        .to_owned()
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        assert_ne!(
            stream.read_buf(&mut bytes).await.unwrap(),
            0,
            "the request ends in its head"
        );
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let length = header(&head, "content-length").map_or(0, |value| value.parse::<usize>().unwrap());
    while bytes.len() < head_end + length {
        assert_ne!(
            stream.read_buf(&mut bytes).await.unwrap(),
            0,
            "the request ends in its body"
        );
    }
    let body = String::from_utf8(bytes[head_end..].to_vec()).unwrap();
    let mut shown = format!("{}\n", head.lines().next().unwrap());
    for name in ["authorization", "idempotency-key", "content-type"] {
        if let Some(value) = header(&head, name) {
            shown += &format!("{name}: {value}\n");
        }
    }
    if !body.is_empty() {
        shown += &format!("{body}\n");
    }
    shown
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(": ")?;
        key.eq_ignore_ascii_case(name).then_some(value)
    })
}
