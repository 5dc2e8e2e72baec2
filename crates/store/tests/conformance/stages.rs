//! Stages: a gap is opened and closed without two rows at one place, also in between.

use claviger_domain::stage::Stage;
use claviger_domain::{EnvironmentId, OrgId, StageId};
use claviger_store::{Store, StoreError, Tx, environments, organizations, stages};

use crate::home::{Home, NOW};
use crate::on_both_stores;
use crate::teams::{environment, label};
use crate::tokens::{ORG, store_with};

on_both_stores!(
    a_gap_is_opened_and_closed_in_one_organization_only,
    a_place_and_a_name_are_taken_once,
    a_stage_is_moved_by_way_of_the_place_aside,
);

const OTHER: OrgId = OrgId::from_i64(2);

fn stage(id: i64, org: OrgId, name: &str, position: u32) -> Stage {
    Stage {
        id: StageId::from_i64(id),
        org,
        name: label(name),
        environment: EnvironmentId::from_i64(org.get() + 29),
        position,
        created_at: NOW,
        updated_at: NOW,
    }
}

/// Two organizations, each with an environment and the stages a, b, c, d at the places 1, 2, 3, 4.
async fn store_of_stages(home: &Home) -> Store {
    let store = store_with(home, Vec::new()).await;
    let written = store.write(async |tx: &mut Tx| {
        organizations::insert(tx, OTHER, "Other", NOW).await?;
        for org in [ORG, OTHER] {
            environments::insert(tx, &environment(org.get() + 29, org, "staging")).await?;
            for (position, name) in (1..).zip(["a", "b", "c", "d"]) {
                let id = org.get() * 100 + i64::from(position);
                stages::insert(tx, &stage(id, org, name, position)).await?;
            }
        }
        Ok::<_, StoreError>(())
    });
    written.await.unwrap();
    store
}

async fn order(tx: &mut Tx, org: OrgId) -> Result<String, StoreError> {
    let found = stages::list(tx, org, 0, 100).await?;
    let words: Vec<String> = found
        .iter()
        .map(|stage| format!("{}{}", stage.name, stage.position))
        .collect();
    Ok(words.join(" "))
}

async fn a_gap_is_opened_and_closed_in_one_organization_only(home: Home) {
    let store = store_of_stages(&home).await;

    let done = store.write(async |tx: &mut Tx| {
        let mut seen = Vec::new();
        stages::open_gap(tx, ORG, 2).await?;
        seen.push(order(tx, ORG).await?);
        stages::insert(tx, &stage(109, ORG, "new", 2)).await?;
        seen.push(order(tx, ORG).await?);
        stages::delete(tx, StageId::from_i64(101)).await?;
        stages::close_gap(tx, ORG, 1).await?;
        seen.push(order(tx, ORG).await?);
        seen.push(order(tx, OTHER).await?);
        Ok::<_, StoreError>(seen)
    });

    let expected = ["a1 b3 c4 d5", "a1 new2 b3 c4 d5", "new1 b2 c3 d4", "a1 b2 c3 d4"];
    assert_eq!(done.await.unwrap(), expected);
}

async fn a_place_and_a_name_are_taken_once(home: Home) {
    let store = store_of_stages(&home).await;

    let place = store.write(async |tx: &mut Tx| stages::insert(tx, &stage(109, ORG, "new", 2)).await);
    let name = store.write(async |tx: &mut Tx| stages::insert(tx, &stage(109, ORG, "A", 5)).await);
    let environment =
        store.write(async |tx: &mut Tx| environments::delete(tx, EnvironmentId::from_i64(30)).await);

    for refused in [place.await, name.await, environment.await] {
        assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
    }
    let counts = store.read(async |tx: &mut Tx| {
        let all = stages::count(tx, ORG).await?;
        let there = stages::count_in(tx, EnvironmentId::from_i64(31)).await?;
        Ok::<_, StoreError>((all, there, stages::list(tx, ORG, 1, 2).await?))
    });
    let (all, there, part) = counts.await.unwrap();
    assert_eq!((all, there), (4, 4));
    assert_eq!(part, [stage(102, ORG, "b", 2), stage(103, ORG, "c", 3)]);
}

async fn a_stage_is_moved_by_way_of_the_place_aside(home: Home) {
    let store = store_of_stages(&home).await;

    let done = store.write(async |tx: &mut Tx| {
        let moved = stage(104, ORG, "last", 1);
        stages::put_aside(tx, moved.id).await?;
        stages::close_gap(tx, ORG, 4).await?;
        stages::open_gap(tx, ORG, 1).await?;
        stages::update(tx, &moved).await?;
        let found = stages::by_id(tx, moved.id).await?;
        Ok::<_, StoreError>((found, order(tx, ORG).await?))
    });

    let (found, order) = done.await.unwrap();
    assert_eq!(found, Some(stage(104, ORG, "last", 1)));
    assert_eq!(order, "last1 a2 b3 c4");
}
