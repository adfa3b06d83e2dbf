//! Pure. The configuration file as it is written: TOML, field for field, nothing checked but its shape.
//!
//! Every value is taken in by itself ([`Field`]), and keys nobody knows are kept aside (`unknown`), so that one pass over
//! the file finds all that is wrong with it, not only the first thing.
//!
//! ```toml
//! [box]
//! scheme = "cctv.example.gov.uk"       # host-like name of the scheme
//! name = "ashby-high-street"           # as given to `beadle-hub box add`
//! hub = "hub.example.gov.uk:4433"      # where the box is enrolled, unless the code or `enrol --hub` says it; then that is kept
//! site = "Ashby, Market Hall, first floor"
//! zone = "Europe/London"
//! state = "/var/lib/beadle-edge"
//!
//! [retention]
//! days = 31
//!
//! [keys]
//! root = "auto"                        # where the root key of footage keys lives: "tpm", "file", or the TPM if there is one
//! tpm = "/dev/tpmrm0"
//!
//! [pictures]
//! encoder = "software"                 # of masked pictures; or "vaapi", with device = "/dev/dri/renderD128"
//!
//! [[volume]]
//! path = "/srv/beadle/footage1"
//!
//! [[camera]]
//! id = "c03"
//! title = "High Street by the bank"
//! url = "rtsp://10.20.0.13:554/stream1"
//! username = "beadle"
//! credential = "camera_c03"            # or password_file = "/etc/beadle/c03.password"
//! transport = "tcp"                    # or "udp"
//! basic = false                        # true: it may be told its password in Basic, if it knows no better
//! tls_ca = "/etc/beadle/cameras-ca.pem" # of an rtsps:// camera, in place of the certificate it showed first
//! ptz = false                          # true: it can turn or zoom, and cannot have a mask
//!
//! [camera.mask]
//! id = "m7"
//! review = 2026-11-01
//! reviewer = "J. Rees, data protection"
//! how = "burned"                       # or "camera": the zones are in the camera, and proved here
//! style = "solid"                      # or "pixelated"
//! polygons = [[[0.10, 0.20], [0.35, 0.20], [0.35, 0.55], [0.10, 0.55]]]
//!
//! [camera.timelapse]                   # a key frame now and then, until somebody or something asks for real time
//! every_secs = 5
//! event = "VideoSource/MotionAlarm"    # an event of the camera's that asks for it
//! hold_secs = 60
//!
//! [camera.sound]                       # only where sound is justified: off unless this table is there
//! reason = "Custody suite, assessment 2026-04"
//! ```

use serde::Deserialize;
pub use shared::{
    fields::{Field, Unknown},
    mask::RawMask,
};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
pub struct RawFile {
    #[serde(default)]
    pub r#box: Field<RawBox>,
    #[serde(default)]
    pub retention: Field<RawRetention>,
    #[serde(default)]
    pub keys: Field<RawKeys>,
    #[serde(default)]
    pub volume: Field<Vec<Field<RawVolume>>>,
    #[serde(default)]
    pub camera: Field<Vec<Field<RawCamera>>>,
    #[serde(default)]
    pub pictures: Field<RawPictures>,
    #[serde(default)]
    pub segment: Field<RawSegment>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[box]`: who this box is.
#[derive(Debug, Default, Deserialize)]
pub struct RawBox {
    /// Host-like name of the scheme; the first part of the log's name. No default.
    #[serde(default)]
    pub scheme: Field<String>,
    /// Name of the box within the scheme, as given to `beadle-hub box add`. No default.
    #[serde(default)]
    pub name: Field<String>,
    /// Where the box is enrolled, `host:port`, unless the code or `enrol --hub` says it. No default.
    #[serde(default)]
    pub hub: Field<String>,
    /// Where the box stands, in words. No default.
    #[serde(default)]
    pub site: Field<String>,
    /// Time zone whose calendar days footage belongs to. Default `Europe/London`.
    #[serde(default)]
    pub zone: Field<String>,
    /// State folder. Default `/var/lib/beadle-edge`.
    #[serde(default)]
    pub state: Field<String>,
    /// `required`: a lift of a mask carries the approvals of the people it names, made with their own keys; `none`: the hub's word is enough.
    /// Default `none`.
    #[serde(default)]
    pub approvals: Field<String>,
    /// `measured`: the box sends to the hub as fast as the line was measured to carry; `cubic`: it slows down at each lost packet. Default
    /// `measured`.
    #[serde(default)]
    pub congestion: Field<String>,
    /// Most hours of footage that are handed out in one day, whoever signs the orders, 1 to 24000. Default 100.
    #[serde(default)]
    pub pull_hours: Field<i64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[retention]`: how long footage is kept.
#[derive(Debug, Default, Deserialize)]
pub struct RawRetention {
    /// Whole local days footage is kept, 1 to 366. Default 31.
    #[serde(default)]
    pub days: Field<i64>,
    /// Most GiB of the footage disks that holds may keep, 1 to 1000000. Default: a tenth of the disks.
    #[serde(default)]
    pub holds_gib: Field<i64>,
    /// No hold reaches further than so many days from now, 1 to 3660. Default 400.
    #[serde(default)]
    pub hold_days: Field<i64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[keys]`: where the key lives that all footage keys are under. Counts at the reader's first start; a key is moved only by
/// `beadle-edge reader --move-root`.
#[derive(Debug, Default, Deserialize)]
pub struct RawKeys {
    /// `auto` (in the TPM if one is there and works, else in a file), `tpm` or `file`. Default `auto`.
    #[serde(default)]
    pub root: Field<String>,
    /// The TPM's device, or a socket that takes the same bytes. Default `/dev/tpmrm0`.
    #[serde(default)]
    pub tpm: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[[volume]]`: a disk footage may be written to, once for each; at least one.
#[derive(Debug, Default, Deserialize)]
pub struct RawVolume {
    /// Folder where the disk is mounted; labelled with `beadle-edge volume label`. No default.
    #[serde(default)]
    pub path: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[[camera]]`: once for each camera; at least one.
#[derive(Debug, Default, Deserialize)]
pub struct RawCamera {
    /// Short name, part of every file name and audit line; never given to another camera. No default.
    #[serde(default)]
    pub id: Field<String>,
    /// Name for people. Default: the id.
    #[serde(default)]
    pub title: Field<String>,
    /// RTSP address (`rtsp://`, or `rtsps://` over TLS), without user name or password. A camera that wants them there has
    /// `{username}` and `{password}` in their place, which are filled in when it is asked. No default.
    #[serde(default)]
    pub url: Field<String>,
    /// User name at the camera. Default: none.
    #[serde(default)]
    pub username: Field<String>,
    /// File that holds the password at the camera and nothing else. Default: none.
    #[serde(default)]
    pub password_file: Field<String>,
    /// Name of the systemd credential (`LoadCredential=`) that holds the password. Default: none.
    #[serde(default)]
    pub credential: Field<String>,
    /// How pictures come: `tcp` (within the RTSP connection) or `udp` (packets of their own, which a network may lose). Default `tcp`.
    #[serde(default)]
    pub transport: Field<String>,
    /// The camera knows no login but Basic, which gives the password to anyone who listens. Default: false.
    #[serde(default)]
    pub basic: Field<bool>,
    /// Certificates (PEM) of who may vouch for an `rtsps://` camera's own. Default: the first certificate it shows is kept, and no other taken.
    #[serde(default)]
    pub tls_ca: Field<String>,
    /// Whole local days, for this camera only. Default: `retention.days`.
    #[serde(default)]
    pub retention_days: Field<i64>,
    /// What is painted over before anything is stored. Default: nothing.
    #[serde(default)]
    pub mask: Field<RawMask>,
    /// It can turn or zoom. Such a camera cannot have a mask yet. Default: false.
    #[serde(default)]
    pub ptz: Field<bool>,
    /// Recorded in time-lapse until real time is ordered or an event asks for it. Default: always in real time.
    #[serde(default)]
    pub timelapse: Field<RawTimelapse>,
    /// Sound is recorded too, and why. Default: it is not.
    #[serde(default)]
    pub sound: Field<RawSound>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[camera.timelapse]`: key frames at an interval instead of every picture.
#[derive(Debug, Default, Deserialize)]
pub struct RawTimelapse {
    /// Seconds between pictures, 1 to 60; the camera's key frames decide the exact moments. No default.
    #[serde(default)]
    pub every_secs: Field<i64>,
    /// Topic, or part of it, of the camera's ONVIF events that switch to real time. Default: no event does.
    #[serde(default)]
    pub event: Field<String>,
    /// Real time goes on for so many seconds after such an event is over, 1 to 3600. Default 60.
    #[serde(default)]
    pub hold_secs: Field<i64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[camera.sound]`: sound is recorded with the pictures (AAC, as the camera encodes it).
#[derive(Debug, Default, Deserialize)]
pub struct RawSound {
    /// What justifies it, for the audit log: 10 to 300 characters, nobody's name. No default.
    #[serde(default)]
    pub reason: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[pictures]`: the program that works on pictures.
#[derive(Debug, Default, Deserialize)]
pub struct RawPictures {
    /// Path of `beadle-pictures`. Default: beside this program.
    #[serde(default)]
    pub program: Field<String>,
    /// What masked pictures are encoded with: `software` (x264, x265), or `vaapi`, an Intel or AMD graphics device. Default: software.
    #[serde(default)]
    pub encoder: Field<String>,
    /// That graphics device. Default: `/dev/dri/renderD128`.
    #[serde(default)]
    pub device: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `[segment]`: how footage is cut.
#[derive(Debug, Default, Deserialize)]
pub struct RawSegment {
    /// Length of a segment in seconds, 2 to 600; it ends at the first key frame after that. Default 60.
    #[serde(default)]
    pub secs: Field<i64>,
    #[serde(flatten)]
    pub unknown: Unknown,
}
