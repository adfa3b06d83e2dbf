//! Adapter: filesystem. The hub's order where it is to be dialled, as it came, with its signature: `recorder/hub-move.json`.
//!
//! What root pinned at enrolment nobody but root writes, so what is ordered lies beside it, and counts only because the hub signed it: that is
//! looked at whenever it is read. Whoever can write the recorder's files can take it away or put an older order back, and so have the box
//! dial addresses that were the hub's once; it dials the one of its enrolment too, and believes none of them without the certificate.

use std::{io, path::PathBuf};

use logbook::write_whole;
use serde::{Deserialize, Serialize};
use shared::{
    code::is_address,
    order::{Act, Code, Order, Refusal},
    time::Utc,
    types::HubSet,
};

use super::{
    orders::BoxContext,
    signed::{signed, understood},
};
use crate::{identity::Enrolment, state::State};

/// More than an order is.
const MOST: u64 = 64 << 10;
/// An order from further ahead of a clock that can be trusted waits: each later one would be older than it.
const AHEAD_MS: i64 = 600_000;

/// As it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    order: String,
    sig: String,
    /// The enrolment that it came under ([`HubFacts::cert`](crate::identity::HubFacts)): a later one says anew where the hub is.
    cert: String,
}

/// Where the hub is, by its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub order: u64,
    pub made: Utc,
    pub hub: String,
    pub second: Option<String>,
    pub lookup: Option<String>,
    /// The box was enrolled again since: only what is newer than this counts any more.
    pub over: bool,
}

/// Why there is none although there is a file.
#[derive(Debug, thiserror::Error)]
pub enum BadMove {
    #[error("{path} cannot be read: {source}")]
    Io { path: String, source: io::Error },
    #[error(
        "{path} is not an order of this box's hub ({why}), and is left alone: the hub is dialled where the box was enrolled"
    )]
    NotOrdered { path: String, why: String },
}

fn file(state: &State) -> PathBuf {
    state.recorder().join("hub-move.json")
}

/// What was ordered last; None: nothing was.
///
/// # Errors
/// What is kept cannot be read, or the hub did not sign it.
pub fn load(state: &State, enrolled: &Enrolment) -> Result<Option<Move>, BadMove> {
    let path = file(state);
    let shown = path.display().to_string();
    let io = |source| BadMove::Io {
        path: shown.clone(),
        source,
    };
    let bytes = match crate::below::read_untrusted(&path, MOST) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(io(e)),
    };
    read(&bytes, enrolled)
        .map(Some)
        .map_err(|why| BadMove::NotOrdered {
            path: shown.clone(),
            why,
        })
}

/// The same for whoever goes on without: what is kept and is no order is said in the journal, and counts for nothing.
pub fn known(state: &State, enrolled: &Enrolment) -> Option<Move> {
    load(state, enrolled).unwrap_or_else(|e| {
        tracing::error!("{e}");
        None
    })
}

fn read(bytes: &[u8], enrolled: &Enrolment) -> Result<Move, String> {
    let kept: Kept = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    signed(&enrolled.order, &kept.order, &kept.sig)?;
    let (ordered, _) = understood(&kept.order).ok_or("it is no order")?;
    let order = ordered.order;
    if order.r#box != enrolled.facts.r#box {
        return Err(format!("it is for the box {}", order.r#box));
    }
    match order.act {
        Act::HubMove {
            hub,
            second,
            lookup,
        } => Ok(Move {
            order: order.order,
            made: order.made,
            hub,
            second,
            lookup,
            over: kept.cert != enrolled.facts.cert,
        }),
        _ => Err("it says nothing of where the hub is".into()),
    }
}

/// Everywhere the hub may be, in the order in which it is dialled.
pub fn places<'a>(enrolled: &'a Enrolment, moved: Option<&'a Move>) -> Vec<&'a str> {
    let facts = &enrolled.facts;
    let moved = moved.filter(|m| !m.over);
    let ordered = moved.map(|m| m.hub.as_str());
    let second = moved.and_then(|m| m.second.as_deref());
    let lookup = moved.and_then(|m| m.lookup.as_deref());
    ordered
        .into_iter()
        .chain(second)
        .chain([facts.hub.as_str()])
        .chain(lookup)
        .chain([facts.lookup.as_str()])
        .collect()
}

/// Whether an order takes the place of the last one. It does not when it is the last one. `now`: where the clock is sure.
fn is_newer(order: &Order, last: Option<&Move>, now: Option<Utc>) -> Result<bool, Refusal> {
    if let Some(last) = last {
        if (last.order, last.made) == (order.order, order.made) && !last.over {
            return Ok(false);
        }
        if order.made <= last.made {
            let why = format!(
                "a newer order where the hub is has come already (the hub's line {}); nothing was done",
                last.order
            );
            return Err(Refusal::new(Code::Superseded, why));
        }
    }
    match now {
        Some(now) if order.made.0.saturating_sub(now.0) > AHEAD_MS => {
            let why = format!(
                "the order was made at {}, and the box's clock says {now}; it is not taken before",
                order.made
            );
            Err(Refusal::new(Code::Clock, why))
        }
        _ => Ok(true),
    }
}

/// Obeys an order, whose signature was looked at: logged, then kept.
pub(super) fn obey(
    context: &BoxContext,
    order: &Order,
    (text, sig): (&str, &str),
) -> Result<(), Refusal> {
    let Act::HubMove {
        hub,
        second,
        lookup,
    } = &order.act
    else {
        return Err(Refusal::new(Code::UnknownAct, "it is no such order"));
    };
    for address in [Some(hub), second.as_ref(), lookup.as_ref()] {
        if let Some(bad) = address.filter(|a| !is_address(a)) {
            let why =
                format!("{bad:?} is not an address like hub.example.gov.uk:4433; nothing was done");
            return Err(Refusal::new(Code::OutOfBounds, why));
        }
    }
    let disk = |e: &dyn std::fmt::Display| Refusal::new(Code::Disk, e.to_string());
    let enrolled = Enrolment::load(&context.state)
        .map_err(|e| disk(&crate::failure::chain(&e)))?
        .ok_or_else(|| disk(&"the box is enrolled no more; nothing was done"))?;
    let last = match load(&context.state, &enrolled) {
        Ok(last) => last,
        Err(e @ BadMove::Io { .. }) => return Err(disk(&format!("{e}; nothing was done"))),
        // Of another hub, or no order at all: it counts for nothing.
        Err(BadMove::NotOrdered { .. }) => None,
    };
    let now = context.clock.now();
    let sure = context.trust.corroborated(now).then_some(now.wall);
    if !is_newer(order, last.as_ref(), sure)? {
        return Ok(());
    }
    let line = HubSet {
        order: order.order,
        hub: hub.clone(),
        second: second.clone(),
        lookup: lookup.clone(),
        by: order.by.clone(),
    };
    context.log.append("hub:order", &line).map_err(|e| {
        let why = format!("the log took no line: {e}; nothing was done");
        Refusal::new(Code::Log, why)
    })?;
    let kept = Kept {
        order: text.into(),
        sig: sig.into(),
        cert: enrolled.facts.cert,
    };
    let bytes = serde_json::to_vec(&kept).map_err(|e| disk(&e))?;
    let path = file(&context.state);
    write_whole(&path, &bytes, false).map_err(|e| {
        disk(&format!(
            "it is on the box's log, and {} could not be written: {e}; the hub is dialled where it was",
            path.display()
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use rustls::pki_types::CertificateDer;
    use shared::{
        id::BoxName,
        order::{ORDER_PREFIX, Ordered},
        testing::Key,
    };

    fn key(n: u8) -> Key {
        Key::log("cctv.example.gov.uk/hub/order", n)
    }

    fn enrolled(cert: &str) -> Enrolment {
        let vkey = key(1).vkey;
        Enrolment {
            facts: crate::identity::HubFacts {
                hub: "a.example:4433".into(),
                scheme: "cctv.example.gov.uk".into(),
                r#box: BoxName::parse("ashby").expect("name"),
                cosign: vkey.to_string(),
                order: vkey.to_string(),
                lookup: "beadle.cctv.example.gov.uk:4433".into(),
                ca: String::new(),
                cert: cert.into(),
            },
            cert: CertificateDer::from(vec![1]),
            ca: CertificateDer::from(vec![2]),
            cosign: vkey.clone(),
            order: vkey,
        }
    }

    fn order(to: &str, hub: &str) -> String {
        let act = Act::HubMove {
            hub: hub.into(),
            second: Some("c.example:4433".into()),
            lookup: None,
        };
        Ordered::text(Order {
            order: 40,
            made: Utc(1_800_000_000_000),
            r#box: BoxName::parse(to).expect("box"),
            by: vec!["op:0002".into(), "op:0003".into()],
            act,
        })
        .expect("text")
    }

    fn put(state: &State, text: &str, signer: u8) {
        let sig = STANDARD.encode(key(signer).sign([ORDER_PREFIX, text].concat().as_bytes()));
        let kept = Kept {
            order: text.into(),
            sig,
            cert: "first".into(),
        };
        let bytes = serde_json::to_vec(&kept).expect("json");
        fs::create_dir_all(state.recorder()).expect("folder");
        fs::write(file(state), bytes).expect("written");
    }

    /// REC-6: an order replaces an older one; the same again changes nothing, an older one, or one from before another enrolment, is refused;
    /// one from the future waits, so that no wrong clock of the hub keeps later orders out.
    #[test]
    fn an_older_order_is_refused() {
        let made = |n: u64, ms: i64| Order {
            order: n,
            made: Utc(ms),
            r#box: BoxName::parse("ashby").expect("box"),
            by: Vec::new(),
            act: Act::HubMove {
                hub: "b.example:4433".into(),
                second: None,
                lookup: None,
            },
        };
        let last = |over| Move {
            order: 40,
            made: Utc(1_800_000_000_000),
            hub: "c.example:4433".into(),
            second: None,
            lookup: None,
            over,
        };
        let now = Some(Utc(1_800_000_060_000));
        let code = |order: &Order, last: Option<&Move>| {
            is_newer(order, last, now).map_err(|refusal| refusal.code)
        };
        assert_eq!(code(&made(7, 1_700_000_000_000), None), Ok(true));
        assert_eq!(
            code(&made(41, 1_800_000_000_001), Some(&last(false))),
            Ok(true)
        );
        assert_eq!(
            code(&made(40, 1_800_000_000_000), Some(&last(false))),
            Ok(false)
        );
        let older = made(39, 1_799_999_999_999);
        assert_eq!(code(&older, Some(&last(false))), Err(Code::Superseded));
        assert_eq!(code(&older, Some(&last(true))), Err(Code::Superseded));
        let replayed = made(40, 1_800_000_000_000);
        assert_eq!(code(&replayed, Some(&last(true))), Err(Code::Superseded));
        let ahead = made(42, 1_800_000_060_000 + AHEAD_MS + 1);
        assert_eq!(code(&ahead, Some(&last(false))), Err(Code::Clock));
        assert_eq!(is_newer(&ahead, Some(&last(false)), None), Ok(true));
    }

    /// FLT-3: what is kept counts only while it is an order of this box's hub, to the letter; after another enrolment it says only what is
    /// older than it. The address of the enrolment is dialled in any case.
    #[test]
    fn what_is_kept_is_the_hubs_to_the_letter() {
        let home = tempfile::tempdir().expect("folder");
        let state = State::new(home.path());
        let now = enrolled("first");
        assert_eq!(load(&state, &now).expect("nothing"), None);
        assert_eq!(
            places(&now, None),
            ["a.example:4433", "beadle.cctv.example.gov.uk:4433"]
        );
        put(&state, &order("ashby", "b.example:4433"), 1);
        let moved = load(&state, &now).expect("good").expect("there");
        let all = places(&now, Some(&moved));
        assert_eq!(
            all,
            [
                "b.example:4433",
                "c.example:4433",
                "a.example:4433",
                "beadle.cctv.example.gov.uk:4433"
            ]
        );
        let again = enrolled("second");
        let before = load(&state, &again).expect("good").expect("there");
        assert!(before.over);
        assert_eq!(places(&again, Some(&before)).len(), 2);
        // Forged, for another box, no order at all, and a bit of a good one.
        put(&state, &order("ashby", "evil.example:1"), 2);
        assert!(load(&state, &now).is_err(), "forged");
        put(&state, &order("derby", "b.example:4433"), 1);
        assert!(load(&state, &now).is_err(), "another box's");
        put(&state, &order("ashby", "b.example:4433"), 1);
        let good = fs::read(file(&state)).expect("read");
        let at = good.windows(9).position(|w| w == b"b.example").expect("it");
        let mut bad = good.clone();
        bad[at] = b'e';
        fs::write(file(&state), bad).expect("written");
        assert!(load(&state, &now).is_err(), "another address");
        fs::write(file(&state), b"{}").expect("written");
        assert!(load(&state, &now).is_err(), "none");
    }
}
