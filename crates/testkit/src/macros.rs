//! The macro that holds both stores to one promise.

/// Makes of each function two tests, `name::sqlite` and `name::postgres`, each with a fresh server on that store.
///
/// ```
/// use claviger_testkit::{TestServer, on_both_stores};
///
/// on_both_stores! {
///     async fn a_server_answers(server: TestServer) {
///         server.anonymous().get("/healthz").await.expect_status(200);
///     }
/// }
/// ```
#[macro_export]
macro_rules! on_both_stores {
    ($($(#[$meta:meta])* async fn $name:ident($($server:tt)+) $body:block)+) => {$(
        $(#[$meta])*
        #[cfg(test)]
        async fn $name($($server)+) $body

        #[cfg(test)]
        mod $name {
            #[tokio::test]
            async fn sqlite() {
                super::$name($crate::TestServer::start_on($crate::Backend::Sqlite).await).await;
            }

            #[tokio::test]
            async fn postgres() {
                super::$name($crate::TestServer::start_on($crate::Backend::Postgres).await).await;
            }
        }
    )+};
}
