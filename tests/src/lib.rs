//! Wiring. The harness: the real programs, test cameras, and a judge of pictures, for suites, demo and bench.
//!
//! A test town in four lines:
//! ```text
//! use beadle_tests::{Folder, cameras::{Cameras, Scene}, hub::Hub, town::{Plan, Town}};
//! let folder = Folder::new("example")?;
//! let cameras = Cameras::start(Scene::new().street("/ashby/c01"))?;
//! let mut hub = Hub::make(folder.path())?.started()?;
//! let town = Town::make(folder.path(), Plan::new("ashby").camera("c01", cameras.url("/ashby/c01")))?.enrolled(&mut hub)?.started()?;
//! ```
//! Programs are taken from `target/<profile>` beside the running test, or from `BEADLE_BIN_DIR`. They are ended by their
//! own process ids when the value that started them goes. Every wait has an end and says what it waits for.
pub mod attacks;
pub mod browser;
pub mod cameras;
pub mod county;
pub mod day;
pub mod dice;
pub mod disks;
pub mod dns;
pub mod endless;
pub mod fault;
pub mod figure;
pub mod fleet;
pub mod hostile;
pub mod hub;
pub mod judge;
pub mod keys;
pub mod line;
pub mod looking;
pub mod machine;
pub mod marker;
pub mod measure;
pub mod packages;
pub mod pages;
pub mod phone;
pub mod pictures;
pub mod places;
pub mod powercut;
pub mod program;
pub mod record;
pub mod relay;
pub mod secrets;
pub mod sharing;
pub mod site;
pub mod staff;
pub mod stalls;
pub mod stamps;
pub mod start;
pub mod swtpm;
pub mod town;
pub mod wait;
pub mod waste;
pub mod workers;

pub use places::Folder;

/// What went wrong: a sentence for whoever reads the test's output.
pub struct Trouble(pub String);

pub type Done<T> = Result<T, Trouble>;

impl Trouble {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}
impl std::fmt::Debug for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
impl From<std::io::Error> for Trouble {
    fn from(e: std::io::Error) -> Self {
        Self(e.to_string())
    }
}
impl From<serde_json::Error> for Trouble {
    fn from(e: serde_json::Error) -> Self {
        Self(format!("not the JSON that was expected: {e}"))
    }
}

/// Says what failed on what.
pub trait Told<T> {
    fn told(self, what: impl std::fmt::Display) -> Done<T>;
}
impl<T, E: std::fmt::Display> Told<T> for Result<T, E> {
    fn told(self, what: impl std::fmt::Display) -> Done<T> {
        self.map_err(|e| Trouble(format!("{what}: {e}")))
    }
}
