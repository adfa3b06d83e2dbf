//! Wiring. Cameras that answer oddly are recorded whole, and their passwords go where they may.
use std::sync::atomic::Ordering::SeqCst;

use super::{
    odd::{Answer, Ask, OddCamera, TlsFront, Whim, sdp},
    rig::{Line, World, cam, wait, world},
};
use crate::{
    cameras::Cameras,
    capture::relay::known::Known,
    config::{Address, Config, Secret, Transport},
};

fn config(world: &World, url: Address) -> Config {
    let fake = super::fake::FakeCamera::start(false);
    let mut config = world.config(&fake);
    config.cameras[0].url = url;
    config
}

/// Recorded for some segments, in one session by the relay, nothing lost and no gap after the first segment.
fn recorded_by_the_relay(world: &World, config: Config, repairs: &[&str]) -> Cameras {
    let cameras = world.start(config, None);
    cameras.accepted(&cam(), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    let session = world.lines("cam.session").pop().expect("a session");
    assert_eq!(session.text("by"), "relay");
    let relayed = cameras.status()[0].1.relayed.clone().expect("by the relay");
    let codes: Vec<&str> = relayed.iter().map(|r| r.code()).collect();
    for repair in repairs {
        assert!(codes.contains(repair), "{repair} in {codes:?}");
    }
    for line in world.lines("seg.write") {
        assert_eq!(line.int("lost"), 0, "{line:?}");
    }
    cameras
}

fn after_the_first_segment(world: &World) -> Vec<Line> {
    let gaps = world.lines("seg.gap");
    gaps.into_iter().filter(|g| g.int("next") > 1).collect()
}

/// REC-1, REC-6: an answer that is odd in a dozen ways, none of which is needed to play.
#[test]
fn odd_answers_are_mended() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| {
            match ask.method.as_str() {
            "DESCRIBE" => {
                let body = sdp()
                    .replace("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n", "o=- 1001 1 IN\r\n")
                    .replace("m=video 0 ", "m=video -1353744643 ")
                    .replace("c=IN IP4 0.0.0.0", "c=IN");
                let at = body.find("s=cam").expect("title") + 3;
                let mut body = body.into_bytes();
                body[at] = 0xc9;
                ask.answer("200 OK\r\nContent-Type: application/sdp; charset=utf-8\r\nContent-Base: stream", &body)
            }
            "SETUP" => ask.answer("200 OK\r\nSession: 7;timeout=0;x=y\r\nTransport: RTP/AVP/TCP;unicast;ssrc=12345678", b""),
            "PLAY" => ask.answer("200 OK\r\nSession: 7\r\nRTP-Info: url=;seq=77;rtptime=-1", b""),
            _ => Answer::Usual,
        }
        },
        ..Whim::default()
    });
    let world = world();
    let repairs = [
        "sdp.text",
        "sdp.origin",
        "sdp.connection",
        "sdp.port",
        "rtsp.content-type",
        "rtsp.base",
        "rtsp.session",
        "rtsp.transport",
    ];
    recorded_by_the_relay(&world, config(&world, camera.url()), &repairs).stop();
    assert!(after_the_first_segment(&world).is_empty());
    assert!(world.faults.list().is_empty(), "{:?}", world.faults.list());
    world.verify();
}

/// REC-1: keepalives that are not answered, and numbers that begin anew: one session, nothing lost.
#[test]
fn keepalives_and_numbers() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| {
            match ask.method.as_str() {
            "SETUP" => ask.answer("200 OK\r\nSession: 7;timeout=2;x\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1", b""),
            _ if ask.playing && ask.method != "TEARDOWN" => Answer::Nothing,
            _ => Answer::Usual,
        }
        },
        packet: |n, packet| {
            let seq = u16::from_be_bytes([packet[2], packet[3]]);
            // Every two seconds they begin anew, and the source changes every three.
            let shifted = seq.wrapping_add(((n / 50) as u16).wrapping_mul(21_111));
            packet[2..4].copy_from_slice(&shifted.to_be_bytes());
            packet[8] = (n / 75) as u8;
        },
    });
    let world = world();
    let cameras = recorded_by_the_relay(&world, config(&world, camera.url()), &["rtsp.session"]);
    world.wait_segments(4);
    cameras.stop();
    assert!(
        after_the_first_segment(&world).is_empty(),
        "{:?}",
        after_the_first_segment(&world)
    );
    for line in world.lines("seg.write") {
        assert_eq!(line.int("lost"), 0, "{line:?}");
    }
    assert!(camera.asked("GET_PARAMETER").len() + camera.asked("OPTIONS").len() >= 3);
    assert_eq!(camera.asked("PLAY").len(), 1, "one session");
}

/// REC-6: a nonce that counts once: answered anew each time, with the password told in Digest alone.
#[test]
fn a_nonce_for_each_request() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| {
            let good = ask
                .header("authorization")
                .contains(&format!("nonce=\"n{}\"", ask.nth - 1));
            if good || ask.method == "TEARDOWN" {
                return Answer::Usual;
            }
            ask.answer(
                &format!("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"c\"\r\nWWW-Authenticate: Digest realm=\"c\", nonce=\"n{}\", stale=true", ask.nth),
                b"",
            )
        },
        ..Whim::default()
    });
    let world = world();
    recorded_by_the_relay(&world, config(&world, camera.url()), &["login.nonce"]).stop();
    let asks = camera.asks.lock().expect("asks");
    assert!(
        asks.iter()
            .all(|a| !a.header("authorization").starts_with("Basic"))
    );
    assert!(world.faults.list().is_empty());
    let memory = Known::new(world.home.path().join("recorder/cameras"))
        .read(&cam())
        .expect("remembered");
    assert!(memory.digest, "it knows Digest, and is never told in Basic");
}

const BASIC: fn(&Ask) -> Answer = |ask: &Ask| match ask.header("authorization") {
    "" => ask.answer(
        "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"c\"",
        b"",
    ),
    _ => Answer::Usual,
};

/// REC-6, FLT-3: a camera that knows Basic alone is told nothing, and that is said; where Basic is allowed, it is recorded.
#[test]
fn basic_only_where_it_is_allowed() {
    let camera = OddCamera::start(Whim {
        answer: BASIC,
        ..Whim::default()
    });
    let world = world();
    let cameras = world.start(config(&world, camera.url()), None);
    cameras.recovered(&cam(), None);
    wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.login")
    });
    cameras.stop();
    let told = |c: &OddCamera| {
        c.asks
            .lock()
            .expect("asks")
            .iter()
            .any(|a| !a.header("authorization").is_empty())
    };
    assert!(!told(&camera), "the password was told");
    let world = super::rig::world();
    let mut config = config(&world, camera.url());
    config.cameras[0].basic = true;
    recorded_by_the_relay(&world, config, &["login.basic"]).stop();
    assert!(told(&camera));
}

/// REC-6: over TLS: the first certificate is kept; with another there is no session and no password, until a person accepts it.
#[test]
fn rtsps_and_its_certificate() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| match ask.header("authorization") {
            "" => ask.answer(
                "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"c\", nonce=\"n\"",
                b"",
            ),
            _ => Answer::Usual,
        },
        ..Whim::default()
    });
    let (world, front) = (world(), TlsFront::start(camera.port, 0));
    let known = Known::new(world.home.path().join("recorder/cameras"));
    recorded_by_the_relay(&world, config(&world, front.url()), &[]).stop();
    let kept = known
        .read(&cam())
        .expect("remembered")
        .accepted
        .expect("kept");
    let session = world.lines("cam.session").pop().expect("a session");
    assert_eq!(session.text("cert"), kept.sha256, "the log says which");
    let said = |n: usize| {
        let lines = world.lines("cam.accept");
        assert_eq!(lines.len(), n, "{lines:?}");
        let line = lines.into_iter().next_back().expect("a line");
        (line.word("before"), line.text("cert"))
    };
    let first = kept.sha256.clone();
    assert_eq!(said(1), (None, first.clone()), "on trust");
    let asked = camera.asks.lock().expect("asks").len();
    let other = TlsFront::start(camera.port, 0);
    let cameras = world.start(config(&world, other.url()), None);
    cameras.accepted(&cam(), Some(first.clone()));
    cameras.recovered(&cam(), None);
    wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.certificate")
    });
    assert_eq!(
        camera.asks.lock().expect("asks").len(),
        asked,
        "it was asked nothing"
    );
    // A person accepts it, as `beadle-edge camera accept` does.
    let mut memory = known.read(&cam()).expect("remembered");
    memory.accepted = memory.refused.take();
    assert!(memory.accepted.is_some());
    known.write(&cam(), &memory).expect("accepted");
    let before = world.lines("cam.session").len();
    wait("a session again", || {
        (world.lines("cam.session").len() > before).then_some(())
    });
    cameras.stop();
    // AUD-2: which took whose place is on the record, once.
    let second = memory.accepted.expect("accepted").sha256;
    assert_eq!(said(2), (Some(first), second));
}

/// REC-6: a camera that wants name and password in its address gets them there, and nobody else does.
#[test]
fn secrets_in_the_address() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| match ask.method.as_str() {
            "DESCRIBE" if !ask.uri.ends_with("/user=viewer_password=s3cr%2Ft_x") => {
                ask.answer("404 Not Found", b"")
            }
            _ => Answer::Usual,
        },
        ..Whim::default()
    });
    let world = world();
    let mut config = config(&world, camera.at("user={username}_password={password}_x"));
    config.cameras[0].password = Some(Secret::new("s3cr/t".into()));
    recorded_by_the_relay(&world, config.clone(), &[]).stop();
    assert!(
        camera
            .asked("DESCRIBE")
            .iter()
            .all(|a| a.uri.contains("s3cr%2Ft"))
    );
    config.cameras[0].password = Some(Secret::new("wr0ng".into()));
    let cameras = world.start(config.clone(), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || world.faults.list().into_iter().next());
    cameras.stop();
    let shown = format!("{fault:?} {config:?}");
    assert!(
        !shown.contains("wr0ng") && !shown.contains("s3cr"),
        "{shown}"
    );
}

/// REC-1: packets over UDP that come from another port than was announced.
#[test]
fn udp_from_another_port() {
    let camera = OddCamera::start(Whim::default());
    let world = world();
    let mut config = config(&world, camera.url());
    config.cameras[0].transport = Transport::Udp;
    recorded_by_the_relay(&world, config, &["udp.port"]).stop();
}

/// REC-1: an address of the same host is followed; one of another host is not, and that is said.
#[test]
fn redirects() {
    let camera = OddCamera::start(Whim {
        answer: |ask: &Ask| match ask.method.as_str() {
            "DESCRIBE" if !ask.uri.contains("moved") => {
                let location = ask.uri.replace("stream", "moved");
                ask.answer(&format!("302 Moved\r\nLocation: {location}"), b"")
            }
            _ => Answer::Usual,
        },
        ..Whim::default()
    });
    let world = world();
    recorded_by_the_relay(&world, config(&world, camera.url()), &["rtsp.redirect"]).stop();
    let away = OddCamera::start(Whim {
        answer: |ask: &Ask| ask.answer("302 Moved\r\nLocation: rtsp://192.0.2.7/x", b""),
        ..Whim::default()
    });
    let world = super::rig::world();
    let cameras = world.start(config(&world, away.url()), None);
    cameras.recovered(&cam(), None);
    let fault = wait("the fault", || {
        world
            .faults
            .list()
            .into_iter()
            .find(|f| f.code == "camera.answer")
    });
    assert!(fault.detail.contains("another host"), "{}", fault.detail);
    cameras.stop();
}

/// REC-1: a camera that needs nothing mended is recorded directly, also after it has broken off.
#[test]
fn directly_where_nothing_is_to_mend() {
    let camera = OddCamera::start(Whim::default());
    let world = world();
    let cameras = world.start(config(&world, camera.url()), None);
    cameras.recovered(&cam(), None);
    world.wait_segments(2);
    assert_eq!(world.lines("cam.session")[0].text("by"), "direct");
    assert!(cameras.status()[0].1.relayed.is_none());
    assert_eq!(camera.connections.load(SeqCst), 1);
    assert!(camera.sent.load(SeqCst) > 0);
    cameras.stop();
}
