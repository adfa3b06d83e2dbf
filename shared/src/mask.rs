//! Pure. A mask: its version, its polygons, and how they are imposed; whether it can be; its form in files and in orders.
//!
//! The same sentences refuse a mask in a box's configuration (`[camera.mask]`), in a file given to the hub, and in an order that
//! comes to a box.

pub mod exposure;
pub mod polygon;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    fields::{
        Field, Gather, Unknown, Wrong, below, may, need, parsed, quoted, unknown, within, words,
    },
    id::CameraId,
    record::{self, Digest},
    time::Day,
};
use polygon::Corner;

/// Version of the mask of a camera whose orders cannot be read.
pub const UNKNOWN: &str = "all";
/// Longest a mask may be lifted by one order (MSK-4).
pub const LONGEST_LIFT_MINUTES: u32 = 24 * 60;

/// Polygons in normalised coordinates (0 to 1), and how they hide what is under them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// Version, e.g. `m7`.
    pub id: String,
    pub polygons: Vec<Vec<Corner>>,
    /// Day it is due for review.
    #[serde(default)]
    pub review: Option<Day>,
    /// Who looked at it last.
    #[serde(default)]
    pub reviewer: Option<String>,
    #[serde(default)]
    pub how: How,
    #[serde(default)]
    pub style: Style,
    /// Side of the camera's own cells in pixels; with [`How::Camera`] and [`Style::Pixelated`] only, and then always.
    #[serde(default)]
    pub cell: Option<u32>,
    /// The camera's own colour; with [`How::Camera`] and [`Style::Solid`] only.
    #[serde(default)]
    pub colour: Option<[u8; 3]>,
}

/// Who imposes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The box paints it into the pictures.
    #[default]
    Burned,
    /// The camera has it; the box proves that it is there.
    Camera,
}

/// Where a camera looks. A mask belongs to the scene; where it lies in a picture follows from this.
///
/// The place for cameras that tell their position (pan, tilt, zoom): one more variant here, and its projection in [`Mask::in_frame`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Always there: the scene's coordinates are the picture's.
    Fixed,
    /// It turns, and nobody knows where to.
    Unknown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Style {
    #[default]
    Solid,
    Pixelated,
}

impl How {
    pub fn code(self) -> &'static str {
        match self {
            How::Burned => "burned",
            How::Camera => "camera",
        }
    }
}

impl Style {
    pub fn code(self) -> &'static str {
        match self {
            Style::Solid => "solid",
            Style::Pixelated => "pixelated",
        }
    }
}

impl Mask {
    /// Whether it does the same to pictures: the same mask, whoever looked at it and whenever it is due again.
    pub fn same_for_pictures(&self, other: &Self) -> bool {
        let Self {
            id,
            polygons,
            review: _,
            reviewer: _,
            how,
            style,
            cell,
            colour,
        } = self;
        (id, polygons, how, style, cell, colour)
            == (
                &other.id,
                &other.polygons,
                &other.how,
                &other.style,
                &other.cell,
                &other.colour,
            )
    }

    /// The mask as it lies in pictures taken from there. From a position that is not known it may lie anywhere, so the box paints over
    /// all of the picture; solid, since a camera that zooms may fill its pictures with one face.
    pub fn in_frame(self, position: Position) -> Self {
        match position {
            Position::Fixed => self,
            Position::Unknown => Self {
                review: self.review,
                reviewer: self.reviewer,
                ..Self::of_everything(&self.id)
            },
        }
    }

    /// One that hides everything.
    pub fn of_everything(id: &str) -> Self {
        Self {
            id: id.into(),
            polygons: vec![vec![(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]],
            ..Self::default()
        }
    }

    /// The polygons as they are written and hashed: `[[[x,y],…],…]` without white space.
    pub fn polygons_json(&self) -> String {
        // Numbers in lists always have a JSON form.
        serde_json::to_string(&self.polygons).unwrap_or_default()
    }

    /// SHA-256 of those bytes, for `mask.set`.
    pub fn digest(&self) -> Digest {
        record::sha256(self.polygons_json().as_bytes())
    }

    /// Thousandths of the picture it covers.
    pub fn permille(&self) -> u64 {
        polygon::permille(&self.polygons)
    }

    /// All that is wrong with one that did not come out of a file.
    pub fn check(&self) -> Result<(), Vec<Wrong>> {
        let mut g = Gather::default();
        id(&mut g, "id", &self.id);
        polygons(&mut g, "polygons", &self.polygons);
        if let Some(name) = &self.reviewer {
            words(&mut g, "reviewer", name, REVIEWER);
        }
        if let Some(side) = self.cell {
            cell(&mut g, "cell", side.into());
        }
        imposed(
            &mut g,
            "",
            self.how,
            self.style,
            self.cell.is_some(),
            self.colour.is_some(),
        );
        g.into_result(Some(()))
    }
}

const ID: &str = "id = \"m7\"";
const REVIEW: &str = "review = 2027-11-01";
const REVIEWER: &str = "reviewer = \"J. Rees, data protection\"";
const HOW: &str = "how = \"burned\"";
const STYLE: &str = "style = \"solid\"";
const CELL: &str = "cell = 40";
const COLOUR: &str = "colour = \"#000000\"";
const SQUARE: &str = "polygons = [[[0.1, 0.2], [0.4, 0.2], [0.4, 0.5], [0.1, 0.5]]]";

/// A mask as it is written in TOML.
#[derive(Debug, Default, Deserialize)]
pub struct RawMask {
    /// Version of the mask, changed whenever the polygons change. No default.
    #[serde(default)]
    pub id: Field<String>,
    /// One or more polygons, each at least three `[x, y]` corners from 0 to 1. No default.
    #[serde(default)]
    pub polygons: Field<Vec<Vec<(Number, Number)>>>,
    /// Day the mask is due for review. Default: none.
    #[serde(default)]
    pub review: Field<toml::Value>,
    /// Who looked at it last; the audit log has a salted hash of it. Default: none.
    #[serde(default)]
    pub reviewer: Field<String>,
    /// `burned`: the box paints it. `camera`: it is in the camera, and the box proves that it is. Default `burned`.
    #[serde(default)]
    pub how: Field<String>,
    /// `solid` or `pixelated`. Default `solid`.
    #[serde(default)]
    pub style: Field<String>,
    /// Side of the camera's own cells in pixels of what it sends. Only, and always, of a pixelated mask in the camera.
    #[serde(default)]
    pub cell: Field<i64>,
    /// `#rrggbb`, the colour the camera paints with. Only of a solid mask in the camera. Default: any, the same all over.
    #[serde(default)]
    pub colour: Field<String>,
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// `0`, `1` and `0.5` are all fine as corners.
#[derive(Clone, Copy, Debug)]
pub struct Number(pub f64);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(d)? {
            toml::Value::Float(x) => Ok(Number(x)),
            toml::Value::Integer(x) => Ok(Number(x as f64)),
            _ => Err(serde::de::Error::custom("not a number")),
        }
    }
}

/// A file that holds one mask: the keys of `[camera.mask]` and nothing else.
pub fn from_toml(text: &str) -> Result<Mask, Vec<Wrong>> {
    let mut g = Gather::default();
    let mask = match toml::from_str::<RawMask>(text) {
        Ok(raw) => from_raw(&mut g, "", raw),
        Err(e) => {
            let why = format!("it cannot be read as TOML: {}", e.message());
            g.wrong("the file", None, why, ID);
            None
        }
    };
    g.into_result(mask)
}

/// One mask's table under the path `at`.
pub fn from_raw(g: &mut Gather, at: &str, m: RawMask) -> Option<Mask> {
    unknown(
        g,
        at,
        &m.unknown,
        &[
            "id", "polygons", "review", "reviewer", "how", "style", "cell", "colour",
        ],
    );
    let path = |key: &str| below(at, key);
    let name =
        need(g, &path("id"), m.id, "text", ID).and_then(|t| id(g, &path("id"), &t).then_some(t));
    let review_at = path("review");
    let review = optional(may(g, &review_at, m.review, "a date", REVIEW), |value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        parsed(g, &review_at, &text, Day::parse(&text), REVIEW)
    });
    let reviewer = optional(
        may(g, &path("reviewer"), m.reviewer, "text", REVIEWER),
        |t| words(g, &path("reviewer"), &t, REVIEWER),
    );
    let how = one_of(
        g,
        &path("how"),
        m.how,
        [How::Burned, How::Camera],
        How::code,
        HOW,
    );
    let style = one_of(
        g,
        &path("style"),
        m.style,
        [Style::Solid, Style::Pixelated],
        Style::code,
        STYLE,
    );
    let side = optional(may(g, &path("cell"), m.cell, "a whole number", CELL), |n| {
        cell(g, &path("cell"), n)
    });
    let paint = optional(may(g, &path("colour"), m.colour, "text", COLOUR), |t| {
        let colour = colour(&t);
        if colour.is_none() {
            g.wrong(
                path("colour"),
                quoted(&t),
                "it is not a colour, # and six of 0-9 and a-f",
                COLOUR,
            );
        }
        colour
    });
    let drawn: Option<Vec<Vec<Corner>>> = need(
        g,
        &path("polygons"),
        m.polygons,
        "a list of lists of [x, y]",
        SQUARE,
    )
    .map(|all| {
        all.into_iter()
            .map(|p| p.into_iter().map(|(x, y)| (x.0, y.0)).collect())
            .collect()
    });
    let drawn = drawn.filter(|all| polygons(g, &path("polygons"), all));
    let (how, style, cell, colour) = (how?, style?, side?, paint?);
    let imposed = imposed(g, at, how, style, cell.is_some(), colour.is_some());
    let mask = Mask {
        id: name?,
        polygons: drawn?,
        review: review?,
        reviewer: reviewer?,
        how,
        style,
        cell,
        colour,
    };
    imposed.then_some(mask)
}

/// What is not there is fine, what is there must be good: None is wrong.
fn optional<T, U>(value: Option<T>, good: impl FnOnce(T) -> Option<U>) -> Option<Option<U>> {
    match value {
        None => Some(None),
        Some(value) => good(value).map(Some),
    }
}

fn one_of<T: Copy + Default>(
    g: &mut Gather,
    at: &str,
    field: Field<String>,
    all: [T; 2],
    code: fn(T) -> &'static str,
    example: &'static str,
) -> Option<T> {
    let absent = matches!(field, Field::Absent);
    let Some(text) = may(g, at, field, "text", example) else {
        return absent.then(T::default);
    };
    let found = all.into_iter().find(|v| code(*v) == text);
    if found.is_none() {
        let why = format!("it must be {} or {}", code(all[0]), code(all[1]));
        g.wrong(at, quoted(&text), why, example);
    }
    found
}

fn id(g: &mut Gather, at: &str, text: &str) -> bool {
    // The same letters as a camera's.
    let good = CameraId::parse(text).is_ok();
    if !good {
        g.wrong(
            at,
            quoted(text),
            "it is not a mask version (1 to 32 of a-z, 0-9 and -)",
            ID,
        );
    }
    good
}

fn cell(g: &mut Gather, at: &str, side: i64) -> Option<u32> {
    within(
        g,
        at,
        side,
        8..=512,
        "a cell is 8 to 512 pixels wide and high",
        CELL,
    )
}

/// `#rrggbb`
fn colour(text: &str) -> Option<[u8; 3]> {
    let digits = text
        .strip_prefix('#')
        .filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
    Some([r, g, b])
}

/// What the box paints looks as the box paints it; what the camera paints must be known to be proved.
fn imposed(g: &mut Gather, at: &str, how: How, style: Style, cell: bool, colour: bool) -> bool {
    let before = g.len();
    let (cell_at, colour_at) = (below(at, "cell"), below(at, "colour"));
    match (how, style) {
        (How::Camera, Style::Pixelated) if !cell => {
            g.wrong(&cell_at, None, "a pixelated mask that is in the camera can be proved only when the size of the camera's cells is known", CELL);
        }
        (How::Camera, Style::Pixelated) => {}
        _ if cell => {
            g.wrong(&cell_at, None, "it is the size of the camera's own cells, for how = \"camera\" with style = \"pixelated\"; the box chooses its own", "leave it out");
        }
        _ => {}
    }
    if colour && (how, style) != (How::Camera, Style::Solid) {
        g.wrong(&colour_at, None, "it is the camera's own colour, for how = \"camera\" with style = \"solid\"; the box paints black", "leave it out");
    }
    g.len() == before
}

fn polygons(g: &mut Gather, at: &str, all: &[Vec<Corner>]) -> bool {
    if all.is_empty() {
        g.wrong(
            at,
            Some("[]".into()),
            "a mask needs at least one polygon; leave [camera.mask] out for none",
            SQUARE,
        );
        return false;
    }
    let faults: Vec<_> = all
        .iter()
        .enumerate()
        .filter_map(|(i, p)| polygon::fault(p).map(|f| (i, f)))
        .collect();
    if !faults.is_empty() {
        for (i, fault) in faults {
            g.wrong(format!("{at}[{i}]"), Some(corners(&all[i])), fault, SQUARE);
        }
        return false;
    }
    if let Some((_, second, why)) = polygon::overlap(all) {
        g.wrong(
            format!("{at}[{second}]"),
            Some(corners(&all[second])),
            why,
            SQUARE,
        );
        return false;
    }
    true
}

fn corners(polygon: &[Corner]) -> String {
    format!(
        "[{}]",
        polygon
            .iter()
            .map(|(x, y)| format!("[{x}, {y}]"))
            .collect::<Vec<_>>()
            .join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
id = "m7"
polygons = [[[0, 0.2], [0.4, 0.2], [0.4, 1]]]
review = 2027-11-01
reviewer = "J. Rees"
"#;

    /// MSK-1, MSK-3: a mask's file says all there is to it; what it leaves out is burned and solid; it comes out of an order as it
    /// went in, to the bit.
    #[test]
    fn in_a_file_and_in_an_order() {
        let mask = from_toml(GOOD).expect("good");
        assert_eq!((mask.how, mask.style), (How::Burned, Style::Solid));
        assert_eq!(mask.polygons_json(), "[[[0.0,0.2],[0.4,0.2],[0.4,1.0]]]");
        assert_eq!(mask.check(), Ok(()));
        let odd = Mask {
            polygons: vec![vec![
                (1.0 / 3.0, 0.1 + 0.2),
                (0.9, 1.0 / 7.0),
                (0.7, 0.999_999_999_999_999_9),
            ]],
            ..mask
        };
        let text = serde_json::to_string(&odd).expect("json");
        let back: Mask = serde_json::from_str(&text).expect("back");
        assert_eq!((back.digest(), &back), (odd.digest(), &odd));
        let camera =
            from_toml(&format!("{GOOD}how = \"camera\"\ncolour = \"#0a0B0c\"")).expect("camera");
        assert_eq!(camera.colour, Some([10, 11, 12]));
        let blocks = from_toml(&format!(
            "{GOOD}how = \"camera\"\nstyle = \"pixelated\"\ncell = 40"
        ))
        .expect("blocks");
        assert_eq!((blocks.style, blocks.cell), (Style::Pixelated, Some(40)));
        let old: Mask =
            serde_json::from_str(r#"{"id":"m7","polygons":[[[0.0,0.2],[0.4,0.2],[0.4,1.0]]]}"#)
                .expect("short");
        assert_eq!(old.check(), Ok(()));
    }

    /// MSK-5: what cannot be imposed as it is said is refused, each thing by its key.
    #[test]
    fn what_cannot_be() {
        for (more, said) in [
            ("colour = \"red\"", "colour = \"red\": it is not a colour"),
            (
                "colour = \"#000000\"",
                "colour: it is the camera's own colour",
            ),
            (
                "cell = 40",
                "cell: it is the size of the camera's own cells",
            ),
            (
                "how = \"camera\"\nstyle = \"pixelated\"",
                "cell: a pixelated mask that is in the camera can be proved only",
            ),
            (
                "how = \"camera\"\nstyle = \"pixelated\"\ncell = 4",
                "cell = 4: a cell is 8 to 512 pixels",
            ),
            (
                "how = \"painted\"",
                "how = \"painted\": it must be burned or camera",
            ),
            ("style = 7", "style = 7: it must be text"),
            (
                "styl = \"solid\"",
                "styl: no such key is known; did you mean style?",
            ),
        ] {
            let wrong = from_toml(&format!("{GOOD}{more}")).expect_err(more);
            assert!(
                wrong.iter().any(|w| w.to_string().contains(said)),
                "{said}\nnot in {wrong:?}"
            );
            assert_eq!(wrong.len(), 1, "{wrong:?}");
        }
        let all = from_toml("id = \"M 7\"\npolygons = [[[0, 0], [1, 1]], [[0, 0], [2, 0], [1, 1]]]\nreview = \"soon\"").expect_err("all");
        assert_eq!(all.len(), 4, "{all:?}");
        assert!(
            from_toml("id = ").expect_err("not toml")[0]
                .to_string()
                .contains("cannot be read as TOML")
        );
        let by_hand = Mask {
            id: "m7".into(),
            polygons: vec![vec![(0.0, 0.0), (1.0, f64::NAN), (1.0, 1.0)]],
            cell: Some(3),
            ..Mask::default()
        };
        assert_eq!(by_hand.check().expect_err("by hand").len(), 3);
    }
}
