//! Values that go into statements, and rows that come out of them, the same for both databases.
//!
//! Only the types that SQLite and PostgreSQL share: 64-bit integers (times in µs, ids), floats, text, bytes. Every repository
//! binds [`Value`]s and reads [`Row`]s; neither driver's types leave this room.

use claviger_domain::{
    CalendarFeedId, DeliveryId, DeploymentId, EnvironmentId, InvitationId, OrgId, OwnerId, ServiceId,
    SessionId, StageId, TeamId, Timestamp, TokenId, UserId, WebhookId,
};

use crate::StoreError;

/// One bound parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// BIGINT.
    I64(i64),
    /// DOUBLE PRECISION.
    F64(f64),
    /// BOOLEAN, which SQLite keeps as 0 or 1.
    Bool(bool),
    /// TEXT. U+0000 is refused, because PostgreSQL cannot keep it.
    Text(String),
    /// BLOB or BYTEA.
    Blob(Vec<u8>),
}

/// One column of a row, borrowed from it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValueRef<'r> {
    /// NULL.
    Null,
    /// BIGINT.
    I64(i64),
    /// DOUBLE PRECISION.
    F64(f64),
    /// BOOLEAN.
    Bool(bool),
    /// TEXT.
    Text(&'r str),
    /// BLOB or BYTEA.
    Blob(&'r [u8]),
}

/// One row of an answer.
#[derive(Debug)]
pub struct Row<'r>(pub(crate) Source<'r>);

/// Where a row's columns are.
#[derive(Debug)]
pub(crate) enum Source<'r> {
    /// Copied out of SQLite's statement.
    Owned(Vec<Value>),
    /// Still in SQLite's statement, while rows are streamed.
    Sqlite(&'r rusqlite::Row<'r>),
    /// In the message that PostgreSQL sent.
    Postgres(tokio_postgres::Row),
}

/// What a column can be read as.
pub trait FromValue<'r>: Sized {
    /// The value, or `None` when the column holds something else.
    fn from_value(value: ValueRef<'r>) -> Option<Self>;
}

// === impl Row ===

impl Row<'_> {
    /// The column at `index`, counted from 0.
    ///
    /// # Errors
    /// [`StoreError::Internal`] when there is no such column or it holds another type.
    pub fn get<'s, T: FromValue<'s>>(&'s self, index: usize) -> Result<T, StoreError> {
        let value = self.value(index)?;
        T::from_value(value).ok_or_else(|| {
            let wanted = std::any::type_name::<T>();
            StoreError::internal(format_args!("column {index} is {}, not {wanted}", value.kind()))
        })
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, StoreError> {
        match &self.0 {
            Source::Owned(values) => match values.get(index) {
                Some(value) => Ok(value.borrow()),
                None => Err(StoreError::internal(format_args!("there is no column {index}"))),
            },
            Source::Sqlite(row) => row
                .get_ref(index)
                .map_err(StoreError::internal)
                .and_then(ValueRef::from_sqlite),
            Source::Postgres(row) => row.try_get(index).map_err(StoreError::internal),
        }
    }
}

// === impl Value ===

impl Value {
    /// The value, borrowed.
    pub(crate) fn borrow(&self) -> ValueRef<'_> {
        match self {
            Self::Null => ValueRef::Null,
            Self::I64(number) => ValueRef::I64(*number),
            Self::F64(number) => ValueRef::F64(*number),
            Self::Bool(truth) => ValueRef::Bool(*truth),
            Self::Text(text) => ValueRef::Text(text),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }
    }
}

// === impl ValueRef ===

impl<'r> ValueRef<'r> {
    pub(crate) fn from_sqlite(value: rusqlite::types::ValueRef<'r>) -> Result<Self, StoreError> {
        use rusqlite::types::ValueRef as Stored;
        Ok(match value {
            Stored::Null => Self::Null,
            Stored::Integer(number) => Self::I64(number),
            Stored::Real(number) => Self::F64(number),
            Stored::Text(bytes) => Self::Text(std::str::from_utf8(bytes).map_err(StoreError::internal)?),
            Stored::Blob(bytes) => Self::Blob(bytes),
        })
    }

    pub(crate) fn to_owned_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::I64(number) => Value::I64(number),
            Self::F64(number) => Value::F64(number),
            Self::Bool(truth) => Value::Bool(truth),
            Self::Text(text) => Value::Text(text.to_owned()),
            Self::Blob(bytes) => Value::Blob(bytes.to_vec()),
        }
    }

    pub(crate) const fn kind(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::I64(_) => "an integer",
            Self::F64(_) => "a float",
            Self::Bool(_) => "a boolean",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
        }
    }
}

// === conversions ===

macro_rules! into_value {
    ($($type:ty => |$value:ident| $made:expr;)+) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )+};
}

into_value! {
    i64 => |value| Self::I64(value);
    u32 => |value| Self::I64(i64::from(value));
    f64 => |value| Self::F64(value);
    bool => |value| Self::Bool(value);
    &str => |value| Self::Text(value.to_owned());
    &String => |value| Self::Text(value.clone());
    String => |value| Self::Text(value);
    &[u8] => |value| Self::Blob(value.to_vec());
    &[u8; 32] => |value| Self::Blob(value.to_vec());
    Vec<u8> => |value| Self::Blob(value);
    Timestamp => |value| Self::I64(value.micros());
    TokenId => |value| Self::I64(value.get());
    UserId => |value| Self::I64(value.get());
    OrgId => |value| Self::I64(value.get());
    OwnerId => |value| Self::I64(value.get());
    DeploymentId => |value| Self::I64(value.get());
    TeamId => |value| Self::I64(value.get());
    ServiceId => |value| Self::I64(value.get());
    EnvironmentId => |value| Self::I64(value.get());
    StageId => |value| Self::I64(value.get());
    InvitationId => |value| Self::I64(value.get());
    SessionId => |value| Self::I64(value.get());
    WebhookId => |value| Self::I64(value.get());
    DeliveryId => |value| Self::I64(value.get());
    CalendarFeedId => |value| Self::I64(value.get());
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_value {
    ($($type:ty = $($pattern:pat => $made:expr),+;)+) => {$(
        impl<'r> FromValue<'r> for $type {
            fn from_value(value: ValueRef<'r>) -> Option<Self> {
                match value {
                    $($pattern => $made,)+
                    _ => None,
                }
            }
        }
    )+};
}

from_value! {
    i64 = ValueRef::I64(number) => Some(number);
    u64 = ValueRef::I64(number) => u64::try_from(number).ok();
    u32 = ValueRef::I64(number) => u32::try_from(number).ok();
    f64 = ValueRef::F64(number) => Some(number);
    bool = ValueRef::Bool(truth) => Some(truth), ValueRef::I64(number) => Some(number != 0);
    &'r str = ValueRef::Text(text) => Some(text);
    String = ValueRef::Text(text) => Some(text.to_owned());
    &'r [u8] = ValueRef::Blob(bytes) => Some(bytes);
    Vec<u8> = ValueRef::Blob(bytes) => Some(bytes.to_vec());
    [u8; 32] = ValueRef::Blob(bytes) => bytes.try_into().ok();
    Timestamp = ValueRef::I64(micros) => Some(Self::from_micros(micros));
    TokenId = ValueRef::I64(number) => Some(Self::from_i64(number));
    UserId = ValueRef::I64(number) => Some(Self::from_i64(number));
    OrgId = ValueRef::I64(number) => Some(Self::from_i64(number));
    OwnerId = ValueRef::I64(number) => Some(Self::from_i64(number));
    DeploymentId = ValueRef::I64(number) => Some(Self::from_i64(number));
    TeamId = ValueRef::I64(number) => Some(Self::from_i64(number));
    ServiceId = ValueRef::I64(number) => Some(Self::from_i64(number));
    EnvironmentId = ValueRef::I64(number) => Some(Self::from_i64(number));
    StageId = ValueRef::I64(number) => Some(Self::from_i64(number));
    InvitationId = ValueRef::I64(number) => Some(Self::from_i64(number));
    SessionId = ValueRef::I64(number) => Some(Self::from_i64(number));
    WebhookId = ValueRef::I64(number) => Some(Self::from_i64(number));
    DeliveryId = ValueRef::I64(number) => Some(Self::from_i64(number));
    CalendarFeedId = ValueRef::I64(number) => Some(Self::from_i64(number));
}

impl<'r, T: FromValue<'r>> FromValue<'r> for Option<T> {
    fn from_value(value: ValueRef<'r>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
