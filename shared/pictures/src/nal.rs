//! Pure. NAL units: from start codes, as encoders write them, to lengths and configuration records, as MP4 wants them.
//!
//! The records are those of ISO/IEC 14496-15 (`avcC`, `hvcC`) for what the worker's encoders make: 4:2:0, 8 bits.
use shared::worker::Codec;

#[derive(Debug, thiserror::Error)]
pub enum NalError {
    #[error("the encoder gave no {0}")]
    Missing(&'static str),
    #[error("the encoder's {0} is too short or too long")]
    Length(&'static str),
}

/// The NAL units between start codes, without trailing zeros.
pub fn split(data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut start = None;
    let mut i = 0;
    while i + 3 <= data.len() {
        if data[i..i + 3] == [0, 0, 1] {
            if let Some(from) = start {
                units.push(trimmed(&data[from..i]));
            }
            start = Some(i + 3);
            i += 3;
        } else {
            i += 1;
        }
    }
    if let Some(from) = start {
        units.push(trimmed(&data[from..]));
    }
    units.retain(|u| !u.is_empty());
    units
}

fn trimmed(unit: &[u8]) -> &[u8] {
    &unit[..unit
        .iter()
        .rposition(|&b| b != 0)
        .map_or(0, |last| last + 1)]
}

/// NAL unit type.
pub fn kind(codec: Codec, unit: &[u8]) -> u8 {
    match codec {
        Codec::H264 => unit.first().map_or(0, |b| b & 0x1f),
        Codec::H265 => unit.first().map_or(0, |b| (b >> 1) & 0x3f),
    }
}

/// Parameter sets, delimiters and messages (an encoder's word about itself). But of H.264 the message that says when a picture is shown
/// stays: without B pictures nothing else says which of its two fields comes first.
fn is_no_picture(codec: Codec, unit: &[u8]) -> bool {
    const PIC_TIMING: u8 = 1;
    match codec {
        Codec::H264 if kind(codec, unit) == 6 => {
            let alone = |length: &u8| unit.len() == usize::from(*length) + 4;
            unit.get(1) != Some(&PIC_TIMING) || !unit.get(2).is_some_and(alone)
        }
        Codec::H264 => matches!(kind(codec, unit), 7..=9),
        Codec::H265 => matches!(kind(codec, unit), 32..=35 | 39 | 40),
    }
}

/// One access unit, each NAL unit with its length in four bytes before it; parameter sets are left to the record, and messages are
/// left out, but for an interlaced picture's timing.
pub fn with_lengths(codec: Codec, access_unit: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(access_unit.len() + 16);
    for unit in split(access_unit)
        .into_iter()
        .filter(|u| !is_no_picture(codec, u))
    {
        out.extend_from_slice(&(unit.len() as u32).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// The configuration record for parameter sets given with start codes.
pub fn record(codec: Codec, parameter_sets: &[u8]) -> Result<Vec<u8>, NalError> {
    let units = split(parameter_sets);
    let of = |wanted: u8| {
        units
            .iter()
            .copied()
            .filter(|u| kind(codec, u) == wanted)
            .collect::<Vec<_>>()
    };
    match codec {
        Codec::H264 => avcc(&of(7), &of(8)),
        Codec::H265 => hvcc(&of(32), &of(33), &of(34)),
    }
}

fn push(out: &mut Vec<u8>, unit: &[u8], name: &'static str) -> Result<(), NalError> {
    out.extend_from_slice(
        &u16::try_from(unit.len())
            .map_err(|_| NalError::Length(name))?
            .to_be_bytes(),
    );
    out.extend_from_slice(unit);
    Ok(())
}

fn avcc(sps: &[&[u8]], pps: &[&[u8]]) -> Result<Vec<u8>, NalError> {
    let first = *sps
        .first()
        .ok_or(NalError::Missing("sequence parameter set"))?;
    if pps.is_empty() {
        return Err(NalError::Missing("picture parameter set"));
    }
    let &[_, profile, compatible, level, ..] = first else {
        return Err(NalError::Length("sequence parameter set"));
    };
    let mut out = vec![
        1,
        profile,
        compatible,
        level,
        0xff,
        0xe0 | (sps.len() as u8 & 31),
    ];
    for unit in sps.iter().take(31) {
        push(&mut out, unit, "sequence parameter set")?;
    }
    out.push(pps.len() as u8);
    for unit in pps.iter().take(255) {
        push(&mut out, unit, "picture parameter set")?;
    }
    if !matches!(profile, 66 | 77 | 88) {
        out.extend_from_slice(&[0xfd, 0xf8, 0xf8, 0]); // 4:2:0, 8 bits, no extensions
    }
    Ok(out)
}

fn hvcc(vps: &[&[u8]], sps: &[&[u8]], pps: &[&[u8]]) -> Result<Vec<u8>, NalError> {
    let first = *sps
        .first()
        .ok_or(NalError::Missing("sequence parameter set"))?;
    // Two bytes of header, one with sub-layers and nesting, twelve of profile, tier and level.
    let head = unescaped(first, 15);
    if head.len() < 15 {
        return Err(NalError::Length("sequence parameter set"));
    }
    let layers = ((head[2] >> 1) & 7) + 1;
    let nested = head[2] & 1;
    let mut out = vec![1];
    out.extend_from_slice(&head[3..15]);
    out.extend_from_slice(&[0xf0, 0, 0xfc, 0xfd, 0xf8, 0xf8, 0, 0]); // no segmentation, unknown parallelism, 4:2:0, 8 bits, rate unknown
    out.push((layers << 3) | (nested << 2) | 3);
    out.push(3);
    for (kind, units, name) in [
        (32u8, vps, "video parameter set"),
        (33, sps, "sequence parameter set"),
        (34, pps, "picture parameter set"),
    ] {
        if units.is_empty() {
            return Err(NalError::Missing(name));
        }
        out.push(0x80 | kind);
        out.extend_from_slice(&(units.len() as u16).to_be_bytes());
        for unit in units {
            push(&mut out, unit, name)?;
        }
    }
    Ok(out)
}

/// The first `wanted` bytes of a NAL unit with its emulation prevention bytes taken out.
fn unescaped(unit: &[u8], wanted: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(wanted);
    let mut zeros = 0;
    for &byte in unit {
        if out.len() == wanted {
            break;
        }
        if zeros >= 2 && byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_cut_at_start_codes_of_both_lengths() {
        let data = [
            0, 0, 0, 1, 9, 0xf0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65, 2, 3, 0, 0,
        ];
        assert_eq!(split(&data), [&[9, 0xf0][..], &[0x67, 1], &[0x65, 2, 3]]);
        assert_eq!(with_lengths(Codec::H264, &data), [0, 0, 0, 3, 0x65, 2, 3]);
        assert!(split(b"no start code").is_empty());
    }

    /// REC-2: which field comes first stays said; an encoder's word about itself, also behind that, does not.
    #[test]
    fn the_order_of_fields_stays() {
        let start: &[u8] = &[0, 0, 1];
        let (timing, slice): (&[u8], &[u8]) = (&[6, 1, 1, 0x32, 0x80], &[0x65, 2, 3]);
        let (own, both): (&[u8], &[u8]) =
            (&[6, 5, 2, 7, 7, 0x80], &[6, 1, 1, 0x32, 5, 2, 7, 7, 0x80]);
        let unit = [start, own, start, timing, start, both, start, slice].concat();
        let kept = [&[0, 0, 0, 5][..], timing, &[0, 0, 0, 3], slice].concat();
        assert_eq!(with_lengths(Codec::H264, &unit), kept);
    }

    #[test]
    fn a_missing_parameter_set_is_said() {
        let error = record(Codec::H264, &[0, 0, 1, 0x67, 100, 0, 31, 1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the encoder gave no picture parameter set"
        );
        assert!(record(Codec::H265, &[0, 0, 1, 0x42, 1]).is_err());
    }

    #[test]
    fn emulation_prevention_is_taken_out() {
        assert_eq!(
            unescaped(&[1, 0, 0, 3, 0, 0, 3, 1, 9], 6),
            [1, 0, 0, 0, 0, 1]
        );
    }
}
