//! Pure. MP4 boxes: writing them nested, and walking them.

/// Appends a box whose size is known once `body` has written it.
pub fn put(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(kind);
    body(out);
    let size = (out.len() - start) as u32; // headers only: far below 4 GiB, media data has its own path
    out[start..start + 4].copy_from_slice(&size.to_be_bytes());
}

/// A box with version and flags.
pub fn put_full(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    put(out, kind, |out| {
        u32be(out, u32::from(version) << 24 | (flags & 0xff_ffff));
        body(out);
    });
}

pub fn u16be(out: &mut Vec<u8>, v: u16) {
    out.extend_from_slice(&v.to_be_bytes());
}

pub fn u32be(out: &mut Vec<u8>, v: u32) {
    out.extend_from_slice(&v.to_be_bytes());
}

pub fn u64be(out: &mut Vec<u8>, v: u64) {
    out.extend_from_slice(&v.to_be_bytes());
}

pub fn zeros(out: &mut Vec<u8>, n: usize) {
    out.resize(out.len() + n, 0);
}

/// One box as it lies in a file.
pub struct FileBox<'a> {
    pub kind: [u8; 4],
    pub body: &'a [u8],
    /// Bytes of header and body.
    pub whole: usize,
}

/// The box that begins `bytes`; `None` when it is not there whole or makes no sense.
pub fn first(bytes: &[u8]) -> Option<FileBox<'_>> {
    let kind: [u8; 4] = bytes.get(4..8)?.try_into().ok()?;
    let (header, whole) = match get_u32(bytes, 0)? {
        1 => (16, usize::try_from(get_u64(bytes, 8)?).ok()?),
        n => (8, n as usize),
    };
    if whole < header {
        return None;
    }
    Some(FileBox {
        kind,
        body: bytes.get(header..whole)?,
        whole,
    })
}

/// All children of this kind.
pub fn children<'a>(mut bytes: &'a [u8], kind: &[u8; 4]) -> impl Iterator<Item = &'a [u8]> {
    let kind = *kind;
    std::iter::from_fn(move || {
        let found = first(bytes)?;
        bytes = &bytes[found.whole..];
        Some(found)
    })
    .filter(move |found| found.kind == kind)
    .map(|found| found.body)
}

/// The first child of this kind.
pub fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    children(bytes, kind).next()
}

/// The box at the end of a path of kinds.
pub fn descend<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| child(bytes, kind))
}

pub fn get_u16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

pub fn get_u32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

pub fn get_u64(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(
        bytes.get(at..at.checked_add(8)?)?.try_into().ok()?,
    ))
}
