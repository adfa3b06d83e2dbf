//! Adapter: network. A camera on loopback that plays one good picture and then what it is given: retina makes each of its errors.
use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use futures::StreamExt;
use retina::{
    client::{
        Demuxed, InitialSequenceNumberPolicy, InitialTimestampPolicy, PlayOptions, Session,
        SessionOptions, SetupOptions, TcpTransportOptions, Transport,
    },
    codec::CodecItem,
};

use super::{Damage, Fate, stream};

const SSRC: u32 = 0xabcd;

/// How a camera goes on after what it was given.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// With a good picture, whose number is this.
    Picture(u16),
    /// It hangs up in order.
    Close,
    /// It breaks the connection off.
    Reset,
}

fn packet(seq: u16, ssrc: u32, nal: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0x80 | 96];
    packet.extend(seq.to_be_bytes());
    packet.extend((u32::from(seq) * 3600).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(nal);
    interleaved(0, &packet)
}

fn interleaved(channel: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![b'$', channel];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend(body);
    out
}

fn picture(seq: u16) -> Vec<u8> {
    packet(seq, SSRC, &[0x65, 0x88, 0x84, 0, 1, 2, 3])
}

fn serve(stream: TcpStream, port: u16, given: &[u8], then: Then) -> std::io::Result<()> {
    let mut out = stream.try_clone()?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(Ok(request)) = lines.next() {
        let mut cseq = String::new();
        while let Some(Ok(line)) = lines.next() {
            match line.split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("cseq") => {
                    cseq = value.trim().into()
                }
                Some(_) => {}
                None => break,
            }
        }
        let (head, body) = match request.split(' ').next() {
            Some("DESCRIBE") => (
                "Content-Type: application/sdp\r\n",
                format!(
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=cam\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
                     a=fmtp:96 packetization-mode=1;sprop-parameter-sets=Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA==,aM4PyA==\r\n\
                     a=control:rtsp://127.0.0.1:{port}/stream/0\r\n"
                ),
            ),
            Some("SETUP") => (
                "Session: 7;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=0000abcd\r\n",
                String::new(),
            ),
            Some("PLAY") => ("Session: 7\r\n", String::new()),
            _ => ("Public: DESCRIBE, SETUP, PLAY\r\n", String::new()),
        };
        write!(
            out,
            "RTSP/1.0 200 OK\r\nCSeq: {cseq}\r\n{head}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        if request.starts_with("PLAY") {
            out.write_all(&picture(100))?;
            out.write_all(given)?;
            match then {
                Then::Picture(seq) => out.write_all(&picture(seq))?,
                Then::Close => return Ok(()),
                Then::Reset => {
                    // What has been read by now does not matter; what is read afterwards is a reset.
                    std::thread::sleep(Duration::from_millis(200));
                    let at_once = nix::libc::linger {
                        l_onoff: 1,
                        l_linger: 0,
                    };
                    nix::sys::socket::setsockopt(
                        &out,
                        nix::sys::socket::sockopt::Linger,
                        &at_once,
                    )?;
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn play(given: Vec<u8>, then: Then) -> Demuxed {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let port = listener.local_addr().expect("address").port();
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("connection");
        drop(serve(stream, port, &given, then));
    });
    let url = format!("rtsp://127.0.0.1:{port}/stream")
        .parse()
        .expect("url");
    let mut session = Session::describe(url, SessionOptions::default())
        .await
        .expect("describe");
    let carried = Transport::Tcp(TcpTransportOptions::default());
    session
        .setup(0, SetupOptions::default().transport(carried))
        .await
        .expect("setup");
    let options = PlayOptions::default()
        .initial_timestamp(InitialTimestampPolicy::Ignore)
        .initial_seq(InitialSequenceNumberPolicy::Ignore);
    let playing = session.play(options).await.expect("play");
    playing.demuxed().expect("streams")
}

/// What comes after the first picture: the errors as they are judged, and what the next picture says is lost (None: there is none).
async fn judged(given: Vec<u8>, then: Then) -> (Vec<Damage>, Option<u16>) {
    let mut demuxed = play(given, then).await;
    let (mut damage, mut first) = (Vec::new(), true);
    loop {
        let next = tokio::time::timeout(Duration::from_secs(20), demuxed.next()).await;
        match next.expect("an end") {
            Some(Ok(CodecItem::VideoFrame(_))) if first => first = false,
            Some(Ok(CodecItem::VideoFrame(frame))) => return (damage, Some(frame.loss())),
            Some(Ok(_)) => {}
            Some(Err(e)) => {
                damage.push(Damage::of(&e));
                let packet = matches!(damage.last(), Some(Damage::Packet(_)));
                assert!(!packet || stream(&e) == Some(0), "{e:?}");
                if !matches!(damage.last(), Some(Damage::Packet(_))) {
                    return (damage, None);
                }
            }
            None => return (damage, None),
        }
    }
}

/// FLT-3, REC-1: each error that retina has for packets, made by retina itself: which of them are one packet's, and which of those its
/// count of lost packets knows already.
#[tokio::test]
async fn packets_that_cannot_be_used() {
    let passed_by = vec![Damage::Packet(Fate::PassedBy)];
    let taken_in = vec![Damage::Packet(Fate::TakenIn)];
    let empty = vec![Damage::Packet(Fate::Empty)];
    let version_0 = [&[0, 96, 0, 101][..], &[0; 12]].concat();
    for (what, given, seq, damage, loss) in [
        (
            "no RTP at all",
            interleaved(0, &[1, 2, 3]),
            102,
            &passed_by,
            1,
        ),
        (
            "RTP of version 0",
            interleaved(0, &version_0),
            102,
            &passed_by,
            1,
        ),
        (
            "no RTCP",
            interleaved(1, &[0x80, 200, 0, 9, 1]),
            101,
            &passed_by,
            0,
        ),
        (
            "another session's packet",
            packet(7, 0x1234, &[0x41, 9]),
            101,
            &passed_by,
            0,
        ),
        (
            "a packet that was sent before",
            packet(90, SSRC, &[0x41, 9]),
            101,
            &passed_by,
            0,
        ),
        (
            "a packet without content",
            packet(101, SSRC, &[]),
            102,
            &empty,
            0,
        ),
        (
            "a unit of no kind",
            packet(101, SSRC, &[0xff, 0]),
            102,
            &taken_in,
            0,
        ),
        (
            "a torn aggregate",
            packet(101, SSRC, &[0x78, 0, 99, 1]),
            102,
            &taken_in,
            0,
        ),
    ] {
        let (said, lost) = judged(given, Then::Picture(seq)).await;
        assert_eq!((&said, lost), (damage, Some(loss)), "{what}");
    }
    // What retina ends its stream over is a packet's error as well: pictures were not to be had of it any more.
    let bad_set = [packet(101, SSRC, &[0x67, 1]), picture(102)].concat();
    let (said, _) = judged(bad_set, Then::Picture(103)).await;
    assert!(
        !said.is_empty() && said.iter().all(|d| *d == taken_in[0]),
        "a parameter set that makes no sense: {said:?}"
    );
}

/// FLT-3: a connection that makes no sense any more is told from one that is gone.
#[tokio::test]
async fn connections_that_end() {
    let answer = b"RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n".to_vec();
    for (what, given, then, damage) in [
        (
            "rubbish",
            vec![0x99; 300],
            Then::Picture(101),
            vec![Damage::Garbled],
        ),
        (
            "an answer to nothing",
            answer,
            Then::Picture(101),
            vec![Damage::Garbled],
        ),
        (
            "half a packet",
            vec![b'$', 0, 9, 9, 1],
            Then::Close,
            vec![Damage::Garbled],
        ),
        ("broken off", Vec::new(), Then::Reset, vec![Damage::Broken]),
        ("hung up", Vec::new(), Then::Close, vec![]),
    ] {
        assert_eq!(judged(given, then).await, (damage, None), "{what}");
    }
}
