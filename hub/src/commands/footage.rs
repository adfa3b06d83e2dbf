//! Wiring. `beadle-hub footage list`: what exists, gaps, masks, days left.

use clap::Subcommand;
use shared::{
    id::BoxCamera,
    time::{Day, Utc, Zone},
};

use super::{client::Client, terminal::print_json};
use crate::{days::MOST, failure::CommandError, list::Part, ops::footage, rows::DayRow};

#[derive(Subcommand)]
pub enum Command {
    /// Days of a camera, newest first; with --day also its gaps
    List {
        /// BOX/CAM
        #[arg(long)]
        camera: String,
        /// Local day, YYYY-MM-DD
        #[arg(long)]
        day: Option<String>,
        #[arg(long)]
        json: bool,
    },
}

/// Characters a day's bar has: one for each half hour.
const BAR: i64 = 48;

pub fn run(hub: &Client, command: Command) -> Result<(), CommandError> {
    let Command::List { camera, day, json } = command;
    let plain = |e: &dyn std::fmt::Display| CommandError::Plain(e.to_string());
    let camera = BoxCamera::parse(&camera).map_err(|e| plain(&e))?;
    let day = day
        .map(|d| Day::parse(&d))
        .transpose()
        .map_err(|e| plain(&e))?;
    let mut part = Part::of(u32::try_from(MOST).unwrap_or(1));
    let ask = |part: &Part| {
        hub.ask(&footage::List {
            r#box: camera.r#box.clone(),
            cam: camera.cam.clone(),
            day,
            part: part.clone(),
        })
    };
    let mut footage = ask(&part)?;
    while let Some(next) = footage.next.take() {
        part.after = Some(next);
        let more = ask(&part)?;
        footage.days.extend(more.days);
        footage.next = more.next;
    }
    if json {
        return print_json(&footage);
    }
    let zone = Zone::parse(&footage.zone).map_err(|e| plain(&e))?;
    println!(
        "{}   times in {}   # recorded, m masked, + part of the half hour, . nothing, x deleted",
        footage.camera, footage.zone
    );
    if footage.days.is_empty() {
        println!(
            "no footage is known to the hub{}",
            day.map_or(String::new(), |d| format!(" for {d}"))
        );
    }
    for row in &footage.days {
        let left = row
            .days_left
            .map_or(String::new(), |d| format!("   {d} days left"));
        println!(
            "{}  |{}|  {:>6} MiB{left}",
            row.day,
            bar(row),
            row.bytes >> 20
        );
        if day.is_some() {
            detail(row, &zone);
        }
    }
    Ok(())
}

fn bar(row: &DayRow) -> String {
    let length = (row.to.0 - row.from.0).max(1);
    (0..BAR)
        .map(|i| {
            let (a, b) = (
                row.from.0 + length * i / BAR,
                row.from.0 + length * (i + 1) / BAR,
            );
            let overlap = |t0: Utc, t1: Utc| (t1.0.min(b) - t0.0.max(a)).max(0);
            let there = row
                .spans
                .iter()
                .map(|s| overlap(s.t0, s.t1))
                .fold(0, i64::saturating_add);
            let masked = row
                .spans
                .iter()
                .any(|s| s.mask.is_some() && overlap(s.t0, s.t1) > 0);
            match () {
                () if there == 0 && row.deleted => 'x',
                () if there == 0 => '.',
                () if masked => 'm',
                () if there * 100 < (b - a) * 99 => '+',
                () => '#',
            }
        })
        .collect()
}

fn detail(row: &DayRow, zone: &Zone) {
    for s in &row.spans {
        let mask = s
            .mask
            .as_deref()
            .map_or("no mask".into(), |m| format!("mask {m} ({})", s.how));
        println!(
            "  from {} to {}   {} segments, {mask}",
            s.t0.for_people(zone),
            s.t1.for_people(zone),
            s.segments
        );
    }
    for g in &row.gaps {
        println!(
            "  gap  {} to {}   {} ({} packets lost)",
            g.t0.for_people(zone),
            g.t1.for_people(zone),
            g.why,
            g.packets
        );
    }
}
