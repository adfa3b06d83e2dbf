//! Task. Boxes whose lines found no room on the hub's disk hear when there is some again, so that none waits until its own next try.

use std::{sync::Arc, time::Duration};

use shared::wire::ToBox;

use crate::{blocking::blocking, faults::disks, hub::Hub};

/// How often the disk is looked at while somebody waits for it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

pub async fn run(hub: Arc<Hub>) {
    let mut waited = false;
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let logs = hub.logs.clone();
        let Ok(roomy) = blocking(move || logs.roomy()).await else {
            return;
        };
        if roomy.is_some() != waited {
            // The disk's own fault stands, or is over, as soon as a box notices.
            waited = roomy.is_some();
            match waited {
                true => tracing::warn!("boxes wait for room on the hub's disk"),
                false => tracing::info!("no box waits for room on the hub's disk any more"),
            }
            let d = hub.clone();
            let looked = blocking(move || disks::look(&d, d.clock.now().mono)).await;
            if let Ok(Err(e)) = looked {
                tracing::error!("the hub's disks were not looked at: {e}");
            }
        }
        for name in roomy.into_iter().flatten() {
            if let Some((_, _, orders)) = hub.live.reach(&name) {
                // It has gone meanwhile: it offers its log when it comes.
                let _ = orders.send(ToBox::Room).await;
            }
        }
    }
}
