//! Wiring. For tests: an operation by its row and the JSON of what is asked, in process.
use std::{pin::Pin, sync::Arc};

use serde_json::Value;

use super::{operation::perform, *};
use crate::{access::principal::Principal, error::HubError, hub::Hub};

pub type Answer = Pin<Box<dyn Future<Output = Result<Value, HubError>> + Send>>;

struct NamedCall<'a> {
    hub: &'a Arc<Hub>,
    who: &'a Principal,
    row: &'static Row,
    asked: Value,
    answer: Option<Answer>,
}

impl Visitor for NamedCall<'_> {
    fn asked<O: Operation>(&mut self) {
        if O::ROW != self.row {
            return;
        }
        let operation: O = serde_json::from_value(self.asked.take()).expect(self.row.name);
        let (hub, who) = (self.hub.clone(), self.who.clone());
        self.answer = Some(Box::pin(async move {
            let reply = perform(&hub, &who, operation).await?;
            Ok(serde_json::to_value(reply).expect("JSON"))
        }));
    }

    fn followed<O: Followed>(&mut self) {}
    fn filmed<O: Filmed>(&mut self) {}
}

/// Has it done; what it answered.
pub fn ask(hub: &Arc<Hub>, who: &Principal, row: &'static Row, asked: Value) -> Answer {
    let mut wanted = NamedCall {
        hub,
        who,
        row,
        asked,
        answer: None,
    };
    visit(&mut wanted);
    wanted.answer.expect("an operation")
}
