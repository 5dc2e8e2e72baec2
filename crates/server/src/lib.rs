//! Configuration, listeners, wiring, shutdown.
