//! Pure. What is true of this box, parsed from its TOML file.
//!
//! [`raw`] is the file as written, [`Config`] what the program may rely on, [`errors`] all that stands between the two.
//! Reading the file and the passwords it names is left to [`load`].
use std::path::{Path, PathBuf};

use shared::{
    id::{BoxName, CameraId},
    record::Digest,
    time::Zone,
};

use crate::reader::root::Wish;

mod address;
mod camera;
pub mod errors;
mod fields;
pub mod load;
pub mod raw;
mod walk;

pub use address::{Address, AddressError, Filled};
pub use camera::PTZ_MASK;
pub use errors::{ConfigErrors, Wrong};
pub use load::{LoadError, Passwords, load, load_as_service};
use shared::mask::Position;
pub use shared::mask::{Mask, Style};
pub use walk::{PasswordSource, Surroundings, parse};

/// What decides how fast the box sends to the hub.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Congestion {
    /// What the line was measured to carry.
    #[default]
    Measured,
    /// The losses, as most of the internet does.
    Cubic,
}

/// The only configuration the program sees.
#[derive(Clone, Debug)]
pub struct Config {
    /// Host-like name of the scheme, e.g. `cctv.example.gov.uk`.
    pub scheme: String,
    pub name: BoxName,
    /// Where the hub is, `host:port`, for enrolment with a code that does not say it.
    pub hub: Option<String>,
    /// Place in words, for the log and the certificate.
    pub site: String,
    pub zone: Zone,
    pub zone_name: String,
    pub state: PathBuf,
    /// Days footage is kept (28, 30, 31 …), unless a camera says otherwise.
    pub retention_days: u32,
    /// Most GiB that holds may keep; None: a tenth of the disks.
    pub holds_gib: Option<u32>,
    /// No hold reaches further than so many days from when it is ordered or extended.
    pub hold_days: u32,
    /// Most hours of footage that are handed out in one day.
    pub pull_hours: u32,
    /// Whether a lift of a mask needs the keys of the people whom its order names.
    pub approvals: bool,
    /// What decides how fast the box sends to the hub.
    pub congestion: Congestion,
    /// Where the root key is to live.
    pub keys: Wish,
    pub volumes: Vec<PathBuf>,
    pub cameras: Vec<Camera>,
    /// Program that works on pictures; default `beadle-pictures` beside this program.
    pub pictures: PathBuf,
    /// The graphics device that encodes masked pictures; None: that program does.
    pub encoder: Option<PathBuf>,
    /// Length of a segment in seconds, 60 unless a test says otherwise.
    pub segment_secs: u32,
    /// SHA-256 of the file's bytes, for `cfg.set`.
    pub digest: Digest,
}

impl Config {
    pub fn state(&self) -> crate::state::State {
        crate::state::State::new(Path::new(&self.state))
    }

    /// Name of this box's log without the log number.
    pub fn log_base(&self) -> String {
        format!("{}/box/{}", self.scheme, self.name)
    }
}

#[derive(Clone, Debug)]
pub struct Camera {
    pub id: CameraId,
    pub title: String,
    /// Never with a password in it.
    pub url: Address,
    pub username: Option<String>,
    /// Read from a systemd credential or file named in the configuration.
    pub password: Option<Secret>,
    /// Where it was read from: read again before each session, so that a changed password needs no restart.
    pub password_from: Option<PasswordSource>,
    pub transport: Transport,
    /// It may be told its password in Basic, if it offers nothing else and never did.
    pub basic: bool,
    /// Who vouches for its certificate; None: the first one it showed is kept.
    pub tls_ca: Option<PathBuf>,
    pub retention_days: u32,
    /// It can turn or zoom: a mask cannot be imposed on it, see [`PTZ_MASK`].
    pub ptz: bool,
    pub mask: Option<Mask>,
    /// None: always in real time.
    pub timelapse: Option<Timelapse>,
    /// Why sound is recorded too; None: it is not.
    pub sound: Option<String>,
}

impl Camera {
    /// Where it looks, as far as this box knows.
    pub fn position(&self) -> Position {
        if self.ptz {
            Position::Unknown
        } else {
            Position::Fixed
        }
    }
}

/// A camera that is recorded in time-lapse until real time is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timelapse {
    pub every_secs: u32,
    /// Topic, or part of it, of the events that ask for it.
    pub event: Option<String>,
    pub hold_secs: u32,
}

/// How a camera's pictures come to the box.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Within the RTSP connection: nothing is lost on the way.
    #[default]
    Tcp,
    /// In packets of their own: what the network loses is a gap on the record.
    Udp,
}

/// Text that must never be printed.
#[derive(Clone, PartialEq)]
pub struct Secret(String);
impl Secret {
    pub fn new(text: String) -> Self {
        Self(text)
    }
    pub fn reveal(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests;
