//! Pure. Names and times as the schemas of the hub's API have them: texts of a form, which is said here beside an example of each.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Type, schema::Schema},
};

use crate::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef, HoldId},
    time::{Day, Utc},
};

fn text(what: &str, pattern: &str, most: usize, example: &str) -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some(what))
        .pattern(Some(pattern))
        .max_length(Some(most))
        .examples([example])
        .into()
}

macro_rules! texts {
    ($($name:ident, $what:literal, $pattern:literal, $most:literal, $example:literal;)*) => {
        $(
            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    text($what, $pattern, $most, $example)
                }
            }
            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    stringify!($name).into()
                }
            }
        )*

        /// Every example is what its reader reads, and its form is one of the letters it says.
        #[cfg(test)]
        #[test]
        fn examples_are_read() {
            $(
                let read: Result<$name, _> = serde_json::from_value($example.into());
                let read = read.unwrap_or_else(|e| panic!("{}: {e}", $example));
                assert_eq!(serde_json::json!(read), $example);
                assert!($example.len() <= $most);
            )*
        }
    };
}

texts! {
    BoxName, "The name of a box.", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", 63, "ashby-high-street";
    CameraId, "A camera of one box.", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", 32, "c03";
    BoxCamera, "A camera of a box.", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?/[a-z0-9]([a-z0-9-]*[a-z0-9])?$", 96, "ashby-high-street/c03";
    ExhibitRef, "The number of an exhibit.", "^EXH-[0-9]{4}-[0-9]{6}$", 15, "EXH-2026-000123";
    HoldId, "The number of a hold.", "^H-([0-9]{6}|[1-9][0-9]{6,8})$", 11, "H-000012";
    Utc, "A moment in UTC, to the millisecond.",
        "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\\.[0-9]{3}Z$", 24,
        "2026-11-03T14:00:00.000Z";
    Day, "A day of the local calendar.", "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", 10, "2026-11-03";
}
