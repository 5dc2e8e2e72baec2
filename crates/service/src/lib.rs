//! Operations: who may do what, in one transaction, with an audit event.
