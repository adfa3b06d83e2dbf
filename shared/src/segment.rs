//! Pure. Names of segments on disk and of the keys that open them.
//!
//! ```text
//! <volume>/footage/<local day>/<camera>/<YYYYMMDDTHHMMSSZ>-<s>.mp4.age        closed
//! <volume>/footage/<local day>/<camera>/<YYYYMMDDTHHMMSSZ>-<s>.mp4.age.open   growing, or torn
//! <volume>/held/<hold>/footage/<local day>/<camera>/<file>                    a held copy, named as the closed file
//! ```
//! In an evidence package the plain file is `master/<camera>_<YYYYMMDDTHHMMSSZ>_<s>.mp4`.
//! Key ids: `<camera>/<local day>` for a camera-day; `<camera>/boot-<boot>` for footage sealed
//! without a day recipient (unknown clock, or no recipient yet); `<camera>/hold-<number>` for what a hold keeps.

use crate::{
    id::{BadId, CameraId, HoldId},
    record::Value,
    time::{Day, Utc},
};

pub const CLOSED: &str = ".mp4.age";
pub const OPEN: &str = ".mp4.age.open";
/// Folder below a volume of what holds keep.
pub const HELD: &str = "held";

/// Which segment of which camera.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    pub day: Day,
    pub cam: CameraId,
    /// Second of the first frame.
    pub start: Utc,
    pub s: u64,
}

impl SegmentName {
    /// Folder of a camera-day below a volume.
    pub fn folder(day: Day, cam: &CameraId) -> String {
        format!("footage/{day}/{cam}")
    }

    /// Path below the volume of the closed file.
    pub fn closed_path(&self) -> String {
        format!(
            "{}/{}-{}{CLOSED}",
            Self::folder(self.day, &self.cam),
            self.start.compact(),
            self.s
        )
    }

    /// Path below the volume while it grows.
    pub fn open_path(&self) -> String {
        format!("{}.open", self.closed_path())
    }

    /// Path below the volume of the copy that a hold keeps.
    pub fn held_path(&self, hold: HoldId) -> String {
        format!("{HELD}/{hold}/{}", self.closed_path())
    }

    /// Name of the plain file in an evidence package, below `master/`.
    pub fn master_file(&self) -> String {
        format!("{}_{}_{}.mp4", self.cam, self.start.compact(), self.s)
    }

    /// Reads `<YYYYMMDDTHHMMSSZ>-<s>.mp4.age[.open]`; the flag says whether it is still open.
    pub fn parse_file(day: Day, cam: &CameraId, file: &str) -> Result<(Self, bool), BadId> {
        let bad = || BadId {
            text: file.into(),
            wanted: "a segment file like 20261103T140003Z-184223.mp4.age",
        };
        let (stem, open) = match (file.strip_suffix(OPEN), file.strip_suffix(CLOSED)) {
            (Some(stem), _) => (stem, true),
            (None, Some(stem)) => (stem, false),
            _ => return Err(bad()),
        };
        let (t, s) = stem.split_once('-').ok_or_else(bad)?;
        if t.len() != 16 || !t.is_ascii() || s.is_empty() || !s.bytes().all(|b| b.is_ascii_digit())
        {
            return Err(bad());
        }
        let text = format!(
            "{}-{}-{}T{}:{}:{}.000Z",
            &t[0..4],
            &t[4..6],
            &t[6..8],
            &t[9..11],
            &t[11..13],
            &t[13..15]
        );
        let start = Utc::parse(&text).map_err(|_| bad())?;
        let name = Self {
            day,
            cam: cam.clone(),
            start,
            s: s.parse().map_err(|_| bad())?,
        };
        if start.compact() != t {
            Err(bad())
        } else {
            Ok((name, open))
        }
    }
}

/// Which key seals a segment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyId {
    Day { cam: CameraId, day: Day },
    Boot { cam: CameraId, boot: u64 },
    Hold { cam: CameraId, hold: HoldId },
}

impl KeyId {
    pub fn cam(&self) -> &CameraId {
        match self {
            KeyId::Day { cam, .. } | KeyId::Boot { cam, .. } | KeyId::Hold { cam, .. } => cam,
        }
    }

    /// The local day it belongs to; None: it may seal footage of several.
    pub fn day(&self) -> Option<Day> {
        match self {
            KeyId::Day { day, .. } => Some(*day),
            KeyId::Boot { .. } | KeyId::Hold { .. } => None,
        }
    }

    pub fn parse(text: &str) -> Result<Self, BadId> {
        let bad = || BadId {
            text: text.into(),
            wanted: "a key id like c03/2026-11-03, c03/boot-17 or c03/hold-12",
        };
        let (cam, rest) = text.split_once('/').ok_or_else(bad)?;
        let cam = CameraId::parse(cam).map_err(|_| bad())?;
        if let Some(n) = rest.strip_prefix("boot-") {
            let boot = n.parse().map_err(|_| bad())?;
            return Ok(Self::Boot { cam, boot });
        }
        if let Some(n) = rest.strip_prefix("hold-") {
            let hold = HoldId(n.parse().map_err(|_| bad())?);
            return Ok(Self::Hold { cam, hold });
        }
        let day = Day::parse(rest).map_err(|_| bad())?;
        Ok(Self::Day { cam, day })
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyId::Day { cam, day } => write!(f, "{cam}/{day}"),
            KeyId::Boot { cam, boot } => write!(f, "{cam}/boot-{boot}"),
            KeyId::Hold { cam, hold } => write!(f, "{cam}/hold-{}", hold.0),
        }
    }
}

/// The local day a segment was recorded under, which is that of its folder, by its `seg.write` line: its key names it, or `day` does.
/// It is never reckoned from a time: the zone whose days they were may have changed since. None: the line is not of its form.
pub fn recorded_day(data: &Value) -> Option<Day> {
    let text = |key: &str| data.get(key).and_then(Value::as_str);
    let by_key = text("key").and_then(|key| KeyId::parse(key).ok()?.day());
    by_key.or_else(|| Day::parse(text("day")?).ok())
}

/// What `day` of a `seg.write` line is to be: nothing where the key names the day already.
pub fn day_beside(key: &str, day: Day) -> Option<Day> {
    let by_key = KeyId::parse(key).ok().and_then(|key| key.day());
    by_key.is_none().then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REC-4, RET-2: the day a segment was recorded under is its key's, or its line's own, and never reckoned from its times.
    #[test]
    fn the_day_it_was_recorded_under() {
        let line = |text: &str| recorded_day(&Value::parse(text.as_bytes()).expect("json"));
        let day = Day::parse("2026-11-03").expect("day");
        assert_eq!(line(r#"{"key":"c03/2026-11-03"}"#), Some(day));
        assert_eq!(
            line(r#"{"key":"c03/2026-11-03","day":"2026-11-04"}"#),
            Some(day)
        );
        assert_eq!(
            line(r#"{"key":"c03/boot-17","day":"2026-11-03"}"#),
            Some(day)
        );
        for none in [
            r#"{"key":"c03/boot-17"}"#,
            r#"{"key":"c03/boot-17","day":"soon"}"#,
            "{}",
        ] {
            assert_eq!(line(none), None, "{none}");
        }
        assert_eq!(day_beside("c03/2026-11-03", day), None);
        assert_eq!(day_beside("c03/boot-17", day), Some(day));
    }

    /// REC-4: footage is identified by camera, date, start and number.
    #[test]
    fn path_and_back() {
        let day = Day::parse("2026-11-03").expect("day");
        let cam = CameraId::parse("c03").expect("cam");
        let name = SegmentName {
            day,
            cam: cam.clone(),
            start: Utc::parse("2026-11-03T14:00:03.000Z").expect("t"),
            s: 184223,
        };
        assert_eq!(
            name.open_path(),
            "footage/2026-11-03/c03/20261103T140003Z-184223.mp4.age.open"
        );
        assert_eq!(name.master_file(), "c03_20261103T140003Z_184223.mp4");
        let file = name
            .closed_path()
            .rsplit('/')
            .next()
            .map(str::to_owned)
            .expect("file");
        assert_eq!(
            SegmentName::parse_file(day, &cam, &file).expect("parses"),
            (name, false)
        );
        for bad in [
            "x.mp4.age",
            "20261103T140003Z.mp4.age",
            "20261303T140003Z-1.mp4.age",
            "20261103T140003Z-1.mp4",
        ] {
            assert!(SegmentName::parse_file(day, &cam, bad).is_err(), "{bad}");
        }
    }
}
