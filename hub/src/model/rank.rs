//! Pure. Ranks of whoever authorises a still picture: of police an inspector or above has to (EVI-8).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! ranks {
    ($($name:ident = $word:literal, $title:literal, $enough:literal;)+) => {
        /// As the log has it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum Rank {
            $($name,)+
        }

        impl Rank {
            pub const ALL: &[Self] = &[$(Self::$name),+];

            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)+
                }
            }

            /// For people.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)+
                }
            }

            /// Enough for a still picture that goes to police.
            pub fn may_for_police(self) -> bool {
                match self {
                    $(Self::$name => $enough,)+
                }
            }
        }
    };
}

ranks! {
    Constable = "constable", "Constable", false;
    Sergeant = "sergeant", "Sergeant", false;
    Inspector = "inspector", "Inspector", true;
    ChiefInspector = "chief-inspector", "Chief Inspector", true;
    Superintendent = "superintendent", "Superintendent", true;
    ChiefSuperintendent = "chief-superintendent", "Chief Superintendent", true;
    Commander = "commander", "Commander", true;
    AssistantChiefConstable = "assistant-chief-constable", "Assistant Chief Constable", true;
    DeputyChiefConstable = "deputy-chief-constable", "Deputy Chief Constable", true;
    ChiefConstable = "chief-constable", "Chief Constable", true;
    Manager = "manager", "manager of the scheme", false;
}

impl Rank {
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.word() == word)
    }

    /// Those that are enough for police, for people.
    pub fn enough() -> String {
        let enough = Self::ALL.iter().filter(|r| r.may_for_police());
        enough.map(|r| r.word()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EVI-8: of police an inspector or above; every word is read back.
    #[test]
    fn inspector_or_above() {
        for rank in Rank::ALL {
            assert_eq!(Rank::parse(rank.word()), Some(*rank));
            let json = serde_json::to_value(rank).expect("JSON");
            assert_eq!(json, rank.word());
        }
        assert!(!Rank::Sergeant.may_for_police() && Rank::Inspector.may_for_police());
        assert!(!Rank::Manager.may_for_police(), "no rank of the police");
    }
}
