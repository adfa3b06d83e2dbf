//! Wiring. The page of masks: what each camera has, when it was looked at last and by whom, and what showed it (MSK-3).

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Query, State},
    response::Response,
};
use shared::time::Zone;

use crate::{
    ops::masks,
    reviews::{Due, MaskRow},
    web::{
        context::{App, Refusal, SignedIn, page},
        leaf::{Leaf, Turn},
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "masks.html")]
struct MasksPage {
    frame: Frame,
    now: String,
    masks: Vec<MaskView>,
    leaf: Leaf,
}

/// Masks on one page.
const MASKS: usize = 100;

struct MaskView {
    camera: String,
    title: String,
    mask: String,
    class: &'static str,
    symbol: &'static str,
    word: &'static str,
    due: String,
    /// (exhibit, by whom and when)
    reviewed: Option<(String, String)>,
}

fn view(m: &MaskRow, zone: &Zone) -> MaskView {
    let day = m.mask.as_ref().and_then(|m| m.review);
    let (class, symbol, word) = match m.due {
        Due::Overdue => ("bad", "✖", "overdue"),
        Due::Soon => ("warn", "▲", "due soon"),
        Due::NoDate => ("warn", "▲", "no date"),
        Due::Later => ("good", "✔", "in date"),
        Due::NoMask => ("unknown", "○", "no mask"),
        Due::Unknown => ("unknown", "○", "unknown"),
    };
    let mask = m.mask.as_ref().map(|m| {
        let how = match m.how.as_str() {
            "camera" => "in the camera, proved by the box",
            _ => "burned in by the box",
        };
        let share = format!("{}.{} % of the picture", m.permille / 10, m.permille % 10);
        let lifted = m.lifted.map(|t| match &m.instead {
            Some(id) => format!(", LIFTED to {id} until {}", t.for_people(zone)),
            None => format!(", LIFTED until {}", t.for_people(zone)),
        });
        format!(
            "{}: {}, {how}, {share}{}",
            m.id,
            m.style,
            lifted.unwrap_or_default()
        )
    });
    MaskView {
        camera: m.camera.clone(),
        title: m.title.clone(),
        mask: mask.unwrap_or_else(|| "–".into()),
        class,
        symbol,
        word,
        due: m
            .due
            .in_words(&day.map(|d| d.to_string()).unwrap_or_default()),
        reviewed: m.reviewed.as_ref().map(|r| {
            let said = format!(
                "mask {}, by {} at {}",
                r.mask,
                r.by,
                r.made.for_people(zone)
            );
            (r.exhibit.clone(), said)
        }),
    }
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let all = app.perform(&who, masks::List {}).await?;
    let (masks, next) = turn.cut(all, MASKS, |m| m.camera.clone());
    page(&MasksPage {
        frame: who.frame(&app, "/masks"),
        now: app.now().for_people(app.zone()),
        masks: masks.iter().map(|m| view(m, app.zone())).collect(),
        leaf: turn.leaf("/masks", next.as_ref()),
    })
}
