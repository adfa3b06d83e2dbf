//! Pure. Reading a segment, whole or torn.

use super::{
    Codec, Mp4Error, Parameters, Sample, Segment, TIMESCALE,
    boxes::{child, descend, first, get_u16, get_u32, get_u64},
    fragment::{NOT_SYNC_BIT, TRUN, from_ntp},
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
        whole_bytes: (ftyp.whole + moov.whole) as u64,
        fragments: 0,
    };
    while let Some(rest) = bytes.get(segment.whole_bytes as usize..) {
        let before = segment.samples.len();
        match fragment(rest, segment.whole_bytes, &mut segment.samples) {
            Some(size) => {
                segment.whole_bytes += size;
                segment.fragments += 1;
            }
            None => {
                segment.samples.truncate(before);
                break;
            }
        }
    }
    Ok(segment)
}

pub fn parameters(moov: &[u8]) -> Option<Parameters> {
    let mdia = descend(moov, &[b"trak", b"mdia"])?;
    let mdhd = child(mdia, b"mdhd")?;
    let scale_at = if *mdhd.first()? == 1 { 20 } else { 12 };
    if get_u32(mdhd, scale_at)? != TIMESCALE {
        return None;
    }
    let stsd = descend(mdia, &[b"minf", b"stbl", b"stsd"])?;
    sample_entry(stsd.get(8..)?)
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
    })
}

/// Appends a fragment's samples and says its size; `None` when it is not whole.
fn fragment(bytes: &[u8], base: u64, samples: &mut Vec<Sample>) -> Option<u64> {
    let prft = first(bytes).filter(|b| &b.kind == b"prft")?;
    let moof = first(bytes.get(prft.whole..)?).filter(|b| &b.kind == b"moof")?;
    let mdat = first(bytes.get(prft.whole + moof.whole..)?).filter(|b| &b.kind == b"mdat")?;
    if get_u32(prft.body, 0)? >> 24 != 1 {
        return None;
    }
    let wall = from_ntp(get_u64(prft.body, 8)?);
    let media_time = get_u64(prft.body, 16)?;

    let traf = child(moof.body, b"traf")?;
    let tfdt = child(traf, b"tfdt")?;
    let trun = child(traf, b"trun")?;
    if get_u32(tfdt, 0)? != 1 << 24 || get_u32(trun, 0)? != 1 << 24 | TRUN {
        return None;
    }
    let count = get_u32(trun, 4)? as usize;
    let table = trun.get(12..)?;
    if count == 0 || table.len() != count.checked_mul(16)? {
        return None;
    }
    // Offsets count from the moof (default-base-is-moof).
    let mut offset = u64::from(get_u32(trun, 8)?);
    if offset != (moof.whole + mdat.header) as u64 {
        return None;
    }
    offset += base + prft.whole as u64;
    let mut dts = get_u64(tfdt, 4)?;
    let mut left = mdat.body.len() as u64;
    for row in table.chunks_exact(16) {
        let (duration, size) = (get_u32(row, 0)?, get_u32(row, 4)?);
        let (flags, cts) = (get_u32(row, 8)?, get_u32(row, 12)? as i32);
        left = left.checked_sub(u64::from(size))?;
        let shown = i64::try_from(dts).ok()?.checked_add(i64::from(cts))?;
        let distance = shown.checked_sub(i64::try_from(media_time).ok()?)?;
        samples.push(Sample {
            offset,
            size,
            dts,
            cts,
            duration,
            key: flags & NOT_SYNC_BIT == 0,
            wall: wall.plus_ms(ms(distance)),
        });
        offset += u64::from(size);
        dts = dts.checked_add(u64::from(duration))?;
    }
    (left == 0).then_some((prft.whole + moof.whole + mdat.whole) as u64)
}
