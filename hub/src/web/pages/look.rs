//! Wiring. Look before you take: footage of a camera, watched as it arrives and not kept.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Path, State},
    response::Response,
};
use serde::Deserialize;
use shared::id::{BoxCamera, BoxName, CameraId};

use crate::{
    error::HubError,
    ops::looks::{self, LookRow},
    reason::{Clips, Pages},
    viewing::looks::MOST_MINUTES,
    web::{
        context::{App, Outcome, Refusal, SignedIn},
        parts::Frame,
    },
};

#[derive(Template)]
#[template(path = "look.html")]
struct LookPage {
    frame: Frame,
    camera: String,
    most: i64,
    /// The name of the look; empty while there is none.
    look: String,
    from: String,
    to: String,
    problem: String,
    typed: LookForm,
}

#[derive(Clone, Default, Deserialize)]
pub struct LookForm {
    #[serde(default)]
    form: String,
    from: String,
    to: String,
    purpose: String,
    reference: String,
    #[serde(default)]
    present: String,
}

fn camera((name, cam): &(String, String)) -> Result<BoxCamera, Refusal> {
    match (BoxName::parse(name), CameraId::parse(cam)) {
        (Ok(r#box), Ok(cam)) => Ok(BoxCamera { r#box, cam }),
        _ => Err(Refusal::because(Pages::NoSuchCamera)),
    }
}

fn answer(
    app: &App,
    who: &SignedIn,
    camera: &BoxCamera,
    begun: Option<&LookRow>,
    (outcome, typed): (Outcome, LookForm),
) -> Result<Response, Refusal> {
    let zone = app.zone();
    let shown = LookPage {
        frame: who.frame(app, ""),
        camera: camera.to_string(),
        most: MOST_MINUTES,
        look: begun.map_or_else(String::new, |l| l.look.clone()),
        from: begun.map_or_else(String::new, |l| l.from.for_people(zone)),
        to: begun.map_or_else(String::new, |l| l.to.for_people(zone)),
        problem: outcome.problem.clone(),
        typed,
    };
    outcome.on(&shown)
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(named): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let nothing = (Outcome::default(), LookForm::default());
    answer(&app, &who, &camera(&named)?, None, nothing)
}

pub async fn begin(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(named): Path<(String, String)>,
    Form(form): Form<LookForm>,
) -> Result<Response, Refusal> {
    who.check_form(&form.form)?;
    let camera = camera(&named)?;
    let time = |text: &str| {
        let typed = app.zone().typed(text);
        typed.map_err(|why| HubError::from(Clips::TimeUnreadable { why }))
    };
    let asked = time(&form.from).and_then(|from| Ok((from, time(&form.to)?)));
    let begun = match asked {
        Err(why) => Err(why),
        Ok((from, to)) => {
            let begin = looks::Begin {
                r#box: camera.r#box.clone(),
                cam: camera.cam.clone(),
                from,
                to,
                purpose: form.purpose.clone(),
                reference: form.reference.clone(),
                present: Some(form.present.clone()),
            };
            app.perform(&who, begin).await
        }
    };
    match begun {
        Ok(look) => {
            let nothing = (Outcome::default(), LookForm::default());
            answer(&app, &who, &camera, Some(&look), nothing)
        }
        Err(why) => {
            let refused = Outcome::of(Err(why))?;
            answer(&app, &who, &camera, None, (refused, form))
        }
    }
}
