//! Adapter: filesystem. Looks: footage that somebody at the hub looks at and does not take.
//!
//! What is prepared for one stays in memory, under the number of its order: a few headers for a key that the hub made for this look. It is
//! gone with the process, after [`LASTS`], or when more looks have come than are kept. As for a pull, the `exp.look` line is synced and
//! under a signed head before a header that the hub can open exists, and the hub asks for no byte before it has countersigned that head.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use shared::{
    id::CameraId,
    order::{Act, Code, Done, Order, Refusal},
    types::ExpLook,
};

use super::{
    orders::BoxContext,
    pulls::{self, Prepared, Record, Sending, Span},
};
use crate::lock::lock;

/// How long one look can be watched.
const LASTS: Duration = Duration::from_secs(900);
/// Looks that are kept at once: the oldest goes.
const MOST: usize = 32;

struct Look {
    order: u64,
    cam: CameraId,
    begun: Instant,
    segments: Vec<Prepared>,
}

/// Cheap to clone.
#[derive(Clone, Default)]
pub struct Looks(Arc<Mutex<VecDeque<Look>>>);

impl Looks {
    fn keep(&self, look: Look) {
        let mut looks = lock(&self.0);
        looks.retain(|l| l.begun.elapsed() < LASTS && l.order != look.order);
        if looks.len() >= MOST {
            looks.pop_front();
        }
        looks.push_back(look);
    }

    /// Opens a range of a segment as it is sent. The error is a sentence for the hub.
    pub fn open(&self, order: u64, s: u64, range: (u64, u64)) -> Result<Sending, String> {
        let mut looks = lock(&self.0);
        looks.retain(|l| l.begun.elapsed() < LASTS);
        let look = looks
            .iter()
            .find(|l| l.order == order)
            .ok_or_else(|| format!("the look by order {order} is over; order another"))?;
        let of = look.segments.iter().find(|p| p.s == s);
        let of =
            of.ok_or_else(|| format!("segment {s} is not part of the look by order {order}"))?;
        Sending::of(of, &look.cam, range)
    }
}

/// Prepares what a look asks for.
pub(super) fn look(
    context: &BoxContext,
    order: &Order,
    text: &str,
    sig: &str,
) -> Result<Done, Refusal> {
    let Act::Look {
        cam,
        t0,
        t1,
        purpose,
        ..
    } = &order.act
    else {
        let why = "this order asks for no look";
        return Err(Refusal::new(Code::UnknownAct, why));
    };
    let (cam, t0, t1) = (cam.clone(), *t0, *t1);
    let found = pulls::gather(
        context,
        &Span {
            cam: cam.clone(),
            t0,
            t1,
        },
    )?;
    pulls::admitted(context, text, sig)?;
    let line = ExpLook {
        order: order.order,
        cam: cam.clone(),
        s0: found.first,
        s1: found.end,
        purpose: purpose.clone(),
    };
    let line = context.log.append("hub:order", &line);
    let n = line
        .map_err(|e| pulls::failed(Code::Log, "log the look; nothing was handed out")(&e))?
        .n;
    let record = Record {
        order: text.into(),
        log: pulls::number(&context.log)?,
        n,
        of: found.of,
        segments: found.segments,
    };
    let record = pulls::finish(context, text, sig, record)?;
    let done = pulls::done(&record);
    context.looks.keep(Look {
        order: order.order,
        cam,
        begun: Instant::now(),
        segments: record.segments,
    });
    Ok(done)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    /// What was prepared for a look is had by its order, and only while that is one of the last.
    #[test]
    fn kept_for_a_while() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("x.mp4.age");
        std::fs::write(&file, b"old header|payload").expect("file");
        let looks = Looks::default();
        let look = |order| Look {
            order,
            cam: CameraId::parse("c01").expect("camera"),
            begun: Instant::now(),
            segments: vec![Prepared {
                s: 4,
                n: 9,
                path: file.clone(),
                key: "c01/2026-11-03".into(),
                header: Some((11, STANDARD.encode("NEW:"))),
                sealed: 11,
                part: None,
            }],
        };
        looks.keep(look(7));
        let mut sending = looks.open(7, 4, (2, 5)).expect("opens");
        let mut got = sending.next(99).expect("header");
        got.extend(sending.next(99).expect("payload"));
        assert_eq!((sending.size, got.as_slice()), (11, &b"W:pay"[..]));
        assert!(
            looks
                .open(7, 5, (0, 1))
                .is_err_and(|e| e.contains("not part"))
        );
        assert!(
            looks
                .open(8, 4, (0, 1))
                .is_err_and(|e| e.contains("is over"))
        );
        for order in 100..100 + MOST as u64 {
            looks.keep(look(order));
        }
        assert!(looks.open(7, 4, (0, 1)).is_err());
        assert!(looks.open(100, 4, (0, 1)).is_ok());
        let long_ago = Instant::now().checked_sub(LASTS);
        if let Some(begun) = long_ago {
            looks.keep(Look { begun, ..look(9) });
            assert!(looks.open(9, 4, (0, 1)).is_err());
        }
    }
}
