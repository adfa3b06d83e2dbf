//! Task. The scheme of suite `month`: its hub, its boxes, its people, and what is asked of them.

use std::{collections::BTreeMap, fs, path::Path, sync::MutexGuard};

use beadle_tests::{
    Done, Folder, Told, Trouble,
    cameras::{Cameras, Scene},
    hub::{self, Hub},
    pages::{self, Person},
    places,
    town::{self, Plan, Town},
    wait::{self, Look},
};
use serde_json::{Value, json};
use shared::time::{Day, Utc, Zone};

use crate::rig::alone;

pub const DAY_MS: i64 = 86_400_000;
const CLASSES: [&str; 6] = [
    "police",
    "statutory",
    "solicitor",
    "data-subject",
    "media",
    "other",
];
/// Name, role, and the owner whose cameras it is for; None: all of them.
const PEOPLE: [(&str, &str, Option<&str>); 7] = [
    ("pat", "operator", Some("ashby")),
    ("bea", "operator", Some("brook")),
    ("kim", "supervisor", None),
    ("dee", "approver", None),
    ("ann", "auditor", None),
    ("ivo", "inspector", None),
    ("con", "contractor", None),
];
/// What is to become of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// Fetched, looked at, handed over, closed.
    Collected,
    /// Fetched and looked at.
    Kept,
    /// Decided against by the second person.
    Refused,
    /// Taken back while it is a draft.
    Mistake,
    /// Nobody authorises it in time.
    Forgotten,
    /// Nothing was recorded then.
    Nothing,
}

pub struct Request {
    pub n: usize,
    pub class: &'static str,
    pub cameras: Vec<&'static str>,
    pub fate: Fate,
    /// R-000012
    pub name: String,
}

impl Request {
    /// The `n`th of the month.
    pub fn planned(n: usize) -> Self {
        let class = CLASSES[n % 6];
        let cameras = match (n % 4, n % 5) {
            (3, _) => vec!["brook/c01"],
            (_, 4) => vec!["ashby/c01", "ashby/c02"],
            (1, _) => vec!["ashby/c02"],
            _ => vec!["ashby/c01"],
        };
        let second = n % 6 > 1;
        let fate = match n {
            _ if n % 11 == 10 => Fate::Nothing,
            _ if n % 13 == 12 => Fate::Mistake,
            _ if second && n % 7 == 3 => Fate::Refused,
            ..20 if second && n % 7 == 5 => Fate::Forgotten,
            _ if n.is_multiple_of(3) => Fate::Kept,
            _ => Fate::Collected,
        };
        Self {
            n,
            class,
            cameras,
            fate,
            name: String::new(),
        }
    }

    pub fn is_brooks(&self) -> bool {
        self.cameras == ["brook/c01"]
    }

    pub fn second_person(&self) -> bool {
        !matches!(self.class, "police" | "statutory")
    }

    pub fn fetched(&self) -> bool {
        matches!(self.fate, Fate::Collected | Fate::Kept)
    }
}

/// What this test did to exhibits, to be compared with what the log says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Handled {
    pub views: u64,
    pub saves: u64,
}

pub struct Month {
    pub people: BTreeMap<&'static str, Person>,
    pub passwords: BTreeMap<&'static str, String>,
    pub ashby: Town,
    pub brook: Town,
    pub hub: Hub,
    _cameras: Cameras,
    pub folder: Folder,
    pub begins: Day,
    pub tally: BTreeMap<String, Handled>,
    _alone: MutexGuard<'static, ()>,
}

impl Month {
    pub fn new() -> Done<Self> {
        let alone = alone();
        let folder = Folder::new("month")?;
        let cameras = Cameras::start(
            Scene::new()
                .marked("/ashby/c01")
                .marked("/ashby/c02")
                .marked("/brook/c01"),
        )?;
        // The month before this one: what is signed in it is good today too.
        let today = Zone::utc().day_of(wait::now()).to_string();
        let this = Day::parse(&format!("{}-01", &today[..7])).told("this month")?;
        let last = this.plus_days(-1).to_string();
        let begins = Day::parse(&format!("{}-01", &last[..7])).told("last month")?;
        let env = clock_of(begins.plus_days(2))?;
        let mut hub = Hub::make_with(folder.path(), env.clone())?.started()?;
        let town = |name: &str, cams: &[&str], hub: &mut Hub| {
            let mut plan = Plan::new(name).segment_secs(4).retention_days(60);
            for cam in cams {
                plan = plan.camera(cam, cameras.url(&format!("/{name}/{cam}")));
            }
            let mut town = Town::make(folder.path(), plan)?;
            town.env = env.clone();
            town.enrolled(hub)
        };
        let ashby = town("ashby", &["c01", "c02"], &mut hub)?.started()?;
        let brook = town("brook", &["c01"], &mut hub)?.started()?;
        Ok(Self {
            people: BTreeMap::new(),
            passwords: BTreeMap::new(),
            ashby,
            brook,
            hub,
            _cameras: cameras,
            folder,
            begins,
            tally: BTreeMap::new(),
            _alone: alone,
        })
    }

    /// Everybody has an account; nobody but the first two may do anything before.
    pub fn staff(&mut self) -> Done<()> {
        let first = self.hub.sign_in.clone();
        let second = second_of(&self.hub)?;
        let [first, second] = [first, second].map(|(name, password)| {
            Person::sign_in(&self.hub, self.folder.path(), &name, &password)
        });
        let (first, second) = (first?, second?);
        for (owner, cameras) in [("ashby", &["c01", "c02"][..]), ("brook", &["c01"])] {
            first.post(
                "/owners",
                json!({"owner": owner, "title": format!("Council of {owner}")}),
            )?;
            for cam in cameras {
                first.post(
                    &format!("/owners/{owner}/cameras"),
                    json!({"box": owner, "cam": cam}),
                )?;
            }
        }
        let approve = |given: &Value| match given["ask"].as_u64() {
            Some(ask) => second
                .post(&format!("/approvals/{ask}/approve"), json!({}))
                .map(drop),
            None => Ok(()),
        };
        for (name, role, owner) in PEOPLE {
            let made = first.post("/staff", json!({"name": name, "role": role}))?;
            let once = made["password"].as_str().unwrap_or_default().to_owned();
            let own = format!("{name} has a horse of their own");
            let socket = |password: &str, path: &str, body: Option<Value>| {
                let what = format!("{name} at the socket: {path}");
                pages::at_socket(&self.hub, Some((name, password)), path, body.as_ref())?
                    .well(&what)
            };
            socket(
                &once,
                "/staff-password",
                Some(json!({"old": once, "new": own})),
            )?;
            let read = socket(&own, "/declaration", None)?;
            socket(
                &own,
                "/declaration/accept",
                Some(json!({"sha256": read["sha256"]})),
            )?;
            approve(&made)?;
            if let Some(owner) = owner {
                // For the whole hub, until they are the owner's.
                let whole = first.all("/staff")?;
                let whole = whole.iter().find(|row| row["name"] == name);
                let grant = whole.and_then(|row| row["roles"][0]["grant"].as_u64());
                let grant = grant.ok_or_else(|| Trouble(format!("{name} has no role")))?;
                let role = json!({"role": role, "owner": owner});
                approve(&first.post(&format!("/staff/{name}/roles"), role)?)?;
                first.post(&format!("/roles/{grant}/revoke"), json!({}))?;
            }
            self.passwords.insert(name, own);
        }
        Ok(())
    }

    pub fn sign_in(&mut self, names: &[&'static str]) -> Done<()> {
        for name in names {
            let person =
                Person::sign_in(&self.hub, self.folder.path(), name, &self.passwords[name])?;
            self.people.insert(name, person);
        }
        Ok(())
    }

    pub fn by(&self, name: &str) -> &Person {
        &self.people[name]
    }

    /// Everything stands still and goes on at ten in the morning of that day of the month.
    pub fn goes_on(&mut self, day: i32, brook: bool) -> Done<()> {
        self.ashby.stop()?;
        self.brook.stop()?;
        self.hub.stop()?;
        let env = clock_of(self.begins.plus_days(day - 1))?;
        (self.hub.env, self.ashby.env, self.brook.env) = (env.clone(), env.clone(), env);
        self.hub.start()?;
        self.ashby.start()?;
        match brook {
            true => self.brook.start(),
            false => Ok(()),
        }
    }

    /// Where a camera's newest whole segment lies: a second and a half of it.
    pub fn span(&mut self, camera: &str) -> Done<(Utc, Utc)> {
        let (name, cam) = camera.split_once('/').unwrap_or_default();
        let town = match name {
            "ashby" => &mut self.ashby,
            _ => &mut self.brook,
        };
        let all = town.lines_of("seg.write", Some(cam));
        for line in all.iter().rev() {
            let (t0, t1) = (
                hub::time(&line["data"]["t0"])?,
                hub::time(&line["data"]["t1"])?,
            );
            // What a stop cut short is not.
            if t1.0 - t0.0 > 2_500 {
                return Ok((t0.plus_ms(500), t0.plus_ms(2_000)));
            }
        }
        Err(Trouble(format!("nothing of {camera}")))
    }

    /// Waits until there is footage of today: the last minute is asked for at the box.
    pub fn recorded(&mut self, cameras: &[&str]) -> Done<()> {
        for camera in cameras {
            let (name, cam) = camera.split_once('/').unwrap_or_default();
            let town = match name {
                "ashby" => &mut self.ashby,
                _ => &mut self.brook,
            };
            let before = town.lines_of("seg.write", Some(cam)).len();
            town.segments(cam, before + 1, 60)?;
        }
        Ok(())
    }

    /// Opens and submits one, has it authorised or refused, and leaves the rest to its boxes.
    pub fn ask(&mut self, request: &mut Request) -> Done<()> {
        let (mut from, mut to) = self.span(request.cameras[0])?;
        if request.fate == Fate::Nothing {
            (from, to) = (from.plus_ms(-300 * DAY_MS), to.plus_ms(-300 * DAY_MS));
        }
        let operator = self.by(if request.is_brooks() { "bea" } else { "pat" });
        let n = request.n;
        let mut body = json!({
            "class": request.class, "cameras": request.cameras, "from": from.to_string(), "to": to.to_string(),
            "purpose": format!("Purpose of {n}"), "reference": format!("CRIME-{n:03}"), "requester": format!("Requester no {n}"),
        });
        if matches!(request.class, "statutory" | "solicitor") {
            body["order"] = format!("Order {n}").into();
        }
        if matches!(request.class, "data-subject" | "other") {
            body["identity"] = "passport seen".into();
        }
        let opened = operator.post("/requests", body)?;
        request.name = opened["request"].as_str().unwrap_or_default().to_owned();
        let path = |act: &str| format!("/requests/{}/{act}", request.name);
        if request.fate == Fate::Mistake {
            let why = json!({"why": "mistake", "note": "another camera was meant"});
            return operator.post(&path("cancel"), why).map(drop);
        }
        let submitted = operator.ask(&path("submit"), Some(&json!({})))?;
        if request.fate == Fate::Nothing {
            return submitted.refused("nothing was recorded then").map(drop);
        }
        submitted.well("submit")?;
        if !request.second_person() {
            return Ok(());
        }
        // Whoever asked is nobody's second person; an operator is none at all.
        operator
            .ask(&path("authorise"), Some(&json!({})))?
            .refused("an operator authorises")?;
        let kim = self.by("kim");
        match request.fate {
            Fate::Refused => {
                let why = json!({"why": "disproportionate", "note": "a minute is enough"});
                kim.post(&path("refuse"), why).map(drop)
            }
            Fate::Forgotten => Ok(()),
            _ => kim.post(&path("authorise"), json!({})).map(drop),
        }
    }

    /// Waits until all that is to come has come, and has it looked at, handed over and closed.
    pub fn collect(&mut self, requests: &[&Request]) -> Done<()> {
        let dee = &self.people["dee"];
        wait::until("all that was asked for is there", 90, || {
            let rows = dee.all("/requests")?;
            let state = |name: &str| {
                let row = rows.iter().find(|row| row["request"] == name);
                row.map(|row| row["state"].to_string()).unwrap_or_default()
            };
            let open: Vec<String> = requests
                .iter()
                .map(|r| (r.name.clone(), state(&r.name)))
                .filter(|(_, state)| state != "\"Ready\"")
                .map(|(name, state)| format!("{name} {state}"))
                .collect();
            match open.is_empty() {
                true => Ok(Look::Yes(())),
                false
                    if open
                        .iter()
                        .any(|o| o.contains("Failed") || o.contains("Partial")) =>
                {
                    Err(Trouble(format!("{rows:#?}")))
                }
                false => Ok(Look::NotYet(open.join(", "))),
            }
        })?;
        for request in requests {
            let operator = &self.people[if request.is_brooks() { "bea" } else { "pat" }];
            let row = operator.get(&format!("/requests/{}", request.name))?;
            for camera in row["cameras"].as_array().into_iter().flatten() {
                let exhibit = camera["exhibit"].as_str().unwrap_or_default().to_owned();
                let why = json!({"purpose": "Purpose of looking", "reference": format!("CRIME-{:03}", request.n)});
                let path = |act: &str| format!("/clips/{exhibit}/{act}");
                let no_reason = json!({"purpose": " ", "reference": "CRIME"});
                operator
                    .ask(&path("view"), Some(&no_reason))?
                    .refused("no purpose")?;
                operator.post(&path("view"), why.clone())?;
                let done = self.tally.entry(exhibit.clone()).or_default();
                done.views += 1;
                if request.fate == Fate::Collected {
                    if request.class == "media" {
                        // EVI-9: nothing goes to media before somebody has said what for.
                        operator
                            .ask(&path("save"), Some(&why))?
                            .refused("no release document")?;
                        let release = json!({"document": "Release 7", "uses": "an appeal", "limits": "until the new year"});
                        dee.post(&format!("/exhibits/{exhibit}/media"), release)?;
                    }
                    operator.post(&path("save"), why)?;
                    done.saves += 1;
                }
            }
            if request.fate == Fate::Collected {
                let path = |act: &str| format!("/requests/{}/{act}", request.name);
                operator
                    .ask(&path("close"), Some(&json!({"why": "handed-over"})))?
                    .refused("it was not released")?;
                operator.post(
                    &path("release"),
                    json!({"to": format!("Requester no {}", request.n)}),
                )?;
                operator.post(&path("close"), json!({"why": "handed-over"}))?;
            }
        }
        Ok(())
    }

    /// An exhibit of the first request that was fetched, and its request.
    pub fn exhibit_of(&self, request: &Request) -> Done<String> {
        let row = self.by("dee").get(&format!("/requests/{}", request.name))?;
        let exhibit = row["cameras"][0]["exhibit"].as_str();
        Ok(exhibit.ok_or_else(|| Trouble(format!("{row}")))?.to_owned())
    }

    pub fn own_lines(&self) -> Done<Vec<Value>> {
        let mut lines = Vec::new();
        for file in places::files_below(&self.hub.own_log(), ".jsonl") {
            let text = fs::read_to_string(&file).told(file.display())?;
            for line in text.lines() {
                lines.push(serde_json::from_str(line)?);
            }
        }
        Ok(lines)
    }
}

/// Environment of programs for which it is ten in the morning of that day.
pub fn clock_of(day: Day) -> Done<Vec<(String, String)>> {
    let at = Zone::utc().start_of(day).plus_ms(10 * 3_600_000);
    town::clock(&format!("{:+}", (at.0 - wait::now().0) / 1000))
}

/// Name and password of the second account.
pub fn second_of(hub: &Hub) -> Done<(String, String)> {
    let [_, name, _, file] = hub.as_second();
    let password = fs::read_to_string(Path::new(file)).told("the second password")?;
    Ok((name.to_string_lossy().into_owned(), password))
}
