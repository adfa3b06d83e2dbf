//! Pure. A moment as people and programs write it: any form of RFC 3339, `Z` or an offset.

use serde::{Deserialize, Deserializer, de::Error};
use shared::time::Utc;

pub fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Utc, D::Error> {
    Utc::parse_lenient(&String::deserialize(from)?).map_err(D::Error::custom)
}

/// The same, or none.
pub fn maybe<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Utc>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let time = text.map(|t| Utc::parse_lenient(&t));
    time.transpose().map_err(D::Error::custom)
}
