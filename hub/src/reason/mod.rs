//! Pure. Why something was not done, as values: each reason has a class, a code for programs, and what it is about. Decisions rest on these;
//! the sentences for people are made where they are read ([`crate::words`]).
//!
//! | module | reasons of |
//! |---|---|
//! | [`access`] | who may: roles, accounts, owners, tokens, what a second person has to say |
//! | [`accounts`] | accounts, sessions, the declaration, break-glass |
//! | [`api`] | the doors: what was sent cannot be read, or not now |
//! | [`backups`] | backups, and records that are an older copy |
//! | [`clips`] | clip requests, and what is seen of them |
//! | [`footage`] | boxes, cameras, logs and clips that are not there or not so |
//! | [`holds`] | holds |
//! | [`masks`] | masks, their reviews and lifts |
//! | [`orders`] | orders to boxes |
//! | [`outside`] | who outside the scheme stamps and attests the log |
//! | [`pages`] | pages: forms and addresses that are none of theirs |
//! | [`proofs`] | name and password, second factors |
//! | [`pulls`] | why a pull waits, or ended as it did: values that rest in its row |
//! | [`register`] | the register of an exhibit: copies, hand-overs, media, stills |
//! | [`trail`] | reading the log of staff acts |
//! | [`evidence`] | what is kept as evidence, and its disposal |

use serde::Serialize;

use class::Class;

pub mod access;
pub mod accounts;
pub mod api;
pub mod backups;
pub mod class;
pub mod clips;
pub mod evidence;
pub mod footage;
pub mod holds;
pub mod masks;
mod notice;
pub mod orders;
pub mod outside;
pub mod pages;
pub mod proofs;
pub mod pulls;
pub mod register;
mod table;
pub mod trail;

pub use access::Access;
pub use accounts::Accounts;
pub use api::Api;
pub use backups::Backups;
pub use clips::Clips;
pub use evidence::Evidence;
pub use footage::Footage;
pub use holds::Holds;
pub use masks::Masks;
pub use notice::Notice;
pub use orders::Orders;
pub use outside::Outside;
pub use pages::Pages;
pub use proofs::Proofs;
pub use pulls::PullReason;
pub use register::Register;
pub use trail::Trail;

/// The rooms.
macro_rules! rooms {
    ($($room:ident),* $(,)?) => {
        #[derive(Clone, Debug, PartialEq)]
        pub enum Reason {
            $($room($room),)*
        }

        impl Reason {
            pub fn code(&self) -> &'static str {
                match self {
                    $(Self::$room(reason) => reason.code(),)*
                }
            }

            pub fn class(&self) -> Class {
                match self {
                    $(Self::$room(reason) => reason.class(),)*
                }
            }
        }

        $(impl From<$room> for Reason {
            fn from(reason: $room) -> Self {
                Self::$room(reason)
            }
        })*

        /// Every code that a problem may have.
        pub fn codes() -> Vec<&'static str> {
            let classes = Class::ALL.map(Class::code);
            let mut all = [&classes[..], &["fault"], $($room::CODES),*].concat();
            all.sort_unstable();
            all
        }
    };
}

rooms! { Access, Accounts, Api, Backups, Clips, Evidence, Footage, Holds, Masks, Orders, Outside, Pages, Proofs, Register, Trail }

impl Reason {
    /// Where HTTP has a status of its own for it; else its class says it.
    pub fn status(&self) -> u16 {
        let own = match self {
            Self::Api(reason) => reason.status(),
            Self::Pages(reason) => reason.status(),
            _ => None,
        };
        own.unwrap_or_else(|| self.class().status())
    }
}

/// A code as documents have it: one of a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Code(pub String);

impl utoipa::PartialSchema for Code {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some(
                "Why it was not done. One code is one reason, whatever the words; those that are a class's own say no more than the class.",
            ))
            .enum_values(Some(codes()))
            .into()
    }
}

impl utoipa::ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
}

#[cfg(test)]
mod tests {
    /// One code is one reason, and is written as codes are.
    #[test]
    fn codes_are_of_one_reason_each() {
        let all = super::codes();
        let mut once = all.clone();
        once.dedup();
        assert_eq!(all, once);
        for code in all {
            let letters = code.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
            assert!(letters && code.len() < 40, "{code}");
        }
    }
}
