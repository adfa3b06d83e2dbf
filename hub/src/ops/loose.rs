//! Pure. Numbers and flags as an address has them: text. JSON's own are read too.

use serde::{Deserialize, Deserializer, de::Error};
use shared::time::Utc;

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose<T> {
    Own(T),
    Text(String),
}

fn read<'de, T, D>(from: D) -> Result<T, D::Error>
where
    T: Deserialize<'de> + std::str::FromStr,
    D: Deserializer<'de>,
{
    match Loose::<T>::deserialize(from)? {
        Loose::Own(value) => Ok(value),
        Loose::Text(text) => text
            .parse()
            .map_err(|_| D::Error::custom(format!("{text:?} is not what is wanted here"))),
    }
}

/// A whole number.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    read(from)
}

/// `true` or `false`.
pub fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    read(from)
}

/// A moment in any form that says its offset, as RFC 3339 has it; or none.
pub fn some_time<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Utc>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    let time = text.map(|t| Utc::parse_lenient(&t));
    time.transpose().map_err(D::Error::custom)
}
