//! Wiring. `beadle-hub run`.

use std::{path::PathBuf, sync::Arc};

use logbook::SystemClock;
use shared::plain;
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use crate::{failure::CommandError, supervise};

pub fn run(state: PathBuf) -> Result<(), CommandError> {
    let filter =
        tracing_subscriber::EnvFilter::try_from_env("BEADLE_LOG").unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(OneLine(tracing_subscriber::fmt::format()))
        .init();
    let config = supervise::load_config(&state)?;
    let _lock = supervise::lock_state(&state)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let done = runtime.block_on(async {
        // Opening the log may replay it, and binding needs the runtime.
        let (hub, listener, pages) =
            tokio::task::block_in_place(|| supervise::build(state, config, Arc::new(SystemClock)))?;
        println!("boxes dial in at {} (QUIC)", hub.quic);
        println!("staff pages at https://{}/", pages.local_addr()?);
        supervise::run(hub, listener, pages).await
    });
    // Work that hangs (a disk, a page nobody waits for) is left behind.
    runtime.shutdown_background();
    done
}

/// Each event is one line of the journal, and nothing in it is obeyed by the terminal that shows it: boxes and strangers are quoted there.
pub struct OneLine<F>(pub F);

impl<S, N, F> FormatEvent<S, N> for OneLine<F>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &tracing::Event<'_>,
    ) -> std::fmt::Result {
        let mut text = String::new();
        self.0
            .format_event(context, Writer::new(&mut text), event)?;
        writeln!(writer, "{}", plain::one_line(text.trim_end_matches('\n')))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        sync::{Arc, Mutex},
    };

    use super::OneLine;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("lines").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// security.md V16: what a box says is one entry of the journal, and no more than words.
    #[test]
    fn the_journal_is_plain_v16() {
        let made = Lines::default();
        let writer = {
            let made = made.clone();
            move || made.clone()
        };
        let subscriber = tracing_subscriber::fmt()
            .with_writer(writer)
            .with_ansi(false)
            .event_format(OneLine(tracing_subscriber::fmt::format()))
            .finish();
        let evil = "\u{1b}[2Jgood\nERROR forged: \u{202e}line";
        tracing::subscriber::with_default(subscriber, || {
            tracing::error!(log = evil, "{evil}");
        });
        let text = String::from_utf8(made.0.lock().expect("lines").clone()).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(
            shared::plain::all_plain(text.trim_end_matches('\n')),
            "{text:?}"
        );
    }
}
