//! Task. What a box says that the hub does not take, and lines of its log that break their schema: faults of that box. Blocking.

use shared::{
    id::{self, BoxName},
    plain as text,
    schema::Breach,
};

use crate::{
    db::faults::{FaultSubject, FoundFault},
    error::{HubError, plain},
    faults,
    hub::Hub,
};

/// A log holds lines that break their schema.
pub const LINE: &str = "log.line";
/// What the box says of itself was not taken.
pub const REPORT: &str = "box.report";

/// What the box is told, and staff are shown.
pub fn sentence(what: &str, breach: &Breach) -> String {
    format!("the box's {what} was not taken, and nothing of it is kept: {breach}")
}

/// Kinds of what a box says; the next of its kind that is taken ends what was not.
pub const HELLO: &str = "hello";
pub const STATE: &str = "report";
pub const CLIP: &str = "clip";

/// Puts on the record that something was not taken: at once, and once, however often the box says it again.
pub fn refused(
    hub: &Hub,
    name: &BoxName,
    kind: &str,
    what: &str,
    breach: &Breach,
) -> Result<(), HubError> {
    let why = text::plain(&sentence(what, breach), text::SENTENCE);
    let now = hub.now();
    hub.db.box_refused(name, kind, &why, now).map_err(plain)?;
    faults::begin(hub, &fault(hub, name, REPORT, why)?)
}

fn fault(hub: &Hub, name: &BoxName, code: &str, text: String) -> Result<FoundFault, HubError> {
    let log = hub.db.newest_log(name).map_err(plain)?;
    Ok(FoundFault {
        about: FaultSubject::Box(name.clone()),
        code: code.into(),
        log: log.map_or_else(|| id::box_log(&hub.config.scheme, name, 1), |l| l.origin),
        since: hub.now(),
        text,
    })
}

/// Looks at what is known of one box, and puts on the record what began and what is over.
pub fn look(hub: &Hub, name: &BoxName) -> Result<(), HubError> {
    let mut found = Vec::new();
    let odd = hub.db.odd_lines(name).map_err(plain)?;
    if let Some(first) = odd.first() {
        let lines: u64 = odd.iter().fold(0, |sum, o| o.count.saturating_add(sum));
        let said = format!(
            "{lines} lines of its log say what no line may; what they say is left out here. The first is line {} of {}: {}",
            first.n, first.log, first.why
        );
        found.push(fault(hub, name, LINE, said)?);
    }
    let refused = hub.db.box_refusals(name).map_err(plain)?;
    if let Some(first) = refused.first() {
        found.push(fault(hub, name, REPORT, first.why.clone())?);
    }
    let mine = |f: &FoundFault| {
        f.about == FaultSubject::Box(name.clone()) && [LINE, REPORT].contains(&f.code.as_str())
    };
    faults::settle(hub, mine, &found)
}
