//! Task. Countersigned lines on their way into the derived tables. What several logs brought meanwhile goes in as one transaction: whoever
//! waits for its own lines does it for all that wait. Blocking.

use std::{
    collections::VecDeque,
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use shared::{id::BoxName, record::Record, time::Utc};

use crate::db::{
    Db,
    batch::{AT_ONCE, Lines, Taken},
};

/// Lines that a head brought, stored and countersigned.
#[derive(Debug)]
pub struct Arrived {
    pub(super) origin: String,
    pub(super) name: BoxName,
    pub(super) folder: PathBuf,
    pub(super) records: Vec<Record>,
    /// What the log holds with them: lines, root (base64), when that was countersigned.
    pub(super) size: u64,
    pub(super) root: String,
    pub(super) at: Utc,
}

/// What an ordinary minute brings, and more. One box that brings a great deal, alone, brings it so much at a time: a clip of another writes
/// some ten times meanwhile, and waits each time for what is under way. When several come back, larger parts are through sooner.
const FEW: usize = 256;

impl Arrived {
    /// They are in the tables in a moment.
    pub fn is_few(&self) -> bool {
        self.records.len() <= FEW
    }

    /// As they go into the tables, so many at once.
    pub(super) fn parts(&self, at_once: usize) -> impl Iterator<Item = Lines<'_>> {
        let most = self.records.len().div_ceil(at_once).max(1);
        (0..most).map(move |part| {
            let to = ((part + 1) * at_once).min(self.records.len());
            Lines {
                origin: &self.origin,
                name: &self.name,
                records: self.records.get(part * at_once..to).unwrap_or_default(),
                grown: (part + 1 == most).then_some((self.size, self.root.as_str(), self.at)),
            }
        })
    }
}

type Done = Result<Taken, String>;

#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Arc<Arrived>)>,
    done: Vec<(u64, Done)>,
    /// Somebody does it for all.
    is_led: bool,
    next: u64,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    news: Condvar,
}

impl Queue {
    /// Until these lines are in the tables, or why they are not.
    pub fn take(&self, db: &Db, arrived: Arc<Arrived>) -> Done {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let own = state.next;
        state.next += 1;
        state.waiting.push_back((own, arrived));
        loop {
            if let Some(at) = state.done.iter().position(|(n, _)| *n == own) {
                return state.done.swap_remove(at).1;
            }
            if state.is_led {
                state = self
                    .news
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let some = next(&mut state.waiting);
            let at_once = if state.waiting.is_empty() {
                FEW
            } else {
                AT_ONCE
            };
            state.is_led = true;
            drop(state);
            let mut leader = Leader {
                queue: self,
                numbers: some.iter().map(|(n, _)| *n).collect(),
                done: Vec::new(),
            };
            leader.done = into_tables(db, &some, at_once);
            drop(leader);
            state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Does it for all that wait. Dropped, also when it came to grief, it tells each of them, and the next one may lead.
struct Leader<'a> {
    queue: &'a Queue,
    numbers: Vec<u64>,
    done: Vec<Done>,
}

impl Drop for Leader<'_> {
    fn drop(&mut self) {
        let mut state = self
            .queue
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        state.is_led = false;
        let broken = || Err("the work broke off: this is a fault in Beadle".into());
        let done = std::mem::take(&mut self.done).into_iter();
        let done = done.chain(std::iter::repeat_with(broken));
        state.done.extend(self.numbers.drain(..).zip(done));
        self.queue.news.notify_all();
    }
}

/// As many as go into one transaction; one at least.
fn next(waiting: &mut VecDeque<(u64, Arc<Arrived>)>) -> Vec<(u64, Arc<Arrived>)> {
    let (mut some, mut lines) = (Vec::new(), 0);
    while let Some((_, first)) = waiting.front() {
        lines += first.records.len();
        if !some.is_empty() && lines > AT_ONCE {
            break;
        }
        some.extend(waiting.pop_front());
    }
    some
}

fn into_tables(db: &Db, some: &[(u64, Arc<Arrived>)], at_once: usize) -> Vec<Done> {
    if let [(_, one)] = some {
        return vec![alone(db, one, at_once)];
    }
    let lines: Vec<Lines<'_>> = some
        .iter()
        .flat_map(|(_, one)| one.parts(AT_ONCE))
        .collect();
    match db.index_next(&lines) {
        Ok(all) => all.into_iter().map(Ok).collect(),
        // What is wrong with one of them is not the others' concern.
        Err(_) => some
            .iter()
            .map(|(_, one)| alone(db, one, at_once))
            .collect(),
    }
}

fn alone(db: &Db, one: &Arrived, at_once: usize) -> Done {
    let mut bears = false;
    for part in one.parts(at_once) {
        let taken = db.index_next(&[part]).map_err(|e| e.to_string())?;
        match taken.first() {
            Some(Taken::Whole { deletions }) => bears |= deletions,
            _ => return Ok(Taken::Lagging),
        }
    }
    Ok(Taken::Whole { deletions: bears })
}
