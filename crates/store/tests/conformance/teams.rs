//! Teams, memberships, services and environments: names that the index decides, lists by name, power by membership.

use claviger_domain::authority::Reach;
use claviger_domain::environment::Environment;
use claviger_domain::name::{Description, Label};
use claviger_domain::owner::{Membership, TeamRole};
use claviger_domain::service::Service;
use claviger_domain::team::Team;
use claviger_domain::{EnvironmentId, OrgId, ServiceId, TeamId, UserId};
use claviger_store::services::ServiceFilter;
use claviger_store::teams::TeamFilter;
use claviger_store::{NamePage, Store, StoreError, Tx, environments, organizations, services, teams};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::tokens::{ORG, store_with};

on_both_stores!(
    what_is_kept_is_read_back_and_changed,
    a_name_is_taken_in_its_organization_only,
    a_list_is_by_name_within_its_reaches_and_in_pages,
    services_are_found_by_team_and_within_their_reaches,
    a_membership_is_set_changed_and_ended,
    a_team_goes_with_its_memberships_and_not_with_its_services,
    environments_are_kept_listed_and_dropped,
);

const OTHER: OrgId = OrgId::from_i64(2);

pub(crate) fn label(text: &str) -> Label {
    Label::parse("name", text).unwrap()
}

fn team(id: i64, org: OrgId, name: &str) -> Team {
    Team {
        id: TeamId::from_i64(id),
        org,
        name: label(name),
        description: Description::parse("description", "two\nlines").unwrap(),
        members: 0,
        services: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}

fn service(id: i64, team: i64, name: &str) -> Service {
    Service {
        id: ServiceId::from_i64(id),
        org: ORG,
        team: TeamId::from_i64(team),
        name: label(name),
        description: Description::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn environment(id: i64, org: OrgId, name: &str) -> Environment {
    Environment {
        id: EnvironmentId::from_i64(id),
        org,
        name: label(name),
        is_production: name == "production",
        description: Description::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

/// A store with two organizations, these teams and these services.
async fn store_of(home: &Home, rows: Vec<Team>, owned: Vec<Service>) -> Store {
    let store = store_with(home, Vec::new()).await;
    store
        .write(async move |tx: &mut Tx| {
            organizations::insert(tx, OTHER, "Other", NOW).await?;
            for row in &rows {
                teams::insert(tx, row).await?;
            }
            for row in &owned {
                services::insert(tx, row).await?;
            }
            Ok::<_, StoreError>(())
        })
        .await
        .unwrap();
    store
}

/// Puts people with these numbers into [`ORG`].
async fn people(store: &Store, numbers: &'static [i64]) {
    let inserted = store.write(async move |tx: &mut Tx| {
        for number in numbers {
            let sql = "INSERT INTO user_account (id, org_id, email, email_key, role, created_at) VALUES ($1, 1, $2, $2, 'member', 0)";
            // The later the number, the earlier the address.
            let email = format!("u{}@example.org", 100 - number);
            tx.execute(sql, &[(*number).into(), email.into()]).await?;
        }
        Ok::<_, StoreError>(())
    });
    inserted.await.unwrap();
}

async fn team_names(store: &Store, within: [Reach; 2], page: NamePage) -> Vec<String> {
    let filter = TeamFilter {
        org: ORG,
        within,
        page,
    };
    let found = store.read(async move |tx: &mut Tx| teams::list(tx, &filter).await);
    let found = found.await.unwrap();
    found.into_iter().map(|team| team.name.into_string()).collect()
}

fn everything() -> [Reach; 2] {
    [Reach::Everything, Reach::Everything]
}

fn parts(teams: &[i64], services: &[i64]) -> Reach {
    Reach::Parts {
        teams: teams.iter().copied().map(TeamId::from_i64).collect(),
        services: services.iter().copied().map(ServiceId::from_i64).collect(),
    }
}

fn page(prefix: Option<&str>, after: Option<&str>, limit: u32) -> NamePage {
    NamePage {
        key_prefix: prefix.map(str::to_owned),
        after: after.map(str::to_owned),
        limit,
    }
}

async fn what_is_kept_is_read_back_and_changed(home: Home) {
    let (kept, owned) = (team(5, ORG, "Größe ﬁ 👩"), service(6, 5, "checkout"));
    let store = store_of(&home, vec![kept.clone()], vec![owned.clone()]).await;

    let read = store.read(async |tx: &mut Tx| {
        let team = teams::by_id(tx, TeamId::from_i64(5)).await?;
        let service = services::by_id(tx, ServiceId::from_i64(6)).await?;
        let missing = teams::by_id(tx, TeamId::from_i64(6)).await?;
        Ok::<_, StoreError>((team, service, missing, services::teams_of_all(tx).await?))
    });
    let (found, found_service, missing, owners) = read.await.unwrap();

    assert_eq!(
        found,
        Some(Team {
            services: 1,
            ..kept.clone()
        })
    );
    assert_eq!((found_service, missing), (Some(owned.clone()), None));
    assert_eq!(owners, [(owned.id, kept.id)]);
    let (mut renamed, mut moved) = (kept, owned);
    renamed.name = label("other");
    renamed.updated_at = NOW + std::time::Duration::from_secs(1);
    moved.description = Description::parse("description", "new").unwrap();
    let (expected, expected_service) = (renamed.clone(), moved.clone());
    let changed = store.write(async move |tx: &mut Tx| {
        teams::update(tx, &renamed).await?;
        services::update(tx, &moved).await?;
        let team = teams::by_id(tx, renamed.id).await?;
        Ok::<_, StoreError>((team, services::by_id(tx, moved.id).await?))
    });
    let (found, found_service) = changed.await.unwrap();
    assert_eq!(
        found,
        Some(Team {
            services: 1,
            ..expected
        })
    );
    assert_eq!(found_service, Some(expected_service));
}

async fn a_name_is_taken_in_its_organization_only(home: Home) {
    let rows = vec![
        team(5, ORG, "Payments"),
        team(6, OTHER, "payments"),
        team(7, ORG, "search"),
    ];
    let store = store_of(&home, rows, vec![service(8, 5, "checkout")]).await;

    let second = store.write(async |tx: &mut Tx| teams::insert(tx, &team(9, ORG, "PAYMENTS")).await);
    assert!(matches!(second.await, Err(StoreError::Conflict(_))));
    let renamed = store.write(async |tx: &mut Tx| teams::update(tx, &team(7, ORG, "payments")).await);
    assert!(matches!(renamed.await, Err(StoreError::Conflict(_))));
    let second = store.write(async |tx: &mut Tx| services::insert(tx, &service(9, 7, "Checkout")).await);
    assert!(matches!(second.await, Err(StoreError::Conflict(_))));
    let counts = store.read(async |tx: &mut Tx| {
        Ok::<_, StoreError>((
            teams::count(tx, ORG).await?,
            teams::count(tx, OTHER).await?,
            services::count(tx, ORG).await?,
        ))
    });
    assert_eq!(counts.await.unwrap(), (2, 1, 1));
}

async fn a_list_is_by_name_within_its_reaches_and_in_pages(home: Home) {
    let names = ["search", "Payments", "platform", "paging", "ﬁle"];
    let rows = (5..).zip(names).map(|(id, name)| team(id, ORG, name));
    let rows = rows.chain([team(20, OTHER, "pa hidden")]).collect();
    let store = store_of(&home, rows, Vec::new()).await;

    for (prefix, after, limit, expected) in [
        (
            None,
            None,
            9,
            &["ﬁle", "paging", "Payments", "platform", "search"][..],
        ),
        (None, None, 2, &["ﬁle", "paging"]),
        (None, Some("paging"), 2, &["Payments", "platform"]),
        (Some("pa"), None, 9, &["paging", "Payments"]),
        (Some("pa"), Some("paging"), 9, &["Payments"]),
        (Some(""), None, 1, &["ﬁle"]),
        (Some("x"), None, 9, &[]),
        (None, Some("search"), 9, &[]),
    ] {
        let found = team_names(&store, everything(), page(prefix, after, limit)).await;
        assert_eq!(found, expected, "{prefix:?} {after:?} {limit}");
    }
    for (first, second, expected) in [
        (
            parts(&[5, 6], &[]),
            Reach::Everything,
            &["Payments", "search"][..],
        ),
        (parts(&[5, 6], &[]), parts(&[6, 7], &[]), &["Payments"]),
        (Reach::Everything, parts(&[20], &[]), &[]),
        (parts(&[], &[7]), Reach::Everything, &[]),
    ] {
        let found = team_names(&store, [first, second], page(None, None, 9)).await;
        assert_eq!(found, expected);
    }
}

async fn services_are_found_by_team_and_within_their_reaches(home: Home) {
    let owned = vec![
        service(10, 5, "index"),
        service(11, 6, "Checkout"),
        service(12, 5, "crawler"),
        service(13, 6, "ledger"),
    ];
    let store = store_of(
        &home,
        vec![team(5, ORG, "search"), team(6, ORG, "payments")],
        owned,
    )
    .await;

    for (within, team, prefix, expected) in [
        (
            everything(),
            None,
            None,
            &["Checkout", "crawler", "index", "ledger"][..],
        ),
        (everything(), Some(5), None, &["crawler", "index"]),
        (everything(), Some(5), Some("c"), &["crawler"]),
        (everything(), Some(7), None, &[]),
        (
            [parts(&[6], &[10]), Reach::Everything],
            None,
            None,
            &["Checkout", "index", "ledger"],
        ),
        (
            [parts(&[6], &[10]), parts(&[], &[10, 11])],
            None,
            None,
            &["Checkout", "index"],
        ),
        ([parts(&[], &[]), Reach::Everything], None, None, &[]),
    ] {
        let filter = ServiceFilter {
            org: ORG,
            within,
            team: team.map(TeamId::from_i64),
            page: page(prefix, None, 9),
        };
        let found = store.read(async move |tx: &mut Tx| services::list(tx, &filter).await);
        let found: Vec<String> = found
            .await
            .unwrap()
            .into_iter()
            .map(|service| service.name.into_string())
            .collect();
        assert_eq!(found, expected);
    }
}

async fn a_membership_is_set_changed_and_ended(home: Home) {
    let store = store_of(
        &home,
        vec![team(5, ORG, "search"), team(6, ORG, "payments")],
        Vec::new(),
    )
    .await;
    people(&store, &[71, 72]).await;
    let (search, payments) = (TeamId::from_i64(5), TeamId::from_i64(6));
    let (ada, ben) = (UserId::from_i64(71), UserId::from_i64(72));
    let later = NOW + std::time::Duration::from_secs(1);

    let written = store.write(async move |tx: &mut Tx| {
        teams::put_member(tx, search, ada, TeamRole::Member, NOW).await?;
        teams::put_member(tx, payments, ada, TeamRole::Member, NOW).await?;
        teams::put_member(tx, search, ben, TeamRole::Manager, NOW).await?;
        teams::put_member(tx, search, ada, TeamRole::Manager, later).await?;
        teams::remove_member(tx, search, ben).await?;
        teams::put_member(tx, search, ben, TeamRole::Member, later).await?;
        tx.execute("UPDATE team_member SET role = 'captain' WHERE team_id = 6", &[])
            .await
    });
    written.await.unwrap();

    let read = store.read(async move |tx: &mut Tx| {
        let of_ada = teams::memberships_of(tx, ada).await?;
        let all = teams::all_memberships(tx).await?;
        let listed = teams::members(tx, search).await?;
        let one = teams::member(tx, search, ada).await?;
        let strange = teams::member(tx, payments, ada).await?;
        let counted = teams::by_id(tx, search).await?.map(|team| team.members);
        Ok::<_, StoreError>((of_ada, all, listed, one, strange, counted))
    });
    let (of_ada, mut all, listed, one, strange, counted) = read.await.unwrap();
    let membership = |role| Membership { team: search, role };
    assert_eq!(
        of_ada,
        [membership(TeamRole::Manager)],
        "a role of a later version has no power"
    );
    all.sort_by_key(|(user, _)| *user);
    assert_eq!(
        all,
        [
            (ada, membership(TeamRole::Manager)),
            (ben, membership(TeamRole::Member))
        ]
    );
    let listed: Vec<_> = listed
        .iter()
        .map(|member| (member.user, member.email.as_str(), member.since))
        .collect();
    assert_eq!(
        listed,
        [(ben, "u28@example.org", later), (ada, "u29@example.org", NOW)]
    );
    assert_eq!((one, strange), (Some((TeamRole::Manager, NOW)), None));
    assert_eq!(counted, Some(2));
}

async fn a_team_goes_with_its_memberships_and_not_with_its_services(home: Home) {
    let store = store_of(&home, vec![team(5, ORG, "search")], vec![service(10, 5, "index")]).await;
    people(&store, &[71]).await;
    let (search, ada) = (TeamId::from_i64(5), UserId::from_i64(71));
    let joined =
        store.write(async move |tx: &mut Tx| teams::put_member(tx, search, ada, TeamRole::Member, NOW).await);
    joined.await.unwrap();

    let refused = store
        .write(async move |tx: &mut Tx| teams::delete(tx, search).await)
        .await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    let memberships = store
        .read(async move |tx: &mut Tx| teams::memberships_of(tx, ada).await)
        .await
        .unwrap();
    assert_eq!(memberships.len(), 1, "nothing was changed");

    let deleted = store.write(async move |tx: &mut Tx| {
        services::delete(tx, ServiceId::from_i64(10)).await?;
        teams::delete(tx, search).await?;
        let left = teams::memberships_of(tx, ada).await?;
        Ok::<_, StoreError>((left, teams::by_id(tx, search).await?))
    });
    assert_eq!(deleted.await.unwrap(), (Vec::new(), None));
}

async fn environments_are_kept_listed_and_dropped(home: Home) {
    let store = store_of(&home, Vec::new(), Vec::new()).await;
    let kept = [
        environment(30, ORG, "staging"),
        environment(31, ORG, "production"),
        environment(32, OTHER, "staging"),
    ];
    let expected = kept.clone();
    let written = store.write(async move |tx: &mut Tx| {
        for row in &kept {
            environments::insert(tx, row).await?;
        }
        Ok::<_, StoreError>(())
    });
    written.await.unwrap();

    let taken =
        store.write(async |tx: &mut Tx| environments::insert(tx, &environment(33, ORG, "STAGING")).await);
    assert!(matches!(taken.await, Err(StoreError::Conflict(_))));
    let listed = store.read(async |tx: &mut Tx| environments::list(tx, ORG, &page(None, None, 9)).await);
    assert_eq!(listed.await.unwrap(), [expected[1].clone(), expected[0].clone()]);
    let mut changed = expected[0].clone();
    changed.is_production = true;
    let wanted = changed.clone();
    let done = store.write(async move |tx: &mut Tx| {
        environments::update(tx, &changed).await?;
        let found = environments::by_id(tx, changed.id).await?;
        environments::delete(tx, changed.id).await?;
        let gone = environments::by_id(tx, changed.id).await?;
        Ok::<_, StoreError>((found, gone, environments::count(tx, ORG).await?))
    });
    assert_eq!(done.await.unwrap(), (Some(wanted), None, 1));
}
