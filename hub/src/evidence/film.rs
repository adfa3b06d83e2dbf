//! Task. The film of a package: its masters, the recorder's own pictures, one after the other as they are opened.
//!
//! It is what is watched of a clip that is still arriving ([`arriving`](crate::viewing::arriving)), of one whose masters are here and were checked:
//! the same fragments, with the times the recorder gave them. Nothing of it is kept.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use axum::body::Bytes;
use footage::mp4::{self, Film, Opening};
use shared::{
    evidence::{Manifest, names},
    time::Utc,
    verify::Files,
};
use tokio::sync::mpsc;

use super::Resting;

const CHUNK: usize = 256 * 1024;
/// What stands before the first fragment is shorter.
const BEGINNING: u64 = 4 << 20;
/// Chunks that wait for whoever watches.
const WAITING: usize = 4;

type Sender = mpsc::Sender<io::Result<Bytes>>;
pub type Chunks = mpsc::Receiver<io::Result<Bytes>>;

fn bad(e: impl std::fmt::Display) -> io::Error {
    io::Error::other(e.to_string())
}

/// The film of what a package's masters show from `from` on, or from where it was asked from. `stretch`: how many changes of the pictures'
/// parameters come before it. None: it has no more of them, or no masters at all.
///
/// # Errors
/// It cannot be opened, or a master is none of ours.
pub async fn film(
    package: Arc<Resting>,
    from: Option<Utc>,
    stretch: u32,
) -> io::Result<Option<Chunks>> {
    let (tx, mut rx) = mpsc::channel(WAITING);
    tokio::task::spawn_blocking(move || {
        if let Err(e) = show(&package, from, stretch, &tx) {
            // Whoever watched may be gone.
            let _ = tx.blocking_send(Err(e));
        }
    });
    // What cannot be shown at all is refused in words.
    let first = match rx.recv().await {
        None => return Ok(None),
        Some(first) => first?,
    };
    let (again, all) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        let mut next = Some(Ok(first));
        while let Some(chunk) = next {
            if again.send(chunk).await.is_err() {
                return;
            }
            next = rx.recv().await;
        }
    });
    Ok(Some(all))
}

/// What a player needs before the first fragment.
fn opening(file: &mut impl Read) -> io::Result<Opening> {
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        file.by_ref().take(CHUNK as u64).read_to_end(&mut bytes)?;
        if let Some(found) = mp4::opening(&bytes).map_err(bad)? {
            return Ok(found);
        }
        if bytes.len() == before || bytes.len() as u64 > BEGINNING {
            return Err(bad("a master's beginning does not end"));
        }
    }
}

/// False: nobody watches any more.
fn give(tx: &Sender, out: &mut Vec<u8>) -> bool {
    out.is_empty() || tx.blocking_send(Ok(std::mem::take(out).into())).is_ok()
}

/// Blocking.
fn show(package: &Resting, from: Option<Utc>, stretch: u32, tx: &Sender) -> io::Result<()> {
    let manifest = match package.read(names::MANIFEST) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    let manifest: Manifest = serde_json::from_slice(&manifest).map_err(bad)?;
    let from = from.unwrap_or(manifest.t0).max(manifest.t0);
    let (mut changes, mut film, mut before): (u32, Option<Film>, Option<Opening>) = (0, None, None);
    for master in &manifest.master {
        let mut file = package.open(&master.file)?;
        let len = file.plain_len();
        let Some(part) = mp4::part(&mut file, len, from, manifest.t1)? else {
            continue;
        };
        file.seek(SeekFrom::Start(0))?;
        let opening = opening(&mut file)?;
        if before
            .as_ref()
            .is_some_and(|b| b.parameters != opening.parameters)
        {
            changes += 1;
        }
        before = Some(opening.clone());
        let mut out = Vec::new();
        let film = match &mut film {
            _ if changes > stretch => return Ok(()),
            _ if changes < stretch => continue,
            Some(film) => {
                film.goes_on(&opening).map_err(bad)?;
                film
            }
            None => film.insert(Film::begin(&opening, &mut out)),
        };
        file.seek(SeekFrom::Start(part.from))?;
        let mut shown = file.take(part.to.saturating_sub(part.from));
        let mut chunk = vec![0; CHUNK];
        loop {
            let n = shown.read(&mut chunk)?;
            if n == 0 {
                break;
            }
            film.push(chunk.get(..n).unwrap_or_default(), &mut out)
                .map_err(bad)?;
            if !give(tx, &mut out) {
                return Ok(());
            }
        }
        if !film.between() {
            return Err(bad("what was to be shown ends within a fragment"));
        }
        if !give(tx, &mut out) {
            return Ok(());
        }
    }
    Ok(())
}
