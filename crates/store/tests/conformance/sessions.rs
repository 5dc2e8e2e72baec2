//! Sign-in sessions.

use claviger_domain::session::Session;
use claviger_domain::{OrgId, SessionId, Timestamp, UserId};
use claviger_store::sessions::{self, LiveAt};
use claviger_store::users::{self, UserRow};
use claviger_store::{Store, StoreError, Tx, organizations};
use claviger_token::Digest;

use crate::home::{Home, NOW};
use crate::on_both_stores;

on_both_stores!(
    a_session_is_read_as_it_was_written,
    live_sessions_are_listed_newest_first_and_paged,
    a_session_that_ended_is_neither_used_nor_ended_again,
    all_live_sessions_but_one_end_together,
    old_sessions_are_forgotten,
);

const ORG: OrgId = OrgId::from_i64(1);
const ADA: UserId = UserId::from_i64(2);
const BOB: UserId = UserId::from_i64(3);

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// Session `id`, last seen after `id` seconds, ending after a hundred.
fn session(id: i64, user: UserId) -> Session {
    Session {
        id: SessionId::from_i64(id),
        org: ORG,
        user,
        created_at: NOW,
        signed_in_at: NOW,
        last_seen_at: later(id),
        ends_at: later(100),
        address: (id % 2 == 0).then(|| "192.0.2.1".to_owned()),
        ended_at: None,
    }
}

/// Live in that many seconds, where idle is what was last seen by `idle_since`.
fn at(seconds: i64, idle_since: i64) -> LiveAt {
    LiveAt {
        now: later(seconds),
        idle_since: later(idle_since),
    }
}

fn ids(found: &[Session]) -> Vec<i64> {
    found.iter().map(|session| session.id.get()).collect()
}

/// A store with ada's sessions 10 to 13 and bob's 14.
async fn signed_in(home: &Home) -> Store {
    let store = home.open().await;
    let write = store.write(async |tx: &mut Tx| {
        organizations::insert(tx, ORG, "Example", NOW).await?;
        for (id, name) in [(ADA, "ada"), (BOB, "bob")] {
            let user = UserRow {
                id,
                org: ORG,
                email: format!("{name}@example.org"),
                email_key: format!("{name}@example.org"),
                name: None,
                name_key: None,
                role: "member".to_owned(),
                roles: None,
                created_at: NOW,
                deactivated_at: None,
                rate_limit: None,
            };
            users::insert(tx, &user).await?;
        }
        for (id, user) in [(10, ADA), (11, ADA), (12, ADA), (13, ADA), (14, BOB)] {
            let byte = u8::try_from(id).unwrap();
            sessions::insert(tx, &session(id, user), &digest(byte)).await?;
        }
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
    store
}

async fn a_session_is_read_as_it_was_written(home: Home) {
    let store = signed_in(&home).await;

    let write = store.write(async |tx: &mut Tx| {
        let found = sessions::by_digest(tx, &[digest(99), digest(10)]).await?;
        assert_eq!(found, Some(session(10, ADA)));
        assert_eq!(sessions::by_digest(tx, &[digest(99)]).await?, None);
        sessions::confirm(tx, SessionId::from_i64(11), &digest(50), later(60)).await?;
        let confirmed = Session {
            signed_in_at: later(60),
            last_seen_at: later(60),
            ..session(11, ADA)
        };
        assert_eq!(
            sessions::by_digest(tx, &[digest(50)]).await?,
            Some(confirmed.clone())
        );
        assert_eq!(
            sessions::by_digest(tx, &[digest(11)]).await?,
            None,
            "the old secret"
        );
        assert_eq!(sessions::by_id(tx, confirmed.id).await?, Some(confirmed));
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn live_sessions_are_listed_newest_first_and_paged(home: Home) {
    let store = signed_in(&home).await;

    let read = store.read(async |tx: &mut Tx| {
        let mut live = async |at, before: Option<i64>, limit| {
            let before = before.map(SessionId::from_i64);
            let found = sessions::live_of(tx, ADA, at, before, limit).await?;
            Ok::<_, StoreError>(ids(&found))
        };
        assert_eq!(live(at(99, 9), None, 10).await?, [13, 12, 11, 10]);
        assert_eq!(live(at(99, 9), None, 2).await?, [13, 12]);
        assert_eq!(live(at(99, 9), Some(12), 2).await?, [11, 10]);
        assert_eq!(live(at(99, 11), None, 10).await?, [13, 12], "the others are idle");
        assert_eq!(live(at(100, 9), None, 10).await?, Vec::<i64>::new(), "too old");
        Ok::<_, StoreError>(())
    });
    read.await.unwrap();
}

async fn a_session_that_ended_is_neither_used_nor_ended_again(home: Home) {
    let store = signed_in(&home).await;
    let id = SessionId::from_i64(10);

    let write = store.write(async move |tx: &mut Tx| {
        sessions::touch(tx, id, later(20)).await?;
        sessions::touch(tx, id, later(15)).await?;
        let seen = sessions::by_id(tx, id).await?.unwrap();
        assert_eq!(seen.last_seen_at, later(20), "time does not go back");

        sessions::end(tx, id, later(30)).await?;
        sessions::end(tx, id, later(40)).await?;
        sessions::touch(tx, id, later(50)).await?;

        let ended = Session {
            ended_at: Some(later(30)),
            ..seen
        };
        assert_eq!(sessions::by_id(tx, id).await?, Some(ended));
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn all_live_sessions_but_one_end_together(home: Home) {
    let store = signed_in(&home).await;
    let id = SessionId::from_i64;

    let write = store.write(async move |tx: &mut Tx| {
        sessions::end(tx, id(13), later(30)).await?;
        let ended = sessions::end_all(tx, ADA, Some(id(12)), at(50, 10)).await?;
        assert_eq!(ended, [id(11)], "10 was idle, 13 had ended");
        assert_eq!(
            sessions::end_all(tx, ADA, None, at(60, 0)).await?,
            [id(10), id(12)]
        );
        assert_eq!(sessions::end_all(tx, ADA, None, at(60, 0)).await?, []);
        let bobs = sessions::live_of(tx, BOB, at(60, 0), None, 10).await?;
        assert_eq!(ids(&bobs), [14]);
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn old_sessions_are_forgotten(home: Home) {
    let store = signed_in(&home).await;

    let write = store.write(async |tx: &mut Tx| {
        assert_eq!(sessions::purge(tx, later(100)).await?, 0);
        assert_eq!(sessions::purge(tx, later(101)).await?, 5);
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}
