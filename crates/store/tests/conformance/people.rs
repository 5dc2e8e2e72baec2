//! People, their passwords, and the invitations by which they come.

use claviger_domain::owner::{Membership, Principal, Role, TeamRole};
use claviger_domain::person::Invitation;
use claviger_domain::{InvitationId, OrgId, TeamId, Timestamp, UserId};
use claviger_store::invitations::{self, InvitationFilter};
use claviger_store::passwords::{self, PasswordRow, ResetRow};
use claviger_store::users::{self, UserFilter, UserRow};
use claviger_store::{Store, StoreError, Tx, organizations};
use claviger_token::{Digest, PepperId};

use crate::home::{Home, NOW};
use crate::on_both_stores;

on_both_stores!(
    people_are_filtered_and_paged,
    a_changed_person_is_read_as_changed,
    a_password_is_replaced_moved_and_forgotten,
    a_reset_ends_with_the_next_one,
    an_invitation_is_read_as_it_was_written,
    an_invitation_is_accepted_once,
    a_new_invitation_takes_the_older_ones_of_its_address_back,
);

const ORG: OrgId = OrgId::from_i64(1);

fn later(seconds: i64) -> Timestamp {
    Timestamp::from_micros(NOW.micros() + seconds * 1_000_000)
}

fn user(id: i64, name: &str) -> UserRow {
    UserRow {
        id: UserId::from_i64(id),
        org: ORG,
        email: format!("{name}@Example.org"),
        email_key: format!("{name}@example.org"),
        name: None,
        name_key: None,
        role: "member".to_owned(),
        created_at: NOW,
        deactivated_at: None,
        roles: None,
        rate_limit: None,
    }
}

fn invitation(id: i64, teams: Vec<Membership>) -> Invitation {
    Invitation {
        id: InvitationId::from_i64(id),
        org: ORG,
        email: "Dan@Example.org".to_owned(),
        role: Role::Member,
        teams,
        created_by: Principal::User(UserId::from_i64(2)),
        created_at: NOW,
        expires_at: later(100),
        accepted_at: None,
        withdrawn_at: None,
    }
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

/// A store with ada (an administrator, with a name), bob (deactivated) and carol.
async fn peopled(home: &Home) -> Store {
    let store = home.open().await;
    let ada = UserRow {
        role: "super_admin".to_owned(),
        name: Some("Lovelace".to_owned()),
        name_key: Some("lovelace".to_owned()),
        ..user(2, "ada")
    };
    let bob = UserRow {
        deactivated_at: Some(NOW),
        role: "super_admin".to_owned(),
        ..user(3, "bob")
    };
    let people = [ada, bob, user(4, "carol")];
    let write = store.write(async move |tx: &mut Tx| {
        organizations::insert(tx, ORG, "Example", NOW).await?;
        for row in &people {
            users::insert(tx, row).await?;
        }
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
    store
}

async fn people_are_filtered_and_paged(home: Home) {
    let store = peopled(&home).await;
    let all = UserFilter {
        org: ORG,
        role: None,
        active: None,
        key_prefix: None,
        after: None,
        limit: 10,
    };
    let found = async |filter: UserFilter| {
        let rows = store.read(async move |tx: &mut Tx| users::list(tx, &filter).await);
        let rows = rows.await.unwrap();
        rows.iter().map(|row| row.id.get()).collect::<Vec<_>>()
    };
    let with = |prefix: &str| UserFilter {
        key_prefix: Some(prefix.to_owned()),
        ..all.clone()
    };

    assert_eq!(found(all.clone()).await, [2, 3, 4]);
    assert_eq!(
        found(UserFilter {
            role: Some("member"),
            ..all.clone()
        })
        .await,
        [4]
    );
    assert_eq!(
        found(UserFilter {
            active: Some(true),
            ..all.clone()
        })
        .await,
        [2, 4]
    );
    assert_eq!(
        found(UserFilter {
            active: Some(false),
            ..all.clone()
        })
        .await,
        [3]
    );
    assert_eq!(found(with("love")).await, [2]);
    assert_eq!(found(with("b")).await, [3]);
    assert_eq!(found(with("%")).await, Vec::<i64>::new());
    assert_eq!(found(with("")).await, [2, 3, 4]);
    let page = UserFilter {
        after: Some(UserId::from_i64(2)),
        limit: 1,
        ..all.clone()
    };
    assert_eq!(found(page).await, [3]);
    let org = OrgId::from_i64(9);
    assert_eq!(found(UserFilter { org, ..all }).await, Vec::<i64>::new());
    let others = store
        .read(async |tx: &mut Tx| users::others_with_role(tx, ORG, "super_admin", UserId::from_i64(4)).await);
    assert_eq!(others.await.unwrap(), 1, "bob may not act");
}

async fn a_changed_person_is_read_as_changed(home: Home) {
    let store = peopled(&home).await;
    let changed = UserRow {
        name: Some("Caro".to_owned()),
        name_key: Some("caro".to_owned()),
        role: "super_admin".to_owned(),
        deactivated_at: Some(later(5)),
        rate_limit: Some("{}".to_owned()),
        ..user(4, "carol")
    };
    let written = changed.clone();
    let write = store.write(async move |tx: &mut Tx| users::update(tx, &written).await);
    write.await.unwrap();

    let read = store.read(async |tx: &mut Tx| {
        let carol = users::by_id(tx, UserId::from_i64(4)).await?;
        let taken = users::email_is_taken(tx, ORG, "carol@example.org").await?;
        let elsewhere = users::email_is_taken(tx, OrgId::from_i64(9), "carol@example.org").await?;
        Ok::<_, StoreError>((carol, taken, elsewhere))
    });
    assert_eq!(read.await.unwrap(), (Some(changed), true, false));
}

async fn a_password_is_replaced_moved_and_forgotten(home: Home) {
    let store = peopled(&home).await;
    let (ada, bob) = (UserId::from_i64(2), UserId::from_i64(3));
    let row = |hash: &str, pepper| PasswordRow {
        hash: hash.to_owned(),
        pepper: PepperId::from_u32(pepper),
    };
    let (old, new) = (PepperId::from_u32(u32::MAX), PepperId::from_u32(7));
    let (first, second, moved) = (row("first", u32::MAX), row("second", u32::MAX), row("moved", 7));

    let write = store.write(async move |tx: &mut Tx| {
        assert_eq!(passwords::get(tx, ada).await?, None);
        passwords::put(tx, ada, &first, NOW).await?;
        passwords::put(tx, bob, &first, NOW).await?;
        passwords::put(tx, ada, &second, later(1)).await?;
        assert_eq!(passwords::get(tx, ada).await?, Some(second.clone()));
        assert_eq!(passwords::having(tx, &[ada, UserId::from_i64(4)]).await?, [ada]);
        assert_eq!(passwords::count_with_pepper(tx, old).await?, 1, "bob may not act");

        passwords::rehash(tx, ada, &first, &moved).await?;
        assert_eq!(
            passwords::get(tx, ada).await?,
            Some(second.clone()),
            "it was changed meanwhile"
        );
        passwords::rehash(tx, ada, &second, &moved).await?;
        assert_eq!(passwords::get(tx, ada).await?, Some(moved));

        passwords::forget_with_pepper(tx, old).await?;
        assert_eq!(passwords::get(tx, bob).await?, None);
        assert_eq!(passwords::count_with_pepper(tx, new).await?, 1);
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn a_reset_ends_with_the_next_one(home: Home) {
    let store = peopled(&home).await;
    let carol = UserId::from_i64(4);
    let reset = move |byte| ResetRow {
        digest: digest(byte),
        user: carol,
        created_at: NOW,
        expires_at: later(100),
        ended_at: None,
    };

    let write = store.write(async move |tx: &mut Tx| {
        passwords::insert_reset(tx, &reset(1)).await?;
        passwords::end_resets(tx, carol, later(1), NOW).await?;
        passwords::insert_reset(tx, &reset(2)).await?;
        let ended = ResetRow {
            ended_at: Some(later(1)),
            ..reset(1)
        };
        assert_eq!(
            passwords::reset_by_digest(tx, &[digest(9), digest(1)]).await?,
            Some(ended)
        );
        assert_eq!(
            passwords::reset_by_digest(tx, &[digest(2)]).await?,
            Some(reset(2))
        );
        passwords::end_resets(tx, carol, later(200), later(101)).await?;
        assert_eq!(
            passwords::reset_by_digest(tx, &[digest(1), digest(2)]).await?,
            None
        );
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn an_invitation_is_read_as_it_was_written(home: Home) {
    let store = peopled(&home).await;
    let of = |team, role| Membership {
        team: TeamId::from_i64(team),
        role,
    };
    let plain = invitation(10, vec![]);
    let teamed = Invitation {
        created_by: Principal::Token(claviger_domain::TokenId::from_i64(77)),
        ..invitation(11, vec![of(5, TeamRole::Manager), of(6, TeamRole::Member)])
    };
    let list = |created_by, open_at| InvitationFilter {
        org: ORG,
        created_by,
        open_at,
        before: None,
        limit: 10,
    };

    let write = store.write(async move |tx: &mut Tx| {
        for (row, byte) in [(&plain, 1), (&teamed, 2)] {
            invitations::insert(tx, row, "dan@example.org", &digest(byte)).await?;
        }
        assert_eq!(invitations::by_id(tx, teamed.id).await?, Some(teamed.clone()));
        assert_eq!(
            invitations::by_digest(tx, &[digest(9), digest(1)]).await?,
            Some(plain.clone())
        );
        assert_eq!(invitations::by_digest(tx, &[digest(9)]).await?, None);
        let both = [teamed.clone(), plain.clone()];
        assert_eq!(invitations::list(tx, &list(None, Some(NOW))).await?, both);
        assert_eq!(invitations::list(tx, &list(None, Some(later(100)))).await?, []);
        assert_eq!(
            invitations::list(tx, &list(Some(plain.created_by), None)).await?,
            [plain]
        );
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn an_invitation_is_accepted_once(home: Home) {
    let store = peopled(&home).await;
    let (first, second) = (invitation(10, vec![]), invitation(11, vec![]));

    let write = store.write(async move |tx: &mut Tx| {
        for (row, byte) in [(&first, 1), (&second, 2)] {
            invitations::insert(tx, row, "dan@example.org", &digest(byte)).await?;
        }
        assert!(invitations::accept(tx, first.id, later(1)).await?);
        assert!(!invitations::accept(tx, first.id, later(2)).await?);
        invitations::withdraw(tx, first.id, later(2)).await?;
        invitations::withdraw(tx, second.id, later(2)).await?;
        assert!(!invitations::accept(tx, second.id, later(3)).await?);
        let ends = async |tx: &mut Tx, id| {
            let row = invitations::by_id(tx, id).await?.unwrap();
            Ok::<_, StoreError>((row.accepted_at, row.withdrawn_at))
        };
        assert_eq!(ends(tx, first.id).await?, (Some(later(1)), None));
        assert_eq!(ends(tx, second.id).await?, (None, Some(later(2))));
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}

async fn a_new_invitation_takes_the_older_ones_of_its_address_back(home: Home) {
    let store = peopled(&home).await;
    let (first, second) = (invitation(10, vec![]), invitation(11, vec![]));

    let write = store.write(async move |tx: &mut Tx| {
        invitations::insert(tx, &first, "dan@example.org", &digest(1)).await?;
        invitations::insert(tx, &second, "eve@example.org", &digest(2)).await?;
        let maker = Some(Principal::User(UserId::from_i64(3)));
        let foreign = invitations::withdraw_of_address(tx, ORG, "dan@example.org", maker, later(1)).await?;
        assert_eq!(foreign, [], "it is another maker's");
        let taken = invitations::withdraw_of_address(tx, ORG, "dan@example.org", None, later(1)).await?;
        assert_eq!(taken, [first.id]);
        let again = invitations::withdraw_of_address(tx, ORG, "dan@example.org", None, later(1)).await?;
        assert_eq!(again, []);
        let late = invitations::withdraw_of_address(tx, ORG, "eve@example.org", None, later(100)).await?;
        assert_eq!(late, [], "it had run out");
        Ok::<_, StoreError>(())
    });
    write.await.unwrap();
}
