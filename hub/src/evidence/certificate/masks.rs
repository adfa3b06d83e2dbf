//! Pure. What a certificate says of privacy masks: how each stretch was hidden, what was lifted, for how long and by whom.
use shared::types::{MaskEnd, MaskFail, MaskLift, MaskSet};

use super::*;

pub(super) fn masks(f: &Facts<'_>) -> String {
    let zone = &f.request.zone;
    let mut parts: Vec<String> = Vec::new();
    let mut last = None;
    let mut proofs = 0;
    for m in f.masters {
        let (mask, how) = (m.line.mask.as_deref(), m.line.how.as_str());
        // What is painted while it is lifted.
        let instead = of::<MaskLift>(f)
            .filter(|(k, d)| how == "lifted" && Some(d.mask.as_str()) == mask && k.record.n < m.n)
            .last()
            .and_then(|(_, d)| d.instead);
        let same = last == Some((mask, how, instead.clone()));
        // One sentence for a run of segments under one mask, so that a change back is said too.
        if same && how != "proved" {
            continue;
        }
        if same {
            parts.pop();
        } else {
            proofs = 0;
        }
        proofs += m.line.proofs;
        let but = instead.as_ref().map_or_else(String::new, |id| {
            format!(
                " but for what {} covers, painted in its place",
                plain(id, 20)
            )
        });
        last = Some((mask, how, instead));
        let name = plain(mask.unwrap_or_default(), 20);
        let style = of::<MaskSet>(f)
            .filter(|(k, d)| Some(d.mask.as_str()) == mask && k.record.n < m.n)
            .last()
            .and_then(|(_, d)| d.style)
            .map_or_else(String::new, |s| format!(" ({})", plain(&s, 20)));
        let from = m.line.t0.for_people(zone);
        parts.push(match (mask, how) {
            (None, _) => "no mask configured".to_owned(),
            (_, "burned") => {
                format!("mask {name}{style} painted into the picture before recording, from {from}")
            }
            (_, "proved") => format!(
                "mask {name}{style} set in the camera and proved on the recorded pictures, {proofs} key pictures tested, from {from}"
            ),
            (_, "lifted") => format!(
                "mask {name} LIFTED by order of two people: what it covers is visible{but}, from {from}"
            ),
            (_, how) => format!("mask {name} ({})", plain(how, 20)),
        });
    }
    // Each recorded once a start: what they say of one mask is said once.
    let mut said: Vec<String> = Vec::new();
    for (_, d) in of::<MaskSet>(f) {
        let review = d
            .review
            .map_or_else(String::new, |day| format!(", to be reviewed {day}"));
        let order = d
            .order
            .map_or_else(String::new, |n| format!(", set by the hub's order {n}"));
        let text = format!(
            "{} covers {}.{} % of the picture{review}{order}",
            plain(&d.mask, 20),
            d.permille / 10,
            d.permille % 10
        );
        if !said.contains(&text) {
            said.push(text);
        }
    }
    parts.extend(said);
    let ends: Vec<_> = of::<MaskEnd>(f).collect();
    parts.extend(of::<MaskLift>(f).map(|(k, d)| {
        let authority = match f.request.authorities.get(&d.authority) {
            Some(text) => plain(text, 60),
            None => format!("on record as {}…", plain(&d.authority, 12)),
        };
        let end = ends
            .iter()
            .find(|(e, end)| e.record.n > k.record.n && end.mask == d.mask)
            .map_or_else(
                || format!("until {} at the latest", d.until.for_people(zone)),
                |(e, end)| {
                    let why = match end.why.as_str() {
                        "time" => "its time was over",
                        "order" => "ended by order",
                        "clock" => "ended by a restart",
                        other => other,
                    };
                    format!("to {} ({})", e.record.t.for_people(zone), plain(why, 40))
                },
            );
        let instead = match (&d.instead, d.permille) {
            (Some(id), Some(p)) => format!(
                " to {}, which hides {}.{} % of the picture,",
                plain(id, 20),
                p / 10,
                p % 10
            ),
            _ => String::new(),
        };
        format!(
            "{} lifted{instead} by {} under authority {authority}, from {} {end}",
            plain(&d.mask, 20),
            plain(&d.by.join(" and "), 40),
            k.record.t.for_people(zone)
        )
    }));
    let lifts: Vec<_> = of::<MaskLift>(f).collect();
    parts.extend(
        ends.iter()
            .filter(|(e, end)| {
                end.why == "config"
                    || !lifts
                        .iter()
                        .any(|(k, d)| k.record.n < e.record.n && d.mask == end.mask)
            })
            .map(|(k, d)| {
                format!(
                    "{} ended {}",
                    plain(&d.mask, 20),
                    k.record.t.for_people(zone)
                )
            }),
    );
    parts.extend(of::<MaskFail>(f).map(|(_, d)| {
        format!(
            "{} failed its check from {} to {}; those pictures were not recorded",
            plain(&d.mask, 20),
            d.t0.for_people(zone),
            d.t1.for_people(zone)
        )
    }));
    list(parts, "none on record", 12)
}
