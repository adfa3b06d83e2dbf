//! Task. Room on the hub's disk for the boxes' logs: what each takes, and who waits for some.

use shared::id::BoxName;

use super::{
    BoxLogs, StoredBytes,
    budget::{Disk, NoPlace},
    lock,
};

/// Files are counted anew after so long: heads, disputed ones among them, are not added as they come.
const COUNT_AGAIN_MS: u64 = 600_000;

impl BoxLogs {
    /// Bytes of all files of a box here.
    fn own_bytes(&self, name: &BoxName) -> u64 {
        let now = self.clock.now().mono;
        let mut stored = lock(&self.stored);
        let known = stored.get(name);
        let known = known.filter(|s| now.saturating_sub(s.at) < COUNT_AGAIN_MS);
        match known {
            Some(known) => known.bytes,
            None => {
                let bytes = bytes_below(&self.root.join(name.as_str()));
                stored.insert(name.clone(), StoredBytes { bytes, at: now });
                bytes
            }
        }
    }

    fn disk(&self) -> Disk {
        let (free, total) = (self.room)();
        Disk {
            free,
            total,
            own: 0,
            all: 0,
            boxes: 1,
        }
    }

    /// Boxes that found no room and for which there is some now; each is named once. None: nobody waits.
    pub fn roomy(&self) -> Option<Vec<BoxName>> {
        let mut waiting = lock(&self.waiting);
        if waiting.is_empty() {
            return None;
        }
        let disk = self.disk();
        let mut roomy = Vec::new();
        waiting.retain(|name, room| {
            let has = disk.has(*room);
            if has {
                roomy.push(name.clone());
            }
            !has
        });
        Some(roomy)
    }

    /// Whether there is room for so many bytes more of this box.
    pub(super) fn room_for(&self, name: &BoxName, bytes: u64) -> Result<(), NoPlace> {
        let mut disk = self.disk();
        disk.own = self.own_bytes(name);
        if disk.short() {
            let mut names: Vec<BoxName> = self
                .db
                .logs()
                .map(|all| {
                    all.iter()
                        .filter_map(|l| BoxName::parse(&l.r#box).ok())
                        .collect()
                })
                .unwrap_or_default();
            names.dedup();
            disk.all = names.iter().map(|n| self.own_bytes(n)).sum();
            disk.boxes = names.len() as u64;
        }
        self.budgets
            .room(name, bytes, &disk, self.clock.now().mono)?;
        if let Some(stored) = lock(&self.stored).get_mut(name) {
            stored.bytes += bytes;
        }
        Ok(())
    }
}

/// Bytes of all files below a folder; of what cannot be read, none.
fn bytes_below(folder: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|e| match e.metadata() {
        Ok(m) if m.is_dir() => bytes_below(&e.path()),
        Ok(m) => m.len(),
        Err(_) => 0,
    });
    sizes.sum()
}
