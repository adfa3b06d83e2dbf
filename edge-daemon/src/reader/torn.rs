//! Adapter: filesystem. Sealed files as the reader opens them: torn ones made whole, closed ones measured, keys tried.
//!
//! A torn file is replaced by what is whole of it in two renames of one inode (`.recovering` → `.open` → closed), so at every
//! moment exactly one file holds the footage and a power cut in between only means that the work is done again.
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use footage::{mp4, sealed};
use shared::{
    id::HoldId,
    record::{hex, sha256},
    segment::{HELD, KeyId, SegmentName},
};

use super::{Recovered, keys::Pair, order};

/// Each piece's tag.
const TAG: usize = 16;

fn told(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |e| format!("cannot {what} {}: {e}", path.display())
}

/// Never follows a link at the end of the path: the daemon names the file, the reader holds the keys.
fn open_file(path: &Path) -> Result<File, String> {
    OpenOptions::new()
        .read(true)
        .custom_flags(nix::libc::O_NOFOLLOW)
        .open(path)
        .map_err(told("open", path))
}

/// The age header at the start of a file, if it is there whole.
fn header(file: &mut File, path: &Path) -> Result<Option<Vec<u8>>, String> {
    let mut bytes = Vec::new();
    file.take(64 * 1024)
        .read_to_end(&mut bytes)
        .map_err(told("read", path))?;
    Ok(match sealed::header_len(&bytes) {
        Ok(Some(n)) => {
            bytes.truncate(n);
            Some(bytes)
        }
        _ => None,
    })
}

/// Whether this pair opens a file with this header.
fn fits(header: &[u8], pair: &Pair) -> bool {
    sealed::rewrap(header, pair.0.reveal(), &pair.1).is_ok()
}

/// Whether none of these pairs opens the file.
pub fn none_opens(path: &Path, pairs: &[Pair]) -> Result<bool, String> {
    let mut file = open_file(path)?;
    Ok(match header(&mut file, path)? {
        Some(header) => !pairs.iter().any(|p| fits(&header, p)),
        None => true,
    })
}

/// What could be read of a sealed file.
struct Plain {
    bytes: Vec<u8>,
    /// It ends as it should.
    whole: bool,
    /// Sealed bytes at its end that could not be opened.
    torn: u64,
}

fn open_plain(path: &Path, pair: &Pair, header: usize) -> Result<Plain, String> {
    let mut file = open_file(path)?;
    let size = file.metadata().map_err(told("measure", path))?.len();
    let mut opener = sealed::Opener::new(&[pair.0.reveal().to_owned()]);
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut buffer = vec![0u8; 64 * 1024];
    let mut whole = true;
    loop {
        let n = match file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(told("read", path)(e)),
        };
        // A piece that was never written (zeros after a power cut) ends what can be trusted; all before it counts.
        if opener.push(&buffer[..n], &mut bytes).is_err() {
            whole = false;
            break;
        }
    }
    whole = whole && opener.finish(&mut bytes).is_ok();
    let pieces = bytes.len().div_ceil(sealed::PIECE) * TAG;
    let torn = if whole {
        0
    } else {
        size.saturating_sub((header + sealed::NONCE + bytes.len() + pieces) as u64)
    };
    Ok(Plain { bytes, whole, torn })
}

/// Makes a torn or orphaned file whole (see the module's first lines). `candidates`: the pairs it may be sealed with, likeliest first.
/// Ok(None): nothing whole in it; it was renamed to `….torn`.
pub fn recover(
    volume: &Path,
    file: &str,
    candidates: &[(KeyId, Pair)],
) -> Result<Option<Recovered>, String> {
    let (name, open) = order::name_of(file)?;
    if file
        != if open {
            name.open_path()
        } else {
            name.closed_path()
        }
    {
        return Err(format!("{file} is not a path below a volume"));
    }
    let path = volume.join(file);
    let closed = volume.join(name.closed_path());
    let aside = || {
        let torn = PathBuf::from(format!("{}.torn", closed.display()));
        fs::rename(&path, &torn).map_err(told("rename", &path))?;
        sync_parent(&torn)?;
        Ok(None)
    };
    let Some(header) = header(&mut open_file(&path)?, &path)? else {
        return aside();
    };
    let Some((key, pair)) = candidates.iter().find(|(_, p)| fits(&header, p)) else {
        return Err(format!(
            "none of the keys the reader has opens {}",
            path.display()
        ));
    };
    let mut plain = open_plain(&path, pair, header.len())?;
    let size = plain.bytes.len();
    let Ok(kept) = mp4::salvage(std::mem::take(&mut plain.bytes)) else {
        return aside();
    };
    let Ok(segment) = mp4::parse(&kept) else {
        return aside();
    };
    let (Some((t0, t1)), true) = (segment.span(), segment.fragments > 0) else {
        return aside();
    };
    let intact = plain.whole && kept.len() == size;
    if !intact {
        let new = PathBuf::from(format!("{}.recovering", closed.display()));
        reseal(&new, &kept, &pair.1)?;
        fs::rename(&new, &path).map_err(told("rename", &new))?;
    } else if open {
        File::open(&path)
            .and_then(|f| f.sync_all())
            .map_err(told("sync", &path))?;
    }
    if open {
        if closed.exists() {
            return Err(format!(
                "{} exists already; {} was left as it is",
                closed.display(),
                path.display()
            ));
        }
        fs::rename(&path, &closed).map_err(told("rename", &path))?;
    }
    sync_parent(&closed)?;
    Ok(Some(Recovered {
        s: name.s,
        t0,
        t1,
        size: kept.len() as u64,
        sha256: hex(&sha256(&kept)),
        key: key.to_string(),
        path: name.closed_path(),
        kept_fragments: segment.fragments,
        dropped_bytes: size.saturating_sub(kept.len()) as u64 + plain.torn,
        cam: name.cam,
        rate: segment.rate,
        mask: segment.mask,
        keys: segment.samples.iter().filter(|s| s.key).count() as u64,
    }))
}

fn reseal(path: &Path, plain: &[u8], recipient: &str) -> Result<(), String> {
    let refused = |e: sealed::SealError| format!("cannot seal {}: {e}", path.display());
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o640)
        .open(path)
        .map_err(told("create", path))?;
    let mut sealer = sealed::Sealer::new(recipient).map_err(refused)?;
    for part in plain.chunks(1 << 20) {
        sealer.push(part).map_err(refused)?;
        file.write_all(sealer.ready())
            .map_err(told("write", path))?;
        sealer.written();
    }
    let last = sealer.finish().map_err(refused)?;
    file.write_all(&last)
        .and_then(|()| file.sync_all())
        .map_err(told("write", path))
}

fn sync_parent(path: &Path) -> Result<(), String> {
    let parent = path.parent().ok_or("no folder")?;
    File::open(parent)
        .and_then(|d| d.sync_all())
        .map_err(told("sync", parent))
}

/// A copy of a closed file under a hold's key (see [`super::Client::hold`]).
pub fn hold(
    volume: &Path,
    file: &str,
    pairs: &[Pair],
    hold: HoldId,
    to: &Pair,
    hash: &str,
) -> Result<(), String> {
    let (name, open) = order::name_of(file)?;
    // Another hold's copy may be the source.
    let named = file
        .strip_prefix(HELD)
        .and_then(|f| f.strip_prefix('/')?.split_once('/'))
        .filter(|(other, _)| HoldId::parse(other).is_ok())
        .map_or(file, |(_, named)| named);
    // A recovered segment's name may tell another second than its line: its folder is what must be right.
    if open || !named.starts_with(&SegmentName::folder(name.day, &name.cam)) {
        return Err(format!("{file} is not a closed segment below a volume"));
    }
    let path = volume.join(file);
    let sealed = |path: &Path, pairs: &[Pair]| -> Result<Vec<u8>, String> {
        let header = header(&mut open_file(path)?, path)?
            .ok_or_else(|| format!("{} has no age header", path.display()))?;
        let pair = pairs.iter().find(|p| fits(&header, p)).ok_or_else(|| {
            format!(
                "the key that opens {} is not there or was destroyed",
                path.display()
            )
        })?;
        let plain = open_plain(path, pair, header.len())?;
        let found = hex(&sha256(&plain.bytes));
        if !plain.whole || found != hash {
            return Err(format!(
                "{} is not what was logged: its SHA-256 is {found}, the log says {hash}",
                path.display()
            ));
        }
        Ok(plain.bytes)
    };
    let plain = sealed(&path, pairs)?;
    let kept = volume.join(HELD).join(hold.to_string()).join(named);
    let new = PathBuf::from(format!("{}.new", kept.display()));
    reseal(&new, &plain, &to.1)?;
    drop(plain);
    sealed(&new, std::slice::from_ref(to))?;
    fs::rename(&new, &kept).map_err(told("rename", &new))?;
    sync_parent(&kept)
}

/// New header for a closed file, once its own frames show that it lies in the span of the order.
pub fn rewrap(path: &Path, pairs: &[Pair], pull: &order::Pull) -> Result<(u64, Vec<u8>), String> {
    let old = header(&mut open_file(path)?, path)?
        .ok_or_else(|| format!("{} has no age header", path.display()))?;
    let pair = pairs.iter().find(|p| fits(&old, p)).ok_or_else(|| {
        format!(
            "the key that opens {} is not there or was destroyed",
            path.display()
        )
    })?;
    in_span(path, pair, pull)?;
    let new = sealed::rewrap(&old, pair.0.reveal(), &pull.recipient)
        .map_err(|e| format!("cannot wrap to the recipient in the order: {e}"))?;
    Ok((old.len() as u64, new))
}

/// A file's name is the daemon's word; the frames are what the camera sent. Reads only as far as is needed to tell.
fn in_span(path: &Path, pair: &Pair, pull: &order::Pull) -> Result<(), String> {
    let mut file = open_file(path)?;
    let mut opener = sealed::Opener::new(&[pair.0.reveal().to_owned()]);
    let mut plain = Vec::new();
    let mut buffer = vec![0u8; 1 << 20];
    let bad = |e: sealed::SealError| format!("{} was altered or damaged: {e}", path.display());
    let first = loop {
        let n = file.read(&mut buffer).map_err(told("read", path))?;
        if n == 0 {
            opener.finish(&mut plain).map_err(bad)?;
            let segment = mp4::parse(&plain).map_err(|e| format!("{}: {e}", path.display()))?;
            let (t0, t1) = segment
                .span()
                .ok_or_else(|| format!("{} holds no frames", path.display()))?;
            return if t0 < pull.t1 && t1 > pull.t0 {
                Ok(())
            } else {
                Err(format!(
                    "{} holds {t0} to {t1}, which the order does not touch",
                    path.display()
                ))
            };
        }
        opener.push(&buffer[..n], &mut plain).map_err(bad)?;
        match mp4::parse(&plain)
            .ok()
            .and_then(|s| s.samples.first().map(|f| f.wall))
        {
            // Begins in the span: enough.
            Some(t0) if t0 >= pull.t0 => break t0,
            _ => {}
        }
    };
    if first < pull.t1 {
        Ok(())
    } else {
        Err(format!(
            "{} begins at {first}, after the span asked for",
            path.display()
        ))
    }
}
