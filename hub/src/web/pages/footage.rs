//! Wiring. What footage there is of one camera, day by day.

use std::sync::Arc;

use askama::Template;
use axum::{
    extract::{Path, Query, State},
    response::Response,
};
use shared::id::{BoxName, CameraId};

use crate::{
    access::table,
    ops::{boxes, footage},
    reason::Pages,
    web::{
        context::{App, Refusal, SignedIn, page},
        leaf::{Leaf, Turn},
        parts::{self, Bar, Frame},
    },
};

#[derive(Template)]
#[template(path = "footage.html")]
struct FootagePage {
    frame: Frame,
    camera: String,
    title: String,
    zone: String,
    bars: Vec<Bar>,
    leaf: Leaf,
    /// Whether they may look at it.
    looks: bool,
}

/// Days on one page.
const DAYS: u32 = 31;

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path((name, cam)): Path<(String, String)>,
    Query(turn): Query<Turn>,
) -> Result<Response, Refusal> {
    let (Ok(name), Ok(cam)) = (BoxName::parse(&name), CameraId::parse(&cam)) else {
        return Err(Refusal::because(Pages::NoSuchCamera));
    };
    let wanted = footage::List {
        r#box: name.clone(),
        cam: cam.clone(),
        day: None,
        part: turn.part(DAYS),
    };
    let found = app.perform(&who, wanted).await?;
    let title = match who.may(&table::BOXES, app.now()) {
        true => {
            let of = boxes::List {
                r#box: Some(name),
                ..boxes::List::default()
            };
            let found = app.perform(&who, of).await?.rows.into_iter();
            found
                .flat_map(|b| b.cameras)
                .find(|c| c.cam == cam)
                .map(|c| c.title)
        }
        false => None,
    };
    page(&FootagePage {
        frame: who.frame(&app, ""),
        title: title.unwrap_or_default(),
        leaf: turn.leaf(&format!("/footage/{}", found.camera), found.next.as_ref()),
        bars: found
            .days
            .iter()
            .map(|d| parts::bar(d, app.zone()))
            .collect(),
        camera: found.camera,
        zone: found.zone,
        looks: who.may(&table::LOOK, app.now()),
    })
}
