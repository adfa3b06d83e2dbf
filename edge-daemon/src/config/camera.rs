//! Pure. One `[[camera]]` table: its address, password, mask, time-lapse and sound.
use shared::{id::CameraId, mask, plain};

use super::{
    Camera, Secret, Timelapse, Transport,
    address::{Address, AddressError, repeats},
    errors::Gather,
    fields::{absolute, may, need, parsed, quoted, retention_days, text, unknown, within, words},
    raw::{Field, RawCamera, RawSound, RawTimelapse},
    walk::{PasswordSource, Surroundings},
};

const HOLD_SECS: u32 = 60;
/// Masks belong to the scene. A fixed camera's frame is its scene; that of one that moves shows the scene from a position, and where
/// that is not known nothing of it could be shown. Until positions are followed such cameras have no masks.
pub const PTZ_MASK: &str = "this camera moves (ptz = true), and a mask that stays where it is in the picture hides the wrong place as soon as the camera turns. Beadle does not follow a camera's position yet: fix the camera in one position and take ptz out, or set the zones in a camera that follows them itself and keep it off this box until then";
const CA: &str = "tls_ca = \"/etc/beadle/cameras-ca.pem\"";
const URL: &str = "url = \"rtsp://10.20.0.13:554/stream1\"";

pub(super) fn camera(
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
            "basic",
            "tls_ca",
            "retention_days",
            "ptz",
            "mask",
            "timelapse",
            "sound",
        ],
    );
    let path = |key: &str| format!("{at}.{key}");
    let id = text(g, &path("id"), c.id, "id = \"c03\"", |g, at, t, example| {
        parsed(g, at, t, CameraId::parse(t), example)
    });
    let title = may(
        g,
        &path("title"),
        c.title,
        "text",
        "title = \"High Street by the bank\"",
    )
    .and_then(|t| words(g, &path("title"), &t, "title = \"High Street by the bank\""));
    let url = text(g, &path("url"), c.url, URL, |g, at, t, _| address(g, at, t));
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
            g.wrong(
                &key,
                quoted(&value),
                why,
                "credential = \"camera_c03\" with the password in /etc/beadle/passwords/c03",
            );
            None
        }
    });
    logins(
        g,
        at,
        url.as_ref(),
        username.as_deref(),
        source.as_ref(),
        password.as_ref(),
    );
    let transport = transport(g, &path("transport"), c.transport);
    let basic = match c.basic {
        Field::Absent => Some(false),
        field => may(g, &path("basic"), field, "true or false", "basic = false"),
    };
    if basic == Some(true) && username.is_none() {
        g.wrong(
            path("basic"),
            None,
            "it is about a login, and no username is given",
            "username = \"beadle\"",
        );
    }
    let tls_ca = may(g, &path("tls_ca"), c.tls_ca, "text", CA)
        .and_then(|t| absolute(g, &path("tls_ca"), &t, CA));
    if let Some(url) = &url {
        if tls_ca.is_some() && !url.tls() {
            g.wrong(
                path("tls_ca"),
                None,
                "it is about certificates, and only an rtsps:// address has one",
                "url = \"rtsps://10.20.0.13/stream1\"",
            );
        }
        if url.tls() && transport == Some(Transport::Udp) {
            g.wrong(
                path("transport"),
                None,
                "pictures of an rtsps:// camera come within its connection; over UDP they would be open to anybody",
                "transport = \"tcp\"",
            );
        }
    }
    let days = match may(
        g,
        &path("retention_days"),
        c.retention_days,
        "a whole number",
        "retention_days = 28",
    ) {
        Some(d) => retention_days(g, &path("retention_days"), d, "retention_days = 28"),
        None => Some(days),
    };
    // A mask that is there but wrong must never become a camera without a mask.
    let mask = match may(g, &path("mask"), c.mask, "a table", "[camera.mask]") {
        Some(m) => Some(mask::from_raw(g, &path("mask"), m)?),
        None => None,
    };
    let ptz = match c.ptz {
        Field::Absent => Some(false),
        field => may(g, &path("ptz"), field, "true or false", "ptz = false"),
    };
    if ptz == Some(true) && mask.is_some() {
        g.wrong(path("mask"), None, PTZ_MASK, "ptz = false");
        return None;
    }
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
        basic: basic?,
        tls_ca,
        retention_days: days?,
        ptz: ptz?,
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
    let fits = (10..=300).contains(&reason.trim().chars().count()) && plain::all_plain(&reason);
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
    let every = need(
        g,
        &path("every_secs"),
        t.every_secs,
        "a whole number",
        "every_secs = 5",
    )
    .and_then(|n| {
        within(
            g,
            &path("every_secs"),
            n,
            1..=60,
            "pictures are 1 to 60 seconds apart",
            "every_secs = 5",
        )
    });
    let held = !matches!(t.hold_secs, Field::Absent);
    let hold = match may(
        g,
        &path("hold_secs"),
        t.hold_secs,
        "a whole number",
        "hold_secs = 60",
    ) {
        Some(n) => within(
            g,
            &path("hold_secs"),
            n,
            1..=3600,
            "real time goes on for 1 to 3600 seconds after an event",
            "hold_secs = 60",
        ),
        None => Some(HOLD_SECS),
    };
    let event = may(g, &path("event"), t.event, "text", EVENT)
        .and_then(|e| words(g, &path("event"), &e, EVENT));
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

fn address(g: &mut Gather, at: &str, text: &str) -> Option<Address> {
    match Address::parse(text) {
        Ok(address) => Some(address),
        Err(e) => {
            // Nothing of an address that may hold a password is printed.
            let shown = matches!(e, AddressError::Scheme | AddressError::Place);
            g.wrong(
                at,
                shown.then(|| quoted(text)).flatten(),
                e.to_string(),
                URL,
            );
            None
        }
    }
}

/// User name and password, and what of them the address asks for.
fn logins(
    g: &mut Gather,
    at: &str,
    url: Option<&Address>,
    username: Option<&str>,
    source: Option<&PasswordSource>,
    password: Option<&Secret>,
) {
    let (name_at, url_at) = (format!("{at}.username"), format!("{at}.url"));
    let in_address = url.is_some_and(Address::wants_password);
    if source.is_some() && username.is_none() && !in_address {
        g.wrong(
            &name_at,
            None,
            "a password is given but no user name",
            "username = \"beadle\"",
        );
    }
    if url.is_some_and(Address::wants_username) && username.is_none() {
        g.wrong(
            &name_at,
            None,
            "the address has {username} in it, and none is given",
            "username = \"beadle\"",
        );
    }
    if in_address && source.is_none() {
        g.wrong(
            format!("{at}.password_file"),
            None,
            "the address has {password} in it, and none is given",
            "password_file = \"/etc/beadle/c03.password\"",
        );
    }
    if let (Some(url), Some(password)) = (url, password)
        && repeats(&url.to_string(), password)
    {
        g.wrong(url_at, None, AddressError::Secret.to_string(), URL);
    }
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
        "credential = \"camera_c03\"",
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
                "credential = \"camera_c03\"",
            );
            None
        }
        (None, Some(name)) => Some(PasswordSource::Credential(name)),
        (None, None) => None,
    }
}
