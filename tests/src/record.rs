//! Pure. What a box's log says of its footage: every stretch without any is declared.
use serde_json::Value;

use crate::{Done, Trouble, hub::time, town::Town};

/// Two pictures further apart than this have a gap between them.
const CONTINUOUS_MS: i64 = 500;

/// An error if a camera's footage stops for more than half a second without a `seg.gap` that covers it. Says what it counted.
pub fn declared(town: &Town) -> Done<()> {
    for cam in &town.cameras {
        let (segments, gaps) = (
            town.lines_of("seg.write", Some(cam)),
            town.lines_of("seg.gap", Some(cam)),
        );
        undeclared(&segments, &gaps).map_err(|what| Trouble(format!("{cam}: {what}")))?;
        println!(
            "  {cam}: {} segments, {} gaps declared",
            segments.len(),
            gaps.len()
        );
    }
    Ok(())
}

/// An error names the first stretch that no line declares.
pub fn undeclared(segments: &[Value], gaps: &[Value]) -> Done<()> {
    let mut before = None;
    for line in segments {
        let (t0, t1) = (time(&line["data"]["t0"])?, time(&line["data"]["t1"])?);
        if let Some(end) = before.filter(|end: &shared::time::Utc| t0.0 - end.0 > CONTINUOUS_MS) {
            let covered = gaps.iter().any(|g| {
                matches!((time(&g["data"]["t0"]), time(&g["data"]["t1"])), (Ok(a), Ok(b)) if a <= end && b >= t0)
            });
            if !covered {
                return Err(Trouble(format!(
                    "nothing from {end} to {t0}, and no line says so"
                )));
            }
        }
        before = Some(t1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// REC-1: what the soaks fail on.
    #[test]
    fn a_stretch_that_no_line_declares_is_found() {
        let span = |a: u32, b: u32| json!({"data": {"t0": format!("2026-11-22T10:00:{a:02}.000Z"), "t1": format!("2026-11-22T10:00:{b:02}.000Z")}});
        let segments = [span(0, 10), span(10, 20), span(25, 30)];
        assert!(undeclared(&segments[..2], &[]).is_ok());
        assert!(undeclared(&segments, &[span(20, 25)]).is_ok());
        assert!(undeclared(&segments, &[]).is_err());
        assert!(
            undeclared(&segments, &[span(21, 25)]).is_err(),
            "all of it has to be"
        );
    }
}
