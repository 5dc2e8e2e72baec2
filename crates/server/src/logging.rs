//! The log: lines to the standard error, as JSON for machines or text for people.
//!
//! Invariant: nothing but a level decides what is written; what a line may hold is decided where it is written (one line a
//! request in `http`, never a token, body or address). Called once at the start; tests give their own writer.

use tracing::Dispatch;
use tracing_subscriber::{
    Layer as _, Registry,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
};

use crate::config::{Log, LogFormat};

/// Sends the log of this process to the standard error. Only the first call has an effect.
pub fn start(log: Log) {
    // Fails only when there is a log already: then that one stays.
    let _ = tracing::dispatcher::set_global_default(dispatch(log, std::io::stderr));
}

/// A log that goes to `writer`.
pub fn dispatch<W>(log: Log, writer: W) -> Dispatch
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    match log.format {
        LogFormat::Json => {
            let lines = fmt::layer().json().flatten_event(true).with_writer(writer);
            Dispatch::new(Registry::default().with(lines.with_filter(log.level)))
        }
        LogFormat::Text => {
            let lines = fmt::layer().with_ansi(false).with_writer(writer);
            Dispatch::new(Registry::default().with(lines.with_filter(log.level)))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, level: LevelFilter) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let dispatch = dispatch(Log { format, level }, move || writer.clone());
        tracing::dispatcher::with_default(&dispatch, || {
            tracing::debug!("a detail");
            tracing::info!(status = 200, "an answer\u{1b}[31m");
        });
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_json_line_holds_its_fields() {
        let line = logged(LogFormat::Json, LevelFilter::INFO);

        assert_eq!(line.lines().count(), 1);
        assert!(
            line.starts_with('{') && line.contains(r#""status":200"#),
            "{line}"
        );
    }

    #[test]
    fn a_text_line_cannot_steer_the_terminal() {
        let line = logged(LogFormat::Text, LevelFilter::INFO);

        assert!(
            line.contains("status=200") && !line.contains('\u{1b}'),
            "{line:?}"
        );
    }

    #[test]
    fn the_level_decides_what_is_written() {
        assert_eq!(logged(LogFormat::Text, LevelFilter::DEBUG).lines().count(), 2);
        assert!(logged(LogFormat::Json, LevelFilter::OFF).is_empty());
    }
}
