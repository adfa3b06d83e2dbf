//! Pure. Packets that carry several units (STAP-A of H.264, AP of H.265): those of them without content.
use bytes::{Bytes, BytesMut};

/// Where the content of an RTP packet begins and ends: behind its head and its extension, before its padding. None: it has none.
pub(super) fn content(packet: &[u8]) -> Option<std::ops::Range<usize>> {
    let [first, ..] = packet.first_chunk::<12>()?;
    let mut head = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0
        && let Some([_, _, a, b]) = packet.get(head..).and_then(|r| r.first_chunk())
    {
        head += 4 + 4 * usize::from(u16::from_be_bytes([*a, *b]));
    }
    let padding = match packet.last() {
        Some(padding) if first & 0x20 != 0 => usize::from(*padding),
        _ => 0,
    };
    let end = packet.len().saturating_sub(padding);
    (head < end).then_some(head..end)
}

/// A packet of pictures without the units that are empty; None: it has no such units.
pub(super) fn without_empty(packet: &[u8]) -> Option<Bytes> {
    let at = content(packet)?;
    let units = packet.get(at.clone())?;
    let head = match units {
        [a, ..] if a & 0x1f == 24 => 1,
        [a, _, ..] if a >> 1 & 0x3f == 48 => 2,
        _ => return None,
    };
    let (mut kept, mut rest) = (units.get(..head)?.to_vec(), units.get(head..)?);
    let mut empty = false;
    while let Some((size, after)) = rest.split_first_chunk::<2>() {
        let size = usize::from(u16::from_be_bytes(*size));
        // One that is cut short is no affair of ours.
        let (Some(unit), Some(next)) = (rest.get(..2 + size), after.get(size..)) else {
            kept.extend_from_slice(rest);
            break;
        };
        empty |= size == 0;
        if size > 0 {
            kept.extend_from_slice(unit);
        }
        rest = next;
    }
    empty.then(|| {
        let mut out = BytesMut::from(packet.get(..at.start).unwrap_or_default());
        // Its padding is left out too.
        if let Some(first) = out.first_mut() {
            *first &= !0x20;
        }
        if kept.len() > head {
            out.extend_from_slice(&kept);
        }
        out.freeze()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(content: &[u8]) -> Vec<u8> {
        [&[0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7], content].concat()
    }

    /// REC-2: an empty unit costs none of those beside it.
    #[test]
    fn empty_units_are_left_out() {
        let joint = packet(&[24, 0, 0, 0, 2, 0x67, 1, 0, 0, 0, 1, 0x68]);
        let kept = packet(&[24, 0, 2, 0x67, 1, 0, 1, 0x68]);
        assert_eq!(without_empty(&joint).as_deref(), Some(&kept[..]));
        assert_eq!(without_empty(&kept), None);
        let joint = packet(&[48 << 1, 1, 0, 0, 0, 2, 2, 1]);
        let kept = packet(&[48 << 1, 1, 0, 2, 2, 1]);
        assert_eq!(without_empty(&joint).as_deref(), Some(&kept[..]));
        // All of them, padded, cut short, and no such packet.
        assert_eq!(
            without_empty(&packet(&[24, 0, 0])).as_deref(),
            Some(&packet(&[])[..])
        );
        let mut padded = packet(&[24, 0, 0, 0, 1, 9, 0, 2]);
        padded[0] |= 0x20;
        assert_eq!(
            without_empty(&padded).as_deref(),
            Some(&packet(&[24, 0, 1, 9])[..])
        );
        assert_eq!(without_empty(&packet(&[24, 0, 9, 1])), None);
        assert_eq!(without_empty(&packet(&[0x65, 0, 0])), None);
        assert_eq!(without_empty(&[0x80; 11]), None);
    }
}
