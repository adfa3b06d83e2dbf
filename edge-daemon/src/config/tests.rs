//! Pure. Whole files, good and bad: everything wrong is said at once.
use std::path::Path;

use shared::record;

use super::{
    walk::{PasswordSource, Surroundings},
    *,
};

fn read(text: &str) -> Result<Config, ConfigErrors> {
    let password = |s: &PasswordSource| match s {
        PasswordSource::Credential(n) if n == "c03-password" => Ok("hunter2".into()),
        other => Err(format!("no such password: {other:?}")),
    };
    parse(
        text.as_bytes(),
        &Surroundings {
            program_folder: Path::new("/usr/bin"),
            password: &password,
        },
    )
}

const GOOD: &str = r#"
[box]
scheme = "cctv.example.gov.uk"
name = "ashby"
site = "Ashby, Neuadd y Farchnad"
[[volume]]
path = "/srv/footage1/"
[[camera]]
id = "c01"
url = "rtsp://10.0.0.1/stream"
[[camera]]
id = "c03"
title = "High Street"
url = "rtsp://10.0.0.3:8554/stream?channel=1"
username = "beadle"
credential = "c03-password"
transport = "udp"
retention_days = 28
[camera.mask]
id = "m7"
review = 2027-11-01
polygons = [[[0, 0.2], [0.4, 0.2], [0.4, 1]]]
[[camera]]
id = "c04"
url = "rtsp://10.0.0.4/stream"
[camera.timelapse]
every_secs = 5
event = "VideoSource/MotionAlarm"
hold_secs = 30
"#;

#[test]
fn a_whole_file_with_its_defaults() {
    let c = read(GOOD).expect("good");
    assert_eq!(
        (c.zone_name.as_str(), c.retention_days, c.segment_secs),
        ("Europe/London", 31, 60)
    );
    assert_eq!(c.state, Path::new("/var/lib/beadle-edge"));
    assert_eq!(c.pictures, Path::new("/usr/bin/beadle-pictures"));
    assert_eq!(c.volumes, [Path::new("/srv/footage1")]);
    assert_eq!(c.log_base(), "cctv.example.gov.uk/box/ashby");
    assert_eq!(c.digest, record::sha256(GOOD.as_bytes()));
    let (one, three) = (&c.cameras[0], &c.cameras[1]);
    assert_eq!(
        (one.title.as_str(), one.retention_days, one.mask.is_none()),
        ("c01", 31, true)
    );
    assert_eq!(
        (
            three.retention_days,
            three.password.as_ref().map(Secret::reveal)
        ),
        (28, Some("hunter2"))
    );
    // REC-3: continuous unless configured otherwise.
    assert!(one.timelapse.is_none() && three.timelapse.is_none());
    assert_eq!(
        c.cameras[2].timelapse,
        Some(Timelapse {
            every_secs: 5,
            event: Some("VideoSource/MotionAlarm".into()),
            hold_secs: 30
        })
    );
    assert_eq!(
        (one.transport, three.transport),
        (Transport::Tcp, Transport::Udp)
    );
    assert_eq!(
        three.password_from,
        Some(PasswordSource::Credential("c03-password".into()))
    );
    let mask = three.mask.as_ref().expect("mask");
    assert_eq!(
        mask.review.map(|d| d.to_string()).as_deref(),
        Some("2027-11-01")
    );
    assert_eq!(
        mask.digest(),
        record::sha256(b"[[[0.0,0.2],[0.4,0.2],[0.4,1.0]]]")
    );
    assert!(
        !format!("{c:?}").contains("hunter2"),
        "secrets are not printed"
    );
}

/// Everything wrong is said at once, each with its path, value and an example.
#[test]
fn all_errors_at_once() {
    let errors = read(
        r#"
colour = "red"
[box]
scheme = "Not A Host"
name = 7
zone = "Europe/Lundon"
state = "var/lib"
[retention]
dayz = 31
[[volume]]
path = "/a"
[[volume]]
path = "/a/"
[[camera]]
id = "c01"
url = "rtsp://admin:geheim@10.0.0.1/stream"
[[camera]]
id = "c01"
url = "rtsp://10.0.0.2/stream"
username = "x"
password_file = "secret.txt"
retention_days = 0
[[camera]]
id = "C 3"
url = "http://10.0.0.3/"
transport = "multicast"
[camera.mask]
id = "m1"
polygons = [[[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]], [[0, 0], [1, 1]]]
[segment]
secs = 1
"#,
    )
    .expect_err("wrong");
    let text = errors.to_string();
    for line in [
        "colour: no such key is known",
        r#"box.scheme = "Not A Host": it is not a host-like name (a-z, 0-9, - and dots). For example: scheme = "cctv.example.gov.uk""#,
        r#"box.name = 7: it must be text. For example: name = "ashby-high-street""#,
        "box.site: it is missing",
        r#"box.zone = "Europe/Lundon": it is not a time zone like Europe/London"#,
        r#"box.state = "var/lib": it is not a whole path"#,
        "retention.dayz: no such key is known; did you mean days?",
        r#"volume 2 (line 12).path = "/a": this disk is named twice"#,
        "camera c01 (line 14).url: an address must not carry a user name or password",
        r#"camera c01 (line 17).password_file = "secret.txt": it is not a whole path"#,
        "camera c01 (line 17).retention_days = 0: footage is kept for 1 to 366 days",
        r#"camera 3 (line 23).id = "C 3": it is not a camera id"#,
        r#"camera 3 (line 23).url = "http://10.0.0.3/": it is not an rtsp:// or rtsps:// address"#,
        r#"camera 3 (line 23).transport = "multicast": it must be tcp or udp. For example: transport = "tcp""#,
        "camera 3 (line 23).mask.polygons[0] = [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.9]]: its outline crosses itself",
        "camera 3 (line 23).mask.polygons[1] = [[0, 0], [1, 1]]: a polygon needs at least three corners",
        "segment.secs = 1: a segment lasts 2 to 600 seconds",
    ] {
        assert!(text.contains(line), "{line}\nnot in\n{text}");
    }
    assert!(
        !text.contains("geheim"),
        "a password in an address is not repeated: {text}"
    );
    assert_eq!(errors.0.len(), 17, "{text}");
}

#[test]
fn two_cameras_with_one_id_and_a_password_without_a_user() {
    let twice = GOOD.replace("c01", "c03");
    assert!(
        read(&twice).expect_err("twice").to_string().contains(
            r#"camera c03 (line 11).id = "c03": camera c03 (line 8) has this id already"#
        )
    );
    let nobody = GOOD.replace("username = \"beadle\"", "");
    assert!(
        read(&nobody)
            .expect_err("nobody")
            .to_string()
            .contains("camera c03 (line 11).username: a password is given but no user name")
    );
}

/// MSK-5: a mask that cannot be read refuses the file; it never becomes a camera without a mask.
#[test]
fn a_broken_mask_is_never_no_mask() {
    for (from, to) in [
        ("[[[0, 0.2], [0.4, 0.2], [0.4, 1]]]", "[]"),
        ("id = \"m7\"", ""),
        ("polygons", "polygon"),
        ("[0, 0.2]", "[0, \"x\"]"),
    ] {
        assert!(read(&GOOD.replace(from, to)).is_err(), "{to}");
    }
}

#[test]
fn not_toml_at_all() {
    let text = read("[box\nname=").expect_err("not toml").to_string();
    assert!(text.contains("it cannot be read as TOML: line 1"), "{text}");
    assert!(
        parse(
            &[0xff, 0xfe],
            &Surroundings {
                program_folder: Path::new("/"),
                password: &|_| Err(String::new())
            }
        )
        .is_err()
    );
}

/// REC-3: what is wrong with a time-lapse is said, each with its path.
#[test]
fn a_time_lapse_that_cannot_be() {
    let wrong = |from: &str, to: &str, said: &str| {
        let text = read(&GOOD.replace(from, to)).expect_err(to).to_string();
        assert!(text.contains(said), "{said}\nnot in\n{text}");
    };
    wrong(
        "every_secs = 5",
        "every_secs = 0",
        "camera c04 (line 23).timelapse.every_secs = 0: pictures are 1 to 60 seconds apart",
    );
    wrong(
        "every_secs = 5",
        "",
        "camera c04 (line 23).timelapse.every_secs: it is missing",
    );
    wrong(
        "every_secs",
        "every",
        "camera c04 (line 23).timelapse.every: no such key is known",
    );
    wrong(
        "hold_secs = 30",
        "hold_secs = 4000",
        "camera c04 (line 23).timelapse.hold_secs = 4000: real time goes on for 1 to 3600 seconds after an event",
    );
    wrong(
        "event = \"VideoSource/MotionAlarm\"",
        "",
        "camera c04 (line 23).timelapse.hold_secs: no event is named that it could follow",
    );
}

/// REC-2: sound is off unless the configuration allows it, and only with a reason for the record.
#[test]
fn sound_needs_a_reason() {
    assert!(
        read(GOOD)
            .expect("good")
            .cameras
            .iter()
            .all(|c| c.sound.is_none())
    );
    let with =
        |table: &str| read(&GOOD.replace("[camera.mask]", &format!("{table}\n[camera.mask]")));
    let good =
        with("[camera.sound]\nreason = \" Custody suite, assessment 2026-04 \"").expect("good");
    assert_eq!(
        good.cameras[1].sound.as_deref(),
        Some("Custody suite, assessment 2026-04")
    );
    for (table, said) in [
        (
            "[camera.sound]",
            "camera c03 (line 11).sound.reason: it is missing",
        ),
        (
            "[camera.sound]\nreason = \"yes\"",
            "camera c03 (line 11).sound.reason = \"yes\": recording sound needs a reason",
        ),
        (
            "[camera.sound]\nreason = \"Custody suite\"\non = true",
            "camera c03 (line 11).sound.on: no such key is known",
        ),
        ("sound = true", "camera c03 (line 11).sound"),
        (
            "[camera.sound]\nreason = \"Custody suite\"\n[camera.timelapse]\nevery_secs = 5",
            "camera c03 (line 11).sound: a camera in time-lapse records no sound",
        ),
    ] {
        let text = with(table).expect_err(table).to_string();
        assert!(text.contains(said), "{said}\nnot in\n{text}");
    }
}

/// ROL-5: whether lifts need people's own keys is root's word, and a word that is not known is none.
#[test]
fn whose_approval_counts() {
    let with = |line: &str| read(&GOOD.replacen("[box]\n", &format!("[box]\n{line}\n"), 1));
    for (line, required) in [
        ("", false),
        ("approvals = \"none\"", false),
        ("approvals = \"required\"", true),
    ] {
        assert_eq!(with(line).expect("good").approvals, required, "{line}");
    }
    for line in [
        "approvals = \"yes\"",
        "approvals = true",
        "approval = \"required\"",
    ] {
        let wrong = with(line).expect_err(line).to_string();
        assert!(wrong.contains("approval"), "{line}: {wrong}");
    }
}

/// EVI-1: what decides how fast the box sends is one of two.
#[test]
fn how_fast_it_sends() {
    let with = |line: &str| read(&GOOD.replacen("[box]\n", &format!("[box]\n{line}\n"), 1));
    for (line, congestion) in [
        ("", Congestion::Measured),
        ("congestion = \"measured\"", Congestion::Measured),
        ("congestion = \"cubic\"", Congestion::Cubic),
    ] {
        assert_eq!(with(line).expect("good").congestion, congestion, "{line}");
    }
    let wrong = with("congestion = \"reno\"")
        .expect_err("unknown")
        .to_string();
    assert!(wrong.contains("box.congestion"), "{wrong}");
}

/// V14, ROL-2: how much a hub gets in a day is root's word.
#[test]
fn how_much_is_handed_out_in_a_day() {
    let with = |line: &str| read(&GOOD.replacen("[box]\n", &format!("[box]\n{line}\n"), 1));
    for (line, hours) in [
        ("", 100),
        ("pull_hours = 1", 1),
        ("pull_hours = 24000", 24_000),
    ] {
        assert_eq!(with(line).expect("good").pull_hours, hours, "{line}");
    }
    for line in [
        "pull_hours = 0",
        "pull_hours = -1",
        "pull_hours = 24001",
        "pull_hours = \"none\"",
    ] {
        let wrong = with(line).expect_err(line).to_string();
        assert!(wrong.contains("box.pull_hours"), "{line}: {wrong}");
    }
}

/// What encodes masked pictures: the worker, unless the box is set to use a graphics device.
#[test]
fn what_encodes() {
    let with = |table: &str| read(&format!("{GOOD}\n{table}"));
    let encoder = |table: &str| with(table).expect("good").encoder;
    assert_eq!(encoder(""), None);
    assert_eq!(encoder("[pictures]\nencoder = \"software\""), None);
    let usual = Some(Path::new("/dev/dri/renderD128").to_owned());
    assert_eq!(encoder("[pictures]\nencoder = \"vaapi\""), usual);
    let second = "[pictures]\nencoder = \"vaapi\"\ndevice = \"/dev/dri/renderD129\"";
    assert_eq!(
        encoder(second),
        Some(Path::new("/dev/dri/renderD129").to_owned())
    );
    for (table, words) in [
        ("encoder = \"nvenc\"", "\"vaapi\""),
        ("device = \"/dev/dri/renderD129\"", "only with encoder"),
        ("encoder = \"vaapi\"\ndevice = \"renderD129\"", "whole path"),
        ("encoders = \"vaapi\"", "encoder"),
    ] {
        let wrong = with(&format!("[pictures]\n{table}"))
            .expect_err(table)
            .to_string();
        assert!(wrong.contains(words), "{table}: {wrong}");
    }
}

/// MSK-5: a camera that turns cannot have a mask that stays where it is; without a mask it is recorded.
#[test]
fn a_moving_camera_has_no_mask() {
    let moving = GOOD.replace("transport = \"udp\"", "transport = \"udp\"\nptz = true");
    let wrong = read(&moving).expect_err("masked and moving").to_string();
    assert!(
        wrong.contains("camera c03 (line 11).mask")
            && wrong.contains("this camera moves (ptz = true)"),
        "{wrong}"
    );
    let unmasked = moving.replace("[camera.mask]\nid = \"m7\"\nreview = 2027-11-01\npolygons = [[[0, 0.2], [0.4, 0.2], [0.4, 1]]]\n", "");
    let c = read(&unmasked).expect("good");
    assert!(c.cameras[1].ptz && !c.cameras[0].ptz);
}

/// RET-2: where the root key is to live: the TPM if there is one, unless the file says otherwise.
#[test]
fn where_the_root_key_lives() {
    use crate::reader::root::{Asked, DEVICE};
    let keys = |text: &str| read(&format!("{GOOD}\n{text}")).map(|c| c.keys);
    let good = keys("").expect("good");
    assert_eq!((good.root, good.tpm.to_str()), (Asked::Auto, Some(DEVICE)));
    let good = keys("[keys]\nroot = \"tpm\"\ntpm = \"/run/swtpm\"").expect("good");
    assert_eq!(
        (good.root, good.tpm.to_str()),
        (Asked::Tpm, Some("/run/swtpm"))
    );
    assert_eq!(
        keys("[keys]\nroot = \"file\"").expect("good").root,
        Asked::File
    );
    let said = keys("[keys]\nroot = \"disk\"\ntpm = \"tpm0\"\nrot = 1")
        .expect_err("wrong")
        .to_string();
    for word in ["keys.root", "\"disk\"", "keys.tpm", "keys.rot"] {
        assert!(said.contains(word), "{word}: {said}");
    }
}

/// The package's example (packages/edge/edge.toml) is good as it stands, and has every key there is, in force or behind a `#`.
#[test]
fn the_example_has_every_key() {
    let example = include_str!("../../../packages/edge/edge.toml");
    let around = Surroundings {
        program_folder: Path::new("/usr/bin"),
        password: &|_| Ok("secret".into()),
    };
    let config = parse(example.as_bytes(), &around).expect("the example is good");
    assert_eq!(config.cameras.len(), 3);
    // Fields of the file as it is parsed: `pub name: Field<…>`.
    let fields = |source: &'static str| {
        let names = source.lines().filter_map(|l| {
            let (name, kind) = l.trim().strip_prefix("pub ")?.split_once(": ")?;
            kind.starts_with("Field<")
                .then(|| name.trim_start_matches("r#"))
        });
        names.collect::<Vec<_>>()
    };
    let mut all = fields(include_str!("raw.rs"));
    all.extend(fields(include_str!("../../../shared/src/mask.rs")));
    assert!(all.len() > 30, "{all:?}");
    for name in all {
        let said = example.lines().any(|l| {
            let key = l.trim_start_matches("# ");
            key.starts_with(&format!("{name} = "))
                || key.starts_with(&format!("[{name}]"))
                || key.starts_with(&format!("[[{name}]]"))
                || key.starts_with(&format!("[camera.{name}]"))
        });
        assert!(said, "the example does not know the key {name}");
    }
    // Each key says what it is.
    for line in example.lines().filter(|l| l.contains(" = ")) {
        let key = line.trim_start_matches("# ");
        let explained = key.split_once(" # ").is_some_and(|(_, why)| why.len() > 10);
        let again = ["id = \"c0", "url = "].iter().any(|k| key.starts_with(k));
        assert!(explained || again || key.starts_with("path = "), "{line}");
    }
}
