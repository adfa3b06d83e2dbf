//! Pure. A camera's description of its streams, whatever it looks like, and written anew as it should be.
//!
//! What a stream needs to be played is its payload type, its format and its address at the camera; everything else in a description
//! may be missing or rubbish. What is written anew holds that and no more.
use std::fmt::Write;

use super::repair::{Repair, Repairs};

/// What a camera offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    /// Address of all streams together.
    pub control: Option<String>,
    pub tracks: Vec<Offer>,
    pub repairs: Repairs,
}

/// One stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub media: String,
    pub payload_type: u8,
    /// `H264/90000`; None: the payload type says it.
    pub format: Option<String>,
    parameters: Option<String>,
    framerate: Option<String>,
    /// Its address at the camera, absolute or not.
    pub control: Option<String>,
}

impl Offer {
    /// For people: `video h264`.
    pub fn in_words(&self) -> String {
        let name = match (&self.format, self.payload_type) {
            (Some(f), _) => f.split('/').next().unwrap_or_default().to_ascii_lowercase(),
            (None, 0) => "pcmu".into(),
            (None, 8) => "pcma".into(),
            (None, 26) => "jpeg".into(),
            (None, n) => format!("type {n}"),
        };
        format!("{} {name}", self.media)
    }

    /// Ticks of its clock in a second.
    pub fn rate(&self) -> u32 {
        let rate = self.format.as_ref().and_then(|f| f.split('/').nth(1));
        let rate = rate.and_then(|r| r.parse().ok()).filter(|r| *r > 0);
        rate.unwrap_or(if self.media == "audio" { 8_000 } else { 90_000 })
    }
}

struct Media {
    media: String,
    types: Vec<u8>,
    formats: Vec<(u8, String)>,
    parameters: Vec<(u8, String)>,
    framerate: Option<String>,
    control: Option<String>,
}

pub fn read(bytes: &[u8]) -> Description {
    let mut out = Description::default();
    let clean: Vec<u8> = bytes.iter().copied().filter(|b| *b != 0).collect();
    if clean.len() != bytes.len() {
        out.repairs.insert(Repair::SdpLines);
    }
    let text = String::from_utf8_lossy(&clean);
    if text.contains('\u{fffd}') {
        out.repairs.insert(Repair::SdpText);
    }
    let mut text: &str = &text;
    // Stray bytes before the first line.
    if !text.starts_with("v=")
        && let Some(at) = text.find("v=0").filter(|at| *at < 200)
    {
        text = &text[at..];
        out.repairs.insert(Repair::SdpLines);
    }
    let (mut media, mut version): (Vec<Media>, bool) = (Vec::new(), false);
    for line in text.split(['\r', '\n']) {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|(k, _)| k.len() == 1) else {
            out.repairs.insert(Repair::SdpLines);
            continue;
        };
        match key {
            "v" => version = value.trim() == "0",
            "o" => whole_origin(value, &mut out.repairs),
            "c" if value.split(' ').count() < 3 || value.contains('\u{fffd}') => {
                out.repairs.insert(Repair::SdpConnection);
            }
            "t" if value.split_ascii_whitespace().count() != 2
                || !value
                    .split_ascii_whitespace()
                    .all(|n| n.parse::<u64>().is_ok()) =>
            {
                out.repairs.insert(Repair::SdpLines);
            }
            "b" if value
                .split_once(':')
                .is_none_or(|(_, n)| n.parse::<u64>().is_err()) =>
            {
                out.repairs.insert(Repair::SdpLines);
            }
            "m" => {
                if let Some(one) = stream(value, &mut out.repairs) {
                    media.push(one);
                } else {
                    out.repairs.insert(Repair::SdpFormat);
                }
            }
            "a" => attribute(value, media.last_mut(), &mut out),
            _ => {}
        }
    }
    if !version {
        out.repairs.insert(Repair::SdpLines);
    }
    for one in media {
        if let Some(offer) = chosen(one, &mut out.repairs) {
            out.tracks.push(offer);
        }
    }
    out
}

fn whole_origin(value: &str, repairs: &mut Repairs) {
    let fields: Vec<&str> = value.splitn(6, ' ').collect();
    if fields.len() < 6 || fields[2].parse::<u64>().is_err() {
        repairs.insert(Repair::SdpOrigin);
    }
}

/// `video 0 RTP/AVP 96 97`.
fn stream(value: &str, repairs: &mut Repairs) -> Option<Media> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let first = words.first()?;
    let media: String = first
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "/-_.".contains(*c))
        .collect();
    if media.len() != first.len() {
        repairs.insert(Repair::SdpFormat);
    }
    let media = Some(media.to_ascii_lowercase()).filter(|m| !m.is_empty())?;
    let port = words.get(1).and_then(|p| p.split('/').next());
    if port.is_none_or(|p| p.parse::<u16>().is_err()) {
        repairs.insert(Repair::SdpPort);
    }
    // The protocol is the word with RTP in it, wherever it stands behind the first.
    let proto = words.iter().skip(1).position(|w| {
        let w = w.to_ascii_uppercase();
        w.contains("RTP") || w.contains("MP2T")
    });
    let proto = proto.map(|p| p + 1);
    if proto != Some(2) {
        repairs.insert(Repair::SdpFormat);
    }
    let after = proto.map_or(words.len(), |p| p + 1);
    let types = words.get(after..).unwrap_or_default().iter();
    let types = types
        .filter_map(|t| t.parse::<u8>().ok())
        .filter(|t| *t < 128);
    Some(Media {
        media,
        types: types.collect(),
        formats: Vec::new(),
        parameters: Vec::new(),
        framerate: None,
        control: None,
    })
}

fn attribute(value: &str, media: Option<&mut Media>, out: &mut Description) {
    let (name, value) = value.split_once(':').unwrap_or((value, ""));
    let value = value.trim();
    let name = name.trim().to_ascii_lowercase();
    let Some(media) = media else {
        if name == "control" && !value.is_empty() {
            out.control = Some(value.to_owned());
        }
        return;
    };
    let typed = || {
        let (number, rest) = value.split_once(|c: char| c.is_ascii_whitespace())?;
        Some((number.parse::<u8>().ok()?, rest.trim().to_owned()))
    };
    match name.as_str() {
        "control" if !value.is_empty() => media.control = Some(value.to_owned()),
        "framerate" if value.parse::<f32>().is_ok() => media.framerate = Some(value.to_owned()),
        "rtpmap" => match typed() {
            Some(format) => media.formats.push(format),
            None => {
                out.repairs.insert(Repair::SdpFormat);
            }
        },
        "fmtp" => media.parameters.extend(typed()),
        _ => {}
    }
}

/// Of the types that are offered, the first which is described, or whose number says what it is.
fn chosen(media: Media, repairs: &mut Repairs) -> Option<Offer> {
    let described = |t: u8| media.formats.iter().find(|(n, _)| *n == t);
    let known = |t: &&u8| **t < 35 || described(**t).is_some();
    let listed = media.types.iter().find(known).copied();
    // A type that only its description names is as good.
    let payload_type = listed.or_else(|| media.formats.first().map(|(n, _)| *n));
    let Some(payload_type) = payload_type else {
        repairs.insert(Repair::SdpFormat);
        return None;
    };
    if media.types.first() != Some(&payload_type) {
        repairs.insert(Repair::SdpFormat);
    }
    let format = described(payload_type).map(|(_, f)| format_of(f, &media.media));
    if let (Some(ours), Some((_, theirs))) = (&format, described(payload_type))
        && ours != theirs
    {
        repairs.insert(Repair::SdpFormat);
    }
    let mut parameters = media.parameters.into_iter();
    let parameters = parameters.find(|(n, p)| *n == payload_type && !p.is_empty());
    Some(Offer {
        media: media.media,
        payload_type,
        format,
        parameters: parameters.map(|(_, p)| p),
        framerate: media.framerate,
        control: media.control,
    })
}

/// `H264/90000`, whatever of it is missing.
fn format_of(text: &str, media: &str) -> String {
    let mut parts = text.split('/').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let name = match name.to_ascii_uppercase().as_str() {
        "H.264" | "AVC" => "H264",
        "H.265" | "HEVC" => "H265",
        _ => name,
    };
    let said = parts
        .next()
        .filter(|r| r.parse::<u32>().is_ok_and(|r| r > 0));
    // These have one clock only. What the stamps really count shows later.
    let fixed = ["H264", "H265"]
        .contains(&name.to_ascii_uppercase().as_str())
        .then_some("90000");
    let rate = fixed.or(said);
    let rate = rate.unwrap_or(if media == "audio" { "8000" } else { "90000" });
    let channels = parts
        .next()
        .filter(|c| c.parse::<u16>().is_ok_and(|c| c > 0));
    channels.map_or_else(
        || format!("{name}/{rate}"),
        |channels| format!("{name}/{rate}/{channels}"),
    )
}

impl Description {
    /// As retina is told it: its streams are at `track0`, `track1` … below the address it asked for.
    pub fn written(&self) -> String {
        let mut text =
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\na=control:*\r\n"
                .to_owned();
        for (i, track) in self.tracks.iter().enumerate() {
            let t = track.payload_type;
            let _ = write!(text, "m={} 0 RTP/AVP {t}\r\n", track.media);
            if let Some(format) = &track.format {
                let _ = write!(text, "a=rtpmap:{t} {format}\r\n");
            }
            if let Some(parameters) = &track.parameters {
                let _ = write!(text, "a=fmtp:{t} {parameters}\r\n");
            }
            if let Some(framerate) = &track.framerate {
                let _ = write!(text, "a=framerate:{framerate}\r\n");
            }
            let _ = write!(text, "a=control:track{i}\r\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=x\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\na=control:*\r\n\
        m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\na=control:trackID=1\r\n";

    fn same_stream(bytes: &[u8]) -> Repairs {
        let read = read(bytes);
        assert_eq!(read.tracks.len(), 1, "{read:?}");
        let track = &read.tracks[0];
        assert_eq!(
            (
                track.media.as_str(),
                track.payload_type,
                track.format.as_deref(),
                track.control.as_deref()
            ),
            ("video", 96, Some("H264/90000"), Some("trackID=1")),
            "{}",
            String::from_utf8_lossy(bytes)
        );
        assert_eq!(track.parameters.as_deref(), Some("packetization-mode=1"));
        // What is written anew is good, and says the same.
        let again = super::read(read.written().as_bytes());
        assert!(again.repairs.is_empty(), "{:?}", again.repairs);
        assert_eq!(again.tracks[0].parameters, track.parameters);
        read.repairs
    }

    /// REC-6: descriptions as they were reported; none of what is odd about them is needed to play.
    #[test]
    fn broken_descriptions() {
        assert_eq!(same_stream(GOOD.as_bytes()), Repairs::new());
        let with = |from: &str, to: &str| GOOD.replace(from, to).into_bytes();
        let gbk = |mut bytes: Vec<u8>| {
            let at = bytes.windows(3).position(|w| w == b"s=x").expect("title");
            bytes[at + 2] = 0xc9;
            bytes
        };
        for (bytes, repair) in [
            (gbk(with("s=x", "s=xx")), Repair::SdpText),
            (with("v=0\r\n", ""), Repair::SdpLines),
            (
                with("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\n", ""),
                Repair::SdpLines,
            ),
            (with("v=0", "\u{feff}v=0"), Repair::SdpLines),
            (with("v=0", "\x01\x02stray\r\nv=0"), Repair::SdpLines),
            (
                with("o=- 1 1 IN IP4 0.0.0.0", "o=- 1001 1 IN"),
                Repair::SdpOrigin,
            ),
            (with("o=- 1 1 ", "o=- 1 -77 "), Repair::SdpOrigin),
            (with("c=IN IP4 0.0.0.0", "c=IN"), Repair::SdpConnection),
            (with("m=video 0 ", "m=video -1353744643 "), Repair::SdpPort),
            (with("m=video 0 ", "m=video 99999 "), Repair::SdpPort),
            (with("t=0 0", "t=now"), Repair::SdpLines),
            (with("t=0 0", "t=0 0\r\nb=AS:much"), Repair::SdpLines),
            (with("t=0 0", "t=0 0\r\nnonsense\r\n===="), Repair::SdpLines),
            (with("H264/90000", "H264"), Repair::SdpFormat),
            (with("H264/90000", "H264/0"), Repair::SdpFormat),
            (with("H264/90000", "H264/1000"), Repair::SdpFormat),
            (with("H264/90000", "H.264/90000"), Repair::SdpFormat),
            (with("RTP/AVP 96", "RTP/AVP 35000 96"), Repair::SdpFormat),
            (with("0 RTP/AVP 96", "RTP/AVP 96"), Repair::SdpPort),
            (with("RTP/AVP 96", "RTP/AVP"), Repair::SdpFormat),
            ([GOOD.as_bytes(), &[0]].concat(), Repair::SdpLines),
        ] {
            let repairs = same_stream(&bytes);
            // A type that is not a number below 128 is as good as not there.
            let silent = bytes.windows(8).any(|w| w == b" 35000 9");
            assert!(
                silent || repairs.contains(&repair),
                "{repair:?} in {repairs:?}"
            );
        }
        for good in [
            GOOD.replace("\r\n", "\n"),
            GOOD.replace("s=x\r\n", ""),
            GOOD.replace("t=0 0\r\n", ""),
            GOOD.replace("\r\na=fmtp", "  \r\na=fmtp"),
        ] {
            assert_eq!(same_stream(good.as_bytes()), Repairs::new(), "{good}");
        }
    }

    #[test]
    fn several_streams_and_what_they_are() {
        let text = format!(
            "{GOOD}m=audio 0 RTP/AVP 8\r\na=control:trackID=2\r\nm=application/TP-LINK 0 RTP/AVP smart/1/90000\r\na=rtpmap:95 TP-LINK/90000\r\n"
        );
        let read = read(text.as_bytes());
        let words: Vec<String> = read.tracks.iter().map(Offer::in_words).collect();
        assert_eq!(
            words,
            ["video h264", "audio pcma", "application/tp-link tp-link"]
        );
        assert_eq!(
            (read.tracks[0].rate(), read.tracks[1].rate()),
            (90_000, 8_000)
        );
        assert!(super::read(b"").tracks.is_empty());
    }

    proptest::proptest! {
        /// Whatever comes, reading it panics never, and what is written anew is good.
        #[test]
        fn whatever_comes(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400), at in 0usize..300, with in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..20)) {
            let _ = read(&bytes);
            let mut harmed = GOOD.as_bytes().to_vec();
            let at = at.min(harmed.len());
            let end = (at + with.len()).min(harmed.len());
            harmed.splice(at..end, with);
            let again = read(read(&harmed).written().as_bytes());
            proptest::prop_assert!(!again.repairs.contains(&Repair::SdpOrigin), "{:?}", again.repairs);
        }
    }
}
