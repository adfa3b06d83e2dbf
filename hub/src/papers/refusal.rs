//! Pure. What a notice of refusal is made of.

use shared::{
    id::BoxCamera,
    time::{Utc, Zone},
};

use super::certificate::people::Person;
use crate::model::{clip_request::RefusalReason, requester::RequesterClass};

#[derive(Clone, Debug)]
pub struct RefusalNotice {
    /// R-000012
    pub request: String,
    pub scheme: String,
    pub class: RequesterClass,
    pub cameras: Vec<BoxCamera>,
    pub span: Option<(Utc, Utc)>,
    /// None: not given, or erased.
    pub requester: Option<String>,
    pub reference: Option<String>,
    pub why: RefusalReason,
    pub note: Option<String>,
    pub decided: Utc,
    /// Who decided; None: the log does not say.
    pub by: Option<Person>,
    pub zone: Zone,
}
