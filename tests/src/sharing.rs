//! Task. What clips leave of a thin line: to the audit log, to orders, to other clips, to other people's TCP. The suite `priority` asks for a
//! short slice of it, the bench for more.
use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{Done, Told, Trouble, args, hub::Hub, line::Line, town::Town, wait};

/// Asks for a clip and does not wait for it; its exhibit.
///
/// # Errors
/// It was refused.
pub fn asked(hub: &Hub, camera: &str, (from, to): (&str, &str), urgent: bool) -> Done<String> {
    let mut words = args![
        "request",
        "open",
        "--class",
        "police",
        "--camera",
        camera,
        "--from",
        from,
        "--to",
        to,
        "--purpose",
        "Investigation of a theft",
        "--reference",
        "CRIME-26-000417",
        "--requester",
        "PC 1234 Evans",
        "--submit",
        "--json"
    ]
    .to_vec();
    if urgent {
        words.push("--urgent".as_ref());
    }
    let said = hub.ask(&words)?.well("request open")?;
    let row: Value = serde_json::from_str(&said.out)?;
    let exhibit = row["cameras"][0]["exhibit"].as_str();
    let exhibit = exhibit.ok_or_else(|| Trouble(format!("no exhibit: {}", said.out)))?;
    Ok(exhibit.to_owned())
}

/// The row of an exhibit.
///
/// # Errors
/// There is none.
pub fn clip(hub: &Hub, exhibit: &str) -> Done<Value> {
    let said = hub
        .ask(args!["clip", "list", "--json"])?
        .well("clip list")?;
    let all: Vec<Value> = serde_json::from_str(&said.out)?;
    let found = all.into_iter().find(|c| c["ref"] == exhibit);
    found.ok_or_else(|| Trouble(format!("no clip {exhibit}")))
}

/// Bytes of an exhibit that are here.
///
/// # Errors
/// There is none.
pub fn came(hub: &Hub, exhibit: &str) -> Done<u64> {
    Ok(clip(hub, exhibit)?["bytes"].as_u64().unwrap_or(0))
}

/// Waits until a clip stands so.
///
/// # Errors
/// It did not in time.
pub fn stands(hub: &Hub, exhibit: &str, secs: u64, wanted: impl Fn(&Value) -> bool) -> Done<Value> {
    wait::until(&format!("the clip {exhibit}"), secs, || {
        let row = clip(hub, exhibit)?;
        Ok(if wanted(&row) {
            wait::Look::Yes(row)
        } else {
            wait::Look::NotYet(format!("{} {}", row["state"], row["why"]))
        })
    })
}

/// What two clips get of the line in the same while, in bytes.
///
/// # Errors
/// One of them is not there.
pub fn shares(hub: &Hub, (a, b): (&str, &str), during: Duration) -> Done<(u64, u64)> {
    let (a0, b0) = (came(hub, a)?, came(hub, b)?);
    thread::sleep(during);
    Ok((
        came(hub, a)?.saturating_sub(a0),
        came(hub, b)?.saturating_sub(b0),
    ))
}

/// The size of the log that a head in its folder is of.
fn head(town: &Town, file: &str) -> u64 {
    let text = fs::read_to_string(town.log().join(file)).unwrap_or_default();
    text.lines()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0)
}

/// How long the heads that a box signs in that while wait for their countersignature: the longest.
///
/// # Errors
/// None was signed, or one was not countersigned.
pub fn countersigned(town: &Town, during: Duration) -> Done<Duration> {
    let began = Instant::now();
    let mut open: Vec<(u64, Instant)> = Vec::new();
    let (mut newest, mut longest, mut heads) = (head(town, "head.note"), Duration::ZERO, 0);
    while began.elapsed() < during || !open.is_empty() {
        let (signed, done) = (head(town, "head.note"), head(town, "cosigned.note"));
        if signed > newest && began.elapsed() < during {
            newest = signed;
            heads += 1;
            open.push((signed, Instant::now()));
        }
        open.retain(|(size, at)| {
            if done >= *size {
                longest = longest.max(at.elapsed());
            }
            done < *size
        });
        if began.elapsed() > during + Duration::from_secs(60) {
            return Err(Trouble(format!(
                "{} heads were not countersigned",
                open.len()
            )));
        }
        thread::sleep(Duration::from_millis(20));
    }
    match heads {
        0 => Err(Trouble::new("no head was signed")),
        _ => Ok(longest),
    }
}

/// How long a box takes to obey an order that is for now: a hold of a span.
///
/// # Errors
/// It was refused.
pub fn obeyed(hub: &Hub, camera: &str, (from, to): (&str, &str)) -> Done<Duration> {
    let said = hub
        .ask(args![
            "hold",
            "add",
            camera,
            from,
            to,
            "--reason",
            "robbery",
            "--authority",
            "PACE s19",
            "--reference",
            "CR/1",
            "--days",
            "40"
        ])?
        .well("hold add")?;
    let began = Instant::now();
    let id = said.out.split_whitespace().find(|w| w.starts_with("H-"));
    let id = id.ok_or_else(|| Trouble(format!("no hold: {}", said.out)))?;
    let id = id
        .trim_matches(|c: char| !c.is_alphanumeric() && c != '-')
        .to_owned();
    wait::until("the hold is placed", 30, || {
        let said = hub
            .ask(args!["hold", "show", id, "--json"])?
            .well("hold show")?;
        let row: Value = serde_json::from_str(&said.out)?;
        Ok(row["state"] == "placed")
    })?;
    Ok(began.elapsed())
}

/// What a transfer of others gets over the line beside clips, in Mbit/s.
///
/// # Errors
/// It broke off.
pub fn beside(line: &Line, bytes: usize) -> Done<f64> {
    let took = line.tcp(bytes, "bbr").told("TCP beside clips")?;
    Ok(bytes as f64 * 8e-6 / took.as_secs_f64())
}
