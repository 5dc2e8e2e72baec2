//! Test servers with a seeded clock and random source, real PostgreSQL on demand, the torture programme.
