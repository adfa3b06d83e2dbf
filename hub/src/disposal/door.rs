//! Wiring. What commands ask about evidence, and what they are told. Blocking.

use serde::{Deserialize, Serialize};
use shared::id::ExhibitRef;

use super::{
    acts::{self, Given},
    rows::{Evidence, EvidenceRow},
    shown,
};
use crate::{
    board::{Board, Refusal},
    control::SignIn,
    desk::Desk,
};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum Act {
    List {
        /// Only what is due, or not completely gone.
        due: bool,
    },
    Class {
        exhibit: ExhibitRef,
        given: Given,
        reason: String,
        who: SignIn,
    },
    /// Of what is due; of anything else it is a request.
    Dispose {
        exhibit: ExhibitRef,
        reason: String,
        who: SignIn,
    },
    /// The second person's word.
    Approve {
        exhibit: ExhibitRef,
        who: SignIn,
    },
    Certificate {
        exhibit: ExhibitRef,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Answer {
    All { evidence: Evidence },
    One { row: Box<EvidenceRow> },
    Certificate { text: String },
}

pub fn act(desk: &Desk, act: Act) -> Result<Answer, Refusal> {
    let enter = |who: SignIn| desk.sign_in(&who.name, &who.password, None);
    let row = match act {
        Act::List { due } => {
            let evidence = shown::all(desk, due)?;
            return Ok(Answer::All { evidence });
        }
        Act::Certificate { exhibit } => {
            let text = shown::certificate(desk, &exhibit)?;
            return Ok(Answer::Certificate { text });
        }
        Act::Class {
            exhibit,
            given,
            reason,
            who,
        } => acts::class(desk, &exhibit, &given, &reason, &enter(who)?)?,
        Act::Dispose {
            exhibit,
            reason,
            who,
        } => acts::dispose(desk, &exhibit, &reason, &enter(who)?)?,
        Act::Approve { exhibit, who } => acts::approve(desk, &exhibit, &enter(who)?)?,
    };
    Ok(Answer::One { row: Box::new(row) })
}
