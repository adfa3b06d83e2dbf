//! Pure. A long list on pages: which part of it a page's address asks for, and the addresses of the parts before and after.

use serde::Deserialize;

use crate::{api::call::encoded, list::Part};

/// Parts that one can go back by, one after the other.
const BACK: usize = 20;

/// What a page's address says of the part that is wanted.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Turn {
    pub after: Option<String>,
    /// The marks of the parts before this one, with commas between; the first part has none and is not named.
    pub back: Option<String>,
}

/// Where the parts before and after are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaf {
    pub previous: Option<String>,
    pub next: Option<String>,
}

impl Turn {
    pub fn part(&self, limit: u32) -> Part {
        Part {
            limit: Some(limit),
            after: self.after.clone().filter(|a| !a.is_empty()),
        }
    }

    /// The part of a list that is at hand as a whole; and the mark of the next part, if there is one.
    pub fn cut<T>(
        &self,
        mut all: Vec<T>,
        limit: usize,
        mark: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let after = self.after.as_deref().filter(|a| !a.is_empty());
        let place = after.and_then(|after| all.iter().position(|row| mark(row) == after));
        let mut part = all.split_off(place.map_or(0, |at| at + 1));
        let more = part.len() > limit;
        part.truncate(limit);
        let next = part.last().filter(|_| more).map(mark);
        (part, next)
    }

    pub fn leaf(&self, address: &str, next: Option<&String>) -> Leaf {
        self.leaf_of(address, "", next)
    }

    /// The same of a list beside another: its parts stand in the address by names of their own.
    pub fn leaf_of(&self, address: &str, name: &str, next: Option<&String>) -> Leaf {
        let marks = self.back.as_deref().unwrap_or_default().split(',');
        let mut marks: Vec<&str> = marks.filter(|m| !m.is_empty()).collect();
        let to = |after: &str, back: &[&str]| {
            let kept = back.get(back.len().saturating_sub(BACK)..).unwrap_or(back);
            let back: Vec<String> = kept.iter().map(|m| encoded(m)).collect();
            let mark = if address.contains('?') { '&' } else { '?' };
            format!(
                "{address}{mark}{name}after={}&{name}back={}",
                encoded(after),
                back.join(",")
            )
        };
        let here = self.after.as_deref().filter(|a| !a.is_empty());
        let previous = here.map(|_| match marks.split_last() {
            Some((last, before)) => to(last, before),
            None => address.to_owned(),
        });
        marks.extend(here);
        Leaf {
            previous,
            next: next.map(|next| to(next, &marks)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One goes to the end of a list and back again to its beginning by the same parts.
    #[test]
    fn there_and_back() {
        let read = |address: &str| {
            let (_, query) = address.split_once('?').unwrap_or((address, ""));
            let field = |name: &str| {
                let mut all = query.split('&').filter_map(|p| p.split_once('='));
                all.find(|(n, _)| *n == name).map(|(_, v)| v.to_owned())
            };
            Turn {
                after: field("after"),
                back: field("back"),
            }
        };
        let (mut turn, mut seen) = (Turn::default(), vec![None]);
        for n in 1..=4 {
            let next = turn.leaf("/holds", Some(&format!("H-{n}"))).next;
            turn = read(&next.expect("a next part"));
            seen.push(turn.after.clone());
        }
        assert_eq!(turn.leaf("/holds", None).next, None);
        while let Some(previous) = turn.leaf("/holds", None).previous {
            assert_eq!(turn.after, seen.pop().flatten());
            turn = read(&previous);
        }
        assert_eq!((seen, turn.after), (vec![None], None));
        let (mut turn, mut all) = (Turn::default(), Vec::new());
        loop {
            let (part, next) = turn.cut((0..25).collect(), 10, u32::to_string);
            assert!(part.len() <= 10);
            all.extend(part);
            turn.after = next;
            if turn.after.is_none() {
                break;
            }
        }
        assert_eq!(all, (0..25).collect::<Vec<u32>>());
        let odd = Turn {
            after: Some("\"><b>".into()),
            back: None,
        };
        let next = odd.leaf("/", Some(&"x".to_owned())).next.expect("next");
        assert!(!next.contains(['<', '"']), "{next}");
    }
}
