//! Pure. What the log says of privacy masks: how each stretch was hidden, what was lifted, for how long and by whom.
use shared::{
    time::{Day, Utc},
    types::{MaskEnd, MaskFail, MaskLift, MaskSet},
};

use super::{Facts, LogLine, of};

/// A run of masters under one mask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub from: Utc,
    pub to: Utc,
    pub mask: Imposition,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Imposition {
    None,
    /// Decoded, painted over and encoded anew by the recorder. `style`: solid, pixelated.
    Burned {
        mask: String,
        style: Option<String>,
    },
    /// The camera's own, tested on so many key pictures.
    Proved {
        mask: String,
        style: Option<String>,
        tested: u64,
    },
    /// What it covers is visible, but for what the other one covers.
    Lifted {
        mask: String,
        instead: Option<String>,
    },
    /// A word that this release does not know.
    Other {
        mask: String,
        how: String,
    },
}

/// What a mask covers, by its `mask.set` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    pub mask: String,
    /// Thousandths of the picture.
    pub permille: u64,
    pub review: Option<Day>,
    /// The hub's order that set it.
    pub order: Option<u64>,
}

/// A mask was not imposed for a time, by its `mask.lift` line and what followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    pub mask: String,
    /// Another mask hid meanwhile, and so many thousandths of the picture.
    pub instead: Option<(String, u64)>,
    pub by: Vec<String>,
    /// As it was typed in; else the hash that the log has.
    pub authority: Result<String, String>,
    pub from: Utc,
    /// None: no line of the package says that it ended.
    pub ended: Option<(Utc, String)>,
    pub at_the_latest: Utc,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    pub stretches: Vec<Stretch>,
    pub covers: Vec<Cover>,
    pub lifts: Vec<Lift>,
    /// Masks that the configuration has no more.
    pub gone: Vec<(String, Utc)>,
    /// Stretches that were not recorded, since a mask was not proved on them.
    pub failed: Vec<(String, Utc, Utc)>,
}

pub(super) fn masks(f: &Facts<'_>) -> Masks {
    let mut covers: Vec<Cover> = Vec::new();
    // Each is recorded once a start: what they say of one mask is said once.
    for (_, d) in of::<MaskSet>(f) {
        let cover = Cover {
            mask: d.mask,
            permille: d.permille,
            review: d.review,
            order: d.order,
        };
        if !covers.contains(&cover) {
            covers.push(cover);
        }
    }
    let ends: Vec<_> = of::<MaskEnd>(f).collect();
    let lifts: Vec<_> = of::<MaskLift>(f).collect();
    let gone = ends.iter().filter(|(e, end)| {
        let lifted = |(k, d): &(&LogLine, MaskLift)| e.n() > k.n() && d.mask == end.mask;
        end.why == "config" || !lifts.iter().any(lifted)
    });
    let gone = gone.map(|(k, end)| (end.mask.clone(), k.record.t));
    let gone = gone.collect();
    let failed = of::<MaskFail>(f).map(|(_, d)| (d.mask, d.t0, d.t1));
    let lift = |(k, d): (&LogLine, MaskLift)| {
        let known = f.request.authorities.get(&d.authority).cloned();
        let ended = ends
            .iter()
            .find(|(e, end)| e.n() > k.n() && end.mask == d.mask);
        Lift {
            authority: known.ok_or(d.authority),
            ended: ended.map(|(e, end)| (e.record.t, end.why.clone())),
            from: k.record.t,
            at_the_latest: d.until,
            instead: d.instead.zip(d.permille),
            mask: d.mask,
            by: d.by,
        }
    };
    Masks {
        stretches: stretches(f),
        covers,
        lifts: lifts.into_iter().map(lift).collect(),
        gone,
        failed: failed.collect(),
    }
}

fn stretches(f: &Facts<'_>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for m in f.masters {
        let (name, how) = (m.line.mask.as_deref(), m.line.how.as_str());
        let style = || {
            of::<MaskSet>(f)
                .filter(|(k, d)| Some(d.mask.as_str()) == name && k.n() < m.n)
                .last()
                .and_then(|(_, d)| d.style)
        };
        let mask = name.unwrap_or_default().to_owned();
        let mask = match (name, how) {
            (None, _) => Imposition::None,
            (_, "burned") => Imposition::Burned {
                mask,
                style: style(),
            },
            (_, "proved") => Imposition::Proved {
                mask,
                style: style(),
                tested: m.line.proofs,
            },
            (_, "lifted") => Imposition::Lifted {
                instead: of::<MaskLift>(f)
                    .filter(|(k, d)| d.mask == mask && k.n() < m.n)
                    .last()
                    .and_then(|(_, d)| d.instead),
                mask,
            },
            (_, how) => Imposition::Other {
                mask,
                how: how.to_owned(),
            },
        };
        // One sentence for a run of segments under one mask, so that a change back is said too.
        let Some(last) = all.last_mut().filter(|last| last.mask.goes_on_as(&mask)) else {
            all.push(Stretch {
                from: m.line.t0,
                to: m.line.t1,
                mask,
            });
            continue;
        };
        last.to = m.line.t1;
        if let (Imposition::Proved { tested, .. }, Imposition::Proved { tested: more, .. }) =
            (&mut last.mask, mask)
        {
            *tested = tested.saturating_add(more);
        }
    }
    all
}

impl Imposition {
    fn goes_on_as(&self, next: &Self) -> bool {
        match (self, next) {
            (
                Self::Proved { mask, style, .. },
                Self::Proved {
                    mask: other,
                    style: its,
                    ..
                },
            ) => (mask, style) == (other, its),
            _ => self == next,
        }
    }
}
