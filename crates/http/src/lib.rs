//! The HTTP door: router, guard, limits, one file per endpoint.
