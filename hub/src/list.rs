//! Pure. Lists come in parts: so many rows at most, and a mark that the next part is asked for with.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Type, schema::ArrayBuilder, schema::Schema},
};

use crate::{error::HubError, reason::Api};

/// Most rows of one part.
pub const MOST: u32 = 1000;
/// Rows of one part, where nobody says how many.
pub const USUAL: u32 = 100;

/// Which part of a list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Part {
    /// So many rows at most: 100, if it is not said; 1 to 1000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// What comes after this one: `next` of the part before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Part {
    pub fn of(limit: u32) -> Self {
        Self {
            limit: Some(limit),
            after: None,
        }
    }

    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }

    /// The mark, read; None: the list from its beginning.
    pub fn after<T>(&self, read: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, HubError> {
        let Some(text) = &self.after else {
            return Ok(None);
        };
        let found = read(text).map(Some);
        found.ok_or_else(|| Api::NoPlaceInList { text: text.clone() }.into())
    }

    /// A mark that is a number.
    pub fn number(&self) -> Result<Option<u64>, HubError> {
        self.after(|text| text.parse().ok().filter(|n| *n < 1 << 53))
    }
}

/// One part of a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    /// Asks for the next part; None: this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T: ToSchema> PartialSchema for Rows<T> {
    fn schema() -> RefOr<Schema> {
        let next = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(
                "Asks for the next part, as `after`; missing: this is the last one.",
            ));
        ObjectBuilder::new()
            .description(Some("One part of a list."))
            .property(
                "rows",
                ArrayBuilder::new().items(Ref::from_schema_name(T::name())),
            )
            .required("rows")
            .property("next", next)
            .into()
    }
}

impl<T: ToSchema> ToSchema for Rows<T> {
    fn name() -> Cow<'static, str> {
        format!("{}s", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
    }
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            next: None,
        }
    }
}

impl<T> Rows<T> {
    /// The first `limit` of these; where there are more, the mark of the last of them.
    pub fn cut(mut rows: Vec<T>, limit: u32, mark: impl FnOnce(&T) -> String) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(mark);
        Self { rows, next }
    }

    pub fn try_map<U>(
        self,
        each: impl FnMut(T) -> Result<U, HubError>,
    ) -> Result<Rows<U>, HubError> {
        let rows: Result<Vec<U>, HubError> = self.rows.into_iter().map(each).collect();
        Ok(Rows {
            rows: rows?,
            next: self.next,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list comes whole, part by part, and no part is longer than was asked for.
    #[test]
    fn parts_make_the_whole() {
        let all: Vec<u64> = (1..=25).collect();
        let (mut part, mut seen) = (Part::of(10), Vec::new());
        loop {
            let after = part.number().expect("mark").unwrap_or(0);
            let found = all.iter().copied().filter(|n| *n > after).take(11);
            let rows = Rows::cut(found.collect(), part.limit(), u64::to_string);
            assert!(rows.rows.len() <= 10);
            seen.extend(rows.rows);
            part.after = rows.next;
            if part.after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert_eq!((Part::of(0).limit(), Part::of(9999).limit()), (1, MOST));
        let odd = Part {
            after: Some("x".into()),
            ..Part::default()
        };
        let refused = odd.number().expect_err("no mark").to_string();
        assert!(refused.contains("no place in this list"), "{refused}");
    }
}
