//! Adapter: filesystem. Appends, syncs, signs.

/// What a log is and who writes it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Origin without the number, e.g. `cctv.example.gov.uk/box/ashby` or `cctv.example.gov.uk/hub`.
    pub base: String,
    pub site: String,
    pub hw: String,
    pub sw: String,
    /// How long a log key lives: an hour on a box, a year at the hub.
    pub key_life: std::time::Duration,
    /// True on a box: countersignatures are logged as `head.ack`.
    pub acks: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum LogError {
    #[error("{0}")]
    Refused(String),
    #[error("cannot {what} {path}")]
    Io { what: &'static str, path: String, #[source] source: std::io::Error },
    #[error("the log has stopped: {0}")]
    Stopped(String),
}
