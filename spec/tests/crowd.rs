//! People beside the administrator, of this organization and of another: put into the store behind the server's back.

use claviger_domain::UserId;
use claviger_service::{Clock as _, Origin};
use claviger_testkit::{Caller, TestServer};

use crate::tamper::Database;

/// A person with a personal token that has every scope; what it may do is what the person may.
pub(crate) struct Person {
    /// The handle, `usr_…`.
    pub(crate) id: String,
    /// The person, calling.
    pub(crate) caller: Caller,
}

/// People of the administrator's organization without any team. The server restarts, so that it knows them.
pub(crate) async fn newcomers<const N: usize>(server: &mut TestServer, emails: [&str; N]) -> [Person; N] {
    let database = Database::of(server).await;
    let org = database
        .rows("SELECT id FROM organization WHERE name = 'Example'")
        .await[0][0]
        .clone();
    for (number, email) in (1..).zip(emails) {
        insert(&database, number, &org, email, "member").await;
    }
    server.restart().await;
    let mut people = Vec::new();
    for (number, email) in (1..).zip(emails) {
        people.push(person(server, number, email).await);
    }
    people
        .try_into()
        .unwrap_or_else(|_| panic!("as many people as addresses"))
}

/// The super administrator of another organization in the same store. The server restarts, so that it knows them.
pub(crate) async fn stranger(server: &mut TestServer) -> Person {
    const ORG: &str = "500";
    const NUMBER: i64 = 501;
    let database = Database::of(server).await;
    let organization = format!("INSERT INTO organization (id, name, created_at) VALUES ({ORG}, 'Other', 0)");
    database.execute(&organization).await;
    insert(&database, NUMBER, ORG, "eve@example.com", "super_admin").await;
    server.restart().await;
    person(server, NUMBER, "eve@example.com").await
}

async fn insert(database: &Database, number: i64, org: &str, email: &str, role: &str) {
    let key = email.to_lowercase();
    let sql = format!(
        "INSERT INTO user_account (id, org_id, email, email_key, role, created_at) \
         VALUES ({number}, {org}, '{email}', '{key}', '{role}', 0)"
    );
    database.execute(&sql).await;
}

async fn person(server: &TestServer, number: i64, email: &str) -> Person {
    let origin = Origin {
        request_id: String::new(),
        address: None,
        presented_in: Default::default(),
        now: server.clock().now(),
    };
    let issued = server.service().reissue(&origin, email, None).await.unwrap();
    Person {
        id: UserId::from_i64(number).to_string(),
        caller: server.bearer(issued.secret.expose()),
    }
}

/// Rows of a table beyond what a test could ask for one by one: `columns` and their values for each `i` from 1 to `count`.
pub(crate) async fn flood(server: &TestServer, table: &str, columns: &str, values: &str, count: u32) {
    let sql = format!(
        "INSERT INTO {table} ({columns}) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         SELECT {values} FROM n"
    );
    Database::of(server).await.execute(&sql).await;
}
