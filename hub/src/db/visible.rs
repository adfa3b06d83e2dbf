//! Adapter: SQLite. Which rows of a list somebody may see, as a condition of its statement: what is not theirs is not read.

use rusqlite::types::Value;
use shared::{id::BoxCamera, time::Utc};

/// Cameras of one grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cameras {
    All,
    /// Those of one owner.
    Owner(String),
    Named(Vec<BoxCamera>),
}

/// What somebody may see: rows of these cameras, and with a time those that begin then or later. Any of the parts is enough; none at
/// all is nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VisibleRows(pub Vec<(Cameras, Option<Utc>)>);

/// Values of a statement that is put together.
#[derive(Clone, Default)]
pub(super) struct Values(pub Vec<Value>);

impl Values {
    /// Adds one; its sign in the statement.
    pub fn add(&mut self, value: impl Into<Value>) -> String {
        self.0.push(value.into());
        format!("${}", self.0.len())
    }

    /// The same with another value in the first one's place.
    pub fn with_first(&self, value: impl Into<Value>) -> Self {
        let mut all = self.0.clone();
        if let Some(first) = all.first_mut() {
            *first = value.into();
        }
        Self(all)
    }

    /// The same of a count, which stays below 2^53.
    pub fn count(&mut self, n: u64) -> String {
        self.add(i64::try_from(n).unwrap_or(i64::MAX))
    }
}

impl VisibleRows {
    pub fn everything() -> Self {
        Self(vec![(Cameras::All, None)])
    }

    /// The moment before which nothing is theirs, whatever camera it is of; None: there is none.
    pub(super) fn since(&self) -> Option<Utc> {
        let all: Option<Vec<Utc>> = self.0.iter().map(|(_, from)| *from).collect();
        all?.into_iter().min()
    }

    /// `of`: the row's box and camera, and when its footage begins, if it has any.
    pub(super) fn condition(
        &self,
        (name, cam, begin): (&str, &str, Option<&str>),
        values: &mut Values,
    ) -> String {
        let mut any = Vec::new();
        for (cameras, from) in &self.0 {
            let mut all = Vec::new();
            match cameras {
                Cameras::All => {}
                Cameras::Owner(owner) => {
                    let owner = values.add(owner.clone());
                    all.push(format!(
                        "({name}, {cam}) IN (SELECT box, cam FROM camera_owners WHERE owner={owner})"
                    ));
                }
                Cameras::Named(cameras) => {
                    let each = cameras.iter().map(|c| {
                        let (b, c) = (
                            values.add(c.r#box.to_string()),
                            values.add(c.cam.to_string()),
                        );
                        format!("({name}={b} AND {cam}={c})")
                    });
                    let each: Vec<String> = each.collect();
                    all.push(match each.is_empty() {
                        true => "1=0".into(),
                        false => format!("({})", each.join(" OR ")),
                    });
                }
            }
            if let Some((begin, from)) = begin.zip(*from) {
                all.push(format!("{begin} >= {}", values.add(from.0)));
            }
            if all.is_empty() {
                // This one alone is everything.
                return "1=1".into();
            }
            any.push(format!("({})", all.join(" AND ")));
        }
        match any.is_empty() {
            true => "1=0".into(),
            false => format!("({})", any.join(" OR ")),
        }
    }
}
