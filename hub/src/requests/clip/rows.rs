//! Pure. A clip request as pages, commands and programs are shown it.

use serde::{Deserialize, Serialize};
use shared::{id::ExhibitRef, time::Utc};
use utoipa::ToSchema;

use crate::{
    model::{clip_request::State, line::Forecast, pull::Absence, requester::RequesterClass},
    rows::ReasonRow,
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestRow {
    /// R-000012
    pub request: String,
    pub class: RequesterClass,
    pub state: State,
    /// Code of why it stands so, of the list that belongs to its state.
    pub reason: Option<String>,
    pub cameras: Vec<RequestCameraRow>,
    pub from: Option<Utc>,
    pub to: Option<Utc>,
    /// None: not given, or erased.
    pub purpose: Option<String>,
    pub reference: Option<String>,
    pub requester: Option<String>,
    pub order: Option<String>,
    pub identity: Option<String>,
    pub note: Option<String>,
    /// By when it has to be answered.
    pub due: Option<Utc>,
    /// People as the log names them.
    pub opened_by: String,
    pub submitted_by: Option<String>,
    pub authorised_by: Option<String>,
    /// Its pulls go before those that are planned, whatever the hour.
    pub urgent: bool,
    /// A second person has to authorise it.
    pub second_person: bool,
    pub made: Utc,
    pub changed: Utc,
}

/// One camera of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequestCameraRow {
    /// BOX/CAM
    pub camera: String,
    /// Its exhibit, once it is granted.
    pub exhibit: Option<ExhibitRef>,
    /// Where the exhibit stands; None: there is none.
    pub state: Option<String>,
    /// Why nothing of it is there.
    pub why: Option<Absence>,
    /// The same in a sentence.
    pub said: String,
    /// Why it stands so, for programs.
    pub reasons: Vec<ReasonRow>,
    /// It is still to come, or on its way.
    pub under_way: bool,
    /// Who has it wait, as the log names them; None: it goes on.
    pub paused: Option<String>,
    /// Segments that were found, and their bytes as sealed.
    pub segments: u64,
    pub bytes: u64,
    /// How much it is and when it would be there, or will be; None: it is over, or no span was given yet.
    pub forecast: Option<Forecast>,
    /// What of the span is missing, and why.
    pub missing: Vec<MissingRow>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MissingRow {
    pub from: Utc,
    pub to: Utc,
    pub why: Absence,
}
