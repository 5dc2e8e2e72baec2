//! Lists in the order of names, shared by the nouns whose names are unique in an organization.
//!
//! A page is cut by the normal form of the last name on it, so that rows which come or go meanwhile shift nothing.

use claviger_domain::OrgId;

use crate::dialect::prefix_end;
use crate::{StoreError, Tx, Value};

/// Which part of a list in the order of names.
#[derive(Debug, Clone, Default)]
pub struct NamePage {
    /// Only names whose normal form begins so.
    pub key_prefix: Option<String>,
    /// Only names whose normal form comes after this one.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// The conditions of a statement, and the parameters that they name.
pub(crate) struct Conditions {
    sql: String,
    params: Vec<Value>,
}

// === impl Conditions ===

impl Conditions {
    /// Rows of one organization.
    pub(crate) fn of(org: OrgId) -> Self {
        Self {
            sql: String::from("org_id = $1"),
            params: vec![org.into()],
        }
    }

    /// Notes a parameter; gives the word for it.
    pub(crate) fn param(&mut self, value: Value) -> String {
        self.params.push(value);
        format!("${}", self.params.len())
    }

    /// One condition more.
    pub(crate) fn and(&mut self, condition: &str) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
    }

    /// The conditions, order and length of a page; then the parameters.
    pub(crate) fn page(mut self, page: &NamePage) -> (String, Vec<Value>) {
        if let Some(prefix) = &page.key_prefix {
            let from = self.param(prefix.into());
            self.and(&format!("name_key >= {from}"));
            if let Some(end) = prefix_end(prefix) {
                let end = self.param(end.into());
                self.and(&format!("name_key < {end}"));
            }
        }
        if let Some(after) = &page.after {
            let after = self.param(after.into());
            self.and(&format!("name_key > {after}"));
        }
        let limit = self.param(page.limit.into());
        let sql = format!("{} ORDER BY name_key LIMIT {limit}", self.sql);
        (sql, self.params)
    }
}

/// The number that a statement counts.
pub(crate) async fn counted(tx: &mut Tx, sql: &'static str, of: Value) -> Result<u64, StoreError> {
    match tx.query_opt(sql, &[of]).await? {
        Some(row) => row.get(0),
        None => Ok(0),
    }
}
