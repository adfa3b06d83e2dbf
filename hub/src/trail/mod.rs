//! Task. The log of staff acts: what people did at this hub, by person, camera, reference, kind and time; the sample of a month that somebody
//! looks through; and that these were read (AUD-1, AUD-6). Blocking.

use std::{collections::BTreeMap, path::Path};

use logbook::LogFolder;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::{
    id::{BoxCamera, BoxName, CameraId, ExhibitRef, HoldId},
    note::{Head, SignedHead},
    record::{Digest, Record, hex, sha256},
    time::{Utc, Zone},
    types::{Data, HubAnchor, LogRead, LogReview},
};
use utoipa::ToSchema;

use crate::{
    access::authorise::Permit,
    db::own_lines::{LineFilter, OwnLine},
    error::{HubError, plain},
    files,
    hub::Hub,
    list::{Part, Rows},
    model::{clip_request, local_time::LocalTime, text::TextField},
    ownlog::{MONTHS, op},
    reason::{Accounts, Trail},
    texts::{self, keep_salted},
};
use sample::Month;

pub mod sample;

/// A line of the hub's log about what somebody did, for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TrailRow {
    /// Of the hub's log.
    pub n: u64,
    pub t: Utc,
    pub kind: String,
    /// As the log names them.
    pub who: String,
    /// The account's name.
    pub name: String,
    /// The roles they had then, each with the owner it is for.
    pub roles: String,
    /// Whose cameras it was about, then: short names, with spaces between.
    pub owner: Option<String>,
    pub camera: Option<String>,
    pub exhibit: Option<String>,
    /// What else it is about, in the line's own words: an account by its name, a role, a box, a request, what was asked for.
    pub facts: BTreeMap<String, String>,
    /// The line's own words.
    pub data: Value,
    /// What salted hashes of it stand for, by their key; one that is not here was erased.
    pub texts: BTreeMap<String, String>,
}

/// Lines that are wanted, as somebody asks for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Search {
    /// An account's name, or its number as op:0007.
    #[serde(default)]
    pub person: Option<String>,
    /// BOX/CAM
    #[serde(default)]
    pub camera: Option<String>,
    /// As it was given: of the act itself, or of the clip it is about.
    #[serde(default)]
    pub reference: Option<String>,
    /// A type of line as `acc.view`, or a family of them as `acc`.
    #[serde(default)]
    pub kind: Option<String>,
    #[serde(default)]
    pub from: Option<Utc>,
    /// Before then.
    #[serde(default)]
    pub to: Option<Utc>,
}

impl Search {
    fn wanted(&self, hub: &Hub) -> Result<LineFilter, HubError> {
        let who = match self.person.as_deref() {
            Some(number) if number.starts_with("op:") => Some(number.to_owned()),
            Some(name) => {
                let account = hub.db.account(name).map_err(plain)?;
                let account = account.ok_or_else(|| Accounts::NeverThere { name: name.into() })?;
                Some(op(account.op))
            }
            None => None,
        };
        let camera = self.camera.as_deref().map(BoxCamera::parse).transpose();
        Ok(LineFilter {
            who,
            camera: camera?,
            reference: self.reference.as_ref().map(|r| r.trim().to_owned()),
            kind: self.kind.clone(),
            from: self.from,
            to: self.to,
        })
    }
}

/// What a line is about.
fn about(hub: &Hub, r: &Record, line: &[u8], base: u64) -> Result<OwnLine, HubError> {
    let whole: Value = serde_json::from_slice(line).map_err(plain)?;
    let text = |key: &str| r.data.get(key).and_then(|v| v.as_str());
    let exhibit = text("ref").or(text("exh"));
    let exhibit = exhibit.filter(|e| ExhibitRef::parse(e).is_ok());
    let mut reference = text("reference").map(str::to_owned);
    let named = match (text("box"), text("cam")) {
        (Some(name), Some(cam)) => {
            let both = BoxName::parse(name).ok().zip(CameraId::parse(cam).ok());
            both.map(|(r#box, cam)| BoxCamera { r#box, cam })
        }
        // Of a clip request.
        (None, Some(cam)) => BoxCamera::parse(cam).ok(),
        _ => None,
    };
    let mut camera = named;
    if let Some(exhibit) = exhibit.filter(|_| camera.is_none()) {
        camera = hub.db.request(exhibit)?.map(|r| r.camera);
    }
    if let Some(Ok(hold)) = text("hold").map(HoldId::parse)
        && (camera.is_none() || reference.is_none())
        && let Some(hold) = hub.db.hold(hold)?
    {
        camera = camera.or(Some(hold.camera));
        reference = reference.or(Some(hold.reference));
    }
    // An act on a clip request is about its reference, and about its camera where it has one only.
    if let Some(n) = r.data.get("request").and_then(|n| n.as_u64())
        && (camera.is_none() || reference.is_none())
        && let Some(request) = hub.db.clip_request(n)?
    {
        reference = reference.or(request.reference);
        if let ([only], None) = (&request.cameras[..], &camera) {
            camera = Some(only.camera.clone());
        }
    }
    Ok(OwnLine {
        n: base + r.n,
        t: r.t,
        kind: r.kind.clone(),
        who: r.who.clone(),
        roles: text("as").unwrap_or_default().to_owned(),
        owner: text("of").map(str::to_owned),
        camera,
        exhibit: exhibit.map(str::to_owned),
        reference,
        leaf: hex(&r.leaf),
        data: whole.get("data").map(Value::to_string).unwrap_or_default(),
    })
}

/// What people did, what of it was not done, what the hub did to exhibits, and refused sign-ins.
fn counts(r: &Record) -> bool {
    const HUBS: [&str; 5] = [
        "acc.fail",
        "act.fail",
        "copy.dispose",
        "copy.gone",
        "exp.done",
    ];
    r.who.starts_with("op:") || HUBS.contains(&r.kind.as_str())
}

/// Brings the table to the end of the log; and of those before it, where the hub went on in a next one.
pub fn read_on(hub: &Hub) -> Result<(), HubError> {
    let present = hub.log.origin();
    for (origin, folder, base) in hub.log.all() {
        let end = match origin == present {
            true => hub.log.handle().size(),
            // It is never written to again.
            false => u64::MAX,
        };
        read_one(hub, &origin, &folder, (base, end))?;
    }
    Ok(())
}

fn read_one(
    hub: &Hub,
    origin: &str,
    folder: &Path,
    (base, end): (u64, u64),
) -> Result<(), HubError> {
    let mut folder = LogFolder::new(folder);
    let mut from = hub.db.own_read(origin)?;
    while from < end {
        let bytes = folder.read_lines(from, end, 1 << 20).map_err(plain)?;
        if bytes.is_empty() {
            break;
        }
        let mut lines = Vec::new();
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            from += 1;
            match Record::parse(line) {
                Ok(r) if counts(&r) => lines.push(about(hub, &r, line, base)?),
                _ => {}
            }
        }
        hub.db
            .add_own_lines(&hub.log.name(), origin, &lines, from)?;
    }
    Ok(())
}

/// Keys of hashes that stand for texts.
const TEXTS: [&str; 21] = [
    "purpose",
    "present",
    "reference",
    "requester",
    "reason",
    "authority",
    "result",
    "name",
    "why",
    "mark",
    "medium",
    "place",
    "to",
    "agency",
    "signed",
    "from",
    "receipt",
    "note",
    "document",
    "uses",
    "limits",
];

/// Keys of what a line is about beside camera and exhibit, which have columns of their own.
const FACTS: [&str; 16] = [
    "op", "role", "scope", "owner", "box", "request", "hold", "class", "what", "log", "month",
    "token", "order", "ask", "grant", "until",
];

/// Names of accounts by their numbers, each looked up once.
type Names = BTreeMap<String, String>;

fn named(hub: &Hub, names: &mut Names, who: &str) -> Result<String, HubError> {
    if let Some(name) = names.get(who) {
        return Ok(name.clone());
    }
    let number = who.strip_prefix("op:").and_then(|n| n.parse().ok());
    let account = number.map(|n| hub.db.account_numbered(n)).transpose()?;
    let name = account.flatten().map_or_else(|| who.to_owned(), |a| a.name);
    names.insert(who.to_owned(), name.clone());
    Ok(name)
}

fn facts(hub: &Hub, names: &mut Names, l: &OwnLine, data: &Value) -> Result<Names, HubError> {
    let mut facts = BTreeMap::new();
    for key in FACTS {
        let text = match data.get(key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(n)) => match (key, n.as_u64()) {
                ("request", Some(n)) => clip_request::name(n),
                _ => n.to_string(),
            },
            _ => continue,
        };
        // Whoever did it stands before it, and the camera's box with the camera.
        if text == l.who || key == "box" && l.camera.is_some() {
            continue;
        }
        match key {
            "op" => facts.insert("account".into(), named(hub, names, &text)?),
            key => facts.insert(key.into(), text),
        };
    }
    Ok(facts)
}

fn row(hub: &Hub, names: &mut Names, l: OwnLine) -> Result<TrailRow, HubError> {
    let data: Value = serde_json::from_str(&l.data).map_err(plain)?;
    let mut texts = BTreeMap::new();
    for key in TEXTS {
        let hash = data.get(key).and_then(Value::as_str);
        if let Some(hash) = hash.filter(|h| h.len() == 64)
            && let Some(text) = hub.db.side_text(hash)?
        {
            texts.insert(key.to_owned(), text);
        }
    }
    let facts = facts(hub, names, &l, &data)?;
    Ok(TrailRow {
        n: l.n,
        t: l.t,
        kind: l.kind,
        name: named(hub, names, &l.who)?,
        facts,
        who: l.who,
        roles: l.roles,
        owner: l.owner,
        camera: l.camera.map(|c| c.to_string()),
        exhibit: l.exhibit,
        data,
        texts,
    })
}

/// That these lines are read, before they are shown.
fn note(hub: &Hub, what: &str, lines: &[OwnLine], permit: &Permit) -> Result<(), HubError> {
    let numbers = lines.iter().map(|l| l.n);
    let line = LogRead {
        log: hub.log.origin().into(),
        from: numbers.clone().min().unwrap_or(0),
        to: numbers.max().map_or(0, |n| n + 1),
        op: permit.op(),
        what: what.into(),
    };
    hub.log.append(&permit.op(), &line).map_err(plain)?;
    Ok(())
}

/// What people did, newest first. That it was read is on the record first. A part may have fewer acts than were asked for, or none, while
/// there are more: one search looks at so many and no more.
pub fn show(
    hub: &Hub,
    search: &Search,
    part: &Part,
    permit: &Permit,
) -> Result<Rows<TrailRow>, HubError> {
    let (wanted, before, limit) = (search.wanted(hub)?, part.number()?, part.limit());
    read_on(hub)?;
    let log = &hub.log.name();
    let (found, beyond) = hub.db.own_lines(log, &wanted, before, limit + 1)?;
    let mut found = Rows::cut(found, limit, |l| l.n.to_string());
    // What is older was not looked at yet.
    found.next = found.next.or(beyond.map(|n| n.to_string()));
    note(hub, "show", &found.rows, permit)?;
    let mut names = BTreeMap::new();
    found.try_map(|l| row(hub, &mut names, l))
}

/// A month's sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sample {
    /// YYYY-MM, in UTC.
    pub month: String,
    /// Acts of people in it.
    pub acts: u64,
    /// The head it is drawn by: its size; and what it is drawn by, lower hex: the head's root, or that and its stamp from outside.
    pub size: u64,
    pub root: String,
    /// In the order they were drawn.
    pub rows: Vec<TrailRow>,
}

fn month_of(text: &str, count: u32) -> Result<Month, HubError> {
    if !(1..=sample::MOST).contains(&count) {
        return Err(Trail::SampleCount { most: sample::MOST }.into());
    }
    Month::parse(text).ok_or_else(|| Trail::MonthMalformed { text: text.into() }.into())
}

/// The head that a month's sample is drawn by.
fn head_after(hub: &Hub, month: &Month) -> Result<SignedHead, HubError> {
    if hub.now() < month.drawn {
        return Err(Trail::MonthNotDrawn {
            month: month.name.clone(),
            drawn: LocalTime::of(month.drawn, &hub.config.zone),
        }
        .into());
    }
    let path = hub
        .log
        .folder()
        .join(MONTHS)
        .join(format!("{}.note", month.next));
    if !path.exists() {
        return Err(Trail::NoHeadOfMonth {
            month: month.name.clone(),
            day: month.next.clone(),
        }
        .into());
    }
    SignedHead::parse(&files::read(&path).map_err(plain)?).map_err(plain)
}

/// How long a sample waits for the stamp over its head.
const WAIT_DAYS: i32 = 7;

/// What a month's sample is drawn by: the root of its head; and, where an outside authority stamped that head, the first such stamp with it, which
/// nobody could know before.
fn seed(hub: &Hub, month: &Month, head: &Head) -> Result<Digest, HubError> {
    let mut log = LogFolder::new(&hub.log.folder());
    let mut from = head.size;
    loop {
        let bytes = log.read_lines(from, u64::MAX, 1 << 22).map_err(plain)?;
        if bytes.is_empty() {
            break;
        }
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            from += 1;
            let Ok(record) = Record::parse(line) else {
                continue;
            };
            let size = record.data.get("size").and_then(|v| v.as_u64());
            let stamp = record.data.get("sha256").and_then(|v| v.as_str());
            if record.kind == HubAnchor::KIND
                && size == Some(head.size)
                && let Some(stamp) = stamp.and_then(unhex)
            {
                return Ok(sha256(&[head.root, stamp].concat()));
            }
        }
    }
    let without = Zone::utc().day_of(month.drawn).plus_days(WAIT_DAYS);
    let without = Zone::utc().start_of(without);
    match hub.config.outside.authorities.is_empty() || hub.now() >= without {
        true => Ok(head.root),
        false => Err(Trail::MonthNotStamped {
            month: month.name.clone(),
            without: LocalTime::of(without, &hub.config.zone),
        }
        .into()),
    }
}

/// The acts of a month that somebody is to look at.
pub fn drawn(hub: &Hub, month: &str, count: u32, permit: &Permit) -> Result<Sample, HubError> {
    let month = month_of(month, count)?;
    let head = head_after(hub, &month)?.head;
    let seed = seed(hub, &month, &head)?;
    read_on(hub)?;
    let log = &hub.log.name();
    let mut acts = hub.db.own_acts(log, month.from, month.to)?;
    // A head draws from its own log.
    acts.retain(|(n, _)| *n >= hub.log.base());
    let leaves = acts.iter().filter_map(|(n, leaf)| Some((*n, unhex(leaf)?)));
    let leaves: Vec<(u64, Digest)> = leaves.collect();
    let mut lines = Vec::new();
    for n in sample::draw(&seed, &leaves, count) {
        lines.extend(hub.db.own_line(log, n)?);
    }
    note(hub, "sample", &lines, permit)?;
    let mut names = BTreeMap::new();
    let rows = lines.into_iter().map(|l| row(hub, &mut names, l));
    Ok(Sample {
        month: month.name,
        acts: leaves.len() as u64,
        size: head.size,
        root: hex(&seed),
        rows: rows.collect::<Result<_, _>>()?,
    })
}

fn unhex(text: &str) -> Option<Digest> {
    let mut out = [0; 32];
    for (at, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (text.len() == 64).then_some(out)
}

/// Somebody looked the sample through; the result is theirs. The number of the line.
pub fn review(
    hub: &Hub,
    month: &str,
    count: u32,
    result: &str,
    permit: &Permit,
) -> Result<u64, HubError> {
    texts::texts([(TextField::Result, &result.to_owned())])?;
    let month = month_of(month, count)?;
    let head = head_after(hub, &month)?.head;
    let seed = seed(hub, &month, &head)?;
    let line = LogReview {
        month: month.name,
        count: u64::from(count),
        root: hex(&seed),
        result: keep_salted(hub, result.trim())?,
        by: vec![permit.op()],
    };
    Ok(hub.log.append(&permit.op(), &line).map_err(plain)?.n)
}

#[cfg(test)]
mod tests;
