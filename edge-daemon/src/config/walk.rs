//! Pure. From the file as written to what is true, gathering everything that is wrong on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use shared::{
    id::{self, BoxName, CameraId},
    record,
    time::{Day, Zone},
};

use super::{
    Camera, Config, ConfigErrors, Mask, Secret, Timelapse, Transport, errors::Gather, polygon,
    raw::*,
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
const HOLD_SECS: u32 = 60;
const MOST_CAMERAS: usize = 64;

/// Parses the bytes of a configuration file.
pub fn parse(bytes: &[u8], around: &Surroundings<'_>) -> Result<Config, ConfigErrors> {
    let mut g = Gather::default();
    let file: RawFile = match std::str::from_utf8(bytes)
        .map_err(|e| e.to_string())
        .and_then(|t| toml::from_str(t).map_err(|e| one_line(&e, t)))
    {
        Ok(file) => file,
        Err(why) => {
            g.wrong(
                "the file",
                None,
                format!("it cannot be read as TOML: {why}"),
                "name = \"ashby-high-street\"",
            );
            return g.into_result(None);
        }
    };
    unknown(
        &mut g,
        "",
        &file.unknown,
        &[
            "box",
            "retention",
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
    unknown(&mut g, "retention", &retention.unknown, &["days"]);
    let days = may(
        &mut g,
        "retention.days",
        retention.days,
        "a whole number",
        "days = 31",
    )
    .map_or(Some(DAYS), |d| retention_days(&mut g, "retention.days", d));
    let volumes = volumes(&mut g, file.volume);
    let cameras = cameras(&mut g, file.camera, days.unwrap_or(DAYS), around);
    let pictures =
        may(&mut g, "pictures", file.pictures, "a table", "[pictures]").unwrap_or_default();
    unknown(&mut g, "pictures", &pictures.unknown, &["program"]);
    let program = may(
        &mut g,
        "pictures.program",
        pictures.program,
        "text",
        "program = \"/usr/bin/beadle-pictures\"",
    )
    .map_or_else(
        || Some(around.program_folder.join("beadle-pictures")),
        |p| {
            absolute(
                &mut g,
                "pictures.program",
                &p,
                "program = \"/usr/bin/beadle-pictures\"",
            )
        },
    );
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
        let fits = u32::try_from(s).ok().filter(|s| (2..=600).contains(s));
        if fits.is_none() {
            g.wrong(
                "segment.secs",
                Some(s.to_string()),
                "a segment lasts 2 to 600 seconds",
                "secs = 60",
            );
        }
        fits
    });
    let config = r#box.and_then(|b| whole(&mut g, b)).and_then(|b| {
        Some(Config {
            scheme: b.scheme,
            name: b.name,
            site: b.site,
            zone: b.zone,
            zone_name: b.zone_name,
            state: b.state,
            retention_days: days?,
            volumes: volumes?,
            cameras: cameras?,
            pictures: program?,
            segment_secs: secs?,
            digest: record::sha256(bytes),
        })
    });
    g.into_result(config)
}

struct Whole {
    scheme: String,
    name: BoxName,
    site: String,
    zone: Zone,
    zone_name: String,
    state: PathBuf,
}

fn whole(g: &mut Gather, b: RawBox) -> Option<Whole> {
    unknown(
        g,
        "box",
        &b.unknown,
        &["scheme", "name", "site", "zone", "state"],
    );
    let scheme = need(
        g,
        "box.scheme",
        b.scheme,
        "text",
        "scheme = \"cctv.example.gov.uk\"",
    )
    .and_then(|s| {
        if id::scheme_ok(&s) {
            return Some(s);
        }
        g.wrong(
            "box.scheme",
            quoted(&s),
            "it is not a host-like name (a-z, 0-9, - and dots)",
            "scheme = \"cctv.example.gov.uk\"",
        );
        None
    });
    let name = need(
        g,
        "box.name",
        b.name,
        "text",
        "name = \"ashby-high-street\"",
    )
    .and_then(|n| {
        parsed(
            g,
            "box.name",
            &n,
            BoxName::parse(&n),
            "name = \"ashby-high-street\"",
        )
    });
    let site = need(
        g,
        "box.site",
        b.site,
        "text",
        "site = \"Ashby, Market Hall\"",
    )
    .and_then(|s| words(g, "box.site", s, "site = \"Ashby, Market Hall\""));
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
    Some(Whole {
        scheme: scheme?,
        name: name?,
        site: site?,
        zone: zone?,
        zone_name,
        state: state?,
    })
}

fn volumes(g: &mut Gather, field: Field<Vec<Field<RawVolume>>>) -> Option<Vec<PathBuf>> {
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
        let at = format!("volume[{i}]");
        let Some(volume) = need(g, &at, volume, "a table", EXAMPLE) else {
            continue;
        };
        unknown(g, &at, &volume.unknown, &["path"]);
        let at = format!("{at}.path");
        let Some(path) = need(
            g,
            &at,
            volume.path,
            "text",
            "path = \"/srv/beadle/footage1\"",
        )
        .and_then(|p| absolute(g, &at, &p, "path = \"/srv/beadle/footage1\"")) else {
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
        let at = format!("camera[{i}]");
        let Some(field) = need(g, &at, field, "a table", EXAMPLE) else {
            continue;
        };
        let Some(camera) = camera(g, &at, field, days, around) else {
            continue;
        };
        if let Some(first) = seen.insert(camera.id.clone(), i) {
            g.wrong(
                format!("{at}.id"),
                quoted(camera.id.as_str()),
                format!("camera[{first}] has this id already"),
                "id = \"c04\"",
            );
        }
        all.push(camera);
    }
    Some(all)
}

fn camera(
    g: &mut Gather,
    at: &str,
    c: RawCamera,
    days: u32,
    around: &Surroundings<'_>,
) -> Option<Camera> {
    unknown(
        g,
        at,
        &c.unknown,
        &[
            "id",
            "title",
            "url",
            "username",
            "password_file",
            "credential",
            "transport",
            "retention_days",
            "mask",
            "timelapse",
            "sound",
        ],
    );
    let path = |key: &str| format!("{at}.{key}");
    let id = need(g, &path("id"), c.id, "text", "id = \"c03\"")
        .and_then(|t| parsed(g, &path("id"), &t, CameraId::parse(&t), "id = \"c03\""));
    let title = may(
        g,
        &path("title"),
        c.title,
        "text",
        "title = \"High Street by the bank\"",
    )
    .and_then(|t| words(g, &path("title"), t, "title = \"High Street by the bank\""));
    let url = need(g, &path("url"), c.url, "text", URL).and_then(|t| address(g, &path("url"), &t));
    let username = may(
        g,
        &path("username"),
        c.username,
        "text",
        "username = \"beadle\"",
    );
    let source = source(g, at, c.password_file, c.credential);
    let key = path(if matches!(source, Some(PasswordSource::File(_))) {
        "password_file"
    } else {
        "credential"
    });
    let password = source.as_ref().and_then(|s| match (around.password)(s) {
        Ok(text) => Some(Secret::new(text)),
        Err(why) => {
            let value = match s {
                PasswordSource::File(p) => p.display().to_string(),
                PasswordSource::Credential(n) => n.clone(),
            };
            g.wrong(&key, quoted(&value), why, "credential = \"c03-password\" with LoadCredential=c03-password:/etc/beadle/c03.password in the unit");
            None
        }
    });
    if source.is_some() && username.is_none() {
        g.wrong(
            path("username"),
            None,
            "a password is given but no user name",
            "username = \"beadle\"",
        );
    }
    let transport = transport(g, &path("transport"), c.transport);
    let days = match may(
        g,
        &path("retention_days"),
        c.retention_days,
        "a whole number",
        "retention_days = 28",
    ) {
        Some(d) => retention_days(g, &path("retention_days"), d),
        None => Some(days),
    };
    // A mask that is there but wrong must never become a camera without a mask.
    let mask = match may(g, &path("mask"), c.mask, "a table", "[camera.mask]") {
        Some(m) => Some(mask(g, &path("mask"), m)?),
        None => None,
    };
    let timelapse = match may(
        g,
        &path("timelapse"),
        c.timelapse,
        "a table",
        "[camera.timelapse]",
    ) {
        Some(t) => Some(timelapse(g, &path("timelapse"), t)?),
        None => None,
    };
    let sound = match may(g, &path("sound"), c.sound, "a table", "[camera.sound]") {
        Some(s) => Some(sound(g, &path("sound"), s, timelapse.is_some())?),
        None => None,
    };
    let id = id?;
    let title = title.unwrap_or_else(|| id.to_string());
    Some(Camera {
        id,
        title,
        url: url?,
        username,
        password,
        password_from: source,
        transport: transport?,
        retention_days: days?,
        mask,
        timelapse,
        sound,
    })
}

fn sound(g: &mut Gather, at: &str, s: RawSound, lapse: bool) -> Option<String> {
    const REASON: &str = "reason = \"Custody suite, assessment 2026-04\"";
    unknown(g, at, &s.unknown, &["reason"]);
    if lapse {
        g.wrong(
            at,
            None,
            "a camera in time-lapse records no sound",
            "take out [camera.sound] or [camera.timelapse]",
        );
    }
    let path = format!("{at}.reason");
    let reason = need(g, &path, s.reason, "text", REASON)?;
    let fits =
        (10..=300).contains(&reason.trim().chars().count()) && !reason.contains(char::is_control);
    if !fits {
        g.wrong(
            &path,
            quoted(&reason),
            "recording sound needs a reason of 10 to 300 characters on one line, for the audit log",
            REASON,
        );
    }
    fits.then(|| reason.trim().to_owned())
}

fn timelapse(g: &mut Gather, at: &str, t: RawTimelapse) -> Option<Timelapse> {
    const EVENT: &str = "event = \"VideoSource/MotionAlarm\"";
    unknown(g, at, &t.unknown, &["every_secs", "event", "hold_secs"]);
    let path = |key: &str| format!("{at}.{key}");
    let between = |n: i64, most: u32| u32::try_from(n).ok().filter(|n| (1..=most).contains(n));
    let every = need(
        g,
        &path("every_secs"),
        t.every_secs,
        "a whole number",
        "every_secs = 5",
    )
    .and_then(|n| {
        let fits = between(n, 60);
        if fits.is_none() {
            g.wrong(
                path("every_secs"),
                Some(n.to_string()),
                "pictures are 1 to 60 seconds apart",
                "every_secs = 5",
            );
        }
        fits
    });
    let held = !matches!(t.hold_secs, Field::Absent);
    let hold = match may(
        g,
        &path("hold_secs"),
        t.hold_secs,
        "a whole number",
        "hold_secs = 60",
    ) {
        Some(n) => {
            let fits = between(n, 3600);
            if fits.is_none() {
                g.wrong(
                    path("hold_secs"),
                    Some(n.to_string()),
                    "real time goes on for 1 to 3600 seconds after an event",
                    "hold_secs = 60",
                );
            }
            fits
        }
        None => Some(HOLD_SECS),
    };
    let event = may(g, &path("event"), t.event, "text", EVENT)
        .and_then(|e| words(g, &path("event"), e, EVENT));
    if held && event.is_none() {
        g.wrong(
            path("hold_secs"),
            None,
            "no event is named that it could follow",
            EVENT,
        );
    }
    Some(Timelapse {
        every_secs: every?,
        event,
        hold_secs: hold?,
    })
}

fn transport(g: &mut Gather, at: &str, field: Field<String>) -> Option<Transport> {
    const EXAMPLE: &str = "transport = \"tcp\"";
    match field {
        Field::Absent => Some(Transport::Tcp),
        Field::Good(t) if t == "tcp" => Some(Transport::Tcp),
        Field::Good(t) if t == "udp" => Some(Transport::Udp),
        Field::Good(t) => {
            g.wrong(at, quoted(&t), "it must be tcp or udp", EXAMPLE);
            None
        }
        Field::Wrong(_) => {
            // Says what type it must be.
            may(g, at, field, "text", EXAMPLE);
            None
        }
    }
}

const URL: &str = "url = \"rtsp://10.20.0.13:554/stream1\"";

fn address(g: &mut Gather, at: &str, text: &str) -> Option<url::Url> {
    // Nothing of an address that holds a password is printed.
    let url = match url::Url::parse(text) {
        Ok(url) => url,
        Err(e) => {
            let value = if text.contains('@') {
                None
            } else {
                quoted(text)
            };
            g.wrong(at, value, format!("it is not an address ({e})"), URL);
            return None;
        }
    };
    let secretive = |k: &str| {
        ["pass", "pwd", "secret", "token"]
            .iter()
            .any(|s| k.to_ascii_lowercase().contains(s))
    };
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query_pairs().any(|(k, _)| secretive(&k))
    {
        g.wrong(at, None, "an address must not carry a user name or password: it would end up in logs. Give username, and password_file or credential, instead", URL);
        return None;
    }
    if url.scheme() != "rtsp" || url.host_str().is_none_or(str::is_empty) {
        g.wrong(at, quoted(text), "it is not an rtsp:// address", URL);
        return None;
    }
    Some(url)
}

fn source(
    g: &mut Gather,
    at: &str,
    file: Field<String>,
    credential: Field<String>,
) -> Option<PasswordSource> {
    let (file_at, cred_at) = (format!("{at}.password_file"), format!("{at}.credential"));
    let file = may(
        g,
        &file_at,
        file,
        "text",
        "password_file = \"/etc/beadle/c03.password\"",
    );
    let credential = may(
        g,
        &cred_at,
        credential,
        "text",
        "credential = \"c03-password\"",
    );
    match (file, credential) {
        (Some(_), Some(name)) => {
            g.wrong(
                cred_at,
                quoted(&name),
                "password_file is given too; keep one of the two",
                "",
            );
            None
        }
        (Some(file), None) => absolute(
            g,
            &file_at,
            &file,
            "password_file = \"/etc/beadle/c03.password\"",
        )
        .map(PasswordSource::File),
        (None, Some(name)) if name.is_empty() || name.contains('/') || name.starts_with('.') => {
            g.wrong(
                cred_at,
                quoted(&name),
                "it is not the name of a credential",
                "credential = \"c03-password\"",
            );
            None
        }
        (None, Some(name)) => Some(PasswordSource::Credential(name)),
        (None, None) => None,
    }
}

fn mask(g: &mut Gather, at: &str, m: RawMask) -> Option<Mask> {
    const SQUARE: &str = "polygons = [[[0.1, 0.2], [0.4, 0.2], [0.4, 0.5], [0.1, 0.5]]]";
    unknown(g, at, &m.unknown, &["id", "review", "polygons"]);
    let id_at = format!("{at}.id");
    let id = need(g, &id_at, m.id, "text", "id = \"m7\"").and_then(|t| match CameraId::parse(&t) {
        Ok(_) => Some(t),
        Err(_) => {
            g.wrong(
                &id_at,
                quoted(&t),
                "it is not a mask version (1 to 32 of a-z, 0-9 and -)",
                "id = \"m7\"",
            );
            None
        }
    });
    let review_at = format!("{at}.review");
    let review = match may(g, &review_at, m.review, "a date", "review = 2027-11-01") {
        None => Some(None),
        Some(value) => {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            parsed(
                g,
                &review_at,
                &text,
                Day::parse(&text),
                "review = 2027-11-01",
            )
            .map(Some)
        }
    };
    let polygons: Option<Vec<Vec<(f64, f64)>>> = need(
        g,
        &format!("{at}.polygons"),
        m.polygons,
        "a list of lists of [x, y]",
        SQUARE,
    )
    .map(|all| {
        all.into_iter()
            .map(|p| p.into_iter().map(|(x, y)| (x.0, y.0)).collect())
            .collect()
    });
    if let Some(all) = &polygons {
        if all.is_empty() {
            g.wrong(
                format!("{at}.polygons"),
                Some("[]".into()),
                "a mask needs at least one polygon; leave [camera.mask] out for none",
                SQUARE,
            );
            return None;
        }
        let faults: Vec<_> = all
            .iter()
            .enumerate()
            .filter_map(|(i, p)| polygon::fault(p).map(|f| (i, f)))
            .collect();
        if !faults.is_empty() {
            for (i, fault) in faults {
                g.wrong(
                    format!("{at}.polygons[{i}]"),
                    Some(corners(&all[i])),
                    fault,
                    SQUARE,
                );
            }
            return None;
        }
    }
    Some(Mask {
        id: id?,
        polygons: polygons?,
        review: review?,
    })
}

fn corners(polygon: &[(f64, f64)]) -> String {
    format!(
        "[{}]",
        polygon
            .iter()
            .map(|(x, y)| format!("[{x}, {y}]"))
            .collect::<Vec<_>>()
            .join(", ")
    )
}

fn retention_days(g: &mut Gather, at: &str, days: i64) -> Option<u32> {
    let fits = u32::try_from(days).ok().filter(|d| (1..=366).contains(d));
    if fits.is_none() {
        g.wrong(
            at,
            Some(days.to_string()),
            "footage is kept for 1 to 366 days",
            "days = 31",
        );
    }
    fits
}

fn absolute(g: &mut Gather, at: &str, text: &str, example: &'static str) -> Option<PathBuf> {
    let path = Path::new(text);
    let plain = path.components().all(|c| {
        matches!(
            c,
            std::path::Component::RootDir | std::path::Component::Normal(_)
        )
    });
    if path.is_absolute() && plain {
        return Some(path.components().collect());
    }
    g.wrong(
        at,
        quoted(text),
        "it is not a whole path, one that begins with / and has no .. in it",
        example,
    );
    None
}

fn words(g: &mut Gather, at: &str, text: String, example: &'static str) -> Option<String> {
    if !text.trim().is_empty() && text.chars().count() <= 120 && !text.chars().any(char::is_control)
    {
        return Some(text);
    }
    g.wrong(
        at,
        quoted(&text),
        "it must be 1 to 120 letters on one line",
        example,
    );
    None
}

fn need<T>(
    g: &mut Gather,
    at: &str,
    field: Field<T>,
    wanted: &str,
    example: &'static str,
) -> Option<T> {
    if matches!(field, Field::Absent) {
        g.wrong(at, None, "it is missing", example);
    }
    may(g, at, field, wanted, example)
}

fn may<T>(
    g: &mut Gather,
    at: &str,
    field: Field<T>,
    wanted: &str,
    example: &'static str,
) -> Option<T> {
    match field {
        Field::Absent => None,
        Field::Good(value) => Some(value),
        Field::Wrong(value) => {
            // What was meant as text under a key for a secret is not repeated.
            let value = if at.contains("password") || at.ends_with(".url") {
                None
            } else {
                Some(short(&value.to_string()))
            };
            g.wrong(at, value, format!("it must be {wanted}"), example);
            None
        }
    }
}

fn parsed<T, E: std::fmt::Display>(
    g: &mut Gather,
    at: &str,
    text: &str,
    result: Result<T, E>,
    example: &'static str,
) -> Option<T> {
    result
        .map_err(|e| {
            g.wrong(
                at,
                quoted(text),
                e.to_string().replacen(&format!("{text:?} is"), "it is", 1),
                example,
            )
        })
        .ok()
}

fn unknown(g: &mut Gather, at: &str, keys: &BTreeMap<String, toml::Value>, known: &[&str]) {
    for key in keys.keys() {
        let path = if at.is_empty() {
            key.clone()
        } else {
            format!("{at}.{key}")
        };
        let near = known
            .iter()
            .min_by_key(|k| distance(k, key))
            .filter(|k| distance(k, key) <= 2);
        let why = match near {
            Some(near) => format!("no such key is known; did you mean {near}?"),
            None => format!("no such key is known; there are {}", known.join(", ")),
        };
        g.wrong(path, None, why, "");
    }
}

/// How many letters must change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

fn quoted(text: &str) -> Option<String> {
    Some(short(&format!("{text:?}")))
}

fn short(text: &str) -> String {
    if text.chars().count() <= 120 {
        text.into()
    } else {
        format!("{}…", text.chars().take(120).collect::<String>())
    }
}

fn one_line(e: &toml::de::Error, text: &str) -> String {
    let line = e
        .span()
        .and_then(|s| text.get(..s.start))
        .map(|t| t.matches('\n').count() + 1);
    let what = e.message().replace('\n', "; ");
    line.map_or(what.clone(), |n| format!("line {n}: {what}"))
}
