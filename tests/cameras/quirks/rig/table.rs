//! Adapter: filesystem. What came of the cases: a table for whoever reads the output, JSON for the docs.
use std::fs;

use beadle_tests::{Done, Told as _, places};
use serde_json::json;

use super::judge::Row;

pub fn print(name: &str, rows: &[Row]) {
    println!("\n{name}: {} cameras", rows.len());
    println!(
        "  {:<28} {:<5} {:>5} {:>5} {:>7} {:>4}  gaps; faults; what is wrong",
        "case", "kind", "sent", "kept", "ms off", "play"
    );
    for row in rows {
        println!(
            "{} {:<28} {:<5} {:>5} {:>5} {:>7} {:>4}  {}; {}; {}",
            if row.wrong.is_empty() { ' ' } else { '!' },
            row.name,
            row.kind,
            row.sent,
            row.kept,
            row.worst_ms,
            row.sessions,
            row.gaps.join(" "),
            row.faults.join(" "),
            row.wrong.join(", ")
        );
    }
}

/// `target/quirks/NAME.json`.
pub fn write(name: &str, rows: &[Row]) -> Done<()> {
    let folder = places::target().join("quirks");
    fs::create_dir_all(&folder).told(folder.display())?;
    let all: Vec<_> = rows
        .iter()
        .map(|r| {
            json!({
                "case": r.name, "kind": r.kind, "sent": r.sent, "kept": r.kept, "worst_ms": r.worst_ms, "sessions": r.sessions,
                "gaps": r.gaps, "faults": r.faults, "wrong": r.wrong,
            })
        })
        .collect();
    let path = folder.join(format!("{name}.json"));
    fs::write(&path, serde_json::to_vec_pretty(&all)?).told(path.display())
}
