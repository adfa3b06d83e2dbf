//! Adapter: allocator. What one session may make the box hold: pictures that do not end, and answers that do not.
//!
//! Within retina nothing of that has a limit, and it cannot be looked at. So what this thread's allocator gives out while the session is
//! polled is counted to its camera ([`Held`]): large pieces are a picture, or a line or a body that does not end; small ones are the
//! lines of an answer's head, each of which is kept.
use std::{cell::Cell, task::Poll};

use crate::{
    capture::farewell::Farewell,
    capture::session::{ANSWER_BYTES, Ended, HEAD_BYTES, Outcome, PICTURE_BYTES, UNFINISHED_BYTES},
    memory::Held,
};

/// One session's.
#[derive(Default)]
pub(crate) struct Bounds {
    /// Since something whole came last.
    held: Cell<Held>,
    playing: Cell<bool>,
    /// Its pictures come beside the connection.
    beside: Cell<bool>,
}

impl Bounds {
    /// Its answers were whole, and pictures are next.
    pub(crate) fn plays(&self, beside: bool) {
        self.playing.set(true);
        self.beside.set(beside);
        self.held.set(Held::default());
    }

    /// Polls `work` until it is done, or until `over` says that it made the box hold too much.
    pub(crate) async fn keep<F: Future>(
        &self,
        farewell: &Farewell,
        over: fn(Held) -> Option<Outcome>,
        work: F,
    ) -> Result<F::Output, Outcome> {
        let mut work = Box::pin(work);
        let done = std::future::poll_fn(|cx| {
            let before = Held::now();
            let polled = work.as_mut().poll(cx);
            let held = self.held.get() + (Held::now() - before);
            self.held.set(held);
            match (polled, over(held)) {
                (Poll::Pending, Some(outcome)) => Poll::Ready(Err(outcome)),
                (polled, _) => polled.map(Ok),
            }
        })
        .await;
        if done.is_err() {
            farewell.silently(work);
        }
        done
    }

    /// A picture came out, and a piece of `size` bytes with it.
    pub(crate) fn picture(&self, size: usize) {
        let held = self.held.get();
        self.held.set(Held {
            large: 0,
            small: self.whole(held.small - Held::piece(size).small),
        });
    }

    /// Something else did, and is not kept.
    pub(crate) fn passed<T>(&self, item: T) {
        let before = Held::now();
        drop(item);
        let held = self.held.get() + (Held::now() - before);
        self.held.set(Held {
            small: self.whole(held.small),
            ..held
        });
    }

    /// Where everything comes within one connection, no head has begun when something whole has come. Beside it one goes on.
    fn whole(&self, small: isize) -> isize {
        if self.beside.get() { small } else { 0 }
    }

    /// Whether it is to be looked at after each read.
    pub(crate) fn near(&self) -> bool {
        let held = self.held.get();
        !self.playing.get() || held.large > PICTURE_BYTES / 4 || held.small > HEAD_BYTES / 4
    }
}

/// Before it plays.
pub(crate) fn answers(held: Held) -> Option<Outcome> {
    (held.large + held.small > ANSWER_BYTES).then(|| {
        let why = format!(
            "its answer does not end: {} KiB of it came and were given up",
            ANSWER_BYTES >> 10
        );
        (Ended::Answer, why)
    })
}

/// While it plays.
pub(crate) fn pictures(held: Held) -> Option<Outcome> {
    if held.large > UNFINISHED_BYTES {
        return Some((Ended::Flood, endless()));
    }
    (held.small > HEAD_BYTES).then(|| {
        let why = format!(
            "an answer between its pictures does not end: {} MiB of it were held and given up",
            HEAD_BYTES >> 20
        );
        (Ended::Flood, why)
    })
}

pub(crate) fn endless() -> String {
    format!(
        "a picture of more than {} MiB without an end",
        PICTURE_BYTES >> 20
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes `size` bytes in pieces of `piece` each time it is polled, for ever.
    async fn greedy(kept: &mut Vec<Vec<u8>>, size: usize, piece: usize) {
        loop {
            kept.extend((0..size / piece).map(|_| vec![1; piece]));
            tokio::task::yield_now().await;
        }
    }

    /// REC-6: whatever is taken without an end is given up a little above its limit, in large pieces and in small ones.
    #[tokio::test]
    async fn what_does_not_end_is_given_up() {
        for (plays, size, piece, wanted) in [
            (false, 64 << 10, 40, Ended::Answer),
            (false, 600 << 10, 600 << 10, Ended::Answer),
            (true, 64 << 10, 40, Ended::Flood),
            (true, 4 << 20, 4 << 20, Ended::Flood),
        ] {
            let (bounds, mut kept) = (Bounds::default(), Vec::new());
            let farewell = Farewell::default();
            let over = if plays { pictures } else { answers };
            if plays {
                bounds.plays(false);
            }
            let ended = bounds
                .keep(&farewell, over, greedy(&mut kept, size, piece))
                .await;
            assert_eq!(ended.expect_err("given up").0, wanted);
            let most = match (plays, piece) {
                (false, _) => ANSWER_BYTES + (600 << 10),
                (true, 40) => HEAD_BYTES + (64 << 10),
                (true, _) => UNFINISHED_BYTES + (4 << 20),
            };
            let taken = (kept.len() * piece) as isize;
            assert!(taken <= most, "{taken} of {most}");
        }
    }

    /// REC-1: pictures that come one after the other are none that does not end, within the connection and beside it.
    #[tokio::test]
    async fn pictures_that_end_are_taken_for_ever() {
        for beside in [false, true] {
            let (bounds, farewell) = (Bounds::default(), Farewell::default());
            bounds.plays(beside);
            let mut kept = Vec::new();
            for n in 0..2_000 {
                let size = if n % 50 == 0 { 700 << 10 } else { 20_000 + n };
                let picture = bounds
                    .keep(&farewell, pictures, async { vec![1u8; size] })
                    .await;
                let picture = picture.expect("a picture");
                bounds.picture(picture.capacity());
                kept.push(picture);
                kept.truncate(3);
                let report = bounds
                    .keep(&farewell, pictures, async { vec![1u8; 300] })
                    .await;
                bounds.passed(report.expect("a report"));
            }
            assert!(!bounds.near());
        }
    }
}
