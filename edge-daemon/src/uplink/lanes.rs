//! Task. The threads that carry the hub's orders out.

use std::sync::{
    Arc,
    mpsc::{SyncSender, TrySendError, sync_channel},
};

use shared::{note::Vkey, wire::ToHub};
use tokio::sync::mpsc;

use super::{
    link::Deps,
    orders::{self, Lane},
};

/// Orders that wait for one thread.
const WAITING: usize = 64;

/// An order on its way to a thread that carries orders out, and where its answer goes.
pub(super) struct Job {
    pub key: Vkey,
    pub order: String,
    pub sig: String,
    pub answers: mpsc::Sender<ToHub>,
}

/// The threads that carry orders out, each one order after the other. Preparing footage blocks on disks, the log and the reader for as long
/// as it takes; what somebody orders for now does not queue behind it, nor does a hold, which is to keep the footage, nor a pull that is urgent.
#[derive(Clone)]
pub(super) struct Jobs {
    now: SyncSender<Job>,
    holds: SyncSender<Job>,
    looks: SyncSender<Job>,
    footage: SyncSender<Job>,
    urgent: SyncSender<Job>,
}

impl Jobs {
    pub fn start(deps: &Arc<Deps>) -> Self {
        let lane = |name: &str| {
            let (jobs, inbox) = sync_channel::<Job>(WAITING);
            let worker = deps.clone();
            let thread = std::thread::Builder::new()
                .name(name.into())
                .spawn(move || {
                    while let Ok(job) = inbox.recv() {
                        let done = orders::carry_out(&worker.desk, &job.key, &job.order, &job.sig);
                        if let Some(answer) = done {
                            // A connection lost meanwhile: the hub repeats the order on the next, and gets the same answer.
                            let _ = job.answers.blocking_send(answer);
                        }
                    }
                });
            if let Err(e) = thread {
                tracing::error!(error = %e, "orders of the hub are not carried out: no thread");
            }
            jobs
        };
        Self {
            now: lane("orders"),
            holds: lane("orders-holds"),
            looks: lane("orders-looks"),
            footage: lane("orders-pulls"),
            urgent: lane("orders-urgent"),
        }
    }

    /// Hands an order to its thread. One for which there is no room is answered at once.
    pub async fn give(&self, job: Job) {
        let lane = match orders::lane(&job.order) {
            Lane::Now => &self.now,
            Lane::Holds => &self.holds,
            Lane::Looks => &self.looks,
            Lane::Footage => &self.footage,
            Lane::Urgent => &self.urgent,
        };
        let Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) = lane.try_send(job)
        else {
            return;
        };
        tracing::warn!("an order was put off: too many are waiting");
        if let Some(answer) = orders::put_off(&job.order) {
            // The connection is over: nobody waits.
            let _ = job.answers.send(answer).await;
        }
    }
}
