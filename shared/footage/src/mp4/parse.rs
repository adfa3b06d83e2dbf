//! Pure. Reading a segment, whole or torn.

use shared::time::Utc;

use super::{
    Codec, Frame, Mp4Error, Parameters, Sample, Segment, Sound, SoundFrame, TIMESCALE,
    boxes::{child, children, descend, first, get_u16, get_u32, get_u64},
    fragment::{MASK, NOT_SYNC_BIT, RATE, SOUND_TRUN, TRUN, from_ntp},
    init, ms,
};

/// Reads a segment. Only whole fragments count; what follows the last of them is left out of [`Segment::whole_bytes`].
/// Err when not even the beginning (`ftyp`, `moov`) is there.
pub fn parse(bytes: &[u8]) -> Result<Segment, Mp4Error> {
    let bad = |what: &str| {
        Mp4Error::Bad(format!(
            "not a segment written by this recorder: {what}; nothing was read from it"
        ))
    };
    let ftyp = first(bytes)
        .filter(|b| &b.kind == b"ftyp")
        .ok_or_else(|| bad("it does not begin with a whole ftyp box"))?;
    let moov = first(&bytes[ftyp.whole..])
        .filter(|b| &b.kind == b"moov")
        .ok_or_else(|| bad("no whole moov box follows ftyp"))?;
    let parameters = parameters(moov.body)
        .ok_or_else(|| bad("its moov does not describe one 90 kHz H.264 or H.265 track"))?;
    init::check(&parameters)?;
    let mut segment = Segment {
        parameters,
        samples: Vec::new(),
        sound: Vec::new(),
        whole_bytes: (ftyp.whole + moov.whole) as u64,
        fragments: 0,
        rate: None,
        mask: None,
    };
    while let Some(rest) = bytes.get(segment.whole_bytes as usize..) {
        if let Some(free) = first(rest).filter(|b| &b.kind == b"free") {
            if segment.fragments == 0 {
                said(free.body, &mut segment);
            }
            segment.whole_bytes += free.whole as u64;
            continue;
        }
        // The marks at its end: nothing comes after them.
        if let Some(marks) = first(rest).filter(|b| &b.kind == b"mfra") {
            segment.whole_bytes += marks.whole as u64;
            break;
        }
        let before = (segment.samples.len(), segment.sound.len());
        match fragment(rest, &mut segment) {
            Some(size) => {
                segment.whole_bytes += size;
                segment.fragments += 1;
            }
            None => {
                segment.samples.truncate(before.0);
                segment.sound.truncate(before.1);
                break;
            }
        }
    }
    Ok(segment)
}

pub fn parameters(moov: &[u8]) -> Option<Parameters> {
    let mut tracks = children(moov, b"trak");
    let (scale, entries) = track(tracks.next()?)?;
    if scale != TIMESCALE {
        return None;
    }
    let mut parameters = sample_entry(entries)?;
    if let Some(sound) = tracks.next() {
        let (rate, entries) = track(sound)?;
        let whole = first(entries).filter(|b| &b.kind == b"mp4a")?.whole;
        parameters.sound = Some(Sound {
            rate,
            entry: entries[..whole].to_vec(),
        });
    }
    Some(parameters)
}

/// What a `free` box before the first fragment says.
fn said(body: &[u8], segment: &mut Segment) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    if let Some(rate) = body.strip_prefix(RATE) {
        segment.rate = text(rate);
    } else if let Some(mask) = body.strip_prefix(MASK).and_then(text) {
        segment.mask = mask
            .split_once(' ')
            .map(|(how, id)| (how.to_owned(), id.to_owned()));
    }
}

/// A track's ticks per second, and its sample entries.
fn track(trak: &[u8]) -> Option<(u32, &[u8])> {
    let mdia = child(trak, b"mdia")?;
    let mdhd = child(mdia, b"mdhd")?;
    let scale_at = if *mdhd.first()? == 1 { 20 } else { 12 };
    let stsd = descend(mdia, &[b"minf", b"stbl", b"stsd"])?;
    Some((get_u32(mdhd, scale_at)?, stsd.get(8..)?))
}

pub fn sample_entry(entries: &[u8]) -> Option<Parameters> {
    let entry = first(entries)?;
    let (codec, record) = match &entry.kind {
        b"avc1" => (Codec::H264, b"avcC"),
        b"hvc1" => (Codec::H265, b"hvcC"),
        _ => return None,
    };
    Some(Parameters {
        codec,
        width: get_u16(entry.body, 24)?,
        height: get_u16(entry.body, 26)?,
        config: child(entry.body.get(78..)?, record)?.to_vec(),
        sound: None,
    })
}

/// A fragment's description, once its `prft`, its `moof` and the head of its `mdat` are there.
pub(super) struct Head<'a> {
    sequence: u32,
    pub wall: Utc,
    media_time: u64,
    /// Decode time of the first frame.
    pub dts: u64,
    /// 16 bytes per frame: duration, size, flags, composition offset.
    pub rows: &'a [u8],
    /// Decode time of the first frame of sound, and 8 bytes per frame: duration, size.
    sound: Option<(u64, &'a [u8])>,
    /// Where the frames begin, and how many bytes of them there should be.
    pub data: usize,
    pub length: u64,
}

impl Head<'_> {
    pub fn begins_with_key(&self) -> Option<bool> {
        Some(get_u32(self.rows, 8)? & NOT_SYNC_BIT == 0)
    }
}

pub(super) fn head(bytes: &[u8]) -> Option<Head<'_>> {
    let prft = first(bytes).filter(|b| &b.kind == b"prft")?;
    let moof = first(bytes.get(prft.whole..)?).filter(|b| &b.kind == b"moof")?;
    let mdat = prft.whole + moof.whole;
    if bytes.get(mdat + 4..mdat + 8)? != b"mdat" || get_u32(prft.body, 0)? >> 24 != 1 {
        return None;
    }
    let mut trafs = children(moof.body, b"traf");
    let traf = trafs.next()?;
    let sound = match trafs.next() {
        Some(traf) => Some(sound_head(traf)?),
        None => None,
    };
    let (tfdt, trun) = (child(traf, b"tfdt")?, child(traf, b"trun")?);
    if get_u32(tfdt, 0)? != 1 << 24 || get_u32(trun, 0)? != 1 << 24 | TRUN {
        return None;
    }
    let count = get_u32(trun, 4)? as usize;
    let rows = trun.get(12..)?;
    // Offsets count from the moof (default-base-is-moof); our mdat has a plain 8-byte head.
    if count == 0
        || rows.len() != count.checked_mul(16)?
        || get_u32(trun, 8)? as usize != moof.whole + 8
    {
        return None;
    }
    Some(Head {
        sequence: get_u32(child(moof.body, b"mfhd")?, 4)?,
        wall: from_ntp(get_u64(prft.body, 8)?),
        media_time: get_u64(prft.body, 16)?,
        dts: get_u64(tfdt, 4)?,
        rows,
        sound,
        data: mdat + 8,
        length: u64::from(get_u32(bytes, mdat)?).checked_sub(8)?,
    })
}

/// The sound's part: it lies behind the pictures, so its data offset says nothing new.
fn sound_head(traf: &[u8]) -> Option<(u64, &[u8])> {
    let (tfdt, trun) = (child(traf, b"tfdt")?, child(traf, b"trun")?);
    let rows = trun.get(12..)?;
    let whole = rows.len() == (get_u32(trun, 4)? as usize).checked_mul(8)? && !rows.is_empty();
    (whole && get_u32(tfdt, 0)? == 1 << 24 && get_u32(trun, 0)? == SOUND_TRUN)
        .then_some((get_u64(tfdt, 4)?, rows))
}

/// Appends a fragment's samples and says its size; `None` when it is not whole.
fn fragment(bytes: &[u8], segment: &mut Segment) -> Option<u64> {
    let base = segment.whole_bytes;
    let head = head(bytes)?;
    let size = head.data as u64 + head.length;
    if (bytes.len() as u64) < size {
        return None;
    }
    let mut offset = base + head.data as u64;
    let mut dts = head.dts;
    let mut left = head.length;
    for row in head.rows.chunks_exact(16) {
        let (duration, size) = (get_u32(row, 0)?, get_u32(row, 4)?);
        let (flags, cts) = (get_u32(row, 8)?, get_u32(row, 12)? as i32);
        left = left.checked_sub(u64::from(size))?;
        let shown = i64::try_from(dts).ok()?.checked_add(i64::from(cts))?;
        let distance = shown.checked_sub(i64::try_from(head.media_time).ok()?)?;
        segment.samples.push(Sample {
            offset,
            size,
            dts,
            cts,
            duration,
            key: flags & NOT_SYNC_BIT == 0,
            wall: head.wall.plus_ms(ms(distance)),
        });
        offset += u64::from(size);
        dts = dts.checked_add(u64::from(duration))?;
    }
    if let Some((mut dts, rows)) = head.sound {
        let rate = i64::from(segment.parameters.sound.as_ref()?.rate);
        for row in rows.chunks_exact(8) {
            let (duration, size) = (get_u32(row, 0)?, get_u32(row, 4)?);
            left = left.checked_sub(u64::from(size))?;
            let heard = i64::try_from(dts).ok()?.checked_mul(i64::from(TIMESCALE))? / rate;
            let distance = heard.checked_sub(i64::try_from(head.media_time).ok()?)?;
            segment.sound.push(Sample {
                offset,
                size,
                dts,
                cts: 0,
                duration,
                key: true,
                wall: head.wall.plus_ms(ms(distance)),
            });
            offset += u64::from(size);
            dts = dts.checked_add(u64::from(duration))?;
        }
    }
    (left == 0).then_some(size)
}

/// A torn segment without its damage: every whole fragment as it is, and of the torn one after them the frames that are there
/// whole, as a fragment of their own. Decoding order makes what is kept decodable. Err when [`parse`] finds no segment.
pub fn salvage(mut bytes: Vec<u8>) -> Result<Vec<u8>, Mp4Error> {
    let whole = parse(&bytes)?.whole_bytes as usize;
    let rest = bytes.split_off(whole);
    if let Some((sequence, wall, frames, sound)) = torn(&rest) {
        super::fragment(sequence, wall, &frames, &sound, &mut bytes)?;
    }
    Ok(bytes)
}

/// The whole frames of a torn fragment, and of its sound once all pictures are there; `None` when there is not one.
fn torn(bytes: &[u8]) -> Option<(u32, Utc, Vec<Frame>, Vec<SoundFrame>)> {
    let head = head(bytes)?;
    let mut data = bytes.get(head.data..)?;
    let mut dts = head.dts;
    let mut frames = Vec::new();
    for row in head.rows.chunks_exact(16) {
        let (duration, size) = (get_u32(row, 0)?, get_u32(row, 4)? as usize);
        let (Some(frame), Some(rest)) = (data.get(..size), data.get(size..)) else {
            break;
        };
        frames.push(Frame {
            dts,
            cts: get_u32(row, 12)? as i32,
            duration,
            key: get_u32(row, 8)? & NOT_SYNC_BIT == 0,
            bytes: bytes::Bytes::copy_from_slice(frame),
        });
        data = rest;
        dts = dts.checked_add(u64::from(duration))?;
    }
    let mut sound = Vec::new();
    if let Some((mut dts, rows)) = head.sound
        && frames.len() == head.rows.len() / 16
    {
        for row in rows.chunks_exact(8) {
            let (duration, size) = (get_u32(row, 0)?, get_u32(row, 4)? as usize);
            let (Some(frame), Some(rest)) = (data.get(..size), data.get(size..)) else {
                break;
            };
            sound.push(SoundFrame {
                dts,
                duration,
                bytes: bytes::Bytes::copy_from_slice(frame),
            });
            data = rest;
            dts = dts.checked_add(u64::from(duration))?;
        }
    }
    (!frames.is_empty()).then_some((head.sequence, head.wall, frames, sound))
}
