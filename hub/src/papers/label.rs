//! Pure. What stands on the label of an exhibit, and in its square code.

use qrcode::{EcLevel, QrCode, render::svg};
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::{Utc, Zone},
};

/// Of a package that is there.
#[derive(Clone, Debug)]
pub struct Label {
    pub exhibit: ExhibitRef,
    /// The reference that whoever produces it gave it.
    pub mark: Option<String>,
    pub camera: BoxCamera,
    pub title: String,
    pub scheme: String,
    /// Asked from, asked to.
    pub t0: Utc,
    pub t1: Utc,
    pub partial: bool,
    /// SHA-256 of SHA256SUMS, lower hex.
    pub sums: String,
    /// The hub's countersigning key, by its name and number: `cctv.example.gov.uk/hub/cosign-2026+ef12905c`.
    pub key: String,
    /// SHA-256 of the seal key, lower hex.
    pub seal_key: String,
    pub made: Utc,
    pub zone: Zone,
}

impl Label {
    /// What the square code holds: three words, then their values.
    pub fn code(&self) -> String {
        format!(
            "BEADLE {} SHA256SUMS {} KEY {}",
            self.exhibit, self.sums, self.key
        )
    }

    /// The square code as a drawing; None where it is too long for one, which no name of a key is.
    pub fn drawn(&self) -> Option<String> {
        let code = QrCode::with_error_correction_level(self.code(), EcLevel::M).ok()?;
        Some(
            code.render::<svg::Color<'_>>()
                .min_dimensions(200, 200)
                .build(),
        )
    }

    /// A hash as people compare it: in groups of five, the first twenty digits.
    pub fn groups(hash: &str) -> String {
        let digits: Vec<char> = hash.chars().take(20).collect();
        let groups = digits.chunks(5).map(|g| g.iter().collect::<String>());
        groups.collect::<Vec<_>>().join(" ")
    }
}
