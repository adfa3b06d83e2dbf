//! Pure. Who asks for footage, and what is required of them: one table.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of requester it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RequesterClass {
    /// Police or a prosecutor.
    Police,
    /// Another body with a power in law to ask.
    Statutory,
    /// A solicitor or a party, with a court's order.
    Solicitor,
    /// Somebody who asks for footage of themselves.
    DataSubject,
    Media,
    Other,
}

/// What a request of a class has to bring, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirements {
    pub class: RequesterClass,
    /// For people, after "a request of".
    pub title: &'static str,
    /// The order or the power under which it is asked has to be named.
    pub order: bool,
    /// How the requester's identity was checked has to be said.
    pub identity: bool,
    /// Days within which the scheme has to answer, from when it was made.
    pub answer_days: Option<u32>,
    /// Somebody else than whoever submitted it authorises it.
    pub second_person: bool,
}

/// Purpose, reference and requester are needed of every class (AUD-5). A data subject is to be answered within a month (UK GDPR article 12(3)).
pub const TABLE: [Requirements; 6] = [
    Requirements {
        class: RequesterClass::Police,
        title: "police or a prosecutor",
        order: false,
        identity: false,
        answer_days: None,
        second_person: false,
    },
    Requirements {
        class: RequesterClass::Statutory,
        title: "another body with a power in law",
        order: true,
        identity: false,
        answer_days: None,
        second_person: false,
    },
    Requirements {
        class: RequesterClass::Solicitor,
        title: "a solicitor or a party, with a court's order",
        order: true,
        identity: false,
        answer_days: None,
        second_person: true,
    },
    Requirements {
        class: RequesterClass::DataSubject,
        title: "somebody who asks for footage of themselves",
        order: false,
        identity: true,
        answer_days: Some(30),
        second_person: true,
    },
    Requirements {
        class: RequesterClass::Media,
        title: "media",
        order: false,
        identity: false,
        answer_days: None,
        second_person: true,
    },
    Requirements {
        class: RequesterClass::Other,
        title: "anybody else",
        order: false,
        identity: true,
        answer_days: None,
        second_person: true,
    },
];

/// What a class was asked to bring and did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MissingItem {
    Cameras,
    Span,
    Purpose,
    Reference,
    Requester,
    Order,
    Identity,
}

/// What a request has, as far as it is required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RequestContents {
    pub cameras: bool,
    pub span: bool,
    pub purpose: bool,
    pub reference: bool,
    pub requester: bool,
    pub order: bool,
    pub identity: bool,
}

impl RequesterClass {
    pub fn requirements(self) -> &'static Requirements {
        match self {
            Self::Police => &TABLE[0],
            Self::Statutory => &TABLE[1],
            Self::Solicitor => &TABLE[2],
            Self::DataSubject => &TABLE[3],
            Self::Media => &TABLE[4],
            Self::Other => &TABLE[5],
        }
    }

    /// As commands, programs and the log name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Police => "police",
            Self::Statutory => "statutory",
            Self::Solicitor => "solicitor",
            Self::DataSubject => "data-subject",
            Self::Media => "media",
            Self::Other => "other",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        let mut all = TABLE.iter().map(|r| r.class);
        all.find(|class| class.word() == word)
    }
}

impl Requirements {
    /// All that is missing, in the order it is asked for.
    pub fn missing(&self, b: RequestContents) -> Vec<MissingItem> {
        [
            (b.cameras, MissingItem::Cameras),
            (b.span, MissingItem::Span),
            (b.purpose, MissingItem::Purpose),
            (b.reference, MissingItem::Reference),
            (b.requester, MissingItem::Requester),
            (b.order || !self.order, MissingItem::Order),
            (b.identity || !self.identity, MissingItem::Identity),
        ]
        .into_iter()
        .filter_map(|(there, what)| (!there).then_some(what))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: RequestContents = RequestContents {
        cameras: true,
        span: true,
        purpose: true,
        reference: true,
        requester: true,
        order: true,
        identity: true,
    };

    /// AUD-5, EVI-1: every class with each single thing left out, and with all of it: what is required is asked for, and nothing else.
    #[test]
    fn every_class_and_what_it_has_to_bring() {
        type Leave = fn(&mut RequestContents);
        let leave: [(MissingItem, Leave); 7] = [
            (MissingItem::Cameras, |b| b.cameras = false),
            (MissingItem::Span, |b| b.span = false),
            (MissingItem::Purpose, |b| b.purpose = false),
            (MissingItem::Reference, |b| b.reference = false),
            (MissingItem::Requester, |b| b.requester = false),
            (MissingItem::Order, |b| b.order = false),
            (MissingItem::Identity, |b| b.identity = false),
        ];
        for row in &TABLE {
            assert_eq!(row.class.requirements(), row);
            assert_eq!(RequesterClass::parse(row.class.word()), Some(row.class));
            assert_eq!(row.missing(ALL), []);
            for (what, without) in leave {
                let mut brought = ALL;
                without(&mut brought);
                let needed = match what {
                    MissingItem::Order => row.order,
                    MissingItem::Identity => row.identity,
                    _ => true,
                };
                let missing = row.missing(brought);
                assert_eq!(missing.contains(&what), needed, "{row:?} {what:?}");
                assert!(missing.len() <= 1);
            }
        }
        assert_eq!(RequesterClass::parse("neighbour"), None);
    }

    /// docs/requests.md has this table, row by row.
    #[test]
    fn the_document_has_the_table() {
        let text = include_str!("../../../docs/requests.md");
        let yes = |b: bool| if b { "yes" } else { "no" };
        for r in &TABLE {
            let days = r.answer_days.map_or("no".into(), |d| format!("{d} days"));
            let row = format!(
                "| `{}` | {} | {} | {} | {days} | {} |",
                r.class.word(),
                r.title,
                yes(r.order),
                yes(r.identity),
                yes(r.second_person)
            );
            assert!(text.contains(&row), "docs/requests.md lacks: {row}");
        }
    }
}
