//! Task. Takes a request in: judged, recorded, logged; then the fetching task has it.

use shared::{
    id::{BoxCamera, ExhibitRef},
    time::Utc,
};

use super::clip;
use crate::{
    access::authorise::Permit,
    classes::RetentionClassInput,
    error::HubError,
    hub::Hub,
    model::{requester::RequesterClass, text::TextField},
    texts,
};

/// Blocking. A refusal is logged too, and uses no number up. The exhibit will be of class general.
pub fn submit(hub: &Hub, asked: &PullRequest, permit: &Permit) -> Result<ExhibitRef, HubError> {
    submit_as(hub, asked, &RetentionClassInput::default(), false, permit)
}

/// The same with the class that says how long the exhibit is kept, and whether it goes before what is planned. One that cannot be is refused before anything is recorded.
pub fn submit_as(
    hub: &Hub,
    asked: &PullRequest,
    class: &RetentionClassInput,
    urgent: bool,
    permit: &Permit,
) -> Result<ExhibitRef, HubError> {
    texts::texts([
        (TextField::Purpose, &asked.purpose),
        (TextField::Reference, &asked.reference),
        (TextField::Requester, &asked.requester),
    ])?;
    let request = clip::draft::DraftRequest {
        class: RequesterClass::Police,
        cameras: vec![asked.camera.clone()],
        span: Some((asked.t0, asked.t1)),
        texts: clip::draft::Texts {
            purpose: Some(asked.purpose.clone()),
            reference: Some(asked.reference.clone()),
            requester: Some(asked.requester.clone()),
            ..clip::draft::Texts::default()
        },
        keep: class.clone(),
        urgent,
    };
    clip::acts::pull(hub, &request, permit)
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    pub camera: BoxCamera,
    pub t0: Utc,
    pub t1: Utc,
    pub purpose: String,
    pub reference: String,
    pub requester: String,
}
