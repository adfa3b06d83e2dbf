//! Pure. Whether another mask in the place of one would show what that one hides (MSK-4).
use std::fmt;

use super::{
    Mask, Style,
    polygon::{self, Corner},
};

/// What a mask shows that the one before it hid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exposure {
    /// A place that the one before covered, in normalised coordinates.
    Place(Corner),
    /// The one before was solid; under a mosaic it is seen that something moves.
    Movement,
    /// The cells of the camera's own mosaic are smaller.
    Detail,
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exposure::Place((x, y)) => {
                write!(
                    f,
                    "around [{x:.3}, {y:.3}] it leaves open what that one hides"
                )
            }
            Exposure::Movement => {
                f.write_str("it is a mosaic, under which movement is seen, and that one is solid")
            }
            Exposure::Detail => f.write_str("the cells of its mosaic are smaller"),
        }
    }
}

impl Mask {
    /// What would be seen with another mask in the place of this one; None: that one hides as much or more.
    pub fn exposed_by(&self, other: &Self) -> Option<Exposure> {
        if let Some(at) = polygon::uncovered(&self.polygons, &other.polygons) {
            return Some(Exposure::Place(at));
        }
        match (self.style, other.style) {
            (Style::Solid, Style::Pixelated) => Some(Exposure::Movement),
            (Style::Pixelated, Style::Pixelated)
                if other.cell < self.cell && other.cell.is_some() =>
            {
                Some(Exposure::Detail)
            }
            _ => None,
        }
    }
}
