//! Pure. More variants of the kinds, of our own: what stands beside the pictures, how answers are written, what a login may look like.
use crate::quirks::rig::{
    Case, Kept,
    camera::Flow,
    case,
    login::Login,
    send::{Packet, fragments, rtp},
    talk::{Answer, Carrier, Reply},
};

const MESSAGE: &[u8] = b"\x06\x05\x140123456789abcdefwxyz\x80";

fn within(case: Case) -> Case {
    case.expect(|e| e.within_ms = 1_000)
}

fn login() -> Login {
    Login::new("admin", "Passw0rd!")
}

pub fn pictures() -> Vec<Case> {
    vec![
        case("messages-alone", "K2", &[], "Messages (SEI) come alone, half way between two pictures, with stamps and markers of their own")
            .packets(|number, _, packets| {
                let mut message = Packet::new(MESSAGE.to_vec());
                message.marker = true;
                message.ticks = Some((number as i64 * 7_500 - 3_750).max(0));
                [vec![message], packets].concat()
            }),
        case("messages-within-stap-a", "K2", &[], "Messages (SEI) stand in one packet with parameter sets and small slices, and an empty unit among them")
            .script(|s| s.largest = 60_000)
            .packets(|_, _, packets| {
                let mut joint = vec![24];
                for unit in [MESSAGE, &[]].into_iter().chain(packets.iter().map(|p| &p.payload[..])) {
                    joint.extend((unit.len() as u16).to_be_bytes());
                    joint.extend(unit);
                }
                let mut one = Packet::new(joint);
                one.marker = true;
                vec![one]
            })
            .expect(|e| {
                e.sessions = (1, 3);
                e.gaps = &[("damaged", 3_000), ("lost-session", 3_000)];
                e.kept = Kept::AtLeast(250);
            }),
        case("ends-of-sequence", "K2", &[], "Each group ends with an end of sequence")
            .units(|n, _, mut nals| {
                if n % 24 == 23 { nals.push(vec![10]); }
                nals
            }),
        case("zeros-behind-units", "K2", &[], "Zeros stand behind each unit")
            .units(|_, _, mut nals| {
                for nal in &mut nals { nal.extend([0, 0, 0]); }
                nals
            }),
        case("parameters-alternate", "K4", &[], "Each group comes with another level in its parameter sets")
            .units(|n, _, mut nals| {
                for nal in nals.iter_mut().filter(|nal| nal[0] & 31 == 7) { nal[3] += (n / 24 % 2) as u8; }
                nals
            }),
        within(case("stamps-eight-times-fast", "K6", &[], "Stamps go on eight times faster than time")).stamps(|_, usual| usual * 8).secs(40)
        .expect(|e| e.by_arrival = true),
        within(case("stamps-three-times-fast", "K6", &[], "Stamps go on three times faster than time")).stamps(|_, usual| usual * 3).secs(40),
        case("first-stamp-0", "K5", &[], "Its first stamp is 0, and so is its first number")
            .replies(|talk, request, answer| {
                if request.is("SETUP") { (talk.tracks[0].first, talk.tracks[0].seq) = (0, 0); }
                answer.into()
            }),
        case("numbers-wrap", "K15", &[], "Packet numbers pass the largest there is")
            .replies(|talk, request, answer| {
                if request.is("SETUP") { talk.tracks[0].seq = 65_500; }
                answer.into()
            }),
        case("last-packet-again", "K15", &[], "The last packet of every tenth picture comes twice")
            .before(|sending, n| {
                if n % 10 == 9 {
                    let (stream, unit) = sending.line.post.picture(n - 1).expect("footage");
                    let last = stream.units[unit].nals.last().expect("a unit");
                    let payload = fragments(stream.codec, last, sending.line.post.script.largest).pop().expect("a packet");
                    let track = &sending.tracks[0];
                    let stamp = track.first.wrapping_add((n as u32 - 1) * 7_500);
                    let bytes = rtp(96, true, track.seq.wrapping_sub(1), stamp, track.ssrc, &payload);
                    let _ = sending.carry(0, false, &bytes);
                }
                Flow::Send
            })
            .expect(|e| {
                e.sessions = (1, 2);
                e.gaps = &[("damaged", 2_500)];
                e.kept = Kept::AtLeast(300);
            }),
        case("goodbye-in-reports", "K15", &[], "Its reports say goodbye (BYE) every five seconds, and the pictures go on")
            .before(|sending, n| {
                if n % 60 == 30 {
                    let bye = [&[0x81, 203, 0, 1][..], &sending.tracks[0].ssrc.to_be_bytes()].concat();
                    let _ = sending.carry(0, true, &bye);
                }
                Flow::Send
            }),
        case("reports-of-rubbish", "K15", &[], "What it sends for reports is rubbish")
            .script(|s| s.reports = false)
            .before(|sending, n| {
                if n % 12 == 6 {
                    let _ = sending.carry(0, true, &[0x12, 0x34, 0xff, 0xff, 1]);
                    let _ = sending.carry(0, true, &[]);
                }
                Flow::Send
            })
            .expect(|e| {
                e.sessions = (1, 2);
                e.gaps = &[("damaged", 2_500)];
                e.kept = Kept::AtLeast(300);
            }),
        case("line-feeds-between-packets", "K15", &[], "A line feed stands behind each packet")
            .before(|sending, _| {
                let _ = sending.line.write(b"\r\n");
                Flow::Send
            })
            .expect(|e| {
                e.sessions = (1, 3);
                e.gaps = &[("damaged", 3_000), ("lost-session", 3_000)];
                e.kept = Kept::AtLeast(300);
            }),
    ]
}

pub fn words() -> Vec<Case> {
    vec![
        case("sdp-of-64k", "K7", &[], "A description of 64 KiB").describes(|_, text| {
            let more = (0..2_200).map(|n| format!("a=x-vendor-{n}:0123456789abcdef\r\n"));
            text.replace("a=control:*\r\n", &format!("a=control:*\r\n{}", more.collect::<String>())).into_bytes()
        }),
        case("codec-in-small-letters", "K7", &[], "The codec's name in small letters").says(&[("H264/90000", "h264/90000")]),
        case("clock-unsaid", "K7", &[], "The description does not say how fast the pictures' clock is").says(&[("H264/90000", "H264")])
            .expect(|e| { e.learnt = true; e.sessions = (1, 3); e.gaps = &[("damaged", 3_000), ("lost-session", 3_000), ("answer", 3_000)]; }),
        within(case("clock-of-0", "K7", &[], "The description says that the pictures' clock stands still").says(&[("H264/90000", "H264/0")]))
            .expect(|e| { e.learnt = true; e.sessions = (1, 3); e.gaps = &[("damaged", 3_000), ("lost-session", 3_000), ("answer", 3_000)]; }),
        within(case("clock-of-1000", "K7", &[], "The description says 1,000 ticks a second, and the stamps count 90,000").says(&[("H264/90000", "H264/1000")]))
            .expect(|e| { e.learnt = true; e.sessions = (1, 3); e.gaps = &[("damaged", 3_000), ("lost-session", 3_000), ("answer", 3_000)]; }),
        case("other-pictures-first", "K7", &[], "The description names Motion JPEG before H.264")
            .describes(|_, text| text.replacen("m=video", "m=video 0 RTP/AVP 26\r\na=rtpmap:26 JPEG/90000\r\na=control:trackID=9\r\nm=video", 1).into_bytes()),
        case("octets-first", "K7", &[], "The description names a track of the vendor's own before the pictures")
            .describes(|_, text| text.replacen("m=video", "m=application 0 RTP/AVP 112\r\na=rtpmap:112 octet-stream/8000\r\na=control:trackID=9\r\nm=video", 1).into_bytes()),
        case("bytes-beyond-utf-8", "K7", &[], "Bytes that are no UTF-8 in many lines of the description").describes(|_, text| {
            let mut bytes = text.replace("a=control:*\r\n", "a=control:*\r\na=tool:@@\r\ni=@@\r\n").into_bytes();
            for byte in bytes.iter_mut().filter(|b| **b == b'@') { *byte = 0xc4; }
            bytes
        }),
        case("base-relative", "K7", &[], "The base is a path without a host").header("DESCRIBE", "Content-Base", |_| "/stream1/".into())
            .expect(|e| e.sessions = (1, 2)),
        case("base-empty", "K7", &[], "The base is empty").replies(|_, request, mut answer| {
            if request.is("DESCRIBE") {
                answer = answer.set("Content-Base", "").with("Content-Base", "");
            }
            answer.into()
        }),
        case("rtpinfo-relative", "K7", &[], "RTP-Info names its tracks without an address").header("PLAY", "RTP-Info", |v| v.split("url=").map(|p| p.rsplit('/').next().unwrap_or(p)).collect::<Vec<_>>().join("url=")),
        case("session-timeout-huge", "K7", &[], "The session's timeout is a number of twelve digits").header("SETUP", "Session", |v| format!("{};timeout=999999999999", v.split(';').next().unwrap_or(v))),
        case("channels-swapped", "K7", &[], "SETUP's answer gives the pictures the second channel and the reports the first").replies(|talk, request, answer| {
            if request.is("SETUP") && answer.status.starts_with("200") {
                talk.tracks[0].carrier = Some(Carrier::Tcp(1));
                return answer.change("Transport", |v| v.replace("interleaved=0-1", "interleaved=1-2")).into();
            }
            answer.into()
        }),
        case("channels-one-number", "K7", &[], "SETUP's answer names one channel").header("SETUP", "Transport", |v| v.replace("interleaved=0-1", "interleaved=0")),
        written("heads-in-small-letters", "Headers in small letters, without blanks", |text| {
            let lines = text.split("\r\n").enumerate();
            let small = lines.map(|(n, line)| match line.split_once(": ") {
                Some((name, value)) if n > 0 => format!("{}:{value}", name.to_ascii_lowercase()),
                _ => line.to_owned(),
            });
            small.collect::<Vec<_>>().join("\r\n")
        }),
        written("heads-with-line-feeds", "Answers whose lines end in bare line feeds", |text| text.replace("\r\n", "\n")),
        written("heads-of-rtsp-2", "Answers that claim RTSP/2.0", |text| text.replace("RTSP/1.0", "RTSP/2.0")),
        written("heads-folded", "Headers that go on in the next line", |text| text.replace("\r\n\r\n", "\r\nX-Vendor: one,\r\n two\r\n\r\n")),
        case("answers-late", "K7", &[], "Each answer takes a second and a half").replies(|talk, _, answer| {
            if !talk.playing { std::thread::sleep(std::time::Duration::from_millis(1_500)); }
            answer.into()
        }),
        case("busy-at-first", "K7", &[], "Answers 503 to its first two viewers").replies(|talk, request, answer| {
            if request.is("DESCRIBE") && talk.post().seen().connects <= 2 { Answer::of("503 Service Unavailable").into() } else { answer.into() }
        }).expect(|e| e.may = &["camera.answer", "camera.unreachable", "camera.nothing"]),
        case("pictures-before-play-is-answered", "K7", &[], "Pictures come before the answer to PLAY").replies(|talk, request, answer| {
            if request.is("PLAY") && !talk.playing {
                talk.play();
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
            answer.into()
        })
        // Whoever has not heard yet that it plays takes up the next group.
        .expect(|e| e.kept = Kept::AtLeast(300)),
        asks("realm-with-comma", "A realm with commas and brackets in it", login().realm("Cameras, north (A, B=1)").offers("Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth\"")),
        asks("realm-empty", "An empty realm", login().realm("").offers("Digest realm=\"\", nonce=\"{nonce}\"")),
        asks("digest-in-small-letters", "A challenge in small letters, without blanks", login().offers("digest realm=\"{realm}\",nonce=\"{nonce}\",stale=false")),
        asks("digest-two-qops", "Both kinds of protection are offered (qop)", login().offers("Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth,auth-int\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"")),
        asks("digest-auth-int-only", "Only protection of the body is offered (qop=auth-int)", login().offers("Digest realm=\"{realm}\", nonce=\"{nonce}\", qop=\"auth-int\""))
            .nothing(&["camera.login"], &["login"]),
        riddle("doctor-riddles", "Answers with a header that has no end of line in it", |_| Answer::of("200 OK").with("Content-Type", "application/sdp").into())
            .nothing(&["camera.answer"], &["answer"])
            .remedy("Its firmware is broken: update it, or tell us (`beadle-edge doctor --json`).")
            .expect(|e| e.doctor = &["answers, but not so that we understand it"]),
        riddle("doctor-closes", "Closes each connection without a word", |_| Reply::Close)
            .nothing(&["camera.breaks"], &["lost-session"])
            .remedy("Look at its power and network; try its address from a browser.")
            .expect(|e| e.doctor = &["breaks its sessions off"]),
    ]
}

pub fn packets() -> Vec<Case> {
    vec![
        case(
            "doctor-no-pictures",
            "K9",
            &[],
            "Answers everything, and never sends a picture",
        )
        .before(|_, _| Flow::Skip)
        .remedy("Start the camera anew; look whether another viewer gets pictures.")
        .nothing(&["camera.stalled"], &["stall"])
        .expect(|e| e.doctor = &["nothing recorded since", "sends no pictures"]),
        case(
            "doctor-one-viewer",
            "K9",
            &[],
            "Ends its session as soon as a second viewer knocks",
        )
        .before(|sending, _| {
            if sending.line.post.seen().connects > 1 {
                Flow::End
            } else {
                Flow::Send
            }
        }),
        case(
            "interleaved-units",
            "K1",
            &["RFC 6184, packetization-mode 2"],
            "Numbers the units of its packets (STAP-B), which Beadle does not read",
        )
        .says(&[("packetization-mode=1", "packetization-mode=2")])
        .script(|s| s.largest = 60_000)
        .packets(|number, _, packets| {
            let mut joint = vec![25];
            joint.extend((number as u16).to_be_bytes());
            for packet in &packets {
                joint.extend((packet.payload.len() as u16).to_be_bytes());
                joint.extend(&packet.payload);
            }
            let mut one = Packet::new(joint);
            one.marker = true;
            vec![one]
        })
        .remedy("Turn interleaved packets (packetization mode 2) off.")
        .nothing(
            &["camera.nothing", "camera.unsupported", "camera.answer"],
            &["unsupported", "damaged", "answer", "no-key", "stall"],
        ),
        case(
            "goodbye-without-end",
            "K10",
            &[],
            "Its session ends once, and the answer to TEARDOWN does not end",
        )
        .expect(|e| {
            e.sessions = (2, 2);
            e.gaps = &[("damaged", 3_000), ("lost-session", 3_000)];
            e.kept = Kept::AtLeast(300);
            e.lost = true;
        })
        .before(|sending, n| {
            // Fragments of units that never began, for two seconds.
            if sending.session > 1 || !(120..144).contains(&n) {
                return Flow::Send;
            }
            let _ = sending.send(Packet::new(vec![28, 0x45, 1, 2, 3]), n as i64 * 7_500);
            let _ = sending.flush();
            Flow::Skip
        })
        .replies(|talk, request, answer| {
            if request.is("TEARDOWN") {
                let mut lines = "RTSP/1.0 200 OK\r\n".to_owned();
                for n in 0..400_000 {
                    lines += &format!("X-{n}: y\r\n");
                }
                let _ = talk.line.write(lines.as_bytes());
                return Reply::Close;
            }
            answer.into()
        }),
    ]
}

pub fn masked() -> Vec<Case> {
    let painted = |name, kind, about| {
        case(name, kind, &[], about)
            .masked()
            .secs(30)
            .expect(|e| e.may = &["camera.nothing"])
    };
    vec![
        painted(
            "masked-with-sound",
            "masked",
            "Masked, and its sound recorded",
        )
        .sound(),
        painted(
            "masked-stamps-frozen",
            "masked",
            "Masked: every picture has the same time stamp",
        )
        .stamps(|_, _| 0)
        .expect(|e| {
            e.by_arrival = true;
            e.within_ms = 1_000;
        }),
        painted(
            "masked-stamps-in-milliseconds",
            "masked",
            "Masked: stamps count milliseconds",
        )
        .stamps(|_, usual| usual / 90)
        .expect(|e| {
            e.by_arrival = true;
            e.within_ms = 1_000;
        }),
        proved(
            "proved-with-sound",
            "Its own mask is proved, and its sound recorded",
        )
        .sound(),
        within(proved(
            "proved-stamps-frozen",
            "Its own mask is proved; every picture has the same time stamp",
        ))
        .stamps(|_, _| 0)
        .expect(|e| e.by_arrival = true),
        painted(
            "masked-leaves-at-once",
            "K11",
            "Masked: ends its first session after two seconds",
        )
        .expect(|e| {
            e.sessions = (2, 2);
            e.gaps = &[("lost-session", 3_000)];
        })
        .before(|sending, n| {
            if sending.session == 1 && n == 24 {
                Flow::End
            } else {
                Flow::Send
            }
        }),
        painted(
            "masked-one-viewer",
            "K11",
            "Masked: ends its session as soon as a second viewer knocks",
        )
        .before(|sending, _| {
            if sending.line.post.seen().connects > 1 {
                Flow::End
            } else {
                Flow::Send
            }
        }),
    ]
}

/// Each answer's head is written in another way.
fn written(
    name: &'static str,
    about: &'static str,
    change: impl Fn(String) -> String + Send + Sync + 'static,
) -> Case {
    case(name, "K7", &[], about).replies(move |talk, request, answer| {
        let bytes = answer.bytes(request.header("CSeq"));
        let end = bytes
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .map_or(bytes.len(), |at| at + 4);
        let head = change(String::from_utf8_lossy(&bytes[..end]).into_owned());
        let _ = talk.line.write(&[head.as_bytes(), &bytes[end..]].concat());
        if request.is("PLAY") && answer.status.starts_with("200") && !talk.playing {
            talk.play();
        }
        Reply::Silence
    })
}

fn asks(name: &'static str, about: &'static str, login: Login) -> Case {
    case(name, "K8", &[], about).login(login)
}

/// Whatever it is asked.
fn riddle(
    name: &'static str,
    about: &'static str,
    reply: impl Fn(&str) -> Reply + Send + Sync + 'static,
) -> Case {
    case(name, "K9", &[], about).replies(move |_, request, _| reply(&request.method))
}

/// Of a camera that covers a part of its pictures itself.
fn proved(name: &'static str, about: &'static str) -> Case {
    case(name, "masked", &[], about)
        .stream("marker-360p12-solid.h264")
        .told(|t| t.proved = true)
        .secs(30)
        // What follows its last key picture is not proved.
        .expect(|e| {
            e.kept = Kept::AtLeast(300);
            e.may = &["camera.nothing"];
        })
}
