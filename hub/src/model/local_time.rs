//! Pure. A moment as the scheme's own clock has it.

use std::fmt;

use shared::time::{Utc, Zone};

/// A moment, told in the scheme's own time.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalTime {
    pub at: Utc,
    pub zone: Zone,
}

impl LocalTime {
    pub fn of(at: Utc, zone: &Zone) -> Self {
        let zone = zone.clone();
        Self { at, zone }
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.at.for_people(&self.zone))
    }
}
