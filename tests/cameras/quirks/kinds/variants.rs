//! Pure. Variants of the kinds, of our own, that nobody reported: what is like a reported quirk is to come out like it.
use base64::{Engine as _, prelude::BASE64_STANDARD};

use crate::quirks::rig::{
    Case, Kept,
    camera::Flow,
    case,
    login::Login,
    send::{Packet, rtp},
    stream::{Codec, Stream},
    talk::{Answer, Carrier, Reply},
};

const RATE: i64 = 90_000;
fn login() -> Login {
    Login::new("admin", "Passw0rd!")
}
const DIGEST: &str = "Digest realm=\"{realm}\", nonce=\"{nonce}\"";

fn within(case: Case) -> Case {
    case.expect(|e| e.within_ms = 1_000)
}

pub fn pictures() -> Vec<Case> {
    vec![
        case("recovery-point-behind-others", "K1", &[], "Its recovery points stand behind another message in the same unit (SEI), in a packet of its own with the marker")
            .stream("odd-refresh.h264")
            .starts_at(30)
            .units(|_, _, mut nals| {
                for nal in nals.iter_mut().filter(|n| n[0] & 31 == 6 && n[1] == 6) {
                    nal.splice(1..1, [&[5, 20][..], b"0123456789abcdefwxyz"].concat());
                }
                nals
            })
            .packets(|_, _, mut packets| {
                packets.iter_mut().filter(|p| p.payload[0] & 31 == 6).for_each(|p| p.marker = true);
                packets
            }),
        case("stamps-per-slice", "K2", &[], "Each slice of a picture has a marker and a stamp of its own, five milliseconds apart")
            .stream("odd-slices.h264")
            .packets(|number, codec, mut packets| {
                let mut slice = 0;
                for packet in &mut packets {
                    packet.ticks = Some(number as i64 * 7_500 + slice * 450);
                    if ends(codec, packet) { packet.marker = true; slice += 1; }
                }
                packets
            }),
        case("no-marker-h265", "K2", &[], "No marker at all, three slices a picture (H.265)")
            .stream("odd-slices.h265")
            .packets(|_, _, mut packets| {
                packets.iter_mut().for_each(|p| p.marker = false);
                packets
            }),
        case("slices-in-one-packet-h265", "K2", &[], "The same with H.265 (AP), slices and parameter sets in two packets, each with the marker")
            .stream("odd-slices.h265")
            .script(|s| s.largest = 60_000)
            .packets(|_, codec, packets| {
                let (sets, slices): (Vec<Packet>, Vec<Packet>) = packets.into_iter().partition(|p| codec.kind(&p.payload) >= 32);
                [sets, slices].into_iter().filter(|p| !p.is_empty()).map(|units| {
                    let mut joint = vec![48 << 1, 1];
                    for unit in &units {
                        joint.extend((unit.payload.len() as u16).to_be_bytes());
                        joint.extend(&unit.payload);
                    }
                    let mut one = Packet::new(joint);
                    one.marker = true;
                    one
                }).collect()
            }),
        case("sprop-of-another", "K4", &[], "The description has the parameter sets of another stream of it")
            .describes(|stream, text| {
                let other = Stream::of("odd-large.h264").expect("footage");
                text.replace(&BASE64_STANDARD.encode(&stream.sps), &BASE64_STANDARD.encode(&other.sps)).into_bytes()
            }),
        case("parameters-between-groups", "K4", &[], "No parameter sets in the description; they come in the middle of groups, never with a key picture")
            .script(|s| s.sprop = false)
            .units(|n, codec, mut nals| {
                nals.retain(|n| !codec.is_parameters(n));
                if n % 24 == 9 {
                    let stream = Stream::of("odd-main.h264").expect("footage");
                    nals.splice(0..0, [stream.sps.clone(), stream.pps.clone()]);
                }
                nals
            })
            .expect(|e| e.kept = Kept::AtLeast(320)),
        within(case("clock-10-percent-slow", "K5", &[], "Its clock is ten percent too slow")).stamps(|_, usual| usual * 9 / 10).secs(50),
        within(case("stamps-nine-times-slow", "K6", &[], "Stamps go on nine times slower than time")).stamps(|_, usual| usual / 9).secs(40),
    ]
}

pub fn words() -> Vec<Case> {
    vec![
        asked(case("sound-setup-closes", "K3", &[], "SETUP of the sound is answered by the end of the connection").learnt())
            .replies(|_, request, answer| if request.is("SETUP") && request.track == 1 { Reply::Close } else { answer.into() }),
        asked(case("sound-play-500", "K3", &[], "PLAY is answered 500 where the sound was set up too").learnt())
            .replies(|talk, request, answer| {
                if request.is("PLAY") && talk.tracks[1].carrier.is_some() { Answer::of("500 Internal Server Error").into() } else { answer.into() }
            }),
        asked(case("sound-garbage", "K3", &[], "Packets of its sound are garbage"))
            .before(|sending, n| {
                if n % 6 == 1 && sending.tracks[1].carrier.is_some() {
                    let (ssrc, seq, first) = (sending.tracks[1].ssrc, sending.tracks[1].seq, sending.tracks[1].first);
                    sending.tracks[1].seq = seq.wrapping_add(1);
                    let bytes = rtp(97, true, seq, first.wrapping_add(n as u32 * 1_333), ssrc, &[0xff, 0xff, 0xff]);
                    let _ = sending.carry(1, false, &bytes);
                }
                Flow::Send
            })
            .expect(|e| e.may = &["camera.sound"]),
        case("continue-first", "K7", &[], "Answers are preceded by 100 Continue")
            .replies(|talk, request, answer| {
                if request.is("DESCRIBE") || request.is("SETUP") {
                    let _ = talk.line.write(format!("RTSP/1.0 100 Continue\r\nCSeq: {}\r\n\r\n", request.header("CSeq")).as_bytes());
                }
                answer.into()
            }),
        case("camera-asks", "K7", &[], "The camera sends requests of its own within the session")
            .before(|sending, n| {
                if n % 60 == 30 {
                    let _ = sending.line.write(b"OPTIONS * RTSP/1.0\r\nCSeq: 4711\r\n\r\n");
                    let _ = sending.line.write(b"ANNOUNCE rtsp://127.0.0.1/stream1 RTSP/1.0\r\nCSeq: 4712\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
                }
                Flow::Send
            }),
        case("redirect-at-setup", "K7", &[], "SETUP is answered 302")
            .replies(|talk, request, answer| {
                if request.is("SETUP") && !request.url.contains("moved") {
                    Answer::of("302 Found").with("Location", format!("rtsp://127.0.0.1:{}/moved/trackID=1", talk.post().port)).into()
                } else { answer.into() }
            }),
    ]
}

pub fn packets() -> Vec<Case> {
    vec![
        case("never-a-key-picture-h265", "K1", &[], "H.265 without any picture that could be decoded alone")
            .stream("odd-main.h265")
            .pictures(|n| ("odd-main.h265", 1 + n % 23))
            .remedy("Set the camera's key picture (I-frame) interval to two seconds.")
            .nothing(&["camera.nothing", "camera.unsupported"], &["no-key"]),
        case("key-picture-each-25s-h265", "K1", &["badbread/crumbvms#114"], "The same with H.265")
            .stream("odd-long.h265")
            .starts_at(150)
            .expect(|e| e.may = &["camera.nothing"])
            .secs(45),
        case("every-unit-marked-h265", "K2", &[], "The marker on the last packet of every unit, parameter sets too (H.265)")
            .stream("odd-slices.h265")
            .packets(|_, _, mut packets| {
                for packet in &mut packets {
                    packet.marker |= packet.payload[0] >> 1 & 63 != 49 || packet.payload[2] & 0x40 != 0;
                }
                packets
            }),
        case("delimiter-marked", "K2", &[], "A delimiter before each picture has the marker, and the time stamp of the picture before")
            .stream("odd-slices.h264")
            .packets(|number, codec, mut packets| {
                for packet in &mut packets { packet.marker |= ends(codec, packet); }
                let mut first = Packet::new(vec![9, 0xf0]);
                first.marker = true;
                first.ticks = Some((number as i64 - 1).max(0) * 7_500);
                [vec![first], packets].concat()
            }),
        case("message-behind-picture-h265", "K2", &[], "A message (suffix SEI) follows each picture, behind the marker (H.265)")
            .stream("odd-main.h265")
            .packets(|_, _, mut packets| {
                let mut message = Packet::new([&[40 << 1, 1, 5, 20][..], b"0123456789abcdefwxyz", &[0x80]].concat());
                message.marker = true;
                packets.push(message);
                packets
            }),
        case("sprop-garbage-h265", "K4", &[], "The same with H.265; one of the three sets is missing")
            .stream("odd-main.h265")
            .describes(|stream, text| {
                text.replace(&BASE64_STANDARD.encode(&stream.sps), "??#=!").replace("sprop-vps=", "sprop-unknown=").into_bytes()
            }),
        within(case("clock-on-often", "K5", &[], "Its clock goes half a second on every ten seconds"))
            .stamps(|n, usual| usual + (n as i64 / 120) * RATE / 2).secs(50),
        case("stamps-wrap", "K5", &[], "Its stamps pass the largest number they have room for")
            .replies(|talk, request, answer| {
                if request.is("SETUP") { talk.tracks[0].first = u32::MAX - 7 * 90_000; }
                answer.into()
            }),
        within(case("clock-on-half-its-range", "K5", &[], "Its clock jumps by half of the range that stamps have"))
            .stamps(|n, usual| usual + if n >= 200 { 1 << 31 } else { 0 }),
        within(case("clock-back-and-on", "K5", &[], "Its clock goes two seconds back, and on again five pictures later, every ten seconds"))
            .stamps(|n, usual| usual - if n % 120 >= 60 && n % 120 < 65 { 2 * RATE } else { 0 }),
        within(case("stamps-frozen-for-20s", "K6", &[], "Its stamps stand still for twenty seconds, and go on where they would be"))
            .stamps(|n, usual| if (120..360).contains(&n) { 120 * 7_500 } else { usual }).secs(45),
        within(case("stamps-in-seconds", "K6", &[], "Stamps count whole seconds: twelve pictures share one"))
            .stamps(|_, usual| usual / RATE * RATE),
        within(case("stamps-of-8000", "K6", &[], "Stamps count 8,000 a second where the description says 90,000")).stamps(|_, usual| usual * 8 / 90).secs(40)
            .expect(|e| e.by_arrival = true),
        case("empty-packets", "K15", &["RFC 6263"], "Packets without content, which have numbers of their own")
            .expect(|e| { e.sessions = (1, 2); e.gaps = &[("damaged", 2_500)]; e.kept = Kept::AtLeast(300); })
            .remedy("The first time it costs one or two seconds of pictures, with a gap on the record: from then on the box reads the camera by way of its relay, which takes this up.")
            .before(|sending, n| {
                if n % 12 == 5 { let _ = sending.send(Packet::new(Vec::new()), (n as i64 - 1) * 7_500); }
                Flow::Send
            }),
        case("reports-of-1970", "K15", &[], "Its reports give a time of day of 1970, and stamps that are not the pictures'")
            .script(|s| s.reports = false)
            .before(|sending, n| {
                if n % 60 == 0 {
                    let mut report = sending.sender_report(n as i64 * 7_500 + 3_600 * RATE);
                    report[8..12].copy_from_slice(&2_208_988_801_u32.to_be_bytes());
                    sending.on_channel(1, &report);
                }
                Flow::Send
            }),
        asked(case("sound-first", "K3", &[], "The description names the sound before the pictures"))
            .describes(|_, text| {
                let (head, video) = text.split_once("m=video").unwrap_or((&text, ""));
                let (video, audio) = video.split_once("m=audio").unwrap_or((video, ""));
                format!("{head}m=audio{audio}m=video{video}").into_bytes()
            }),
        asked(case("sound-opus", "K3", &[], "Its sound is Opus, and sound is asked for"))
            .says(&[("MPEG4-GENERIC/16000", "opus/48000/2")])
            .expect(|e| e.faults = &["camera.sound"]),
        case("redirect-relative", "K7", &[], "DESCRIBE is answered 302, to a path without a host")
            .replies(|_, request, answer| {
                if request.is("DESCRIBE") && !request.url.contains("moved") { Answer::of("302 Found").with("Location", "/moved").into() } else { answer.into() }
            }),
        case("channels-moved", "K7", &[], "SETUP's answer gives other channels than were asked for")
            .replies(|talk, request, answer| {
                if request.is("SETUP") && answer.status.starts_with("200") {
                    talk.tracks[0].carrier = Some(Carrier::Tcp(4));
                    return answer.change("Transport", |v| v.replace("interleaved=0-1", "interleaved=4-5")).into();
                }
                answer.into()
            }),
        case("base-without-slash", "K7", &[], "The base has no slash at its end, and only the joint address is known to SETUP")
            .replies(|_, request, answer| {
                if request.is("SETUP") && !request.url.ends_with("/stream1/trackID=1") { return Answer::of("404 Not Found").into(); }
                if request.is("DESCRIBE") { return answer.change("Content-Base", |v| v.trim_end_matches('/').to_owned()).into(); }
                answer.into()
            }),
        case("digest-with-basic-in-one", "K8", &[], "Digest and Basic in one header, with a comma between")
            .login(login().offers(&format!("{DIGEST}, Basic realm=\"{{realm}}\""))),
        case("digest-unknown-only", "K8", &[], "Only a kind of Digest is offered that Beadle does not speak")
            .login(login().offers(&format!("{DIGEST}, algorithm=SHA-512-256")).must_name("SHA-512-256"))
            .nothing(&["camera.login"], &["login"]),
        case("password-umlauts", "K8", &[], "A password with letters beyond ASCII").login(Login::new("admin", "Grün€ß").offers(DIGEST)),
        short(case("keepalive-late", "K10", &[], "Keepalives are answered six seconds late"))
            .replies(|talk, request, answer| {
                if talk.playing && request.keeps_alive() { std::thread::sleep(std::time::Duration::from_secs(6)); }
                answer.into()
            }),
        short(case("keepalive-http", "K10", &[], "Keepalives are answered as if it were HTTP"))
            .replies(|talk, request, answer| {
                if talk.playing && request.keeps_alive() {
                    let _ = talk.line.write(format!("HTTP/1.1 200 OK\r\nCSeq: {}\r\n\r\n", request.header("CSeq")).as_bytes());
                    return Reply::Silence;
                }
                answer.into()
            }),
        case("picture-every-3s-h265", "K12", &[], "H.265, a picture every three seconds, each eighth a key picture")
            .stream("odd-main.h265").per_second(1.0 / 3.0).pictures(|n| ("odd-main.h265", n % 8)).secs(50),
        case("rate-falls", "K12", &[], "Twelve pictures a second by day, one in four seconds from then on")
            .stream("odd-intra.h264").dues(|n| if n < 120 { n as f64 / 12.0 } else { 10.0 + (n - 120) as f64 * 4.0 }).secs(50),
        at(case("address-odd-letters", "K13", &[], "The same, and the password has letters that mean something in addresses"),
            "user={username}_password={password}_channel=1_stream=0.sdp", "/user=admin_password=p%40s%2Fs%23w%3F%25_channel=1_stream=0.sdp", "p@s/s#w?%"),
        case("udp-port-one-number", "K14", &[], "SETUP's answer names one port only").udp()
            .header("SETUP", "Transport", |v| {
                v.split(';').map(|w| if w.starts_with("server_port") { w.split('-').next().unwrap_or_default() } else { w }).collect::<Vec<_>>().join(";")
            }),
    ]
}

pub fn masked() -> Vec<Case> {
    vec![
        within(painted(
            "masked-clock-back-often",
            "Masked: its clock goes half a second back every ten seconds",
            "odd-main.h264",
        ))
        .stamps(|n, usual| usual - (n as i64 / 120) * RATE / 2),
        painted(
            "masked-h265-cra",
            "Masked: H.265 whose key pictures are CRA",
            "odd-cra.h265",
        )
        .loops_to(24)
        .starts_at(30)
        .expect(|e| e.kept = Kept::AtLeast(280)),
        painted(
            "masked-picture-every-3s",
            "Masked: a picture every three seconds",
            "odd-few.h264",
        )
        .per_second(1.0 / 3.0)
        .secs(45),
        painted(
            "masked-size-changes",
            "Masked: the picture's size changes",
            "odd-main.h264",
        )
        .pictures(|n| {
            (
                if n / 120 % 2 == 0 {
                    "odd-main.h264"
                } else {
                    "odd-large.h264"
                },
                n % 120,
            )
        }),
    ]
}

fn ends(codec: Codec, packet: &Packet) -> bool {
    let payload = &packet.payload;
    match codec {
        Codec::H264 if payload[0] & 31 == 28 => {
            payload[1] & 0x40 != 0 && matches!(payload[1] & 31, 1 | 5)
        }
        Codec::H264 => matches!(payload[0] & 31, 1 | 5),
        Codec::H265 if payload[0] >> 1 & 63 == 49 => payload[2] & 0x40 != 0 && payload[2] & 63 < 32,
        Codec::H265 => payload[0] >> 1 & 63 < 32,
    }
}

fn asked(case: Case) -> Case {
    case.sound().expect(|e| e.may = &["camera.sound"])
}

fn short(case: Case) -> Case {
    case.script(|s| s.timeout = 10)
        .expect(|e| {
            e.sessions = (1, 2);
            e.kept = Kept::AtLeast(480);
            e.gaps = &[("damaged", 1_500), ("lost-session", 1_500)];
        })
        .secs(45)
}

fn at(case: Case, path: &'static str, wanted: &'static str, password: &'static str) -> Case {
    case.told(|t| {
        t.path = path;
        t.login = Some(("admin", password));
    })
    .replies(move |_, request, answer| {
        if request.is("DESCRIBE") && !request.url.ends_with(wanted) {
            Answer::of("404 Not Found").into()
        } else {
            answer.into()
        }
    })
}

fn painted(name: &'static str, about: &'static str, stream: &'static str) -> Case {
    case(name, "masked", &[], about)
        .stream(stream)
        .masked()
        .secs(30)
        .expect(|e| e.may = &["camera.nothing"])
}
