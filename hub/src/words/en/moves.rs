//! Pure. How far the boxes are with where the hub will be.

use shared::time::{Utc, Zone};

use crate::model::moves::{MoveRow, MoveState, Moves};

/// How many boxes know where the hub will be, in a sentence.
pub fn knowing(m: &Moves) -> String {
    let Some(hub) = &m.hub else {
        return format!(
            "no box was told where the hub will be: all {} dial it where they were enrolled",
            m.of
        );
    };
    let or = m.second.as_ref().map(|s| format!(", or {s}"));
    let away: Vec<&str> = m
        .boxes
        .iter()
        .filter(|b| matches!(b.state, MoveState::Waiting | MoveState::Told))
        .map(|b| b.name.as_str())
        .collect();
    let rest = match away.is_empty() {
        true => String::new(),
        false => format!("; {} not yet", away.join(", ")),
    };
    format!(
        "{} of {} boxes know that the hub will be at {hub}{}{rest}",
        m.known,
        m.of,
        or.unwrap_or_default()
    )
}

/// How far one box is.
pub fn told(b: &MoveRow, zone: &Zone) -> String {
    let at = |t: Option<Utc>| t.map_or("never".into(), |t| t.for_people(zone));
    let hub = b.hub.as_deref().unwrap_or_default();
    match b.state {
        MoveState::None => "was told of no move; it dials the hub where it was enrolled".into(),
        MoveState::Waiting if b.online => format!("on the line, and will be told of {hub} at once"),
        MoveState::Waiting => format!(
            "not told of {hub} yet: it is off the line, last seen {}",
            at(b.last_seen)
        ),
        MoveState::Told => format!("told of {hub} {}, and has not answered yet", at(b.since)),
        MoveState::Known => format!("knows {hub}, since {}", at(b.since)),
        MoveState::Refused => format!(
            "refused {hub} {} ({})",
            at(b.since),
            b.code.as_deref().unwrap_or("no reason given")
        ),
    }
}
