//! The specification of Claviger; it lives in `tests/`.
