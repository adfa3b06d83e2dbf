//! Wiring. What a hub carries.
//!
//! `hub.pages`, `hub.start`: a hub with a year of 155 cameras' metadata (`county`): the time within which 19 of 20 answers of its slowest
//! page are whole, and from the start of its process to its first answer.
use std::time::Duration;

use beadle_tests::{Done, county::county, figure::Figure};

/// A hub with a county's year.
pub fn pages(_: u64) -> Done<Vec<Figure>> {
    let county = county()?;
    let ms = |t: Duration| t.as_secs_f64() * 1000.0;
    let slowest = county
        .pages
        .iter()
        .map(|(_, t)| ms(t.p95))
        .fold(0.0, f64::max);
    let mut figures = vec![
        Figure::new("hub.pages", "", slowest, "ms, the slowest page").at_most(100.0),
        Figure::new("hub.start", "", county.start.as_secs_f64(), "s").at_most(3.0),
        Figure::new("hub.pages", ".disk", county.bytes as f64 / 1e9, "GB"),
        Figure::new(
            "hub.pages",
            ".segments",
            county.segments as f64 / 1e6,
            "million rows",
        ),
    ];
    let each = county.pages.iter();
    figures.extend(each.flat_map(|(page, t)| {
        [
            Figure::new("hub.pages", page, ms(t.p95), "ms"),
            Figure::new("hub.pages", page, ms(t.p50), "ms, the middle one"),
            Figure::new("hub.pages", page, ms(t.cpu), "ms of processor"),
        ]
    }));
    Ok(figures)
}
