//! Adapter: filesystem. Sealed files as the reader opens them: torn ones made whole, closed ones measured, keys tried.
//!
//! A torn file is replaced by what is whole of it in two renames of one inode (`.recovering` → `.open` → closed), so at every
//! moment exactly one file holds the footage and a power cut in between only means that the work is done again.
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use footage::{mp4, sealed};
use ring::digest::{Context, SHA256};
use shared::{
    id::HoldId,
    order::Part,
    record::{hex, sha256},
    segment::{HELD, KeyId, SegmentName},
    spot::Wrong,
    time::Utc,
};

use super::{Recovered, keys::Pair, ledger::Held, order};
use crate::below::Folder;

/// A picture may stand for so long (time-lapse), which the log counts to its segment and the file does not say.
const STANDS_MS: i64 = 120_000;
/// How the rate of a time-lapse begins.
const LAPSE: &str = "timelapse-";
/// Each piece's tag.
const TAG: usize = 16;
/// A picture after which nothing more was written is known to have stood for so long at most: that of a camera of 25 a second.
const LAST_MS: i64 = 40;

fn told(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> String {
    move |e| format!("cannot {what} {}: {e}", path.display())
}

/// A sealed file, opened once below its volume: what is read of it is one file's, whatever its name comes to mean meanwhile.
struct Sealed {
    file: File,
    path: PathBuf,
    /// The age header at its start, if it is there whole.
    header: Option<Vec<u8>>,
}

impl Sealed {
    fn open(volume: &Folder, inner: &str) -> Result<Self, String> {
        let path = volume.path().join(inner);
        let file = volume.file(inner).map_err(told("open", &path))?;
        let read = told("read", &path);
        Self::begun(file, path.clone()).map_err(read)
    }

    fn begun(mut file: File, path: PathBuf) -> std::io::Result<Self> {
        let mut bytes = Vec::new();
        (&mut file).take(64 * 1024).read_to_end(&mut bytes)?;
        let header = match sealed::header_len(&bytes) {
            Ok(Some(n)) => {
                bytes.truncate(n);
                Some(bytes)
            }
            _ => None,
        };
        Ok(Self { file, path, header })
    }

    fn header(&self) -> Result<&[u8], String> {
        self.header
            .as_deref()
            .ok_or_else(|| format!("{} has no age header", self.path.display()))
    }

    /// The pair that opens it.
    fn pair<'a>(&self, pairs: &'a [Pair]) -> Result<&'a Pair, String> {
        let header = self.header()?;
        pairs.iter().find(|p| fits(header, p)).ok_or_else(|| {
            format!(
                "the key that opens {} is not there or was destroyed",
                self.path.display()
            )
        })
    }

    /// An opener that has been given the header that was read, and the file at the byte after it.
    fn begin(&mut self, pair: &Pair, plain: &mut Vec<u8>) -> Result<sealed::Opener, String> {
        let header = self.header()?.to_vec();
        let mut opener = sealed::Opener::new(&[pair.0.reveal().to_owned()]);
        opener
            .push(&header, plain)
            .map_err(|e| format!("{} cannot be opened: {e}", self.path.display()))?;
        self.file
            .seek(SeekFrom::Start(header.len() as u64))
            .map_err(told("read", &self.path))?;
        Ok(opener)
    }
}

/// Whether this pair opens a file with this header.
fn fits(header: &[u8], pair: &Pair) -> bool {
    sealed::rewrap(header, pair.0.reveal(), &pair.1).is_ok()
}

/// Whether none of these pairs opens the file.
pub fn none_opens(volume: &Folder, inner: &str, pairs: &[Pair]) -> Result<bool, String> {
    let sealed = Sealed::open(volume, inner)?;
    let header = sealed.header.as_deref();
    Ok(header.is_none_or(|header| !pairs.iter().any(|p| fits(header, p))))
}

/// What could be read of a sealed file.
struct Plain {
    bytes: Vec<u8>,
    /// It ends as it should.
    whole: bool,
    /// Sealed bytes at its end that could not be opened.
    torn: u64,
}

/// Reads it to its end.
fn open_plain(sealed: &mut Sealed, pair: &Pair) -> Result<Plain, String> {
    let size = sealed
        .file
        .metadata()
        .map_err(told("measure", &sealed.path))?
        .len();
    let header = sealed.header()?.len();
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
    let mut opener = sealed.begin(pair, &mut bytes)?;
    let mut buffer = vec![0u8; 64 * 1024];
    let mut whole = true;
    loop {
        let n = match sealed.file.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(told("read", &sealed.path)(e)),
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
    volume: &Folder,
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
    let path = volume.path().join(file);
    let closed = name.closed_path();
    let sync = || {
        let folder = SegmentName::folder(name.day, &name.cam);
        volume
            .folder(&folder)
            .and_then(|f| f.sync())
            .map_err(told("sync the folder of", &path))
    };
    let aside = || {
        let torn = format!("{closed}.torn");
        volume.rename(file, &torn).map_err(told("rename", &path))?;
        sync()?;
        Ok(None)
    };
    let mut sealed = Sealed::open(volume, file)?;
    let Some(header) = &sealed.header else {
        return aside();
    };
    let Some((key, pair)) = candidates.iter().find(|(_, p)| fits(header, p)) else {
        return Err(format!(
            "none of the keys the reader has opens {}",
            path.display()
        ));
    };
    let mut plain = open_plain(&mut sealed, pair)?;
    let size = plain.bytes.len();
    let Ok(kept) = mp4::salvage(std::mem::take(&mut plain.bytes)) else {
        return aside();
    };
    let Ok(segment) = mp4::parse(&kept) else {
        return aside();
    };
    let (Some((t0, foretold)), Some(last)) = (segment.span(), segment.samples.last()) else {
        return aside();
    };
    // How long a time-lapse picture stands is written with it, before anybody knows whether the recording will live to see the next.
    let lapse = segment
        .rate
        .as_deref()
        .is_some_and(|r| r.starts_with(LAPSE));
    let t1 = if open && lapse {
        foretold.min(last.wall.plus_ms(LAST_MS))
    } else {
        foretold
    };
    let intact = plain.whole && kept.len() == size;
    if !intact {
        let new = format!("{closed}.recovering");
        reseal(volume, &new, &kept, &pair.1)?;
        volume.rename(&new, file).map_err(told("rename", &path))?;
    } else if open {
        sealed.file.sync_all().map_err(told("sync", &path))?;
    }
    if open {
        if volume.has(&closed).map_err(told("look for", &path))? {
            return Err(format!(
                "{closed} exists already; {} was left as it is",
                path.display()
            ));
        }
        volume
            .rename(file, &closed)
            .map_err(told("rename", &path))?;
    }
    sync()?;
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

/// A new file; whatever lay under its name (of an earlier try that was cut off) is removed first, and a link there is not followed.
fn reseal(volume: &Folder, inner: &str, plain: &[u8], recipient: &str) -> Result<(), String> {
    let path = volume.path().join(inner);
    let refused = |e: sealed::SealError| format!("cannot seal {}: {e}", path.display());
    let mut file = volume
        .remove(inner)
        .and_then(|()| volume.create_new(inner, 0o640))
        .map_err(told("create", &path))?;
    let mut sealer = sealed::Sealer::new(recipient).map_err(refused)?;
    for part in plain.chunks(1 << 20) {
        sealer.push(part).map_err(refused)?;
        file.write_all(sealer.ready())
            .map_err(told("write", &path))?;
        sealer.written();
    }
    let last = sealer.finish().map_err(refused)?;
    file.write_all(&last)
        .and_then(|()| file.sync_all())
        .map_err(told("write", &path))
}

/// A closed segment below a volume, or a hold's copy of one: its name, and its path without the hold's folder.
fn closed(file: &str) -> Result<(SegmentName, &str), String> {
    let (name, open) = order::name_of(file)?;
    let named = file
        .strip_prefix(HELD)
        .and_then(|f| f.strip_prefix('/')?.split_once('/'))
        .filter(|(hold, _)| HoldId::parse(hold).is_ok())
        .map_or(file, |(_, named)| named);
    // A recovered segment's name may tell another second than its line: its folder is what must be right.
    if open || !named.starts_with(&SegmentName::folder(name.day, &name.cam)) {
        return Err(format!("{file} is not a closed segment below a volume"));
    }
    Ok((name, named))
}

/// What is wrong with a closed file that its line says is so large and has this hash (see [`super::Client::spot`]); read piece by piece.
pub fn spot(
    volume: &Folder,
    file: &str,
    pairs: &[Pair],
    size: u64,
    hash: &str,
) -> Result<Option<Wrong>, String> {
    closed(file)?;
    let path = volume.path().join(file);
    let begun = volume.file(file).and_then(|f| Sealed::begun(f, path));
    let mut sealed = match begun {
        Ok(sealed) => sealed,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Some(Wrong::Missing)),
        Err(_) => return Ok(Some(Wrong::Unreadable)),
    };
    let Ok(pair) = sealed.pair(pairs) else {
        return Ok(Some(Wrong::Unopened));
    };
    let (mut found, mut context) = (0, Context::new(&SHA256));
    let (mut plain, mut buffer) = (Vec::new(), vec![0u8; 64 * 1024]);
    let Ok(mut opener) = sealed.begin(pair, &mut plain) else {
        return Ok(Some(Wrong::Unopened));
    };
    loop {
        let n = match sealed.file.read(&mut buffer) {
            Ok(n) => n,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return Ok(Some(Wrong::Unreadable)),
        };
        let opened = match n {
            0 => break,
            n => opener.push(&buffer[..n], &mut plain),
        };
        if opened.is_err() {
            return Ok(Some(Wrong::Unopened));
        }
        found += plain.len() as u64;
        context.update(&plain);
        plain.clear();
    }
    if opener.finish(&mut plain).is_err() {
        return Ok(Some(Wrong::Unopened));
    }
    found += plain.len() as u64;
    context.update(&plain);
    let same = found == size && hex(context.finish().as_ref()) == hash;
    Ok((!same).then_some(Wrong::Other))
}

/// A copy of a closed file under a hold's key (see [`super::Client::hold`]). Only of what the hold touches, by the file's own pictures.
pub fn hold(
    volume: &Folder,
    file: &str,
    pairs: &[Pair],
    (hold, held): (HoldId, &Held),
    to: &Pair,
    hash: &str,
) -> Result<(), String> {
    let (name, named) = closed(file)?;
    let whole = |inner: &str, pairs: &[Pair]| -> Result<Vec<u8>, String> {
        let mut sealed = Sealed::open(volume, inner)?;
        let pair = sealed.pair(pairs)?;
        let plain = open_plain(&mut sealed, pair)?;
        let found = hex(&sha256(&plain.bytes));
        if !plain.whole || found != hash {
            return Err(format!(
                "{} is not what was logged: its SHA-256 is {found}, the log says {hash}",
                sealed.path.display()
            ));
        }
        Ok(plain.bytes)
    };
    let plain = whole(file, pairs)?;
    let span = mp4::parse(&plain)
        .map_err(|e| format!("{file}: {e}"))?
        .span();
    let near =
        |(t0, t1): (Utc, Utc)| t0 < held.t1.plus_ms(STANDS_MS) && t1 > held.t0.plus_ms(-STANDS_MS);
    if !span.is_some_and(near) {
        return Err(format!("{file} holds nothing that {hold} is for"));
    }
    let kept = format!("{HELD}/{hold}/{named}");
    let new = format!("{kept}.new");
    reseal(volume, &new, &plain, &to.1)?;
    drop(plain);
    whole(&new, std::slice::from_ref(to))?;
    let path = volume.path().join(&kept);
    volume.rename(&new, &kept).map_err(told("rename", &path))?;
    let folder = format!("{HELD}/{hold}/{}", SegmentName::folder(name.day, &name.cam));
    volume
        .folder(&folder)
        .and_then(|f| f.sync())
        .map_err(told("sync the folder of", &path))
}

/// A new header for a closed file.
pub struct NewHeader {
    /// Length of the header on disk, which the new one takes the place of.
    pub old: u64,
    pub header: Vec<u8>,
    /// What of it is in the order's span.
    pub part: Part,
}

/// New header for a closed file, once its own frames show that it lies in the span of the order.
pub fn rewrap(
    volume: &Folder,
    inner: &str,
    pairs: &[Pair],
    pull: &order::Pull,
) -> Result<NewHeader, String> {
    let mut sealed = Sealed::open(volume, inner)?;
    let pair = sealed.pair(pairs)?;
    let part = in_span(&mut sealed, pair, pull)?;
    let old = sealed.header()?;
    let header = sealed::rewrap(old, pair.0.reveal(), &pull.recipient)
        .map_err(|e| format!("cannot wrap to the recipient in the order: {e}"))?;
    Ok(NewHeader {
        old: old.len() as u64,
        header,
        part,
    })
}

/// A file's name is the daemon's word, and so are its marks; the frames are what the camera sent. Reads only as far as is needed to tell.
fn in_span(sealed: &mut Sealed, pair: &Pair, pull: &order::Pull) -> Result<Part, String> {
    let path = sealed.path.clone();
    let bad = |e: std::io::Error| format!("{} cannot be handed out: {e}", path.display());
    let mut plain = sealed::RangeReader::new(&mut sealed.file, pair.0.reveal()).map_err(bad)?;
    let len = plain.plain_len();
    let part = mp4::part(&mut plain, len, pull.t0, pull.t1).map_err(bad)?;
    part.ok_or_else(|| {
        format!(
            "{} holds nothing from {} to {}: the order does not touch it",
            path.display(),
            pull.t0,
            pull.t1
        )
    })
}
