//! Pure. The file as a whole, as written, to what is true, gathering everything that is wrong on the way.
//!
//! One camera's table is read in `camera`, one field in `fields`.
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use shared::{
    code,
    id::{self, BoxName, CameraId},
    record,
    schema::message::CAMERAS,
    time::Zone,
};

use super::{
    Camera, Config, ConfigErrors, Congestion,
    camera::camera,
    errors::Gather,
    fields::{absolute, may, need, parsed, quoted, retention_days, text, unknown, within, words},
    raw::*,
};
use crate::reader::{
    root::{self, Asked, Wish},
    terms::{HOLD_DAYS, PULL_HOURS},
};

/// What the file cannot say by itself.
pub struct Surroundings<'a> {
    /// Folder of this program, where `beadle-pictures` is looked for.
    pub program_folder: &'a Path,
    /// Reads a password: from a file, or from a systemd credential by name. The error is a plain sentence.
    pub password: &'a dyn Fn(&PasswordSource) -> Result<String, String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PasswordSource {
    File(PathBuf),
    Credential(String),
}

const ZONE: &str = "Europe/London";
const STATE: &str = "/var/lib/beadle-edge";
const DAYS: u32 = 31;
const SECS: u32 = 60;
const MOST_CAMERAS: usize = 64;

/// Parses the bytes of a configuration file.
pub fn parse(bytes: &[u8], around: &Surroundings<'_>) -> Result<Config, ConfigErrors> {
    let mut g = Gather::default();
    let read = std::str::from_utf8(bytes)
        .map_err(|e| e.to_string())
        .and_then(|t| Ok((toml::from_str(t).map_err(|e| one_line(&e, t))?, t)));
    let (file, written): (RawFile, &str) = match read {
        Ok(both) => both,
        Err(why) => {
            g.wrong(
                "the file",
                None,
                format!("it cannot be read as TOML: {why}"),
                "name = \"ashby-high-street\"",
            );
            return g.into_result(None).map_err(ConfigErrors);
        }
    };
    unknown(
        &mut g,
        "",
        &file.unknown,
        &[
            "box",
            "retention",
            "keys",
            "volume",
            "camera",
            "pictures",
            "segment",
        ],
    );
    let r#box = need(
        &mut g,
        "box",
        file.r#box,
        "a table",
        "[box] with scheme, name and site",
    );
    let retention = may(
        &mut g,
        "retention",
        file.retention,
        "a table",
        "[retention]",
    )
    .unwrap_or_default();
    unknown(
        &mut g,
        "retention",
        &retention.unknown,
        &["days", "holds_gib", "hold_days"],
    );
    let days = may(
        &mut g,
        "retention.days",
        retention.days,
        "a whole number",
        "days = 31",
    )
    .map_or(Some(DAYS), |d| {
        retention_days(&mut g, "retention.days", d, "days = 31")
    });
    let holds_gib = may(
        &mut g,
        "retention.holds_gib",
        retention.holds_gib,
        "a whole number",
        "holds_gib = 200",
    )
    .and_then(|n| {
        within(
            &mut g,
            "retention.holds_gib",
            n,
            1..=1_000_000,
            "holds may keep 1 to 1000000 GiB",
            "holds_gib = 200",
        )
    });
    let hold_days = may(
        &mut g,
        "retention.hold_days",
        retention.hold_days,
        "a whole number",
        "hold_days = 400",
    )
    .map_or(Some(HOLD_DAYS), |n| {
        within(
            &mut g,
            "retention.hold_days",
            n,
            1..=3660,
            "a hold reaches 1 to 3660 days from when it is ordered",
            "hold_days = 400",
        )
    });
    let keys = keys(&mut g, file.keys);
    let volumes = volumes(&mut g, file.volume, &lines(written, "volume"));
    let cameras = cameras(
        &mut g,
        file.camera,
        &lines(written, "camera"),
        days.unwrap_or(DAYS),
        around,
    );
    let pictures = pictures(&mut g, file.pictures, around);
    let segment = may(&mut g, "segment", file.segment, "a table", "[segment]").unwrap_or_default();
    unknown(&mut g, "segment", &segment.unknown, &["secs"]);
    let secs = may(
        &mut g,
        "segment.secs",
        segment.secs,
        "a whole number",
        "secs = 60",
    )
    .map_or(Some(SECS), |s| {
        within(
            &mut g,
            "segment.secs",
            s,
            2..=600,
            "a segment lasts 2 to 600 seconds",
            "secs = 60",
        )
    });
    let config = r#box.and_then(|b| whole(&mut g, b)).and_then(|b| {
        let (pictures, encoder) = pictures?;
        Some(Config {
            scheme: b.scheme,
            name: b.name,
            hub: b.hub,
            site: b.site,
            zone: b.zone,
            zone_name: b.zone_name,
            state: b.state,
            approvals: b.approvals,
            congestion: b.congestion,
            pull_hours: b.pull_hours,
            holds_gib,
            hold_days: hold_days?,
            retention_days: days?,
            keys: keys?,
            volumes: volumes?,
            cameras: cameras?,
            pictures,
            encoder,
            segment_secs: secs?,
            digest: record::sha256(bytes),
        })
    });
    g.into_result(config).map_err(ConfigErrors)
}

struct Whole {
    scheme: String,
    name: BoxName,
    hub: Option<String>,
    site: String,
    zone: Zone,
    zone_name: String,
    state: PathBuf,
    approvals: bool,
    congestion: Congestion,
    pull_hours: u32,
}

fn whole(g: &mut Gather, b: RawBox) -> Option<Whole> {
    unknown(
        g,
        "box",
        &b.unknown,
        &[
            "scheme",
            "name",
            "hub",
            "site",
            "zone",
            "state",
            "approvals",
            "congestion",
            "pull_hours",
        ],
    );
    let scheme = text(
        g,
        "box.scheme",
        b.scheme,
        "scheme = \"cctv.example.gov.uk\"",
        |g, at, s, example| {
            if id::scheme_ok(s) {
                return Some(s.to_owned());
            }
            g.wrong(
                at,
                quoted(s),
                "it is not a host-like name (a-z, 0-9, - and dots)",
                example,
            );
            None
        },
    );
    let name = text(
        g,
        "box.name",
        b.name,
        "name = \"ashby-high-street\"",
        |g, at, n, example| parsed(g, at, n, BoxName::parse_new(n), example),
    );
    const HUB: &str = "hub = \"hub.example.gov.uk:4433\"";
    let hub = may(g, "box.hub", b.hub, "text", HUB);
    if let Some(bad) = hub.as_deref().filter(|h| !code::is_address(h)) {
        g.wrong(
            "box.hub",
            quoted(bad),
            "it is not the hub's name or address, a colon and a port",
            HUB,
        );
    }
    let site = text(
        g,
        "box.site",
        b.site,
        "site = \"Ashby, Market Hall\"",
        words,
    );
    let zone_name = may(g, "box.zone", b.zone, "text", "zone = \"Europe/London\"")
        .unwrap_or_else(|| ZONE.into());
    let zone = parsed(
        g,
        "box.zone",
        &zone_name,
        Zone::parse(&zone_name),
        "zone = \"Europe/London\"",
    );
    let state = may(
        g,
        "box.state",
        b.state,
        "text",
        "state = \"/var/lib/beadle-edge\"",
    )
    .unwrap_or_else(|| STATE.into());
    let state = absolute(g, "box.state", &state, "state = \"/var/lib/beadle-edge\"");
    const APPROVALS: &str = "approvals = \"required\"";
    let approvals = may(g, "box.approvals", b.approvals, "text", APPROVALS);
    let approvals = match approvals.as_deref() {
        None | Some("none") => Some(false),
        Some("required") => Some(true),
        Some(other) => {
            let why = "people's own keys are \"required\" for a lift, or the hub's word is enough, \"none\"";
            g.wrong("box.approvals", quoted(other), why, APPROVALS);
            None
        }
    };
    const CONGESTION: &str = "congestion = \"cubic\"";
    let congestion = may(g, "box.congestion", b.congestion, "text", CONGESTION);
    let congestion = match congestion.as_deref() {
        None | Some("measured") => Some(Congestion::Measured),
        Some("cubic") => Some(Congestion::Cubic),
        Some(other) => {
            let why = "how fast the box sends to the hub is what the line was measured to carry, \"measured\", or \"cubic\", which slows down at each loss";
            g.wrong("box.congestion", quoted(other), why, CONGESTION);
            None
        }
    };
    const PULLS: &str = "pull_hours = 100";
    let pull_hours = may(g, "box.pull_hours", b.pull_hours, "a whole number", PULLS).map_or(
        Some(PULL_HOURS),
        |n| {
            let why = "1 to 24000 hours of footage may be handed out in a day";
            within(g, "box.pull_hours", n, 1..=24_000, why, PULLS)
        },
    );
    Some(Whole {
        scheme: scheme?,
        name: name?,
        hub,
        site: site?,
        zone: zone?,
        zone_name,
        state: state?,
        approvals: approvals?,
        congestion: congestion?,
        pull_hours: pull_hours?,
    })
}

fn keys(g: &mut Gather, field: Field<RawKeys>) -> Option<Wish> {
    const EXAMPLE: &str = "root = \"auto\"";
    let keys = may(g, "keys", field, "a table", "[keys]").unwrap_or_default();
    unknown(g, "keys", &keys.unknown, &["root", "tpm"]);
    let root = may(g, "keys.root", keys.root, "text", EXAMPLE).map_or(Some(Asked::Auto), |r| {
        let asked = match r.as_str() {
            "auto" => Some(Asked::Auto),
            "tpm" => Some(Asked::Tpm),
            "file" => Some(Asked::File),
            _ => None,
        };
        if asked.is_none() {
            let why = "the root key is in the \"tpm\", in a \"file\", or where it can be, \"auto\"";
            g.wrong("keys.root", quoted(&r), why, EXAMPLE);
        }
        asked
    });
    let example = "tpm = \"/dev/tpmrm0\"";
    let tpm = may(g, "keys.tpm", keys.tpm, "text", example)
        .map_or(Some(PathBuf::from(root::DEVICE)), |t| {
            absolute(g, "keys.tpm", &t, example)
        });
    Some(Wish {
        root: root?,
        tpm: tpm?,
    })
}

/// The program that works on pictures, and the graphics device that encodes for it, if one is to.
fn pictures(
    g: &mut Gather,
    field: Field<RawPictures>,
    around: &Surroundings<'_>,
) -> Option<(PathBuf, Option<PathBuf>)> {
    const PROGRAM: &str = "program = \"/usr/bin/beadle-pictures\"";
    const ENCODER: &str = "encoder = \"vaapi\"";
    const DEVICE: &str = "device = \"/dev/dri/renderD128\"";
    let table = may(g, "pictures", field, "a table", "[pictures]").unwrap_or_default();
    unknown(
        g,
        "pictures",
        &table.unknown,
        &["program", "encoder", "device"],
    );
    let program = may(g, "pictures.program", table.program, "text", PROGRAM).map_or_else(
        || Some(around.program_folder.join("beadle-pictures")),
        |p| absolute(g, "pictures.program", &p, PROGRAM),
    );
    let vaapi = match may(g, "pictures.encoder", table.encoder, "text", ENCODER).as_deref() {
        None | Some("software") => Some(false),
        Some("vaapi") => Some(true),
        Some(other) => {
            let why =
                "masked pictures are encoded in \"software\", or by a graphics device, \"vaapi\"";
            g.wrong("pictures.encoder", quoted(other), why, ENCODER);
            None
        }
    };
    let device = match may(g, "pictures.device", table.device, "text", DEVICE) {
        None => Some(PathBuf::from("/dev/dri/renderD128")),
        Some(d) if vaapi == Some(false) => {
            let why = "it is used only with encoder = \"vaapi\"";
            g.wrong("pictures.device", quoted(&d), why, ENCODER);
            None
        }
        Some(d) => absolute(g, "pictures.device", &d, DEVICE),
    };
    Some((program?, Some(device?).filter(|_| vaapi == Some(true))))
}

fn volumes(
    g: &mut Gather,
    field: Field<Vec<Field<RawVolume>>>,
    lines: &[usize],
) -> Option<Vec<PathBuf>> {
    const EXAMPLE: &str = "[[volume]] path = \"/srv/beadle/footage1\"";
    let list = need(g, "volume", field, "a list of tables", EXAMPLE)?;
    if list.is_empty() {
        g.wrong(
            "volume",
            None,
            "at least one disk is needed to record to",
            EXAMPLE,
        );
    }
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for (i, volume) in list.into_iter().enumerate() {
        let at = table("volume", &(i + 1), lines.get(i));
        let Some(volume) = need(g, &at, volume, "a table", EXAMPLE) else {
            continue;
        };
        unknown(g, &at, &volume.unknown, &["path"]);
        let at = format!("{at}.path");
        let example = "path = \"/srv/beadle/footage1\"";
        let Some(path) = text(g, &at, volume.path, example, absolute) else {
            continue;
        };
        if !seen.insert(path.clone()) {
            g.wrong(
                &at,
                quoted(&path.display().to_string()),
                "this disk is named twice",
                "path = \"/srv/beadle/footage2\"",
            );
        }
        all.push(path);
    }
    Some(all)
}

fn cameras(
    g: &mut Gather,
    field: Field<Vec<Field<RawCamera>>>,
    lines: &[usize],
    days: u32,
    around: &Surroundings<'_>,
) -> Option<Vec<Camera>> {
    const EXAMPLE: &str = "[[camera]] id = \"c03\" url = \"rtsp://10.20.0.13:554/stream1\"";
    let list = need(g, "camera", field, "a list of tables", EXAMPLE)?;
    if list.is_empty() {
        g.wrong("camera", None, "at least one camera is needed", EXAMPLE);
    }
    if list.len() > MOST_CAMERAS {
        g.wrong(
            "camera",
            Some(format!("{} of them", list.len())),
            format!("one box takes at most {MOST_CAMERAS} cameras"),
            "",
        );
    }
    let mut seen = BTreeMap::new();
    let mut all = Vec::new();
    for (i, field) in list.into_iter().enumerate() {
        let at = match id(&field) {
            Some(id) => table("camera", &id, lines.get(i)),
            None => table("camera", &(i + 1), lines.get(i)),
        };
        let Some(field) = need(g, &at, field, "a table", EXAMPLE) else {
            continue;
        };
        let Some(camera) = camera(g, &at, field, days, around) else {
            continue;
        };
        if let Some(first) = seen.insert(camera.id.clone(), at.clone()) {
            g.wrong(
                format!("{at}.id"),
                quoted(camera.id.as_str()),
                format!("{first} has this id already"),
                "id = \"c04\"",
            );
        }
        all.push(camera);
    }
    if all.len() > CAMERAS {
        g.wrong(
            "camera",
            Some(all.len().to_string()),
            format!("a box has at most {CAMERAS} cameras; its hub takes no more"),
            EXAMPLE,
        );
    }
    Some(all)
}

/// A camera's own name for itself, where it is one.
fn id(field: &Field<RawCamera>) -> Option<CameraId> {
    match field {
        Field::Good(RawCamera {
            id: Field::Good(id),
            ..
        }) => CameraId::parse(id).ok(),
        _ => None,
    }
}

/// A table of a list as people find it: by its name, or counted from 1, and by the line it begins on.
fn table(kind: &str, name: &dyn std::fmt::Display, line: Option<&usize>) -> String {
    match line {
        Some(line) => format!("{kind} {name} (line {line})"),
        None => format!("{kind} {name}"),
    }
}

/// The line on which each table of a list begins.
fn lines(text: &str, list: &str) -> Vec<usize> {
    let Ok(file) = toml::de::DeTable::parse(text) else {
        return Vec::new();
    };
    let tables = file
        .get_ref()
        .get(list)
        .and_then(|v| v.get_ref().as_array());
    tables.map_or_else(Vec::new, |tables| {
        let line = |at: usize| text.get(..at).map_or(1, |t| t.matches('\n').count() + 1);
        tables.iter().map(|t| line(t.span().start)).collect()
    })
}

fn one_line(e: &toml::de::Error, text: &str) -> String {
    let line = e
        .span()
        .and_then(|s| text.get(..s.start))
        .map(|t| t.matches('\n').count() + 1);
    let what = e.message().replace('\n', "; ");
    line.map_or(what.clone(), |n| format!("line {n}: {what}"))
}
