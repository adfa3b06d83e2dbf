//! Pure. Names of things, and the only place they are parsed.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What was wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {wanted}")]
pub struct BadId {
    pub text: String,
    pub wanted: &'static str,
}

fn slug(text: &str, max: usize) -> bool {
    let b = text.as_bytes();
    !b.is_empty()
        && b.len() <= max
        && b[0] != b'-'
        && b[b.len() - 1] != b'-'
        && b.iter()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == b'-')
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $max:literal, $wanted:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            pub fn parse(text: &str) -> Result<Self, BadId> {
                if slug(text, $max) {
                    Ok(Self(text.into()))
                } else {
                    Err(BadId { text: text.into(), wanted: $wanted })
                }
            }
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = String::deserialize(d)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// A camera of one box, e.g. `c03`.
    CameraId, 32, "a camera id (1 to 32 of a-z, 0-9 and -, like c03)"
);
name!(
    /// A box of one scheme, e.g. `ashby-high-street`.
    BoxName, 63, "a box name (1 to 63 of a-z, 0-9 and -, like ashby-high-street)"
);

/// Names that mean something else where box names are read: parts of origins and of key names, who acts in a log, the programs
/// themselves, the machine, and words people say for "every" or "no" box.
pub const RESERVED: &[&str] = &[
    "admin",
    "administrator",
    "all",
    "any",
    "beadle",
    "beadle-edge",
    "beadle-hub",
    "beadle-reader",
    "box",
    "boxes",
    "ca",
    "console",
    "cosign",
    "edge",
    "hub",
    "localhost",
    "none",
    "op",
    "order",
    "reader",
    "root",
    "scheme",
    "seal",
    "self",
    "sys",
    "system",
    "this",
    "witness",
];

impl BoxName {
    /// A name that a box may be given. [`BoxName::parse`] takes the reserved ones too, so that whatever bears one already can still
    /// be read, shown and revoked.
    pub fn parse_new(text: &str) -> Result<Self, BadId> {
        let name = Self::parse(text)?;
        if name.is_reserved() {
            return Err(BadId {
                text: text.into(),
                wanted: "a name for a box: Beadle itself uses that word (as it does hub, console, root and sys); name the place instead, like ashby-high-street",
            });
        }
        Ok(name)
    }

    pub fn is_reserved(&self) -> bool {
        RESERVED.contains(&self.as_str())
    }
}

/// `BOX/CAM`, as staff type it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BoxCamera {
    pub r#box: BoxName,
    pub cam: CameraId,
}

impl BoxCamera {
    pub fn parse(text: &str) -> Result<Self, BadId> {
        let bad = || BadId {
            text: text.into(),
            wanted: "a camera written BOX/CAMERA, like ashby-high-street/c03",
        };
        let (b, c) = text.split_once('/').ok_or_else(bad)?;
        Ok(Self {
            r#box: BoxName::parse(b).map_err(|_| bad())?,
            cam: CameraId::parse(c).map_err(|_| bad())?,
        })
    }
}

impl Serialize for BoxCamera {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for BoxCamera {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for BoxCamera {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.r#box, self.cam)
    }
}

/// The host-like name of a scheme, first part of every log's origin, e.g. `cctv.example.gov.uk`.
pub fn scheme_ok(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && text.split('.').all(|p| slug(p, 63))
}

/// Origin of a box's log: `<scheme>/box/<name>/<number>`.
pub fn box_log(scheme: &str, name: &BoxName, number: u64) -> String {
    format!("{scheme}/box/{name}/{number}")
}

/// Origin of the hub's own log: `<scheme>/hub/<number>`.
pub fn hub_log(scheme: &str, number: u64) -> String {
    format!("{scheme}/hub/{number}")
}

/// Name of the hub's cosigning key: `<scheme>/hub/cosign-<year>`.
pub fn hub_cosign(scheme: &str, year: i16) -> String {
    format!("{scheme}/hub/cosign-{year}")
}

/// What a log's origin says, taken apart: exactly `<scheme>/box/<name>/<number>` or `<scheme>/hub/<number>`, nothing before, between or
/// after. Whatever has another form is nobody's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin<'a> {
    Box {
        scheme: &'a str,
        name: BoxName,
        number: u64,
    },
    Hub {
        scheme: &'a str,
        number: u64,
    },
}

impl<'a> Origin<'a> {
    pub fn parse(origin: &'a str) -> Option<Self> {
        let (base, number) = split_origin(origin)?;
        let (scheme, rest) = base.split_once('/')?;
        if !scheme_ok(scheme) {
            return None;
        }
        match rest.split_once('/') {
            None if rest == "hub" => Some(Self::Hub { scheme, number }),
            Some(("box", name)) => Some(Self::Box {
                scheme,
                name: BoxName::parse(name).ok()?,
                number,
            }),
            _ => None,
        }
    }

    pub fn scheme(&self) -> &'a str {
        match self {
            Self::Box { scheme, .. } | Self::Hub { scheme, .. } => scheme,
        }
    }
}

/// Whether a log follows another one of its writer: its number says so.
pub fn follows_another(origin: &str) -> bool {
    match Origin::parse(origin) {
        Some(Origin::Box { number, .. } | Origin::Hub { number, .. }) => number > 1,
        None => false,
    }
}

/// Whether a log is a later one of the box that another one is of.
pub fn is_later_log(origin: &str, before: &str) -> bool {
    let of_box = |origin| match Origin::parse(origin) {
        Some(Origin::Box {
            scheme,
            name,
            number,
        }) => Some((scheme, name, number)),
        _ => None,
    };
    let (later, before) = (of_box(origin), of_box(before));
    later.zip(before).is_some_and(|(later, before)| {
        (later.0, &later.1) == (before.0, &before.1) && later.2 > before.2
    })
}

/// Whether a hub key's name, `<scheme>/hub/<what>`, is of the scheme that a log is of. A hub vouches for the logs of its own scheme.
pub fn hub_key_of(name: &str, origin: &str) -> bool {
    let mut parts = name.split('/');
    let (scheme, kind, what, more) = (parts.next(), parts.next(), parts.next(), parts.next());
    kind == Some("hub")
        && what.is_some_and(|what| !what.is_empty())
        && more.is_none()
        && scheme.is_some()
        && Origin::parse(origin).map(|o| o.scheme()) == scheme
}

/// Splits an origin into everything before the log number, and the number.
pub fn split_origin(origin: &str) -> Option<(&str, u64)> {
    let (base, n) = origin.rsplit_once('/')?;
    if n.is_empty()
        || n.len() > 15
        || !n.bytes().all(|b| b.is_ascii_digit())
        || (n.len() > 1 && n.starts_with('0'))
    {
        return None;
    }
    Some((base, n.parse().ok()?))
}

/// Box name of a box log's origin.
pub fn box_of(origin: &str) -> Option<BoxName> {
    match Origin::parse(origin)? {
        Origin::Box { name, .. } => Some(name),
        Origin::Hub { .. } => None,
    }
}

/// An exhibit reference, e.g. `EXH-2026-000123`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ExhibitRef(String);

impl ExhibitRef {
    pub fn new(year: i16, n: u32) -> Self {
        Self(format!("EXH-{year:04}-{n:06}"))
    }

    pub fn parse(text: &str) -> Result<Self, BadId> {
        let ok = text
            .strip_prefix("EXH-")
            .and_then(|r| r.split_once('-'))
            .is_some_and(|(y, n)| {
                y.len() == 4
                    && n.len() == 6
                    && y.bytes().chain(n.bytes()).all(|b| b.is_ascii_digit())
            });
        if ok {
            Ok(Self(text.into()))
        } else {
            Err(BadId {
                text: text.into(),
                wanted: "an exhibit reference like EXH-2026-000123",
            })
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number of its request, whatever the year.
    pub fn number(&self) -> u64 {
        self.0
            .rsplit('-')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }
}

impl fmt::Display for ExhibitRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ExhibitRef {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// A hold of footage, e.g. `H-000012`. The hub numbers its holds; a number is never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub u64);

impl HoldId {
    /// The last number there is.
    pub const LAST: Self = Self(999_999_999);

    /// Whether it is a number that can be written and read.
    pub fn in_range(self) -> bool {
        self <= Self::LAST
    }

    pub fn parse(text: &str) -> Result<Self, BadId> {
        text.strip_prefix("H-")
            .filter(|n| (6..=9).contains(&n.len()) && n.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|n| n.parse().ok())
            .map(Self)
            .filter(|id| id.to_string() == text)
            .ok_or_else(|| BadId {
                text: text.into(),
                wanted: "a hold like H-000012 (at most H-999999999)",
            })
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H-{:06}", self.0)
    }
}

impl fmt::Debug for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for HoldId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HoldId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds() {
        for (text, n) in [("H-000012", 12), ("H-1234567", 1_234_567)] {
            assert_eq!(HoldId::parse(text).expect("a hold"), HoldId(n));
            assert_eq!(HoldId(n).to_string(), text);
        }
        for bad in [
            "",
            "H-",
            "H-12",
            "H-0000012",
            "h-000012",
            "H-00001x",
            "../H-000012",
            "H-1000000000",
            "H-999999999999999",
        ] {
            assert!(HoldId::parse(bad).is_err(), "{bad}");
        }
    }

    /// AUD-2, evidence.md 1: an origin is what it is as a whole, never by how it ends.
    #[test]
    fn origins() {
        let scheme = "cctv.example.gov.uk";
        let ashby = BoxName::parse("ashby").expect("name");
        assert_eq!(
            Origin::parse("cctv.example.gov.uk/box/ashby/12"),
            Some(Origin::Box {
                scheme,
                name: ashby.clone(),
                number: 12
            })
        );
        assert_eq!(
            Origin::parse("cctv.example.gov.uk/hub/1"),
            Some(Origin::Hub { scheme, number: 1 })
        );
        assert_eq!(
            box_of("cctv.example.gov.uk/box/hub/1").map(|b| b.to_string()),
            Some("hub".into())
        );
        for bad in [
            "cctv.example.gov.uk/box/ashby/hub/1",
            "cctv.example.gov.uk/other/hub/9",
            "cctv.example.gov.uk//hub/9",
            "/hub/9",
            "hub/9",
            "cctv.example.gov.uk/hub",
            "cctv.example.gov.uk/hub/01",
            "cctv.example.gov.uk/hub/9/",
            "cctv.example.gov.uk/HUB/9",
            "cctv.example.gov.uk/box/hub",
            "cctv.example.gov.uk/box//1",
            "CCTV.example/hub/1",
        ] {
            assert_eq!(Origin::parse(bad), None, "{bad}");
        }
        let key = "cctv.example.gov.uk/hub/cosign-2026";
        assert!(hub_key_of(key, "cctv.example.gov.uk/hub/1"));
        assert!(hub_key_of(key, "cctv.example.gov.uk/box/hub/1"));
        for bad in [
            "evil.example/hub/1",
            "evil.example/cctv.example.gov.uk/hub/1",
            "cctv.example.gov.uk/other/hub/1",
        ] {
            assert!(!hub_key_of(key, bad), "{bad}");
        }
        assert!(!hub_key_of(
            "cctv.example.gov.uk/box/hub/1",
            "cctv.example.gov.uk/hub/1"
        ));
        assert!(!hub_key_of(
            "cctv.example.gov.uk/hub/",
            "cctv.example.gov.uk/hub/1"
        ));
    }

    #[test]
    fn names() {
        for good in ["c03", "ashby-high-street", "1"] {
            assert!(CameraId::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "C03", "../x", "a/b", "-a", "a-", "a b", "å"] {
            assert!(CameraId::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(
            split_origin("cctv.example.gov.uk/box/ashby/12"),
            Some(("cctv.example.gov.uk/box/ashby", 12))
        );
        assert_eq!(split_origin("cctv.example.gov.uk/box/ashby/012"), None);
        for good in RESERVED {
            let name = BoxName::parse(good).expect("readable");
            assert!(name.is_reserved() && BoxName::parse_new(good).is_err());
        }
        assert!(RESERVED.is_sorted());
        assert!(BoxName::parse_new("hub-street").is_ok());
        assert!(ExhibitRef::parse("EXH-2026-000123").is_ok());
        assert!(ExhibitRef::parse("EXH-2026-00012/").is_err());
    }
}
