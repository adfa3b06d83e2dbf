//! Wiring. Watching: footage of one camera or several side by side, on one clock, as it arrives from boxes or out of packages; and why it is
//! watched, which is asked once and on the log before the first picture.

use std::sync::Arc;

use askama::Template;
use axum::{
    Form,
    extract::{Query, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Redirect, Response},
};
use futures::future::join_all;
use shared::{
    id::{BoxCamera, ExhibitRef},
    time::Utc,
};

use crate::{
    error::HubError,
    hub::sessions::Reason,
    model::pull,
    ops::{boxes, clips, looks},
    reason::{Clips, class::Class},
    rows::ExhibitRow,
    viewing::looks::MOST_MINUTES,
    web::{
        context::{App, Outcome, Refusal, SignedIn},
        guard,
        parts::Frame,
        watched::Watched,
    },
    words::label::Label,
};

/// One film of the page.
struct FilmView {
    camera: String,
    title: String,
    /// Where it comes from.
    film: String,
    /// How that stands; empty: it is not of what still arrives.
    look: String,
    /// The exhibit it is of; empty: of none.
    exhibit: String,
    /// Milliseconds.
    from: i64,
    to: i64,
    what: Label,
}

#[derive(Template)]
#[template(path = "watch.html")]
struct WatchPage {
    frame: Frame,
    watched: Watched,
    films: Vec<FilmView>,
    /// Why some of it cannot be watched.
    missing: Vec<String>,
    /// Why it is watched is to be said first.
    asks: bool,
    /// There is neither a film nor anything to ask about.
    nothing: bool,
    most: Label,
    zone: String,
    problem: String,
    typed: Reasons,
}

/// What somebody wrote into the form that asks why.
#[derive(Clone, Default)]
struct Reasons {
    form: String,
    purpose: String,
    reference: String,
    present: String,
}

impl Reasons {
    fn of(fields: &[(String, String)]) -> Self {
        let field = |name: &str| {
            let found = fields.iter().find(|(n, _)| n == name);
            found.map_or_else(String::new, |(_, value)| value.clone())
        };
        Self {
            form: field("form"),
            purpose: field("purpose"),
            reference: field("reference"),
            present: field("present"),
        }
    }

    fn reason(&self) -> Reason {
        Reason {
            purpose: self.purpose.clone(),
            reference: self.reference.clone(),
            present: Some(self.present.clone()),
        }
    }
}

async fn title(app: &App, who: &SignedIn, camera: &BoxCamera) -> Result<String, HubError> {
    let of = boxes::List {
        r#box: Some(camera.r#box.clone()),
        ..boxes::List::default()
    };
    let rows = app.perform(who, of).await?.rows.into_iter();
    let found = rows.flat_map(|b| b.cameras).find(|c| c.cam == camera.cam);
    Ok(found.map_or_else(String::new, |c| c.title))
}

/// What of a page can be watched now.
#[derive(Default)]
struct Found {
    films: Vec<FilmView>,
    missing: Vec<String>,
    /// Why it is watched has not been said, or too long ago.
    unsaid: bool,
    /// What the first of its exhibits was asked for.
    asked: Option<Reasons>,
}

impl Found {
    async fn look(&mut self, app: &App, who: &SignedIn, look: &str) -> Result<(), HubError> {
        let show = looks::Show { look: look.into() };
        let row = match app.perform(who, show).await {
            Ok(row) => row,
            Err(e) if e.class() == Class::Missing => {
                self.missing.push(e.sentence());
                return Ok(());
            }
            Err(e) => return Err(e),
        };
        let camera = BoxCamera {
            r#box: row.r#box,
            cam: row.cam,
        };
        self.films.push(FilmView {
            title: title(app, who, &camera).await?,
            camera: camera.to_string(),
            film: format!("/api/v1/looks/{look}/film"),
            look: format!("/api/v1/looks/{look}"),
            exhibit: String::new(),
            from: row.from.0,
            to: row.to.0,
            what: Label::WatchedLook,
        });
        Ok(())
    }

    async fn exhibit(
        &mut self,
        app: &App,
        who: &SignedIn,
        exhibit: &ExhibitRef,
    ) -> Result<(), HubError> {
        let exhibit = exhibit.clone();
        let row = app
            .perform(
                who,
                clips::Show {
                    exhibit: exhibit.clone(),
                },
            )
            .await?;
        self.asked.get_or_insert_with(|| Reasons {
            purpose: row.purpose.clone().unwrap_or_default(),
            reference: row.reference.clone().unwrap_or_default(),
            ..Reasons::default()
        });
        let said = who.session().may_view(&row.r#ref, app.now());
        let arrives = [pull::State::Fetching, pull::State::Verifying]
            .iter()
            .any(|s| s.as_str() == row.state);
        let look = match arrives {
            true => app.hub.looks.at(&exhibit, &who.person().op()),
            false => None,
        };
        let rests = row.package.is_some() && row.state != "Disposed";
        match (&look, rests) {
            (None, false) if !arrives => {
                self.missing
                    .push(Label::NothingToWatch(row.r#ref).to_string());
            }
            _ if !said => self.unsaid = true,
            (Some(look), _) => {
                let address = format!("/api/v1/looks/{}", look.id);
                let film = (format!("{address}/film"), address);
                self.of(app, who, &row, film, Label::WatchedArriving)
                    .await?;
            }
            (None, true) => {
                let film = (format!("/clip/{exhibit}/film"), String::new());
                self.of(app, who, &row, film, Label::WatchedMasters).await?;
            }
            (None, false) => self.unsaid = true,
        }
        Ok(())
    }

    async fn of(
        &mut self,
        app: &App,
        who: &SignedIn,
        row: &ExhibitRow,
        (film, look): (String, String),
        what: Label,
    ) -> Result<(), HubError> {
        let title = match BoxCamera::parse(&row.camera) {
            Ok(camera) => title(app, who, &camera).await?,
            Err(_) => String::new(),
        };
        self.films.push(FilmView {
            camera: row.camera.clone(),
            title,
            film,
            look,
            exhibit: row.r#ref.clone(),
            from: row.t0.0,
            to: row.t1.0,
            what,
        });
        Ok(())
    }
}

async fn answer(
    app: &App,
    who: &SignedIn,
    watched: Watched,
    outcome: Outcome,
    typed: Option<Reasons>,
) -> Result<Response, Refusal> {
    let mut found = Found::default();
    for look in &watched.looks {
        found.look(app, who, look).await?;
    }
    for exhibit in &watched.exhibits {
        found.exhibit(app, who, exhibit).await?;
    }
    let asks = found.unsaid || found.films.is_empty() && !watched.cameras.is_empty();
    let nothing = !asks && found.films.is_empty();
    let shown = WatchPage {
        frame: who.frame(app, ""),
        most: Label::LooksAtMost(MOST_MINUTES),
        zone: app.hub.config.zone_name.clone(),
        problem: outcome.problem.clone(),
        typed: typed.or(found.asked).unwrap_or_default(),
        films: match asks {
            true => Vec::new(),
            false => found.films,
        },
        missing: found.missing,
        asks,
        nothing,
        watched,
    };
    let mut shown = outcome.on(&shown)?;
    // A player is fed by the page's own script.
    shown.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(guard::FILMS),
    );
    Ok(shown)
}

pub async fn show(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let watched = Watched::of(&fields);
    answer(&app, &who, watched, Outcome::default(), None).await
}

/// Says why clips are watched; each is on the log before anything of it is shown.
async fn view(
    app: &App,
    who: &SignedIn,
    watched: &Watched,
    typed: &Reasons,
) -> Result<(), HubError> {
    for exhibit in &watched.exhibits {
        let view = clips::View {
            exhibit: exhibit.clone(),
            purpose: typed.purpose.clone(),
            reference: typed.reference.clone(),
            present: Some(typed.present.clone()),
        };
        app.perform(who, view).await?;
        let (cookie, now) = (who.cookie(), app.now());
        let sessions = &app.hub.sessions;
        sessions.grant(cookie, exhibit.as_str(), typed.reason(), now);
    }
    Ok(())
}

fn span(app: &App, watched: &Watched) -> Result<(Utc, Utc), HubError> {
    let time = |text: &str| {
        let typed = app.zone().typed(text);
        typed.map_err(|why| HubError::from(Clips::TimeUnreadable { why }))
    };
    Ok((time(&watched.from)?, time(&watched.to)?))
}

/// Looks at all cameras at once: their names, and why some cannot be looked at.
async fn look(
    app: &App,
    who: &SignedIn,
    watched: &Watched,
    typed: &Reasons,
) -> Result<(Vec<String>, Vec<HubError>), HubError> {
    if watched.cameras.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let (from, to) = span(app, watched)?;
    let begun = watched.cameras.iter().map(|camera| {
        let begin = looks::Begin {
            r#box: camera.r#box.clone(),
            cam: camera.cam.clone(),
            from,
            to,
            purpose: typed.purpose.clone(),
            reference: typed.reference.clone(),
            present: Some(typed.present.clone()),
        };
        app.perform(who, begin)
    });
    let (mut names, mut refused) = (Vec::new(), Vec::new());
    for begun in join_all(begun).await {
        match begun {
            Ok(row) => names.push(row.look),
            Err(e) => refused.push(e),
        }
    }
    Ok((names, refused))
}

pub async fn begin(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Refusal> {
    let mut watched = Watched::of(&fields);
    let typed = Reasons::of(&fields);
    who.check_form(&typed.form)?;
    watched.looks.clear();
    let said = match view(&app, &who, &watched, &typed).await {
        Ok(()) => look(&app, &who, &watched, &typed).await,
        Err(e) => Err(e),
    };
    let (names, mut refused) = said.unwrap_or_else(|e| (Vec::new(), vec![e]));
    watched.looks = names;
    if refused.is_empty() {
        return Ok(Redirect::to(&watched.address()).into_response());
    }
    let first = Outcome::of(Err(refused.remove(0)))?;
    let mut outcome = first;
    for more in refused {
        let more = Outcome::of(Err(more))?.problem;
        outcome.problem = format!("{} {more}", outcome.problem);
    }
    answer(&app, &who, watched, outcome, Some(typed)).await
}
