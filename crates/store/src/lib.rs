//! SQLite and PostgreSQL behind one API.
