//! Adapter: filesystem. Dialogues of real cameras: the tests of the RTSP library have them, and cargo keeps them with its source.
//! Nothing of them is copied here; addresses, numbers and words are the cameras' own, the pictures are ours.
use std::{fs, path::PathBuf};

use beadle_tests::{Done, Told as _, Trouble, places};

use crate::quirks::rig::{
    Case, case,
    talk::{Answer, Request, Talk},
};

/// Where cargo has the source of the library that the lock file names.
fn folder() -> Done<PathBuf> {
    let lock = fs::read_to_string(places::root().join("Cargo.lock")).told("Cargo.lock")?;
    let version = lock
        .split("name = \"retina\"\nversion = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .ok_or_else(|| Trouble::new("Cargo.lock names no retina"))?;
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let sources = home.unwrap_or_default().join("registry/src");
    fs::read_dir(&sources)
        .told(sources.display())?
        .flatten()
        .map(|e| {
            e.path()
                .join(format!("retina-{version}/src/client/testdata"))
        })
        .find(|p| p.is_dir())
        .ok_or_else(|| {
            Trouble(format!(
                "no source of retina {version} below {}; `cargo fetch` brings it",
                sources.display()
            ))
        })
}

/// One answer of a camera: its headers, and what follows them.
#[derive(Clone, Default)]
struct Said {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Said {
    /// Empty for no name.
    fn read(name: &str) -> Done<Self> {
        if name.is_empty() {
            return Ok(Self::default());
        }
        let path = folder()?.join(format!("{name}.txt"));
        let bytes = fs::read(&path).told(path.display())?;
        // Each line ends as RTSP wants it, whatever the file has.
        let lines: Vec<&[u8]> = bytes
            .split(|b| *b == b'\n')
            .map(|l| l.strip_suffix(b"\r").unwrap_or(l))
            .collect();
        if !bytes.starts_with(b"RTSP/") {
            return Ok(Self {
                headers: Vec::new(),
                body: lines.join(&b"\r\n"[..]),
            });
        }
        let end = lines
            .iter()
            .position(|l| l.is_empty())
            .unwrap_or(lines.len());
        let text = |l: &&[u8]| String::from_utf8_lossy(l).into_owned();
        let headers = lines[1..end].iter().map(text).filter_map(|l| {
            let (key, value) = l.split_once(':')?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        });
        Ok(Self {
            headers: headers.collect(),
            body: lines.get(end + 1..).unwrap_or_default().join(&b"\r\n"[..]),
        })
    }
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(k, _)| k.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_str())
    }
}

fn number(text: &str, key: &str) -> Option<u64> {
    let digits: String = text
        .split(key)
        .nth(1)?
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

/// The words of `theirs`, with channels and ports as they are now.
fn transport(theirs: &str, ours: &str) -> String {
    let word = |key: &str| {
        ours.split(';')
            .find(|w| w.starts_with(key))
            .unwrap_or_default()
            .to_owned()
    };
    theirs
        .split(';')
        .map(|w| match w.split('=').next().unwrap_or_default() {
            key @ ("interleaved" | "client_port" | "server_port") => word(key),
            key @ ("destination" | "source") => format!("{key}=127.0.0.1"),
            _ => w.to_owned(),
        })
        .collect::<Vec<_>>()
        .join(";")
}

fn replay(name: &'static str, [describe, setup, play]: [&str; 3]) -> Done<Case> {
    let [describe, setup, play] = [Said::read(describe)?, Said::read(setup)?, Said::read(play)?];
    let text = String::from_utf8_lossy(&describe.body).into_owned();
    let video = text
        .split("m=")
        .find(|m| m.starts_with("video"))
        .unwrap_or_default()
        .to_owned();
    let control = video
        .split("a=control:")
        .nth(1)
        .and_then(|c| c.split_whitespace().next())
        .unwrap_or_default();
    let control = control.rsplit('/').next().unwrap_or_default().to_owned();
    let kind = video
        .split_whitespace()
        .nth(3)
        .and_then(|n| n.parse().ok())
        .unwrap_or(96);
    let stream = if video.contains("H265") {
        "odd-main.h265"
    } else {
        "odd-main.h264"
    };
    let (body, ends) = (describe.body.clone(), control.clone());
    let case = case(
        name,
        "real",
        &["scottlamb/retina"],
        "The dialogue of a real camera",
    )
    .stream(stream)
    .secs(25)
    .script(|s| {
        s.control = ends;
        s.payload_type = kind;
    })
    .describes(move |_, _| body.clone())
    .replies(move |talk, request, answer| {
        dialogue(talk, request, answer, [&describe, &setup, &play], &control).into()
    });
    Ok(case)
}

fn dialogue(
    talk: &mut Talk,
    request: &Request,
    mut answer: Answer,
    [describe, setup, play]: [&Said; 3],
    control: &str,
) -> Answer {
    if !answer.status.starts_with("200") {
        return answer;
    }
    // Its own words behind our session's number.
    let session = [setup, play]
        .into_iter()
        .find_map(|said| said.header("Session"));
    if let (Some(theirs), false) = (session, answer.header("Session").is_empty()) {
        let words = theirs
            .split_once(';')
            .map_or(String::new(), |(_, words)| format!(";{words}"));
        answer = answer.set("Session", format!("{}{words}", talk.session));
    }
    match request.method.as_str() {
        "DESCRIBE" if !describe.headers.is_empty() => {
            answer.headers = describe.headers.clone();
            for ours in ["CSeq", "Content-Length", "Session"] {
                answer = answer.set(ours, "");
            }
        }
        "SETUP" => {
            let ours = answer.header("Transport").to_owned();
            let theirs = setup
                .header("Transport")
                .filter(|t| t.contains("TCP") == ours.contains("TCP"));
            if let Some(theirs) = theirs {
                let digits = theirs
                    .split("ssrc=")
                    .nth(1)
                    .unwrap_or_default()
                    .trim_start();
                let digits: String = digits.chars().take_while(char::is_ascii_hexdigit).collect();
                if (5..=8).contains(&digits.len()) && request.track == 0 {
                    talk.tracks[0].ssrc = u32::from_str_radix(&digits, 16).unwrap_or(1);
                }
                answer = answer.set("Transport", transport(theirs, &ours));
            }
        }
        "PLAY" if !play.headers.is_empty() => {
            let info = play.header("RTP-Info").unwrap_or_default().to_owned();
            let parts: Vec<&str> = info.split(',').collect();
            let name = control.split('?').next().unwrap_or_default();
            for part in parts
                .iter()
                .filter(|p| parts.len() == 1 || p.contains(name))
            {
                if let Some(seq) = number(part, "seq=").filter(|n| *n > 1) {
                    talk.tracks[0].seq = seq as u16;
                }
                if let Some(first) = number(part, "rtptime=") {
                    talk.tracks[0].first = first as u32;
                }
            }
            let session = answer.header("Session").to_owned();
            answer.headers = play.headers.clone();
            answer = answer.set("CSeq", "").set("Session", session);
        }
        _ => {}
    }
    answer
}

pub fn cases() -> Done<Vec<Case>> {
    const HIKVISION: &str = "Streaming/Channels/101/?transportmode=unicast&profile=Profile_1";
    const DAHUA: &str = "cam/realmonitor?channel=1&subtype=1&unicast=true&proto=Onvif";
    const GW: &str = "H264?channel=1&subtype=0&unicast=true&proto=Onvif";
    let at = |path: &'static str, name, files: [&str; 3]| {
        Ok::<_, Trouble>(replay(name, files)?.told(|t| t.path = path))
    };
    let sound = |case: Case| case.sound().expect(|e| e.may = &["camera.sound"]);
    let mut all = vec![
        at(
            HIKVISION,
            "real-hikvision",
            ["hikvision_describe", "hikvision_setup", "hikvision_play"],
        )?,
        at(
            HIKVISION,
            "real-hikvision-space",
            [
                "hikvision_describe",
                "hikvision_setup_ssrc_space",
                "hikvision_play",
            ],
        )?,
        at(
            DAHUA,
            "real-dahua",
            ["dahua_describe_h264_aac_onvif", "dahua_setup", "dahua_play"],
        )?,
        at(
            DAHUA,
            "real-dahua-h265",
            ["dahua_describe_h265_pcma", "dahua_setup", "dahua_play"],
        )?,
        at(
            "h264Preview_01_main",
            "real-reolink",
            ["reolink_describe", "reolink_setup", "reolink_play"],
        )?,
        at("media/video1", "real-geovision", ["geovision_sdp", "", ""])?,
        at("videoMain", "real-foscam", ["foscam_describe", "", ""])?,
        at(
            GW,
            "real-gw-main",
            ["gw_main_describe", "gw_main_setup_video", "gw_main_play"],
        )?,
        at(
            GW,
            "real-gw-sub",
            ["gw_sub_describe", "gw_sub_setup", "gw_sub_play"],
        )?,
        at(
            "camera",
            "real-h264dvr-udp",
            ["h264dvr_describe", "h264dvr_setup_video", "h264dvr_play"],
        )?
        .udp(),
        at("", "real-ipcam", ["ipcam_describe", "", ""])?,
        at("", "real-laureii", ["ipcam_describe", "", "laureii_play"])?,
        at(
            "",
            "real-luckfox",
            ["ipcam_describe", "luckfox_rkipc_setup_tcp", ""],
        )?,
        at(
            "",
            "real-luckfox-udp",
            ["ipcam_describe", "luckfox_rkipc_setup_udp", ""],
        )?
        .udp(),
        at("", "real-macrovideo", ["macrovideo_describe", "", ""])?,
        at("", "real-tplink", ["tplink_sdp", "", ""])?,
        at("", "real-ubiquiti", ["ubiquiti_sdp", "", ""])?,
        at("tcp/av0_0", "real-vstarcam", ["vstarcam_describe", "", ""])?,
        at("stream0", "real-anjvision", ["anjvision_describe", "", ""])?,
        at("", "real-anpviz", ["anpviz_sdp", "", ""])?,
        at(
            "",
            "real-wowza",
            ["bunny_describe", "bunny_setup", "bunny_play"],
        )?,
        at(
            "",
            "real-no-content-type",
            ["missing_content_type_describe", "", ""],
        )?,
    ];
    // Beyond the review's 22: other answers of the same library, and sound asked for.
    all.extend([
        at(
            DAHUA,
            "real-dahua-decimal",
            [
                "dahua_describe_h264_aac_onvif",
                "dahua_setup",
                "dahua_play_decimal_ssrc",
            ],
        )?,
        at(
            "",
            "real-rubetek",
            ["ipcam_describe", "rubetek_setup_ssrc_0x", ""],
        )?,
        at(
            "",
            "real-four-digits",
            ["ipcam_describe", "setup_ssrc_4_hex_digits", ""],
        )?,
        at(
            "h264Preview_01_main",
            "real-reolink-control",
            [
                "reolink_describe_control_first",
                "reolink_setup",
                "reolink_play",
            ],
        )?,
        sound(at(
            DAHUA,
            "real-dahua-sound",
            ["dahua_describe_h264_aac_onvif", "dahua_setup", "dahua_play"],
        )?),
        sound(at(
            "h264Preview_01_main",
            "real-reolink-sound",
            ["reolink_describe", "reolink_setup", "reolink_play"],
        )?),
        sound(at("", "real-anpviz-sound", ["anpviz_sdp", "", ""])?),
        sound(at("", "real-ubiquiti-sound", ["ubiquiti_sdp", "", ""])?),
        sound(at(
            "tcp/av0_0",
            "real-vstarcam-sound",
            ["vstarcam_describe", "", ""],
        )?),
    ]);
    Ok(all)
}
