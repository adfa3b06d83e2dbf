//! Pure. How the reasons of one room are written: a table of variants, with class and code.

/// The reasons of one room: a variant with what it is about, its class, and its code.
macro_rules! reasons {
    ($(#[$doc:meta])* $room:ident { $($(#[$about:meta])* $name:ident $({ $($field:ident: $type:ty),* $(,)? })? => $class:ident $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub enum $room {
            $($(#[$about])* $name $({ $($field: $type),* })?,)*
        }

        impl $room {
            /// Every code there is here.
            pub const CODES: &[&str] = &[$($code),*];

            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$name { .. } => $code,)*
                }
            }

            pub fn class(&self) -> $crate::reason::class::Class {
                match self {
                    $(Self::$name { .. } => $crate::reason::class::Class::$class,)*
                }
            }
        }
    };
}
pub(crate) use reasons;
