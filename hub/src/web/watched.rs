//! Pure. What the address of a page on which footage is watched says: looks and clips that are watched, side by side; or cameras and a span
//! that somebody wants to look at.

use shared::id::{BoxCamera, ExhibitRef};

use crate::api::call::encoded;

/// Films side by side; as many as looks of one person at once.
pub const MOST: usize = 4;

/// What is to be watched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    pub cameras: Vec<BoxCamera>,
    /// As they were typed.
    pub from: String,
    pub to: String,
    pub exhibits: Vec<ExhibitRef>,
    /// Names of looks of theirs.
    pub looks: Vec<String>,
}

fn add<T: PartialEq>(all: &mut Vec<T>, one: Option<T>) {
    if all.len() < MOST {
        let new = one.filter(|one| !all.contains(one));
        all.extend(new);
    }
}

impl Watched {
    /// From the fields of an address or a form; what is none of these is left out.
    pub fn of(fields: &[(String, String)]) -> Self {
        let mut watched = Self::default();
        for (name, value) in fields {
            let value = value.trim();
            match name.as_str() {
                "cam" => add(&mut watched.cameras, BoxCamera::parse(value).ok()),
                "exhibit" => add(&mut watched.exhibits, ExhibitRef::parse(value).ok()),
                "look" => {
                    let hex = value.len() == 32 && value.chars().all(|c| c.is_ascii_hexdigit());
                    add(&mut watched.looks, hex.then(|| value.to_owned()));
                }
                "from" => watched.from = value.chars().take(40).collect(),
                "to" => watched.to = value.chars().take(40).collect(),
                _ => {}
            }
        }
        watched
    }

    /// Where it is.
    pub fn address(&self) -> String {
        let mut fields: Vec<(&str, String)> = Vec::new();
        fields.extend(self.exhibits.iter().map(|e| ("exhibit", e.to_string())));
        fields.extend(self.cameras.iter().map(|c| ("cam", c.to_string())));
        for (name, text) in [("from", &self.from), ("to", &self.to)] {
            if !text.is_empty() {
                fields.push((name, text.clone()));
            }
        }
        fields.extend(self.looks.iter().map(|l| ("look", l.clone())));
        let fields = fields.iter().map(|(n, v)| format!("{n}={}", encoded(v)));
        format!("/watch?{}", fields.collect::<Vec<_>>().join("&"))
    }

    pub fn is_empty(&self) -> bool {
        self.cameras.is_empty() && self.exhibits.is_empty() && self.looks.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// UI-1: what is watched is an address; it holds four films at most, and nothing that is none.
    #[test]
    fn what_is_watched_is_an_address() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let look = "0123456789abcdef0123456789abcdef";
        let fields = [
            field("cam", "ashby/c01"),
            field("cam", "ashby/c01"),
            field("cam", "<b>"),
            field("exhibit", "EXH-2026-000001"),
            field("look", look),
            field("look", "../x"),
            field("from", " 2026-11-03 12:00 "),
        ];
        let watched = Watched::of(&fields);
        assert_eq!(
            watched.address(),
            format!(
                "/watch?exhibit=EXH-2026-000001&cam=ashby%2Fc01&from=2026-11-03%2012%3A00&look={look}"
            )
        );
        let many: Vec<_> = (1..9)
            .map(|n| field("cam", &format!("ashby/c0{n}")))
            .collect();
        assert_eq!(Watched::of(&many).cameras.len(), MOST);
        assert!(Watched::default().is_empty());
    }
}
