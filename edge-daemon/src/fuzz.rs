//! Pure. What cameras, the recorder and configurations may say to a box, for fuzzing: none of these may panic, whatever the bytes are.
use std::path::Path;

use bytes::Bytes;
use footage::mp4::Codec;
use shared::{
    id::BoxName,
    segment::KeyId,
    time::Utc,
    wire::{self, Frame},
};

use crate::{
    capture::{
        picture::{Pictures, Piece},
        relay::{
            headers::{self, Transport},
            login::Login,
            message::{Message, Reader},
            repair::Repairs,
            rtp, sdp,
        },
    },
    config::{self, Secret, Surroundings},
    masking::primary::primary,
    nal::Timing,
    reader::{order, protocol::Request},
};

/// What a camera says over RTSP, in pieces; of its answers everything that is read.
pub fn rtsp(bytes: &[u8]) {
    let mut reader = Reader::default();
    let mut repairs = Repairs::new();
    for piece in bytes.chunks(1 + bytes.len() / 3) {
        reader.buffer.extend_from_slice(piece);
        // Nothing comes of nothing: there are no more messages than bytes.
        for _ in 0..=bytes.len() {
            match reader.next() {
                Ok(Some(Message::Response(answer))) => {
                    let of = |name: &str| answer.headers.get(name);
                    let _ = of("Transport").map(Transport::read);
                    let _ = headers::session(of("Session"), &mut repairs);
                    let base = headers::base(&answer, "rtsp://10.0.0.1/s", &mut repairs);
                    let _ = headers::joined(&base, of("Location"));
                    if let Some(challenge) = answer.headers.all("WWW-Authenticate") {
                        login(&challenge);
                    }
                    sdp(&answer.body);
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
        let _ = (reader.waits_for_body(), reader.loose());
    }
    let _ = reader.cut();
}

/// How a camera asks for a login.
fn login(challenge: &str) {
    let mut login = Login::new(
        Some("viewer".into()),
        Some(Secret::new("secret".into())),
        false,
        false,
    );
    login.begin();
    for _ in 0..2 {
        if login.challenged(challenge).is_err() {
            return;
        }
        let said = login.header("DESCRIBE", "rtsp://10.0.0.1/s");
        assert!(said.is_none_or(|s| !s.starts_with("Basic")), "not allowed");
        login.answered(Some(challenge));
    }
}

/// A camera's description. What is written anew is what was understood.
pub fn sdp(bytes: &[u8]) {
    let description = sdp::read(bytes);
    let again = sdp::read(description.written().as_bytes());
    let kinds = |d: &sdp::Description| -> Vec<(String, u8, u32)> {
        let tracks = d.tracks.iter();
        let kind = |t: &sdp::Offer| (t.media.clone(), t.payload_type, t.rate());
        tracks.map(kind).collect()
    };
    assert_eq!(kinds(&again), kinds(&description));
}

/// Packets of a camera, each with its length in a byte before it, over UDP and within the connection.
pub fn packets(bytes: &[u8]) {
    let mut rest = bytes;
    let (mut stream, mut reorder) = (rtp::Stream::new(90_000, None), rtp::Reorder::default());
    let mut at = 0;
    while let Some((length, more)) = rest.split_first() {
        let (packet, more) = more.split_at(usize::from(*length).min(more.len()));
        rest = more;
        at += u64::from(*length);
        if rtp::is_report(packet) {
            let _ = stream.report(packet);
            continue;
        }
        let mut ordered = Vec::new();
        reorder.push(Bytes::copy_from_slice(packet), at, &mut |p| ordered.push(p));
        reorder.expire(at, &mut |p| ordered.push(p));
        for packet in ordered {
            stream.packet(packet, at, &mut |_| {});
        }
        stream.packet(Bytes::copy_from_slice(packet), at, &mut |p| {
            assert!(rtp::header(&p).is_some(), "what is passed on is a packet");
        });
    }
    let _ = stream.foreign();
}

/// Pictures of a camera: joined, and what of them is proved. The first byte says which codec, and how they come.
pub fn pictures(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    let codec = if how & 1 == 0 {
        Codec::H264
    } else {
        Codec::H265
    };
    let timing = Timing::of(rest).filter(|_| codec == Codec::H264);
    let mut pictures = Pictures::new(codec);
    let mut out = Vec::new();
    for (n, piece) in (0i64..).zip(rest.chunks(1 + rest.len() / 4)) {
        let piece = Piece {
            ticks: if how & 2 == 0 { 0 } else { n * 3600 },
            arrived: shared::time::Now {
                wall: Utc(n * 40),
                mono: n.unsigned_abs() * 40,
            },
            bytes: Bytes::copy_from_slice(piece),
            lost: u32::from(how & 4 != 0),
            parameters: (how & 8 != 0 && n == 0).then(|| footage::mp4::Parameters {
                codec,
                width: 640,
                height: 360,
                config: piece.to_vec(),
                sound: None,
            }),
        };
        pictures.push(piece, &mut out);
    }
    pictures.flush(&mut out);
    for picture in out {
        let _ = primary(codec, timing, &picture.bytes);
    }
}

/// What comes in at the reader's socket, as far as it is judged before a key or a file is touched.
pub fn reader(bytes: &[u8]) {
    if let Some(prefix) = bytes.first_chunk::<4>() {
        let _ = wire::frame_len(*prefix);
    }
    let frame = Frame {
        kind: b'J',
        body: bytes.to_vec(),
    };
    let Ok(request) = frame.json::<Request>() else {
        return;
    };
    let (order, sig, path, key) = match request {
        Request::Rewrap {
            order,
            sig,
            path,
            key,
        } => (order, sig, path, key),
        Request::Recover { file, key, .. } => (String::new(), String::new(), file, key),
        Request::Destroy { key, .. } => (String::new(), String::new(), String::new(), key),
        Request::Undecryptable { path } => (String::new(), String::new(), path, String::new()),
        Request::Order { order, sig } => (order, sig, String::new(), String::new()),
        _ => return,
    };
    let _ = KeyId::parse(&key);
    let _ = order::name_of(&path);
    let name = BoxName::parse("ashby");
    let _ = name.map(|name| order::check(VKEY, &name, &order, &sig));
}

/// Nobody has its private key.
const VKEY: &str = "cctv.example.gov.uk/hub+88a6fd1b+AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// A configuration file.
pub fn config(bytes: &[u8]) {
    let around = Surroundings {
        program_folder: Path::new("/usr/bin"),
        password: &|_| Ok("secret".into()),
    };
    if let Err(errors) = config::parse(bytes, &around) {
        let _ = errors.to_string();
    }
}

#[cfg(test)]
mod tests {
    use shared::testing::corpus;

    /// V-rows, REC-1, REC-6: what fuzzing kept of cameras' words and pictures, of the reader's socket and of configurations.
    #[test]
    fn the_kept_corpus() {
        corpus("rtsp", super::rtsp);
        corpus("sdp", super::sdp);
        corpus("packets", super::packets);
        corpus("pictures", super::pictures);
        corpus("reader", super::reader);
        corpus("config", super::config);
    }
}
