//! HTTP/1.1 connections.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::*;

fn seconds(start: Instant) -> u64 {
    start.elapsed().as_secs()
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_is_closed_after_the_header_time() {
    let mut connection = served(ConnectionLimits::default(), 65_536, hello);
    let start = Instant::now();

    assert_eq!(connection.rest().await, "");

    assert_eq!(seconds(start), 10);
}

#[tokio::test(start_paused = true)]
async fn a_header_that_drips_is_closed_after_the_header_time() {
    let Served {
        mut client,
        server,
        phase: _phase,
    } = served(ConnectionLimits::default(), 65_536, hello);
    let start = Instant::now();

    let dripping = tokio::spawn(async move {
        let _ = client.write_all(b"GET / HTTP/1.1\r\nx: ").await;
        while client.write_all(b"y").await.is_ok() {
            sleep(Duration::from_millis(500)).await;
        }
    });
    server.await.unwrap();

    assert_eq!(seconds(start), 10);
    dripping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_later_header_has_its_own_time_from_its_first_byte() {
    let mut connection = served(ConnectionLimits::default(), 65_536, hello);
    connection.send(GET).await;
    connection.hello().await;
    sleep(Duration::from_secs(30)).await;
    let start = Instant::now();

    connection.send(b"GET / HT").await;
    assert_eq!(connection.rest().await, "");

    assert_eq!(seconds(start), 10);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_is_kept_for_its_time_and_then_closed() {
    let mut connection = served(ConnectionLimits::default(), 65_536, hello);
    connection.send(GET).await;
    connection.hello().await;

    sleep(Duration::from_secs(55)).await;
    connection.send(GET).await;
    connection.hello().await;
    let start = Instant::now();
    assert_eq!(connection.rest().await, "");

    assert_eq!(seconds(start), 60);
}

#[tokio::test(start_paused = true)]
async fn a_handler_may_take_longer_than_an_idle_connection() {
    let mut connection = served(ConnectionLimits::default(), 65_536, |request| async {
        sleep(Duration::from_secs(200)).await;
        hello(request).await
    });

    connection.send(GET).await;

    connection.hello().await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stalls_is_closed_after_the_write_time() {
    let connection = served(ConnectionLimits::default(), 1_024, |_| async {
        Response::new(Full::from(vec![7; 1 << 20]))
    });
    let Served {
        mut client,
        server,
        phase: _phase,
    } = connection;
    let start = Instant::now();

    client.write_all(GET).await.unwrap();
    server.await.unwrap();

    assert_eq!(seconds(start), 30);
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_that_keeps_reading_gets_it_all() {
    let mut connection = served(ConnectionLimits::default(), 1_024, |_| async {
        Response::new(Full::from(vec![7; 20_000]))
    });
    connection
        .send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;

    let mut seen = 0;
    let mut chunk = [0; 512];
    loop {
        sleep(Duration::from_secs(20)).await;
        match connection.client.read(&mut chunk).await.unwrap() {
            0 => break,
            more => seen += more,
        }
    }

    assert!(seen > 20_000, "{seen}");
}

#[tokio::test(start_paused = true)]
async fn a_header_above_its_size_is_refused_with_431() {
    let head = |bytes: usize| format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "y".repeat(bytes));

    let mut below = served(ConnectionLimits::default(), 65_536, hello);
    below.send(head(16_000).as_bytes()).await;
    below.hello().await;
    let mut above = served(ConnectionLimits::default(), 65_536, hello);
    above.send(head(17_000).as_bytes()).await;

    assert!(above.rest().await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test(start_paused = true)]
async fn too_many_header_fields_are_refused_with_431() {
    for fields in [ConnectionLimits::default().header_fields, 20] {
        let limits = ConnectionLimits {
            header_fields: fields,
            ..ConnectionLimits::default()
        };
        let head = |count: u16| format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(usize::from(count)));

        let mut at_the_limit = served(limits, 65_536, hello);
        at_the_limit.send(head(fields).as_bytes()).await;
        at_the_limit.hello().await;
        let mut above = served(limits, 65_536, hello);
        above.send(head(fields + 1).as_bytes()).await;

        assert!(above.rest().await.starts_with("HTTP/1.1 431 "));
    }
}

#[tokio::test(start_paused = true)]
async fn an_unread_body_is_read_no_further_than_needed_and_the_answer_still_arrives() {
    let connection = served(ConnectionLimits::default(), 4_096, |_| async {
        let mut refusal = Response::new(Full::from("too large"));
        *refusal.status_mut() = hyper::StatusCode::PAYLOAD_TOO_LARGE;
        refusal
    });
    let Served {
        client,
        server,
        phase: _phase,
    } = connection;
    let (mut reader, mut writer) = tokio::io::split(client);

    let writing = tokio::spawn(async move {
        let head = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1073741824\r\n\r\n";
        writer.write_all(head.as_bytes()).await.unwrap();
        let mut sent = 0;
        while let Ok(Ok(more)) = timeout(Duration::from_secs(5), writer.write(&[7; 1_024])).await {
            sent += more;
        }
        sent
    });
    let mut answer = Vec::new();
    let _ = reader.read_to_end(&mut answer).await;
    server.await.unwrap();

    assert!(answer.starts_with(b"HTTP/1.1 413 "));
    assert!(answer.ends_with(b"too large"));
    drop(reader);
    let sent = writing.await.unwrap();
    assert!(sent < 64 * 1024, "{sent} bytes were taken");
}

#[tokio::test(start_paused = true)]
async fn every_request_bears_its_peer() {
    let mut connection = served(
        ConnectionLimits::default(),
        65_536,
        |request: Request<Incoming>| async move {
            let peer = request.extensions().get::<Peer>().copied();
            assert_eq!(peer.and_then(Peer::address), Some([192, 0, 2, 7].into()));
            hello(request).await
        },
    );

    for _ in 0..2 {
        connection.send(GET).await;
        connection.hello().await;
    }
}

#[tokio::test(start_paused = true)]
async fn draining_lets_the_begun_request_finish_and_closes_after_it() {
    let mut connection = served(ConnectionLimits::default(), 65_536, |request| async {
        sleep(Duration::from_secs(5)).await;
        hello(request).await
    });
    connection.send(GET).await;
    sleep(Duration::from_secs(1)).await;

    connection.phase.send_replace(Phase::Draining);

    let answer = connection.rest().await;
    assert!(answer.ends_with("hello"), "{answer}");
}
