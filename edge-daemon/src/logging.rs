//! Adapter: tracing. The log for engineers, on standard error. A camera that sends nonsense makes the same warning with every packet:
//! of each kind and camera one line a minute is written, and the next one says how many were left out.
//!
//! That holds for warnings and errors from the rooms where cameras are read and from retina. All other lines are written as they come.
use std::{
    collections::HashMap,
    fmt::{self, Write},
    sync::Mutex,
    time::{Duration, Instant},
};

use shared::plain;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields, format},
    registry::LookupSpan,
};

use crate::lock::lock;

const EVERY: Duration = Duration::from_secs(60);
/// Where lines come from that a camera can cause as often as it likes.
const ROOMS: [&str; 5] = [
    "retina",
    "beadle_edge::capture",
    "beadle_edge::masking",
    "beadle_edge::recording",
    "beadle_edge::segment",
];
/// Kinds that are remembered at once; beyond that the old ones are forgotten.
const KINDS: usize = 4096;
/// What tells one kind from another, beside the place in the source.
const TELLING: [&str; 5] = ["camera", "code", "how", "order", "log.line"];

/// Begins to write lines.
pub fn begin() {
    let filter = EnvFilter::try_from_env("BEADLE_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,retina=warn,quinn=warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .event_format(OnceAMinute {
            inner: format(),
            limit: Limit::default(),
        })
        .init();
}

struct OnceAMinute<F> {
    inner: F,
    limit: Limit,
}

impl<S, N, F> FormatEvent<S, N> for OnceAMinute<F>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: format::Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        // Each event is one line, and nothing in it is obeyed by the terminal that shows it: cameras are quoted there.
        let line = |writer: &mut format::Writer<'_>| {
            let mut text = String::new();
            let inner = format::Writer::new(&mut text);
            self.inner.format_event(context, inner, event)?;
            writeln!(writer, "{}", plain::one_line(text.trim_end_matches('\n')))
        };
        let Some(mut kind) = Kind::of(event) else {
            return line(&mut writer);
        };
        // The camera whose session it is, where the line itself does not say.
        if let Some(span) = context.lookup_current()
            && let Some(about) = span.extensions().get::<FormattedFields<N>>()
        {
            kind.fields += &about.fields;
        }
        let Some(left_out) = self.limit.may(kind, Instant::now()) else {
            return Ok(());
        };
        line(&mut writer)?;
        match left_out {
            0 => Ok(()),
            n => writeln!(
                writer,
                "    ({n} more of this kind were left out before it)"
            ),
        }
    }
}

/// What is limited together: a place in the source, and what of its fields is telling.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Kind {
    target: String,
    line: Option<u32>,
    fields: String,
}

impl Kind {
    /// None: of an event that is not limited.
    fn of(event: &Event<'_>) -> Option<Self> {
        let about = event.metadata();
        let mut kind = Self {
            line: about.line(),
            ..Self::default()
        };
        if *about.level() > Level::WARN {
            return None;
        }
        event.record(&mut kind);
        // Events of the `log` crate all have one target here, and name their own as a field.
        if kind.target.is_empty() {
            kind.target = about.target().to_owned();
        }
        let room = |room: &&str| kind.target.starts_with(*room);
        ROOMS.iter().any(room).then_some(kind)
    }
}

impl Visit for Kind {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if TELLING.contains(&field.name()) {
            // Writing into text does not fail.
            let _ = write!(self.fields, "{}={value:?} ", field.name());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "log.target" => self.target = value.to_owned(),
            _ => self.record_debug(field, &value),
        }
    }
}

#[derive(Default)]
struct Limit(Mutex<HashMap<Kind, (Instant, u64)>>);

impl Limit {
    /// Whether a line of this kind may be written, and how many were left out since the last one.
    fn may(&self, kind: Kind, now: Instant) -> Option<u64> {
        let mut kinds = lock(&self.0);
        if kinds.len() >= KINDS {
            kinds.retain(|_, (last, _)| now.duration_since(*last) < EVERY);
        }
        match kinds.get_mut(&kind) {
            Some((last, left_out)) if now.duration_since(*last) < EVERY => {
                *left_out += 1;
                None
            }
            Some((last, left_out)) => {
                *last = now;
                Some(std::mem::take(left_out))
            }
            None => {
                kinds.insert(kind, (now, 0));
                Some(0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::Arc};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            lock(&self.0).extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// FLT-1: a camera that causes a warning with each packet fills no disk, hides no other camera's and no other kind of warning.
    #[test]
    fn one_line_a_minute() {
        let lines = Lines::default();
        let to = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || to.clone())
            .event_format(OnceAMinute {
                inner: format(),
                limit: Limit::default(),
            })
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..1000 {
                for camera in ["c01", "c02"] {
                    tracing::warn!(target: "beadle_edge::capture::rtsp", camera, "packets lost");
                    tracing::warn!(target: "beadle_edge::capture::rtsp", camera, "a packet cannot be used");
                }
            }
            for id in ["c03", "c04", "c03"] {
                tracing::warn_span!("camera", id).in_scope(|| {
                    tracing::warn!(target: "retina::client", "dropping data");
                });
            }
            for n in 0..3 {
                tracing::warn!(target: "beadle_edge::uplink", n, "of another room");
                tracing::info!(target: "beadle_edge::capture", n, "no warning");
            }
        });
        let said = String::from_utf8(lock(&lines.0).clone()).expect("text");
        for (part, times) in [
            ("packets lost", 2),
            ("a packet cannot be used", 2),
            ("dropping data", 2),
            ("of another room", 3),
            ("no warning", 3),
        ] {
            assert_eq!(said.matches(part).count(), times, "{part}: {said}");
        }
    }

    #[test]
    fn what_was_left_out_is_counted() {
        let (limit, kind, began) = (Limit::default(), Kind::default(), Instant::now());
        assert_eq!(limit.may(kind.clone(), began), Some(0));
        for _ in 0..59 {
            assert_eq!(limit.may(kind.clone(), began + EVERY / 2), None);
        }
        assert_eq!(limit.may(kind.clone(), began + EVERY), Some(59));
        assert_eq!(limit.may(kind, began + 2 * EVERY), Some(0));
    }
}
